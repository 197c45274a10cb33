"""The owner may choose any colour; what becomes of it can be read by everybody, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from listkeeper.rendering import colour
from listkeeper.web.public import brand

STYLESHEET = Path(brand.__file__).resolve().parent.parent / "static" / "public.css"
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS)
@example("#ffffff")
@example("#000000")
@example("#ffff00")
@example("#777777")
def test_any_colour_can_be_read_on_every_ground(chosen: str) -> None:
    light, dark = brand.css(chosen).split("@media")
    for rule, grounds in ((light, _grounds(dark=False)), (dark, _grounds(dark=True))):
        said = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", rule))
        assert said["brand"] == chosen
        assert colour.contrast(said["on-brand"], said["brand"]) >= 4.5
        for ground in grounds:
            assert colour.contrast(said["accent"], ground) >= 4.5
            assert colour.contrast(said["edge"], ground) >= 3


def _grounds(*, dark: bool) -> list[str]:
    """Return the grounds of the public stylesheet that links and buttons stand on."""
    schemes = STYLESHEET.read_text().split("@media (prefers-color-scheme: dark)")
    said = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", schemes[1 if dark else 0]))
    short = len("#fff")
    return [
        "#" + "".join(2 * digit for digit in said[name][1:]) if len(said[name]) == short else said[name]
        for name in ("card", "note")
    ]


def test_the_stylesheet_is_small_and_calls_nobody() -> None:
    text = STYLESHEET.read_text()
    assert len(text.encode()) <= 5 * 1024
    assert "@import" not in text
    assert "url(" not in text
    assert "@font-face" not in text


def test_a_web_address_is_shown_as_people_say_it() -> None:
    shop = brand.Business("Shop", "Shop ApS", "Street 1", "/x.css", None, "https://www.shop.example/menu/")
    assert shop.website_name == "shop.example/menu"
