"""From bytes to what follows: read once, tied to the mail by what only we can make, kept under the person's key."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, suppression
from listkeeper.audience.proof import kept_copy
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.feedback import consequence, event, inbound, taking
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome, Proof
from listkeeper.feedback.inbound import Inbound, InboundState, Taken, Way
from listkeeper.foundation import outbox
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import message_name, return_path
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import bounced, cafe
from tests.makers.came_back import Postman

_FREJA = "freja@guest.example"


@pytest.fixture
def postman(session: Session) -> Postman:
    house = cafe.found(session)
    return Postman(session, house, cafe.subscribe(session, house, _FREJA))


def _reasons(postman: Postman) -> set[Reason]:
    organisation_id = postman.cafe.organisation.id
    return {row.reason for row in suppression.reasons(postman.session, organisation_id, postman.person.suppression_key)}


def _bring(postman: Postman, raw: bytes, *, to: str = "", sender: str = "", way: Way = Way.SMTP) -> list[FeedbackEvent]:
    """Take something in and let it be taken up, as the job does; return what is known of it."""
    session = postman.session
    before = session.scalar(select(FeedbackEvent.id).order_by(FeedbackEvent.id.desc()).limit(1)) or 0
    taken = inbound.take(
        session, postman.cafe.organisation.id, way, raw, envelope_from=sender, envelope_to=[to] if to else []
    )
    assert taken is Taken.NEW
    number = session.scalars(select(Inbound.id).order_by(Inbound.id.desc()).limit(1)).one()
    arrived = inbound.opened(session, number)
    assert arrived is not None
    found = taking.read(arrived)
    consequence.hold(session, taking.about(found))
    taking.follow(session, found)
    taking.follow(session, found)
    return list(session.scalars(select(FeedbackEvent).where(FeedbackEvent.id > before)))


def _returns(mail: Delivery) -> str:
    return return_path.of_delivery(bounced.RETURNS, mail.id)


def test_a_bounce_finds_its_mail_by_the_address_it_came_back_to(postman: Postman) -> None:
    mail = postman.letter()
    # The recipient it names is another one: she has her mail passed on, and that address is gone.
    raw = bounced.dsn(_returns(mail), "old@elsewhere.example", "5.1.1", "550 5.1.1 User unknown")
    [made] = _bring(postman, raw, to=_returns(mail))
    assert (made.delivery_id, made.proof, made.outcome) == (mail.id, Proof.TOKEN, Outcome.HELD)
    assert mail.state is DeliveryState.BOUNCED
    assert _reasons(postman) == {Reason.HARD_BOUNCE}
    assert _FREJA not in made.reply


def test_a_bounce_finds_its_mail_by_our_message_id_too(postman: Postman) -> None:
    mail = postman.letter()
    name = message_name.of(mail.id, "cafe.example")
    raw = bounced.dsn("hello@cafe.example", _FREJA, "5.2.2", "552 5.2.2 Mailbox full", message_id=name)
    [made] = _bring(postman, raw, to="hello@cafe.example", way=Way.IMAP)
    assert (made.delivery_id, made.proof, made.outcome) == (mail.id, Proof.MESSAGE_ID, Outcome.COUNTED)


@pytest.mark.parametrize("forged", ["token", "message_id", "recipient"])
def test_a_forged_bounce_takes_nobody_off(postman: Postman, forged: str) -> None:
    mail = postman.letter()
    to, name = "hello@cafe.example", ""
    if forged == "token":
        right = _returns(mail)
        to = right.replace(right.partition(".")[2][:4], "aaaa", 1)
    elif forged == "message_id":
        name = f"<{'a' * 3}.{'b' * 16}@cafe.example>"
    raw = bounced.dsn(to, _FREJA, "5.1.1", "550 5.1.1 User unknown", message_id=name)
    [made] = _bring(postman, raw, to=to)
    assert (made.outcome, made.proof, made.delivery_id) == (Outcome.UNPROVEN, Proof.NONE, None)
    assert _reasons(postman) == set()
    assert mail.state is DeliveryState.ACCEPTED


@pytest.mark.parametrize("forged", [False, True])
def test_a_complaint_counts_when_it_holds_our_mail(postman: Postman, forged: bool) -> None:
    mail = postman.letter()
    name = "" if forged else message_name.of(mail.id, "cafe.example")
    [made] = _bring(postman, bounced.complaint("fbl@cafe.example", "redacted@guest.example", message_id=name))
    assert made.kind is FeedbackKind.COMPLAINED
    assert made.outcome is (Outcome.UNPROVEN if forged else Outcome.LEFT)
    assert _reasons(postman) == (set() if forged else {Reason.COMPLAINT})


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        ("abuse", {Reason.COMPLAINT}),
        ("fraud", {Reason.COMPLAINT}),
        ("opt-out", {Reason.UNSUBSCRIBED}),
        ("not-spam", set()),
        ("virus", set()),
        ("other", set()),
    ],
)
def test_what_kinds_of_complaints_come_to(postman: Postman, kind: str, reasons: set[Reason]) -> None:
    mail = postman.letter()
    name = message_name.of(mail.id, "cafe.example")
    _bring(postman, bounced.complaint("fbl@cafe.example", _FREJA, message_id=name, kind=kind))
    assert _reasons(postman) == reasons


def test_not_spam_takes_no_complaint_back(postman: Postman) -> None:
    name = message_name.of(postman.letter().id, "cafe.example")
    _bring(postman, bounced.complaint("fbl@cafe.example", _FREJA, message_id=name))
    _bring(postman, bounced.complaint("fbl@cafe.example", _FREJA, message_id=name, kind="not-spam"))
    assert _reasons(postman) == {Reason.COMPLAINT}


def test_a_mail_to_the_address_in_list_unsubscribe_takes_her_off(postman: Postman) -> None:
    to = return_path.leaving(bounced.RETURNS, postman.letter().id)
    [made] = _bring(postman, bounced.answer(to, _FREJA, "unsubscribe"), to=to, sender=_FREJA)
    assert (made.kind, made.outcome) == (FeedbackKind.UNSUBSCRIBED, Outcome.LEFT)
    found = subscription.of(postman.session, postman.person.id, postman.cafe.mailing_list.id)
    assert found is not None
    assert found.state is SubscriptionState.UNSUBSCRIBED


def test_a_delay_and_a_machine_are_on_the_timeline_and_change_nothing(postman: Postman) -> None:
    mail = postman.letter()
    late = bounced.dsn(_returns(mail), _FREJA, "4.4.1", "451 4.4.1 Connection timed out", action="delayed")
    away = bounced.answer(_returns(mail), _FREJA, "I am away.", automatic=True)
    made = [*_bring(postman, late, to=_returns(mail)), *_bring(postman, away, to=_returns(mail))]
    assert [(row.kind, row.outcome) for row in made] == [
        (FeedbackKind.DELAYED, Outcome.NOTED),
        (FeedbackKind.AUTOREPLIED, Outcome.NOTED),
    ]
    assert mail.state is DeliveryState.ACCEPTED
    assert len(event.of_person(postman.session, postman.person.id)) == 2


def test_what_came_in_lies_in_the_vault_under_her_key_and_nowhere_else(postman: Postman) -> None:
    mail = postman.letter()
    raw = bounced.dsn(_returns(mail), _FREJA, "5.1.1", "550 5.1.1 User unknown")
    [made] = _bring(postman, raw, to=_returns(mail))
    row = postman.session.scalars(select(Inbound)).one()
    assert (row.state, row.kind, row.sealed) == (InboundState.READ, "bounce", None)
    kept = kept_copy.opened(postman.session, postman.cafe.organisation.id, f"feedback:{made.id}")
    assert kept is not None
    assert inbound.unpacked(kept) == (raw, "", (_returns(mail),))


def test_what_is_nobodys_stays_sealed_until_it_is_deleted_or_named_by_an_erasure(postman: Postman) -> None:
    _bring(postman, bounced.dsn("hello@cafe.example", _FREJA, "5.1.1", "550 5.1.1 User unknown"))
    row = postman.session.scalars(select(Inbound)).one()
    assert row.sealed is not None
    assert _FREJA.encode() not in row.sealed
    assert inbound.forget_mentions(postman.session, postman.cafe.organisation.id, "other@guest.example") == 0
    assert inbound.forget_mentions(postman.session, postman.cafe.organisation.id, _FREJA) == 1


def test_the_same_bytes_are_taken_once_and_wake_one_job(postman: Postman) -> None:
    session, owner = postman.session, postman.cafe.organisation.id
    before = len(outbox.waiting(session, Lane.BACKGROUND))
    assert inbound.take(session, owner, Way.SMTP, b"Subject: x\r\n\r\ny") is Taken.NEW
    assert inbound.take(session, owner, Way.IMAP, b"Subject: x\r\n\r\ny") is Taken.KNOWN
    assert len(outbox.waiting(session, Lane.BACKGROUND)) == before + 1


@pytest.mark.parametrize(
    "raw", [b"", b"\0" * 100, b"\xff\xfe" * 500, b"From: \r\n" * 5000, b"Content-Type: multipart/"]
)
def test_any_bytes_are_taken_up(postman: Postman, raw: bytes) -> None:
    for row in _bring(postman, raw):
        assert row.outcome in {Outcome.UNPROVEN, Outcome.NOTED}
    assert postman.session.scalars(select(Inbound.state)).one() is InboundState.READ


def test_what_is_nobodys_is_deleted_after_its_time_read_or_not(
    postman: Postman, frozen_clock: time_machine.Traveller
) -> None:
    session, owner = postman.session, postman.cafe.organisation.id
    _bring(postman, b"Subject: nobody's\r\n\r\nx")
    inbound.take(session, owner, Way.SMTP, b"Subject: never read\r\n\r\nx")
    frozen_clock.shift(inbound.KEPT - timedelta(minutes=1))
    inbound.forget_past(session)
    assert all(sealed is not None for sealed in session.scalars(select(Inbound.sealed)))
    frozen_clock.shift(timedelta(minutes=2))
    inbound.forget_past(session)
    assert list(session.scalars(select(Inbound.sealed))) == [None, None]
