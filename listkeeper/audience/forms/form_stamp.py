"""The stamp of a form: everything by whose change its page changes, in one small question to the database."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.forms import form_offer
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.signup_form import FormState, SignupForm, SignupFormVersion

_STAMP = (
    select(
        SignupFormVersion.id,
        SignupForm.id,
        SignupForm.slug,
        SignupForm.state,
        MailingList.state,
        SignupForm.allowed_origins,
        SignupFormVersion.further,
        *Organisation.__table__.c,
    )
    .join(SignupForm, SignupForm.id == SignupFormVersion.form_id)
    .join(MailingList, MailingList.id == SignupForm.list_id)
    .join(Organisation, Organisation.id == MailingList.organisation_id)
    .where(SignupForm.slug == bindparam("slug"))
    .order_by(SignupFormVersion.version.desc())
    .limit(1)
)
_OPEN = (FormState.OPEN, ListState.ACTIVE)


def of(session: Session, slug: str) -> tuple[object, ...] | None:
    """Return the stamp of the form at a slug; None when none is open there. Facts of the hour are not part of it."""
    row = session.connection().execute(_STAMP, {"slug": slug}).first()
    if row is None or (row[3], row[4]) != _OPEN:
        return None
    return tuple(_frozen(value) for value in (*row, form_offer.states(session, row.further)))


def _frozen(value: object) -> object:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
