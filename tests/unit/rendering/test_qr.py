"""Codes and posters, read back by a real decoder as a phone would see them: small, tilted, blurred and noisy."""

from __future__ import annotations

import io
import math
import random
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageFilter
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from sqlalchemy.orm import Session

from listkeeper.audience import signup_form, source
from listkeeper.audience.source import Channel
from listkeeper.rendering.paper import poster, qr
from listkeeper.rendering.paper.poster import Poster, PosterSize
from tests.makers import cafe

ADDRESS = "https://mail.cafe.example/s/ig-bio"
LONG = "https://wiadomosci-z-piekarni.example.com/s/plakat-w-oknie-przy-rynku-glownym"
SAMPLE = Poster(
    business="Café Kardemomme",
    headline="Fresh buns, once a month",
    line="Our letters by e-mail.",
    hint="Scan this with your phone, or type:",
    address=ADDRESS,
    readable=poster.readable(ADDRESS),
    colour="#7a4b2a",
    language="en",
)
RUSSIAN = replace(
    SAMPLE,
    business="Пекарня «Тёплый хлеб» 🍞",
    headline="Новости пекарни и всё, что мы печём по выходным, раз в месяц на вашу почту",
    line="Наши письма по электронной почте. Żółć i gęś też.",
    address=LONG,
    readable=poster.readable(LONG),
    colour="#ffe9a8",
    language="ru",
)


def _read(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture) if found.format == zxingcpp.BarcodeFormat.QRCode]


def _as_a_phone_sees_it(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Lay the picture on a table, a little turned, photograph it from the side in bad light with a cheap lens."""
    sheet = Image.new("L", (picture.width + 200, picture.height + 200), 190)
    sheet.paste(picture.convert("L"), (100, 100))
    sheet = sheet.rotate(chance.uniform(-12, 12), Image.Resampling.BICUBIC, fillcolor=170)
    wide, high = sheet.size
    lean = chance.uniform(0.02, 0.06)
    sheet = sheet.transform(
        sheet.size,
        Image.Transform.QUAD,
        (wide * lean, high * lean, 0, high, wide, high * (1 - lean), wide * (1 - lean), 0),
        Image.Resampling.BICUBIC,
    )
    scale = 420 / max(sheet.size)
    small = sheet.resize((math.ceil(wide * scale), math.ceil(high * scale)), Image.Resampling.LANCZOS)
    blurred = small.filter(ImageFilter.GaussianBlur(0.6))
    grains = bytes(chance.randrange(96, 160) for _ in range(blurred.width * blurred.height))
    noise = Image.frombytes("L", blurred.size, grains)
    return Image.blend(blurred, noise, 0.25)


@pytest.mark.parametrize("address", [ADDRESS, LONG, "http://localhost:8025/s/t"])
def test_the_png_is_read_by_a_phone(address: str, chance: random.Random) -> None:
    picture = Image.open(io.BytesIO(qr.png(address)))
    assert (picture.mode, picture.width, picture.info["dpi"][0]) == ("1", picture.height, pytest.approx(300, abs=1))
    assert _read(picture.convert("L")) == [address]
    for _ in range(5):
        assert _read(_as_a_phone_sees_it(picture, chance)) == [address]


def test_a_quarter_may_be_lost_and_the_edge_is_quiet() -> None:
    picture = Image.open(io.BytesIO(qr.png(ADDRESS))).convert("L")
    [found] = zxingcpp.read_barcodes(picture)
    assert found.ec_level == "Q"
    module = picture.width // len(qr.matrix(ADDRESS))
    quiet = module * qr.QUIET
    assert picture.crop((0, 0, picture.width, quiet)).getextrema() == (255, 255)
    assert picture.crop((0, 0, quiet, picture.height)).getextrema() == (255, 255)
    # A stain over the middle.
    middle, stain = picture.width // 2, picture.width // 8
    picture.paste(128, (middle - stain, middle - stain, middle + stain, middle + stain))
    assert _read(picture) == [ADDRESS]


@pytest.mark.whole_program
def test_the_svg_is_read_from_a_browser(chromium: Path, tmp_path: Path, chance: random.Random) -> None:
    file = tmp_path / "code.svg"
    file.write_bytes(qr.svg(ADDRESS))
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 500, "height": 500})
        page.goto(file.as_uri())
        seen = page.screenshot()
        browser.close()
    picture = Image.open(io.BytesIO(seen))
    assert _read(picture) == [ADDRESS]
    assert _read(_as_a_phone_sees_it(picture, chance)) == [ADDRESS]


def _pages(drawn: bytes, scale: float) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(drawn)
    return [page.render(scale=scale).to_pil() for page in document]


@pytest.mark.parametrize("shown", [SAMPLE, RUSSIAN], ids=["english", "russian"])
@pytest.mark.parametrize(("size", "wide", "high"), [(PosterSize.A4, 595.3, 841.9), (PosterSize.A6, 297.6, 420.9)])
def test_a_poster_is_read_by_a_phone_and_by_a_person(
    shown: Poster, size: PosterSize, wide: float, high: float, chance: random.Random
) -> None:
    drawn = poster.render(shown, size)
    assert drawn == poster.render(shown, size)
    [page] = PdfReader(io.BytesIO(drawn)).pages
    assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx((wide, high), abs=0.2)
    words = " ".join(page.extract_text().split())
    assert shown.readable in words.replace(" /s/", "/s/")
    assert shown.business.removesuffix(" 🍞") in words
    assert all(word in words for word in shown.headline.split())
    [seen] = _pages(drawn, 2 if size is PosterSize.A4 else 4)
    assert _read(seen) == [shown.address]
    assert _read(_as_a_phone_sees_it(seen, chance).resize((1400, 1400))) in ([shown.address], [])
    close = seen.crop((0, seen.height // 5, seen.width, seen.height * 4 // 5))
    assert _read(_as_a_phone_sees_it(close, chance)) == [shown.address]


@pytest.mark.parametrize("size", list(PosterSize))
def test_a_poster_has_its_fonts_inside_and_its_code_drawn_of_lines(size: PosterSize) -> None:
    [page] = PdfReader(io.BytesIO(poster.render(RUSSIAN, size))).pages
    resources = page["/Resources"]
    fonts = [font.get_object() for font in resources["/Font"].get_object().values()]  # type: ignore[index]
    assert fonts
    for font in fonts:
        assert "/FontFile2" in font["/FontDescriptor"].get_object(), font["/BaseFont"]
    assert list(page.images) == []


@pytest.mark.parametrize(("size", "least"), [(PosterSize.A4, 12), (PosterSize.A6, 6)])
def test_nothing_stands_where_a_printer_or_a_knife_would_cut_it(size: PosterSize, least: int) -> None:
    [seen] = _pages(poster.render(RUSSIAN, size), 4)
    dots = round(least / 25.4 * 72 * 4)
    inner = (dots, dots, seen.width - dots, seen.height - dots)
    seen.paste((255, 255, 255), inner)
    assert seen.convert("L").getextrema() == (255, 255)


def test_a_poster_says_what_its_form_says_in_its_language(session: Session) -> None:
    house = cafe.found(session, spoken="da", list_name="Nyt fra bageriet")
    bio = source.create(session, house.form, name="Bio", channel=Channel.INSTAGRAM, slug="ig-bio")
    shown = signup_form.describe(session, signup_form.newest(session, house.form))
    plain = poster.of_source(bio, shown, ADDRESS)
    assert (plain.headline, plain.language, plain.business) == (shown.version.title, "da", "Café Kardemomme")
    assert (plain.address, plain.readable) == (ADDRESS, "mail.cafe.example/s/ig-bio")
    source.say_on_poster(bio, headline=" Friske  boller ", line="Hver måned")
    worded = poster.of_source(bio, shown, "http://localhost:8025/s/ig-bio")
    assert (worded.headline, worded.line, worded.readable) == (
        "Friske boller", "Hver måned", "http://localhost:8025/s/ig-bio",
    )  # fmt: skip


def test_the_longest_words_still_fit() -> None:
    typed = "w" * 60 + "/s/" + "w" * 40
    crowded = replace(SAMPLE, headline="W" * 80, line="W" * 160, business="W" * 200, readable=typed)
    [seen] = _pages(poster.render(crowded, PosterSize.A4), 2)
    assert _read(seen) == [ADDRESS]
