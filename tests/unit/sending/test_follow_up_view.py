"""What is shown of a line, however long its history: the newest entries, and counts read from indexes alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select, text
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.foundation import clock
from listkeeper.sending.following import follow_up_view
from listkeeper.sending.following.follow_up_run import ActKind, FollowUpAct, FollowUpRun, Reason, RunState, StopWhy
from listkeeper.sending.following.follow_up_view import LineNumbers
from tests.makers import cafe, follow_ups, multitude
from tests.makers.cafe import Cafe

# So many people have walked along; of every ten, one was left out, one stopped, and one is on the line.
_WALKED = 400
_LARGE = ("follow_up_act", "follow_up_run", "delivery")
Statements = list[tuple[str, Any]]


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with four hundred people."""
    made = cafe.found(session)
    multitude.gather(session, made, _WALKED)
    return made


@pytest.fixture
def line(session: Session, house: Cafe) -> FollowUp:
    """A line along which all of them walked."""
    made = follow_ups.line(session, house)
    _walked(session, made)
    return made


@pytest.fixture
def statements(session: Session) -> Iterator[Statements]:
    """What the database is asked meanwhile."""
    heard: Statements = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:  # noqa: ANN401
        heard.append((statement, parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)


def _walked(session: Session, made: FollowUp) -> None:
    """Write down a run and an act of each step for everybody."""
    steps, now = follow_ups.steps(session, made), clock.now()
    people = list(session.scalars(select(Subscriber.id).order_by(Subscriber.id)))
    ended = {1: (RunState.STOPPED, StopWhy.REPLIED), 2: (RunState.RUNNING, None)}
    states = {person: ended.get(place % 10, (RunState.FINISHED, None)) for place, person in enumerate(people)}
    session.execute(
        insert(FollowUpRun),
        [
            {
                "follow_up_id": made.id, "subscriber_id": person, "occasion": "yes", "round": 0, "state": state,
                "why": why, "begun_at": now, "next_step_id": steps[0].id if state is RunState.RUNNING else None,
                "due_at": now + timedelta(days=person) if state is RunState.RUNNING else None,
            }
            for person, (state, why) in states.items()
        ],
    )  # fmt: skip
    known = select(FollowUpRun.subscriber_id, FollowUpRun.id).where(FollowUpRun.follow_up_id == made.id)
    runs = {person: run for person, run in session.execute(known)}  # noqa: C416 - rows are no pairs to the type checker
    session.execute(
        insert(FollowUpAct),
        [
            {
                "run_id": runs[person], "step_id": step.id, "subscriber_id": person, "at": now,
                "kind": ActKind.MAILED if place % 10 else ActKind.SKIPPED, "why": None if place % 10 else Reason.CAP,
            }
            for step in steps
            for place, person in enumerate(people)
        ],
    )  # fmt: skip
    session.flush()


# What is shown


def test_the_newest_entries_of_all_steps_come_first(session: Session, house: Cafe, line: FollowUp) -> None:
    first, second = follow_ups.steps(session, line)
    people = {row.id: row.public_id for row in session.scalars(select(Subscriber))}
    run = session.scalars(select(FollowUpRun).where(FollowUpRun.follow_up_id == line.id).limit(1)).one()
    made = [
        FollowUpAct(
            run_id=run.id, step_id=step.id, subscriber_id=person, kind=ActKind.POSTPONED, why=Reason.ANOTHER,
            until=clock.now(),
        )
        for person, step in zip(sorted(people), (first, second, second, first), strict=False)
    ]  # fmt: skip
    for each in made:
        session.add(each)
        session.flush()
    # What another line did is none of this one's.
    other = follow_ups.line(session, house)
    _walked(session, other)
    said = follow_up_view.log(session, line, 6)
    assert [each.person for each in said[:4]] == [people[each.subscriber_id] for each in reversed(made)]
    assert [each.kind for each in said] == [ActKind.POSTPONED] * 4 + [ActKind.MAILED] * 2
    assert {each.follow_up for each in said} == {line.public_id}
    assert len(follow_up_view.log(session, line)) == follow_up_view.SHOWN
    assert len(follow_up_view.log(session, line, 10_000)) == 2 * _WALKED + 4


def test_a_line_without_steps_has_no_log(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house, (), on=False)
    assert follow_up_view.log(session, made) == []
    assert follow_up_view.numbers(session, made) == {}


def test_several_lines_are_counted_at_once(
    session: Session, house: Cafe, line: FollowUp, statements: Statements
) -> None:
    nobody = follow_ups.line(session, house)
    assert (line.id, nobody.id) == (1, 2)
    statements.clear()
    found = follow_up_view.lines_of(session, [line, nobody])
    assert len(statements) == 1
    tenth = _WALKED // 10
    assert found[line.id] == LineNumbers(tenth, _WALKED - 2 * tenth, {StopWhy.REPLIED: tenth})
    assert found[nobody.id] == LineNumbers()
    assert follow_up_view.lines(session, line) == found[line.id]
    statements.clear()
    assert follow_up_view.running(session, [line, nobody]) == {line.id: tenth}
    assert len(statements) == 1


def test_the_steps_are_counted_by_what_became_of_them(session: Session, line: FollowUp) -> None:
    step = follow_ups.steps(session, line)[0]
    found = follow_up_view.numbers(session, line)[step.id]
    assert (found.waiting, dict(found.skipped), dict(found.put_off)) == (40, {Reason.CAP: 40}, {})


# How it is read


def test_the_log_reads_the_newest_rows_and_not_the_history(
    session: Session, house: Cafe, line: FollowUp, statements: Statements
) -> None:
    _others(session, house)
    statements.clear()
    follow_up_view.log(session, line)
    plans = _plans(session, statements)
    assert _read_whole(plans) == []
    newest = [plan for plan in plans if "ix_follow_up_act_newest" in plan]
    assert len(newest) == 1
    # In the order of the index: what would be sorted was read first.
    assert [word for word in ("ix_follow_up_act_step", "TEMP B-TREE") if word in newest[0]] == []


def test_the_counts_are_read_from_indexes_alone(
    session: Session, house: Cafe, line: FollowUp, statements: Statements
) -> None:
    _others(session, house)
    statements.clear()
    follow_up_view.lines_of(session, [line])
    follow_up_view.running(session, [line])
    follow_up_view.numbers(session, line)
    asked = [each for each in statements if "count(" in each[0]]
    assert len(asked) == 5
    indexes = (
        "ix_follow_up_run_state", "ix_follow_up_run_state", "ix_follow_up_act_step", "ix_delivery_campaign_state",
        "ix_follow_up_run_due",
    )  # fmt: skip
    for plan, index in zip(_plans(session, asked), indexes, strict=True):
        assert index in plan, plan
        assert _read_whole([plan]) == []


def test_who_is_on_a_line_is_read_in_the_order_in_which_their_steps_come(
    session: Session, house: Cafe, line: FollowUp, statements: Statements
) -> None:
    _others(session, house)
    statements.clear()
    assert len(follow_up_view.walking(session, line)) == 40
    plans = _plans(session, [each for each in statements if "begun_at" in each[0]])
    assert "ix_follow_up_run_due" in plans[0], plans
    assert _read_whole(plans) == []


def _others(session: Session, house: Cafe) -> None:
    """Let people walk along five lines more, and the database look through its tables, as it does in life."""
    for _ in range(5):
        _walked(session, follow_ups.line(session, house))
    session.commit()
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as alone:
            alone.execute(text("VACUUM ANALYZE follow_up_run, follow_up_act, delivery"))


def _plans(session: Session, asked: Statements) -> list[str]:
    """Return how the database would read these, where it had very many rows."""
    sqlite, wanted = session.get_bind().dialect.name == "sqlite", [each for each in asked if each[0] != "BEGIN"]
    if not sqlite:
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        session.connection().exec_driver_sql("SET LOCAL enable_bitmapscan = off")
    explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    rows = (session.connection().exec_driver_sql(explain + statement, given) for statement, given in wanted)
    return ["\n".join(str(row[-1]) for row in each) for each in rows]


def _read_whole(plans: list[str]) -> list[str]:
    lines = [line.replace("->", " ").split() for plan in plans for line in plan.splitlines()]
    return [
        " ".join(words)
        for words in lines
        if (words[:1] == ["SCAN"] and words[1] in _LARGE and "INDEX" not in words)
        or (words[:3] == ["Seq", "Scan", "on"] and words[3] in _LARGE)
    ]
