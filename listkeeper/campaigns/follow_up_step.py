"""A step of a follow-up: how long it waits, for whom it is, and the letter that then goes out.

The letter is written like any other, as a campaign that is never sent to all at
once. What goes out is one revision, chosen by its owner, as with a welcome
letter: whatever is written after that waits until it is chosen too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Index, Integer, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up, link, preflight, preview
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns import stance as stances
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

MOST_STEPS = 5
LONGEST_WAIT = 365
_LAST_HOUR = 23
_DAY = timedelta(days=1)


class StepKind(StrEnum):
    """What a step is for; each is refused to people for whom it would be wrong."""

    LETTER = "letter"
    # Asks the one profile question that is next for its reader; without one she does not get it.
    ASK_ONE_MORE = "ask_one_more"
    # Three taps, from a person, and no offer beside them.
    HOW_IS_IT_GOING = "how_is_it_going"
    # Only to people whose permission lives and ends soon.
    RENEWAL = "renewal"


class FollowUpStep(Table):
    """One step; one that was removed stays, because what left by it points to it."""

    __tablename__ = "follow_up_step"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("fst")
    follow_up_id: Mapped[int] = mapped_column(ForeignKey("follow_up.id"))
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[StepKind] = columns.enum(StepKind, default=StepKind.LETTER)
    # After the step before was handed over, or after what began it.
    wait_days: Mapped[int] = mapped_column(Integer)
    # The hour of the day at which it leaves then; empty: as soon as the days are over.
    at_hour: Mapped[int | None] = mapped_column(Integer)
    # Only for those who are in this segment when it is due.
    segment_id: Mapped[int | None] = mapped_column(columns.RowId)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), unique=True)
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id"))
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = columns.created_at()

    campaign: Mapped[Campaign] = relationship()
    chosen: Mapped[Revision | None] = relationship()
    follow_up: Mapped[FollowUp] = relationship()

    __table_args__ = (Index("ix_follow_up_step_follow_up", "follow_up_id", "position"),)


@dataclass(frozen=True)
class Turn:
    """When a step is due, and for whom."""

    wait_days: int
    at_hour: int | None = None
    segment_id: int | None = None


def steps(session: Session, found: FollowUp) -> list[FollowUpStep]:
    """Return the steps of a line, in order."""
    query = select(FollowUpStep).where(FollowUpStep.follow_up_id == found.id, FollowUpStep.removed_at.is_(None))
    return list(session.scalars(query.order_by(FollowUpStep.position, FollowUpStep.id)))


def every(session: Session, found: FollowUp) -> list[FollowUpStep]:
    """Return all steps it ever had, in order."""
    query = select(FollowUpStep).where(FollowUpStep.follow_up_id == found.id)
    return list(session.scalars(query.order_by(FollowUpStep.position, FollowUpStep.id)))


def identified(session: Session, found: FollowUp, public_id: str) -> FollowUpStep:
    """Return a step of a line. Raises NotFound."""
    for step in steps(session, found):
        if step.public_id == public_id:
            return step
    raise NotFound("no_step", language.text("This step does not exist any more."))


def of_campaign(session: Session, campaign: Campaign) -> FollowUpStep | None:
    """Return the step that a letter is written for, if it is one's."""
    return session.scalars(select(FollowUpStep).where(FollowUpStep.campaign_id == campaign.id)).first()


def add(  # noqa: PLR0913, PLR0917 - whose line, which step, and its words
    session: Session, organisation: Organisation, found: FollowUp, kind: StepKind, turn: Turn, draft: Draft
) -> FollowUpStep:
    """Put a step at the end of a line, with the words it begins with. Raises Invalid, Conflict while it is on."""
    follow_up.demand_changeable(follow_up.lock(session, found))
    line = steps(session, found)
    if len(line) >= MOST_STEPS:
        sentence = language.text("Five steps are the most. Make it shorter, or begin another follow-up.")
        raise Invalid("most_steps", sentence)
    _demand_sane(turn)
    letter = campaigns.create(
        session, organisation, found.mailing_list, draft, demo=found.demo, kind=CampaignKind.FOLLOW_UP
    )
    letter.stance = stances.of_step(kind.value, draft).value
    last = max((step.position for step in every(session, found)), default=0)
    made = FollowUpStep(follow_up_id=found.id, position=last + 1, kind=kind, campaign_id=letter.id)
    made.campaign, made.follow_up = letter, found
    _take_turn(made, turn)
    session.add(made)
    session.flush()
    return made


def _demand_sane(turn: Turn) -> None:
    if not 0 <= turn.wait_days <= LONGEST_WAIT:
        sentence = language.text("Please choose a wait between 0 and %(most)s days.", most=LONGEST_WAIT)
        raise Invalid("wait_days", sentence)
    if turn.at_hour is not None and not 0 <= turn.at_hour <= _LAST_HOUR:
        raise Invalid("at_hour", language.text("Please choose an hour between 0 and 23, or none."))


def _take_turn(step: FollowUpStep, turn: Turn) -> None:
    step.wait_days, step.at_hour, step.segment_id = turn.wait_days, turn.at_hour, turn.segment_id


def change(session: Session, step: FollowUpStep, turn: Turn) -> None:
    """Choose another wait, hour or condition; who waits for it already keeps her moment. Raises Invalid, Conflict."""
    follow_up.demand_changeable(follow_up.lock(session, step.follow_up))
    _demand_sane(turn)
    _take_turn(step, turn)


def shift(session: Session, step: FollowUpStep, *, up: bool) -> None:
    """Let a step change places with the one before it, or after it; at an end nothing happens. Raises Conflict."""
    follow_up.demand_changeable(follow_up.lock(session, step.follow_up))
    line = steps(session, step.follow_up)
    here = line.index(step)
    there = here - 1 if up else here + 1
    if 0 <= there < len(line):
        other = line[there]
        step.position, other.position = other.position, step.position
        session.flush()


def remove(session: Session, step: FollowUpStep) -> None:
    """Take a step out of its line; what left by it stays counted. Raises Conflict.

    What waits to leave by it is taken back by whoever calls (``sending.follow_up_steering``).
    """
    follow_up.demand_changeable(follow_up.lock(session, step.follow_up))
    step.removed_at = clock.now()
    session.flush()


def due(step: FollowUpStep, since: datetime, zone: str) -> datetime:
    """Return when a step is due, counted from a moment, by the clocks of ``zone`` where it has an hour."""
    return at_its_hour(step, since + step.wait_days * _DAY, zone)


def at_its_hour(step: FollowUpStep, moment: datetime, zone: str) -> datetime:
    """Return the first moment from one on at the step's hour, by the clocks of ``zone``; without an hour that one."""
    if step.at_hour is None:
        return moment
    there = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wall = there.replace(hour=step.at_hour, minute=0, second=0, microsecond=0)
    # By the clock on the wall: the wait is never shortened, so that an hour that is over means tomorrow's.
    if wall < there:
        wall += _DAY
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def choose_words(
    session: Session, organisation: Organisation, step: FollowUpStep, *, site: str, sha256: str | None = None
) -> Revision:
    """Let the newest words of a step's letter go out from now on.

    Raises Invalid when something in them blocks sending, Conflict when ``sha256`` is not what they are.
    """
    session.refresh(step.campaign, with_for_update=True)
    newest = campaigns.newest(session, step.campaign)
    if sha256 is not None and sha256 != newest.sha256:
        sentence = language.text("The letter has changed since you looked at it. Look again, then let it go.")
        raise Conflict("changed_since_preview", sentence)
    for finding in faults(session, organisation, step, site=site):
        if finding.severity is Severity.BLOCK:
            raise Invalid("not_ready", finding.message)
    compile_words(session, organisation, step, newest, site=site)
    step.revision_id, step.chosen = newest.id, newest
    step.campaign.stance = stances.of_step(step.kind.value, newest.draft).value
    return newest


def faults(session: Session, organisation: Organisation, step: FollowUpStep, *, site: str) -> list[Finding]:
    """Return what is wrong with the newest words of a step's letter."""
    draft, about = campaigns.newest(session, step.campaign).draft, step.campaign.mailing_list
    seen = preflight.inspect_draft(
        draft, organisation, about, site=site, spoken=step.campaign.language, told=preview.nothing_told(session, about),
        kind=CampaignKind.FOLLOW_UP,
    )  # fmt: skip
    return seen.findings


def compile_words(
    session: Session, organisation: Organisation, step: FollowUpStep, chosen: Revision, *, site: str
) -> None:
    """Keep the compiled form on the revision; it is made again when the sender's own data have changed since."""
    letter = step.campaign
    made = revisions.compile_now(session, chosen, organisation, letter.mailing_list, site, letter.language)
    link.keep(session, chosen.id, made.links)


def waits(session: Session, step: FollowUpStep) -> bool:
    """Return whether newer words wait to be chosen while older ones go out."""
    return step.revision_id is not None and campaigns.newest(session, step.campaign).id != step.revision_id
