"""The pictures of letters: brought once, at hand in every letter, and served from the owner's own host.

A row says whose a picture is, what it shows and how big it is. Its file lies in
the media folder under a name made from its content, so that the same picture is
there once, and what a mail that has left points at can never change.
"""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, ForeignKey, Integer, String, Text, UniqueConstraint, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns.campaign import UNSENT, Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.campaigns.snippet import Snippet
from listkeeper.foundation import columns, language, throttle
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

if TYPE_CHECKING:
    # What makes pictures ready is loaded by those who bring one.
    from listkeeper.rendering.pictures.picture_file import PictureFile

_TITLE_LIMIT, _ALT_LIMIT = 200, 500
_TURN = "letter_picture"


class LetterPicture(Table):
    """One picture of an organisation."""

    __tablename__ = "letter_picture"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("pic")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    # What its file is called in the media folder.
    name: Mapped[str] = mapped_column(String(60))
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    # What its owner called the file, and what it shows in words.
    title: Mapped[str] = mapped_column(String(_TITLE_LIMIT))
    alt: Mapped[str] = mapped_column(String(_ALT_LIMIT), default="")
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "name"),)


def keep(session: Session, organisation: Organisation, folder: Path, made: PictureFile, title: str) -> LetterPicture:
    """Store a picture that ``picture_file`` made ready; the same one again is the one that is there.

    It is made ready before, and not here: that takes a second, and SQLite has one writer.
    """
    throttle.take_turns(session, _TURN, str(organisation.id))
    _write(folder, made)
    query = select(LetterPicture).where(
        LetterPicture.organisation_id == organisation.id, LetterPicture.name == made.name
    )
    found = session.scalars(query).first()
    if found is not None:
        return found
    stored = LetterPicture(
        organisation_id=organisation.id,
        name=made.name,
        width=made.width,
        height=made.height,
        size=len(made.content),
        title=_line(title.replace("\\", "/").rpartition("/")[2])[:_TITLE_LIMIT] or made.name,
        alt="",
    )
    session.add(stored)
    session.flush()
    return stored


def _write(folder: Path, made: PictureFile) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{secrets.token_hex(8)}"
    draft.write_bytes(made.content)
    draft.replace(folder / made.name)


def _line(typed: str) -> str:
    """Return what was typed as one line of characters that can be shown."""
    shown = "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in typed)
    return " ".join(shown.split())


def all_of(
    session: Session, organisation: Organisation, *, skip: int = 0, most: int | None = None
) -> list[LetterPicture]:
    """Return the organisation's pictures, the newest first."""
    query = select(LetterPicture).where(LetterPicture.organisation_id == organisation.id)
    return list(session.scalars(query.order_by(LetterPicture.id.desc()).offset(skip).limit(most)))


def count(session: Session, organisation: Organisation) -> int:
    """Return how many pictures the organisation has."""
    query = select(func.count()).select_from(LetterPicture).where(LetterPicture.organisation_id == organisation.id)
    return session.scalar(query) or 0


def identified(session: Session, organisation: Organisation, public_id: str) -> LetterPicture:
    """Return the organisation's picture with a public id. Raises NotFound."""
    query = select(LetterPicture).where(
        LetterPicture.organisation_id == organisation.id, LetterPicture.public_id == public_id
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_picture", language.text("This picture is not there any more."))
    return found


def describe(picture: LetterPicture, alt: str) -> None:
    """Say what a picture shows, for letters it is put into from now on. Raises Invalid for more than a sentence."""
    said = _line(alt)
    if len(said) > _ALT_LIMIT:
        sentence = language.text(
            "Please shorten this; the longest it can be is %(most)s. What was there before is still there.",
            most=_ALT_LIMIT,
        )
        raise Invalid("alt_too_long", sentence)
    picture.alt = said


def forget(session: Session, folder: Path, picture: LetterPicture) -> None:
    """Take a picture out of the library. Raises Conflict while a letter or a piece shows it.

    Its file goes too, unless an earlier version of a letter, which can be brought back, still names it.
    """
    throttle.take_turns(session, _TURN, str(picture.organisation_id))
    sent, waiting = _uses(session, picture)
    if sent:
        sentence = language.text(
            "This picture stands in the letter “%(name)s”, which has left: whoever opens it loads the picture. "
            "Nothing was deleted.",
            name=sent[0],
        )
        raise Conflict("picture_sent", sentence)
    if waiting:
        sentence = language.text(
            "This picture stands in “%(name)s”. Nothing was deleted; take it out there first.", name=waiting[0]
        )
        raise Conflict("picture_in_use", sentence)
    named = session.scalar(select(Revision.id).where(_names(picture, *_WORDS)).limit(1)) is not None
    named |= session.scalar(select(Organisation.id).where(Organisation.logo == picture.name)) is not None
    session.delete(picture)
    session.flush()
    if not named:
        (folder / picture.name).unlink(missing_ok=True)


def _uses(session: Session, picture: LetterPicture) -> tuple[list[str], list[str]]:
    """Return what the letters that have left, and then the letters and pieces that wait, are called that show it."""
    letters = (
        select(Revision.subject, Campaign.state)
        .join(Campaign, Campaign.id == Revision.campaign_id)
        .where(
            Campaign.organisation_id == picture.organisation_id,
            or_(Revision.number == Campaign.version, Revision.id == Campaign.sent_revision_id),
            _names(picture, *_WORDS),
        )
        .order_by(Campaign.id.desc())
    )
    rows = [(subject or language.text("(no subject yet)"), state) for subject, state in session.execute(letters)]
    pieces = select(Snippet.name).where(
        Snippet.organisation_id == picture.organisation_id, _names(picture, Snippet.blocks, Snippet.markdown)
    )
    waiting = [subject for subject, state in rows if state in UNSENT]
    return [subject for subject, state in rows if state not in UNSENT], [*waiting, *session.scalars(pieces)]


_WORDS: tuple[InstrumentedAttribute[Any], ...] = (Revision.markdown, Revision.document)


def _names(picture: LetterPicture, *written: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Whether words, or what is stored as JSON, name the file of a picture."""
    return or_(*(cast(column, Text).contains(picture.name, autoescape=True) for column in written))
