"""Style sheets and ``style`` attributes taken apart: which rules, under which conditions, declare what.

One pass over the text (CSS Syntax 3 as far as a letter needs it), so that a
sheet of any shape takes time in proportion to its length. Nothing raises: what
is no rule is left out, as browsers leave it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

_STOPS = re.compile(
    r"""/\*.*?(?:\*/|\Z)
    | "(?:[^"\\\n]|\\.)*+"? | '(?:[^'\\\n]|\\.)*+'? | url\([^"'()]*+\)? | <!-- | --> | \\. | [{};]""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_COMMAS = re.compile(r"""\[[^\]]*+\]? | \([^)]*+\)? | "[^"]*+"? | '[^']*+'? | \\. | (,)""", re.VERBOSE | re.DOTALL)
_NAME = re.compile(r"-{0,2}[a-z_][a-z0-9_-]*+")
_GROUPS = ("@media", "@supports", "@layer", "@container", "@document", "@scope", "@starting-style")
# Deeper than anybody nests; what lies deeper is said to be unread.
_DEEPEST = 24
# What is longer is read anew each time, so that what is kept stays small.
_SHORT = 2000


class Declaration(NamedTuple):
    """One property with its value; ``loud`` is ``!important``."""

    name: str
    value: str
    loud: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One style rule, with the at-rules it stands in, the outermost first; ``nested`` lies in another rule."""

    selectors: tuple[str, ...]
    declarations: tuple[Declaration, ...]
    within: tuple[str, ...] = ()
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A style sheet: its rules, the heads of all its at-rules; ``cut``: some of it lay too deep to be read."""

    rules: tuple[Rule, ...] = ()
    at_rules: tuple[str, ...] = ()
    has_comments: bool = False
    cut: bool = False


@lru_cache(maxsize=64)
def read(css: str, media: str = "") -> Sheet:
    """Return a style sheet taken apart; ``media`` is the attribute of its ``<style>`` element."""
    reader = _Reader((f"@media {media}",) if media.strip() else ())
    for text, stop in _stopped(css):
        reader.turn(stop, text)
    return Sheet(tuple(reader.rules), tuple(reader.at_rules), "/*" in css, reader.cut)


def declarations(style: str) -> tuple[Declaration, ...]:
    """Return what a ``style`` attribute declares."""
    return _kept(style) if len(style) <= _SHORT else tuple(_declared(style))


def selectors(head: str) -> tuple[str, ...]:
    """Return the selectors before a rule's brace, parted at their commas."""
    return tuple(part for part in _parted(head) if part)


class _Frame(NamedTuple):
    """What is open: a group of rules, a rule, or what holds nothing for us."""

    kind: str
    head: str
    said: list[Declaration]


@dataclass
class _Reader:
    """The braces that are open, and what has been read."""

    within: tuple[str, ...]
    rules: list[Rule] = field(default_factory=list)
    at_rules: list[str] = field(default_factory=list)
    cut: bool = False
    _open: list[_Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Count the media of the sheet itself as an at-rule."""
        self.at_rules += self.within

    def turn(self, stop: str, text: str) -> None:
        """Take what stands before a brace, a semicolon or the end of the sheet."""
        match stop:
            case "{":
                self._begin(text)
            case "}":
                self._end(text)
            case _:
                self._say(text)
        while not stop and self._open:
            self._end("")

    def _begin(self, head: str) -> None:
        inside = self._open[-1].kind if self._open else "group"
        if len(self._open) >= _DEEPEST:
            self.cut = True
            kind = "inert"
        elif head.startswith("@"):
            self.at_rules.append(head)
            kind = "group" if head.lower().startswith(_GROUPS) and inside != "inert" else "inert"
        else:
            kind = {"group": "rule", "rule": "nested", "nested": "nested"}.get(inside, "inert")
        self._open.append(_Frame(kind, head, []))

    def _say(self, text: str) -> None:
        if text.startswith("@"):
            self.at_rules.append(text)
        elif text and self._open and self._open[-1].kind in {"rule", "nested"}:
            self._open[-1].said.extend(_declaration(text))

    def _end(self, text: str) -> None:
        self._say(text)
        if not self._open:
            return
        ended = self._open.pop()
        if ended.kind in {"rule", "nested"} and ended.said:
            groups = tuple(frame.head for frame in self._open if frame.kind == "group")
            nested = ended.kind == "nested"
            self.rules.append(Rule(selectors(ended.head), tuple(ended.said), (*self.within, *groups), nested))


_TURNS = frozenset("{};")


@lru_cache(maxsize=4096)
def _kept(style: str) -> tuple[Declaration, ...]:
    return tuple(_declared(style))


def _declared(style: str) -> Iterator[Declaration]:
    if any(char in style for char in "\"'(/\\{}"):
        parts = (text for text, _ in _stopped(style))
    else:
        parts = (part.strip() for part in style.split(";"))
    for part in parts:
        yield from _declaration(part)


def _stopped(css: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before each brace and semicolon, with that, its comments taken out; at last what is left."""
    said, start = [], 0
    for stop in _STOPS.finditer(css):
        found = stop[0]
        if found in _TURNS or found.startswith(("/*", "<!--", "-->")):
            said.append(css[start : stop.start()])
            start = stop.end()
        if found in _TURNS:
            yield "".join(said).strip(), found
            said = []
    yield "".join([*said, css[start:]]).strip(), ""


def _declaration(text: str) -> Iterator[Declaration]:
    name, colon, value = text.partition(":")
    name = name.strip()
    if not name.startswith("--"):
        name = name.lower()
    if not colon or not _NAME.fullmatch(name.lower()):
        return
    value = value.strip()
    before, mark, after = value.rpartition("!")
    if mark and after.strip().lower() == "important":
        yield Declaration(name, before.strip(), loud=True)
    elif value:
        yield Declaration(name, value, loud=False)


def _parted(head: str) -> Iterator[str]:
    if not any(char in head for char in "[(\"'\\"):
        yield from (part.strip() for part in head.split(","))
        return
    start = 0
    for comma in _COMMAS.finditer(head):
        if comma[1]:
            yield head[start : comma.start()].strip()
            start = comma.end()
    yield head[start:].strip()
