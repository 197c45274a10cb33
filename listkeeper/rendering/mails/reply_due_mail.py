"""The mail that tells an owner that somebody who wrote is about to wait longer than was promised."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(*, language_code: str, legal_name: str, postal_address: str, said: str, replies_url: str) -> Filled:
    """Return the mail; it names nobody who wrote."""
    with language.using(language_code):
        subject = language.text("Somebody waits for your answer")
        words = {"said": said, "replies_url": replies_url}
        return notice.printed("reply_due", subject, legal_name, postal_address, words)
