"""Mailboxes elsewhere: looked into once a minute for what has come back.

A mail is remembered as taken only after the transaction that keeps it; what is
taken twice, because somebody was killed in between, is kept once, for its bytes
are the same. Everything stays in the mailbox as it was, unread, unless its
address says ``delete=yes``: then what was taken and is certainly an answer to a
letter of ours is deleted, and nothing else.

What was taken is remembered in the queue server, so that it is known to every
machine: by UIDVALIDITY and UID (IMAP) or UIDL (POP3). If that memory is lost, the
mails that lie there are taken once more, and known.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import redis
from rq.utils import as_text

from listkeeper.feedback import mail_reading
from listkeeper.feedback.inbound import Taken, Way
from listkeeper.feedback.mailbox_address import MailboxAddress
from listkeeper.foundation import clock, log
from listkeeper.mailroom import intake
from listkeeper.mailroom.brought import SIZE_LIMIT, Brought
from listkeeper.mailroom.imap import ImapMailbox
from listkeeper.mailroom.mailbox_line import Lying, MailboxTrouble, OpenMailbox
from listkeeper.mailroom.mailbox_token import Tokens
from listkeeper.mailroom.pop3 import Pop3Mailbox

_ROUND_SECONDS = 300.0
_MEMORY = "listkeeper:mailbox:"
_log = log.get(__name__)


@dataclass
class Round:
    """What one look into a mailbox came to."""

    new: int = 0
    known: int = 0
    too_big: int = 0
    deleted: int = 0


class Memory:
    """Which mails of one mailbox were taken; it may forget. Raises redis.RedisError."""

    def __init__(self, server: redis.Redis, address: MailboxAddress) -> None:
        self._server = server
        place = f"{address.kind} {address.host} {address.port} {address.user} {address.folder}"
        # Whose mailbox it is stays here.
        self._key = _MEMORY + hashlib.sha256(place.encode()).hexdigest()[:32]

    def fresh(self, lying: Collection[Lying]) -> list[Lying]:
        """Return what was not taken yet, and forget what lies there no more."""
        taken = {as_text(key) for key in self._server.smembers(self._key)}
        gone = taken - {mail.key for mail in lying}
        if gone:
            self._server.srem(self._key, *gone)
        return [mail for mail in lying if mail.key not in taken]

    def note(self, mail: Lying) -> None:
        """Remember that a mail was taken."""
        self._server.sadd(self._key, mail.key)


def collect(address: MailboxAddress, organisation_id: int, memory: Memory, tokens: Tokens) -> Round:
    """Take what has come into a mailbox since the last look, for five minutes at most.

    Raises MailboxTrouble, TryAgain (the database is away) and redis.RedisError; what was taken before that is taken.
    """
    box = opened(address, tokens)
    found = Round()
    until = time.monotonic() + _ROUND_SECONDS
    try:
        for mail in memory.fresh(box.lying()):
            if time.monotonic() > until:
                break
            if not _take(address, organisation_id, box, mail, found):
                memory.note(mail)
        box.close()
    except BaseException:
        box.cut()
        raise
    return found


def _take(address: MailboxAddress, organisation_id: int, box: OpenMailbox, mail: Lying, found: Round) -> bool:
    """Take one mail; return whether it will be deleted, so that nobody need remember it."""
    content = box.content(mail) if mail.size <= SIZE_LIMIT else None
    if content is None or len(content) > SIZE_LIMIT:
        found.too_big += mail.size > SIZE_LIMIT
        return False
    way = Way(address.kind)
    if intake.keep(organisation_id, Brought(way, content)) is Taken.NEW:
        found.new += 1
    else:
        found.known += 1
    if not address.deletes or not mail_reading.read(content).token_valid:
        return False
    box.delete(mail)
    found.deleted += 1
    return True


def opened(address: MailboxAddress, tokens: Tokens) -> OpenMailbox:
    """Sign in to a mailbox. Raises MailboxTrouble."""
    try:
        return _OPENED[address.kind](address, tokens.of(address))
    except MailboxTrouble:
        tokens.forget(address)
        raise


_OPENED: Mapping[str, Callable[[MailboxAddress, str | None], OpenMailbox]] = {
    "imap": lambda address, token: ImapMailbox(address, token, clock.now()),
    "pop3": Pop3Mailbox,
}
