"""The draft of a form: what its owner has typed so far, whole, and on which version; nobody else sees it.

A draft may hold anything, also what could never be published: it is kept so
that nothing is lost on a bad line. One row a form, whose number grows with
every save; a save names the number it was made on, and one that is not the
newest changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience import signup_form
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.table import Table

_LIMIT = 40_000


class FormDraft(Table):
    """What is typed in the builder of a form, field by field."""

    __tablename__ = "form_draft"

    id: Mapped[int] = columns.row_id()
    form_id: Mapped[int] = mapped_column(ForeignKey("signup_form.id"), unique=True)
    # The number of the newest save: every write names the one it was made on.
    number: Mapped[int] = mapped_column(Integer)
    # The published version that the draft was begun from.
    begun_from: Mapped[int] = mapped_column(Integer)
    fields: Mapped[dict[str, str]] = mapped_column(columns.Json)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)


def of(session: Session, form: SignupForm) -> FormDraft | None:
    """Return the draft of a form, None as long as nobody has typed anything."""
    return session.scalars(select(FormDraft).where(FormDraft.form_id == form.id)).first()


def write(session: Session, form: SignupForm, fields: Mapping[str, str], *, base: int) -> FormDraft:
    """Store a change made on save ``base`` (0: there was none). Raises Conflict when another one came first."""
    if sum(map(len, fields.values())) > _LIMIT:
        raise Invalid("too_long", language.text("This is too long for a form. Please shorten it."))
    if any("\x00" in value for value in fields.values()):
        raise Invalid(
            "unreadable", language.text("This holds characters that cannot be shown. Paste it as plain text.")
        )
    # The row of the form is there before any draft: its lock lets two first saves see each other.
    session.refresh(form, with_for_update=True)
    draft = of(session, form)
    if (draft.number if draft else 0) != base:
        raise Conflict(
            "changed_elsewhere",
            language.text(
                "This form was changed elsewhere in the meantime. Your words are kept here; compare, then save."
            ),
        )
    if draft is not None and draft.fields == dict(fields):
        return draft
    return _stored(session, form, fields, draft.begun_from if draft else signup_form.newest(session, form).version)


def begin_again(session: Session, form: SignupForm, fields: Mapping[str, str]) -> FormDraft:
    """Let the draft be what a version says: to throw typed words away, to bring old ones back, and once published."""
    session.refresh(form, with_for_update=True)
    return _stored(session, form, fields, signup_form.newest(session, form).version)


def _stored(session: Session, form: SignupForm, fields: Mapping[str, str], begun_from: int) -> FormDraft:
    draft = of(session, form)
    if draft is None:
        draft = FormDraft(form_id=form.id, number=0)
        session.add(draft)
    draft.number += 1
    draft.begun_from = begun_from
    draft.fields = dict(fields)
    draft.saved_at = clock.now()
    session.flush()
    return draft


def demand_seen(session: Session, form: SignupForm, number: int) -> None:
    """Lock the form, and raise Conflict when its draft is not the one that was looked at (0: none)."""
    session.refresh(form, with_for_update=True)
    draft = of(session, form)
    if (draft.number if draft else 0) != number:
        raise Conflict(
            "changed_since_preview",
            language.text("The form has changed since you looked at it. Nothing was published; look again."),
        )
