"""One window by one way: marked as handed in one transaction, spoken with none open, written down with the next.

At most 32 rows of a worker are handed at once. Whatever happens to the process,
those are the ones that may be in doubt; a fault of ours leaves as many of them
in doubt as were not answered yet, and never calls one of them unsent.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.foundation import log
from listkeeper.foundation.errors import Forbidden, ListkeeperError, TryAgain
from listkeeper.jobs import identity, lines, pacing, shift
from listkeeper.sending import batch, composing, envelope
from listkeeper.sending.batch import Question
from listkeeper.sending.counted_copy import CountedCopy
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.transport import Deferred, Outcome, Rejected, Reply, TransportUnavailable
from listkeeper.sending.handing_over.ways import Group
from listkeeper.sending.prepared import Letters, Ready

_RECORD_TRIES = 30
_log = log.get(__name__)


@dataclass
class Said:
    """What is known of the rows that were handed last, until it is written down; None had not begun."""

    outcomes: dict[int, Outcome | None] = field(default_factory=dict)
    questions: dict[int, Question] = field(default_factory=dict)
    # Which of them are counted copies: nothing that is stored says so.
    counted: dict[int, CountedCopy] = field(default_factory=dict)
    # A message that is read as a receiver reads it, as it left: asked for by the row's number.
    read_on: int = 0
    kept: bytes = b""

    def taken(self) -> Said:
        """Begin anew, and return what was known until now."""
        before = Said(self.outcomes, self.questions, self.counted)
        self.outcomes, self.questions, self.counted = {}, {}, {}
        return before

    def recall(self, before: Said) -> None:
        """Take back what was not written down after all."""
        self.outcomes, self.questions, self.counted = before.outcomes, before.questions, before.counted


def deliver(group: Group, letters: Letters, said: Said) -> int | None:
    """Hand over what goes by one way; return how many hand-overs were begun in time, None when the way was lost."""
    lines.note_offer(group.way, group.line)
    begun_at = time.monotonic()
    ready, sealed = _hand_out(group, letters, said)
    lost = False
    try:
        for number, outcome in group.line.hand_over_each(sealed):
            said.outcomes[number] = outcome
    except TransportUnavailable as problem:
        lines.ways().cool(group.way, str(problem))
        lost = True
    for row in ready:
        said.outcomes.setdefault(row.delivery_id, None)
    shift.settled(len(group.ids), {row.delivery_id: said.outcomes[row.delivery_id] for row in ready}, begun_at)
    begun = sum(said.outcomes[row.delivery_id] is not None for row in ready)
    if begun and not lost:
        lines.ways().worked(group.way)
    return None if lost else begun if ready else batch.WINDOW


def _hand_out(group: Group, letters: Letters, said: Said) -> tuple[list[Ready], Iterator[Envelope]]:
    """Write down what was said of the last window and mark this one as handed, in one transaction.

    While the disk is at work on it the first messages are written already; none is handed over before it is done.
    """
    disk, known = store.Disk(), parts.settings()
    with store.transaction(syncs_later=True, disk=disk) as session:
        if said.outcomes:
            _keep(session, said)
        ready = batch.hand_out(
            session,
            group.ids,
            identity.me(),
            prepare=composing.preparer(known.site, known.return_path),
            carries_smtputf8=group.line.carries_smtputf8,
            practice=known.rehearsing,
            way=group.way.name,
            letters=letters,
        )
    before = said.taken()
    try:
        sealed = _sealed(ready, said)
        ahead: list[Envelope] = []
        while not disk.done and (written := next(sealed, None)) is not None:
            ahead.append(written)
        disk.wait()
    except BaseException:
        # Whatever it was: nothing else may be asked of the database while it writes.
        with contextlib.suppress(TryAgain):
            disk.wait()
        said.recall(before)
        raise
    pacing.heard(before.outcomes)
    return ready, itertools.chain(ahead, sealed)


def _keep(session: Session, said: Said) -> None:
    pacing.note(session, said.outcomes)
    batch.record(
        session,
        said.outcomes,
        said.questions,
        worker=identity.me(),
        deadlines=parts.deadlines(),
        receivers=pacing.receivers_of(said.outcomes),
        counted=said.counted,
    )


def _sealed(ready: Sequence[Ready], said: Said) -> Iterator[Envelope]:
    """Write each message when the line is ready for it; one whose grant grew old meanwhile is left out.

    A mail that asks for a yes is kept: its copy belongs to the proof.
    """
    for row in ready:
        if (sealed := _seal(row, said)) is not None:
            if row.prepared.template is not None:
                said.questions[row.delivery_id] = Question(sealed.content, row.prepared.template, row.prepared.lint)
            if row.prepared.counted is not None:
                said.counted[row.delivery_id] = row.prepared.counted
            if row.delivery_id == said.read_on:
                said.kept = sealed.content
            yield sealed


def _seal(row: Ready, said: Said) -> Envelope | None:
    message = row.prepared
    try:
        return envelope.seal(row.grant, row.delivery_id, message.template_sha256, message.mail_from, message.compose)
    except Forbidden:
        return None
    except ListkeeperError as problem:
        # Nothing was handed over: this one message cannot be written, and must not stop the others.
        said.outcomes[row.delivery_id] = Rejected(Reply(0, problem.message))
    except Exception:  # noqa: BLE001 - a fault of ours must not take the replies of its window with it
        _log.exception("message.not_written", delivery=row.delivery_id)
        said.outcomes[row.delivery_id] = Deferred(Reply(0, "the message could not be written"))
    return None


def record(said: Said) -> None:
    """Store what the server said, patiently: these answers exist nowhere else."""
    for wait in _waits() if said.outcomes else ():
        try:
            with store.transaction() as session:
                _keep(session, said)
        except TryAgain:
            _log.warning("replies.not_recorded_yet", waiting=len(said.outcomes))
            time.sleep(wait)
        else:
            # What receivers said decides who is next.
            pacing.heard(said.taken().outcomes)
            return
    if said.outcomes:
        _log.error("replies.not_recorded", in_doubt=len(said.outcomes))


def _waits() -> Iterator[float]:
    for number in range(_RECORD_TRIES):
        yield min(0.1 * 2**number, 5.0)
