"""What a dry run would have stored by now, in a file that vanishes: a million rows in little memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from listkeeper.audience.importing.judging import REASONS, Decision, Known, Seen
from listkeeper.audience.importing.sealing import OPTED_OUT, Candidate
from listkeeper.audience.importing.sources import Standing
from listkeeper.audience.subscription import SubscriptionState


class Shadow:
    """The database of a dry run, beside the real one, which stays as it is."""

    def __init__(self) -> None:
        # An empty name is a private file of SQLite's own, deleted when the connection closes.
        self._rows = sqlite3.connect("", isolation_level=None)
        for line in (
            "PRAGMA journal_mode=OFF",
            "PRAGMA synchronous=OFF",
            "PRAGMA cache_size=-16000",
            "CREATE TABLE suppressed (key TEXT PRIMARY KEY, reason TEXT) WITHOUT ROWID",
            "CREATE TABLE person (key TEXT PRIMARY KEY, state TEXT, profile TEXT) WITHOUT ROWID",
        ):
            self._rows.execute(line)

    def close(self) -> None:
        """Forget everything."""
        self._rows.close()

    def complete(self, rows: Sequence[Candidate], seen: Seen) -> None:
        """Add to what the database knows what this run has decided before."""
        keys = json.dumps([row.key for row in rows if row.key])
        among = "WHERE key IN (SELECT value FROM json_each(?))"
        seen.suppressed.update(self._rows.execute(f"SELECT key, reason FROM suppressed {among}", [keys]).fetchall())  # noqa: S608 - our own words
        for key, state, profile in self._rows.execute(f"SELECT key, state, profile FROM person {among}", [keys]):  # noqa: S608 - our own words
            known = seen.known.setdefault(key, Known(0, "", profile))
            known.state, known.profile = SubscriptionState(state), profile

    def remember(self, decisions: Sequence[Decision]) -> None:
        """Keep what later rows must know of these."""
        left = [
            (decision.row.key, REASONS[Standing(decision.row.standing)][0].value)
            for decision in decisions
            if decision.row.kind == OPTED_OUT
        ]
        people = [
            (decision.row.key, decision.known.state.value, decision.known.profile)
            for decision in decisions
            if decision.known is not None and decision.known.state is not None and decision.row.kind != OPTED_OUT
        ]
        self._rows.execute("BEGIN")
        self._rows.executemany("INSERT OR REPLACE INTO suppressed VALUES (?, ?)", left)
        self._rows.executemany("INSERT OR REPLACE INTO person VALUES (?, ?, ?)", people)
        self._rows.execute("END")
