"""The mail that asks somebody to publish DNS records: a text without greeting that the owner has read before."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(*, language_code: str, legal_name: str, postal_address: str, subject: str, text: str) -> Filled:
    """Return the mail; each value to copy in ``text`` stands alone on its line, which is never broken."""
    with language.using(language_code):
        return notice.typed("records", subject, legal_name, postal_address, text)
