"""The words of the Gmail block: a reader is asked to move our letters to the first tab.

No setting of ours moves mail; the choice is the reader's, and Google learns
from it. So this is a request, in the reader's language. Who is asked, and when
that ends, is decided when a letter is planned (``sending.guided``).

The labels are data with their evidence, because Google translates and renames
them. A text names the tab in two ways: by its label, with the English one in
brackets, and by its place.
"""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.foundation import language

GMAIL_DOMAINS = frozenset({"gmail.com", "googlemail.com"})
LETTERS_WITH_BLOCK = 3
ENGLISH_LABEL = "Primary"
SOURCE = "support.google.com/mail/answer/3094499"
CHECKED = "2026-11"


@dataclass(frozen=True, slots=True)
class TabLabels:
    """What Gmail calls its tabs in one language; None where nobody could be found who knows."""

    primary: str
    promotions: str | None
    evidence: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Words:
    """The request in one language, in three sentences; ``{label}`` is the tab, with English in brackets."""

    question: str
    computer: str
    phone: str


@dataclass(frozen=True, slots=True)
class Block:
    """The request as it is printed."""

    language: str
    direction: str
    question: str
    computer: str
    phone: str

    @property
    def text(self) -> str:
        """The request for the text part, as one paragraph."""
        return f"{self.question} {self.computer} {self.phone}"


LABELS = {
    "en": TabLabels("Primary", "Promotions", f"Google's own pages, {SOURCE}", verified=True),
    "de": TabLabels("Allgemein", "Werbung", "press 2013 and 2025, and a mail client's German file", verified=True),
    "pl": TabLabels("Główne", "Oferty", "ecomail.pl 2025; a machine translation says Promocje", verified=True),
    "ru": TabLabels("Несортированные", "Промоакции", "a mail client's Russian file, unofficial", verified=False),
    "da": TabLabels("Primær", None, "one machine-translated article", verified=False),
    "nb": TabLabels("Primær", None, "machine-translated articles", verified=False),
    "sv": TabLabels("Primär", "Kampanjer", "getanewsletter.com", verified=True),
}

WORDS = {
    "en": Words(
        "Reading this in Gmail?",
        "Drag this mail to the first tab, {label}, and answer Yes when Gmail asks about future messages.",
        "On a phone: open the mail, tap the three dots, Move to, {name}.",
    ),
    "da": Words(
        "Læser du med i Gmail?",
        "Træk denne mail til første fane, {label}, og svar Ja, når Gmail spørger om fremtidige mails.",
        "På mobilen: åbn mailen, tryk på de tre prikker, Flyt til, {name}.",
    ),
    "nb": Words(
        "Leser du i Gmail?",
        "Dra denne e-posten til den første fanen, {label}, og svar Ja når Gmail spør om fremtidige e-poster.",
        "På mobilen: åpne e-posten, trykk på de tre prikkene, Flytt til, {name}.",
    ),
    "pl": Words(
        "Czytasz w Gmailu?",
        "Przeciągnij tę wiadomość na pierwszą kartę, {label}, i odpowiedz Tak, gdy Gmail zapyta o przyszłe wiadomości.",
        "W telefonie: otwórz wiadomość, dotknij trzech kropek, Przenieś do, {name}.",
    ),
    "ru": Words(
        "Читаете в Gmail?",
        "Перетащите это письмо на первую вкладку, {label}, и ответьте «Да», когда Gmail спросит о следующих письмах.",
        "На телефоне: откройте письмо, нажмите на три точки, «Переместить в», {name}.",
    ),
    "de": Words(
        "Lesen Sie in Gmail?",
        "Ziehen Sie diese E-Mail auf den ersten Tab, {label}, und bestätigen Sie mit Ja, wenn Gmail nach künftigen "
        "Nachrichten fragt.",
        "Am Handy: E-Mail öffnen, auf die drei Punkte tippen, Verschieben nach, {name}.",
    ),
    "sv": Words(
        "Läser du i Gmail?",
        "Dra det här mejlet till den första fliken, {label}, och svara Ja när Gmail frågar om framtida mejl.",
        "I mobilen: öppna mejlet, tryck på de tre prickarna, Flytta till, {name}.",
    ),
}
_QUOTES = {"ru": ("«", "»")}


def shown_to(address: str) -> bool:
    """Return whether mail to an address is read in Gmail: at Gmail's own domains, and nowhere else."""
    name, _, domain = address.rpartition("@")
    return bool(name) and domain.lower() in GMAIL_DOMAINS


def name_of(code: str) -> str:
    """Return what Gmail calls its first tab in a language we speak, as a sentence holds it."""
    before, after = _QUOTES.get(code, ("", ""))
    return f"{before}{LABELS[code].primary}{after}"


def block(language_code: str) -> Block:
    """Return the request in a reader's language, or in English when we do not speak hers."""
    code = language.known(language_code)
    name = name_of(code)
    label = name if LABELS[code].primary == ENGLISH_LABEL else f"{name} ({ENGLISH_LABEL})"
    words = WORDS[code]
    computer, phone = words.computer.format(label=label), words.phone.format(name=name)
    return Block(code, language.direction(code), words.question, computer, phone)
