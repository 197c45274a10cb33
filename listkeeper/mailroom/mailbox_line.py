"""What reading a mailbox needs, by whichever protocol: what lies in it, one mail, and in words what goes wrong."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Protocol

from listkeeper.feedback.mailbox_address import MailboxAddress

SECONDS = 30.0


class MailboxTrouble(Exception):
    """A mailbox cannot be read; the words hold neither user nor password, nor what the server said."""


@dataclass(frozen=True, slots=True)
class Lying:
    """One mail that lies in a mailbox: by what the server knows it for ever, by what just now, and its octets."""

    key: str
    number: int
    size: int


class OpenMailbox(Protocol):
    """A mailbox that is signed in to. Everything may raise MailboxTrouble."""

    def lying(self) -> list[Lying]:
        """Return what lies in it, the oldest first."""

    def content(self, mail: Lying) -> bytes | None:
        """Return the bytes of a mail, which stays as it was; None when it has gone."""

    def delete(self, mail: Lying) -> None:
        """Let a mail be deleted when the mailbox is closed."""

    def close(self) -> None:
        """Do what was asked, and hang up."""

    def cut(self) -> None:
        """Hang up, and leave everything as it was. Never raises."""


def encryption(address: MailboxAddress) -> ssl.SSLContext:
    """Return how the line to a mailbox is encrypted. Raises MailboxTrouble."""
    try:
        return ssl.create_default_context(cafile=address.authorities)
    except (OSError, ssl.SSLError):
        raise MailboxTrouble("The file of certificate authorities (ca) cannot be read.") from None


def trouble(problem: Exception) -> MailboxTrouble:
    """Return in words what went wrong on the wire; never the problem's own, which may quote what was said."""
    match problem:
        case ssl.SSLCertVerificationError():
            return MailboxTrouble(f"Its certificate is not valid: {problem.verify_message}.")
        case ssl.SSLError():
            return MailboxTrouble("No secure connection can be made.")
        case TimeoutError():
            return MailboxTrouble("It does not answer in time.")
        case ConnectionRefusedError():
            return MailboxTrouble("It refuses connections.")
        case _:
            return MailboxTrouble("It cannot be reached, or hangs up.")


def bearer(user: str, token: str) -> bytes:
    """Return what XOAUTH2 says: whose mailbox, and the token that opens it."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
