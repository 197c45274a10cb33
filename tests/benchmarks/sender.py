"""One worker of the send bench: opens the instance, waits for the word, hands over until nothing is due.

With a number as its argument it stops after so many mails. At the end it prints what it used: seconds of processor
since the word, and the most memory it ever held, in MB. With ``lanes`` it looks at the urgent lane before each slice
of the other, as RQ lets a worker do, until it is ended.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from listkeeper import settings, store
from listkeeper.cli import context
from listkeeper.foundation import garbage, pen
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import letter_batch
from listkeeper.sending.counted_copy import CountedCopy
from listkeeper.sending.delivery import IS_UNDER_WAY, IS_WAITING, Delivery
from listkeeper.sending.handing_over.transport import Outcome


def main() -> None:
    """Say ready, read a line, work, say what it took."""
    if sys.argv[1:] == ["lanes"]:
        _look_at_lanes()
        return
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else None
    with context.opened(settings.read(), create=True):
        from listkeeper.jobs import sending  # noqa: PLC0415 - loaded with the application

        # As ``listkeeper work`` does.
        pen.give_way()
        garbage.settle()
        counted = _counting()
        print("ready", flush=True)
        sys.stdin.readline()
        begun = time.process_time()
        slice_ = 2.0 if limit is None else 0.25
        while limit is None or counted[0] < limit:
            if not sending.deliver(Lane.SENDING, time.monotonic() + slice_) and not _more_to_come():
                break
        sending.hang_up()
        used = {"cpu": time.process_time() - begun, "mails": counted[0]}
        used["rss"] = _most_memory()
        print(json.dumps(used), flush=True)


def _most_memory() -> float:
    """Return the most memory this program ever held, in MB; what ``getrusage`` says counts its parent's as well."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].removesuffix("kB")) / 1024


def _more_to_come() -> bool:
    """Wait a moment where a bell would ring later; return whether anything waits, or may yet be given back."""
    with store.reading() as session:
        waiting = session.scalar(select(Delivery.id).where(or_(IS_WAITING, IS_UNDER_WAY)).limit(1)) is not None
    time.sleep(0.02 if waiting else 0.0)
    return waiting


def _look_at_lanes() -> None:
    with context.opened(settings.read(), create=True):
        from listkeeper.jobs import lanes  # noqa: PLC0415 - loaded with the application

        pen.give_way()
        garbage.settle()
        print("ready", flush=True)
        sys.stdin.readline()
        while True:
            for lane in (Lane.URGENT, Lane.SENDING):
                lanes.work(lane.value)


def _counting() -> list[int]:
    total, record = [0], letter_batch.record_taken

    def counting(
        session: Session,
        outcomes: Mapping[int, Outcome | None],
        receivers: Mapping[int, str],
        worker: str,
        counted: Mapping[int, CountedCopy],
    ) -> list[int]:
        left = record(session, outcomes, receivers, worker, counted)
        total[0] += len(outcomes) - len(left)
        return left

    letter_batch.record_taken = counting
    return total


if __name__ == "__main__":
    main()
