"""The process that mail comes in by: the listener, and somebody who looks into each mailbox once a minute."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis

from listkeeper import parts
from listkeeper.feedback.mailbox_address import MailboxAddress
from listkeeper.foundation import log
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.fetch import Answer, NotSent, Unanswered
from listkeeper.mailroom import mailbox
from listkeeper.mailroom.door import Context, Doorman
from listkeeper.mailroom.listener import Listener, Places
from listkeeper.mailroom.mailbox import Memory
from listkeeper.mailroom.mailbox_line import MailboxTrouble
from listkeeper.mailroom.mailbox_token import Tokens
from listkeeper.settings import Settings

_BETWEEN_SECONDS = 60.0
_TOKEN_SECONDS = 15.0
_log = log.get(__name__)


@dataclass(frozen=True)
class Mailroom:
    """What one process receives by."""

    name: str
    return_path: str | None
    places: Places
    mailboxes: Sequence[MailboxAddress]


def of(settings: Settings) -> Mailroom:
    """Return what the settings ask for."""
    return Mailroom(
        name=greeting_name(settings),
        return_path=settings.return_path,
        places=Places(settings.smtp_listen, settings.lmtp_listen, announcement(settings.data_folder)),
        mailboxes=settings.mailboxes,
    )


def is_needed(settings: Settings) -> bool:
    """Return whether mail comes in by this process at all."""
    return bool(settings.smtp_listen or settings.lmtp_listen or settings.mailboxes)


def announcement(data_folder: Path) -> Path:
    """Return where the listener tells which ports it got."""
    return data_folder / "run" / "listener.json"


def greeting_name(settings: Settings) -> str:
    """Return the name that the listener greets with: the domain whose MX leads here, or this server's own."""
    return (settings.return_path or urlsplit(settings.site).hostname or "localhost").rpartition("@")[2]


def run(mailroom: Mailroom, context: Context) -> None:
    """Receive until SIGTERM or SIGINT; mails being taken then are finished first."""
    asyncio.run(_receive(mailroom, context))


async def _receive(mailroom: Mailroom, context: Context) -> None:
    loop, stopping, stopped = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    doorman = Doorman(mailroom.return_path, context)
    tokens = Tokens(_post)
    for address in mailroom.mailboxes:
        # One that does not answer keeps nobody but itself waiting; none is waited for at the end.
        each = (address, doorman, context, tokens, stopped)
        threading.Thread(target=_look_again_and_again, args=each, daemon=True, name=f"reads {address.name}").start()
    try:
        await Listener(mailroom.name, doorman, context).serve(mailroom.places, stopping)
    finally:
        stopped.set()


def _look_again_and_again(
    address: MailboxAddress, doorman: Doorman, context: Context, tokens: Tokens, stopped: threading.Event
) -> None:
    while True:
        doorman.look()
        if doorman.owner is not None:
            with suppress(MailboxTrouble, TryAgain, redis.RedisError):
                look(address, doorman.owner.organisation_id, context, tokens)
        if stopped.wait(_BETWEEN_SECONDS):
            return


def look(address: MailboxAddress, organisation_id: int, context: Context, tokens: Tokens) -> None:
    """Look into one mailbox, and tell the log what came of it. Raises as ``mailbox.collect`` does."""
    try:
        with context():
            found = mailbox.collect(address, organisation_id, Memory(parts.queue_server(), address), tokens)
    except MailboxTrouble as problem:
        _log.warning("mailbox.closed", mailbox=address.name, problem=str(problem))
        raise
    except (TryAgain, redis.RedisError) as problem:
        _log.warning("mailbox.postponed", mailbox=address.name, problem=type(problem).__name__)
        raise
    except Exception:  # noqa: BLE001 - a mail that breaks us must not end the looking
        _log.exception("mailbox.postponed", mailbox=address.name, problem="fault")
        return
    if found.new or found.too_big:
        told = {"new": found.new, "known": found.known, "too_big": found.too_big, "deleted": found.deleted}
        _log.info("mailbox.emptied", mailbox=address.name, **told)


def tokens() -> Tokens:
    """Return a keeper of tokens that asks real servers."""
    return Tokens(_post)


def _post(origin: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer | NotSent | Unanswered:
    line = parts.line(origin, seconds=_TOKEN_SECONDS)
    try:
        return line.post(path, body, headers)
    finally:
        line.close()
