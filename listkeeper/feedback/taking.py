"""Taking up what came in: read it with no transaction open, find out whose mail it is about, let things happen.

Identified is by what only we can make: the address a bounce comes back to, or
the Message-ID of our mail inside it. An address that merely stands in a report
proves nothing, and nothing follows from it but a line of what came in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.proof import kept_copy
from listkeeper.audience.subscriber import Subscriber
from listkeeper.deliverability import mail_provider, reply_class, report_intake
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.deliverability.report_intake import ReadReport
from listkeeper.feedback import consequence, conversation, esp, inbound, mail_reading
from listkeeper.feedback.consequence import Told
from listkeeper.feedback.esp_event import EspEvent
from listkeeper.feedback.esp_event import EventKind as Esp
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome, Proof
from listkeeper.feedback.inbound import Arrived, Way
from listkeeper.feedback.mail_reading import MailKind, MailReading, Reported
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import Invalid
from listkeeper.sending import message_name, return_path

# What somebody was held back or left for is kept longer than what changed nothing.
KEPT_WEIGHTY = timedelta(days=400)
_WEIGHTY = frozenset({Outcome.HELD, Outcome.LEFT})
_KINDS = {
    MailKind.BOUNCE: FeedbackKind.BOUNCED,
    MailKind.DELAYED: FeedbackKind.DELAYED,
    MailKind.COMPLAINT: FeedbackKind.COMPLAINED,
    MailKind.AUTOREPLY: FeedbackKind.AUTOREPLIED,
    MailKind.UNSUBSCRIBE: FeedbackKind.UNSUBSCRIBED,
    MailKind.REPLY: FeedbackKind.REPLIED,
    MailKind.OTHER: FeedbackKind.OTHER,
}
# ARF: what is a reader's complaint, what is her leaving, and what is about the sender or takes a complaint back.
_COMPLAINTS = frozenset({"abuse", "fraud"})
_OPT_OUT = "opt-out"
_ESP_KINDS = {
    Esp.BOUNCED: FeedbackKind.BOUNCED,
    Esp.REJECTED: FeedbackKind.BOUNCED,
    Esp.FAILED: FeedbackKind.BOUNCED,
    Esp.DEFERRED: FeedbackKind.DELAYED,
    Esp.DELIVERED: FeedbackKind.DELIVERED,
    Esp.COMPLAINED: FeedbackKind.COMPLAINED,
    Esp.UNSUBSCRIBED: FeedbackKind.UNSUBSCRIBED,
    Esp.AUTORESPONDED: FeedbackKind.AUTOREPLIED,
    Esp.UNKNOWN: FeedbackKind.OTHER,
}
# What may reach a person's permission, and so the ledger.
_FOLLOWED = frozenset({FeedbackKind.BOUNCED, FeedbackKind.COMPLAINED, FeedbackKind.UNSUBSCRIBED})
# What a provider's own category may say for good by itself.
_LASTING = frozenset({ReplyClass.INVALID_ADDRESS, ReplyClass.INVALID_DOMAIN})
_WITH_ENVELOPE = frozenset({Way.SMTP, Way.LMTP})
REPORT, EVENTS = "report", "events"


@dataclass(frozen=True)
class Read:
    """What came in, and what it turned out to be: a mail, a report about our domain, or a provider's events."""

    arrived: Arrived
    mail: MailReading | None = None
    report: ReadReport | None = None
    events: Sequence[EspEvent] = ()

    @property
    def kind(self) -> str:
        """In one word."""
        if self.mail is not None:
            return self.mail.kind.value
        return REPORT if self.report is not None else EVENTS


def read(arrived: Arrived) -> Read:
    """Read what came in; call it with no transaction open. Never raises, whatever the bytes."""
    if not arrived.way.is_mail:
        return Read(arrived, events=esp.events(arrived.way.value, arrived.content))
    # Without a conversation nobody said whether there is a return path.
    sender = arrived.envelope_from if arrived.way in _WITH_ENVELOPE else arrived.envelope_from or None
    mail = mail_reading.read(arrived.content, envelope_to=arrived.envelope_to, envelope_from=sender)
    if mail.token is None and mail.kind in {MailKind.OTHER, MailKind.REPLY, MailKind.COMPLAINT, MailKind.AUTOREPLY}:
        report = report_intake.read(arrived.content)
        if isinstance(report, ReadReport):
            return Read(arrived, report=report)
    return Read(arrived, mail=mail)


def about(found: Read) -> set[int]:
    """Return the mails that something follows for, to be locked beforehand (``consequence.hold``).

    Those that merely arrived are left out: they are most of what providers tell, and touch no ledger.
    """
    if found.mail is not None:
        named = {_about(found.mail)[0]}
    else:
        kinds = ((told, _ESP_KINDS.get(told.kind)) for told in found.events)
        named = {_whose(_token(told), told.message_id)[0] for told, kind in kinds if kind in _FOLLOWED}
    return {number for number in named if number is not None}


def follow(session: Session, found: Read) -> None:
    """Let happen what follows; what came in is taken up once, however often this is called."""
    row = inbound.lock(session, found.arrived.id)
    if row is None:
        return
    if found.report is not None:
        report_intake.keep(session, session.get_one(Organisation, row.organisation_id), found.report)
        inbound.read(row, found.kind, keep=False)
        return
    mail = found.mail
    made = list(_of_mail(session, found.arrived, mail)) if mail is not None else list(_of_events(session, found))
    owned = _copy(session, found, made)
    inbound.read(row, found.kind, keep=mail is not None and not owned)


def _of_mail(session: Session, arrived: Arrived, mail: MailReading) -> Iterator[FeedbackEvent]:
    for place, reported in enumerate(mail.recipients or (None,)):
        made = consequence.follow(session, _told(arrived, mail, reported, place, _about(mail)))
        if made is not None:
            yield made
            if mail.kind is MailKind.REPLY:
                conversation.receive(session, arrived, made)


def _about(mail: MailReading) -> tuple[int | None, Proof]:
    # An address of ours with a wrong proof is somebody's attempt: nothing else that such a mail brings is believed.
    return (None, Proof.NONE) if mail.token_valid is False else _whose(mail.token, mail.message_id)


def _whose(token: int | None, message_id: str) -> tuple[int | None, Proof]:
    if token is not None:
        return token, Proof.TOKEN
    named = message_name.delivery_of(message_id)
    return (named, Proof.MESSAGE_ID) if named is not None else (None, Proof.NONE)


def _told(
    arrived: Arrived, mail: MailReading, reported: Reported | None, place: int, about: tuple[int | None, Proof]
) -> Told:
    verdict = reported.verdict if reported is not None else None
    kind = _kind(mail, reported)
    return Told(
        organisation_id=arrived.organisation_id,
        kind=kind,
        source=arrived.way.value,
        external_id=f"{arrived.id}:{place}",
        at=arrived.received_at,
        delivery_id=about[0],
        proof=about[1],
        verdict=verdict if kind in {FeedbackKind.BOUNCED, FeedbackKind.DELAYED} else None,
        provider=verdict.provider if verdict is not None else None,
        status=reported.status if reported is not None else "",
        reply=reported.reply if reported is not None else "",
        word="" if verdict is not None else mail.feedback_type or mail.reason,
        inbound_id=arrived.id,
    )


def _kind(mail: MailReading, reported: Reported | None) -> FeedbackKind:
    if mail.kind is MailKind.COMPLAINT:
        if mail.feedback_type == _OPT_OUT:
            return FeedbackKind.UNSUBSCRIBED
        return FeedbackKind.COMPLAINED if mail.feedback_type in _COMPLAINTS else FeedbackKind.OTHER
    if mail.kind is MailKind.BOUNCE and reported is not None and reported.verdict is None:
        # Of several recipients, one whom it did reach.
        return FeedbackKind.DELIVERED
    return _KINDS[mail.kind]


def _of_events(session: Session, found: Read) -> Iterator[FeedbackEvent]:
    for told in found.events:
        kind = _ESP_KINDS.get(told.kind)
        if kind is None:
            # That it was queued, opened or followed is no news of its delivery.
            continue
        about = _whose(_token(told), told.message_id)
        if kind is FeedbackKind.DELIVERED and not _is_awaited(session, about[0]):
            continue
        made = consequence.follow(session, _told_by_provider(found.arrived, told, kind, about))
        if made is not None:
            yield made


def _token(told: EspEvent) -> int | None:
    known = return_path.delivery_of(told.token) if told.token else None
    return known.delivery_id if known is not None else None


def _is_awaited(session: Session, number: int | None) -> bool:
    """Whether a delivery changes anything: most are what everybody took for granted, and would be a row each."""
    return number is not None and consequence.awaits_delivery(session, number)


def _told_by_provider(arrived: Arrived, told: EspEvent, kind: FeedbackKind, about: tuple[int | None, Proof]) -> Told:
    provider = mail_provider.of_domain(told.recipient.rpartition("@")[2])
    verdict = None
    if kind in {FeedbackKind.BOUNCED, FeedbackKind.DELAYED}:
        verdict = reply_class.classify(told.code, told.status or None, told.text, provider)
        if verdict.rule == reply_class.UNKNOWN and told.hint is not None:
            permanent = bool(told.permanent_hint) and told.hint in _LASTING
            verdict = reply_class.Verdict(told.hint, permanent, f"{arrived.way.value} {told.word}", provider)
    return Told(
        organisation_id=arrived.organisation_id,
        kind=kind,
        source=arrived.way.value,
        external_id=told.event_id[:100],
        at=_moment(told.at, arrived.received_at),
        delivery_id=about[0],
        proof=about[1],
        verdict=verdict,
        provider=provider,
        status=told.status,
        code=told.code,
        reply=log.mask(told.text),
        word="" if verdict is not None else told.word,
        inbound_id=arrived.id,
    )


def _moment(said: datetime | None, received: datetime) -> datetime:
    """Return when it happened, as they say; nothing happens after we have heard of it, or long before."""
    if said is None or not received - timedelta(days=30) <= said <= received:
        return received
    return said


def _copy(session: Session, found: Read, made: Sequence[FeedbackEvent]) -> bool:
    """Lay what came in under the key of whom it is about; False when that is nobody we know."""
    hers = [row for row in made if row.subscriber_id is not None]
    content: Callable[[FeedbackEvent], bytes]
    if found.mail is not None:
        hers = hers[:1]
        arrived = found.arrived
        whole = inbound.packed(arrived.content, arrived.envelope_from, arrived.envelope_to)
        content = lambda _row: whole  # noqa: E731 - one of two
    else:
        raw = {told.event_id[:100]: told.raw for told in found.events}
        content = lambda row: inbound.packed(raw[row.external_id])  # noqa: E731 - the other
    owned = False
    for row in hers:
        person = session.scalar(select(Subscriber).where(Subscriber.id == row.subscriber_id))
        if person is None:
            continue
        kept = KEPT_WEIGHTY if row.outcome in _WEIGHTY else inbound.KEPT
        try:
            kept_copy.keep(
                session,
                row.organisation_id,
                person.subject_ref,
                f"feedback:{row.id}",
                content(row),
                until=clock.now() + kept,
            )
        except Invalid:
            # Her key was destroyed while this waited: nothing of hers is kept any more.
            continue
        owned = True
    return owned
