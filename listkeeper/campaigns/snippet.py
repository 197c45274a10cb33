"""Pieces to use again: blocks of a letter, or words in Markdown, kept under a name and put into other letters.

What is put into a letter is a copy. A piece that is changed or deleted later
changes no letter, and none that has left.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import columns, language, throttle
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table
from listkeeper.rendering import document
from listkeeper.rendering.document import Blocks

MOST = 200
_NAME_LIMIT = 120
_TURN = "snippet"


class Snippet(Table):
    """One piece of an organisation."""

    __tablename__ = "snippet"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("snp")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(_NAME_LIMIT))
    # One of the two is empty.
    blocks: Mapped[list[dict[str, Any]]] = mapped_column(columns.Json, default=list)
    markdown: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    @property
    def parsed(self) -> Blocks:
        """Its blocks, as a letter holds them."""
        return document.blocks_of(self.blocks)


def keep(
    session: Session, organisation: Organisation, name: str, *, blocks: Sequence[object] = (), markdown: str = ""
) -> Snippet:
    """Store a piece; the same one again is the one that is there.

    Raises Invalid when nothing is in it or a block is not one, and Conflict when another piece has its name.
    """
    called = _called(name)
    stored = [block.model_dump(mode="json") for block in document.blocks_of(list(blocks))]
    words = markdown.replace("\r\n", "\n").strip()
    _demand_content(stored, words)
    throttle.take_turns(session, _TURN, organisation.public_id)
    there = _named(session, organisation, called)
    if there is not None:
        if (there.blocks, there.markdown) == (stored, words):
            return there
        raise _taken(called)
    _demand_room(session, organisation)
    made = Snippet(organisation_id=organisation.id, name=called, blocks=stored, markdown=words)
    session.add(made)
    session.flush()
    return made


def _called(name: str) -> str:
    called = " ".join(name.split())
    if not called:
        raise Invalid("snippet_name", language.text("Please give it a name, so that you find it again."))
    if len(called) > _NAME_LIMIT or _is_unreadable(called):
        sentence = language.text(
            "Please choose a shorter name; the longest it can be is %(most)s. Nothing was saved.", most=_NAME_LIMIT
        )
        raise Invalid("snippet_name", sentence)
    return called


def _demand_content(blocks: list[dict[str, Any]], words: str) -> None:
    if bool(blocks) is bool(words):
        raise Invalid("snippet_empty", language.text("A piece holds blocks, or words in Markdown. Nothing was saved."))
    if len(words) > document.LONGEST:
        raise Invalid("snippet_too_long", language.text("This is too long for a letter. Nothing was saved."))
    if _is_unreadable(words.replace("\n", " ").replace("\t", " ")) or "\\u0000" in json.dumps(blocks):
        raise Invalid(
            "letter_unreadable",
            language.text("The letter holds characters that cannot be shown. Paste it as plain text."),
        )


def _is_unreadable(text: str) -> bool:
    """Whether a text holds what no database takes, or nobody can see: control characters, halves of characters."""
    return any(unicodedata.category(char) in {"Cc", "Cs"} for char in text)


def _taken(name: str) -> Conflict:
    sentence = language.text(
        "There is another piece called “%(name)s”. Nothing was changed; choose another name.", name=name
    )
    return Conflict("snippet_there", sentence)


def _demand_room(session: Session, organisation: Organisation) -> None:
    query = select(func.count()).select_from(Snippet).where(Snippet.organisation_id == organisation.id)
    if (session.scalar(query) or 0) >= MOST:
        sentence = language.text("There are %(most)s pieces already. Delete one that you do not use.", most=MOST)
        raise Conflict("snippets_full", sentence)


def _named(session: Session, organisation: Organisation, name: str) -> Snippet | None:
    query = select(Snippet).where(Snippet.organisation_id == organisation.id, Snippet.name == name)
    return session.scalars(query).first()


def all_of(session: Session, organisation: Organisation) -> list[Snippet]:
    """Return the organisation's pieces in the order of their names."""
    query = select(Snippet).where(Snippet.organisation_id == organisation.id)
    return sorted(session.scalars(query), key=lambda piece: piece.name.casefold())


def identified(session: Session, organisation: Organisation, public_id: str) -> Snippet:
    """Return the organisation's piece with a public id. Raises NotFound."""
    query = select(Snippet).where(Snippet.organisation_id == organisation.id, Snippet.public_id == public_id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_snippet", language.text("This piece is not there any more."))
    return found


def rename(session: Session, organisation: Organisation, snippet: Snippet, name: str) -> None:
    """Call a piece something else. Raises Invalid for no name, and Conflict when another piece has it."""
    called = _called(name)
    throttle.take_turns(session, _TURN, organisation.public_id)
    there = _named(session, organisation, called)
    if there is not None and there.id != snippet.id:
        raise _taken(called)
    snippet.name = called


def forget(session: Session, snippet: Snippet) -> None:
    """Delete a piece; letters that it was put into keep their copy."""
    session.delete(snippet)
    session.flush()
