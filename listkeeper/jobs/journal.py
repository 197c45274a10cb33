"""The journal's two jobs: writing down what waits, and comparing the ledger with what was witnessed."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.audience.proof import journal
from listkeeper.foundation import log
from listkeeper.sending import restoring

_log = log.get(__name__)


def write(session: Session, subject_id: int) -> None:
    """React to what a restore must not forget: the oldest of what waits goes into the journal."""
    write_all(session, [subject_id])


def write_all(session: Session, _subject_ids: list[int]) -> None:
    """React to several at once: where hundreds leave in a second, each of them by itself would come too late."""
    journal.write_down(session, parts.settings().journal_folder)


def write_down() -> None:
    """Bring all that waits into the journal, in pieces: a full disk or a lost bell has left something behind."""
    while True:
        with store.reading() as session:
            if not journal.is_waiting(session):
                return
        with store.transaction() as session:
            written = journal.write_down(session, parts.settings().journal_folder, journal.AT_ONCE)
        if written < journal.AT_ONCE:
            # All that waited is written, or another machine keeps the journal. What came meanwhile rings by itself:
            # while hundreds leave in a second, whoever looked again would do nothing else.
            return


def compare() -> None:
    """Stop sending when the database is older than its journal, as one that was copied back by hand is."""
    with store.transaction() as session:
        stopped = restoring.compare(session, parts.settings().journal_folder)
    if stopped:
        _log.error("ledger.forked", organisations=stopped)
