"""An answer to somebody who wrote to us: what a person typed, as it was typed, and who answers; no word of ours."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(*, language_code: str, legal_name: str, postal_address: str, subject: str, text: str) -> Filled:
    """Return the mail; ``text`` is plain, and an address in it becomes no link of ours."""
    with language.using(language_code):
        return notice.typed("answer", subject, legal_name, postal_address, text)
