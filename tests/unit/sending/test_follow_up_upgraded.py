"""Lines of the release before: what a line began with, since when it stands still, and who came by which segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.accounts import audit_log
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience.segments import segment
from listkeeper.campaigns.follow_up import FollowUp, Start, Trigger, begin_with
from listkeeper.foundation import keys
from listkeeper.sending.following import follow_up_entry, follow_up_steering
from listkeeper.sending.following.follow_up_run import FollowUpRun
from listkeeper.settings import Settings
from tests.fakes import databases
from tests.fakes.databases import Database
from tests.makers import cafe, follow_ups

PAUSED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(params=databases.chosen())
def made(
    request: pytest.FixtureRequest, empty_database: Callable[[str], Database], settings: Settings
) -> Iterator[tuple[Database, Engine]]:
    """A database as this release makes it."""
    keys.open_folder(settings.key_folder)
    database = empty_database(request.param)
    databases.migrate(database)
    engine = database.engine()
    yield database, engine
    engine.dispose()


def _lines(session: Session) -> dict[str, FollowUp]:
    """Make one line of each way of standing; somebody has come by two segments along one of them."""
    house = cafe.found(session)
    first, second = (
        segment.create(session, house.organisation, house.mailing_list, name, f"joined within {days} days")
        for name, days in (("One", 9), ("Two", 8))
    )
    start = Start(Trigger.SEGMENT, segment_id=first.id)
    lines = {
        "on": follow_ups.line(session, house, start=start),
        "yes": follow_ups.line(session, house),
        "off": follow_ups.line(session, house, on=False),
        "paused": follow_ups.line(session, house),
        "restored": follow_ups.line(session, house),
    }
    cafe.subscribe(session, house, "freja@guest.example")
    assert follow_up_entry.look(session, lines["on"], practice=False) == 1
    session.execute(update(FollowUpRun).values(state="finished"))
    begin_with(lines["on"], Start(Trigger.SEGMENT, segment_id=second.id))
    assert follow_up_entry.look(session, lines["on"], practice=False) == 1
    begin_with(lines["on"], start)
    for name in ("paused", "restored"):
        follow_up_steering.pause(session, lines[name])
    lines["restored"].halted = {"code": "restored"}
    for days in (3, 0):
        audit_log.record(session, house.organisation.id, "user:1", "follow_up.paused", lines["paused"].public_id)
        session.flush()
        newest = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        newest.at = PAUSED - timedelta(days=days)
    return lines


def test_what_is_known_of_a_line_is_filled_in_and_down_again_it_is_as_it_was(made: tuple[Database, Engine]) -> None:
    database, engine = made
    with engine.execution_options(listkeeper_writes=True).connect() as connection, Session(connection) as session:
        lines = {name: line.id for name, line in _lines(session).items()}
        segment_id = session.get_one(FollowUp, lines["on"]).segment_id
        session.commit()
    databases.migrate(database, "0042")
    with engine.connect() as connection:
        occasions = connection.execute(text("SELECT occasion FROM follow_up_run ORDER BY id")).scalars().all()
    # One of them was the word for all segments; the other says nothing to that release.
    assert occasions == ["segment", f"segment:{(segment_id or 0) + 1}"]
    databases.migrate(database)
    with Session(engine) as session:
        found = {name: session.get_one(FollowUp, number) for name, number in lines.items()}
        began = {name: each.was_on_with for name, each in found.items()}
        stood = {name: each.paused_at for name, each in found.items()}
        came = session.scalars(select(FollowUpRun.occasion).order_by(FollowUpRun.id)).all()
    assert began == {
        "on": f"segment:{segment_id}", "yes": "said_yes", "off": None, "paused": None, "restored": None,
    }  # fmt: skip
    assert stood == {"on": None, "yes": None, "off": None, "paused": PAUSED, "restored": None}
    assert came == [f"segment:{segment_id}", f"segment:{(segment_id or 0) + 1}"]
