"""The addresses of pages that are a reader's own and that only some letters lead to: ``own_links`` names them."""

from __future__ import annotations

from typing import NamedTuple

from listkeeper.audience import renewal_link
from listkeeper.campaigns import preview
from listkeeper.rendering import own_links, poll_words
from listkeeper.sending import poll_link


class Whose(NamedTuple):
    """One mail: its delivery, whom it goes to and from which list; a test goes to nobody we know."""

    delivery_id: int
    subscriber_id: int | None
    list_id: int | None


def address(site: str, whose: Whose, name: str) -> str:
    """Return where one of these links leads in one mail."""
    answer = own_links.answer_named(name)
    if answer is not None:
        return f"{site}/poll/{poll_link.token_of(whose.delivery_id, answer.block, answer.choice)}"
    if whose.subscriber_id is None or whose.list_id is None:
        return f"{site}/renew/{preview.SAMPLE_TOKEN}"
    return f"{site}/renew/{renewal_link.token_of(whose.subscriber_id, whose.list_id)}"


def looked_at(site: str, whose: Whose, name: str) -> str:
    """Return the same for whoever looks at the mail in a browser: an answer of a poll leads nowhere there."""
    return address(site, whose, name) if own_links.answer_named(name) is None else poll_words.NOWHERE
