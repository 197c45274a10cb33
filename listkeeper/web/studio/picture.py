"""A picture from a stranger's disk: taken only when it is a PNG or JPEG through and through.

The file is walked block by block; blocks that a picture does not need (place,
camera, comments, hidden text) are left out, and whatever follows its end is
cut off. What is stored is named by its content.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import zlib
from pathlib import Path

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

LIMIT = 200 * 1024
_LARGEST_SIDE = 4000
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB", b"cHRM", b"iCCP", b"pHYs"})
_JPEG = b"\xff\xd8\xff"
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SCAN, _END = 0xDA, 0xD9
# JFIF, colour profile and Adobe's colour note are needed to show it right; the rest tells about its maker.
_APP_KEPT = frozenset({0xE0, 0xE2, 0xEE})
_APP = range(0xE0, 0xF0)
_COMMENT = 0xFE


def keep(folder: Path, raw: bytes) -> str:
    """Store a cleaned picture and return its name. Raises Invalid and stores nothing when it is none."""
    if len(raw) > LIMIT:
        raise Invalid(
            "picture_too_big",
            language.text("This picture is too big. Nothing was saved; %(limit)s KB is the most.", limit=LIMIT // 1024),
        )
    try:
        clean, ending = _cleaned(raw)
    except (struct.error, IndexError):
        raise _no_picture() from None
    name = f"{hashlib.sha256(clean).hexdigest()[:32]}.{ending}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{secrets.token_hex(8)}"
    draft.write_bytes(clean)
    draft.replace(folder / name)
    return name


def _cleaned(raw: bytes) -> tuple[bytes, str]:
    if raw.startswith(_PNG):
        return _clean_png(raw), "png"
    if raw.startswith(_JPEG):
        return _clean_jpeg(raw), "jpg"
    raise _no_picture()


def _no_picture() -> Invalid:
    return Invalid(
        "no_picture",
        language.text("This file is not a whole PNG or JPEG picture. Nothing was saved; please choose another."),
    )


def _fits(width: int, height: int) -> None:
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        raise _no_picture()


def _clean_png(raw: bytes) -> bytes:
    """Walk the chunks (PNG section 5): length, type, data, checksum."""
    kept, at, first, seen = [_PNG], len(_PNG), True, set()
    while True:
        (length,) = struct.unpack_from(">I", raw, at)
        kind, data = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", raw, at + 8 + length)
        if len(data) != length or zlib.crc32(kind + data) != checksum or first is not (kind == b"IHDR"):
            raise _no_picture()
        if first:
            _fits(*struct.unpack_from(">II", data, 0))
        if kind in _PNG_KEPT:
            kept.append(raw[at : at + 12 + length])
        seen.add(kind)
        first, at = False, at + 12 + length
        if kind == b"IEND":
            break
    if b"IDAT" not in seen:
        raise _no_picture()
    return b"".join(kept)


def _clean_jpeg(raw: bytes) -> bytes:
    """Walk the segments up to the first scan (ITU-T T.81 annex B), then take the rest up to the end mark."""
    kept, at, framed = [raw[:2]], 2, False
    while True:
        if raw[at] != 0xFF:  # noqa: PLR2004 - every marker begins so
            raise _no_picture()
        kind = raw[at + 1]
        (length,) = struct.unpack_from(">H", raw, at + 2)
        whole = raw[at : at + 2 + length]
        if len(whole) != length + 2:
            raise _no_picture()
        if kind in _FRAMES:
            height, width = struct.unpack_from(">HH", whole, 5)
            _fits(width, height)
            framed = True
        if kind == _SCAN:
            break
        if (kind not in _APP or kind in _APP_KEPT) and kind != _COMMENT:
            kept.append(whole)
        at += 2 + length
    end = raw.rfind(bytes((0xFF, _END)))
    if not framed or end < at:
        raise _no_picture()
    return b"".join([*kept, raw[at : end + 2]])
