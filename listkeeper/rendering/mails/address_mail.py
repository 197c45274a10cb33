"""The two mails of a change of address: the new one is asked, the old one is told."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def to_the_new(*, language_code: str, legal_name: str, postal_address: str, confirm_url: str) -> Filled:
    """Return the question to the new address; neither address stands in it."""
    with language.using(language_code):
        subject = language.text("Is this your new address for %(legal_name)s?", legal_name=legal_name)
        return notice.printed("new_address", subject, legal_name, postal_address, {"confirm_url": confirm_url})


def to_the_old(*, language_code: str, legal_name: str, postal_address: str, cancel_url: str) -> Filled:
    """Return the note to the old address, with the way to take the change back."""
    with language.using(language_code):
        subject = language.text("Your address at %(legal_name)s was changed", legal_name=legal_name)
        return notice.printed("old_address", subject, legal_name, postal_address, {"cancel_url": cancel_url})
