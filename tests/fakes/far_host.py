"""A command of ours as another machine would run it: under that machine's name and by its clock.

``python -m tests.fakes.far_host NAME SECONDS WORDS…`` runs ``listkeeper WORDS…`` where every clock but the one that
only counts (``time.monotonic``) is SECONDS ahead, or behind. ``LISTKEEPER_TEST_LEASES`` (three numbers of seconds: for
which a row is claimed, for which it is handed, and for which the server bears silence) is for a run that cannot wait
for three minutes.
"""

from __future__ import annotations

import os
import socket
import sys
from datetime import UTC, datetime, timedelta

import time_machine


def main() -> None:
    """Become that machine, then do as told."""
    name, ahead, *words = sys.argv[1:]
    socket.gethostname = lambda: name
    socket.getfqdn = lambda name=name: name
    if float(ahead):
        time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(ahead)), tick=True).start()
    _shorten()
    from listkeeper.cli import main as listkeeper  # noqa: PLC0415 - by the clock that was set above

    listkeeper.main.main(words)


def _shorten() -> None:
    short = os.environ.pop("LISTKEEPER_TEST_LEASES", "")
    if not short:
        return
    # Before anybody takes these by name.
    from listkeeper.foundation import silence  # noqa: PLC0415
    from listkeeper.sending import claim, prepared  # noqa: PLC0415

    assert timedelta(0) < claim.LEASE < timedelta(seconds=silence.SECONDS) < prepared.HANDED_LEASE
    claimed, handed, silent = map(int, short.split())
    claim.LEASE, prepared.HANDED_LEASE = timedelta(seconds=claimed), timedelta(seconds=handed)
    silence.SECONDS = silent


if __name__ == "__main__":
    main()
