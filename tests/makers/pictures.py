"""Pictures as cameras, printers and attackers make them: real bytes, and always the same ones."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

from PIL import ExifTags, Image, ImageDraw

# A camera on its side: the scene's left side is red, and what the file says is its top is not.
HELD_SIDEWAYS = 6


def written(picture: Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own options
    """Return a picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    """Return a picture that is whole."""
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def scene(width: int = 400, height: int = 300) -> Image.Image:
    """Return something like a photograph: light from one side, and no two dots beside each other quite alike."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    lit = Image.merge("RGB", (across, down, Image.radial_gradient("L").resize((width, height))))
    rough = grain(width // 8, height // 8).resize((width, height), Image.Resampling.BICUBIC)
    return Image.blend(lit, rough, 0.3)


def grain(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return what no file can make small."""
    chance = random.Random(8)
    return Image.frombytes(mode, (width, height), chance.randbytes(width * height * len(mode)))


def drawing(width: int = 200, height: int = 100) -> Image.Image:
    """Return a logo: two colours on white, with hard edges."""
    made = Image.new("RGB", (width, height), "#ffffff")
    pen = ImageDraw.Draw(made)
    pen.rectangle((10, 10, width // 2, height - 10), fill="#7a4b2a")
    pen.rectangle((width // 2 + 4, 10, width - 10, height - 10), fill="#17614c")
    return made


def whereabouts(turned: int = 1) -> Image.Exif:
    """Return what a telephone writes into a photograph: where it was, who made it, how it was held."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turned
    exif[ExifTags.Base.Artist] = "Somebody"
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (55.0, 40.0, 34.0), 3: "E", 4: (12.0, 34.0, 6.0)}
    return exif


def moving(width: int = 60, height: int = 40, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own options
    """Return a GIF of three moments."""
    first, *rest = [Image.new("RGB", (width, height), colour) for colour in ("red", "green", "blue")]
    return written(first, "GIF", save_all=True, append_images=rest, loop=0, duration=100, **options)


def heavy() -> bytes:
    """Return a GIF that moves and is bigger than a megabyte."""
    first, *rest = [Image.frombytes("P", (640, 640), random.Random(seed).randbytes(640 * 640)) for seed in range(3)]
    for moment in (first, *rest):
        moment.putpalette(random.Random(8).randbytes(768))
    return written(first, "GIF", save_all=True, append_images=rest, optimize=False)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few hundred bytes that says it is this big."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(200_000))), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
