"""The ready looks: whatever colour the owner has, words and edges can be read in all of them, in light and dark."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listkeeper.audience.forms.form_design import ButtonInk, Design, Look
from listkeeper.rendering import colour, look

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
GROUNDS = ("card", "note", "page")
LIMIT = 3_000


@pytest.mark.parametrize("kind", Look)
@pytest.mark.parametrize("dark", [False, True])
def test_the_words_of_a_look_can_be_read_on_all_its_grounds(kind: Look, dark: bool) -> None:
    colours = look.palette(kind, dark=dark)
    for ground in GROUNDS:
        for words in ("ink", "soft"):
            assert colour.contrast(colours[words], colours[ground]) >= colour.AA_TEXT, (words, ground)
        assert colour.contrast(colours["field"], colours[ground]) >= colour.AA_CONTROL, ground
    assert colour.contrast(colours["wrong"], colours["wrong-back"]) >= colour.AA_TEXT


@given(chosen=COLOURS, kind=st.sampled_from(Look), dark=st.booleans())
@example(chosen="#ffffff", kind=Look.BOLD, dark=False)
@example(chosen="#000000", kind=Look.BOLD, dark=True)
@example(chosen="#ffff00", kind=Look.WARM, dark=False)
@example(chosen="#777777", kind=Look.BAND, dark=True)
def test_any_colour_of_an_owner_can_be_read_in_any_look(chosen: str, kind: Look, dark: bool) -> None:
    least = 7 if kind is Look.BOLD else colour.AA_TEXT
    colours = look.palette(kind, dark=dark)
    made = look.owners(kind, chosen, ButtonInk.AUTOMATIC, dark=dark)
    assert colour.contrast(made["brand"], made["on-brand"]) >= least
    for ground in GROUNDS:
        assert colour.contrast(made["accent"], colours[ground]) >= least
        assert colour.contrast(made["edge"], colours[ground]) >= colour.AA_CONTROL


@pytest.mark.parametrize("kind", Look)
def test_its_stylesheet_is_small_complete_and_calls_nobody(kind: Look) -> None:
    sheet = look.css(kind, "#7a4b2a")
    assert len(sheet.encode()) <= LIMIT
    assert not re.search(r"url\(|@import|@font-face", sheet)
    light, dark = sheet.split("@media (prefers-color-scheme: dark)")[:2]
    names = {*look.palette(kind, dark=False), "brand", "on-brand", "accent", "edge"}
    for scheme in (light, dark):
        assert {name for name in names if f"--{name}: #" in scheme} == names
    assert set(look.names()) == set(Look)


def test_what_is_moved_of_a_colour_is_said_and_nothing_else() -> None:
    assert look.mended(Design(), "#000000") != []
    said = look.mended(Design(accent="#e8c547"), "#7a4b2a")
    assert len(said) == 1
    assert "on light pages" in said[0]
    assert look.mended(Design(look=Look.CARD, accent="#9a6b3f"), "#7a4b2a")[-1].endswith("could not be read.")


def test_the_address_of_a_stylesheet_changes_with_its_content() -> None:
    names = {
        look.digest(kind, accent, ink)
        for kind in Look
        for accent in ("#7a4b2a", "#1f6f54")
        for ink in (ButtonInk.AUTOMATIC, ButtonInk.BLACK)
    }
    assert len(names) == 20
