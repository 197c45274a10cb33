"""The mail that asks somebody to publish DNS records: a text without greeting that the owner has read before."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled

# Long lines of a notice are wrapped, and a record that is broken in two is another record: so it comes in afterwards.
_HERE = "(records)"


def compose(*, language_code: str, legal_name: str, postal_address: str, subject: str, text: str) -> Filled:
    """Return the mail; each value to copy in ``text`` stands alone on its line, which is never broken."""
    with language.using(language_code):
        filled = notice.printed("records", subject, legal_name, postal_address, {"text": _HERE})
    return replace(
        filled, html=filled.html.replace(_HERE, escape(text), 1), text=filled.text.replace(_HERE, text.rstrip(), 1)
    )
