"""Starter consent texts, one per language; the owner reads and owns what is published.

Each holds what the law asks of a consent sentence: who writes (controller),
what (content), how often (frequency), and how to stop (withdrawal). They are
data, not interface words: a published text is a row that never changes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StarterText:
    """Sentences with ``{controller}`` and ``{list}`` places."""

    title: str
    body: str
    button_label: str
    withdrawal: str
    thank_you: str


STARTERS: dict[str, StarterText] = {
    "en": StarterText(
        "Get {list}",
        "Yes please: {controller} may send me {list} by e-mail, with news and offers, at most once a week.",
        "Sign me up",
        "I can stop at any time, with one click, by the link in every mail.",
        "Thank you. You are on the list.",
    ),
    "da": StarterText(
        "Få {list}",
        "Ja tak: {controller} må sende mig {list} på e-mail med nyheder og tilbud, højst en gang om ugen.",
        "Tilmeld mig",
        "Jeg kan altid framelde mig med ét klik på linket i hver mail.",
        "Tak. Du er med på listen.",
    ),
    "nb": StarterText(
        "Få {list}",
        "Ja takk: {controller} kan sende meg {list} på e-post med nyheter og tilbud, høyst én gang i uken.",
        "Meld meg på",
        "Jeg kan når som helst melde meg av med ett klikk på lenken i hver e-post.",
        "Takk. Du er med på listen.",
    ),
    "sv": StarterText(
        "Få {list}",
        "Ja tack: {controller} får skicka {list} till mig via e-post med nyheter och erbjudanden, "
        "högst en gång i veckan.",
        "Anmäl mig",
        "Jag kan när som helst avsluta med ett klick på länken i varje mejl.",
        "Tack. Du är med på listan.",
    ),
    "pl": StarterText(
        "Otrzymuj {list}",
        "Tak, chcę otrzymywać od {controller} {list} e-mailem: nowości i oferty, najwyżej raz w tygodniu.",
        "Zapisz mnie",
        "Mogę zrezygnować w każdej chwili jednym kliknięciem w link w każdej wiadomości.",
        "Dziękujemy. Jesteś na liście.",
    ),
    "ru": StarterText(
        "Получать {list}",
        "Да, я согласен(на) получать от {controller} рассылку «{list}» по электронной почте: новости и предложения, "
        "не чаще раза в неделю.",
        "Подписаться",
        "Я могу отписаться в любой момент одним нажатием на ссылку в каждом письме.",
        "Спасибо. Вы в списке.",
    ),
    "de": StarterText(
        "{list} erhalten",
        "Ja bitte: {controller} darf mir {list} per E-Mail mit Neuigkeiten und Angeboten senden, "
        "höchstens einmal pro Woche.",
        "Anmelden",
        "Ich kann mich jederzeit mit einem Klick auf den Link in jeder E-Mail abmelden.",
        "Danke. Sie stehen auf der Liste.",
    ),
}
