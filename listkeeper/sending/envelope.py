"""The sealed envelope: the only thing a transport accepts, and only a grant makes one."""

from __future__ import annotations

from collections.abc import Callable

from listkeeper.audience.permission import Grant
from listkeeper.foundation.errors import Forbidden

_MAKER = object()


class Envelope:
    """One message, one sender address, one recipient (RFC 5321 section 2.3.1)."""

    __slots__ = ("content", "delivery_id", "granted_at", "mail_from", "rcpt_to")

    def __init__(  # noqa: PLR0913, PLR0917 - what it holds; only ``seal`` makes one
        self, maker: object, delivery_id: int, mail_from: str, rcpt_to: str, content: bytes, granted_at: float
    ) -> None:
        if maker is not _MAKER:
            raise Forbidden("forged_envelope", "Only envelope.seal makes an envelope.")
        self.delivery_id = delivery_id
        self.mail_from = mail_from
        self.rcpt_to = rcpt_to
        self.content = content
        # On the monotonic clock: the hand-over begins within a second of it, or not at all.
        self.granted_at = granted_at


def seal(
    grant: Grant, delivery_id: int, template_sha256: str, mail_from: str, compose: Callable[[str], bytes]
) -> Envelope:
    """Spend the grant, write the message for the address it held, and close the envelope.

    Raises Forbidden when the grant is spent, older than a second, or another's.
    """
    recipient = grant.open(delivery_id, template_sha256)
    return Envelope(_MAKER, delivery_id, mail_from, recipient, compose(recipient), grant.granted_at)
