"""What the release before left behind (migration 0045): people tied to letters not theirs by name, and counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import activity, posted_event
from listkeeper.audience.activity import Act, Activity, ActivityKind
from listkeeper.audience.posted_event import PostedEvent, Sum
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.feedback import engagement
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.engagement_tally import EngagementTally, What
from tests.fakes import databases
from tests.fakes.databases import Database
from tests.makers import cafe, visited
from tests.makers.visited import Visited


@pytest.fixture
def sent(session: Session) -> Iterator[Visited]:
    """A letter; the session is closed in the end, because the tables are made anew beside it."""
    yield visited.letter(session)
    session.close()


def _order(sent: Visited, name: str | None, number: str, amount: int) -> PostedEvent:
    made = PostedEvent(
        organisation_id=sent.house.organisation.id, subscriber_id=sent.people[name].id if name else None, name="order",
        external_id=number, at=clock.now() + timedelta(hours=1), amount=amount, currency="DKK",
        campaign_id=sent.letter.id,
    )  # fmt: skip
    sent.session.add(made)
    sent.session.flush()
    return made


def _as_before(session: Session, database: Database) -> None:
    session.commit()
    session.close()
    databases.migrate(database, "0044")
    databases.migrate(database)


def test_a_letter_keeps_its_orders_and_only_who_is_seen_by_name_her_own(sent: Visited, database: Database) -> None:
    session, letter = sent.session, sent.letter.id
    rows = [
        _order(sent, *told) for told in (("name0", "A", 100), ("number0", "B", 20), ("number0", "C", 3), (None, "D", 1))
    ]
    other = cafe.draft(session, sent.house).id
    at, on = clock.now() + timedelta(hours=1), sent.house.mailing_list.id
    by_name, as_number = sent.people["name0"].id, sent.people["number0"].id
    acts = [(by_name, letter), (as_number, letter), (as_number, other)]
    activity.note(session, [Act(person, on, ActivityKind.BOUGHT, at, about) for person, about in acts])
    sums, numbers = posted_event.of_campaign(session, letter), [row.id for row in rows]
    _as_before(session, database)
    found = {row.id: row for row in session.scalars(select(PostedEvent))}
    assert [(found[each].subscriber_id, found[each].campaign_id, found[each].apart) for each in numbers] == [
        (by_name, letter, False), (as_number, 0, True), (as_number, 0, True), (None, letter, False),
    ]  # fmt: skip
    assert posted_event.of_campaign(session, letter) == sums == [Sum("order", "DKK", 4, 124)]
    query = select(Activity.subscriber_id, Activity.campaign_id).order_by(Activity.subscriber_id, Activity.id)
    assert [tuple(row) for row in session.execute(query)] == sorted([(by_name, letter), (as_number, 0)])


@pytest.mark.parametrize(("known", "state", "counted"), [
    (0, CampaignState.SENDING, 3), (1, CampaignState.SENDING, 3), (5, CampaignState.SENDING, 5),
    (1, CampaignState.FINISHED, 1),
])  # fmt: skip
def test_what_left_since_the_last_count_is_counted_and_nothing_is_taken_back(
    sent: Visited, database: Database, known: int, state: CampaignState, counted: int
) -> None:
    session, letter = sent.session, sent.letter.id
    sent.letter.state = state
    session.execute(delete(EngagementTally))
    session.add(
        EngagementTally(
            campaign_id=letter, revision_id=sent.letter.sent_revision_id, link_id=0, provider="gmail",
            what=What.COUNTED, number=known,
        )
    )  # fmt: skip
    session.execute(update(Delivery).values(handed_at=clock.now() + timedelta(minutes=1)))
    _as_before(session, database)
    assert engagement.of_campaign(session, letter).counted == counted
