"""Whom not to write to, as the files that mail providers take in, so that nobody is forgotten on another way.

A suppression is a keyed hash, and only of somebody who is still known can the
address be told; who was erased is kept from here alone, and is counted. A
provider's list is about all mail, so that who left one of several lists is in
our own format (``csv``) alone.

The columns, as far as the providers document them (November 2026):

* SES: no header, ``address,BOUNCE`` or ``address,COMPLAINT`` (user guide, account-level suppression list). There is no
  third reason: who left is a COMPLAINT, and an account must have both switched on.
* Mailgun: one file each for bounces (``address,code,error,created_at``), complaints (``address,created_at``) and
  unsubscribes (``address,tags,created_at``), times as in RFC 2822 (API reference, …/import).
* SparkPost: ``recipient,type,description`` are the fields of its API (suppression list); that the upload of a file
  calls its columns so could not be verified.
* Brevo: the column EMAIL, imported with "blocklist the imported contacts" (help center).
* Postmark: EmailAddress, SuppressionReason, Origin and CreatedAt are the fields of its API; it takes them by the API
  and calls all of them ManualSuppression then. That it takes a file could not be verified.
* SendGrid: the API for global unsubscribes takes addresses alone; that a file's column is called ``email`` could not
  be verified.
* Mailjet: Email and IsExcludedFromCampaigns are the fields of its API (contact); the column names of a file are chosen
  while it is imported.
* Resend: ``email`` and ``unsubscribed`` are the fields of its API (contacts); that a file's columns are called so
  could not be verified.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock, sheet

# A provider's list is about every mail.
_EVERY = (suppression.ALL, suppression.MARKETING)
# Of several reasons the weightiest is told.
_WEIGHT = (
    Reason.COMPLAINT, Reason.LEGAL, Reason.OBJECTION, Reason.NOT_ME, Reason.ERASURE, Reason.UNSUBSCRIBED,
    Reason.MANUAL, Reason.HARD_BOUNCE,
)  # fmt: skip
_AT_ONCE = 2_000


class Format(StrEnum):
    """Whose file it is; ``csv`` is our own, with every scope and reason."""

    CSV = "csv"
    SES = "ses"
    SENDGRID = "sendgrid"
    MAILGUN = "mailgun"
    POSTMARK = "postmark"
    BREVO = "brevo"
    MAILJET = "mailjet"
    SPARKPOST = "sparkpost"
    RESEND = "resend"


@dataclass(frozen=True)
class Never:
    """One address that is never mailed: for which reason, within which scope, since when."""

    address: str
    reason: Reason
    scope: str
    since: datetime

    @property
    def is_bounce(self) -> bool:
        """Whether nothing arrives there; else somebody wants it so."""
        return self.reason is Reason.HARD_BOUNCE

    @property
    def is_complaint(self) -> bool:
        """Whether somebody called a letter spam."""
        return self.reason is Reason.COMPLAINT


@dataclass(frozen=True)
class Sheet:
    """One file; ``name`` tells several of one provider apart. An empty header is none."""

    name: str
    header: tuple[str, ...]
    row: Callable[[Never], Sequence[str]]
    which: Callable[[Never], bool] = lambda _each: True


@dataclass(frozen=True)
class LeftOut:
    """Who is not in the files: without an address any more, and who left one list, one purpose, or for a time only."""

    without_address: int
    narrower: int


def everybody(session: Session, organisation_id: int, *, narrower: bool = False) -> Iterator[Never]:
    """Yield who is never mailed and is still known, by address; ``narrower``: each entry, also of one list alone."""
    query = (
        select(Subscriber.email_send, Suppression.reason, Suppression.scope, Suppression.created_at, Subscriber.id)
        .join(
            Suppression,
            (Suppression.organisation_id == Subscriber.organisation_id)
            & (Suppression.key == Subscriber.suppression_key),
        )
        .where(Suppression.organisation_id == organisation_id, suppression.live(clock.now()))
        .order_by(Subscriber.id, Suppression.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    if not narrower:
        query = query.where(Suppression.scope.in_(_EVERY), Suppression.until.is_(None))
    best: Never | None = None
    whose: int | None = None
    for address, reason, scope, since, number in session.execute(query):
        found = Never(address, reason, scope, since)
        if narrower:
            yield found
            continue
        if best is not None and number != whose:
            yield best
            best = None
        whose = number
        if best is None or _WEIGHT.index(found.reason) < _WEIGHT.index(best.reason):
            best = found
    if best is not None:
        yield best


def left_out(session: Session, organisation_id: int) -> LeftOut:
    """Return how many keyed hashes the files of providers do not tell of."""
    live = (Suppression.organisation_id == organisation_id, suppression.live(clock.now()))
    every = (*live, Suppression.scope.in_(_EVERY), Suppression.until.is_(None))
    known = select(Subscriber.id).where(
        Subscriber.organisation_id == Suppression.organisation_id, Subscriber.suppression_key == Suppression.key
    )
    number = func.count(Suppression.key.distinct())
    without = session.scalar(select(number).where(*live, ~known.exists())) or 0
    all_known = session.scalar(select(number).where(*live, known.exists())) or 0
    told = session.scalar(select(number).where(*every, known.exists())) or 0
    return LeftOut(without, all_known - told)


def is_marked(address: str) -> bool:
    """Return whether an apostrophe stands before this address, because a spreadsheet would run it as a formula."""
    return sheet.cell(address) != address


def pieces(part: Sheet, rows: Iterable[Never]) -> Iterator[str]:
    """Yield the CSV of one file, some thousand rows at a time; UTF-8, without the mark that programs stumble over."""
    tray = io.StringIO()
    writer = csv.writer(tray, lineterminator="\r\n")
    if part.header:
        writer.writerow(part.header)
    for number, each in enumerate((row for row in rows if part.which(row)), 1):
        writer.writerow([sheet.cell(value) for value in part.row(each)])
        if number % _AT_ONCE == 0:
            yield tray.getvalue()
            tray.seek(0)
            tray.truncate()
    yield tray.getvalue()


def _then(each: Never) -> str:
    return format_datetime(each.since)


def _postmark(each: Never) -> Sequence[str]:
    why = "HardBounce" if each.is_bounce else "SpamComplaint" if each.is_complaint else "ManualSuppression"
    who = "Customer" if why == "ManualSuppression" else "Recipient"
    return (each.address, why, who, clock.as_text(each.since))


SHEETS: dict[Format, tuple[Sheet, ...]] = {
    Format.CSV: (
        Sheet(
            "", ("address", "reason", "scope", "since"),
            lambda each: (each.address, each.reason.value, each.scope, clock.as_text(each.since)),
        ),
    ),
    Format.SES: (Sheet("", (), lambda each: (each.address, "BOUNCE" if each.is_bounce else "COMPLAINT")),),
    Format.SENDGRID: (Sheet("", ("email",), lambda each: (each.address,)),),
    Format.MAILGUN: (
        Sheet(
            "bounces", ("address", "code", "error", "created_at"),
            lambda each: (each.address, "550", "", _then(each)), lambda each: each.is_bounce,
        ),
        Sheet(
            "complaints", ("address", "created_at"),
            lambda each: (each.address, _then(each)), lambda each: each.is_complaint,
        ),
        Sheet(
            "unsubscribes", ("address", "tags", "created_at"),
            lambda each: (each.address, "*", _then(each)), lambda each: not each.is_bounce and not each.is_complaint,
        ),
    ),
    Format.POSTMARK: (Sheet("", ("EmailAddress", "SuppressionReason", "Origin", "CreatedAt"), _postmark),),
    Format.BREVO: (Sheet("", ("EMAIL",), lambda each: (each.address,)),),
    Format.MAILJET: (Sheet("", ("Email", "IsExcludedFromCampaigns"), lambda each: (each.address, "true")),),
    # Somebody who wants no letters may still get her receipt; where nothing arrives, nothing shall be sent.
    Format.SPARKPOST: (
        Sheet(
            "transactional", ("recipient", "type", "description"),
            lambda each: (each.address, "transactional", each.reason.value), lambda each: each.is_bounce,
        ),
        Sheet(
            "non-transactional", ("recipient", "type", "description"),
            lambda each: (each.address, "non_transactional", each.reason.value),
        ),
    ),
    Format.RESEND: (Sheet("", ("email", "unsubscribed"), lambda each: (each.address, "true")),),
}  # fmt: skip
