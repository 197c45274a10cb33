"""The fields of a message's head, each written whole: RFC 5322 section 2.2 and 3.6, and nothing smuggled in.

Headers are ASCII (RFC 2047). One may hold UTF-8 (RFC 6532): the To of somebody
whose mailbox is not named in ASCII, which no encoded word can say; only a
server that offers SMTPUTF8 is given such a mail.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

import idna

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import encoded_word

Header = tuple[str, str]

# What a message has already; an extra header of one of these names would be a second one (RFC 5322 section 3.6).
OURS = frozenset({
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
_LONGEST_LOCAL_PART = 64
_LONGEST_ADDRESS = 254
_LONGEST_LINE = 998
_NICE_LINE = 78


def sender(name: str, where: str) -> str:
    """Return the field From."""
    return folded("From", _mailbox(name, where))


def recipient(text: str) -> str:
    """Return the field To, whose local part may be UTF-8; what could end a line or hide is refused."""
    return folded("To", _address(text, _WIDE_LOCAL_PART) if text.isprintable() else address(text))


def reply_to(text: str) -> str:
    """Return the field Reply-To."""
    return folded("Reply-To", address(text))


@lru_cache(maxsize=64)
def subject(text: str) -> str:
    """Return the field Subject; kept, because whole audiences share one."""
    return folded("Subject", encoded_word.unstructured(text))


def date(moment: datetime) -> str:
    """Return the field Date; the moment must know its zone."""
    if moment.tzinfo is None:
        raise ValueError("the date of a message needs a time zone")
    return _date(moment.astimezone(UTC).replace(microsecond=0))


@lru_cache(maxsize=64)
def _date(second: datetime) -> str:
    return folded("Date", format_datetime(second))


def message_id(text: str) -> str:
    """Return the field Message-ID; the text comes with its angle brackets."""
    if not _MESSAGE_ID.fullmatch(text) or len(text) > _LONGEST_LINE - len("Message-ID: "):
        raise refused("Message-ID")
    return folded("Message-ID", text)


def further(headers: Iterable[Header], taken: Collection[str] = OURS) -> Iterator[str]:
    """Return fields nobody here knows the meaning of; none may be one of ``taken``, nor stand there twice."""
    given = tuple(headers)
    unfit = _unfit(tuple([name for name, _ in given]), frozenset(taken))
    for name, value in given:
        if name == unfit or not _VALUE.fullmatch(value):
            raise refused(name)
        yield folded(name, value)


@lru_cache(maxsize=256)
def _unfit(names: tuple[str, ...], taken: frozenset[str]) -> str | None:
    """Return the first of these names that no further field may have; kept, because whole audiences get the same."""
    seen = set(taken)
    for name in names:
        if not _NAME.fullmatch(name) or name.lower() in seen:
            return name
        seen.add(name.lower())
    return None


@lru_cache(maxsize=256)
def _mailbox(name: str, where: str) -> str:
    shown = encoded_word.phrase(name)
    return f"{shown} <{address(where)}>" if shown else address(where)


def address(text: str) -> str:
    """Return an address as a header may hold it: ASCII, its domain in A-labels; raises Invalid for any other."""
    return _address(text, _LOCAL_PART)


def _address(text: str, local_part: re.Pattern[str]) -> str:
    local, at, domain = text.rpartition("@")
    ascii_domain = _in_ascii(domain)
    # The limits count octets (RFC 6531 section 3.3).
    octets = len(local.encode(errors="replace"))
    sound = at and ascii_domain and octets <= _LONGEST_LOCAL_PART and local_part.fullmatch(local)
    if not sound or octets + 1 + len(ascii_domain) > _LONGEST_ADDRESS:
        sentence = language.text("An address cannot be written in a mail header. Nothing was sent to it.")
        raise Invalid("address_unwritable", sentence)
    return f"{local}@{ascii_domain}"


@lru_cache(maxsize=4096)
def _in_ascii(domain: str) -> str:
    """Return a domain in A-labels, or nothing when it cannot be one; kept, because whole audiences share a few."""
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def refused(name: str) -> Invalid:
    """Return the error for a header that cannot be written."""
    shown = re.sub(r"[^A-Za-z0-9-]", "?", name)[:60]
    sentence = language.text(
        "The mail header %(name)s cannot be written: it is there already, or holds what no header may.", name=shown
    )
    return Invalid("header_refused", sentence)


def folded(name: str, value: str) -> str:
    """Return a whole header, broken at spaces where it is long (RFC 5322 section 2.2.3)."""
    if len(name) + len(value) + 2 <= _NICE_LINE:
        return f"{name}: {value}\r\n"
    lines, line = [], f"{name}:"
    for position, word in enumerate(value.split(" ")):
        # A line must not begin with an empty word: it could end up holding nothing but spaces.
        if position and word and len(line) + 1 + len(word) > _NICE_LINE:
            lines.append(line)
            line = ""
        line = f"{line} {word}"
    lines.append(line)
    if max(map(len, lines)) > _LONGEST_LINE:
        raise refused(name)
    return "".join(f"{line}\r\n" for line in lines)
