"""The permission gate: the only road from a delivery to an address.

``grant`` decides at the moment of hand-over, in the transaction that marks the
delivery as handed, clause by clause, and fails closed. A ``Grant`` alone holds
the address, works once, for one delivery, for one second; ``sending.envelope``
is the only place that opens it.

The version of the rules stands on every delivery that was asked about. 3: a
permission that an import claims needs the evidenced row about this very person
in that batch, and the row's own place in the ledger; until 2 it was enough
that the batch had not been taken back. A letter about a topic goes to those who
chose it, or chose none. 5: a list is for letters or for status notices, and
neither goes to the other's people.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NoReturn

from sqlalchemy.orm import Session

from listkeeper.audience import gate_clauses, gate_view
from listkeeper.audience.gate_clauses import Granted
from listkeeper.audience.gate_view import View
from listkeeper.audience.handover import Handover, Refusal, RefusalCode
from listkeeper.foundation.errors import Forbidden, ListkeeperError

RULE_VERSION = 6
GRANT_SECONDS = 1.0
_MAKER = object()


class Grant:
    """The gate's yes: holds the address, for one delivery, once, for one second."""

    __slots__ = (
        "_address",
        "_delivery_id",
        "_granted_at",
        "_spent",
        "_template_sha256",
        "event_id",
        "head_seq",
        "ledger_seq",
    )

    def __init__(self, maker: object, handover: Handover, granted: Granted, head_seq: int = 0) -> None:
        if maker is not _MAKER:
            raise Forbidden("forged_grant", "Only the permission gate makes a grant.")
        self._address = granted.recipient
        self._delivery_id = handover.delivery_id
        self._template_sha256 = handover.template_sha256
        self._granted_at = time.monotonic()
        self._spent = False
        # What authorised it, and how far the ledger had come.
        self.event_id = granted.event_id
        self.ledger_seq = granted.ledger_seq
        self.head_seq = head_seq

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or written down: a copy would work a second time."""
        raise Forbidden("forged_grant", "A grant cannot be copied.")

    @property
    def granted_at(self) -> float:
        """When it was given, on the monotonic clock: a hand-over begins within a second of it, or not at all."""
        return self._granted_at

    @property
    def fresh(self) -> bool:
        """Whether it may still be used."""
        return not self._spent and time.monotonic() - self._granted_at <= GRANT_SECONDS

    def open(self, delivery_id: int, template_sha256: str) -> str:
        """Return the address and spend the grant. Raises Forbidden when it is spent, old or another's."""
        if not self.fresh or delivery_id != self._delivery_id or template_sha256 != self._template_sha256:
            raise Forbidden("grant_expired", "The permission for this hand-over is spent, too old or another's.")
        self._spent = True
        return self._address


def grant(session: Session, handover: Handover) -> Grant | Refusal:
    """Decide about one hand-over; see ``grant_all``."""
    return grant_all(session, [handover])[handover.delivery_id]


def grant_all(session: Session, handovers: Sequence[Handover]) -> dict[int, Grant | Refusal]:
    """Decide about a worker's window at once, in the transaction that marks the hand-over."""
    views = gate_view.look(session, handovers)
    return {view.handover.delivery_id: _decide(session, view) for view in views}


def _decide(session: Session, view: View) -> Grant | Refusal:  # noqa: PLR0911 - one way out for each reason
    clause = gate_clauses.CLAUSES.get(view.handover.message_class)
    if clause is None or view.foreign:
        return Refusal(RefusalCode.GATE_ERROR)
    if view.forked:
        # A witness knows more than our ledger: who has left may be missing from it.
        return Refusal(RefusalCode.LEDGER_FORKED)
    if view.subscriber is not None and view.subscriber.demo and not view.handover.practice:
        # The demo's people do not exist: real mail to them would only come back, and count against the sender.
        return Refusal(RefusalCode.INVENTED)
    try:
        verdict = clause(session, view)
    except ListkeeperError:
        # What cannot be decided is not sent, and the rest of the window does not wait for it.
        return Refusal(RefusalCode.GATE_ERROR)
    if isinstance(verdict, RefusalCode):
        return Refusal(verdict)
    if not verdict.recipient.isascii() and not view.handover.carries_smtputf8:
        # The domain is an A-label, so only a local part beyond ASCII gets here (RFC 6531).
        return Refusal(RefusalCode.NO_SMTPUTF8)
    return Grant(_MAKER, view.handover, verdict, view.head_seq)
