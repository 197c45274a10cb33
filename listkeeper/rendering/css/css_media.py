"""Whether a rule's conditions hold on one screen: its width, and light or dark (Media Queries 4, what letters use).

None means that nobody can say beforehand, such as how fine a screen is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_FEATURE = re.compile(r"\(\s*([a-z-]+)\s*(?::\s*([^():]{1,40}))?\s*\)")
_RANGE = re.compile(r"\(\s*width\s*([<>]=?)\s*([0-9]{1,6}(?:\.[0-9]+)?)px\s*\)")
_LENGTH = re.compile(r"([0-9]{1,6}(?:\.[0-9]+)?)\s*(px|em|rem|)")
_EM = 16.0
_LONGEST = 300


class Screen(NamedTuple):
    """What a letter is looked at on."""

    dark: bool
    width: int


@lru_cache(maxsize=1024)
def holds(heads: tuple[str, ...], screen: Screen) -> bool | None:
    """Return whether all at-rules around a rule hold; None when that depends on what is not known."""
    found = [_holds(head.lower(), screen) for head in heads]
    if False in found:
        return False
    return None if None in found else True


def depends_on_width(heads: tuple[str, ...]) -> bool:
    """Return whether the at-rules around a rule ask for the width of the screen."""
    return any("width" in head.lower() for head in heads)


def _holds(head: str, screen: Screen) -> bool | None:
    if not head.startswith("@media") or len(head) > _LONGEST:
        return None
    found = [_query(query.strip(), screen) for query in head.removeprefix("@media").split(",")]
    if True in found:
        return True
    return None if None in found else False


def _query(query: str, screen: Screen) -> bool | None:
    query = query.removeprefix("only ").strip()
    turned = query.startswith("not ")
    parts = [part.strip() for part in query.removeprefix("not ").split(" and ")]
    found = [_part(part, screen) for part in parts]
    if False in found:
        return turned
    if None in found:
        return None
    return not turned


def _part(part: str, screen: Screen) -> bool | None:
    if not part.startswith("("):
        # print, speech, and names that only one program answers to
        return part in {"all", "screen", ""}
    ranged = _RANGE.fullmatch(part)
    if ranged:
        wide, limit = screen.width, float(ranged[2])
        return {"<": wide < limit, "<=": wide <= limit, ">": wide > limit, ">=": wide >= limit}[ranged[1]]
    feature = _FEATURE.fullmatch(part)
    return _feature(feature[1], (feature[2] or "").strip(), screen) if feature else None


def _feature(name: str, value: str, screen: Screen) -> bool | None:
    limit = _px(value)
    match name:
        case "prefers-color-scheme":
            return value in ("dark", "") if screen.dark else value == "light"
        case "min-width" | "min-device-width" if limit is not None:
            return screen.width >= limit
        case "max-width" | "max-device-width" if limit is not None:
            return screen.width <= limit
        case _:
            return None


def _px(said: str) -> float | None:
    found = _LENGTH.fullmatch(said)
    return float(found[1]) * (_EM if found[2] in {"em", "rem"} else 1.0) if found else None
