"""The mail that tests a way to send: it says by which it came, and nothing else."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(*, language_code: str, legal_name: str, postal_address: str, way: str) -> Filled:
    """Return the mail; ``way`` is what the way is called, with nothing secret in it."""
    with language.using(language_code):
        subject = language.text("[TEST] A mail by %(way)s", way=way)
        return notice.printed("way", subject, legal_name, postal_address, {"way": way})
