"""The mail that tells an owner that mail does not leave as it should; it may come late, for it is a mail itself."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(  # noqa: PLR0913 - whose business, what happened, since when, and whether it is over
    *, language_code: str, legal_name: str, postal_address: str, said: str, since: str, over: bool, queue_url: str
) -> Filled:
    """Return the mail; it names no subscriber."""
    with language.using(language_code):
        if over:
            subject = language.text("It is over: your mail leaves again as it should")
            now = language.text("It began at %(since)s, and is over.", since=since)
        else:
            subject = language.text("Your mail does not leave as it should")
            now = language.text("It began at %(since)s, and goes on.", since=since)
        words = {"said": said, "now": now, "queue_url": queue_url}
        return notice.printed("incident", subject, legal_name, postal_address, words)
