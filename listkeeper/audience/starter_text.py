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

AGE: dict[str, str] = {
    "en": "I am {age} years old or older.",
    "da": "Jeg er {age} år eller ældre.",
    "nb": "Jeg er {age} år eller eldre.",
    "sv": "Jag är {age} år eller äldre.",
    "pl": "Mam ukończone {age} lat.",
    "ru": "Мне исполнилось {age} лет.",
    "de": "Ich bin {age} Jahre alt oder älter.",
}
"""The sentence on age of a list that asks for one, with an ``{age}`` place."""

PERSONAL_DATA: dict[str, tuple[str, str]] = {
    "en": (
        "I agree that {controller} processes my personal data, which is my e-mail address, to send me {list}.",
        "I can withdraw this at any time, with one click, by the link in every mail.",
    ),
    "da": (
        (
            "Jeg siger ja til, at {controller} behandler mine personoplysninger, nemlig min e-mailadresse, "
            "for at sende mig {list}."
        ),
        "Jeg kan altid trække det tilbage med ét klik på linket i hver mail.",
    ),
    "nb": (
        (
            "Jeg sier ja til at {controller} behandler mine personopplysninger, nemlig e-postadressen min, "
            "for å sende meg {list}."
        ),
        "Jeg kan når som helst trekke det tilbake med ett klikk på lenken i hver e-post.",
    ),
    "sv": (
        (
            "Jag säger ja till att {controller} behandlar mina personuppgifter, nämligen min e-postadress, "
            "för att skicka {list} till mig."
        ),
        "Jag kan när som helst ta tillbaka det med ett klick på länken i varje mejl.",
    ),
    "pl": (
        "Zgadzam się, aby {controller} przetwarzał moje dane osobowe, czyli adres e-mail, w celu wysyłania mi {list}.",
        "Mogę wycofać tę zgodę w każdej chwili jednym kliknięciem w link w każdej wiadomości.",
    ),
    "ru": (
        (
            "Я даю согласие на обработку моих персональных данных: {controller} хранит и использует мой адрес "
            "электронной почты, чтобы присылать мне рассылку «{list}»."
        ),
        "Я могу отозвать согласие в любой момент одним нажатием на ссылку в каждом письме.",
    ),
    "de": (
        (
            "Ich bin damit einverstanden, dass {controller} meine personenbezogenen Daten, nämlich meine "
            "E-Mail-Adresse, verarbeitet, um mir {list} zu senden."
        ),
        "Ich kann das jederzeit mit einem Klick auf den Link in jeder E-Mail widerrufen.",
    ),
}
"""The separate consent to use personal data, and how it is taken back."""

TRACKING: dict[str, tuple[str, str, str]] = {
    "en": (
        (
            "{controller} may see which e-mails of “{list}” I open and which links I follow. They then hold a small "
            "picture and lead through its own server, which notes the e-mail or link, the time and the kind of "
            "program, but no IP address."
        ),
        "I can stop that at any time, and the e-mails come all the same.",
        "You may see what I open and which links I follow",
    ),
    "da": (
        (
            "{controller} må se, hvilke mails fra “{list}” jeg åbner, og hvilke links jeg følger. De indeholder så et "
            "lille billede og går gennem deres egen server, der noterer mailen eller linket, tidspunktet og typen af "
            "program, men ingen IP-adresse."
        ),
        "Jeg kan stoppe det når som helst, og mails kommer alligevel.",
        "I må se, hvad jeg åbner, og hvilke links jeg følger",
    ),
    "nb": (
        (
            "{controller} kan se hvilke e-poster fra «{list}» jeg åpner, og hvilke lenker jeg følger. De inneholder da "
            "et lite bilde og går gjennom deres egen server, som noterer e-posten eller lenken, tidspunktet og typen "
            "program, men ingen IP-adresse."
        ),
        "Jeg kan stoppe det når som helst, og e-postene kommer likevel.",
        "Dere kan se hva jeg åpner, og hvilke lenker jeg følger",
    ),
    "sv": (
        (
            "{controller} får se vilka mejl från ”{list}” jag öppnar och vilka länkar jag följer. De innehåller då en "
            "liten bild och går via deras egen server, som noterar mejlet eller länken, tiden och typen av program, "
            "men ingen IP-adress."
        ),
        "Jag kan stoppa det när som helst, och mejlen kommer ändå.",
        "Ni får se vad jag öppnar och vilka länkar jag följer",
    ),
    "pl": (
        (
            "{controller} może widzieć, które wiadomości z listy „{list}” otwieram i które linki wybieram. Wiadomości "
            "zawierają wtedy mały obrazek, a linki prowadzą przez serwer tego nadawcy, który zapisuje wiadomość lub "
            "link, czas i rodzaj programu, ale nie adres IP."
        ),
        "Mogę to w każdej chwili wyłączyć, a wiadomości będą przychodzić tak samo.",
        "Możecie widzieć, co otwieram i które linki wybieram",
    ),
    "ru": (
        (
            "{controller} может видеть, какие письма рассылки «{list}» я открываю и по каким ссылкам перехожу. Тогда в "
            "письмах есть маленькая картинка; ссылки ведут через собственный сервер отправителя: он записывает письмо "
            "или ссылку, время и вид программы, но не IP-адрес."
        ),
        "Это можно прекратить в любой момент; письма будут приходить по-прежнему.",
        "Можно видеть, что я открываю и по каким ссылкам перехожу",
    ),
    "de": (
        (
            "{controller} darf sehen, welche E-Mails von „{list}“ ich öffne und welchen Links ich folge. Sie enthalten "
            "dann ein kleines Bild und führen über den eigenen Server des Absenders, der die E-Mail oder den Link, die "
            "Zeit und die Art des Programms notiert, aber keine IP-Adresse."
        ),
        "Ich kann das jederzeit beenden, und die E-Mails kommen trotzdem.",
        "Sie dürfen sehen, was ich öffne und welchen Links ich folge",
    ),
}
"""The consent to see what is opened and which links are followed: what it is, that it ends any time, and the button."""

COUNTING: dict[str, tuple[str, str, str]] = {
    "en": (
        (
            "{controller} may count the e-mails of “{list}” that I open and the links that I follow, as numbers only. "
            "They then hold a small picture and lead through its own server under a random number. It notes the time "
            "and the kind of program, no name and no IP address, and forgets the random number after a day."
        ),
        (
            "I can stop that at any time, and the e-mails come all the same. Those that I have already go on being "
            "counted."
        ),
        "You may count, without my name",
    ),
    "da": (
        (
            "{controller} må tælle, hvilke mails fra “{list}” der bliver åbnet, og hvilke links der bliver fulgt, kun "
            "som tal. De indeholder så et lille billede og går gennem deres egen server under et tilfældigt nummer. "
            "Den noterer tidspunktet og typen af program, intet navn og ingen IP-adresse, og glemmer det tilfældige "
            "nummer efter et døgn."
        ),
        (
            "Jeg kan stoppe det når som helst, og mails kommer alligevel. De mails, jeg allerede har fået, bliver "
            "stadig talt."
        ),
        "I må tælle, uden mit navn",
    ),
    "nb": (
        (
            "{controller} kan telle hvilke e-poster fra «{list}» som blir åpnet, og hvilke lenker som blir fulgt, bare "
            "som tall. De inneholder da et lite bilde og går gjennom deres egen server under et tilfeldig nummer. Den "
            "noterer tidspunktet og typen program, ikke navn og ingen IP-adresse, og glemmer det tilfeldige nummeret "
            "etter et døgn."
        ),
        "Jeg kan stoppe det når som helst, og e-postene kommer likevel. De jeg allerede har fått, blir fortsatt talt.",
        "Dere kan telle, uten navnet mitt",
    ),
    "sv": (
        (
            "{controller} får räkna vilka mejl från ”{list}” som öppnas och vilka länkar som följs, endast som "
            "siffror. De innehåller då en liten bild och går via deras egen server under ett slumpat nummer. Den "
            "noterar tiden och typen av program, inget namn och ingen IP-adress, och glömmer det slumpade numret "
            "efter ett dygn."
        ),
        "Jag kan stoppa det när som helst, och mejlen kommer ändå. De som jag redan har fått räknas även sedan.",
        "Ni får räkna, utan mitt namn",
    ),
    "pl": (
        (
            "{controller} może liczyć, które wiadomości z listy „{list}” otwieram i które linki wybieram, wyłącznie "
            "jako liczby. Wiadomości zawierają wtedy mały obrazek, a linki prowadzą przez serwer tego nadawcy pod "
            "losowym numerem. Zapisuje on czas i rodzaj programu, bez nazwiska i bez adresu IP, a losowy numer "
            "zapomina po dobie."
        ),
        (
            "Mogę to w każdej chwili wyłączyć, a wiadomości będą przychodzić tak samo. Te, które już mam, będą nadal "
            "liczone."
        ),
        "Możecie liczyć, bez mojego nazwiska",
    ),
    "ru": (
        (
            "{controller} может подсчитывать, какие письма рассылки «{list}» открыты и по каким ссылкам перешли, "
            "только в виде чисел. Тогда в письмах есть маленькая картинка; ссылки ведут через собственный сервер "
            "отправителя под случайным номером. Он записывает время и вид программы, без имени и без IP-адреса, "
            "и забывает случайный номер через сутки."
        ),
        (
            "Это можно прекратить в любой момент; письма будут приходить по-прежнему. Уже полученные письма будут "
            "подсчитываться и дальше."
        ),
        "Можно считать, без моего имени",
    ),
    "de": (
        (
            "{controller} darf zählen, welche E-Mails von „{list}“ ich öffne und welchen Links ich folge, nur als "
            "Zahlen. Sie enthalten dann ein kleines Bild und führen unter einer Zufallszahl über den eigenen Server "
            "des Absenders. Er notiert die Zeit und die Art des Programms, keinen Namen und keine IP-Adresse, und "
            "vergisst die Zufallszahl nach einem Tag."
        ),
        "Ich kann das jederzeit beenden, und die E-Mails kommen trotzdem. Die ich schon habe, werden weiter gezählt.",
        "Sie dürfen zählen, ohne meinen Namen",
    ),
}
"""The consent to be counted without a name: what it is, that it ends for all that is still to come, and the button."""

RENEWAL: dict[str, str] = {
    "en": "Keep my letters coming",
    "da": "Bliv ved med at sende mig mails",
    "nb": "Fortsett å sende meg e-post",
    "sv": "Fortsätt att skicka mig mejl",
    "pl": "Chcę dalej otrzymywać te wiadomości",
    "ru": "Присылайте мне письма и дальше",
    "de": "Ja, weiter E-Mails an mich",
}
"""The button under which a yes is said once more."""
