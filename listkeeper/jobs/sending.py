"""Handing mail over: claim with one transaction, speak SMTP with none open, record with another."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from threading import Event

from listkeeper import parts, store
from listkeeper.foundation import log
from listkeeper.foundation.errors import Forbidden, ListkeeperError, TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import identity, shift, watching
from listkeeper.sending import batch, composing, envelope, incident, progress, recovery, relay_offer
from listkeeper.sending.batch import Question, Ready
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.transport import Deferred, Outcome, Rejected, Reply, Transport, TransportUnavailable

_LEASED_AT_ONCE = 200
# Questions are written down at length, with a copy in the vault: whoever signs up meanwhile waits for a few, not many.
_URGENT_WINDOW = 16
_WAIT_FOR_SERVER = timedelta(seconds=30)
_RECORD_TRIES = 30
_log = log.get(__name__)
# Set by the worker when it is asked to stop: the window under way is finished, nothing new begins.
draining = Event()
_line: list[Transport] = []
# What was last written down about the server, and when on the monotonic clock: once an hour is enough.
_noted: list[tuple[str, bool, float]] = []
_NOTED_AGAIN = 3600.0


def deliver(lane: Lane, until: float) -> bool:
    """Hand over what is due on a lane until the monotonic moment; return whether more waits."""
    worked = False
    while time.monotonic() < until and not draining.is_set() and watching.has_room():
        with store.transaction() as session:
            ids = batch.lease(session, lane, identity.me(), _LEASED_AT_ONCE)
        if not ids:
            break
        if len(ids) == _LEASED_AT_ONCE:
            # More waits than one worker holds: call the next one to help.
            parts.ring([lane])
        if not _deliver_leased(lane, ids, until):
            return False
        worked = True
    return _round_off(lane) if worked else False


def _deliver_leased(lane: Lane, ids: Sequence[int], until: float) -> bool:
    left = list(ids)
    try:
        line = _connected()
        _note_offer(line)
        most = size = _URGENT_WINDOW if lane is Lane.URGENT else batch.WINDOW
        while left and time.monotonic() < until and not draining.is_set():
            window, left = left[:size], left[size:]
            done = _deliver_window(window, line)
            # A slow server gets smaller windows: a grant lives one second.
            size = max(1, min(most, done * 2))
    except TransportUnavailable as problem:
        _stand_still(ids, str(problem))
        return False
    if left:
        with store.transaction() as session:
            batch.give_back(session, left, identity.me())
    return True


def _connected() -> Transport:
    if not _line:
        _line.append(parts.transport())
    _line[0].connect()
    return _line[0]


def look_at_relay() -> None:
    """Note what the mail server offers, so that the forms know whom we can write to; one that is away is left alone."""
    with contextlib.suppress(TransportUnavailable):
        _note_offer(_connected())


def _note_offer(line: Transport) -> None:
    name, wide, now = parts.relay_name(), line.carries_smtputf8, time.monotonic()
    if _noted and _noted[0][:2] == (name, wide) and now - _noted[0][2] < _NOTED_AGAIN:
        return
    with store.transaction() as session:
        relay_offer.note(session, name, smtputf8=wide)
    _noted[:] = [(name, wide, now)]


def hang_up() -> None:
    """Close the line, politely; the next delivery opens a new one."""
    _noted.clear()
    while _line:
        _line.pop().close()


def _stand_still(ids: Sequence[int], words: str) -> None:
    hang_up()
    _log.warning("transport.unavailable")
    with store.transaction() as session:
        batch.give_back(session, ids, identity.me(), wait=_WAIT_FOR_SERVER)
        incident.report(session, IncidentKind.TRANSPORT_UNAVAILABLE, words)


def _deliver_window(window: Sequence[int], line: Transport) -> int:
    """Hand over one window; return how many hand-overs were begun in time."""
    # Before the gate is asked: what the line can carry is known of an open one only.
    line.connect()
    begun_at = time.monotonic()
    with store.transaction() as session:
        ready = batch.hand_out(
            session,
            window,
            identity.me(),
            prepare=composing.preparer(parts.settings().site),
            carries_smtputf8=line.carries_smtputf8,
            practice=parts.settings().rehearsing,
        )
    outcomes: dict[int, Outcome | None] = dict.fromkeys((row.delivery_id for row in ready), None)
    questions: dict[int, Question] = {}
    lost: TransportUnavailable | None = None
    for row in ready:
        try:
            outcomes[row.delivery_id] = _hand_over(row, line, questions)
        except TransportUnavailable as problem:
            lost = problem
            break
    _record(outcomes, questions)
    shift.settled(len(window), outcomes, begun_at)
    if lost is not None:
        raise lost
    begun = sum(outcome is not None for outcome in outcomes.values())
    return begun if ready else batch.WINDOW


def _hand_over(row: Ready, line: Transport, questions: dict[int, Question]) -> Outcome | None:
    """Return the outcome, or None when the grant grew old before the hand-over began.

    A mail that asks for a yes is kept in ``questions``: its copy belongs to the proof.
    """
    line.connect()
    if not row.grant.fresh:
        return None
    try:
        sealed = envelope.seal(
            row.grant, row.delivery_id, row.prepared.template_sha256, row.prepared.mail_from, row.prepared.compose
        )
    except Forbidden:
        return None
    except ListkeeperError as problem:
        # Nothing was handed over: this one message cannot be written, and must not stop the others.
        return Rejected(Reply(0, problem.message))
    except Exception:  # noqa: BLE001 - a fault of ours must not take the replies of its window with it
        _log.exception("message.not_written", delivery=row.delivery_id)
        return Deferred(Reply(0, "the message could not be written"))
    if row.prepared.template is not None:
        questions[row.delivery_id] = Question(sealed.content, row.prepared.template, row.prepared.lint)
    return line.hand_over(sealed)


def _record(outcomes: dict[int, Outcome | None], questions: dict[int, Question]) -> None:
    """Store what the server said, patiently: these answers exist nowhere else."""
    for wait in _waits():
        try:
            with store.transaction() as session:
                batch.record(session, outcomes, questions)
        except TryAgain:
            _log.warning("replies.not_recorded_yet", waiting=len(outcomes))
            time.sleep(wait)
        else:
            return
    _log.error("replies.not_recorded", in_doubt=len(outcomes))


def _waits() -> Iterator[float]:
    for number in range(_RECORD_TRIES):
        yield min(0.1 * 2**number, 5.0)


def _round_off(lane: Lane) -> bool:
    with store.transaction() as session:
        incident.over(session, IncidentKind.TRANSPORT_UNAVAILABLE)
        progress.finish_if_done(session)
        return batch.anything_due(session, lane)


def recover() -> None:
    """Settle what dead workers left behind and finish campaigns that are done."""
    with store.transaction() as session:
        recovery.settle_left_behind(session, identity.is_dead)
        progress.finish_if_done(session)
