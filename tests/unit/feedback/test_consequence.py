"""What follows from what came back: for the mail and its reader, once, and only where it is proved."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import consent, erasure, subscription, suppression, undeliverable
from listkeeper.audience.consent import EventKind
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.proof import kept_copy, ledger_audit
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import event, traces
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome, Proof
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.sending import delivery
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe
from tests.makers.came_back import Postman

R, K = ReplyClass, FeedbackKind


@pytest.fixture
def postman(session: Session) -> Postman:
    house = cafe.found(session)
    return Postman(session, house, cafe.subscribe(session, house, "freja@guest.example"))


def _reasons(postman: Postman) -> set[Reason]:
    return {
        row.reason
        for row in suppression.reasons(postman.session, postman.cafe.organisation.id, postman.person.suppression_key)
    }


def _state(postman: Postman) -> SubscriptionState:
    found = subscription.of(postman.session, postman.person.id, postman.cafe.mailing_list.id)
    assert found is not None
    return found.state


def test_an_address_that_does_not_exist_is_held_back_and_her_yes_stays(postman: Postman) -> None:
    mail = postman.letter()
    made = postman.told(K.BOUNCED, mail, found=R.INVALID_ADDRESS, permanent=True, code=550)
    assert made is not None
    assert made.outcome is Outcome.HELD
    assert _reasons(postman) == {Reason.HARD_BOUNCE}
    # It is no word of hers: she is on the list as she was, and nothing is sent to her.
    assert _state(postman) is SubscriptionState.CONFIRMED
    assert (mail.state, mail.reply_class, mail.reply_code) == (DeliveryState.BOUNCED, R.INVALID_ADDRESS, 550)
    assert ledger_audit.check(postman.session, postman.cafe.organisation).faults == []


@pytest.mark.parametrize("state", [DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT])
def test_what_came_back_had_been_taken_or_may_have_been(postman: Postman, state: DeliveryState) -> None:
    mail = postman.letter(state=state)
    postman.told(K.BOUNCED, mail, found=R.SPAM)
    assert mail.state is DeliveryState.BOUNCED


def test_what_is_told_twice_happens_once(postman: Postman) -> None:
    mail = postman.letter()
    assert postman.told(K.BOUNCED, mail, found=R.MAILBOX_FULL) is not None
    assert postman.told(K.BOUNCED, mail, found=R.MAILBOX_FULL) is None
    assert len(event.of_person(postman.session, postman.person.id)) == 1


def test_a_complaint_stops_all_marketing_in_the_same_transaction(postman: Postman) -> None:
    made = postman.told(K.COMPLAINED, postman.letter())
    assert made is not None
    assert made.outcome is Outcome.LEFT
    assert Reason.COMPLAINT in _reasons(postman)
    assert _state(postman) is SubscriptionState.COMPLAINED
    told = consent.history(postman.session, postman.person)
    assert [row.kind for row in told if row.kind is EventKind.COMPLAINED] == [EventKind.COMPLAINED]
    [by] = [row.actor for row in told if row.kind is EventKind.COMPLAINED]
    assert by == f"feedback:{made.id}"
    assert ledger_audit.check(postman.session, postman.cafe.organisation).faults == []


def test_a_mail_to_the_way_out_takes_her_off_the_list(postman: Postman) -> None:
    made = postman.told(K.UNSUBSCRIBED, postman.letter())
    assert made is not None
    assert made.outcome is Outcome.LEFT
    assert _state(postman) is SubscriptionState.UNSUBSCRIBED
    assert _reasons(postman) == {Reason.UNSUBSCRIBED}


@pytest.mark.parametrize("kind", [K.BOUNCED, K.COMPLAINED, K.UNSUBSCRIBED])
def test_whoever_proves_nothing_changes_nothing(postman: Postman, kind: FeedbackKind) -> None:
    mail = postman.letter()
    made = postman.told(kind, mail, found=R.INVALID_ADDRESS, permanent=True, proof=Proof.NONE)
    assert made is not None
    assert (made.outcome, made.subscriber_id) == (Outcome.UNPROVEN, None)
    assert (mail.state, _state(postman)) == (DeliveryState.ACCEPTED, SubscriptionState.CONFIRMED)
    assert _reasons(postman) == set()


@pytest.mark.parametrize("kind", [K.DELAYED, K.AUTOREPLIED, K.OTHER])
def test_a_delay_or_a_machine_is_noted_and_nothing_more(postman: Postman, kind: FeedbackKind) -> None:
    mail = postman.letter()
    made = postman.told(kind, mail)
    assert made is not None
    assert (made.outcome, mail.state) == (Outcome.NOTED, DeliveryState.ACCEPTED)
    assert _reasons(postman) == set()


def test_a_question_that_comes_back_is_asked_no_more(session: Session) -> None:
    house = cafe.found(session)
    asked = cafe.sign_up(session, house, "freja@guest.example")
    person = session.get_one(cafe.Subscriber, asked.subscriber_id)
    postman = Postman(session, house, person)
    mail = postman.letter(message_class=MessageClass.DOI)
    mail.confirmation_id = asked.id
    session.flush()
    made = postman.told(K.BOUNCED, mail, found=R.INVALID_ADDRESS, permanent=True)
    assert made is not None
    assert made.outcome is Outcome.HELD
    session.refresh(asked)
    assert asked.bounced_at is not None
    # Closed, and the brake that the question counted for still counts it.
    assert _state(postman) is SubscriptionState.BOUNCED
    assert ledger_audit.check(session, house.organisation).faults == []


def test_a_complaint_about_a_question_closes_it(session: Session) -> None:
    house = cafe.found(session)
    asked = cafe.sign_up(session, house, "freja@guest.example")
    postman = Postman(session, house, session.get_one(cafe.Subscriber, asked.subscriber_id))
    mail = postman.letter(message_class=MessageClass.DOI)
    mail.confirmation_id = asked.id
    session.flush()
    postman.told(K.COMPLAINED, mail)
    assert _state(postman) is SubscriptionState.COMPLAINED
    assert _reasons(postman) == {Reason.COMPLAINT}


def test_a_delivery_settles_what_was_in_doubt(postman: Postman) -> None:
    mail = postman.letter(state=DeliveryState.IN_DOUBT)
    postman.told(K.DELIVERED, mail)
    assert mail.state is DeliveryState.ACCEPTED


def test_nothing_is_counted_of_whom_nobody_knows_any_more(postman: Postman) -> None:
    mail = postman.letter()
    mail.subscriber_id = None
    made = postman.told(K.BOUNCED, mail, found=R.INVALID_ADDRESS, permanent=True)
    assert made is not None
    assert (made.outcome, mail.state) == (Outcome.NOTED, DeliveryState.BOUNCED)


def test_a_mistaken_hold_is_lifted_and_nothing_else_with_it(postman: Postman) -> None:
    postman.told(K.BOUNCED, postman.letter(), found=R.INVALID_ADDRESS, permanent=True)
    postman.told(K.COMPLAINED, postman.letter())
    assert _reasons(postman) == {Reason.HARD_BOUNCE, Reason.COMPLAINT}
    released = undeliverable.release(postman.session, [postman.person.id], actor="user:1")
    assert released == [postman.person.id]
    assert _reasons(postman) == {Reason.COMPLAINT}
    assert _state(postman) is SubscriptionState.COMPLAINED
    assert undeliverable.release(postman.session, [postman.person.id], actor="user:1") == []
    assert ledger_audit.check(postman.session, postman.cafe.organisation).faults == []


def test_what_another_tool_said_is_not_ours_to_lift(postman: Postman) -> None:
    person = postman.person
    suppression.add(
        postman.session, person.organisation_id, person.suppression_key, scope=suppression.MARKETING,
        reason=Reason.HARD_BOUNCE, actor="import:imp_1",
    )  # fmt: skip
    assert undeliverable.release(postman.session, [person.id], actor="user:1") == []
    assert _reasons(postman) == {Reason.HARD_BOUNCE}


def test_erasure_reaches_what_came_back(postman: Postman, tmp_path_factory: pytest.TempPathFactory) -> None:
    mail = postman.letter()
    made = postman.told(K.BOUNCED, mail, found=R.MAILBOX_FULL)
    assert made is not None
    reference, number = postman.person.subject_ref, made.id
    kept_copy.keep(
        postman.session, postman.cafe.organisation.id, reference, f"feedback:{number}", b"whole", until=clock.now()
    )
    postman.session.flush()
    assert kept_copy.opened(postman.session, postman.cafe.organisation.id, f"feedback:{number}") == b"whole"
    forget = traces.forgetter(tmp_path_factory.mktemp("practice"))
    erasure.erase(postman.session, postman.person.id, actor="subscriber", forget_copies=forget)
    assert kept_copy.names_of(postman.session, reference) == []
    left = postman.session.get_one(FeedbackEvent, number, populate_existing=True)
    assert (left.subscriber_id, left.reply) == (None, "")


def test_a_mail_that_came_back_leaves_by_no_other_way(postman: Postman) -> None:
    mail = postman.letter(state=DeliveryState.BOUNCED)
    with pytest.raises(Conflict):
        delivery.move(mail, DeliveryState.QUEUED)
    assert postman.session.scalar(select(Delivery.state).where(Delivery.id == mail.id)) is DeliveryState.BOUNCED
    assert postman.session.scalars(select(Suppression)).all() == []
