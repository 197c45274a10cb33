"""JSON as programs must send it: one UTF-8 object, no field twice, nothing that a database would choke on."""

from __future__ import annotations

import json
from typing import NoReturn

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# The deepest body there is has a list of marks in it; the rest is somebody trying us out.
_DEPTH = 8


def loads(body: bytes | str, **_options: object) -> dict[str, object]:
    """Return the one object of a body. Raises Invalid; werkzeug's request calls this."""
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
        _look_over(value, _DEPTH)
    except (ValueError, RecursionError):
        # From None: what the parser says may quote the body, and a body holds an address.
        raise Invalid(
            "not_json", language.text("The body must be one JSON object in UTF-8 (RFC 8259). Nothing was changed.")
        ) from None
    if not isinstance(value, dict):
        raise Invalid(
            "not_json", language.text("The body must be one JSON object in UTF-8 (RFC 8259). Nothing was changed.")
        )
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a field stands there twice")
    return made


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _look_over(value: object, depth: int) -> None:
    if depth == 0:
        raise ValueError("too deep")
    match value:
        case str():
            # PostgreSQL stores no NUL, and half a character (a lone surrogate) is no text.
            if "\0" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)):
                raise ValueError("no text")
        case dict():
            for name, held in value.items():
                _look_over(name, depth)
                _look_over(held, depth - 1)
        case list():
            for held in value:
                _look_over(held, depth - 1)
        case _:
            return
