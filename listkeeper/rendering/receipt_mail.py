"""The receipt: what was agreed to, when, and the ledger's signature; her mailbox becomes its witness."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled
from listkeeper.rendering.notice import Paragraphs

FILE_NAME = "receipt.txt"


def compose(  # noqa: PLR0913 - the mail says seven things, each by name
    *,
    language_code: str,
    legal_name: str,
    postal_address: str,
    list_name: str,
    consent_text: str,
    moment: str,
    preferences_url: str,
) -> Filled:
    """Return the mail; the signed receipt itself travels as a file beside it."""
    words: dict[str, str | Paragraphs] = {
        "list_name": list_name,
        "consent": Paragraphs.of(consent_text),
        "moment": moment,
        "preferences_url": preferences_url,
    }
    with language.using(language_code):
        subject = language.text("Your receipt for “%(list_name)s”", list_name=list_name)
        return notice.printed("receipt", subject, legal_name, postal_address, words)
