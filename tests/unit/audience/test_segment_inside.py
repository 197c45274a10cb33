"""Segments inside one another: a change of the innermost is judged by all around it, and nothing grows without end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from listkeeper.audience.segments import segment, segment_check, segment_query
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_tree import DEEPEST, LONGEST_TEXT
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe
from tests.makers.cafe import Cafe

ANNA, BO = "anna@guest.example", "bo@guest.example"


def _made(session: Session, house: Cafe, said: str, name: str) -> Segment:
    return segment.create(session, house.organisation, house.mailing_list, name, said)


def _nested(session: Session, house: Cafe, said: str, deep: int) -> list[Segment]:
    """Return segments of which each stands in the next."""
    made = [_made(session, house, said, "D0")]
    for number in range(1, deep + 1):
        made.append(_made(session, house, f"in segment {made[-1].public_id}", f"D{number}"))
    return made


@pytest.fixture
def asked(session: Session) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    heard: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: Any) -> None:  # noqa: ANN401
        heard.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)


def test_a_change_that_makes_one_around_it_too_deep_is_refused_and_names_it(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, ANNA)
    made = _nested(session, house, "everybody", DEEPEST)
    more = _made(session, house, "everybody", "E4")
    assert [segment_query.count(session, made[number]) for number in (0, DEEPEST)] == [1, 1]
    with pytest.raises(Invalid) as refused:
        segment.change(session, made[0], source=f"in segment {more.public_id}")
    assert refused.value.code == "segment_too_deep"
    assert "“D8” has this segment inside it" in refused.value.message
    assert made[0].source == "everybody"
    with pytest.raises(Invalid):
        _made(session, house, f"in segment {made[-1].public_id}", "D9")


def test_one_that_is_too_deep_all_the_same_is_refused_and_never_nobody(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, ANNA)
    made = _nested(session, house, "everybody", DEEPEST)
    # Written past the verb.
    made[0].source = f"in segment {_made(session, house, 'everybody', 'E').public_id}"
    for read in (segment.whole, segment.whole_text, segment_query.count):
        with pytest.raises(Invalid) as refused:
            read(session, made[-1])
        assert refused.value.code == "segment_too_deep"
    glances = segment_check.at_a_glance(session, house.mailing_list, made)
    assert [glances[made[number].id].count for number in (1, DEEPEST)] == [1, None]


def test_a_change_that_makes_one_around_it_too_long_is_refused(session: Session, house: Cafe) -> None:
    made = [_made(session, house, "pauses", "X")]
    for number in range(6):
        inside = made[-1].public_id
        made.append(_made(session, house, f"in segment {inside} or not in segment {inside}", f"X{number}"))
    with pytest.raises(Invalid) as refused:
        segment.change(session, made[0], source=" or ".join(["pauses"] * 64))
    assert refused.value.code == "segment_too_long"
    assert made[0].source == "pauses"
    segment.change(session, made[0], source="not pauses")
    assert segment_query.count(session, made[-1]) == 0
    # An archived one goes on being used.
    segment.archive(made[-1])
    with pytest.raises(Invalid):
        segment.change(session, made[0], source=" or ".join(["pauses"] * 8))


def test_everybody_in_very_many_is_refused_at_once(session: Session, house: Cafe, asked: list[str]) -> None:
    first = _made(session, house, "everybody", "A")
    second = _made(session, house, " or ".join([f"in segment {first.public_id}"] * 64), "B")
    asked.clear()
    with pytest.raises(Invalid) as refused:
        _made(session, house, " or ".join([f"in segment {second.public_id}"] * 64), "C")
    assert refused.value.code == "segment_too_long"
    assert len(asked) <= 6, asked


def test_a_count_asks_for_those_inside_once(session: Session, house: Cafe, asked: list[str]) -> None:
    cafe.subscribe(session, house, ANNA)
    made = _nested(session, house, "not pauses", 5)
    many = _made(session, house, " and ".join(f"in segment {each.public_id}" for each in made), "Many")
    session.flush()
    asked.clear()
    check = segment_check.of_tree(session, house.mailing_list, many.tree)
    assert (check.count, check.of) == (1, 1)
    assert sum("FROM segment" in each for each in asked) == 1, asked


def test_what_is_stored_is_never_longer_than_what_can_be_read(session: Session, house: Cafe) -> None:
    # Read without a space before and after the quotes, printed with one.
    whole = f"a {'x' * 196}"
    typed = "and ".join([f'source is"{whole}"'] * 46 + [f'source is"{whole[:191]}"'])
    assert len(typed) == LONGEST_TEXT
    with pytest.raises(Invalid) as refused:
        _made(session, house, typed, "Long")
    assert refused.value.code == "segment_too_long"
    assert segment.every(session, house.mailing_list) == []


def test_one_that_was_stored_too_long_is_read_all_the_same(session: Session, house: Cafe) -> None:
    made = _made(session, house, "answer favourite is x", "Some")
    made.source = " or ".join([f"answer favourite is {'x' * 199}"] * 60)
    session.flush()
    assert len(made.source) > LONGEST_TEXT
    assert len(made.tree.parts) == 60  # type: ignore[union-attr]
    assert segment_query.count(session, made) == 0
