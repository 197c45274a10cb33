"""What a way to send must do, and the four things that can come of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from listkeeper.sending.envelope import Envelope


@dataclass(frozen=True)
class Reply:
    """What the server said: the basic code (RFC 5321 section 4.2) and its words, unmasked."""

    code: int
    text: str


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
        """Hand messages over and yield what came of each, in order: None when its hand-over never began.

        Raises TransportUnavailable when nothing more can be handed over, after yielding what is known.
        """
        ...

    def close(self) -> None:
        """Say goodbye politely."""
        ...


def one_by_one(transport: Transport, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
    """Hand messages over one after another; what ``hand_over_each`` is where nothing is gained by doing more."""
    for envelope in sealed:
        transport.connect()
        yield envelope.delivery_id, transport.hand_over(envelope)
