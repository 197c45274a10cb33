"""One mail by standard input, from a mail server that starts us for each (``listkeeper mail take``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.feedback.inbound import Taken, Way
from listkeeper.mailroom import intake
from listkeeper.mailroom.brought import Brought

# The line that a mailbox file has before each mail, which some servers hand over with it; it is no part of the mail.
_FROM_LINE = re.compile(rb"From (\S*) [^\r\n]*\r?\n")


def take(content: bytes, sender: str | None, recipients: Sequence[str]) -> Taken:
    """Keep one mail. Raises TryAgain when the database is away, NotFound before the first run."""
    before = _FROM_LINE.match(content)
    if before:
        content = content[before.end() :]
        sender = before[1].decode("utf-8", "replace") if sender is None else sender
    with store.reading() as session:
        owner = organisation.only_one(session).id
    return intake.keep(owner, Brought(Way.PIPE, content, _bare(sender or ""), tuple(map(_bare, recipients))))


def _bare(address: str) -> str:
    """Return an address without the brackets that some servers write around it."""
    return address.strip().removeprefix("<").removesuffix(">")
