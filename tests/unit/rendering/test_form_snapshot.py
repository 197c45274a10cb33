"""The form as it looked: one file, the exact words, and nothing that could be sent."""

from __future__ import annotations

import dataclasses
import re

from listkeeper.audience.forms.form_design import Design, Fact, Look
from listkeeper.rendering import form_snapshot
from tests.makers import certificates

CONTROLLER = certificates.made().controller
FORM = certificates.shown_form(certificates.shown_text())


def _page(**changes: object) -> str:
    form = dataclasses.replace(FORM, **changes)  # type: ignore[arg-type]
    return form_snapshot.render(CONTROLLER, form, "#7a4b2a").decode()


def test_it_shows_the_exact_words_of_its_version() -> None:
    page = _page()
    for words in (FORM.title, FORM.text.body, FORM.text.withdrawal, FORM.text.button_label, CONTROLLER.name):
        assert words in page
    assert FORM.sha256 in page
    assert 'lang="da"' in page


def test_it_needs_nothing_from_elsewhere_and_sends_nothing() -> None:
    page = _page()
    assert "<link" not in page
    assert "<script" not in page
    assert not re.search(r"\bsrc=|url\(|@import", page)
    assert "default-src 'none'" in page
    forms = re.findall(r"<form\b[^>]*>", page)
    assert forms == ["<form inert>"]


def test_the_same_version_makes_the_same_bytes() -> None:
    assert _page() == _page()


def test_words_of_the_form_are_text() -> None:
    text = dataclasses.replace(FORM.text, body="<b onclick=x>Ja</b>")
    assert "<b onclick" not in _page(text=text)


def test_it_looks_as_it_was_published_and_leaves_out_what_is_of_today() -> None:
    design = Design(look=Look.WARM, accent="#1f6f54", intro="Varmt", gets=("Brød",), shows=frozenset(Fact)).as_json()
    page = _page(design=design)
    for said in ("--brand: #1f6f54", "--page: #f6e8d8", "Varmt", "<li>Brød</li>"):
        assert said in page
    assert "tel:" not in page
    assert "--page: #f4f2ee" in _page()
