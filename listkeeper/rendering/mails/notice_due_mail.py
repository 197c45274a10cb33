"""The mail that tells an owner that people were promised more about a status notice, and wait for it."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(*, language_code: str, legal_name: str, postal_address: str, said: str, notices_url: str) -> Filled:
    """Return the mail; it names no subscriber."""
    with language.using(language_code):
        subject = language.text("The update you promised is due")
        words = {"said": said, "notices_url": notices_url}
        return notice.printed("notice_due", subject, legal_name, postal_address, words)
