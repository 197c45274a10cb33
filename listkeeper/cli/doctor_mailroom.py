"""What the doctor looks at where mail comes in: the listener, and each mailbox."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

from listkeeper.cli import address
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.settings import Settings

_SECONDS = 5.0


def incoming(settings: Settings) -> Iterator[Finding]:
    """Whether mail comes in where the settings say."""
    for kind, place in (("smtp", settings.smtp_listen), ("lmtp", settings.lmtp_listen)):
        if place:
            yield _listener(settings, kind, place)
    if settings.mailboxes:
        yield from _mailboxes(settings)
    if not (settings.smtp_listen or settings.lmtp_listen or settings.mailboxes):
        words = (
            "No mail comes in here: bounces and answers go to your own mailbox. See *How mail comes in* in README.md."
        )
        yield Finding("incoming", Severity.INFO, "mail", words)


def _listener(settings: Settings, kind: str, place: str) -> Finding:
    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection(
            (address.local(host.strip("[]")), _port(settings, kind, int(port))), _SECONDS
        ) as line:
            greeted = line.recv(512).startswith(b"220 ")
    except OSError:
        greeted = False
    if greeted:
        return Finding("incoming", Severity.INFO, place, f"Mail comes in by {kind.upper()} at {place}.")
    return Finding(
        "incoming", Severity.ERROR, place, f"Nobody takes mail by {kind.upper()} at {place}.",
        mend="Run `listkeeper up`; its log says why it may not listen there. A port below 1024 needs a permission: "
        "`setcap cap_net_bind_service=+ep` on the Python that runs it, or AmbientCapabilities=CAP_NET_BIND_SERVICE.",
    )  # fmt: skip


def _port(settings: Settings, kind: str, written: int) -> int:
    """Return the port it got: 0 in the settings is any that is free."""
    from listkeeper.mailroom import receiving  # noqa: PLC0415 - loads the domain

    try:
        return written or int(json.loads(receiving.announcement(settings.data_folder).read_text())[kind])
    except (OSError, ValueError, KeyError, TypeError):
        return written


def _mailboxes(settings: Settings) -> Iterator[Finding]:
    from listkeeper import parts  # noqa: PLC0415 - loads the domain
    from listkeeper.mailroom import mailbox, receiving  # noqa: PLC0415 - the same
    from listkeeper.mailroom.mailbox_line import MailboxTrouble  # noqa: PLC0415 - the same

    parts.open_all(settings)
    for each in settings.mailboxes:
        try:
            box = mailbox.opened(each, receiving.tokens())
            try:
                lying = len(box.lying())
            finally:
                box.cut()
        except MailboxTrouble as problem:
            words = f"The mailbox {each.name} cannot be read. {problem}"
            yield Finding(
                "mailbox", Severity.ERROR, each.name, words, mend="Check LISTKEEPER_MAILBOXES and that server."
            )
        else:
            words = f"The mailbox {each.name} can be read, and {lying} mails of late lie in it."
            yield Finding("mailbox", Severity.INFO, each.name, words)
