"""A mailbox by IMAP (RFC 3501): looked at without a mark left on anything, but for what is to be deleted."""

from __future__ import annotations

import base64
import imaplib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from listkeeper.feedback.mailbox_address import MailboxAddress
from listkeeper.mailroom import mailbox_line
from listkeeper.mailroom.mailbox_line import SECONDS, Lying, MailboxTrouble

# What came before is not ours to read: a mailbox may be older than the list. After a lost memory (``mailbox``) no more
# than this is looked through again.
REACHES_BACK = timedelta(days=30)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_AT_ONCE = 500
_PLAIN = re.compile(r"[ -%'-~]+|&")


class ImapMailbox:
    """A folder of an IMAP server that is signed in to."""

    def __init__(self, address: MailboxAddress, token: str | None, now: datetime) -> None:
        self._address = address
        self._since = now - REACHES_BACK
        self._deleted: list[int] = []
        self._line = self._connected()
        try:
            self._sign_in(token)
            with _told("The folder cannot be opened."):
                self._validity = self._open_folder()
        except BaseException:
            self.cut()
            raise

    def _connected(self) -> imaplib.IMAP4:
        address, tls = self._address, mailbox_line.encryption(self._address)
        with _told("It does not greet as an IMAP server does."):
            if address.implicit_tls:
                return imaplib.IMAP4_SSL(address.host, address.port, ssl_context=tls, timeout=SECONDS)
            line = imaplib.IMAP4(address.host, address.port, timeout=SECONDS)
        try:
            with _told("It offers no encryption."):
                line.starttls(tls)
        except BaseException:
            with suppress(OSError, imaplib.IMAP4.error):
                line.shutdown()
            raise
        return line

    def _sign_in(self, token: str | None) -> None:
        with _told("It does not let us in: user, password or token are not right."):
            if token is not None:
                self._line.authenticate("XOAUTH2", _once(mailbox_line.bearer(self._address.user, token)))
            elif "AUTH=PLAIN" in self._line.capabilities:
                said = f"\0{self._address.user}\0{self._address.password}".encode()
                self._line.authenticate("PLAIN", _once(said))
            else:
                self._line.login(_quoted(self._address.user), self._address.password)

    def _open_folder(self) -> str:
        """Open the folder, to look only where nothing is deleted; return what its numbers are valid for."""
        folder = _quoted(_utf7(self._address.folder))
        _ok(self._line.select(folder, readonly=not self._address.deletes))
        _, said = self._line.response("UIDVALIDITY")
        return said[0].decode("ascii", "replace") if said and isinstance(said[0], bytes) else "0"

    def lying(self) -> list[Lying]:
        """Return what came in the last 30 days, the oldest first."""
        day = f"{self._since.day}-{_MONTHS[self._since.month - 1]}-{self._since.year}"
        wanted = ["SINCE", day, *(["UNDELETED"] if self._address.deletes else [])]
        with _told("It does not say what lies in the folder."):
            found = _ok(self._line.uid("SEARCH", *wanted))
            numbers = [int(word) for part in found if isinstance(part, bytes) for word in part.split()]
            return sorted(
                (
                    mail
                    for start in range(0, len(numbers), _AT_ONCE)
                    for mail in self._sized(numbers[start:][:_AT_ONCE])
                ),
                key=lambda mail: mail.number,
            )

    def _sized(self, numbers: list[int]) -> Iterator[Lying]:
        for part in _ok(self._line.uid("FETCH", ",".join(map(str, numbers)), "(UID RFC822.SIZE)")):
            said = part if isinstance(part, bytes) else b""
            uid, size = _UID.search(said), _SIZE.search(said)
            if uid and size:
                yield Lying(f"{self._validity}.{int(uid[1])}", int(uid[1]), int(size[1]))

    def content(self, mail: Lying) -> bytes | None:
        """Return the bytes of a mail, unread as it was; None when it has gone."""
        with _told("It does not hand over a mail."):
            found = _ok(self._line.uid("FETCH", str(mail.number), "(BODY.PEEK[])"))
        # A part with a literal in it; what else is said meanwhile (flags of other mails) has none.
        return next((part[1] for part in found if isinstance(part, tuple) and b"BODY[]" in part[0].upper()), None)

    def delete(self, mail: Lying) -> None:
        """Mark a mail as deleted."""
        with _told("It does not let us delete a mail."):
            _ok(self._line.uid("STORE", str(mail.number), "+FLAGS.SILENT", r"(\Deleted)"))
        self._deleted.append(mail.number)

    def close(self) -> None:
        """Let go what we deleted, and nothing that somebody else did (RFC 4315): without that it stays marked."""
        with _told("It hangs up."):
            if self._deleted and "UIDPLUS" in self._line.capabilities:
                _ok(self._line.uid("EXPUNGE", ",".join(map(str, self._deleted))))
            self._line.logout()

    def cut(self) -> None:
        """Hang up."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._line.shutdown()


@contextmanager
def _told(words: str) -> Iterator[None]:
    """Tell in our words what the server refuses: its own may quote what was said to it."""
    try:
        yield
    except OSError as problem:
        raise mailbox_line.trouble(problem) from None
    except imaplib.IMAP4.abort:
        raise MailboxTrouble("It hangs up.") from None
    except (imaplib.IMAP4.error, ValueError):
        raise MailboxTrouble(words) from None


def _ok(answer: tuple[str, Any]) -> list[Any]:
    said, parts = answer
    if said != "OK":
        raise imaplib.IMAP4.error
    return list(parts)


def _once(said: bytes) -> Callable[[bytes], bytes]:
    """Say it when first asked; asked again, the server has told what is wrong, and waits for an empty line."""
    left = [said]
    return lambda _challenge: left.pop() if left else b""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _utf7(folder: str) -> str:
    """Return the name of a folder as it goes over the wire (RFC 3501, 5.1.3)."""
    found, start = [], 0
    for plain in (*_PLAIN.finditer(folder), None):
        foreign = folder[start : plain.start() if plain else None]
        if foreign:
            packed = base64.b64encode(foreign.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
            found.append(f"&{packed}-")
        if plain:
            found.append("&-" if plain[0] == "&" else plain[0])
            start = plain.end()
    return "".join(found)
