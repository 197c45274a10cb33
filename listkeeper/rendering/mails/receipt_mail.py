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


def sentence(*, language_code: str, legal_name: str, list_name: str, consent_text: str, moment: str) -> str:
    """Return what the mail says as one paragraph, for a letter that the file travels with instead."""
    with language.using(language_code):
        when = language.text(
            "On %(moment)s you said yes to “%(list_name)s” by %(legal_name)s. These were the words:",
            moment=moment,
            list_name=list_name,
            legal_name=legal_name,
        )
        file = language.text(
            "The file with this mail is a signed receipt. Keep it if you like: with it you can prove what was "
            "recorded, and nobody can change the record unnoticed."
        )
    return f"{when} “{' '.join(consent_text.split())}” {file}"
