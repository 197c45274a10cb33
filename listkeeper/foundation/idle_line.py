"""Asking a line to PostgreSQL whether it still stands, after it was idle for a while: a server may have gone meanwhile.

To ask each time a transaction begins would cost a worker as much as a statement, and it begins hundreds a second.
SQLite's lines end with the process.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

SECONDS = 2.0
_LEFT_AT = "listkeeper_left_at"


def prepare(engine: Engine) -> None:
    """Let lines of this engine be asked when they were idle; one that does not stand is opened anew."""
    if engine.dialect.name != "postgresql":
        return

    def left(_line: Any, record: Any) -> None:  # noqa: ANN401 - the driver's and the pool's own
        record.info[_LEFT_AT] = time.monotonic()

    def taken(line: Any, record: Any, _proxy: object) -> None:  # noqa: ANN401 - as above
        if time.monotonic() - record.info.get(_LEFT_AT, time.monotonic()) < SECONDS:
            return
        try:
            stands = engine.dialect.do_ping(line)
        except engine.dialect.loaded_dbapi.Error as problem:
            raise DisconnectionError from problem
        if not stands:
            raise DisconnectionError

    event.listen(engine, "checkin", left)
    event.listen(engine, "checkout", taken)
