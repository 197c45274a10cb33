"""What a mail reports of whom: the delivery-status part first, then the forms of those that write none.

Each recipient gets the verdict of the one classifier that judges replies at
hand-over as well (``deliverability.reply_class``). What is only delayed,
delivered or relayed is no bounce, and nobody is given up for it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from listkeeper.deliverability import mail_provider, reply_class
from listkeeper.deliverability.reply_class import Verdict
from listkeeper.feedback import bounce_form, bounce_verdict, opened_mail
from listkeeper.feedback.bounce_form import Entry, Found
from listkeeper.feedback.bounce_verdict import Hearsay
from listkeeper.feedback.opened_mail import OpenedMail
from listkeeper.foundation import log
from listkeeper.standards import dsn, foreign_text
from listkeeper.standards.dsn import Action, Recipient, Report
from listkeeper.standards.mail_parts import Fields

LONGEST_REPLY = 500
_LONGEST_ADDRESS = 320
_HOST = re.compile(
    r"\b(?:host|to|from|by|server|at|MTA)[ :]+\[?([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})\b", re.IGNORECASE
)
_WORDS_AROUND = 1_500
_MOST_LINES = 20
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")


@dataclass(frozen=True, slots=True)
class Reported:
    """What is said of one recipient.

    ``address``: as the report names it, empty where it does not. ``verdict``:
    None when nothing was refused (delivered, relayed). ``status``: the enhanced
    code or empty. ``reply``: what the server said, addresses masked, at most
    500 characters.
    """

    address: str
    verdict: Verdict | None
    status: str
    reply: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report on the delivery of a mail.

    ``refused``: at least one recipient is lost for this mail. ``delayed``: none
    is, and at least one has to wait. Neither: all is well. ``returned``: header
    fields of the message that it is about. ``reason``: ``dsn`` or the form.
    """

    refused: bool
    delayed: bool
    recipients: tuple[Reported, ...]
    returned: Fields
    reason: str


def classify(raw: bytes, *, envelope_from: str | None = None) -> Bounce | None:
    """Read a whole mail; None when it is no report on a delivery. Never raises, and reads at most 1 MiB."""
    return of_mail(opened_mail.opened(raw, envelope_from))


def is_from_server(mail: OpenedMail) -> bool:
    """Return whether a mail server wrote a mail, by the name in From or a header that only they write."""
    return bounce_form.is_by_daemon(mail) or bool(mail.value("x-failed-recipients"))


def of_mail(mail: OpenedMail) -> Bounce | None:
    """Read an opened mail; None when it is no report on a delivery."""
    report = dsn.of_parts(mail.parts)
    if report is not None and (dsn.has_status_part(mail.parts) or mail.has_null_sender or is_from_server(mail)):
        return _of_report(mail, report)
    found = bounce_form.read(mail)
    if found is None:
        return None
    wrapped = _wrapped(mail) if not found.entries else None
    return wrapped or _of_form(mail, found)


def _of_report(mail: OpenedMail, report: Report) -> Bounce:
    text, below = mail.reports[0] if mail.reports else ("", ())
    is_alone = len(report.recipients) == 1
    for_machines = dsn.has_status_part(mail.parts)
    told = [
        (_action(one), _reported(one, text if is_alone else _about(one, text), for_machines=for_machines))
        for one in report.recipients
    ]
    actions = {action for action, _ in told}
    refused = Action.FAILED in actions
    delayed = not refused and Action.DELAYED in actions
    word = "dsn" if refused or delayed else f"dsn {min(actions)}"
    return Bounce(refused, delayed, tuple(one for _, one in told), dsn.returned(mail.parts) or below, word)


def _action(recipient: Recipient) -> Action:
    if recipient.action is not None:
        return recipient.action
    # Nothing says what was done: the code says how it ended.
    return {"2": Action.DELIVERED, "4": Action.DELAYED}.get(recipient.status[:1], Action.FAILED)


def _reported(recipient: Recipient, text: str, *, for_machines: bool) -> Reported:
    named = recipient.original if "@" in recipient.original else recipient.address or recipient.original
    address = foreign_text.clean(named, _LONGEST_ADDRESS)
    action = _action(recipient)
    said = recipient.diagnostic
    if action not in {Action.FAILED, Action.DELAYED}:
        return Reported(address, None, recipient.status, _shown(said))
    provider = mail_provider.of_host(recipient.remote_mta) or mail_provider.of_domain(address.rpartition("@")[2])
    verdict = bounce_verdict.judge(Hearsay(said, recipient.status, text, provider, for_machines=for_machines))
    shown = said if bounce_verdict.says_something(said) else f"{said} {text}"
    return Reported(address, _waiting(verdict, delayed=action is Action.DELAYED), recipient.status, _shown(shown))


def _about(recipient: Recipient, text: str) -> str:
    """Return the part of a text for people that is about one recipient of several: from its address on."""
    low = text.lower()
    named = {recipient.address.lower(), recipient.original.lower()} - {""}
    places = [place for address in named if (place := low.find(address)) >= 0]
    return text[min(places) :][:_WORDS_AROUND] if places else ""


def _of_form(mail: OpenedMail, found: Found) -> Bounce:
    returned = found.returned or dsn.returned(mail.parts)
    entries: Sequence[Entry] = found.entries or (Entry("", found.report),)
    text = found.report if len(entries) == 1 else ""
    provider = _provider(found.report)
    recipients = tuple(_judged(entry, found, provider, text) for entry in entries)
    return Bounce(not found.delayed, found.delayed, recipients, returned, f"form {found.form}")


def _judged(entry: Entry, found: Found, provider: str | None, text: str) -> Reported:
    naming = [line for line in found.report.split("\n") if entry.address and entry.address in line][:_MOST_LINES]
    known = mail_provider.of_domain(entry.address.rpartition("@")[2]) or provider
    status = _STATUS.search(entry.words)
    told = Hearsay(
        entry.words,
        status[0] if status else "",
        "\n".join([*naming, text]),
        known,
        keeps_mailboxes=found.keeps_mailboxes,
    )
    verdict = bounce_verdict.judge(told)
    if found.otherwise is not None and (verdict.rule == reply_class.UNKNOWN or bounce_verdict.is_second_hand(verdict)):
        verdict = dataclasses.replace(verdict, reply_class=found.otherwise, rule=f"form {found.form}")
    return Reported(
        foreign_text.clean(entry.address, _LONGEST_ADDRESS),
        _waiting(verdict, delayed=found.delayed),
        told.status,
        _shown(entry.words),
    )


def _wrapped(mail: OpenedMail) -> Bounce | None:
    """Read the report that a gateway sent on inside one of its own that names nobody."""
    inner = next((part for part in mail.parts if dsn.is_returned(part)), None)
    report = _of_mail_inside(inner.content) if inner else None
    return report if report and report.recipients else None


def _of_mail_inside(content: bytes) -> Bounce | None:
    """Read the report inside a report; only one with a part for machines is believed."""
    mail = opened_mail.opened(content, "")
    report = dsn.of_parts(mail.parts)
    return _of_report(mail, report) if report is not None else None


def _provider(text: str) -> str | None:
    known = (mail_provider.of_host(host) for host in _HOST.findall(text[:_WORDS_AROUND]))
    return next((provider for provider in known if provider), None)


def _waiting(verdict: Verdict, *, delayed: bool) -> Verdict:
    return dataclasses.replace(verdict, permanent=False) if delayed else verdict


def _shown(text: str) -> str:
    return foreign_text.clean(log.mask(text[: LONGEST_REPLY * 4]).replace("<<address>>", "<address>"), LONGEST_REPLY)
