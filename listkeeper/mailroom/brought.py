"""A mail that was brought to us, before anybody has read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from listkeeper.feedback.inbound import Way

# What no mailbox provider lets through, and more than any mail that comes back needs.
SIZE_LIMIT = 30 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Brought:
    """One mail as it came: its bytes, and the envelope where there was one."""

    way: Way
    content: bytes = field(repr=False)
    sender: str = ""
    recipients: tuple[str, ...] = ()
