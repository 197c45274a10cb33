"""The question in a letter: in the reader's words and language, escaped, in both parts, and nowhere unless asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from listkeeper.rendering import compiled, filling
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AnswerLink, AskedQuestion
from listkeeper.rendering.frame import Frame

Make = Callable[..., Any]

URL = "https://mail.example/q/token?a=bread&b=1"
ASKED = AskedQuestion(
    "en", "Bread or <cakes>?", 'Because "we" bake & sell.', "News you like.", (AnswerLink("Rye <b>", URL),)
)


def test_a_reader_who_is_asked_sees_it_in_both_parts_escaped(letter_of: Make, reader_of: Make) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of("Hi")), reader_of(asked=ASKED))
    assert "Bread or &lt;cakes&gt;?" in filled.html
    assert "Because &quot;we&quot; bake &amp; sell." in filled.html
    assert 'href="https://mail.example/q/token?a=bread&amp;b=1"' in filled.html
    assert "Rye &lt;b&gt;</a>" in filled.html
    assert "One question: Bread or <cakes>?" in filled.text
    assert f"\nRye <b>: {URL}\n" in filled.text


def test_nobody_else_sees_anything_of_it(letter_of: Make, reader_of: Make) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of("Hi")), reader_of())
    assert "One question" not in filled.html + filled.text
    assert 'class="ask"' not in filled.html


@pytest.mark.parametrize(("code", "direction"), [("da", "ltr"), ("ru", "ltr")])
def test_it_says_its_own_language(letter_of: Make, reader_of: Make, code: str, direction: str) -> None:
    made = compiled.compile_letter(letter_of("Hi"))
    filled = filling.fill(made, reader_of(asked=replace(ASKED, language=code)))
    assert f'lang="{code}" dir="{direction}"' in filled.html


def test_words_that_look_like_slots_or_tags_stay_words(letter_of: Make, reader_of: Make) -> None:
    odd = replace(ASKED, question="{{ subscriber.name }} LK0 {% if %} <!-- x -->")
    filled = filling.fill(compiled.compile_letter(letter_of("Hi")), reader_of(asked=odd))
    assert "{{ subscriber.name }} LK0 {% if %} &lt;!-- x --&gt;" in filled.html


def test_a_letter_compiled_before_there_were_questions_still_leaves(letter_of: Make, reader_of: Make) -> None:
    now = compiled.compile_letter(letter_of("Hi"))
    pieces = now.html_frame.pieces
    at = pieces.index("question")
    frame = Frame((*pieces[: at - 1], pieces[at - 1] + pieces[at + 1], *pieces[at + 2 :]))
    stored = replace(now, html_frame=frame, html_question=None, html_answer=None).to_json()
    assert {"html_question", "html_answer"} & stored.keys() == set()
    filled = filling.fill(CompiledLetter.from_json(stored), reader_of(asked=ASKED))
    assert ("Hi" in filled.html, "One question" in filled.html) == (True, False)
