"""Signup forms and their immutable versions: what the page showed, and still can show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text, UniqueConstraint, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, contains_eager, joinedload, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent_text, privacy_notice
from listkeeper.audience.consent_text import ConsentText, Wording
from listkeeper.audience.forms import form_design, form_lint, form_offer, form_record
from listkeeper.audience.forms.form_design import Design
from listkeeper.audience.forms.form_offer import Named, Offer
from listkeeper.audience.mailing_list import ListState, MailingList, slug_of
from listkeeper.audience.starter_text import STARTERS
from listkeeper.deliverability.finding import refuse_blocking
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.errors import Invalid, NotFound
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
    # Which sites may show it (``allowed_origins``); None for any.
    allowed_origins: Mapped[list[str] | None] = mapped_column(columns.Json)

    mailing_list: Mapped[MailingList] = relationship()


class SignupFormVersion(Table):
    """What a form says from its publication on; never changed, never deleted."""

    __tablename__ = "signup_form_version"

    id: Mapped[int] = columns.row_id()
    form_id: Mapped[int] = mapped_column(ForeignKey("signup_form.id"))
    version: Mapped[int] = mapped_column(Integer)
    consent_text_id: Mapped[int] = mapped_column(ForeignKey("consent_text.id"))
    # The separate consent that some countries ask for, with a box of its own. SQLite cannot add a foreign key later.
    second_text_id: Mapped[int | None] = mapped_column(columns.RowId)
    title: Mapped[str] = mapped_column(String(200))
    thank_you: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    # The youngest age the form asks people to state with a box; only the answer is kept, never a birth date.
    least_age: Mapped[int | None] = mapped_column(Integer)
    # The privacy notice that the page pointed at, if there was one.
    notice_sha256: Mapped[str | None] = mapped_column(String(64))
    # The purposes beside the form's own, each with a box (``form_offer``); empty for none: the button is the act.
    further: Mapped[Named | None] = mapped_column(columns.Json)
    # What was chosen of look, colours and words beside the text (``form_design``); empty for nothing.
    design: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    published_at: Mapped[datetime] = columns.created_at()
    ledger_seq: Mapped[int | None] = mapped_column(BigInteger)

    form: Mapped[SignupForm] = relationship()
    consent_text: Mapped[ConsentText] = relationship()
    second_text: Mapped[ConsentText | None] = relationship(
        primaryjoin="foreign(SignupFormVersion.second_text_id) == ConsentText.id", viewonly=True
    )

    __table_args__ = (UniqueConstraint("form_id", "version"),)

    @property
    def designed(self) -> Design:
        """What was chosen of look, colours and words beside the text, as a value."""
        return Design.of(self.design)


@dataclass(frozen=True)
class ShownForm:
    """Everything a page needs to show a form, and a record needs to say what was shown."""

    organisation: Organisation
    mailing_list: MailingList
    form: SignupForm
    version: SignupFormVersion
    text: ConsentText
    second: ConsentText | None
    # The purposes beside the form's own.
    further: tuple[Offer, ...] = ()

    @property
    def purposes(self) -> tuple[Offer, ...]:
        """Every purpose, the form's own first."""
        return (Offer(self.mailing_list, self.text), *self.further)

    @property
    def boxes(self) -> tuple[Offer, ...]:
        """The purposes that have a box; none where there is one purpose, for then the button is the act."""
        return self.purposes if self.further else ()

    @property
    def list_names(self) -> str:
        """What people come to, as a page and a mail name it."""
        return language.listed([offer.mailing_list.name for offer in self.purposes])

    @property
    def texts(self) -> list[ConsentText]:
        """Every text that a yes on this form says yes to."""
        second = [self.second] if self.second is not None else []
        return [self.text, *second, *(offer.text for offer in self.further)]

    @property
    def agreed_to(self) -> str:
        """All that a yes on this form says yes to, a line for each text."""
        return "\n".join(text.whole for text in self.texts)

    @property
    def sentences(self) -> list[str]:
        """The same, sentence by sentence as a page shows it."""
        said = [part for text in self.texts for part in (text.body, text.withdrawal, text.age_statement)]
        return [part for part in dict.fromkeys(said) if part]

    def chosen(self, list_ids: Collection[int]) -> ShownForm:
        """Return what somebody said yes to who ticked the boxes of these lists, the first of them as its own."""
        found = [offer for offer in self.purposes if offer.mailing_list.id in list_ids]
        if not found or found == list(self.purposes):
            return self
        return replace(self, mailing_list=found[0].mailing_list, text=found[0].text, further=tuple(found[1:]))


# How the page of a version would look; rendering is above this chapter, so the shells pass it in.
Show = Callable[[ShownForm], str]


@dataclass(frozen=True)
class Words:
    """All that an owner writes of a form."""

    title: str
    thank_you: str
    wording: Wording
    second: Wording | None = None
    design: Design = form_design.NONE
    # What else is offered, each with a box of its own: other lists of the business and their published texts.
    further: Sequence[Offer] = ()


def starter(organisation: Organisation, mailing_list: MailingList, spoken: str) -> Words:
    """Return what a form says to begin with, in a language, under the rules of its list."""
    words = STARTERS[language.known(spoken)]
    needed = consent_text.needs_second(mailing_list)
    return Words(
        words.title.format(list=mailing_list.name),
        words.thank_you,
        consent_text.starter(organisation, mailing_list, spoken),
        consent_text.second_starter(organisation, mailing_list, spoken) if needed else None,
    )


def create(  # noqa: PLR0913 - for whom, in which language, with which words
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList,
    *,
    spoken: str | None = None,
    words: Words | None = None,
    show: Show | None = None,
) -> SignupForm:
    """Make a form for a list and publish its first version, from the starter words of its language if none are given.

    Raises Invalid when the words lack what the law asks of them.
    """
    form = SignupForm(
        list_id=mailing_list.id, slug=_free_slug(session, mailing_list.slug), language=spoken or organisation.language
    )
    form.mailing_list = mailing_list
    session.add(form)
    session.flush()
    said = words or starter(organisation, mailing_list, form.language)
    publish_words(session, organisation, form, said, show=show)
    return form


def publish_words(
    session: Session, organisation: Organisation, form: SignupForm, words: Words, *, show: Show | None = None
) -> SignupFormVersion:
    """Publish a form's texts and then the form with them; all of it or nothing."""
    mailing_list = form.mailing_list
    text = consent_text.publish(session, organisation, mailing_list, form.language, words.wording)
    second = None
    if words.second is not None:
        second = consent_text.publish(session, organisation, mailing_list, form.language, words.second)
    return publish(
        session,
        form,
        text,
        title=words.title,
        thank_you=words.thank_you,
        second_text=second,
        least_age=mailing_list.least_age or None,
        design=words.design,
        further=words.further,
        show=show,
    )


def _free_slug(session: Session, wanted: str) -> str:
    taken = set(session.scalars(select(SignupForm.slug).where(SignupForm.slug.startswith(wanted))))
    if wanted not in taken:
        return wanted
    return next(slug for number in range(2, len(taken) + 3) if (slug := f"{slug_of(wanted)}-{number}") not in taken)


def publish(  # noqa: PLR0913 - all that a form says
    session: Session,
    form: SignupForm,
    text: ConsentText,
    *,
    title: str,
    thank_you: str,
    second_text: ConsentText | None = None,
    least_age: int | None = None,
    design: Design = form_design.NONE,
    further: Sequence[Offer] = (),
    show: Show | None = None,
) -> SignupFormVersion:
    """Store what the form says from now on; old versions stay as they were.

    ``show`` draws the page as people will see it. Raises Invalid for a text that is missing or
    in another language, lists that do not fit together, a page that tricks people, a design that leads astray.
    """
    _refuse_unfit(form, text, second_text, further)
    notice = privacy_notice.newest(session, form.mailing_list.organisation_id, form.language)
    made = SignupFormVersion(
        form_id=form.id,
        version=_next_number(session, form),
        consent_text_id=text.id,
        second_text_id=second_text.id if second_text else None,
        title=title,
        thank_you=thank_you,
        least_age=least_age,
        notice_sha256=notice.sha256 if notice else None,
        published_at=clock.now(),
        **_chosen(design, further),
    )
    made.form, made.consent_text = form, text
    made.sha256 = hashlib.sha256(form_record.content_with(made, second_text)).hexdigest()
    _refuse_tricks(session, made, second_text, tuple(further), show)
    # Before the row is there: what is published is never changed, not even by us.
    made.ledger_seq = None if form.mailing_list.demo else form_record.write_down(session, made)
    session.add(made)
    session.flush()
    return made


def _chosen(design: Design, further: Sequence[Offer]) -> dict[str, Any]:
    """Return the columns of what was chosen; none where nothing was: None would be stored as JSON's null."""
    chosen = {"design": form_design.checked(design).as_json(), "further": form_offer.named(further)}
    return {name: value for name, value in chosen.items() if value}


def _refuse_tricks(
    session: Session, made: SignupFormVersion, second: ConsentText | None, further: tuple[Offer, ...], show: Show | None
) -> None:
    if show is None:
        return
    form = made.form
    owner = session.get_one(Organisation, form.mailing_list.organisation_id)
    shown_then = ShownForm(owner, form.mailing_list, form, made, made.consent_text, second, further)
    refuse_blocking(form_lint.check(show(shown_then)))


def _next_number(session: Session, form: SignupForm) -> int:
    query = select(func.max(SignupFormVersion.version)).where(SignupFormVersion.form_id == form.id)
    return (session.scalar(query) or 0) + 1


def _refuse_unfit(form: SignupForm, text: ConsentText, second: ConsentText | None, further: Sequence[Offer]) -> None:
    if any(part.language != form.language for part in (text, second) if part is not None):
        raise Invalid("text_language", language.text("This form needs a text in its own language."))
    if second is None and consent_text.needs_second(form.mailing_list):
        sentence = language.text("The rules of this list ask for a second text, about personal data.")
        raise Invalid("second_text_missing", sentence)
    form_offer.refuse_unfit(form.mailing_list, form.language, further)


# One question to the database, and made once: every page and every post of a form asks it.
_SHOWN = (
    select(SignupFormVersion, Organisation)
    .join(SignupFormVersion.form)
    .join(SignupForm.mailing_list)
    .join(Organisation, Organisation.id == MailingList.organisation_id)
    .where(SignupForm.slug == bindparam("slug"))
    .order_by(SignupFormVersion.version.desc())
    .limit(1)
    .options(
        contains_eager(SignupFormVersion.form).contains_eager(SignupForm.mailing_list),
        joinedload(SignupFormVersion.consent_text, innerjoin=True),
        joinedload(SignupFormVersion.second_text),
    )
)


def shown(session: Session, slug: str) -> ShownForm:
    """Return the newest version of the open form at a slug. Raises NotFound when there is none."""
    found = session.execute(_SHOWN, {"slug": slug}).first()
    if found is None or not _is_open(found[0].form):
        raise NotFound("no_form", language.text("This sign-up form does not exist or has been closed."))
    version, organisation = found
    form, further = version.form, form_offer.still_offered(form_offer.of(session, version.further))
    return ShownForm(organisation, form.mailing_list, form, version, version.consent_text, version.second_text, further)


def _is_open(form: SignupForm) -> bool:
    return form.state is FormState.OPEN and form.mailing_list.state is ListState.ACTIVE


def newest(session: Session, form: SignupForm) -> SignupFormVersion:
    """Return what the form says now."""
    query = select(SignupFormVersion).where(SignupFormVersion.form_id == form.id)
    return session.scalars(query.order_by(SignupFormVersion.version.desc()).limit(1)).one()


def versions(session: Session, form: SignupForm) -> list[SignupFormVersion]:
    """Return everything the form ever said, the newest first."""
    query = select(SignupFormVersion).where(SignupFormVersion.form_id == form.id)
    return list(session.scalars(query.order_by(SignupFormVersion.version.desc())))


def describe(session: Session, version: SignupFormVersion) -> ShownForm:
    """Return a version, old or new, with all that belongs to it."""
    mailing_list = version.form.mailing_list
    organisation = session.get_one(Organisation, mailing_list.organisation_id)
    second, further = version.second_text, form_offer.of(session, version.further)
    return ShownForm(organisation, mailing_list, version.form, version, version.consent_text, second, further)


def close(form: SignupForm) -> None:
    """Take no more signups; whoever came by the form stays."""
    form.state = FormState.CLOSED


def reopen(form: SignupForm) -> None:
    """Take signups again."""
    form.state = FormState.OPEN


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
