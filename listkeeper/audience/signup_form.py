"""Signup forms and their immutable versions: what the page showed, and still can show."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent_text
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.mailing_list import ListState, MailingList, slug_of
from listkeeper.audience.starter_text import STARTERS
from listkeeper.foundation import columns, language
from listkeeper.foundation.errors import NotFound
from listkeeper.foundation.table import Table


class FormState(StrEnum):
    """A closed form takes no signups and says so."""

    OPEN = "open"
    CLOSED = "closed"


class SignupForm(Table):
    """One form with one address of its own, for one list, in one language."""

    __tablename__ = "signup_form"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("frm")
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"), index=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[FormState] = columns.enum(FormState, default=FormState.OPEN)
    created_at: Mapped[datetime] = columns.created_at()

    mailing_list: Mapped[MailingList] = relationship()


class SignupFormVersion(Table):
    """What a form says from its publication on; never changed, never deleted."""

    __tablename__ = "signup_form_version"

    id: Mapped[int] = columns.row_id()
    form_id: Mapped[int] = mapped_column(ForeignKey("signup_form.id"))
    version: Mapped[int] = mapped_column(Integer)
    consent_text_id: Mapped[int] = mapped_column(ForeignKey("consent_text.id"))
    title: Mapped[str] = mapped_column(String(200))
    thank_you: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime] = columns.created_at()

    form: Mapped[SignupForm] = relationship()
    consent_text: Mapped[ConsentText] = relationship()

    __table_args__ = (UniqueConstraint("form_id", "version"),)


@dataclass(frozen=True)
class ShownForm:
    """Everything a page needs to show a form, and a record needs to say what was shown."""

    organisation: Organisation
    mailing_list: MailingList
    form: SignupForm
    version: SignupFormVersion
    text: ConsentText


def create(session: Session, organisation: Organisation, mailing_list: MailingList) -> SignupForm:
    """Make a form for a list and publish its first version from the starter text."""
    form = SignupForm(
        list_id=mailing_list.id, slug=_free_slug(session, mailing_list.slug), language=organisation.language
    )
    form.mailing_list = mailing_list
    session.add(form)
    session.flush()
    words = STARTERS[language.known(form.language)]
    wording = consent_text.starter(organisation, mailing_list, form.language)
    text = consent_text.publish(session, organisation, mailing_list, form.language, wording)
    publish(session, form, text, title=words.title.format(list=mailing_list.name), thank_you=words.thank_you)
    return form


def _free_slug(session: Session, wanted: str) -> str:
    taken = set(session.scalars(select(SignupForm.slug).where(SignupForm.slug.startswith(wanted))))
    if wanted not in taken:
        return wanted
    return next(slug for number in range(2, len(taken) + 3) if (slug := f"{slug_of(wanted)}-{number}") not in taken)


def publish(session: Session, form: SignupForm, text: ConsentText, *, title: str, thank_you: str) -> SignupFormVersion:
    """Store what the form says from now on; old versions stay as they were."""
    newest = session.scalar(select(func.max(SignupFormVersion.version)).where(SignupFormVersion.form_id == form.id))
    parts = [form.slug, title, thank_you, text.sha256]
    made = SignupFormVersion(
        form_id=form.id,
        version=(newest or 0) + 1,
        consent_text_id=text.id,
        title=title,
        thank_you=thank_you,
        sha256=hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest(),
    )
    made.form = form
    made.consent_text = text
    session.add(made)
    session.flush()
    return made


def shown(session: Session, slug: str) -> ShownForm:
    """Return the newest version of the open form at a slug. Raises NotFound when there is none."""
    form = session.scalars(select(SignupForm).where(SignupForm.slug == slug)).first()
    if form is None or form.state is FormState.CLOSED or form.mailing_list.state is not ListState.ACTIVE:
        raise NotFound("no_form", language.text("This sign-up form does not exist or has been closed."))
    return describe(session, newest(session, form))


def newest(session: Session, form: SignupForm) -> SignupFormVersion:
    """Return what the form says now."""
    query = select(SignupFormVersion).where(SignupFormVersion.form_id == form.id)
    return session.scalars(query.order_by(SignupFormVersion.version.desc()).limit(1)).one()


def describe(session: Session, version: SignupFormVersion) -> ShownForm:
    """Return a version, old or new, with all that belongs to it."""
    mailing_list = version.form.mailing_list
    organisation = session.get_one(Organisation, mailing_list.organisation_id)
    return ShownForm(organisation, mailing_list, version.form, version, version.consent_text)


def all_of(session: Session, mailing_list: MailingList) -> list[SignupForm]:
    """Return the forms of a list, oldest first."""
    return list(
        session.scalars(select(SignupForm).where(SignupForm.list_id == mailing_list.id).order_by(SignupForm.id))
    )


def identified(session: Session, organisation: Organisation, public_id: str) -> SignupForm:
    """Return the organisation's form with a public id. Raises NotFound."""
    query = (
        select(SignupForm)
        .join(MailingList)
        .where(SignupForm.public_id == public_id, MailingList.organisation_id == organisation.id)
    )
    form = session.scalars(query).first()
    if form is None:
        raise NotFound("no_form", language.text("There is no such sign-up form."))
    return form
