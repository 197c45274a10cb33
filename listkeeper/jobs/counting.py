"""What was done with letters: visits are judged, totals kept short, and the numbers of nameless mails forgotten."""

from __future__ import annotations

import time

from listkeeper import store
from listkeeper.feedback import engagement_judging
from listkeeper.sending import engagement_tally

# Less than a round of the timetable: what is left is judged in the next.
_SECONDS = 40.0


def judge() -> None:
    """Judge the visits that are old enough: read beside everybody, and written in short transactions."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        with store.reading() as session:
            weighed = engagement_judging.weigh(session)
        if weighed is None:
            return
        with store.transaction() as session:
            engagement_judging.write_down(session, weighed)


def look_after() -> None:
    """Fold the totals, and forget what ties two visits together."""
    with store.transaction() as session:
        engagement_tally.fold(session, engagement_tally.worth_folding(session))
    with store.transaction() as session:
        engagement_judging.forget_numbers(session)
