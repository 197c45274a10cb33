"""Loading and undoing imports: long work in slices, each of which may be the last one before somebody pulls the plug.

A fact says that a batch is to be judged, loaded or taken back; its reaction
only rings, because such work has many transactions of its own.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.importing import batch as batches
from listkeeper.audience.importing import court, report, undo
from listkeeper.audience.importing.batch import ImportBatch, ImportState
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import sending
from listkeeper.sending import delivery

WORK = "listkeeper.jobs.importing.work"
_SLICE_SECONDS = 120.0
IDLE = timedelta(minutes=3)
_log = log.get(__name__)


def ring(batch_id: int) -> None:
    """Ask a worker to see what a batch waits for."""
    parts.enqueue(Lane.BACKGROUND, WORK, batch_id)


def work(batch_id: int) -> None:
    """Do what a batch waits for, for a slice of time; ring again when there is more."""
    with store.reading() as session:
        batch = session.get(ImportBatch, batch_id)
        if batch is None:
            return
        state, taken_back = batch.state, batch.undone_at is not None
    if taken_back and state is not ImportState.UNDONE:
        undo.take_back(store.transaction, batch_id, delivery.written_to)
    elif state is ImportState.UPLOADED:
        _guarded(batch_id, _judge)
    elif state is ImportState.LOADING:
        _guarded(batch_id, _load)
    tidy_up()


def _guarded(batch_id: int, step: object) -> None:
    try:
        step(batch_id)  # type: ignore[operator]
    except Conflict:
        # Another worker has it, or its owner stopped it.
        _log.info("import.left_to_another", batch=batch_id)
    except Invalid as problem:
        with store.transaction() as session:
            court.fail(session, batch_id, problem.message)


def _judge(batch_id: int) -> None:
    with store.transaction() as session:
        batch = session.get_one(ImportBatch, batch_id)
        plan = court.plan_of(batch)
        task = court.task_of(batch, plan, session.get_one(MailingList, batch.list_id), seals=False)
        list_id, file = batch.list_id, report_of(batch)
    seen = [time.monotonic()]

    def watch(rows: int) -> None:
        if time.monotonic() - seen[0] > 1:
            seen[0] = time.monotonic()
            _note(batch_id, rows)

    with report.written(file) as keep:
        counts = court.judge(store.reading, task, list_id, watch=watch, keep=keep)
    with store.transaction() as session:
        batch = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
        if batch.state is ImportState.UPLOADED:
            batches.move(batch, ImportState.JUDGED)
            batch.forecast, batch.worked_at = counts, None


def _note(batch_id: int, rows: int) -> None:
    with store.transaction() as session:
        batch = session.get_one(ImportBatch, batch_id)
        batch.forecast, batch.worked_at = {"so_far": rows}, clock.now()


def _load(batch_id: int) -> None:
    with store.transaction() as session:
        batch = session.get_one(ImportBatch, batch_id)
        plan = court.plan_of(batch)
        task = court.task_of(batch, plan, session.get_one(MailingList, batch.list_id), seals=True)
        spoken = session.get_one(Organisation, batch.organisation_id).language
    until = time.monotonic() + _SLICE_SECONDS

    def stop() -> bool:
        return sending.draining.is_set() or time.monotonic() > until

    if court.load(store.transaction, batch_id, task, spoken, stop=stop):
        _log.info("import.loaded", batch=batch_id)
    else:
        ring(batch_id)


def go_on() -> None:
    """Ring for batches that a killed worker left, and delete files that have served; the timetable calls this."""
    with store.reading() as session:
        left = batches.left_behind(session, IDLE) + undo.under_way(session)
    for batch_id in left:
        ring(batch_id)
    tidy_up()


def tidy_up() -> None:
    """Delete the uploaded files of batches that are loaded or a day old, and their reports after the undo window."""
    with store.transaction() as session:
        for batch in batches.files_to_delete(session):
            for file in court.files_of(batch):
                file.unlink(missing_ok=True)
            batch.place = batch.opt_outs_place = ""
    _delete_old_reports()


def _delete_old_reports() -> None:
    oldest = (clock.now() - batches.FILE_KEPT).timestamp()
    for file in folder().glob("*.csv"):
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)


def folder() -> Path:
    """Return the folder of files on their way in, which nobody else may read."""
    found = parts.imports_folder()
    if not found.exists():
        os.makedirs(found, mode=0o700, exist_ok=True)  # noqa: PTH103 - pathlib applies the mode to the last folder alone, as here
    return found


def report_of(batch: ImportBatch) -> Path:
    """Return where the verdicts of a batch lie for a day."""
    return folder() / f"{batch.public_id}.csv"


def react(_session: Session, batch_id: int) -> None:
    """Ring for a batch somebody asked for."""
    ring(batch_id)
