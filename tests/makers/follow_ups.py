"""Follow-ups on the café's list, made and driven by the program's own verbs; nothing is committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import follow_up, follow_up_step
from listkeeper.campaigns.follow_up import FollowUp, Start, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind, Turn
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import clock
from listkeeper.sending import frequency_cap
from listkeeper.sending.delivery import OPEN, Delivery, DeliveryState
from listkeeper.sending.following import follow_up_entry, follow_up_planning, follow_up_settling, follow_up_steering
from listkeeper.sending.following.follow_up_run import FollowUpAct, FollowUpRun
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"
WORDS = Draft("A note", "From the oven", 'Dear {{ subscriber.first_name | default: "friend" }},\n\nthe oven is warm.')
HOW = Draft("How is it going?", "One tap", "How is it going?\n\n[All is fine]({{ links.fine }})")
RENEW = Draft("Still glad?", "A word is enough", "Look it over: [my page]({{ links.preferences }})")
_WORDS = {StepKind.HOW_IS_IT_GOING: HOW, StepKind.RENEWAL: RENEW}


def line(
    session: Session,
    house: Cafe,
    turns: Sequence[tuple[StepKind, int]] = ((StepKind.LETTER, 2), (StepKind.LETTER, 3)),
    *,
    start: Start | None = None,
    on: bool = True,
    hour: int | None = None,
) -> FollowUp:
    """Make a line of steps (kind, days), and switch it on."""
    made = follow_up.create(session, house.organisation, house.mailing_list, "A line", start or Start(Trigger.SAID_YES))
    for kind, days in turns:
        follow_up_step.add(session, house.organisation, made, kind, Turn(days, hour), _WORDS.get(kind, WORDS))
    if on:
        switch_on(session, house, made)
    return made


def switch_on(session: Session, house: Cafe, made: FollowUp) -> None:
    follow_up_steering.switch_on(session, house.organisation, made, site=SITE)


def steps(session: Session, made: FollowUp) -> list[FollowUpStep]:
    return follow_up_step.steps(session, made)


def says_yes(session: Session, person: Subscriber) -> None:
    """Do what the reaction does after a yes."""
    query = select(ConsentEvent).where(
        ConsentEvent.subject_ref == person.subject_ref, ConsentEvent.kind == EventKind.GIVEN
    )
    event = session.scalars(query.order_by(ConsentEvent.id.desc()).limit(1)).one()
    follow_up_entry.after_yes(session, event.id)


def buys(session: Session, person: Subscriber, number: str, name: str = "order", at: datetime | None = None) -> int:
    """Post an event of hers and do what the reaction does; return on how many lines she set out."""
    made = PostedEvent(
        organisation_id=person.organisation_id, subscriber_id=person.id, name=name, external_id=number,
        at=at or clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return follow_up_entry.after_event(session, made.id)


def look(session: Session, made: FollowUp) -> int:
    """Do what the timetable's round does to one line; return how many were decided about."""
    follow_up_settling.call_back(session, made)
    follow_up_settling.settle(session, made)
    decided = 0
    while count := follow_up_planning.plan(session, made, site=SITE):
        decided += count
    return decided


def hand_over(session: Session) -> int:
    """Let everything leave that is due, as if a server had taken it; return how many."""
    now = clock.now()
    gone = session.execute(
        update(Delivery)
        .where(Delivery.state.in_(sorted(OPEN)), Delivery.due_at <= now)
        .values(state=DeliveryState.ACCEPTED, handed_at=now, settled_at=now)
        .returning(Delivery.list_id, Delivery.subscriber_id)
    ).all()
    for list_id in {row[0] for row in gone if row[0] is not None}:
        subscription.contacted(session, list_id, [row[1] for row in gone if row[0] == list_id and row[1] is not None])
    session.expire_all()
    return len(gone)


def mails(session: Session, made: FollowUp) -> list[Delivery]:
    letters = [step.campaign_id for step in follow_up_step.every(session, made)]
    return list(session.scalars(select(Delivery).where(Delivery.campaign_id.in_(letters)).order_by(Delivery.id)))


def runs(session: Session, made: FollowUp) -> list[FollowUpRun]:
    query = select(FollowUpRun).where(FollowUpRun.follow_up_id == made.id).order_by(FollowUpRun.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def acts(session: Session) -> list[FollowUpAct]:
    return list(session.scalars(select(FollowUpAct).order_by(FollowUpAct.id)))


def cap(house: Cafe, mails: int | None, days: int = 7, *, letters: bool = False) -> None:
    frequency_cap.choose(house.organisation, mails, days, letters=letters)
