"""Reports on the delivery of a mail (RFC 3464, RFC 6522, RFC 6533), with the codes of RFC 3463.

They come broken: fields in a part of another type, an empty line between the
fields of one recipient or none between two, a status with words behind it. What
can be read is read; nothing here raises, whatever the bytes, and a report that
names nobody is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.standards import mail_parts, mail_text
from listkeeper.standards.mail_parts import Fields, Part

MOST_RECIPIENTS = 100
_STATUS_KINDS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_KINDS = frozenset(
    {
        "message/rfc822", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers",
        "message/global", "message/global-headers", "text/rfc822",
    }
)  # fmt: skip
_BLANK = re.compile(rb"\r?\n(?:[ \t]*\r?\n)+")
# Where the fields stand in the open text: one of these begins a line, outside of any quotation.
_OPEN_FIELD = re.compile(rb"^(?:Final-Recipient|Original-Recipient)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_OPEN_BEFORE = re.compile(rb"(?:Reporting-MTA|Original-Envelope-Id)[ \t]*:", re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_KIND = re.compile(r"\s*([\w.+-]{1,40})\s*;\s*")
_COMMENT = re.compile(r"\([^()]{0,200}\)")
# RFC 6533 section 3: characters of an address that cannot be written otherwise.
_HEXPOINT = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_NO_NAME = re.compile("[ \N{REPLACEMENT CHARACTER}]")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_ADDRESS = re.compile(r"[^\s<>\"(),:;@]{1,128}@[^\s<>\"'(),:;@]{1,255}|\"[^\"\r\n]{1,128}\"@[^\s<>\"'(),:;@]{1,255}")
# What belongs to a recipient; the rest is about the whole message.
_OF_RECIPIENT = frozenset(
    {"original-recipient", "final-recipient", "action", "status", "remote-mta", "diagnostic-code", "final-log-id"}
)
_NAMES = ("final-recipient", "original-recipient")


class Action(StrEnum):
    """What was done (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is said of one recipient; a field that is not there is empty.

    ``address`` is the Final-Recipient without its type, ``original`` the
    Original-Recipient; ``status`` is an enhanced code alone ("5.1.1"), and
    ``diagnostic`` the words behind the type of the code. ``action`` is None
    for a word of no standard.
    """

    address: str
    original: str
    action: Action | None
    status: str
    diagnostic: str
    remote_mta: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report: the fields of the whole message, at least one recipient, at most 100."""

    reporting_mta: str
    envelope_id: str
    recipients: tuple[Recipient, ...]


def read(message: bytes) -> Report | None:
    """Read the report in a mail; None where there is none. Never raises."""
    return of_parts(mail_parts.parts(message))


def of_parts(parts: Sequence[Part]) -> Report | None:
    """Read the report in the parts of a mail: in the part made for it, else where its fields stand in the open."""
    marked = [part.content for part in parts if part.kind in _STATUS_KINDS]
    for content in marked or filter(None, map(_open_report, parts)):
        found = _report(content)
        if found is not None:
            return found
    return None


def has_status_part(parts: Sequence[Part]) -> bool:
    """Return whether there is a part that is made for it, which no person writes."""
    return any(part.kind in _STATUS_KINDS for part in parts)


def returned(parts: Sequence[Part]) -> Fields:
    """Return the header fields of the message that came back, none where it did not (RFC 6522 section 3)."""
    original = next((part for part in parts if part.kind in _RETURNED_KINDS), None)
    if original is None:
        return ()
    head = mail_parts.head_and_body(original.content.lstrip(b"\r\n"))[0]
    return mail_parts.fields(head)


def is_returned(part: Part) -> bool:
    """Return whether a part holds the message that came back, or its header."""
    return part.kind in _RETURNED_KINDS


def _open_report(part: Part) -> bytes:
    """Return the fields that stand in a text, as gateways leave them that know no parts."""
    if not (part.kind.startswith(("text/", "multipart/")) and part.kind not in _RETURNED_KINDS):
        return b""
    content = part.content[: mail_text.MOST_TEXT]
    found = _OPEN_FIELD.search(content)
    if found is None:
        return b""
    before = _OPEN_BEFORE.search(content, 0, found.start())
    return content[before.start() if before else found.start() :]


def _report(content: bytes) -> Report | None:
    whole: list[tuple[str, str]] = []
    people: list[list[tuple[str, str]]] = []
    for block in _BLANK.split(content[: mail_text.MOST_TEXT].strip()):
        _sort_in(mail_parts.fields(block), whole, people)
        if len(people) > MOST_RECIPIENTS:
            break
    found = tuple(_recipient(tuple(one)) for one in people[:MOST_RECIPIENTS])
    told = tuple(one for one in found if one.address or one.original)
    if not told:
        return None
    return Report(_behind_kind(_value(whole, "reporting-mta")), _value(whole, "original-envelope-id"), told)


def _sort_in(
    fields: Iterable[tuple[str, str]], whole: list[tuple[str, str]], people: list[list[tuple[str, str]]]
) -> None:
    """Add the fields of one block to the recipient they belong to; a name that comes again begins the next one."""
    for name, text in fields:
        if name not in _OF_RECIPIENT:
            whole.append((name, text))
            continue
        known = {field for field, _ in people[-1]} if people else set()
        begins = name in known if name in _NAMES else name in known and bool(known.intersection(_NAMES))
        # "Original" behind "Final" belongs to it, unless that one has already got all that it needs.
        if not people or begins:
            people.append([])
        people[-1].append((name, text))


def _recipient(fields: Fields) -> Recipient:
    given = mail_parts.value(fields, "status")
    found = _STATUS.search(given)
    word = _COMMENT.sub("", mail_parts.value(fields, "action")).strip().lower()
    diagnostic = _behind_kind(mail_parts.value(fields, "diagnostic-code"))
    # Some write their words behind the status and nowhere else.
    said = diagnostic or (given[found.end() :].strip(" ()") if found else given)
    return Recipient(
        address=address_of(mail_parts.value(fields, "final-recipient")),
        original=address_of(mail_parts.value(fields, "original-recipient")),
        action=_action(word),
        status=found[1] if found else "",
        diagnostic=said,
        remote_mta=_behind_kind(mail_parts.value(fields, "remote-mta")).split(" ")[0],
    )


def _action(word: str) -> Action | None:
    # "expired" and "error" are words of old programs for the same end.
    if word.startswith(("fail", "expired", "error")):
        return Action.FAILED
    return next((action for action in Action if word.startswith(action)), None)


def address_of(field: str) -> str:
    """Return the address in the value of a recipient field, without its type and comments; empty without one."""
    text = _behind_kind(field)
    if "\\x{" in text:
        text = _HEXPOINT.sub(_point, text)
    if "@" not in text and "+40" in text:
        text = _XTEXT.sub(lambda found: chr(int(found[1], 16)), text)
    found = _ADDRESS.search(text)
    if found is not None:
        in_quotes = found[0].startswith("'") and text.startswith("'", found.end())
        return found[0][in_quotes:].rstrip(".")
    plain = text.strip("<>\"' ")
    return plain if plain.isprintable() and not _NO_NAME.search(plain) else ""


def _point(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    character = chr(number) if number < 0x110000 else ""  # noqa: PLR2004 - the last code point of Unicode
    return character if character.isprintable() else ""


def _behind_kind(field: str) -> str:
    found = _KIND.match(field)
    return field[found.end() :].strip() if found else field.strip()


def _value(fields: list[tuple[str, str]], name: str) -> str:
    return mail_parts.value(tuple(fields), name)
