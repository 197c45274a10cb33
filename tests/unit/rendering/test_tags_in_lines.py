"""What stands for a merge tag while a letter is laid out is long; no reader ever sees that it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from listkeeper.rendering import compiled, filling, inline
from listkeeper.rendering.content import Letter, Reader
from listkeeper.rendering.frame import Slots


def test_a_greeting_with_a_condition_is_one_line(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]
) -> None:
    greeting = "Hej{% if subscriber.first_name %} {{ subscriber.first_name }}{% endif %}, godt at se dig igen."
    made = compiled.compile_letter(letter_of(greeting))
    assert filling.fill(made, reader_of()).text.startswith("Hej Åse, godt at se dig igen.\n")
    assert filling.fill(made, reader_of(profile={})).text.startswith("Hej, godt at se dig igen.\n")


def test_what_stands_for_a_tag_may_be_written_by_somebody(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]
) -> None:
    strange = "\ue5f0" * 8
    made = compiled.compile_letter(letter_of(f"{strange} {{{{ subscriber.first_name | default: 'du' }}}} {strange}"))
    assert filling.fill(made, reader_of()).text.startswith(f"{strange} Åse {strange}\n")


def test_a_word_of_another_compile_is_no_slot() -> None:
    ours, others = Slots(("name", "place")), Slots(("name",))
    words = ours.words | {"other": others.words["name"]}
    frame = ours.cut(f"{words['other']}a{words['name']}{words['place']}{words['name']}b{words['other']}")
    assert frame.fill({"name": "N", "place": "P"}) == f"{words['other']}aNPNb{words['other']}"
    assert ours.cut("").pieces == ("",)


@pytest.mark.parametrize("style", ["float: right", "FLOAT:right"])
def test_a_picture_that_floats_is_told_to_outlook(style: str) -> None:
    assert 'align="right"' in inline.inline_css(f'<body><p><img src="a.png" style="{style}"></p></body>')
    assert "align" not in inline.inline_css('<body><p><img src="a.png" style="border: 0"></p></body>')
