"""A window's rows are on the disk before the first of its mails leaves; its messages are written meanwhile."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import sending
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.works import Works

_os_fsync, _commit = os.fsync, Session.commit


@pytest.fixture
def works(works: Works) -> Works:
    """A letter to three guests is on its way."""
    works.gather(3)
    works.start()
    return works


def _by_the_disk(monkeypatch: pytest.MonkeyPatch, database: Database, act: Callable[[], None]) -> None:
    """Let something happen before what a window wrote is on the disk: at our own sync, or in PostgreSQL's commit."""

    def sync(file: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            act()
        _os_fsync(file)

    def commit(session: Session) -> None:
        if threading.current_thread() is not threading.main_thread():
            act()
        _commit(session)

    if database.kind == "sqlite":
        monkeypatch.setattr(os, "fsync", sync)
    else:
        monkeypatch.setattr(Session, "commit", commit)


def _states(works: Works) -> set[DeliveryState]:
    return works.read(lambda session: set(session.scalars(select(Delivery.state))))


def test_no_mail_leaves_before_the_disk_has_its_row(
    works: Works, smtp_sink: SmtpSink, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, goes_on = threading.Event(), threading.Event()

    def slow() -> None:
        reached.set()
        assert goes_on.wait(10)

    _by_the_disk(monkeypatch, database, slow)
    seen: list[int] = []

    def watch() -> None:
        assert reached.wait(10)
        time.sleep(0.2)
        seen.append(len(smtp_sink.messages))
        goes_on.set()

    watching = threading.Thread(target=watch)
    watching.start()
    with works.app.app_context():
        sending.deliver(Lane.SENDING, time.monotonic() + 5)
    watching.join(10)
    assert (seen, len(smtp_sink.messages)) == ([0], 3)
    assert _states(works) == {DeliveryState.ACCEPTED}


def test_a_disk_that_refuses_lets_no_mail_leave(
    works: Works, smtp_sink: SmtpSink, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        problem = OSError(5, "Input/output error")
        raise problem if database.kind == "sqlite" else OperationalError(None, None, problem)

    _by_the_disk(monkeypatch, database, refuse)
    with works.app.app_context(), pytest.raises(TryAgain):
        sending.deliver(Lane.SENDING, time.monotonic() + 5)
    assert smtp_sink.messages == []
    # Nobody knows what a power cut would leave of it: such rows are listed, and never sent again blindly.
    assert _states(works) <= {DeliveryState.HANDED, DeliveryState.LEASED}
    monkeypatch.undo()
    works.write(lambda session, _house: session.execute(update(Delivery).values(provider="gmail")))
    assert {row.provider for row in works.deliveries()} == {"gmail"}


def test_a_transaction_whose_disk_is_waited_for_later_ends_before(works: Works) -> None:
    disk = store.Disk()
    assert disk.done
    with works.app.app_context():
        with store.transaction(syncs_later=True, disk=disk) as session:
            session.execute(update(Delivery).values(provider="gmail"))
        disk.wait()
    assert disk.done
    assert {row.provider for row in works.deliveries()} == {"gmail"}
