"""A café with six hundred people, and letters to them with two versions."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import schedule
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.campaigns.schedule import Leaving
from listkeeper.campaigns.trial import Measure, Order, Rule, Trial, Words
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe, multitude
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"
PEOPLE = 600
HOURS = timedelta(hours=4)
DOMAINS = {"gmail.com": 300, "web.de": 200}


def gathered(session: Session) -> Cafe:
    """Return a café with six hundred people, at two large providers and many small ones."""
    made = cafe.found(session)
    multitude.gather(session, made, PEOPLE)
    domains = [domain for domain, count in DOMAINS.items() for _ in range(count)]
    for number, person in enumerate(session.scalars(select(Subscriber).order_by(Subscriber.id)).all()):
        domain = domains[number] if number < len(domains) else f"own-{number}.example"
        person.email_key = f"person-{number}@{domain}"
    session.commit()
    return made


def plan(rule: Rule = Rule.WINNER, measure: Measure = Measure.REPLIES, **more: object) -> Trial:
    """Return a plan for which each version needs 103 people."""
    asked: dict[str, object] = {"expected": 300, "difference": 200, "wait": HOURS} | more
    return trials.plan(rule=rule, measure=measure, **asked)  # type: ignore[arg-type]


def order(rule: Rule = Rule.WINNER, subject: str = "Buns, warm", **more: object) -> Order:
    """Return such a trial of two subjects."""
    return Order(plan(rule, **more), Words(subject=subject))  # type: ignore[arg-type]


def send(session: Session, house: Cafe, ordered: Order, leaves: Leaving = schedule.AT_ONCE) -> Campaign:
    """Order a letter with a trial."""
    letter = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, letter, site=SITE, test=ordered, leaves=leaves)
    session.commit()
    return letter


def trial_of(letter: Campaign) -> Trial:
    """Return the trial of a letter that has one."""
    found = trials.of(letter)
    assert found is not None
    return found


def versions(session: Session, letter: Campaign, wave: int) -> Counter[str]:
    """Return how many of a wave have which version, by its subject."""
    query = (
        select(Revision.subject, func.count())
        .join(Delivery, Delivery.revision_id == Revision.id)
        .where(Delivery.campaign_id == letter.id, Delivery.wave == wave)
        .group_by(Revision.subject)
    )
    return Counter({row[0]: row[1] for row in session.execute(query)})
