"""One worker of the send bench: opens the instance, waits for the word, hands over until nothing is due."""

from __future__ import annotations

import sys
import time

from listkeeper import settings
from listkeeper.cli import context
from listkeeper.foundation.outbox import Lane


def main() -> None:
    """Say ready, read a line, work."""
    with context.opened(settings.read(), create=True):
        from listkeeper.jobs import sending  # noqa: PLC0415 - loaded with the application

        print("ready", flush=True)
        sys.stdin.readline()
        while sending.deliver(Lane.SENDING, time.monotonic() + 2.0):
            pass
        sending.hang_up()


if __name__ == "__main__":
    main()
