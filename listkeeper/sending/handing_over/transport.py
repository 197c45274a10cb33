"""What a way to send must do, and the four things that can come of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from listkeeper.standards import smtp_reply

if TYPE_CHECKING:
    from listkeeper.sending.envelope import Envelope

# What the server said: the basic code (RFC 5321 section 4.2) and its words, unmasked.
Reply = smtp_reply.Reply


@dataclass(frozen=True)
class Accepted:
    """The server took the message: it is sent."""

    reply: Reply


@dataclass(frozen=True)
class Deferred:
    """The server said not now, or went away before the message could have been taken."""

    reply: Reply


@dataclass(frozen=True)
class Rejected:
    """The server said no for good."""

    reply: Reply


@dataclass(frozen=True)
class InDoubt:
    """The message was handed over whole, and no answer came."""

    reason: str


Outcome = Accepted | Deferred | Rejected | InDoubt


class TransportUnavailable(Exception):
    """No connection could be made; nothing was handed over. The words are for people."""


class Transport(Protocol):
    """A way to send, kept open over many messages."""

    @property
    def carries_smtputf8(self) -> bool:
        """Whether addresses beyond ASCII can be carried (RFC 6531)."""
        ...

    def connect(self) -> None:
        """Be ready for the next message. Raises TransportUnavailable."""
        ...

    def hand_over(self, envelope: Envelope) -> Outcome:
        """Hand one sealed message over and say what came of it; never raises."""
        ...

    def hand_over_each(self, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
        """Hand over one message after another; yield each delivery's id and outcome as it is known.

        An envelope is pulled from ``sealed`` only when the line is ready to begin it: its grant lives one second, and
        pulling spends it. Nothing else may wait in there, for answers are heard between two pulls.

        None as the outcome: it was announced at most, its content never began to leave, so it may wait again and no
        attempt counts. When the line is lost, it is opened again for the next one. Raises TransportUnavailable, after
        every outcome known so far was yielded, when it cannot be; and what ``sealed`` raised, likewise.
        """
        ...

    def close(self) -> None:
        """Say goodbye politely."""
        ...


def one_by_one(transport: Transport, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
    """Hand over each when the one before it is settled: ``hand_over_each`` for a way to send that knows no better."""
    while True:
        try:
            transport.connect()
        except TransportUnavailable:
            # It matters only if another message is there.
            if (left := next(sealed, None)) is None:
                return
            yield left.delivery_id, None
            raise
        envelope = next(sealed, None)
        if envelope is None:
            return
        yield envelope.delivery_id, transport.hand_over(envelope)
