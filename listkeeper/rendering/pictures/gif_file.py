"""A GIF that moves, block by block (GIF89a): whole to its end, without remarks, and with nothing behind it."""

from __future__ import annotations

from collections.abc import Iterator

_HEADS = (b"GIF87a", b"GIF89a")
_HEAD = 13
_EXTENSION, _PICTURE, _END = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
# How often it is to be repeated; all else that programs leave in a GIF is about them, or about whoever drew it.
_REPEATS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def without_remarks(raw: bytes) -> bytes | None:
    """Return the GIF without comments and what other programs left in it, or None when it is not whole."""
    try:
        return b"".join(_kept(raw))
    except IndexError:
        return None


def _kept(raw: bytes) -> Iterator[bytes]:
    """Yield the blocks that are needed. Raises IndexError where the file ends too early."""
    if not raw.startswith(_HEADS):
        raise IndexError
    at = _HEAD + _table(raw[10])
    yield _part(raw, 0, at)
    while raw[at] != _END:
        end = _end_of(raw, at)
        if raw[at] == _PICTURE or _is_needed(raw, at):
            yield _part(raw, at, end)
        at = end
    yield raw[at : at + 1]


def _end_of(raw: bytes, at: int) -> int:
    match raw[at]:
        case 0x21:
            place = at + 2
        case 0x2C:
            # Place and size, its own table of colours, and how its dots are packed.
            place = at + 10 + _table(raw[at + 9]) + 1
        case _:
            raise IndexError
    # What follows comes in pieces that each begin with their length; an empty one ends it.
    while length := raw[place]:
        place += 1 + length
    return place + 1


def _is_needed(raw: bytes, at: int) -> bool:
    kind = raw[at + 1]
    return kind == _CONTROL or (kind == _APPLICATION and raw[at + 3 : at + 14] in _REPEATS)


def _table(flags: int) -> int:
    """Return the length of the table of colours that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _part(raw: bytes, at: int, end: int) -> bytes:
    found = raw[at:end]
    if len(found) != end - at:
        raise IndexError
    return found
