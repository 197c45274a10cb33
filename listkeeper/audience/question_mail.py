"""Which mail about a question it is: the first one, or the reminder."""

from __future__ import annotations

from listkeeper.audience.confirmation import Confirmation


def occasion(asked: Confirmation, number: int) -> str:
    """Return the occasion of the first mail (1) or the reminder (2).

    Not by its id: a database from before numbers were given once (``numbering``) has given some of them again.
    """
    return f"confirmation:{asked.token_digest}:{number}"


def is_reminder(occasion_of_mail: str) -> bool:
    """Return whether a mail with this occasion asked once more."""
    return occasion_of_mail.startswith("confirmation:") and occasion_of_mail.endswith(":2")
