"""A picture for letters: whatever came in, a JPEG, PNG or GIF that every mail program shows, and nothing else in it.

It stands the right way up, is at most 1,200 pixels wide (letters show it at
600), has the colours of sRGB and tells neither where nor by whom it was taken.
How many dots it has is known before one of them is made: a file of a few
kilobytes can hold a picture that no memory does.
"""

from __future__ import annotations

import hashlib
import io
import struct
import sys
import threading
import warnings
import zlib
from dataclasses import dataclass

from PIL import ExifTags, Image, UnidentifiedImageError

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.pictures import gif_file, picture_colour

LIMIT = 15 * 1024 * 1024
WIDEST, TALLEST = 1_200, 4_000
_DOTS = 50_000_000
# Readers load a GIF that moves whole, on a telephone too.
_MOVES_UP_TO = 1024 * 1024
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
_QUALITY = 82
_COLOURS = 256
# Greys that fit into four bits.
_FEW_GREYS = 16
# A drawing is kept to the dot up to this size; over it, a photograph becomes a JPEG.
_DRAWING = 100 * 1024
# How a picture stands up that was taken with the camera on its side or its head (Exif 2.32, Orientation).
_Turn = Image.Transpose
_TURNS = {
    2: _Turn.FLIP_LEFT_RIGHT, 3: _Turn.ROTATE_180, 4: _Turn.FLIP_TOP_BOTTOM, 5: _Turn.TRANSPOSE,
    6: _Turn.ROTATE_270, 7: _Turn.TRANSVERSE, 8: _Turn.ROTATE_90,
}  # fmt: skip
# What Pillow raises for files that are torn, or made to hurt.
_TORN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, RuntimeError,
         MemoryError, struct.error, zlib.error)  # fmt: skip
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
# What Pillow remarks about sloppy files is of no use to whoever brings one.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# A picture of 50 million dots takes 200 MB while it is made smaller: never two at a time.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class PictureFile:
    """A picture that is ready for letters."""

    content: bytes
    # jpg, png or gif.
    ending: str
    width: int
    height: int
    # It moved, and only its first moment is kept.
    stilled: bool = False

    @property
    def name(self) -> str:
        """The name of its file, which is made from its content."""
        return f"{hashlib.sha256(self.content).hexdigest()[:32]}.{self.ending}"


def ready(raw: bytes) -> PictureFile:
    """Return a picture as letters carry it. Raises Invalid with the reason when it is none, torn or too big."""
    if len(raw) > LIMIT:
        raise too_heavy()
    _demand_kind(raw)
    with _one_at_a_time:
        try:
            with Image.open(io.BytesIO(raw), formats=_FORMATS) as opened:
                return _made(opened, raw)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise _too_many_dots() from None
        except UnidentifiedImageError:
            raise _no_picture() from None
        except _TORN:
            raise _torn() from None


def too_heavy() -> Invalid:
    """Return what is said of a file that is too big."""
    sentence = language.text(
        "This picture is too big: %(limit)s MB is the most. Nothing was saved. Save it smaller, "
        "for example 1200 pixels wide, and choose it again.",
        limit=LIMIT // 2**20,
    )
    return Invalid("picture_too_heavy", sentence)


def _too_many_dots() -> Invalid:
    sentence = language.text(
        "This picture has more than %(most)s million pixels. Nothing was saved. Save it smaller, "
        "for example 1200 pixels wide, and choose it again.",
        most=_DOTS // 1_000_000,
    )
    return Invalid("picture_too_many_pixels", sentence)


def _no_picture() -> Invalid:
    sentence = language.text("This file is no picture that we can read. Nothing was saved; choose a JPEG or PNG.")
    return Invalid("no_picture", sentence)


def _torn() -> Invalid:
    sentence = language.text(
        "This picture is damaged, or its end is missing. Nothing was saved; copy it again, or save it anew."
    )
    return Invalid("picture_torn", sentence)


def _demand_kind(raw: bytes) -> None:
    """Raise Invalid for what people take for a picture and mail programs do not show, with what to do."""
    start = raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<") and b"<svg" in start:
        sentence = language.text("Mail programs do not show SVG. Nothing was saved; save the picture as PNG.")
        raise Invalid("picture_svg", sentence)
    if raw[4:8] == b"ftyp" and raw[8:12] in _HEIC and b"avif" not in raw[8:64]:
        sentence = language.text(
            "This is a HEIC picture, as iPhones make them, and mail programs do not show it. "
            "Nothing was saved; save it as JPEG."
        )
        raise Invalid("picture_heic", sentence)


def _made(opened: Image.Image, raw: bytes) -> PictureFile:
    if opened.width * opened.height > _DOTS:
        raise _too_many_dots()
    # A photograph may carry a second one, for its depth or its brightness: that does not move.
    moves = opened.format != "MPO" and getattr(opened, "is_animated", False)
    # Its smaller versions can be made straight from the file.
    before = opened.size
    opened.draft(opened.mode, (2 * WIDEST, 2 * WIDEST))
    opened.load()
    if moves and opened.format == "GIF" and len(raw) <= _MOVES_UP_TO and _fitting(before) == before:
        kept = gif_file.without_remarks(raw)
        if kept is None:
            raise _torn()
        return PictureFile(kept, "gif", *before)
    turn = _TURNS.get(opened.getexif().get(ExifTags.Base.Orientation, 1))
    plain = picture_colour.eight_bits(opened)
    plain = plain if turn is None else plain.transpose(turn)
    shown = picture_colour.plain(_shrunk(plain), opened.info.get("icc_profile"))
    shown.info.clear()
    untouched = turn is None and (shown.size, shown.mode) == (before, opened.mode)
    content, ending = _written(shown, opened, untouched=untouched)
    return PictureFile(content, ending, *shown.size, stilled=moves)


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size at which letters carry a picture."""
    width, height = size
    scale = min(1.0, WIDEST / width, TALLEST / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _shrunk(picture: Image.Image) -> Image.Image:
    wanted = _fitting(picture.size)
    return picture if wanted == picture.size else picture.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _written(shown: Image.Image, opened: Image.Image, *, untouched: bool) -> tuple[bytes, str]:
    """Return a picture as a file, and its ending: drawings to the dot, photographs small."""
    if opened.format in {"JPEG", "MPO"}:
        photograph = _jpeg(shown)
        if untouched and opened.format == "JPEG" and picture_colour.is_srgb(opened.info.get("icc_profile")):
            # Saved once more at its own quality, it loses nothing that can be seen.
            photograph = min(photograph, _jpeg_as_it_was(opened), key=len)
        return photograph, "jpg"
    drawing, few_colours = _png(shown)
    exact = opened.format in {"PNG", "GIF"} and (few_colours or len(drawing) <= _DRAWING)
    if shown.mode != "RGBA" and not exact:
        photograph = _jpeg(shown)
        if len(photograph) * 2 <= len(drawing):
            return photograph, "jpg"
    return drawing, "png"


def _jpeg(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return written.getvalue()


def _jpeg_as_it_was(opened: Image.Image) -> bytes:
    written = io.BytesIO()
    opened.save(written, "JPEG", quality="keep", optimize=True, progressive=True, comment=b"")
    return written.getvalue()


def _png(picture: Image.Image) -> tuple[bytes, bool]:
    """Return a picture as PNG, and whether it is one of few colours, which then are a palette."""
    few = _with_palette(picture)
    written = io.BytesIO()
    # With thousands of colours, trying everything takes seconds and wins a hundredth.
    (few or picture).save(written, "PNG", optimize=few is not None)
    return written.getvalue(), few is not None


def _with_palette(picture: Image.Image) -> Image.Image | None:
    """Return the very same dots with a palette, or None when they have too many colours for one."""
    if picture.getcolors(_FEW_GREYS if picture.mode == "L" else _COLOURS) is None:
        return None
    dots = memoryview(picture.convert("RGBA").tobytes()).cast("I")
    numbers = {dot: number for number, dot in enumerate(sorted(set(dots)))}
    made = Image.frombytes("P", picture.size, bytes(map(numbers.__getitem__, dots)))
    colours = b"".join(dot.to_bytes(4, sys.byteorder) for dot in numbers)
    if picture.mode == "RGBA":
        made.putpalette(colours, "RGBA")
    else:
        made.putpalette(b"".join(colours[at : at + 3] for at in range(0, len(colours), 4)))
    return made
