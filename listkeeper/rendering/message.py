"""The message as it travels: RFC 5322 headers, a text part, an HTML part, and nothing left to chance.

Written by hand because ``email.message.EmailMessage`` takes milliseconds a
mail; what comes out is read back by the standard library in the tests. Headers
are ASCII (RFC 2047), bodies UTF-8 in quoted-printable, every line ends in CRLF
and is at most 78 characters long where the text allows it. One header may hold
UTF-8 (RFC 6532): the To of somebody whose mailbox is not named in ASCII, which
no encoded word can say; only a server that offers SMTPUTF8 is given such a mail.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

import idna

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.content import Filled, Sender
from listkeeper.standards import encoded_word

Header = tuple[str, str]

# What build() writes itself; an extra header of one of these names would be a second one (RFC 5322 section 3.6).
_OURS = frozenset({
    "bcc", "cc", "content-transfer-encoding", "content-type", "date", "from", "message-id", "mime-version", "reply-to",
    "resent-bcc", "resent-cc", "resent-to", "return-path", "sender", "subject", "to",
})  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
# Printable ASCII, with no space at either end.
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# The same with every character beyond ASCII (RFC 6532 section 3.2); only what can be printed is asked.
_WIDE_LOCAL_PART = re.compile(_LOCAL_PART.pattern.replace("~-]", "~\u00a1-\U0010ffff-]"))
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
_LONGEST_LOCAL_PART = 64
_LONGEST_ADDRESS = 254
_LONGEST_LINE = 998
_NICE_LINE = 78


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
) -> bytes:
    """Return the bytes of one message; raises Invalid for anything that would damage or smuggle a header.

    ``message_id`` comes with its angle brackets; ``date`` must know its zone.
    Extra headers may not repeat one that is written here.
    """
    boundary = f"=_{hashlib.sha256(message_id.encode(errors='replace')).hexdigest()[:32]}"
    outer = f"{boundary}m"
    whole = ("multipart/mixed", outer) if attachment else ("multipart/alternative", boundary)
    headers = [
        ("From", _mailbox(sender.name, sender.address)),
        ("To", _recipient(recipient)),
        *([("Reply-To", address(sender.reply_to))] if sender.reply_to else []),
        ("Subject", encoded_word.unstructured(filled.subject)),
        ("Date", _date(date)),
        ("Message-ID", _checked_message_id(message_id)),
        *_checked(extra_headers),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'{whole[0]}; boundary="{whole[1]}"'),
    ]
    head = "".join(_folded(name, value) for name, value in headers).encode()
    parts = (("text/plain", filled.text), ("text/html", filled.html))
    body = b"".join(_part(boundary, kind, content) for kind, content in parts)
    alternatives = b"".join((body, f"--{boundary}--\r\n".encode("ascii")))
    if attachment is not None:
        alternatives = _mixed(outer, boundary, alternatives, attachment)
    return b"".join((head, b"\r\n", alternatives))


def _mixed(outer: str, boundary: str, alternatives: bytes, attachment: Attachment) -> bytes:
    """Return both readings of the message followed by a text file (RFC 2046 section 5.1.3, RFC 2183)."""
    if not _FILE_NAME.fullmatch(attachment.name):
        raise _refused("Content-Disposition")
    opening = f'--{outer}\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    named = (
        f"--{outer}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f'Content-Disposition: attachment; filename="{attachment.name}"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    closing = f"\r\n--{outer}--\r\n"
    return b"".join(
        (
            opening.encode("ascii"),
            alternatives,
            named.encode("ascii"),
            _quoted_printable(attachment.text),
            closing.encode("ascii"),
        )
    )


@lru_cache(maxsize=256)
def _mailbox(name: str, where: str) -> str:
    shown = encoded_word.phrase(name)
    return f"{shown} <{address(where)}>" if shown else address(where)


def address(text: str) -> str:
    """Return an address as a header may hold it: ASCII, its domain in A-labels; raises Invalid for any other."""
    return _address(text, _LOCAL_PART)


def _recipient(text: str) -> str:
    """Return the address of a recipient, whose local part may be UTF-8; what could end a line or hide is refused."""
    return _address(text, _WIDE_LOCAL_PART) if text.isprintable() else address(text)


def _address(text: str, local_part: re.Pattern[str]) -> str:
    local, at, domain = text.rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        ascii_domain = ""
    # The limits count octets (RFC 6531 section 3.3).
    octets = len(local.encode(errors="replace"))
    sound = at and ascii_domain and octets <= _LONGEST_LOCAL_PART and local_part.fullmatch(local)
    if not sound or octets + 1 + len(ascii_domain) > _LONGEST_ADDRESS:
        sentence = language.text("An address cannot be written in a mail header. Nothing was sent to it.")
        raise Invalid("address_unwritable", sentence)
    return f"{local}@{ascii_domain}"


def _date(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("the date of a message needs a time zone")
    return format_datetime(moment.astimezone(UTC))


def _checked_message_id(message_id: str) -> str:
    if not _MESSAGE_ID.fullmatch(message_id) or len(message_id) > _LONGEST_LINE - len("Message-ID: "):
        raise _refused("Message-ID")
    return message_id


def _checked(headers: Iterable[Header]) -> Iterator[Header]:
    seen = set(_OURS)
    for name, value in headers:
        if not _NAME.fullmatch(name) or name.lower() in seen or not _VALUE.fullmatch(value):
            raise _refused(name)
        seen.add(name.lower())
        yield name, value


def _refused(name: str) -> Invalid:
    shown = re.sub(r"[^A-Za-z0-9-]", "?", name)[:60]
    sentence = language.text(
        "The mail header %(name)s cannot be written: it is there already, or holds what no header may.", name=shown
    )
    return Invalid("header_refused", sentence)


def _folded(name: str, value: str) -> str:
    """Return a whole header, broken at spaces where it is long (RFC 5322 section 2.2.3)."""
    lines, line = [], f"{name}:"
    for position, word in enumerate(value.split(" ")):
        # A line must not begin with an empty word: it could end up holding nothing but spaces.
        if position and word and len(line) + 1 + len(word) > _NICE_LINE:
            lines.append(line)
            line = ""
        line = f"{line} {word}"
    lines.append(line)
    if max(map(len, lines)) > _LONGEST_LINE:
        raise _refused(name)
    return "".join(f"{folded}\r\n" for folded in lines)


def _part(boundary: str, kind: str, content: str) -> bytes:
    head = f"--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return b"".join((head.encode("ascii"), _quoted_printable(content), b"\r\n"))


def _quoted_printable(content: str) -> bytes:
    """Encode by RFC 2045 section 6.7, with CRLF at the end of every line."""
    try:
        raw = content.encode()
    except UnicodeEncodeError as error:
        sentence = language.text("The letter holds characters that cannot be written. Paste it as plain text.")
        raise Invalid("letter_unreadable", sentence) from error
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return binascii.b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")
