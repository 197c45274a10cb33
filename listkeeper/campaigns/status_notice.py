"""A status notice: what is out of order or will be, who answers for it, and until when people are told more.

Its timeline is a row of updates. Each update says what is known, how far the
mending has come, and by when the next one comes; that promise is watched
(``sending.notice_watch``). An update may travel as a letter to people on a list
for status notices (``notice_letter``), and always stands on the public page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import notice_text
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

# For how long what is over is still shown to whoever looks.
SHOWN_FOR = timedelta(days=90)
_FURTHEST = timedelta(days=366)


class NoticeState(StrEnum):
    """Whether it is over; what comes back is open again, with its timeline."""

    OPEN = "open"
    RESOLVED = "resolved"


S = NoticeState
TRANSITIONS: dict[NoticeState, frozenset[NoticeState]] = {
    S.OPEN: frozenset({S.RESOLVED}),
    # It came back.
    S.RESOLVED: frozenset({S.OPEN}),
}


class UpdateState(StrEnum):
    """How far it has come, by an update."""

    PLANNED = "planned"
    INVESTIGATING = "investigating"
    KNOWN = "known"
    WORKING = "working"
    WATCHING = "watching"
    RESOLVED = "resolved"


class Affected(StrEnum):
    """Whether its reader will notice it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class StatusNotice(Table):
    """One thing that is, was or will be out of order."""

    __tablename__ = "status_notice"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("ntc")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    # Whose people get it by mail; empty: it stands on the public page alone.
    list_id: Mapped[int | None] = mapped_column(ForeignKey("mailing_list.id"))
    title: Mapped[str] = mapped_column(String(200))
    # Who answers for it: the user who began it, and the name that readers see.
    owner_user_id: Mapped[int | None] = mapped_column(columns.RowId)
    owner_name: Mapped[str] = mapped_column(String(120))
    affected: Mapped[Affected] = columns.enum(Affected)
    affects: Mapped[str] = mapped_column(String(300))
    state: Mapped[NoticeState] = columns.enum(NoticeState, default=NoticeState.OPEN)
    opened_at: Mapped[datetime] = columns.created_at()
    # By when more is told, as the last update promised.
    next_update_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When owners were told that this promise was not kept.
    alarmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Of the form or command that began it: sent twice, it begins one.
    request_key: Mapped[str | None] = mapped_column(String(64), unique=True)

    mailing_list: Mapped[MailingList | None] = relationship()

    __table_args__ = (Index("ix_status_notice_state", "organisation_id", "state", "next_update_at"),)

    def is_overdue(self, now: datetime) -> bool:
        """Whether more was promised by now, and nothing was told."""
        return self.state is NoticeState.OPEN and self.next_update_at is not None and self.next_update_at <= now


class StatusUpdate(Table):
    """One entry of a timeline; it never changes."""

    __tablename__ = "status_update"

    id: Mapped[int] = columns.row_id()
    notice_id: Mapped[int] = mapped_column(ForeignKey("status_notice.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    # Short Markdown, the same for every reader.
    words: Mapped[str] = mapped_column(Text)
    state: Mapped[UpdateState] = columns.enum(UpdateState)
    next_update_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The letter that carried it, if one did.
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))
    actor: Mapped[str] = mapped_column(String(80))

    notice: Mapped[StatusNotice] = relationship()

    __table_args__ = (Index("ix_status_update_notice", "notice_id", "id"),)


@dataclass(frozen=True)
class About:
    """What a notice is about, as it was typed."""

    title: str
    owner_name: str
    affected: Affected = Affected.UNKNOWN
    affects: str = ""


@dataclass(frozen=True)
class News:
    """What an update says; ``next_update_at`` is the promise."""

    words: str
    state: UpdateState
    next_update_at: datetime | None = None


def checked(about: About) -> About:
    """Return what a notice is about, tidied. Raises Invalid."""
    return About(
        notice_text.line(about.title, 200, language.text("Please say in one line what is out of order.")),
        notice_text.line(about.owner_name, 120, language.text("Please name who answers for it: people ask a person.")),
        about.affected,
        notice_text.line(about.affects, 300),
    )


def checked_news(news: News, now: datetime) -> News:
    """Return an update, tidied; what is over promises nothing more. Raises Invalid."""
    promised = None if news.state is UpdateState.RESOLVED else news.next_update_at
    if promised is not None and promised <= now:
        raise Invalid(
            "promise_past",
            language.text("The next update must be promised for a time to come. Nothing was told or sent."),
        )
    if promised is not None and promised > now + _FURTHEST:
        raise Invalid("promise_far", language.text("That is more than a year away. Nothing was told or sent."))
    return News(notice_text.words(news.words), news.state, promised)


def begin(  # noqa: PLR0913 - whose, for whom, what, and who says so
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList | None,
    about: About,
    news: News,
    *,
    actor: str,
    user_id: int | None = None,
    request_key: str | None = None,
) -> StatusUpdate:
    """Store a notice with its first update; the same ``request_key`` again returns the one that is there.

    Raises Invalid for words that will not do, or for a list that is not for status notices.
    """
    known = _begun_with(session, organisation, request_key)
    if known is not None:
        return timeline(session, known)[-1]
    demand_service(mailing_list)
    said, told = checked(about), checked_news(news, clock.now())
    if told.state is UpdateState.RESOLVED:
        raise Invalid("begins_resolved", language.text("What is over already needs no notice. Nothing was told."))
    made = StatusNotice(
        organisation_id=organisation.id,
        list_id=mailing_list.id if mailing_list is not None else None,
        owner_user_id=user_id,
        request_key=request_key,
        **vars(said),
    )
    made.mailing_list = mailing_list
    session.add(made)
    session.flush()
    return _tell(session, made, told, actor)


def _begun_with(session: Session, organisation: Organisation, request_key: str | None) -> StatusNotice | None:
    if request_key is None:
        return None
    # Two clicks at once wait for each other here.
    session.refresh(organisation, with_for_update=True)
    query = select(StatusNotice).where(
        StatusNotice.organisation_id == organisation.id, StatusNotice.request_key == request_key
    )
    return session.scalars(query).first()


def demand_service(mailing_list: MailingList | None) -> None:
    """Raise Invalid for a list whose people said yes to letters, and not to status notices."""
    if mailing_list is not None and not mailing_list.is_service:
        raise Invalid(
            "list_for_letters",
            language.text(
                "The people on “%(list)s” said yes to letters, not to status notices. Choose a list for status "
                "notices, or tell it on the status page alone. Nothing was told or sent.",
                list=mailing_list.name,
            ),
        )


def update(session: Session, notice: StatusNotice, news: News, *, actor: str, seen: int | None = None) -> StatusUpdate:
    """Add to the timeline of a notice; one that was over is open again, unless this says so once more.

    ``seen`` is the number of the newest update when this one was written: the same words sent twice are told once.
    Raises Invalid for words that will not do, Conflict when somebody told something else meanwhile.
    """
    session.flush()
    session.refresh(notice, with_for_update=True)
    told = checked_news(news, clock.now())
    newest = timeline(session, notice)[0]
    if seen is not None and newest.id != seen:
        if (newest.words, newest.state, newest.next_update_at) == (told.words, told.state, told.next_update_at):
            return newest
        raise Conflict(
            "told_meanwhile",
            language.text("Somebody told more in the meantime. Your words are kept here; look, then tell yours."),
        )
    if told.state is UpdateState.RESOLVED and notice.state is NoticeState.RESOLVED:
        raise Conflict("resolved", language.text("This notice is over already. Nothing was told or sent."))
    return _tell(session, notice, told, actor)


def resolve(session: Session, notice: StatusNotice, words: str, *, actor: str, seen: int | None = None) -> StatusUpdate:
    """Say that it is over."""
    return update(session, notice, News(words, UpdateState.RESOLVED), actor=actor, seen=seen)


def _tell(session: Session, notice: StatusNotice, news: News, actor: str) -> StatusUpdate:
    moment = clock.now()
    over = news.state is UpdateState.RESOLVED
    if over is not (notice.state is NoticeState.RESOLVED):
        move(notice, NoticeState.RESOLVED if over else NoticeState.OPEN)
    notice.resolved_at = moment if over else None
    notice.next_update_at, notice.alarmed_at = news.next_update_at, None
    made = StatusUpdate(notice_id=notice.id, at=moment, actor=actor, **vars(news))
    made.notice = notice
    session.add(made)
    session.flush()
    return made


def move(notice: StatusNotice, target: NoticeState) -> None:
    """Change the state by the table above. Raises Conflict for a way that does not exist."""
    if target not in TRANSITIONS[notice.state]:
        raise Conflict("notice_state", f"A notice cannot go from {notice.state} to {target}.")
    notice.state = target


def timeline(session: Session, notice: StatusNotice) -> list[StatusUpdate]:
    """Return what was told, newest first."""
    query = select(StatusUpdate).where(StatusUpdate.notice_id == notice.id)
    return list(session.scalars(query.order_by(StatusUpdate.id.desc())))


def named(session: Session, organisation: Organisation, public_id: str) -> StatusNotice:
    """Return the organisation's notice with a public id. Raises NotFound."""
    query = select(StatusNotice).where(
        StatusNotice.public_id == public_id, StatusNotice.organisation_id == organisation.id
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_notice", language.text("There is no status notice with the id %(id)s.", id=public_id[:60]))
    return found


def open_ones(session: Session, organisation: Organisation) -> list[StatusNotice]:
    """Return what is not over, newest first."""
    query = select(StatusNotice).where(
        StatusNotice.organisation_id == organisation.id, StatusNotice.state == NoticeState.OPEN
    )
    return list(session.scalars(query.order_by(StatusNotice.id.desc())))


def shown(session: Session, organisation: Organisation, now: datetime) -> list[StatusNotice]:
    """Return what is not over, and what has not been over for long, newest first."""
    fresh = or_(StatusNotice.state == NoticeState.OPEN, StatusNotice.resolved_at > now - SHOWN_FOR)
    query = select(StatusNotice).where(StatusNotice.organisation_id == organisation.id, fresh)
    return list(session.scalars(query.order_by(StatusNotice.state, StatusNotice.id.desc())))


def every(session: Session, organisation: Organisation, most: int = 200) -> list[StatusNotice]:
    """Return the newest notices, those that are not over first."""
    query = select(StatusNotice).where(StatusNotice.organisation_id == organisation.id)
    return list(session.scalars(query.order_by(StatusNotice.state, StatusNotice.id.desc()).limit(most)))


def overdue(session: Session, organisation: Organisation, now: datetime) -> list[StatusNotice]:
    """Return the notices whose promise is over, the one that waits longest first, locked."""
    query = select(StatusNotice).where(
        StatusNotice.organisation_id == organisation.id,
        StatusNotice.state == NoticeState.OPEN,
        StatusNotice.next_update_at <= now,
    )
    return list(session.scalars(query.order_by(StatusNotice.next_update_at, StatusNotice.id).with_for_update()))


def told_by(session: Session, campaign_id: int) -> StatusUpdate | None:
    """Return the update that a letter carries."""
    return session.scalars(select(StatusUpdate).where(StatusUpdate.campaign_id == campaign_id)).first()
