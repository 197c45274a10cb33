"""Which mail programs show what a letter uses: each of its elements, properties and rules against caniemail.com.

The table (``client_support.json``) is made of the npm package ``caniemail`` by
``web/assets/client_support.mjs``; it holds what each program does in its newest
version that was tested. Where nobody has tested, the verdict is unknown, and a
letter is not called safe for it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from listkeeper.rendering.reading import letter_tree, letter_uses
from listkeeper.rendering.reading.letter_uses import Use

_FILE = Path(__file__).resolve().with_suffix(".json")
MAIN = (
    "gmail.desktop-webmail", "gmail.ios", "gmail.android",
    "apple-mail.ios", "apple-mail.macos",
    "outlook.windows", "outlook.outlook-com", "outlook.macos", "outlook.ios", "outlook.android",
    "yahoo.desktop-webmail", "yahoo.ios", "yahoo.android",
)  # fmt: skip
"""The programs that nearly every list has readers in; what one of these lacks is worth a sentence."""

# What a program may lack and readers still get every word, link and picture in its place; each with the reason.
_LOOKS = "Only looks: without it every word, link and picture is where it was."
_INLINED = "What it selects for all programs is also written into the elements, before the letter goes out."
_ALOUD = "It helps those who are read to; who lacks it loses nothing on the screen."
_PRESSED = "It shows only under a mouse or a finger."
PROGRESSIVE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "css-border-radius", "css-box-shadow", "css-cursor", "css-letter-spacing", "css-outline",
            "css-outline-offset", "css-text-shadow", "css-text-decoration-color", "css-text-decoration-style",
            "css-text-decoration-thickness", "css-text-underline-offset", "css-text-underline-position",
            "css-transition", "css-font-kerning", "css-hyphens",
        ),
        _LOOKS,
    ),
    **dict.fromkeys(
        (
            "css-selector-adjacent-sibling", "css-selector-attribute", "css-selector-chaining", "css-selector-child",
            "css-selector-class", "css-selector-descendant", "css-selector-general-sibling", "css-selector-grouping",
            "css-selector-id", "css-selector-type", "css-selector-universal", "css-pseudo-class-first-child",
            "css-pseudo-class-last-child", "css-pseudo-class-link", "html-style",
        ),
        _INLINED,
    ),
    **dict.fromkeys(
        (
            "html-aria-describedby", "html-aria-hidden", "html-aria-label", "html-aria-labelledby", "html-role",
            "html-lang", "html-semantics",
        ),
        _ALOUD,
    ),
    **dict.fromkeys(
        ("css-pseudo-class-hover", "css-pseudo-class-active", "css-pseudo-class-focus", "css-pseudo-class-visited"),
        _PRESSED,
    ),
    "css-at-font-face": "The next font of the list is shown.",
    "css-sytem-ui": "The next font of the list is shown.",
    "css-at-media": "It is for phones, and the program that lacks it runs on none.",
    "css-at-media-prefers-color-scheme": "The light side is shown, or turned round as the preview shows it.",
    "css-color-scheme": "It only says that there is a dark side; the light one is shown, or turned round.",
    "html-meta-color-scheme": "It only says that there is a dark side; the light one is shown, or turned round.",
    "css-comments": "Nothing of it is shown.",
    "html-comments": "Nothing of it is shown.",
    "css-height": "Yahoo takes it as the least height.",
    "css-overflow-wrap": "Only a word longer than a line sticks out.",
    "css-word-break": "Only a word longer than a line sticks out.",
    "css-word-wrap": "Only a word longer than a line sticks out.",
    "html-body": "Programs on the web put a letter into their own page; only its own colour and margins may be lost.",
    "html-target": "Mail programs open links in a window of their own anyway.",
    "html-doctype": "Programs on the web have a document type of their own.",
}  # fmt: skip
"""What is fine in any letter."""
OUR_LAYOUT: Mapping[str, str] = {
    "css-border-spacing": "The table has cellspacing=0 as well.",
    "css-max-height": "It helps to hide the preheader, which display:none hides.",
    "css-opacity": "It helps to hide the preheader, which display:none hides.",
    "css-overflow": "It helps to hide the preheader, which display:none hides.",
    "css-max-width": "Outlook gets a table 600 pixels wide in a conditional comment.",
    "css-white-space": "It is for code, which stands in an element that keeps its lines.",
}
"""What our own pages do deliberately, because they bring what is shown instead."""
_MUCH = 1 / 3


class Verdict(StrEnum):
    """What a program does with a feature."""

    YES = "y"
    PARTLY = "a"
    NO = "n"
    UNKNOWN = "u"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature as the table has it."""

    slug: str
    title: str
    by_client: Mapping[str, Verdict]
    # Notes with the programs they are on.
    notes: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Something in a letter that one of the main programs does not show."""

    slug: str
    title: str
    where: str
    clients_without: tuple[str, ...]
    clients_partly: tuple[str, ...]
    clients_unknown: tuple[str, ...]
    # The share of the main programs that do not show it.
    share: float
    note: str

    @property
    def severity(self) -> Severity:
        """How many readers it may concern: a warning when a third of the main programs lack it."""
        return Severity.WARN if self.share >= _MUCH else Severity.INFO

    @property
    def sentence(self) -> str:
        """What is not shown where, in words."""
        said = [
            language.text("“%(what)s” is ignored by %(clients)s.", what=self.title, clients=_told(self.clients_without))
        ]
        if self.clients_partly:
            said.append(language.text("It works in part in %(clients)s.", clients=_told(self.clients_partly)))
        if self.clients_unknown:
            said.append(language.text("Nobody has tried it in %(clients)s.", clients=_told(self.clients_unknown)))
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class _Table:
    """The whole table."""

    source: str
    updated: str
    names: Mapping[str, str]
    features: Mapping[str, Feature]


@cache
def table() -> _Table:
    """Return the table that ships, read once per process."""
    read = json.loads(_FILE.read_text(encoding="utf-8"))
    clients = list(read["clients"])
    features = {}
    for slug, said in read["features"].items():
        by_client = dict(zip(clients, map(Verdict, said["stats"]), strict=True))
        notes = tuple((text, frozenset(clients[place] for place in places)) for text, places in said.get("notes", ()))
        features[slug] = Feature(slug, said["title"], by_client, notes)
    return _Table(read["source"], read["updated"], read["clients"], features)


def _told(names: Sequence[str]) -> str:
    """Return names of programs as one; a family that is there with all its programs is named once."""
    said: dict[str, None] = {}
    for name in names:
        family = _families()[name.partition(" (")[0]]
        said[name.partition(" (")[0] if family <= set(names) else name] = None
    return language.listed(list(said))


@cache
def _families() -> Mapping[str, frozenset[str]]:
    """Return the main programs by their family."""
    found: dict[str, set[str]] = defaultdict(set)
    for client in MAIN:
        name = table().names[client]
        found[name.partition(" (")[0]].add(name)
    return {family: frozenset(names) for family, names in found.items()}


def verdicts(html: str, css: str = "") -> Mapping[Use, Mapping[str, Verdict]]:
    """Return for everything a letter uses what each program does with it; what nobody has tested is unknown."""
    features, nothing = table().features, dict.fromkeys(table().names, Verdict.UNKNOWN)
    return {
        use: features[use.feature].by_client if use.feature in features else nothing
        for use in letter_uses.of(letter_tree.of(html), css)
    }


def examine(html: str, css: str = "", ignore: Collection[str] = frozenset(PROGRESSIVE)) -> list[Unsupported]:
    """Return what in a letter at least one of the main programs does not show, the most missed first.

    ``css`` is a style sheet beside the letter; ``ignore`` are slugs that are
    accepted: ``PROGRESSIVE`` alone for HTML of the owner's own, and with
    ``OUR_LAYOUT`` for letters on a page of ours.
    """
    places: dict[str, str] = {}
    for use, where in letter_uses.of(letter_tree.of(html), css).items():
        if use.kind != letter_uses.RESET:
            places.setdefault(use.feature, where)
    found = [_judged(slug, where) for slug, where in places.items() if slug not in ignore]
    return sorted((one for one in found if one is not None), key=lambda one: (-one.share, one.slug))


def _judged(slug: str, where: str) -> Unsupported | None:
    sides = _sides(slug)
    if sides is None:
        return None
    title, without, partly, unknown, note = sides
    share = len(without) / (len(MAIN) - len(unknown))
    return Unsupported(slug, title, where, without, partly, unknown, share, note)


@lru_cache(maxsize=512)
def _sides(slug: str) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], str] | None:
    """Return the main programs that lack a feature, have a part of it, and are unknown; None when none lacks it."""
    read = table()
    feature = read.features.get(slug)
    if feature is None:
        return None
    named = {
        verdict: tuple(read.names[client] for client in MAIN if feature.by_client[client] is verdict)
        for verdict in Verdict
    }
    if not named[Verdict.NO]:
        return None
    lacking = {client for client in MAIN if feature.by_client[client] in {Verdict.NO, Verdict.PARTLY}}
    note = " ".join(text for text, clients in feature.notes if clients & lacking)
    return feature.title, named[Verdict.NO], named[Verdict.PARTLY], named[Verdict.UNKNOWN], note
