"""How a reader keeps our mail in the first place of her mail program: three programs, two devices, in her language.

No setting of ours moves mail, and nothing here promises that it is moved: a
reader who wants our letters tells her own program so. Which program she reads
in is known by where her mail is received, and else guessed by her browser.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from listkeeper.foundation import language
from listkeeper.rendering import primary_tab

_WORDS = Path(__file__).with_name("inbox_words.toml")
_ENGLISH = {"gmail": primary_tab.ENGLISH_LABEL, "apple": "Primary", "outlook": "Focused"}
_APPLE = frozenset({"icloud.com", "me.com", "mac.com"})
_OUTLOOK = re.compile(r"(?:(?:outlook|hotmail|live)\.(?:com|[a-z]{2}|com?\.[a-z]{2})|msn\.com)")


class Program(StrEnum):
    """Where people read their mail."""

    GMAIL = "gmail"
    APPLE = "apple"
    OUTLOOK = "outlook"


@dataclass(frozen=True, slots=True)
class OnDevice:
    """What to do on one device, in order; ``picture`` is the name of a drawing, and complete without it."""

    device: str
    steps: tuple[str, ...]
    picture: str
    alt: str


@dataclass(frozen=True, slots=True)
class Help:
    """What to do in one program."""

    program: Program
    language: str
    title: str
    devices: tuple[OnDevice, ...]


def of_address(address: str) -> Program | None:
    """Return where mail to an address is read, as far as its domain tells; None for a domain of one's own."""
    domain = address.rpartition("@")[2].lower()
    if primary_tab.shown_to(address):
        return Program.GMAIL
    if domain in _APPLE:
        return Program.APPLE
    return Program.OUTLOOK if _OUTLOOK.fullmatch(domain) else None


def likely(browser: str) -> Program:
    """Return the program that comes with what somebody holds in her hands, by her browser's User-Agent."""
    if re.search(r"iPhone|iPad|Macintosh", browser):
        return Program.APPLE
    return Program.OUTLOOK if "Windows" in browser else Program.GMAIL


@cache
def of(program: Program, language_code: str) -> Help:
    """Return what to do in a program, in a reader's language, or in English when we do not speak hers."""
    code = language.known(language_code)
    words = _words()[code][program.value]
    label, name = label_of(program, code)
    devices = (_on(program, device, words, label=label, name=name) for device in ("phone", "computer"))
    return Help(program, code, words["title"], tuple(devices))


def every(language_code: str) -> list[Help]:
    """Return what to do in each of the programs."""
    return [of(program, language_code) for program in Program]


def _on(program: Program, device: str, words: dict[str, Any], **places: str) -> OnDevice:
    steps = tuple(step.format(**places) for step in words[device])
    return OnDevice(device, steps, f"{program}-{device}", words[f"{device}_picture"])


def label_of(program: Program, code: str) -> tuple[str, str]:
    """Return what a program calls its first place, with the English word in brackets and without."""
    english = _ENGLISH[program.value]
    name = primary_tab.name_of(code) if program is Program.GMAIL else labels(program).get(code, {}).get("name", english)
    return (name if name == english else f"{name} ({english})"), name


def labels(program: Program) -> dict[str, dict[str, Any]]:
    """Return what is known of a program's label, by language: its name, who says so, and whether that is sure."""
    known: dict[str, dict[str, Any]] = _words()["labels"][program.value]
    return known


@cache
def _words() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))
