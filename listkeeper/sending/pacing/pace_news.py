"""What receivers answered, as far as it says something about the pace."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from listkeeper.deliverability import reply_class
from listkeeper.deliverability.reply_class import ReplyClass, Verdict
from listkeeper.sending.handing_over.transport import Accepted, Deferred, Outcome, Rejected

_CLOSING = 421
_FOR_GOOD = 500


class Kind(StrEnum):
    """What one answer says about the pace to its receiver."""

    SENT = "sent"
    SLOW = "slow"
    # Not now, which alone says little: it counts when it is a fair part of what was said.
    SOFT = "soft"
    SHUT = "shut"
    FAULT = "fault"
    OTHER = "other"


@dataclass(frozen=True)
class Refusing:
    """A receiver that began to refuse the sender: its queue is held."""

    provider: str
    faults: int
    of: int
    # By class, as far as this worker heard.
    classes: tuple[ReplyClass, ...]


@dataclass(frozen=True)
class Heard:
    """What followed from what was heard."""

    refusing: tuple[Refusing, ...] = ()
    freed: tuple[str, ...] = ()


NOTHING = Heard()


def kind_of(outcome: Outcome | None, provider: str) -> tuple[Kind, ReplyClass | None] | None:
    """Say what an outcome means for the pace; None when no server said anything."""
    match outcome:
        case Accepted():
            return Kind.SENT, None
        case Deferred(reply) | Rejected(reply) if reply.code:
            verdict = reply_class.classify(reply.code, None, reply.text, provider)
            return _kind(verdict, reply.code), verdict.reply_class
        case _:
            return None


def _kind(verdict: Verdict, code: int) -> Kind:
    if verdict.alone:
        return Kind.OTHER
    if code == _CLOSING:
        return Kind.SHUT
    if verdict.against_sender:
        return Kind.FAULT
    match verdict.reply_class:
        case ReplyClass.RATE:
            return Kind.SLOW
        case ReplyClass.TEMPORARY if code < _FOR_GOOD:
            return Kind.SOFT
        case _:
            return Kind.OTHER
