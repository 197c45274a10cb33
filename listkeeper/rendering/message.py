"""The message as it travels: RFC 5322 headers, a text part, an HTML part, and nothing left to chance.

Written by hand because ``email.message.EmailMessage`` takes milliseconds a
mail; what comes out is read back by the standard library in the tests. Headers
are those of ``header_fields``, bodies UTF-8 in quoted-printable, every line
ends in CRLF and is at most 78 characters long where the text allows it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from listkeeper.rendering import header_fields, quoted_printable
from listkeeper.rendering.content import Filled, Sender
from listkeeper.rendering.header_fields import Header

_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")


@dataclass(frozen=True)
class Attachment:
    """A small text file that travels with a message."""

    name: str
    text: str


def build(  # noqa: PLR0913 - what a message is made of, each by name
    filled: Filled,
    *,
    sender: Sender,
    recipient: str,
    message_id: str,
    date: datetime,
    extra_headers: Iterable[Header] = (),
    attachment: Attachment | None = None,
    edition: str | None = None,
) -> bytes:
    """Return the bytes of one message; raises Invalid for anything that would damage or smuggle a header.

    ``message_id`` comes with its angle brackets; ``date`` must know its zone.
    Extra headers may not repeat one that is written here. Messages of one
    ``edition`` share the line between their parts; without one it is the
    message's own.
    """
    line = boundary(message_id if edition is None else edition)
    outer = f"{line}m"
    whole = ("multipart/mixed", outer) if attachment else ("multipart/alternative", line)
    head = "".join((
        header_fields.sender(sender.name, sender.address),
        header_fields.recipient(recipient),
        header_fields.reply_to(sender.reply_to) if sender.reply_to else "",
        header_fields.subject(filled.subject),
        header_fields.date(date),
        header_fields.message_id(message_id),
        *header_fields.further(extra_headers),
        header_fields.folded("MIME-Version", "1.0"),
        content_type(*whole),
    ))  # fmt: skip
    texts = (("text/plain", filled.text), ("text/html", filled.html))
    parts = [part for kind, text in texts for part in (opening(line, kind), quoted_printable.encode(text), b"\r\n")]
    alternatives = b"".join((*parts, closing(line)))
    if attachment is not None:
        alternatives = _mixed(outer, line, alternatives, attachment)
    return b"".join((head.encode(), b"\r\n", alternatives))


def boundary(seed: str) -> str:
    """Return a line that no body in quoted-printable can hold: there an underscore never follows an equals sign."""
    return f"=_{hashlib.sha256(seed.encode(errors='replace')).hexdigest()[:32]}"


def content_type(kind: str, line: str) -> str:
    """Return the field that says how the parts of a message are told apart."""
    return header_fields.folded("Content-Type", f'{kind}; boundary="{line}"')


def opening(line: str, kind: str) -> bytes:
    """Return what stands before the body of a part."""
    head = f"--{line}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode("ascii")


def closing(line: str) -> bytes:
    """Return what stands after the last part."""
    return f"--{line}--\r\n".encode("ascii")


def _mixed(outer: str, line: str, alternatives: bytes, attachment: Attachment) -> bytes:
    """Return both readings of the message followed by a text file (RFC 2046 section 5.1.3, RFC 2183)."""
    if not _FILE_NAME.fullmatch(attachment.name):
        raise header_fields.refused("Content-Disposition")
    first = f'--{outer}\r\nContent-Type: multipart/alternative; boundary="{line}"\r\n\r\n'
    named = (
        f"--{outer}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f'Content-Disposition: attachment; filename="{attachment.name}"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return b"".join(
        (
            first.encode("ascii"),
            alternatives,
            named.encode("ascii"),
            quoted_printable.encode(attachment.text),
            f"\r\n--{outer}--\r\n".encode("ascii"),
        )
    )
