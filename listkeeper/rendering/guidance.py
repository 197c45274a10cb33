"""The guidance block: in her first letters a reader is asked to keep ours in the first place of her mail program.

No setting of ours moves mail; the choice is the reader's. So this is a request,
in her language and for her program, and it ends once she has clicked, replied
or said that it is done (``sending.guided``). The words are complete without the
pictures beside them, which are ours, and the same for everybody.

The words for Gmail stand in ``primary_tab``, the others in ``guidance_words.toml``.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from listkeeper.foundation import language
from listkeeper.rendering import inbox_help, plain_text, primary_tab
from listkeeper.rendering.inbox_help import Program

LETTERS_WITH_BLOCK = primary_tab.LETTERS_WITH_BLOCK
# Behind a program: she would see its block, and is held back so that the others can be measured.
HELD = ":held"
# In a block, where the address of the reader's own page goes. No word and no address of ours holds it.
OWN_PAGE = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}own page\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
DONE = "/inbox"
# Raised when the pictures are drawn anew: mail programs keep one for ever under its address.
PICTURES = 1
PICTURE_SIZE = (150, 98)
SLOTS = (
    "language", "direction", "question", "first", "second", "first_picture", "second_picture", "done", "done_url",
)  # fmt: skip

_WORDS = Path(__file__).with_name("guidance_words.toml")
# Microsoft's names in the countries that have one. Who is missing here is asked nowhere, and nothing else happens.
_MICROSOFT = {
    "outlook": "com at be cl cz de dk es fr hu ie in it jp kr lv my ph pt sa sg sk co.id co.il co.th com.ar com.au "
    "com.br com.gr com.tr com.vn",
    "hotmail": "com be ca ch cl cz de dk es fi fr gr hu it lt lv my nl no ph rs se sg sk co.id co.il co.in co.jp co.kr "
    "co.nz co.th co.uk co.za com.ar com.au com.br com.hk com.tr com.tw com.vn",
    "live": "com at be ca ch cl cn de dk fi fr hk ie in it jp nl no ru se co.kr co.uk co.za com.ar com.au com.mx "
    "com.my com.ph com.pt com.sg",
    "msn": "com",
}
# Where each program's readers get their mail.
DOMAINS: dict[Program, frozenset[str]] = {
    Program.GMAIL: primary_tab.GMAIL_DOMAINS,
    Program.APPLE: frozenset({"icloud.com", "mac.com", "me.com"}),
    Program.OUTLOOK: frozenset(f"{name}.{end}" for name, ends in _MICROSOFT.items() for end in ends.split()),
}
_PROGRAMS = {domain: program for program, domains in DOMAINS.items() for domain in domains}


@dataclass(frozen=True, slots=True)
class Block:
    """The request as it is printed; ``first`` and ``second`` are what to do on two devices, each with a picture."""

    program: Program
    language: str
    direction: str
    question: str
    first: str
    second: str
    done: str
    devices: tuple[str, str]

    @property
    def text(self) -> str:
        """The request as one paragraph."""
        return f"{self.question} {self.first} {self.second}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Who says that the words are right for one program in one language, and whether that is sure."""

    label: str
    says: str
    verified: bool


@cache
def block(program: Program, language_code: str) -> Block:
    """Return the request in a reader's language, or in English when we do not speak hers."""
    code = language.known(language_code)
    done = str(_words()["done"][code])
    if program is Program.GMAIL:
        words = primary_tab.block(code)
        said, devices = (words.question, words.computer, words.phone), ("computer", "phone")
    else:
        label, name = inbox_help.label_of(program, code)
        own = _words()[code][program.value]
        devices = ("phone", "computer") if program is Program.APPLE else ("computer", "phone")
        first, second = (str(own[device]).format(label=label, name=name) for device in devices)
        said = (str(own["question"]), first, second)
    return Block(program, code, language.direction(code), *said, done, devices)


def key(program: Program | str, code: str) -> str:
    """Return under which name a compiled letter has a block; Gmail's are called as when there were no others."""
    return code if program == Program.GMAIL else f"{program}:{code}"


def picture(site: str, program: Program, device: str) -> str:
    """Return the address of a drawing, the same for every reader; nothing where no reader could reach it."""
    return f"{site}/guidance/{PICTURES}/{program}-{device}.png" if site else ""


def printed(block: Block, site: str) -> dict[str, str]:
    """Return what goes into the slots of a block in HTML, and is escaped there."""
    first, second = (picture(site, block.program, device) for device in block.devices)
    return {
        "language": block.language,
        "direction": block.direction,
        "question": block.question,
        "first": block.first,
        "second": block.second,
        "first_picture": first,
        "second_picture": second,
        "done": block.done,
        "done_url": f"{OWN_PAGE}{DONE}",
    }


def as_text(block: Block) -> str:
    """Return the request for the text part."""
    return f"\n{plain_text.wrapped(block.text)}\n{block.done}:\n{OWN_PAGE}{DONE}\n"


def read_in(address: str) -> Program | None:
    """Return the program whose block is for an address: by its domain, and for nobody with a domain of one's own."""
    return _PROGRAMS.get(address.rpartition("@")[2].lower())


def seen(planned: str | None, address: str) -> str:
    """Return whose block a reader sees: what was planned for her, unless she is held back or reads elsewhere by now."""
    return planned if planned and planned == read_in(address) else ""


def evidence(program: Program, code: str) -> Evidence:
    """Return what is known about a program's label in a language."""
    if program is Program.GMAIL:
        labels = primary_tab.LABELS[code]
        return Evidence(labels.primary, labels.evidence, labels.verified)
    label, _name = inbox_help.label_of(program, code)
    known = inbox_help.labels(program).get(code)
    if known is None:
        return Evidence(label, _words()["evidence"][program.value], verified=False)
    return Evidence(label, known["evidence"], known["verified"])


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))
