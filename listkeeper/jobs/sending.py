"""Handing mail over: claim with one transaction, speak SMTP with none open, record with another."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from threading import Event

from listkeeper import parts, store
from listkeeper.foundation import log
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import brakes, firsts, handing, identity, lines, pacing, watching
from listkeeper.jobs.handing import Said
from listkeeper.sending import batch, claim, composing, incident, progress, recovery
from listkeeper.sending.handing_over import ways as ways_of_sending
from listkeeper.sending.handing_over.transport import TransportUnavailable
from listkeeper.sending.handing_over.ways import Plan, Waiting
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.prepared import Letters

# So many are leased at first, and twice as many after a block that took no longer than this: what is asked once for a
# block costs each of its mails less, and who is slow keeps few from others.
_LEASED_AT_ONCE, _LEASED_AT_MOST = 200, 400
_QUICK_SECONDS = 1.0
# Questions are written down at length, with a copy in the vault: whoever signs up meanwhile waits for a few, not many.
_URGENT_WINDOW = 16
_WAIT_FOR_SERVER = timedelta(seconds=30)
_log = log.get(__name__)
# Set by the worker when it is asked to stop: the window under way is finished, nothing new begins.
draining = Event()


def deliver(lane: Lane, until: float) -> bool:
    """Hand over what is due on a lane until the monotonic moment; return whether more waits."""
    worked, most = False, _LEASED_AT_ONCE
    while time.monotonic() < until and not draining.is_set() and watching.has_room():
        with store.transaction(syncs_later=True) as session:
            ids = claim.lease(session, lane, identity.me(), most)
        if not ids:
            break
        begun = time.monotonic()
        if len(ids) == most:
            # More waits than one worker holds: call the next one to help.
            parts.ring([lane])
        turn = pacing.in_turn(lane, ids)
        if turn is None:
            break
        if turn and not _deliver_leased(lane, turn, until):
            return False
        worked = True
        quick = time.monotonic() - begun < _QUICK_SECONDS
        most = _LEASED_AT_MOST if quick else _LEASED_AT_ONCE
    return _round_off(lane) if worked else False


def _deliver_leased(lane: Lane, ids: Sequence[int], until: float) -> bool:
    left, said, known = list(ids), Said(), parts.settings()
    most = size = _URGENT_WINDOW if lane is Lane.URGENT else batch.WINDOW
    try:
        with store.reading() as session:
            letters = composing.letters(session, ids, known.site, known.return_path)
        left = firsts.go_ahead(ids, letters, said, lambda first: _deliver_window(first, letters, said))
        while left and time.monotonic() < until and not draining.is_set():
            left = pacing.still(lane, left)
            window, left = left[:size], left[size:]
            done = _deliver_window(window, letters, said)
            # A slow server gets smaller windows: a grant lives one second.
            size = max(1, min(most, done * 2))
    except TransportUnavailable as problem:
        handing.record(said)
        pacing.unused(left)
        _stand_still(ids, str(problem))
        return False
    except Exception:
        handing.record(said)
        raise
    handing.record(said)
    if left:
        pacing.unused(left)
        with store.transaction() as session:
            claim.give_back(session, left, identity.me())
    brakes.look()
    return True


def _stand_still(ids: Sequence[int], words: str) -> None:
    lines.ways().close()
    _log.warning("transport.unavailable")
    with store.transaction() as session:
        claim.give_back(session, ids, identity.me(), wait=_WAIT_FOR_SERVER)
        incident.report(session, IncidentKind.TRANSPORT_UNAVAILABLE, words)


def _deliver_window(window: Sequence[int], letters: Letters, said: Said) -> int:
    """Hand over one window; return how many hand-overs were begun in time."""
    # Before the gate is asked: what a line can carry is known of an open one only.
    plan = _plan(window)
    if plan.stranded and plan.groups:
        with store.transaction() as session:
            claim.give_back(session, plan.stranded, identity.me(), wait=_WAIT_FOR_SERVER)
            incident.report(session, IncidentKind.TRANSPORT_UNAVAILABLE, plan.words)
    elif plan.stranded:
        lines.tell_trouble()
        raise TransportUnavailable(plan.words)
    begun = [handing.deliver(group, letters, said) for group in plan.groups]
    lines.tell_trouble()
    # What was lost meanwhile may have been the last one.
    if None in begun and (closed := lines.ways().all_closed()):
        raise TransportUnavailable(closed)
    return sum(filter(None, begun))


def _plan(window: Sequence[int]) -> Plan:
    if lines.ways().only is not None:
        return lines.ways().plan([Waiting(number, "", "") for number in window])
    with store.reading() as session:
        mails = ways_of_sending.waiting(session, window)
    return lines.ways().plan(mails)


def look_at_relay() -> None:
    """Note what each way offers, so that the forms know whom we can write to; one that is away is left alone."""
    lines.look()


def hang_up() -> None:
    """Close the lines, politely; the next delivery opens new ones."""
    lines.hang_up()
    firsts.forget()


def _round_off(lane: Lane) -> bool:
    with store.transaction() as session:
        incident.over(session, IncidentKind.TRANSPORT_UNAVAILABLE)
        progress.finish_if_done(session)
        return claim.anything_due(session, lane)


def recover() -> None:
    """Settle what dead workers left behind, finish campaigns that are done, and go on with those that are not."""
    with store.transaction() as session:
        recovery.settle_left_behind(session, identity.is_dead)
        recovery.let_go_on(session)
        progress.finish_if_done(session)
