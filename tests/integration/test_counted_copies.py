"""Counted copies of a letter that truly leaves: as many as their readers chose, and so it stays when they leave."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import engagement
from listkeeper.foundation import clock
from listkeeper.jobs import counting
from listkeeper.sending import planning
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.works import SITE, Works

_PEOPLE = 40


def _choose(session: Session, _house: Cafe) -> None:
    """Let a quarter be seen by name, and a quarter be counted as numbers."""
    for rest, column in ((0, "tracking_since"), (1, "counted_since")):
        session.execute(update(Subscription).where(Subscription.id % 4 == rest).values({column: clock.now()}))


def _send(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house, markdown="# Buns\n\n[Here](https://cafe.example/buns)\n")
    planning.send_campaign(session, house.organisation, letter, site=SITE)


def _counted(works: Works) -> dict[str, int]:
    letter = works.read(lambda session: session.scalars(select(Campaign.id)).one())
    found = works.read(lambda session: engagement.by_provider(session, letter))
    return {provider: each.counted for provider, each in found.items() if each.counted}


def test_as_many_are_counted_as_chose_and_it_stays_so(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(_PEOPLE)
    works.write(_choose)
    works.write(_send)
    works.drain()
    assert len(smtp_sink.messages) == _PEOPLE
    counted = _counted(works)
    assert sum(counted.values()) == _PEOPLE // 2
    assert counted["unknown"] >= _PEOPLE // 4
    works.leave(*works.read(lambda session: session.scalars(select(Subscription.subscriber_id)).all()))
    with works.app.app_context():
        counting.look_after()
    assert _counted(works) == counted
