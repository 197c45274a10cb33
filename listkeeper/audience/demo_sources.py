"""The demo's places: three links, with the visits and people that a café of this size would have.

Which of the invented people came from where is told by their row numbers, so
the same demo shows the same figures everywhere.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from listkeeper.audience import source
from listkeeper.audience.signup_form import ShownForm
from listkeeper.audience.source import Channel
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.visit import SourceVisit
from listkeeper.foundation import clock

_DAYS = 240
# Of every twenty people: how many came from there; visits a day, and programs among them.
_PLACES = ((Channel.INSTAGRAM, 8, 9, 2), (Channel.TILL, 5, 3, 0), (Channel.MARKET, 2, 1, 0))
_TWENTY = 20


def add(session: Session, shown: ShownForm) -> None:
    """Make the links and let the people of the demo's list have come by them."""
    first, since = 0, clock.now() - timedelta(days=_DAYS)
    for channel, share, people, machines in _PLACES:
        slug = source.free_slug(session, source.SOCIAL.get(channel, channel.value))
        made = source.create(session, shown.form, name=source.called(channel), channel=channel, slug=slug)
        made.created_at = since
        session.execute(
            update(Subscription)
            .where(
                Subscription.list_id == shown.mailing_list.id,
                Subscription.id % _TWENTY >= first,
                Subscription.id % _TWENTY < first + share,
            )
            .values(source_id=made.id),
            execution_options={"synchronize_session": False},
        )
        session.execute(insert(SourceVisit), _visits(made.id, people, machines))
        first += share
    session.flush()


def _visits(source_id: int, people: int, machines: int) -> list[dict[str, object]]:
    today = clock.now().date()
    days = [today - timedelta(days=back) for back in range(_DAYS)]
    # More on Fridays and Saturdays, when the café is full.
    return [
        {
            "source_id": source_id,
            "day": day,
            "people": people + (people if day.weekday() in {4, 5} else day.toordinal() % 3),
            "machines": machines,
        }
        for day in days
    ]
