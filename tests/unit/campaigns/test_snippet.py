"""Pieces: blocks or words under a name, never half of one, never two of one name."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import snippet
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from tests.makers import cafe

BUTTON: dict[str, Any] = {
    "id": "b0000000001",
    "type": "button",
    "label": "See the buns",
    "href": "https://cafe.example",
}
TEXT: dict[str, Any] = {"id": "b0000000002", "type": "text", "html": "<p>Dear {{ subscriber.first_name }}</p>"}


@pytest.fixture
def business(session: Session) -> Organisation:
    return cafe.found(session).organisation


def test_blocks_are_kept_as_a_letter_holds_them(session: Session, business: Organisation) -> None:
    kept = snippet.keep(session, business, "  Greeting  and button ", blocks=[TEXT, BUTTON])
    session.expire(kept)
    assert kept.name == "Greeting and button"
    assert [block.type for block in kept.parsed] == ["text", "button"]
    assert kept.blocks[0]["html"] == TEXT["html"]
    assert kept.blocks[1] | BUTTON == kept.blocks[1]
    assert snippet.identified(session, business, kept.public_id) is kept
    # A press twice, or a line that dropped the answer, keeps it once.
    assert snippet.keep(session, business, "Greeting and button", blocks=[TEXT, BUTTON]).id == kept.id
    with pytest.raises(Conflict, match="Greeting and button"):
        snippet.keep(session, business, "Greeting and button", blocks=[TEXT])


def test_words_in_markdown_are_kept(session: Session, business: Organisation) -> None:
    kept = snippet.keep(session, business, "Hours", markdown="Open **daily**\r\nfrom seven\n")
    assert (kept.blocks, kept.markdown) == ([], "Open **daily**\nfrom seven")
    snippet.keep(session, business, "about us", markdown="We bake.")
    assert [piece.name for piece in snippet.all_of(session, business)] == ["about us", "Hours"]


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("", {"markdown": "x"}, "snippet_name"),
        (" \n", {"markdown": "x"}, "snippet_name"),
        ("x" * 121, {"markdown": "x"}, "snippet_name"),
        ("a\x00b", {"markdown": "x"}, "snippet_name"),
        ("a\ud800", {"markdown": "x"}, "snippet_name"),
        ("Empty", {}, "snippet_empty"),
        ("Empty", {"markdown": " \n "}, "snippet_empty"),
        ("Both", {"markdown": "x", "blocks": [TEXT]}, "snippet_empty"),
        ("Nul", {"markdown": "a\x00b"}, "letter_unreadable"),
        ("Half", {"markdown": "a\ud800"}, "letter_unreadable"),
        ("Nul", {"blocks": [BUTTON | {"label": "a\x00b"}]}, "letter_unreadable"),
        ("Long", {"markdown": "x" * 300_001}, "snippet_too_long"),
        ("Odd", {"blocks": [TEXT | {"onclick": "alert(1)"}]}, "document_refused"),
        ("Odd", {"blocks": [{"type": "script"}]}, "document_refused"),
        ("Odd", {"blocks": ["text"]}, "document_refused"),
        ("Twice", {"blocks": [TEXT, TEXT]}, "block_twice"),
    ],
)
def test_what_is_no_piece_is_refused(
    session: Session, business: Organisation, name: str, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        snippet.keep(session, business, name, **given)
    assert refused.value.code == code
    assert snippet.all_of(session, business) == []


def test_scripts_do_not_get_in_with_rich_text(session: Session, business: Organisation) -> None:
    kept = snippet.keep(
        session, business, "Odd", blocks=[TEXT | {"html": "<p onclick=x>Hi<script>alert(1)</script></p>"}]
    )
    assert kept.blocks[0]["html"] == "<p>Hi</p>"


def test_it_is_renamed_and_deleted(session: Session, business: Organisation) -> None:
    hours = snippet.keep(session, business, "Hours", markdown="From seven")
    snippet.keep(session, business, "About", markdown="We bake.")
    with pytest.raises(Conflict, match="About"):
        snippet.rename(session, business, hours, "About")
    snippet.rename(session, business, hours, "Hours")
    snippet.rename(session, business, hours, "Opening hours 👨‍🍳")
    assert [piece.name for piece in snippet.all_of(session, business)] == ["About", "Opening hours 👨‍🍳"]
    snippet.forget(session, hours)
    assert [piece.name for piece in snippet.all_of(session, business)] == ["About"]
    with pytest.raises(NotFound):
        snippet.identified(session, business, hours.public_id)


def test_there_is_an_end_to_how_many(session: Session, business: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snippet, "MOST", 1)
    snippet.keep(session, business, "Hours", markdown="From seven")
    with pytest.raises(Conflict, match="Delete one"):
        snippet.keep(session, business, "About", markdown="We bake.")
