"""Whatever colour an owner has, what is written in it can be read."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import colour, layout

_COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_wcag() -> None:
    assert colour.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colour.contrast("#ffffff", "#ffffff") == pytest.approx(1)
    assert colour.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert colour.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@given(_COLOURS, st.sampled_from([layout.LIGHT.card, layout.LIGHT.page, layout.DARK.card, layout.DARK.page]))
def test_every_colour_becomes_readable_on_every_ground(brand: str, ground: str) -> None:
    assert colour.contrast(colour.readable_on(brand, ground), ground) >= colour.AA_TEXT


def test_a_readable_colour_is_left_alone() -> None:
    assert colour.readable_on("#1F6F54", "#ffffff") == "#1f6f54"


@pytest.mark.parametrize("bad", ["", "red", "#fff", "#12345", "#1234567", "1f6f54", "#1f6f5g", "#1f6f54;", "#1f6f54\n"])
def test_what_is_no_colour_is_refused(bad: str) -> None:
    with pytest.raises(Invalid) as refusal:
        colour.checked(bad)
    assert refusal.value.code == "colour_unreadable"


@pytest.mark.parametrize("ink", [layout.LIGHT, layout.DARK])
def test_all_inks_of_the_layout_can_be_read(ink: layout.Ink) -> None:
    full = ink.with_brand("#808080")
    for text in ("text", "soft", "accent"):
        assert colour.contrast(asdict(full)[text], full.card) >= colour.AA_TEXT, text
    for text in ("faint", "accent_on_page", "text"):
        assert colour.contrast(asdict(full)[text], full.page) >= colour.AA_TEXT, text
