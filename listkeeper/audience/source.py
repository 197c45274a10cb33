"""A source: one place where people meet the form, with a short link and a code of its own.

``/s/ig-bio`` leads to the form and names the place on the way, so that a
sign-up is counted to it even when the browser tells nothing. A source is never
deleted: a poster hangs longer than anybody remembers it, so an archived one
still leads to the form and still counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import signup_form
from listkeeper.audience.mailing_list import ListState, MailingList, slug_of
from listkeeper.audience.signup_form import FormState, SignupForm
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
# Read aloud, typed from a poster, printed small: short, and nothing that needs explaining.
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LIMIT = 40
NAME_LIMIT = 80
HEADLINE_LIMIT = 80
LINE_LIMIT = 160
_UTM_LIMIT = 100


class Channel(StrEnum):
    """What kind of place a source is; the page about what you own adds up by it."""

    INSTAGRAM = "instagram"
    FACEBOOK = "facebook"
    TIKTOK = "tiktok"
    YOUTUBE = "youtube"
    LINKEDIN = "linkedin"
    WHATSAPP = "whatsapp"
    WEBSITE = "website"
    NEWSLETTER = "newsletter"
    TILL = "till"
    POSTER = "poster"
    MARKET = "market"
    PARTNER = "partner"
    OTHER = "other"


# Where people follow you on somebody else's ground, each with the slug of the ready set.
SOCIAL = {
    Channel.INSTAGRAM: "ig-bio",
    Channel.FACEBOOK: "fb",
    Channel.TIKTOK: "tiktok",
    Channel.YOUTUBE: "youtube",
    Channel.LINKEDIN: "linkedin",
    Channel.WHATSAPP: "whatsapp",
}


class Source(Table):
    """One place, and the form that people who come from there see."""

    __tablename__ = "source"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("src")
    form_id: Mapped[int] = mapped_column(ForeignKey("signup_form.id"), index=True)
    slug: Mapped[str] = mapped_column(String(SLUG_LIMIT), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_LIMIT))
    channel: Mapped[Channel] = columns.enum(Channel)
    utm: Mapped[dict[str, str]] = mapped_column(columns.Json, default=dict)
    # What its poster says; empty for the form's own headline and our line.
    headline: Mapped[str] = mapped_column(String(HEADLINE_LIMIT), default="")
    line: Mapped[str] = mapped_column(String(LINE_LIMIT), default="")
    created_at: Mapped[datetime] = columns.created_at()
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    form: Mapped[SignupForm] = relationship()


def called(channel: Channel) -> str:
    """Return what people call a kind of place."""
    return {
        Channel.INSTAGRAM: "Instagram",
        Channel.FACEBOOK: "Facebook",
        Channel.TIKTOK: "TikTok",
        Channel.YOUTUBE: "YouTube",
        Channel.LINKEDIN: "LinkedIn",
        Channel.WHATSAPP: "WhatsApp",
        Channel.WEBSITE: language.text("Website"),
        Channel.NEWSLETTER: language.text("A newsletter"),
        Channel.TILL: language.text("Till"),
        Channel.POSTER: language.text("Poster"),
        Channel.MARKET: language.text("Market stall"),
        Channel.PARTNER: language.text("Partner"),
        Channel.OTHER: language.text("Somewhere else"),
    }[channel]


def create(  # noqa: PLR0913 - all that a source is
    session: Session,
    form: SignupForm,
    *,
    name: str,
    channel: Channel,
    slug: str = "",
    utm: Mapping[str, str] | None = None,
) -> Source:
    """Store a source of a form, under a slug made from its name when none is given.

    Raises Invalid for a name or slug that cannot be, Conflict when the slug is taken.
    """
    named_so = _checked_name(name)
    wanted = _checked_slug(slug) if slug.strip() else free_slug(session, slug_of(named_so)[:30].strip("-"))
    if with_slug(session, wanted) is not None:
        raise Conflict(
            "source_exists", language.text("There is a link “%(slug)s” already. Please choose another.", slug=wanted)
        )
    made = Source(form_id=form.id, slug=wanted, name=named_so, channel=channel, utm=_checked_utm(utm or {}))
    made.form = form
    session.add(made)
    session.flush()
    return made


def change(source: Source, form: SignupForm, *, name: str, channel: Channel, utm: Mapping[str, str]) -> None:
    """Change what a source is called and where it leads; its slug is on paper and stays.

    Raises Invalid for a name that cannot be, Conflict for a form of another list.
    """
    if form.list_id != source.form.list_id:
        raise Conflict("other_list", language.text("A link can lead to another form of the same list only."))
    source.name, source.channel, source.utm = _checked_name(name), channel, _checked_utm(utm)
    source.form_id, source.form = form.id, form


def say_on_poster(source: Source, *, headline: str, line: str) -> None:
    """Choose the words of the poster; empty ones are the form's and ours. Raises Invalid for what does not fit."""
    what = language.text("the words on the poster")
    source.headline = _one_line(headline, HEADLINE_LIMIT, what)
    source.line = _one_line(line, LINE_LIMIT, what)


def _one_line(text: str, limit: int, what: str) -> str:
    said = " ".join(text.split())
    if len(said) > limit or any(unicodedata.category(char) == "Cc" for char in said):
        raise Invalid("too_long", language.text("Please shorten %(what)s to one line.", what=what))
    return said


def _checked_name(name: str) -> str:
    named_so = _one_line(name, NAME_LIMIT, language.text("the name of the link"))
    if not named_so:
        raise Invalid("missing", language.text("Please give the link a name, such as “Poster at the bakery”."))
    return named_so


def _checked_slug(slug: str) -> str:
    wanted = slug.strip().lower()
    if len(wanted) > SLUG_LIMIT or not _SLUG.fullmatch(wanted):
        raise Invalid(
            "slug", language.text("Use small letters, digits and hyphens for the address, as in “ig-bio”; 40 at most.")
        )
    return wanted


def _checked_utm(utm: Mapping[str, str]) -> dict[str, str]:
    return {
        name: said
        for name in UTM
        if (said := _one_line(utm.get(name, ""), _UTM_LIMIT, language.text("the marks for your statistics")))
    }


def free_slug(session: Session, wanted: str) -> str:
    """Return a slug, or the same with a number behind it when it is taken."""
    taken = set(session.scalars(select(Source.slug).where(Source.slug.startswith(wanted, autoescape=True))))
    if wanted not in taken:
        return wanted
    return next(slug for number in range(2, len(taken) + 3) if (slug := f"{wanted}-{number}") not in taken)


def ready_set(session: Session, form: SignupForm) -> list[Source]:
    """Make one source for each social channel that the form's list has none of yet, and return them."""
    query = select(Source.channel).join(SignupForm).where(SignupForm.list_id == form.list_id)
    there = set(session.scalars(query.where(Source.archived_at.is_(None))))
    return [
        create(session, form, name=called(channel), channel=channel, slug=free_slug(session, slug))
        for channel, slug in SOCIAL.items()
        if channel not in there
    ]


def archive(source: Source) -> None:
    """Put a source away; whoever finds its link still gets to the form, and is still counted."""
    if source.archived_at is None:
        source.archived_at = clock.now()


def reopen(source: Source) -> None:
    """Take an archived source into use again."""
    source.archived_at = None


def all_of(session: Session, mailing_list: MailingList) -> list[Source]:
    """Return the sources of a list's forms, those in use first, the oldest first."""
    query = select(Source).join(SignupForm).where(SignupForm.list_id == mailing_list.id)
    return list(session.scalars(query.order_by(Source.archived_at.is_not(None), Source.id)))


def every(session: Session, organisation: Organisation) -> list[Source]:
    """Return the sources of all lists there are, those in use first, the oldest first."""
    query = (
        select(Source)
        .join(SignupForm)
        .join(MailingList)
        .where(MailingList.organisation_id == organisation.id, MailingList.state != ListState.TOMBSTONED)
    )
    return list(session.scalars(query.order_by(Source.archived_at.is_not(None), Source.id)))


def named(session: Session, organisation: Organisation, name: str) -> Source:
    """Return the source with a slug or public id. Raises NotFound."""
    query = (
        select(Source)
        .join(SignupForm)
        .join(MailingList)
        .where(
            MailingList.organisation_id == organisation.id,
            MailingList.state != ListState.TOMBSTONED,
            (Source.slug == name.lower()) | (Source.public_id == name),
        )
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_source", language.text("There is no link called “%(name)s”.", name=name[:SLUG_LIMIT]))
    return found


def with_slug(session: Session, typed: str) -> Source | None:
    """Return the source a slug names, as people type it from paper: capitals and a full stop behind it are forgiven."""
    slug = as_slug(typed)
    return session.scalars(select(Source).where(Source.slug == slug)).first() if slug else None


def as_slug(typed: str) -> str:
    """Return what was typed as a slug could be, or nothing: whatever else it is, it names no source."""
    slug = typed.strip(" .,;)").lower()
    return slug if len(slug) <= SLUG_LIMIT and _SLUG.fullmatch(slug) else ""


def destination(session: Session, source: Source) -> SignupForm:
    """Return the form that a source leads to: its own, or another open one of the list when that is closed."""
    own = source.form
    if own.state is FormState.OPEN:
        return own
    others = [form for form in signup_form.all_of(session, own.mailing_list) if form.state is FormState.OPEN]
    return min(others, key=lambda form: (form.language != own.language, form.id), default=own)


def touch(session: Session, current: Subscription, signup_id: int, typed: str | None) -> None:
    """Note by which signup, and from which source, somebody first came to a list. The first touch stays.

    Whoever was confirmed already came before; a slug that we do not know is kept with the signup and counts nowhere.
    """
    came_before = current.consent_event_id is not None or current.state is SubscriptionState.CONFIRMED
    if current.first_signup_id is not None or came_before:
        return
    current.first_signup_id = signup_id
    found = with_slug(session, typed) if typed else None
    current.source_id = found.id if found is not None else None
