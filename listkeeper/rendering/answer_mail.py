"""An answer to somebody who wrote to us: what a person typed, as it was typed, and who answers; no word of ours."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled

# A notice is wrapped to short lines; what a person wrote keeps its own, so it comes in afterwards.
_HERE = "(answer)"


def compose(*, language_code: str, legal_name: str, postal_address: str, subject: str, text: str) -> Filled:
    """Return the mail; ``text`` is plain, and an address in it becomes no link of ours."""
    with language.using(language_code):
        filled = notice.printed("answer", subject, legal_name, postal_address, {"text": _HERE})
    return replace(filled, html=filled.html.replace(_HERE, escape(text), 1), text=filled.text.replace(_HERE, text, 1))
