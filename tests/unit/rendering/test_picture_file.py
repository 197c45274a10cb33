"""Pictures for letters: the right way up, small, in colours that all programs show, telling nothing of their maker."""

from __future__ import annotations

import random
import struct

import pytest
from PIL import Image, ImageChops, ImageCms

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.pictures import picture_file
from tests.makers import pictures
from tests.makers.pictures import drawing, opened, scene, written


def _differ(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one.convert("RGBA"), other.convert("RGBA")).getbbox(alpha_only=False) is not None


def _far_from(content: bytes, wanted: Image.Image) -> float:
    """Return how far the dots are from what they should be, on average."""
    found = opened(content).convert("RGB")
    histogram = ImageChops.difference(found, wanted.resize(found.size)).convert("L").histogram()
    return sum(value * number for value, number in enumerate(histogram)) / sum(histogram)


def test_a_photograph_of_a_telephone_tells_nothing_stands_up_and_fits() -> None:
    lying = scene(1600, 1000).transpose(Image.Transpose.ROTATE_90)
    exif = pictures.whereabouts(pictures.HELD_SIDEWAYS)
    raw = written(lying, "JPEG", quality=95, exif=exif, comment=b"Somebody was here")
    assert b"Somebody" in raw
    made = picture_file.ready(raw)
    assert (made.ending, made.width, made.height) == ("jpg", 1200, 750)
    assert len(made.content) < len(raw) / 2
    shown = opened(made.content)
    assert (shown.size, dict(shown.getexif())) == ((1200, 750), {})
    assert set(shown.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    assert b"Somebody" not in made.content
    assert _far_from(made.content, scene(1600, 1000)) < 3


@pytest.mark.parametrize("turned", range(1, 9))
def test_however_the_camera_was_held_the_scene_stands_up(turned: int) -> None:
    corner = Image.new("RGB", (80, 40), "white")
    corner.paste("red", (0, 0, 20, 20))
    # What a camera would have written that was held so: the way back of what makes it right.
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    held = corner.transpose(back[turned]) if turned in back else corner
    made = picture_file.ready(written(held, "PNG", exif=pictures.whereabouts(turned)))
    assert not _differ(opened(made.content), corner)


def test_a_small_photograph_is_not_made_worse_and_the_same_file_has_the_same_name() -> None:
    raw = written(scene(), "JPEG", quality=40, comment=b"hidden")
    made = picture_file.ready(raw)
    assert (made.width, made.height) == (400, 300)
    assert len(made.content) <= len(raw)
    assert not _differ(opened(made.content), opened(raw)) or _far_from(made.content, opened(raw)) < 1
    assert b"hidden" not in made.content
    assert made.name == picture_file.ready(raw).name
    assert made.name.endswith(".jpg")


def test_a_drawing_stays_as_it_is_to_the_dot_with_the_few_colours_it_has() -> None:
    for raw in (written(drawing(), "PNG"), written(drawing(), "GIF"), written(drawing().quantize(4), "PNG")):
        made = picture_file.ready(raw)
        shown = opened(made.content)
        assert (made.ending, shown.mode) == ("png", "P")
        assert not _differ(shown, drawing())
        assert len(made.content) <= len(written(drawing(), "PNG", optimize=True))


def test_what_shines_through_still_does() -> None:
    soft = pictures.grain(60, 40, "RGBA")
    made = picture_file.ready(written(soft, "PNG"))
    assert (made.ending, _differ(opened(made.content), soft)) == ("png", False)
    clear = drawing()
    clear.putalpha(clear.convert("L").point(lambda dot: 0 if dot == 255 else 255))
    made = picture_file.ready(written(clear, "WEBP", lossless=True, exact=True))
    assert opened(made.content).mode == "P"
    assert not _differ(opened(made.content), clear)
    one_of_them = drawing().quantize(4)
    made = picture_file.ready(written(one_of_them, "GIF", transparency=0))
    assert opened(made.content).convert("RGBA").getchannel("A").getextrema() == (0, 255)


def test_a_photograph_as_png_becomes_a_jpeg_only_where_that_is_clearly_smaller() -> None:
    big = scene(640, 400)
    assert picture_file.ready(written(big, "PNG")).ending == "jpg"
    assert picture_file.ready(written(big.convert("RGBA"), "PNG")).ending == "jpg"
    assert picture_file.ready(written(scene(200, 100), "PNG")).ending == "png"
    assert not _differ(opened(picture_file.ready(written(scene(200, 100), "PNG")).content), scene(200, 100))


@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"quality": 80}), ("AVIF", {"quality": 80, "speed": 10})])
def test_what_mail_programs_do_not_show_becomes_a_jpeg(kind: str, options: dict[str, int]) -> None:
    raw = written(scene(), kind, exif=pictures.whereabouts(), **options)
    made = picture_file.ready(raw)
    assert made.ending == "jpg"
    assert dict(opened(made.content).getexif()) == {}
    assert _far_from(made.content, scene()) < 4


def test_colours_for_printers_and_sixteen_bits_are_shown_as_they_look() -> None:
    printed = picture_file.ready(written(scene().convert("CMYK"), "JPEG", quality=95))
    assert opened(printed.content).mode == "RGB"
    assert _far_from(printed.content, scene()) < 4
    fine = Image.frombytes("I;16", (256, 2), b"".join(struct.pack("<H", dot << 8) for dot in [*range(256)] * 2))
    made = picture_file.ready(written(fine, "PNG"))
    assert [opened(made.content).convert("L").getpixel((dot, 0)) for dot in (0, 1, 100, 255)] == [0, 1, 100, 255]
    for mode in ("1", "L", "LA", "P"):
        assert picture_file.ready(written(drawing().convert(mode), "PNG")).ending == "png"


def test_a_profile_is_followed_and_left_out() -> None:
    # In this profile red means what is blue elsewhere.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    strange = bytearray(profile.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be")))
    entries = range(132, 132 + 12 * struct.unpack_from(">I", strange, 128)[0], 12)
    places = {bytes(strange[at : at + 4]): slice(at + 4, at + 12) for at in entries}
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    strange[red], strange[blue] = strange[blue], strange[red]
    raw = written(Image.new("RGB", (40, 40), (255, 0, 0)), "PNG", icc_profile=bytes(strange))
    made = picture_file.ready(raw)
    assert "icc_profile" not in opened(made.content).info
    assert opened(made.content).convert("RGB").getpixel((20, 20)) == (0, 0, 255)
    for useless in (b"no profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), profile):
        plain = picture_file.ready(written(Image.new("RGB", (40, 40), (255, 0, 0)), "PNG", icc_profile=useless))
        assert opened(plain.content).convert("RGB").getpixel((20, 20)) == (255, 0, 0)


def test_a_gif_that_moves_goes_on_moving_up_to_a_megabyte_without_what_was_hidden_in_it() -> None:
    raw = pictures.moving(comment=b"Somebody drew this") + b"<script>alert(1)</script>"
    made = picture_file.ready(raw)
    shown = opened(made.content)
    assert (made.ending, made.stilled) == ("gif", False)
    assert (getattr(shown, "n_frames", 1), shown.info["loop"]) == (3, 0)
    assert b"Somebody" not in made.content
    assert b"script" not in made.content


def test_a_gif_that_is_too_heavy_or_too_wide_keeps_its_first_moment_and_says_so() -> None:
    heavy = pictures.heavy()
    assert len(heavy) > 1024 * 1024
    for raw in (heavy, pictures.moving(1300, 20)):
        made = picture_file.ready(raw)
        assert (made.ending, made.stilled) == ("png", True)
        assert not getattr(opened(made.content), "is_animated", False)
    assert picture_file.ready(written(drawing(), "WEBP", save_all=True, append_images=[scene(200, 100)])).stilled


def test_a_photograph_with_a_second_one_for_its_depth_does_not_move() -> None:
    made = picture_file.ready(written(scene(), "MPO", save_all=True, append_images=[scene()]))
    assert (made.ending, made.stilled) == ("jpg", False)


def test_it_is_never_wider_or_higher_than_a_letter_can_show() -> None:
    assert picture_file.ready(written(Image.new("RGB", (3000, 10), "red"), "PNG")).width == 1200
    made = picture_file.ready(written(Image.new("RGB", (100, 8000), "red"), "PNG"))
    assert (made.width, made.height) == (50, 4000)
    assert picture_file.ready(written(Image.new("RGB", (6000, 1), "red"), "PNG")).height == 1


@pytest.mark.parametrize(
    ("raw", "code", "says"),
    [
        (pictures.bomb(50_000, 50_000), "picture_too_many_pixels", "50 million"),
        (pictures.bomb(8_000, 8_000), "picture_too_many_pixels", "50 million"),
        (pictures.bomb(600, 600), "picture_torn", "damaged"),
        (b"<?xml version='1.0'?>\n<svg onload='alert(1)'/>", "picture_svg", "SVG"),
        (b"\xef\xbb\xbf <svg/>", "picture_svg", "PNG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "picture_heic", "JPEG"),
        (b"", "no_picture", "JPEG"),
        (b"%PDF-1.7", "no_picture", "JPEG"),
        (b"<html>", "no_picture", "JPEG"),
        (bytes(picture_file.LIMIT + 1), "picture_too_heavy", "15 MB"),
    ],
    ids=["bomb", "smaller-bomb", "torn", "svg", "marked-svg", "heic", "empty", "pdf", "html", "too-heavy"],
)
def test_what_is_no_picture_is_refused_with_the_reason(raw: bytes, code: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        picture_file.ready(raw)
    assert refused.value.code == code
    assert "Nothing was saved" in refused.value.message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "moving"])
def test_what_is_cut_off_is_refused(kind: str) -> None:
    raw = pictures.moving() if kind == "moving" else written(scene(), kind)
    for length in (len(raw) // 2, len(raw) * 9 // 10, 30):
        with pytest.raises(Invalid) as refused:
            picture_file.ready(raw[:length])
        assert refused.value.code in {"picture_torn", "no_picture"}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_bytes_make_it_fall_over(chance: random.Random) -> None:
    exif, small = pictures.whereabouts(), scene(48, 32)
    seeds = [
        written(small, "JPEG", exif=exif), written(small, "PNG", exif=exif), written(drawing(), "PNG"),
        written(pictures.grain(20, 20, "RGBA"), "PNG"), written(small, "WEBP", exif=exif), pictures.moving(),
        written(small, "AVIF", speed=10, exif=exif), written(small.convert("CMYK"), "JPEG"),
    ]  # fmt: skip
    refused = 0
    for number in range(400):
        raw = bytearray(seeds[number % len(seeds)])
        for _ in range(chance.choice((1, 3, 12))):
            raw[chance.randrange(min(len(raw), 400))] = chance.randrange(256)
        try:
            picture_file.ready(bytes(raw))
        except Invalid:
            refused += 1
    assert refused > 50
