"""What the release before left behind (migration 0046): yes for links alone, and pictures in nameless copies alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscription import Subscription
from listkeeper.feedback import engagement
from listkeeper.sending import engagement_tally
from listkeeper.sending.engagement_tally import EngagementTally, Key, What
from tests.fakes import databases
from tests.fakes.databases import Database
from tests.makers import visited
from tests.makers.visited import Visited


@pytest.fixture
def sent(session: Session) -> Iterator[Visited]:
    """A letter to two by name and three as a number; the session is closed: the tables are made anew beside it."""
    yield visited.letter(session, as_number=3)
    session.close()


@pytest.mark.parametrize(("told", "pictured"), [
    # As each copy was counted: by name under its provider.
    ({"gmail": 2, "unknown": 3}, 3),
    # By name without a provider, all of them or one.
    ({"unknown": 5}, 3), ({"gmail": 1, "unknown": 4}, 3),
    # Who was by name then and is not now.
    ({"gmail": 4, "unknown": 3}, 3),
    # Nobody as a number, and nobody at all.
    ({"gmail": 2}, 0), ({"unknown": 2}, 0), ({}, 0),
])  # fmt: skip
def test_only_nameless_copies_held_the_picture(
    sent: Visited, database: Database, told: dict[str, int], pictured: int
) -> None:
    session, letter = sent.session, sent.letter.id
    session.execute(delete(EngagementTally))
    session.execute(update(Subscription).values(opens_since=None))
    revision = sent.letter.sent_revision_id or 0
    engagement_tally.add(
        session, {Key(letter, revision, 0, name, What.COUNTED): number for name, number in told.items()}
    )
    since = session.scalars(select(Subscription.tracking_since).order_by(Subscription.id)).all()
    session.commit()
    session.close()
    databases.migrate(database, "0045")
    databases.migrate(database)
    found = engagement.of_campaign(session, letter)
    assert (found.counted, found.pictured) == (sum(told.values()), pictured)
    assert session.scalars(select(Subscription.tracking_since).order_by(Subscription.id)).all() == since
    assert set(session.scalars(select(Subscription.opens_since))) == {None}


def test_the_way_back_leaves_whoever_is_seen_seen_by_links(sent: Visited, database: Database) -> None:
    session, letter = sent.session, sent.letter.id
    session.commit()
    session.close()
    assert engagement.of_campaign(session, letter).pictured == 5
    session.close()
    databases.migrate(database, "0045")
    databases.migrate(database)
    assert engagement.of_campaign(session, letter).pictured == 3
    seen = session.execute(select(Subscription.tracking_since.is_not(None), Subscription.opens_since)).all()
    assert sorted(tuple(row) for row in seen if row[0]) == [(True, None)] * 2
