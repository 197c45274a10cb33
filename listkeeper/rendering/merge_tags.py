"""Merge tags: where they stand in a letter, which names they use, and what is wrong with them.

``scan`` cuts a text the way Liquid itself does. ``examine`` is for the check
panel and finds everything; ``demand_sound`` is for compiling and stops at the
first tag that must not travel.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter
from typing import assert_never

from liquid.exceptions import LiquidError
from liquid.lex import compile_liquid_rules
from liquid.static_analysis import TemplateAnalysis, Variable

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import document, personalise
from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import Mode

LINK_NAMES = (
    "links.unsubscribe",
    "links.preferences",
    "links.web_view",
    # "How is it going?": each leads to a page with a button.
    "links.fine",
    "links.question",
    "links.problem",
    # "Keep my letters coming": leads to the page that renews a consent.
    "links.renew",
)
SYSTEM_NAMES = ("sender.name", "letter.subject", *LINK_NAMES)
BASIC_PROFILE_NAMES = ("first_name", "name", "city")
ROOTS = ("subscriber", "sender", "letter", "links")

# What no owner writes by hand: a poll's answers, each with its block and its number.
_POLLED = re.compile(r"links\.poll_b[0-9a-f]{10}_\d")
_RULES = compile_liquid_rules()
_OPENS = {"if": "endif", "unless": "endunless", "case": "endcase", "for": "endfor"}
_MIDDLES = {"else": ("if", "unless", "case", "for"), "elsif": ("if", "unless"), "when": ("case",)}
_NAMING = re.compile(r"\{%-?\s*(?:assign|for)\s+([\w-]+)")


class Part(StrEnum):
    """Which field of the letter a tag stands in."""

    SUBJECT = "subject"
    PREHEADER = "preheader"
    MARKDOWN = "markdown"
    HTML = "html"
    BLOCK = "block"


class Fault(StrEnum):
    """What can be wrong with a merge tag. Only NO_FALLBACK lets the letter be compiled."""

    BROKEN = "broken"
    NOT_CLOSED = "not_closed"
    UNKNOWN_NAME = "unknown_name"
    UNKNOWN_FILTER = "unknown_filter"
    TAKEN_NAME = "taken_name"
    NO_FALLBACK = "no_fallback"


@dataclass(frozen=True, slots=True)
class Tag:
    """One ``{{ … }}`` or ``{% … %}``, with its place in the text."""

    source: str
    start: int
    end: int
    line: int
    name: str | None
    """The word after ``{%``; None for an output."""
    block: str = ""
    """The block it stands in; ``line`` is then which block that is, from 1."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say about a merge tag; ``subject`` is the name or filter it is about."""

    fault: Fault
    part: Part
    line: int
    tag: str
    subject: str
    block: str = ""

    @property
    def place(self) -> str:
        """What the composer jumps to: a field, or the name of a block."""
        return self.block or {Part.MARKDOWN: "letter", Part.HTML: "letter"}.get(self.part, self.part.value)

    @property
    def sentence(self) -> str:
        """One plain sentence for the owner."""
        place = {
            Part.SUBJECT: language.text("The subject"),
            Part.PREHEADER: language.text("The preheader"),
            Part.BLOCK: language.text("Block %(number)s", number=self.line),
        }.get(self.part) or language.text("Line %(line)s", line=self.line)
        return _sentences()[self.fault] % {"place": place, "tag": self.tag, "subject": self.subject}


def where(tag: Tag) -> str:
    """Return in words where a tag stands."""
    if tag.block:
        return language.text("Block %(number)s", number=tag.line)
    return language.text("Line %(line)s", line=tag.line)


def scan(source: str) -> list[Tag]:
    """Return the tags of a text in order. A broken text may have tags that are not found."""
    return list(_scan(source))


def _scan(source: str) -> Iterator[Tag]:
    line, seen = 1, 0
    for match in _RULES.finditer(source):
        if match.lastgroup == "content":
            continue
        line += source.count("\n", seen, match.start())
        seen = match.start()
        name = None if match.lastgroup == "output" else match.group("name") or str(match.lastgroup).lower()
        yield Tag(match.group(), match.start(), match.end(), line, name)


def names_in(source: str) -> frozenset[str]:
    """Return the dotted names a text uses from outside itself; an unreadable text has none."""
    try:
        analysis = personalise.parse(source, html=False).analyze()
    except LiquidError:
        return frozenset()
    return frozenset(str(variable) for group in analysis.globals.values() for variable in group)


def pairs(tags: Iterable[Tag]) -> list[list[int]]:
    """Return the positions of tags that belong together; raises ValueError(position) for one without a partner."""
    open_blocks: list[tuple[str, list[int]]] = []
    done: list[list[int]] = []
    for position, tag in enumerate(tags):
        if tag.name in _OPENS:
            open_blocks.append((tag.name, [position]))
        elif tag.name in _MIDDLES:
            if not open_blocks or open_blocks[-1][0] not in _MIDDLES[tag.name]:
                raise ValueError(position)
            open_blocks[-1][1].append(position)
        elif tag.name in _OPENS.values():
            if not open_blocks or _OPENS[open_blocks[-1][0]] != tag.name:
                raise ValueError(position)
            done.append([*open_blocks.pop()[1], position])
    if open_blocks:
        raise ValueError(open_blocks[-1][1][0])
    return done


def examine(letter: Letter, profile_names: Collection[str] = ()) -> list[Remark]:
    """Return everything to be said about the merge tags of a letter.

    ``profile_names`` are the keys this list keeps about its subscribers, beside
    the basic ones.
    """
    known = known_names(profile_names)
    found = []
    for part, text, block, number in texts(letter):
        remarks = _remarks(part, text, known)
        found += [replace(each, block=block, line=number) for each in remarks] if block else remarks
    return found


def texts(letter: Letter) -> Iterator[tuple[Part, str, str, int]]:
    """Return every text of a letter that may hold tags: its part, the text, and its block with that block's place."""
    yield Part.SUBJECT, letter.subject, "", 0
    yield Part.PREHEADER, letter.preheader, "", 0
    match letter.mode:
        case Mode.MARKDOWN:
            yield Part.MARKDOWN, letter.markdown, "", 0
        case Mode.HTML:
            yield Part.HTML, letter.html, "", 0
        case Mode.BLOCKS:
            for number, block in enumerate(letter.blocks, 1):
                yield from ((Part.BLOCK, text, block.id, number) for _field, text in document.texts(block))
        case other:
            assert_never(other)


def leads_to_own_page(names: Collection[str]) -> bool:
    """Return whether names are those of addresses that a reader's letter has for her alone."""
    return bool(names) and all(name in LINK_NAMES or _POLLED.fullmatch(name) for name in names)


def known_names(profile_names: Collection[str] = ()) -> frozenset[str]:
    """Return every dotted name a letter may use."""
    people = (f"subscriber.{name}" for name in (*BASIC_PROFILE_NAMES, *profile_names))
    return frozenset((*SYSTEM_NAMES, *people))


def takes_a_root(source: str) -> bool:
    """Return whether a text gives one of the roots a new meaning, which no letter that was checked does."""
    return any(naming[1] in ROOTS for naming in _NAMING.finditer(source))


def demand_sound(letter: Letter, profile_names: Collection[str] = ()) -> None:
    """Raise Invalid at the first tag that is broken or asks for something unknown."""
    for remark in examine(letter, profile_names):
        if remark.fault is not Fault.NO_FALLBACK:
            raise Invalid(f"merge_tag_{remark.fault}", remark.sentence, place=remark.place)


def _remarks(part: Part, source: str, known: frozenset[str]) -> list[Remark]:
    if "{" not in source:
        return []
    tags = scan(source)
    for tag in tags:
        if tag.name in {"raw", "doc"}:
            return [Remark(Fault.BROKEN, part, tag.line, tag.source, f"{tag.name} is not a tag of letters")]
    try:
        pairs(tags)
    except ValueError as error:
        tag = tags[error.args[0]]
        return [Remark(Fault.NOT_CLOSED, part, tag.line, tag.source, str(tag.name))]
    try:
        analysis = personalise.parse(source, html=False).analyze()
    except LiquidError as error:
        return [_broken(part, source, tags, error)]
    remarks = [
        *_about_filters(part, tags, analysis),
        *_about_names(part, tags, analysis, known - {"letter.subject"} if part is Part.SUBJECT else known),
        *_about_fallbacks(part, tags, analysis),
    ]
    return sorted(remarks, key=lambda remark: remark.line)


def _broken(part: Part, source: str, tags: list[Tag], error: LiquidError) -> Remark:
    place = error.token.start_index if error.token else -1
    for tag in tags:
        if tag.start <= place < tag.end or (place < 0 and not _readable(tag)):
            return Remark(Fault.BROKEN, part, tag.line, tag.source, str(error.message))
    line = source.count("\n", 0, max(place, 0)) + 1
    return Remark(Fault.BROKEN, part, line, source[place : place + 40].split("\n", maxsplit=1)[0], str(error.message))


def _readable(tag: Tag) -> bool:
    """Return whether an output can be read by itself; of an empty one Liquid does not say where it stands."""
    try:
        personalise.parse(tag.source if tag.name is None else "", html=False)
    except LiquidError:
        return False
    return True


def _about_filters(part: Part, tags: list[Tag], analysis: TemplateAnalysis) -> Iterator[Remark]:
    for name, spans in analysis.filters.items():
        if name not in personalise.FILTERS:
            for span in spans:
                yield _remark(Fault.UNKNOWN_FILTER, part, tags, span.index, name)


def _about_names(part: Part, tags: list[Tag], analysis: TemplateAnalysis, known: frozenset[str]) -> Iterator[Remark]:
    for tag in tags:
        naming = _NAMING.match(tag.source)
        if naming and naming[1] in ROOTS:
            yield Remark(Fault.TAKEN_NAME, part, tag.line, tag.source, naming[1])
    for variable in _each(analysis.globals):
        if str(variable) not in known:
            yield _remark(Fault.UNKNOWN_NAME, part, tags, variable.span.index, str(variable))


def _about_fallbacks(part: Part, tags: list[Tag], analysis: TemplateAnalysis) -> Iterator[Remark]:
    """Find outputs that would leave a hole when the subscriber has not told us."""
    with_default = {_at(tags, span.index) for span in analysis.filters.get("default", [])}
    used: dict[int, set[str]] = {}
    for variable in _each(analysis.globals):
        used.setdefault(_at(tags, variable.span.index), set()).add(str(variable))
    asked: list[set[str]] = []
    for position, tag in enumerate(tags):
        names = used.get(position, set())
        if tag.name in {"if", "case", "unless", "for"}:
            asked.append(names if tag.name in {"if", "case"} else set())
        elif tag.name in {"elsif", "else"}:
            asked[-1] = names
        elif tag.name in _OPENS.values():
            asked.pop()
        elif tag.name in {None, "assign"} and position not in with_default:
            for name in sorted(names - set().union(*asked)):
                if name.startswith("subscriber."):
                    yield Remark(Fault.NO_FALLBACK, part, tag.line, tag.source, name)


def _each(groups: dict[str, list[Variable]]) -> Iterator[Variable]:
    for variables in groups.values():
        yield from variables


def _remark(fault: Fault, part: Part, tags: list[Tag], place: int, subject: str) -> Remark:
    tag = tags[_at(tags, place)]
    return Remark(fault, part, tag.line, tag.source, subject)


def _at(tags: Sequence[Tag], place: int) -> int:
    """Return which tag holds a place that is known to lie in one."""
    return bisect_right(tags, place, key=attrgetter("start")) - 1


def _sentences() -> dict[Fault, str]:
    return {
        Fault.BROKEN: language.text("%(place)s: the merge tag %(tag)s cannot be read (%(subject)s)."),
        Fault.NOT_CLOSED: language.text("%(place)s: the merge tag %(tag)s has no partner that opens or closes it."),
        Fault.UNKNOWN_NAME: language.text("%(place)s: %(tag)s asks for %(subject)s, which nobody knows."),
        Fault.UNKNOWN_FILTER: language.text("%(place)s: %(tag)s uses %(subject)s, which does not exist."),
        Fault.TAKEN_NAME: language.text("%(place)s: %(tag)s gives %(subject)s a new meaning. Choose another name."),
        Fault.NO_FALLBACK: language.text(
            "%(place)s: %(tag)s leaves a hole when %(subject)s is not known. Give it a word to fall back on."
        ),
    }
