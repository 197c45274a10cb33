"""One clock for all workers of a database: each goes by the database's when its own machine's is wrong.

A worker whose clock is ten minutes ahead would take every other's lease for one
that ran out, put fresh hand-overs in doubt, and date its letters in the future;
one that is behind would see nothing of what is due.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from listkeeper import store
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import TryAgain

# An answer that took longer says too little about the moment it was given.
_QUICK = timedelta(seconds=1)
_told = [timedelta(0)]
_log = log.get(__name__)


def look() -> None:
    """Compare this machine's clock with the database's, and go by the latter from now on if they differ."""
    if store.database.engine.dialect.name == "sqlite":
        # It is this machine's.
        return
    try:
        with store.aside() as session:
            # The first question opens a line, which takes its time.
            session.execute(select(1))
            asked = clock.of_machine()
            there = session.scalars(select(func.clock_timestamp())).one()
            answered = clock.of_machine()
    except TryAgain:
        return
    if answered - asked > _QUICK or answered < asked:
        return
    wrong = clock.go_by(there, asked + (answered - asked) / 2)
    if abs(wrong - _told[0]) > clock.TOLERATED:
        _log.warning("clock.wrong", seconds_ahead=round(wrong.total_seconds()))
        _told[0] = wrong
