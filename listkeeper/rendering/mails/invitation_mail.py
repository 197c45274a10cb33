"""The mail that invites somebody to work in the studio of a business."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled


def compose(*, language_code: str, legal_name: str, postal_address: str, join_url: str, owns: bool) -> Filled:
    """Return the mail; the link works once, for seven days."""
    with language.using(language_code):
        subject = language.text("%(legal_name)s invites you to its letters", legal_name=legal_name)
        may = (
            language.text("As an owner you may do everything there.")
            if owns
            else language.text("As an editor you write and send letters there and see who gets them.")
        )
        return notice.printed("invitation", subject, legal_name, postal_address, {"join_url": join_url, "may": may})
