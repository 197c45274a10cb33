"""The forms in which mail servers say in plain words that a mail was not delivered: a table of them, and its reader.

A form says how it is recognised and where its recipients stand; what is said of
one stands between it and the next. The table is ``bounce_forms.toml``, in which
each form has a message of its own that it must read.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import opened_mail
from listkeeper.feedback.opened_mail import OpenedMail
from listkeeper.standards.mail_parts import Fields

_FILE = Path(__file__).resolve().parent / "bounce_forms.toml"
_ADDRESS = r"(?P<address>[^\s<>\"'(),:;@\[\]]{1,128}@[A-Za-z0-9][A-Za-z0-9._-]{0,252})"
# What an alias stood for: the mail was sent to the alias (as Original-Recipient says it in a report for machines).
_EXPANDED = re.compile(rf"[>\s]{{0,20}}\(expanded from:? <?{_ADDRESS}>?\)", re.IGNORECASE)
_MOST_RECIPIENTS = 100
_LONGEST_WORDS = 1_500
_TEXT_FLAGS = re.IGNORECASE | re.MULTILINE


@dataclass(frozen=True, slots=True)
class Form:
    """One form: all patterns that are given must be found; the first of ``entries`` that finds anything is used.

    ``only_daemon``: the sender or the subject must say that it is a report: the words could be those of a person.
    ``keeps_mailboxes``: whoever writes so looks up the address itself.
    ``otherwise``: what the form means where its words mean nothing to us; never that an address does not exist.
    ``example`` is a whole message, ``recipients`` who is in it, ``means`` what it says of them, by name of class.
    """

    name: str
    subject: re.Pattern[str] | None
    sender: re.Pattern[str] | None
    text: re.Pattern[str] | None
    header: str
    entries: tuple[re.Pattern[str], ...]
    delayed: bool
    only_daemon: bool
    keeps_mailboxes: bool
    otherwise: ReplyClass | None
    example: str
    recipients: tuple[str, ...]
    means: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipient, and the words about it."""

    address: str
    words: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a form read: ``report`` is its whole text without the message that came back, whose header is beside it."""

    form: str
    delayed: bool
    keeps_mailboxes: bool
    otherwise: ReplyClass | None
    entries: tuple[Entry, ...]
    report: str
    returned: Fields


@dataclass(frozen=True, slots=True)
class _Table:
    sender: re.Pattern[str]
    subject: re.Pattern[str]
    delayed: re.Pattern[str]
    nobody: re.Pattern[str]
    forms: tuple[Form, ...]


def read(mail: OpenedMail) -> Found | None:
    """Read a mail in which no delivery-status part is; None when it is in none of the forms."""
    if not is_by_machine(mail):
        return None
    declared = _declares_itself(mail)
    nameless: Found | None = None
    for report, returned in mail.reports:
        for form in forms():
            found = _read(form, mail, report, returned) if declared or not form.only_daemon else None
            if found is not None and found.entries:
                return found
            nameless = nameless or found
    # Words that name nobody, of somebody who wants no answer, may be those of a person who has left.
    return (nameless or _wordless(mail)) if declared else None


def _declares_itself(mail: OpenedMail) -> bool:
    """Return whether a mail says by its sender or its subject that it is a report; an empty return path says less."""
    return is_by_daemon(mail) or mail.value("from").endswith("<>") or _table().subject.match(mail.subject) is not None


def _wordless(mail: OpenedMail) -> Found | None:
    """Return a report whose words got lost on the way; only the subject is left, and the name of the server."""
    if not (is_by_daemon(mail) and _table().subject.match(mail.subject)):
        return None
    delayed = says_delayed(mail.subject)
    return Found("daemon", delayed, keeps_mailboxes=False, otherwise=None, entries=(), report=mail.subject, returned=())


def is_by_daemon(mail: OpenedMail) -> bool:
    """Return whether the sender is called what mail servers are called."""
    return bool(_table().sender.search(mail.value("from") or mail.value("sender")))


def is_by_machine(mail: OpenedMail) -> bool:
    """Return whether a mail may be a report at all: persons have a return path, and a subject of their own."""
    return mail.has_null_sender or bool(mail.value("x-failed-recipients")) or _declares_itself(mail)


def says_delayed(text: str) -> bool:
    """Return whether a report says that it will be tried again."""
    return bool(_table().delayed.search(text))


def is_nobody(address: str) -> bool:
    """Return whether an address is that of a mail server or its keeper, never that of a reader."""
    return bool(_table().nobody.match(address))


def forms() -> tuple[Form, ...]:
    """Return every form of the table, in the order in which they are asked."""
    return _table().forms


def _read(form: Form, mail: OpenedMail, report: str, returned: Fields) -> Found | None:
    if form.header and not mail.value(form.header):
        return None
    if form.sender is not None and not form.sender.search(mail.value("from")):
        return None
    if form.subject is not None and not form.subject.search(mail.subject):
        return None
    begun = form.text.search(report) if form.text is not None else None
    if form.text is not None and begun is None:
        return None
    own = {address.lower() for address in opened_mail.addresses(mail.value("to"))}
    start = begun.start() if begun else 0
    # Most name them behind the words by which the form is known, a few before.
    entries = next(
        (
            found
            for place in dict.fromkeys((start, 0))
            for pattern in form.entries
            if (found := _entries(pattern, report, place, own))
        ),
        (),
    )
    if not entries and form.header:
        named = opened_mail.addresses(mail.value(form.header))
        entries = tuple(Entry(address, report[:_LONGEST_WORDS]) for address in dict.fromkeys(named))
    if not entries and form.text is None:
        return None
    delayed = form.delayed or says_delayed(report)
    own_words = (form.name, delayed, form.keeps_mailboxes, form.otherwise)
    return Found(*own_words, entries[:_MOST_RECIPIENTS], report, returned)


def _entries(pattern: re.Pattern[str], report: str, start: int, own: set[str]) -> tuple[Entry, ...]:
    found = [one for one in pattern.finditer(report, start) if not is_nobody(one["address"])][: _MOST_RECIPIENTS + 1]
    # Who gets the report is seldom who it is about.
    found = [one for one in found if one["address"].lower() not in own] or found
    starts = [*(one.start() for one in found), len(report)]
    words: dict[str, str] = {}
    for one, end in zip(found, starts[1:], strict=True):
        said = report[one.start() : min(end, one.start() + _LONGEST_WORDS)]
        alias = _EXPANDED.match(report, one.end("address"))
        address = (alias or one)["address"].rstrip(".-")
        words[address] = f"{words[address]} {said}" if address in words else said
    return tuple(Entry(address, said[:_LONGEST_WORDS]) for address, said in words.items())


@cache
def _table() -> _Table:
    stored = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return _Table(
        re.compile("|".join(stored["sender"]), re.IGNORECASE),
        re.compile(rf"\s*(?:{'|'.join(stored['subject'])})", re.IGNORECASE),
        re.compile("|".join(stored["delayed"]), _TEXT_FLAGS),
        re.compile("|".join(stored["nobody"]), re.IGNORECASE),
        tuple(_form(entry) for entry in stored["forms"]),
    )


def _form(entry: dict[str, object]) -> Form:
    def pattern(name: str, flags: int = re.IGNORECASE) -> re.Pattern[str] | None:
        return re.compile(str(entry[name]), flags) if name in entry else None

    def listed(name: str) -> tuple[str, ...]:
        found = entry.get(name, [])
        return tuple(map(str, found)) if isinstance(found, list) else ()

    return Form(
        name=str(entry["name"]),
        subject=pattern("subject"),
        sender=pattern("sender"),
        text=pattern("text", _TEXT_FLAGS),
        header=str(entry.get("header", "")),
        entries=tuple(re.compile(one.replace("{address}", _ADDRESS), _TEXT_FLAGS) for one in listed("entries")),
        delayed=bool(entry.get("delayed")),
        only_daemon=bool(entry.get("only_daemon")),
        keeps_mailboxes=bool(entry.get("keeps_mailboxes")),
        otherwise=ReplyClass(str(entry["otherwise"])) if "otherwise" in entry else None,
        example=str(entry["example"]),
        recipients=listed("recipients"),
        means=listed("means"),
    )
