"""The weekly mail to the owner's witness mailbox: a checkpoint of the ledger, what it is for, and to keep it."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def file_name(size: int) -> str:
    """Return the name of the file that travels with the mail: whoever saves them all keeps them apart."""
    return f"checkpoint-{size}.txt"


def compose(*, language_code: str, legal_name: str, postal_address: str, size: int) -> Filled:
    """Return the mail; the checkpoint itself, which holds no personal data, travels as a file beside it."""
    with language.using(language_code):
        subject = language.text("Please keep: proof of the permissions of %(legal_name)s", legal_name=legal_name)
        words = {"size": str(size), "command": f"listkeeper consent verify --witness {file_name(size)}"}
        return notice.printed("witness", subject, legal_name, postal_address, words)
