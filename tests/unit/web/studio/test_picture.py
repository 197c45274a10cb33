"""Pictures: whole PNG and JPEG files alone, cleaned of what a picture does not need, named by their content."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation.errors import Invalid
from listkeeper.web.studio import picture


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*extra: bytes, width: int = 2, height: int = 2) -> bytes:
    rows = b"".join(b"\x00" + b"\xff\x00\x00" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def segment(kind: int, data: bytes) -> bytes:
    return bytes((0xFF, kind)) + struct.pack(">H", len(data) + 2) + data


def jpeg(*extra: bytes, width: int = 8, height: int = 8) -> bytes:
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\x34\xff\x00\x56"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\x00") + b"".join(extra) + frame + scan + b"\xff\xd9"


def test_a_png_is_kept_under_the_name_of_its_content(tmp_path: Path) -> None:
    name = picture.keep(tmp_path / "media", png())
    assert name.endswith(".png")
    assert (tmp_path / "media" / name).read_bytes() == png()
    assert picture.keep(tmp_path / "media", png()) == name
    assert [path.name for path in (tmp_path / "media").iterdir()] == [name]


def test_a_jpeg_is_kept(tmp_path: Path) -> None:
    name = picture.keep(tmp_path, jpeg())
    assert name.endswith(".jpg")
    assert (tmp_path / name).read_bytes() == jpeg()


def test_what_tells_about_its_maker_is_left_out(tmp_path: Path) -> None:
    told = png(chunk(b"tEXt", b"Author\x00somebody"), chunk(b"eXIf", b"place"))
    assert (tmp_path / picture.keep(tmp_path, told)).read_bytes() == png()
    told = jpeg(segment(0xE1, b"Exif\x00\x00place"), segment(0xFE, b"comment"))
    assert (tmp_path / picture.keep(tmp_path, told)).read_bytes() == jpeg()


def test_what_follows_the_end_is_cut_off(tmp_path: Path) -> None:
    hidden = b"<script>alert(1)</script>"
    assert (tmp_path / picture.keep(tmp_path, png() + hidden)).read_bytes() == png()
    assert (tmp_path / picture.keep(tmp_path, jpeg() + hidden)).read_bytes() == jpeg()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GIF89a" + bytes(40),
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html>",
        png()[:-20],
        png()[:30],
        png().replace(b"IDAT", b"IDAX"),
        png(width=4001),
        png(height=0),
        jpeg()[:-2],
        jpeg()[:12],
        jpeg(width=0),
        jpeg(height=5000),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff",
    ],
)
def test_anything_else_is_refused_and_nothing_is_stored(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(Invalid):
        picture.keep(tmp_path, raw)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_chunk_is_refused(tmp_path: Path) -> None:
    damaged = bytearray(png())
    damaged[20] ^= 1
    with pytest.raises(Invalid):
        picture.keep(tmp_path, bytes(damaged))


def test_a_picture_may_not_be_too_big(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="200 KB"):
        picture.keep(tmp_path, png(chunk(b"iCCP", bytes(picture.LIMIT))))


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fall_over(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    folder = tmp_path_factory.mktemp("media")
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", png()[:40], jpeg()[:24]):
        with pytest.raises(Invalid):
            picture.keep(folder, start + tail)
    assert list(folder.iterdir()) == []
