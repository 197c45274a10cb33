"""Several lines to one mail server: while it works on a message of one, the other goes on.

A server far away answers each message a whole way later, and one on the same
machine works while we wait. So a worker with much to send keeps another line,
to a server that is quick; each line is a conversation of its own, with one
message's content under way at most, and one that is lost leaves one doubt.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.smtp_relay import SmtpRelay
from listkeeper.sending.handing_over.transport import Outcome, TransportUnavailable

# A window of so many messages is worth another line.
_MUCH = 8
# A server that takes no further line is not asked for one for so long.
_NOT_AGAIN_SECONDS = 300.0


class SmtpLines:
    """A Transport over one line, and over the others as well where there is much to send."""

    def __init__(self, relays: Sequence[SmtpRelay]) -> None:
        self._first, *self._others = relays
        self._had_much = False
        self._not_before = 0.0

    @property
    def carries_smtputf8(self) -> bool:
        """Whether the connected server offers SMTPUTF8, on every line."""
        return all(relay.carries_smtputf8 for relay in self._open())

    def connect(self) -> None:
        """Be ready for the next message; another line that cannot be had is done without."""
        self._first.connect()
        if not self._had_much or not self._first.is_quick or time.monotonic() < self._not_before:
            return
        for other in self._others:
            try:
                other.connect()
            except TransportUnavailable:
                self._not_before = time.monotonic() + _NOT_AGAIN_SECONDS
                return

    def _open(self) -> list[SmtpRelay]:
        """Return the lines to go by: a server that has become slow gets one message at a time."""
        others = [other for other in self._others if other.is_open] if self._first.is_quick else []
        return [self._first, *others]

    def hand_over(self, envelope: Envelope) -> Outcome:
        """Hand one message over by the first line."""
        return self._first.hand_over(envelope)

    def hand_over_each(self, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
        """Hand over all, each by the line that is ready for it; see ``Transport.hand_over_each``."""
        handed, ended_well = 0, False
        unavailable: TransportUnavailable | None = None
        fault: Exception | None = None
        with ExitStack() as stack:
            going = deque(stack.enter_context(closing(relay.steps(sealed))) for relay in self._open())
            while going:
                steps = going.popleft()
                try:
                    said = next(steps)
                except StopIteration:
                    ended_well = True
                    continue
                except TransportUnavailable as problem:
                    # The others go on with what is left.
                    unavailable = problem
                    continue
                except Exception as problem:  # noqa: BLE001 - raised once the others' answers were heard
                    fault = problem
                    continue
                going.append(steps)
                if said is not None:
                    handed += 1
                    yield said
        self._had_much = handed >= _MUCH
        if fault is not None:
            raise fault
        if unavailable is not None and not ended_well:
            raise unavailable

    def close(self) -> None:
        """Say QUIT on each line and hang up."""
        for relay in (self._first, *self._others):
            relay.close()
