"""The colours of a picture as mail programs expect them: eight bits each, grey or red-green-blue, in sRGB.

Cameras and printers note in a profile what their numbers mean. Programs that
do not read profiles show such a picture pale, or as a negative; so the numbers
are changed and the profile is left out.
"""

from __future__ import annotations

import io

from PIL import Image, ImageCms

_OPAQUE = (255, 255)
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture whose dots can be counted with: L, RGB, RGBA or CMYK; a palette is written out."""
    if picture.mode.startswith("I"):
        # Sixteen bits of grey; Pillow by itself would cut off all that is brighter than the darkest 256th.
        return picture.convert("I").point(lambda dot: dot * (1 / 256)).convert("L")
    if picture.mode in {"LA", "PA", "La", "RGBa"} or "transparency" in picture.info:
        return picture.convert("RGBA")
    if picture.mode == "1":
        return picture.convert("L")
    return picture if picture.mode in {"L", "RGB", "RGBA", "CMYK"} else picture.convert("RGB")


def plain(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return a picture of eight bits in sRGB, as L, RGB, or RGBA where something shines through."""
    if picture.mode != "RGBA":
        return _in_srgb(picture, profile)
    shines = picture.getchannel("A")
    coloured = _in_srgb(picture.convert("RGB"), profile)
    if shines.getextrema() != _OPAQUE:
        coloured.putalpha(shines)
    return coloured


def is_srgb(profile: bytes | None) -> bool:
    """Whether numbers mean what they do without a profile."""
    opened = _opened(profile)
    return opened is None or "srgb" in ImageCms.getProfileDescription(opened).lower()


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    wanted = "L" if picture.mode == "L" else "RGB"
    opened = _opened(profile)
    if opened is None or is_srgb(profile):
        return picture.convert(wanted)
    try:
        made = ImageCms.profileToProfile(picture, opened, _SRGB, outputMode="RGB")
    except ImageCms.PyCMSError:
        # A profile of something else: it says nothing about these numbers.
        made = None
    return (made or picture).convert(wanted)


def _opened(profile: bytes | None) -> ImageCms.ImageCmsProfile | None:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else None
    except (OSError, ValueError):
        return None
