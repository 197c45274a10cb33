"""A segment as one SELECT says the same as plain Python over each person; and what it says at the edges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from listkeeper.audience import list_rules
from listkeeper.audience.segments import segment, segment_query
from listkeeper.audience.segments.segment_calendar import Calendar
from listkeeper.audience.segments.segment_language import parse, printed
from listkeeper.audience.segments.segment_names import DELIVERY, LETTER
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.following import follow_up_stop
from tests.makers.cafe import Cafe
from tests.unit.audience import segment_by_hand
from tests.unit.audience.segment_people import LETTERS, NOWS, ZONES, Stage, people, trees


@pytest.fixture
def stage(session: Session, house: Cafe) -> Stage:
    """The café with everything a segment can speak of."""
    return Stage(session, house)


@pytest.mark.timeout(1_800)
@given(data=st.data())
def test_the_select_says_the_same_as_a_look_at_each_person(stage: Stage, data: st.DataObject) -> None:
    session, now, zone = stage.session, data.draw(st.sampled_from(NOWS)), data.draw(st.sampled_from(ZONES))
    crowd = data.draw(st.lists(people(now, zone), min_size=1, max_size=6))
    rules = replace(list_rules.of(stage.house.mailing_list), dormancy_block=data.draw(st.sampled_from((0, 1, 24))))
    with session.begin_nested() as undone, pytest.MonkeyPatch.context() as patched:
        patched.setattr(list_rules, "of", lambda _list: rules)
        world = stage.world(now, zone)
        known = {stage.bring(person): person for person in crowd}
        for tree in data.draw(st.lists(trees, min_size=1, max_size=3)):
            expected = segment_by_hand.members(tree, known, world)
            asked = segment_query.of_tree(session, stage.house.mailing_list, tree, now=now)
            found = session.scalars(asked).all()
            assert sorted(found) == sorted(expected), printed(tree)
            assert segment_query.size(session, asked) == len(expected), printed(tree)
            few = data.draw(st.sets(st.sampled_from(sorted(known))))
            some = segment_query.of_tree(session, stage.house.mailing_list, tree, now=now, only=few)
            assert set(session.scalars(some)) == expected & few, printed(tree)
        undone.rollback()


def test_a_stored_segment_counts_lists_and_includes_alike(stage: Stage) -> None:
    session, house = stage.session, stage.house
    number = stage.bring(_PLAIN | {"language": "da"})
    stage.bring(_PLAIN)
    made = segment.create(session, house.organisation, house.mailing_list, "Danes", "language is da")
    assert session.scalars(segment_query.members(session, made)).all() == [number]
    assert segment_query.count(session, made) == 1
    assert segment_query.of_these(session, made, [number, number + 1]) == {number}
    assert segment_query.of_these(session, made, [number + 1]) == set()
    assert segment_query.of_these(session, made, []) == set()


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
     "provider is no_such", "consent text is 99999999999999", 'consent text is "1 of gone"', 'domain is "%"',
     "clicked letter \"' OR 1=1 --\""],
)  # fmt: skip
def test_what_is_gone_is_true_of_nobody_and_its_opposite_of_everybody(stage: Stage, said: str) -> None:
    her = stage.bring(_PLAIN)
    assert _found(stage, said) == set()
    assert _found(stage, f"not ({said})") == {her}


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("domain is Bücher.example", {"domain": "xn--bcher-kva.example"}),
        ("language is DA", {"language": "da"}),
        ("did _order ever", {"events": [("_order", NOWS[0] - timedelta(days=1))]}),
        ("did -x within 3 days", {"events": [("-x", NOWS[0] - timedelta(days=1))]}),
    ],
)
def test_what_is_stored_in_other_letters_is_found(stage: Stage, said: str, changed: dict[str, Any]) -> None:
    her, other = stage.bring(_PLAIN | changed), stage.bring(_PLAIN)
    assert _found(stage, printed(parse(said))) == {her}
    assert _found(stage, f"not ({said})") == {other}


def test_few_people_are_asked_for_and_nobody_else_is_read(stage: Stage, statements: list[tuple[str, Any]]) -> None:
    """Who clicked how often is counted for a batch of due steps, and never for the whole list."""
    session, house, now = stage.session, stage.house, clock.now()
    acts = [("clicked", letter, now - timedelta(days=days)) for letter in LETTERS for days in range(4)]
    people = [stage.bring(_PLAIN | {"acts": acts if place % 3 else acts[:1]}) for place in range(400)]
    made = segment.create(
        session, house.organisation, house.mailing_list, "Often", "clicked at least 2 times within 90 days"
    )
    session.execute(text("ANALYZE"))
    statements.clear()
    assert follow_up_stop.members(session, made.id, people[:6]) == {people[place] for place in (1, 2, 4, 5)}
    asked, given = next(each for each in statements if "activity" in each[0])
    explain = "EXPLAIN " if session.get_bind().dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    plan = "\n".join(str(row[-1]) for row in session.connection().exec_driver_sql(explain + asked, given))
    assert not re.search(r"(SCAN|Seq Scan on) activity\b", plan), plan
    assert re.search(r"Index Cond: .*subscriber_id = ANY|SEARCH activity USING .*\(subscriber_id=\?", plan), plan


@pytest.fixture
def statements(session: Session) -> Iterator[list[tuple[str, Any]]]:
    """What the database is asked meanwhile."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:  # noqa: ANN401
        heard.append((statement, parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)


def _found(stage: Stage, said: str) -> set[int]:
    query = segment_query.of_tree(stage.session, stage.house.mailing_list, parse(said), now=NOWS[0])
    return set(stage.session.scalars(query))


_PLAIN: dict[str, Any] = {
    "state": "confirmed", "apart": None, "language": "en", "zone": None, "domain": "gmail.com", "source": None,
    "joined": NOWS[0] - timedelta(days=200), "basis": "consent", "double": True, "ends": None, "text": None,
    "unused": None, "renewed": None,
    "seen_since": None, "frequency": "all", "topics": (), "pause_until": None, "heard": None, "acts": [], "events": [],
    "answers": {}, "letters": set(), "bounced": False,
}  # fmt: skip
