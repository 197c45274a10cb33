"""One way to write a value as JSON, so that its hash means the value (RFC 8785, the JSON Canonicalization Scheme).

Of JSON's values only text, whole numbers, objects and lists are let in. A
float has more than one spelling in most programs, ``true`` and ``null`` are
numbers or nothing to some, and a whole number beyond 2**53 - 1 (section 3.2.2.3
and appendix D) changes in any reader that counts in doubles: what could be read
two ways cannot be proved, and is refused with ValueError.

Python's own encoder already writes text as section 3.2.2.2 asks (the short
escapes, the long ones in lower case, everything else as it is), which the tests
prove; what is added here is the order of the names (section 3.2.3, by UTF-16
code units), the refusals, and UTF-8.
"""

from __future__ import annotations

import json

GREATEST = 2**53 - 1
DEEPEST = 32

_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def dumps(value: object) -> bytes:
    """Return the canonical bytes of text, whole numbers, objects and lists.

    Raises ValueError for anything else: floats, booleans, None, numbers beyond
    ``GREATEST``, names that are no text, half of a surrogate pair, more than
    ``DEEPEST`` levels.
    """
    return _write(_ordered(value, DEEPEST)).encode("utf-8")


def loads_strict(data: bytes) -> object:
    """Return the value that these bytes are the canonical form of; ValueError when they are nobody's."""
    try:
        value = json.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("The JSON is nested too deeply to be read.") from None
    if dumps(value) != data:
        raise ValueError("The JSON is not in its canonical form (RFC 8785).")
    return value


def _ordered(value: object, levels: int) -> object:
    """Return the value with every object's names in order, or say what it may not hold."""
    kind = type(value)
    if kind is dict:
        return _object(value, levels)  # type: ignore[arg-type]
    if kind is str:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if not -GREATEST <= value <= GREATEST:
            raise ValueError("A whole number beyond 2**53 - 1 has no canonical form.")
        return value
    if isinstance(value, list):
        if not levels:
            raise ValueError(f"Canonical JSON goes at most {DEEPEST} levels deep.")
        return [_ordered(one, levels - 1) for one in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return _object(value, levels)
    raise ValueError(f"A value of the kind {kind.__name__} has no canonical form here.")


def _object(value: dict[object, object], levels: int) -> dict[str, object]:
    if not levels:
        raise ValueError(f"Canonical JSON goes at most {DEEPEST} levels deep.")
    try:
        names: list[str] = sorted(value)  # type: ignore[arg-type]
        plain = "".join(names).isascii()
    except TypeError:
        raise ValueError("The names of a JSON object are text.") from None
    if not plain:
        # Python sorts by code points; above U+FFFF that is another order than that of UTF-16.
        names.sort(key=lambda name: name.encode("utf-16-be"))
    ordered: dict[str, object] = {}
    for name in names:
        one = value[name]
        # The kinds a record is made of, without another call.
        if type(one) is str or (type(one) is int and -GREATEST <= one <= GREATEST):
            ordered[name] = one
        else:
            ordered[name] = _ordered(one, levels - 1)
    return ordered
