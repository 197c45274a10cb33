"""Small jobs of the timetable: look for lost bells, settle what was left behind, forget what is past."""

from __future__ import annotations

from listkeeper import parts, store
from listkeeper.foundation import outbox, throttle
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import sending
from listkeeper.sending import batch


def look_for_lost_bells() -> None:
    """Ring for every lane in which something waits that no bell may have rung for."""
    with store.reading() as session:
        waiting = [lane for lane in Lane if outbox.waiting(session, lane, 1) or batch.anything_due(session, lane)]
    parts.ring(waiting)


def settle_left_behind() -> None:
    """Queue again, or put in doubt, what a dead worker held."""
    sending.recover()


def forget_past() -> None:
    """Delete what has served its purpose: ended brake windows, old facts."""
    with store.transaction() as session:
        throttle.forget_past(session)
        outbox.forget_old(session)
