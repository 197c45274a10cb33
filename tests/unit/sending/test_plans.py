"""Every statement of a worker's window, of a link that is followed and of a leave finds its rows by an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, gate_facts, subscription
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import link
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import claim, composing, delivery, letter_batch, link_visit, planning, recovery, stops
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.handing_over import way_out
from listkeeper.sending.handing_over.transport import Accepted, Reply
from listkeeper.sending.link_visit import Agent, Named
from tests.makers import cafe, heap, multitude

# How many deliveries are there besides: of nobody here, and the letter's but for a tenth.
_PILED = 3_000
# Tables that grow with the list, the campaigns or the years.
_LARGE = ("delivery", "subscriber", "subscription", "consent_event", "suppression", "ledger", "link_visit")


@pytest.fixture
def letter(session: Session) -> Campaign:
    """A letter on its way to a few hundred people, in a table as life leaves it.

    PostgreSQL plans by what it knows of a table: of one that it has never looked through it takes every condition for
    one row's, and any index is as good as another. So there are single mails of the past, and many letters.
    """
    made = cafe.found(session)
    multitude.gather(session, made, 300)
    letter = cafe.draft(session, made)
    planning.send_campaign(session, made.organisation, letter, site="http://localhost:8025")
    heap.pile(session, _PILED, singles=_PILED // 10)
    return letter


@pytest.fixture
def statements(session: Session) -> Iterator[list[tuple[str, Any]]]:
    """What the database is asked meanwhile, once each."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:  # noqa: ANN401
        if statement not in {known for known, _given in heard}:
            heard.append((statement, parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)


@pytest.mark.usefixtures("letter")
def test_whether_anything_is_due_is_asked_of_the_rows_that_wait(
    session: Session, statements: list[tuple[str, Any]]
) -> None:
    """Asked after every turn: to look for the first one among those that have left is longer with each of them."""
    claim.anything_due(session, Lane.SENDING)
    asked = [(statement, given) for statement, given in statements if "due_at <=" in statement]
    assert asked
    for statement, given in asked:
        plan = "\n".join(_plan(session, statement, given))
        assert "ix_delivery_waiting" in plan, plan


@pytest.mark.usefixtures("letter")
def test_no_large_table_is_read_from_end_to_end(session: Session, statements: list[tuple[str, Any]]) -> None:
    ids = claim.lease(session, Lane.SENDING, "host:1:0", 32)
    assert len(ids) == 32
    claim.anything_due(session, Lane.SENDING)
    claim.anything_due(session, Lane.URGENT)
    composing.letters(session, ids, "http://localhost:8025")
    letter_batch.take(session, dict.fromkeys(ids, 1), "host:1:0")
    gate_facts.look(session, [(number, 1, 1) for number in ids], clock.now())
    letter_batch.record_taken(session, dict.fromkeys(ids, Accepted(Reply(250, "2.0.0 kept"))), {}, "host:1:0", {})
    subscription.contacted(session, 1, ids)
    recovery.settle_left_behind(session, lambda _name: False)
    asked = list(statements)
    assert len(asked) > 10
    assert _read_whole(session, asked) == []
    claims = [statement for statement, _given in asked if "due_at <=" in statement]
    assert claims
    for statement, given in asked:
        if statement in claims:
            plan = "\n".join(_plan(session, statement, given))
            assert "ix_delivery_waiting" in plan, plan


def test_no_large_table_is_read_when_links_are_followed_and_people_leave(
    session: Session, letter: Campaign, statements: list[tuple[str, Any]]
) -> None:
    [place] = link.numbers(session, letter.sent_revision_id or 0).values()
    letters = session.scalars(select(Delivery.id).where(Delivery.subscriber_id.is_not(None)).limit(8)).all()
    statements.clear()
    link_visit.add(session, [(Named(number, place), Agent.BROWSER) for number in letters])
    link_visit.let_go(session, 1)
    way_out.leave(session, letters)
    session.flush()
    asked = [one for one in statements if not one[0].startswith("LOCK")]
    assert len(asked) > 10
    assert _read_whole(session, asked) == []


def _read_whole(session: Session, asked: list[tuple[str, Any]]) -> list[str]:
    if session.get_bind().dialect.name == "postgresql":
        # With a few hundred rows it would rather read all of them.
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
    return [statement for statement, given in asked for line in _plan(session, statement, given) if _whole(line)]


def test_the_counts_of_a_letter_are_read_from_one_index(
    session: Session, letter: Campaign, statements: list[tuple[str, Any]]
) -> None:
    """The page of a letter under way asks every few seconds, of a million rows too."""
    statements.clear()
    delivery.counts(session, letter.id)
    [(statement, given)] = [asked for asked in statements if "GROUP BY delivery.state" in asked[0]]
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = "\n".join(_plan(session, statement, given))
    assert "ix_delivery_campaign_state" in plan, plan


def test_the_complaints_about_a_letter_are_looked_for_among_complaints(
    session: Session, letter: Campaign, statements: list[tuple[str, Any]]
) -> None:
    """Not among all who got it: the page of a letter asks every few seconds, and so do the stops."""
    for number in session.scalars(select(Subscriber.id).limit(3)).all():
        complaint.complain(session, number)
    session.flush()
    statements.clear()
    stops.measure(session, letter)
    asked = [one for one in statements if "complain" in one[0] or "subscriber_id" in one[0]]
    assert len(asked) == 2
    assert _read_whole(session, asked) == []
    assert "ix_suppression_complaint" in "\n".join(_plan(session, *asked[0]))


def test_what_somebody_got_before_is_found_by_her_number(session: Session, statements: list[tuple[str, Any]]) -> None:
    """However many letters there were: to plan one reads everybody's first few rows, and not all rows ever."""
    made = cafe.found(session)
    multitude.gather(session, made, 300)
    for number in range(2):
        statements.clear()
        letter = cafe.draft(session, made, subject=f"Letter {number}")
        planning.send_campaign(session, made.organisation, letter, site="http://localhost:8025")
    [(statement, given)] = [one for one in statements if one[0].startswith("INSERT INTO delivery")]
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = _plan(session, statement, given)
    assert [line for line in plan if _whole(line) and "delivery" in line.split()] == []
    assert any("uq_delivery_subscriber_campaign" in line for line in plan), plan


def _plan(session: Session, statement: str, given: Any) -> list[str]:  # noqa: ANN401 - the driver's own
    sqlite = session.get_bind().dialect.name == "sqlite"
    cursor = session.connection().connection.cursor()
    # Many rows at once are planned as one is.
    one = given[0] if isinstance(given, list) else given
    cursor.execute(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}", one)
    return [str(row[-1]) for row in cursor.fetchall()]


def _whole(line: str) -> bool:
    words = line.replace("->", " ").split()
    return (words[:1] == ["SCAN"] and words[1] in _LARGE and "INDEX" not in words) or (
        words[:3] == ["Seq", "Scan", "on"] and words[3] in _LARGE
    )
