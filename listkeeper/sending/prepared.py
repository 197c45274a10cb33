"""What is ready before a hand-over: a message that wants an address, and then a row with its grant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from listkeeper.audience.handover import Handover
from listkeeper.audience.permission import Grant
from listkeeper.foundation import log
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.sending.counted_copy import CountedCopy
from listkeeper.sending.delivery import AnyDelivery, Delivery, Waiting

# Longer than the longest wait for a server's reply (RFC 5321 section 4.5.3.2.6 allows 10 minutes; we wait 2).
HANDED_LEASE = timedelta(seconds=180)
_TEXT_LIMIT = 500


class Prepared(NamedTuple):
    """A message that can be written as soon as the gate names the address."""

    template_sha256: str
    mail_from: str
    message_id: str
    purpose: str | None
    compose: Callable[[str], bytes]
    # What a campaign is about, and whether it is important: some permissions cover that alone.
    category: str | None = None
    important: bool = False
    # The topic a campaign is about: whoever chose others does not get it.
    topic: str | None = None
    # The fixed words of a mail that asks for a yes: with them a copy of what went out is kept as proof.
    template: Mapping[str, str] | None = None
    # What the linter said of it.
    lint: str = ""
    # Whether we sign it.
    signed: bool = False
    # As what it is counted when it is taken; None where nobody chose that.
    counted: CountedCopy | None = None


class Ready(NamedTuple):
    """A delivery marked as handed, with its grant."""

    delivery_id: int
    grant: Grant
    prepared: Prepared


# A message, or why it cannot be written.
Message = Prepared | ListkeeperError
Prepare = Callable[[Session, Sequence[Delivery]], dict[int, Message]]
# Letters of campaigns that were read and prepared before the window they leave in, by delivery.
Letters = Mapping[int, tuple[Waiting, Message]]


@dataclass(frozen=True)
class Line:
    """Who hands over, by which way, and what the line can carry: ``practice`` says that it ends on this machine."""

    worker: str
    carries_smtputf8: bool
    practice: bool = False
    way: str | None = None


def described(row: AnyDelivery, prepared: Prepared, line: Line) -> Handover:
    """Return what the gate is asked about a hand-over."""
    return Handover(
        delivery_id=row.id,
        organisation_id=row.organisation_id,
        message_class=row.message_class,
        template_sha256=prepared.template_sha256,
        subscriber_id=row.subscriber_id,
        list_id=row.list_id,
        purpose=prepared.purpose,
        category=prepared.category,
        important=prepared.important,
        topic=prepared.topic,
        confirmation_id=row.confirmation_id,
        notice=row.notice,
        notice_id=row.notice_id,
        typed_address=row.typed_address,
        carries_smtputf8=line.carries_smtputf8,
        practice=line.practice,
    )


def words(text: str) -> str:
    """Return a reply's text as it is kept: addresses masked, and not for ever long."""
    return log.mask(text)[:_TEXT_LIMIT]
