"""The mail with a fresh link to a subscriber's own page: to look, to download, to change, to be forgotten."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(*, language_code: str, legal_name: str, postal_address: str, access_url: str) -> Filled:
    """Return the mail; the link works once, for a quarter of an hour."""
    with language.using(language_code):
        subject = language.text("Your link to what %(legal_name)s keeps about you", legal_name=legal_name)
        return notice.printed("access", subject, legal_name, postal_address, {"access_url": access_url})
