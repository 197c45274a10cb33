"""Selectors of style sheets, matched against a letter's elements from their right end (Selectors 4, the static part).

Known are tags, classes, ids, attributes, the four combinators and the places
among brothers and sisters. What only holds under a finger or makes a box of
its own (``:hover``, ``::before``) never holds here; all else is unread, and
whoever asks can say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from listkeeper.rendering.reading.letter_tree import Node

_IDENT = r"(?:[\w-]|[^\x00-\x7f]|\\.)++"
_PART = re.compile(
    rf"""(?P<join>\s*[>+~]\s*|\s+) | (?P<tag>\*|{_IDENT}) | \.(?P<class>{_IDENT}) | \#(?P<id>{_IDENT})
    | \[\s*(?P<name>{_IDENT})\s*(?:(?P<how>[~|^$*]?=)\s*(?P<value>"[^"]*+"|'[^']*+'|[^\]\s"']++)\s*)?[is]?\s*\]
    | (?P<state>::?[\w-]++)(?:\((?P<of>[^()]*+)\))?""",
    re.VERBOSE,
)
_STEP = re.compile(r"(?:([+-]?\d*)n)?\s*([+-]?\s*\d+)?")
_ESCAPE = re.compile(r"\\(.)")
# What holds only for a moment, for a visited link or in a field, and what is no element.
_PASSING = re.compile(
    r"::.*|:(?:hover|active|focus|focus-visible|focus-within|visited|target|checked|disabled|invalid|placeholder-shown"
    r"|before|after|first-line|first-letter)"
)
_LONGEST, _MOST_PARTS = 400, 12
# A state costs as much as several names.
_STATE_COST = 4


@dataclass(frozen=True, slots=True)
class Compound:
    """What one element must be: a tag, an id, classes, attributes, states."""

    tag: str
    ident: str
    classes: tuple[str, ...]
    attributes: tuple[tuple[str, str, str], ...]
    states: tuple[tuple[str, str], ...]
    # How much is compared.
    cost: int


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector, its compounds from the right; ``never``: it holds for no element at rest."""

    compounds: tuple[Compound, ...]
    joins: tuple[str, ...]
    weight: tuple[int, int, int]
    never: bool


class TooMuch(Exception):
    """More comparisons are needed than any letter is worth."""


@dataclass(slots=True)
class Patience:
    """How many comparisons may still be made."""

    left: int

    def spend(self, steps: int) -> None:
        """Make comparisons; raises TooMuch when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise TooMuch


@lru_cache(maxsize=2048)
def parse(text: str) -> Selector | None:
    """Return a selector, or None when it is one that is not known here."""
    if len(text) > _LONGEST:
        return None
    compounds: list[list[re.Match[str]]] = [[]]
    joins: list[str] = []
    place = 0
    while place < len(text):
        found = _PART.match(text, place)
        if found is None:
            return None
        if found["join"] is not None:
            joins.append(found["join"].strip())
            compounds.append([])
        else:
            compounds[-1].append(found)
        place = found.end()
    if not all(compounds) or len(compounds) > _MOST_PARTS:
        return None
    return _made(compounds, joins)


def matches(nodes: Sequence[Node], node: Node, selector: Selector, patience: Patience) -> bool:
    """Return whether an element is what a selector names."""
    patience.spend(selector.compounds[0].cost)
    return _fits(node, selector.compounds[0]) and _leads(nodes, node, selector, 1, patience)


def _made(compounds: list[list[re.Match[str]]], joins: list[str]) -> Selector | None:
    parts = [part for compound in compounds for part in compound]
    states = [part["state"].lower() for part in parts if part["state"]]
    never = any(_PASSING.fullmatch(state) for state in states)
    if not never and not all(_is_known(part) for part in parts if part["state"]):
        return None
    ids = sum(part["id"] is not None for part in parts)
    middle = sum(part["class"] is not None or part["name"] is not None for part in parts) + len(states)
    tags = sum(part["tag"] not in {None, "*"} for part in parts)
    turned = tuple(_compound(compound) for compound in reversed(compounds))
    return Selector(turned, tuple(reversed(joins)), (ids, middle, tags), never)


def _compound(parts: list[re.Match[str]]) -> Compound:
    return Compound(
        tag=next((part["tag"].lower() for part in parts if part["tag"] and part["tag"] != "*"), ""),
        ident=next((_plain(part["id"]) for part in parts if part["id"]), ""),
        classes=tuple(_plain(part["class"]) for part in parts if part["class"]),
        attributes=tuple(
            (part["name"].lower(), part["how"] or "", (part["value"] or "").strip("\"'"))
            for part in parts
            if part["name"]
        ),
        states=tuple((part["state"].lower(), part["of"] or "") for part in parts if part["state"]),
        cost=sum(_STATE_COST if part["state"] else 1 for part in parts),
    )


def _plain(ident: str) -> str:
    return _ESCAPE.sub(r"\1", ident)


def _leads(nodes: Sequence[Node], node: Node, selector: Selector, at: int, patience: Patience) -> bool:
    """Return whether what stands left of a compound holds as well; tried from the nearest element outwards."""
    if at == len(selector.compounds):
        return True
    for candidate in _candidates(nodes, node, selector.joins[at - 1]):
        patience.spend(selector.compounds[at].cost)
        if _fits(candidate, selector.compounds[at]) and _leads(nodes, candidate, selector, at + 1, patience):
            return True
    return False


def _candidates(nodes: Sequence[Node], node: Node, join: str) -> Iterator[Node]:
    onward = node.before if join in {"+", "~"} else node.parent
    while onward >= 0:
        yield nodes[onward]
        if join in {"+", ">"}:
            return
        onward = nodes[onward].before if join == "~" else nodes[onward].parent


def _fits(node: Node, wanted: Compound) -> bool:
    return (
        (not wanted.tag or node.tag == wanted.tag)
        and (not wanted.ident or node.get("id") == wanted.ident)
        and all(name in node.classes for name in wanted.classes)
        and all(_has(node, *attribute) for attribute in wanted.attributes)
        and all(_is(node, *state) for state in wanted.states)
    )


def _has(node: Node, name: str, how: str, value: str) -> bool:
    if name not in node.attributes:
        return False
    said = node.attributes[name]
    match how:
        case "=":
            found = said == value
        case "~=":
            found = value in said.split()
        case "|=":
            found = said == value or said.startswith(f"{value}-")
        case "^=":
            found = bool(value) and said.startswith(value)
        case "$=":
            found = bool(value) and said.endswith(value)
        case "*=":
            found = bool(value) and value in said
        case _:
            found = True
    return found


def _is_known(part: re.Match[str]) -> bool:
    state, of = part["state"].lower(), part["of"]
    match state:
        case ":root" | ":first-child" | ":last-child" | ":only-child" | ":link" | ":any-link":
            return of is None
        case ":nth-child":
            return of is not None and _step(of) is not None
        case ":not":
            inner = parse((of or "").strip())
            return inner is not None and len(inner.compounds) == 1 and not inner.never
        case _:
            return False


def _is(node: Node, state: str, of: str) -> bool:
    match state:
        case ":root":
            found = node.parent < 0
        case ":first-child":
            found = node.place == 0
        case ":last-child":
            found = node.is_last
        case ":only-child":
            found = node.place == 0 and node.is_last
        case ":link" | ":any-link":
            found = node.tag in {"a", "area"} and "href" in node.attributes
        case ":nth-child":
            every, first = _step(of) or (0, 0)
            steps = node.place + 1 - first
            found = steps == 0 if every == 0 else steps % every == 0 and steps // every >= 0
        case _:
            inner = parse(of.strip())
            found = inner is not None and not _fits(node, inner.compounds[0])
    return found


def _step(said: str) -> tuple[int, int] | None:
    """Read ``2n+1`` as every second from the first."""
    said = {"odd": "2n+1", "even": "2n"}.get(said.strip().lower(), said.strip().lower())
    found = _STEP.fullmatch(said)
    if not said or found is None:
        return None
    every = 0 if found[1] is None else int(f"{found[1]}1") if found[1] in {"", "+", "-"} else int(found[1])
    return every, int("".join((found[2] or "0").split()))
