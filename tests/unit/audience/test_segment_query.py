"""A segment as one SELECT says the same as plain Python over each person; and what it says at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from listkeeper.audience import segment, segment_query
from listkeeper.audience.segment_calendar import Calendar
from listkeeper.audience.segment_language import parse, printed
from listkeeper.audience.segment_names import DELIVERY, LETTER
from listkeeper.campaigns.campaign import Campaign
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers.cafe import Cafe
from tests.unit.audience import segment_by_hand
from tests.unit.audience.segment_people import NOWS, ZONES, Stage, people, trees


@pytest.fixture
def stage(session: Session, house: Cafe) -> Stage:
    """The café with everything a segment can speak of."""
    return Stage(session, house)


@pytest.mark.timeout(1_800)
@given(data=st.data())
def test_the_select_says_the_same_as_a_look_at_each_person(stage: Stage, data: st.DataObject) -> None:
    session, now, zone = stage.session, data.draw(st.sampled_from(NOWS)), data.draw(st.sampled_from(ZONES))
    crowd = data.draw(st.lists(people(now, zone), min_size=1, max_size=6))
    with session.begin_nested() as undone:
        world = stage.world(now, zone)
        known = {stage.bring(person): person for person in crowd}
        for tree in data.draw(st.lists(trees, min_size=1, max_size=3)):
            expected = segment_by_hand.members(tree, known, world)
            asked = segment_query.of_tree(session, stage.house.mailing_list, tree, now=now)
            found = session.scalars(asked).all()
            assert sorted(found) == sorted(expected), printed(tree)
            assert segment_query.size(session, asked) == len(expected), printed(tree)
            number = data.draw(st.sampled_from(sorted(known)))
            one = segment_query.of_tree(session, stage.house.mailing_list, tree, now=now, only=number)
            assert (session.scalars(one).all() == [number]) is (number in expected), printed(tree)
        undone.rollback()


def test_a_stored_segment_counts_lists_and_includes_alike(stage: Stage) -> None:
    session, house = stage.session, stage.house
    number = stage.bring(_PLAIN | {"language": "da"})
    stage.bring(_PLAIN)
    made = segment.create(session, house.organisation, house.mailing_list, "Danes", "language is da")
    assert session.scalars(segment_query.members(session, made)).all() == [number]
    assert segment_query.count(session, made) == 1
    assert segment_query.includes(session, made, number)
    assert not segment_query.includes(session, made, number + 1)


def test_the_columns_read_of_chapters_above_are_theirs() -> None:
    for narrow, whole in ((LETTER, Campaign.__table__), (DELIVERY, Delivery.__table__)):
        assert str(narrow) == str(whole)
        for column in narrow.columns:
            assert column.name in whole.columns
    assert DeliveryState.ACCEPTED.value == "accepted"


@pytest.mark.parametrize(
    ("now", "days", "start"),
    [
        # The clocks of Copenhagen went forward on 29 March 2026 at two, and back on 25 October at three.
        (datetime(2026, 3, 30, 12, tzinfo=UTC), 1, datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (datetime(2026, 3, 30, 12, tzinfo=UTC), 0, datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 10, 26, 12, tzinfo=UTC), 1, datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (datetime(2026, 10, 26, 12, tzinfo=UTC), 0, datetime(2026, 10, 25, 23, tzinfo=UTC)),
        # It is tomorrow there already.
        (datetime(2026, 6, 10, 22, 30, tzinfo=UTC), 0, datetime(2026, 6, 10, 22, tzinfo=UTC)),
    ],
)
def test_days_begin_at_midnight_by_the_clock_of_the_business(now: datetime, days: int, start: datetime) -> None:
    assert Calendar(now, "Europe/Copenhagen").ago(days) == start


def test_what_we_cannot_see_is_not_known(stage: Stage) -> None:
    now = NOWS[0]
    unseen = stage.bring(_PLAIN)
    seen = stage.bring(_PLAIN | {"seen_since": now - timedelta(days=100)})
    lately = stage.bring(_PLAIN | {"seen_since": now - timedelta(days=5)})
    assert _found(stage, "did not click within 30 days") == {seen}
    assert _found(stage, "not clicked within 30 days") == {unseen, seen, lately}
    assert _found(stage, "did not reply within 30 days") == {unseen, seen, lately}


@pytest.mark.parametrize(
    "said",
    ["source is gone", 'topic is "No such"', "answer gone is x", "got letter cmp_gone", "in segment seg_gone",
     "provider is no_such", "consent text is 99999999999999", 'domain is "%"', "clicked letter \"' OR 1=1 --\""],
)  # fmt: skip
def test_what_is_gone_is_true_of_nobody_and_its_opposite_of_everybody(stage: Stage, said: str) -> None:
    her = stage.bring(_PLAIN)
    assert _found(stage, said) == set()
    assert _found(stage, f"not ({said})") == {her}


def _found(stage: Stage, said: str) -> set[int]:
    query = segment_query.of_tree(stage.session, stage.house.mailing_list, parse(said), now=NOWS[0])
    return set(stage.session.scalars(query))


_PLAIN: dict[str, Any] = {
    "state": "confirmed", "apart": None, "language": "en", "zone": None, "domain": "gmail.com", "source": None,
    "joined": NOWS[0] - timedelta(days=200), "basis": "consent", "double": True, "ends": None, "text": None,
    "seen_since": None, "frequency": "all", "topics": (), "pause_until": None, "heard": None, "acts": [], "events": [],
    "answers": {}, "letters": set(), "bounced": False,
}  # fmt: skip
