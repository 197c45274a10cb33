"""A post of the form: stored at once, answered alike for everybody, decided later and once."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import consent, signup, signup_form, subscriber, subscription, suppression, unsubscribe
from listkeeper.audience.confirmation import AskKind
from listkeeper.audience.consent import EventKind, Method
from listkeeper.audience.signup import Signup, SignupDecision, Visit
from listkeeper.audience.signup_form import FormState
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import outbox
from listkeeper.foundation.errors import Invalid, NotFound
from listkeeper.foundation.outbox import Fact, Lane
from tests.makers import cafe, signups
from tests.makers.cafe import NO_BRAKES, Cafe

HER = "freja@guest.example"


def _facts(session: Session, name: str) -> list[int]:
    return list(session.scalars(select(Fact.subject_id).where(Fact.name == name).order_by(Fact.id)))


def test_the_answer_is_the_same_whoever_the_address_belongs_to(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, "confirmed@guest.example")
    cafe.sign_up(session, house, "pending@guest.example")
    left = cafe.subscribe(session, house, "left@guest.example")
    unsubscribe.leave(session, left.id, house.mailing_list.id, Method.PAGE)
    shunned = suppression.key_of(house.organisation.id, "shunned@guest.example")
    suppression.add(session, house.organisation.id, shunned, scope=suppression.ALL, reason=Reason.LEGAL)
    names = ("new", "confirmed", "pending", "left", "shunned")
    rows = {name: signups.post(session, house, f"{name}@guest.example") for name in names}
    assert {row.decision for row, _ in rows.values()} == {SignupDecision.WAITING}
    assert {len(receipt.visit) for _, receipt in rows.values()} == {22}
    assert len({receipt.visit for _, receipt in rows.values()}) == len(names)
    waiting = _facts(session, signup.RECEIVED)[-len(names) :]
    assert waiting == [row.id for row, _ in rows.values()]
    # Only the job, after the answer, knows whom it is about.
    became = {name: signup.decide(session, row.id, NO_BRAKES) for name, (row, _) in rows.items()}
    assert became == {
        "new": SignupDecision.ASKED,
        "confirmed": SignupDecision.ALREADY_SUBSCRIBED,
        "pending": SignupDecision.ASKED,
        "left": SignupDecision.ASKED,
        "shunned": SignupDecision.SUPPRESSED,
    }


def test_a_post_touches_no_subscriber(session: Session, house: Cafe) -> None:
    signups.post(session, house, HER)
    assert session.scalar(select(func.count()).select_from(Subscriber)) == 0


def test_what_is_known_of_the_visit_is_kept_and_nothing_invented(session: Session, house: Cafe) -> None:
    visit = Visit(
        network="2001:db8::/64",
        browser="Mozilla/5.0",
        origin="https://cafe.example",
        source="ig-bio",
        utm={"utm_source": "insta", "utm_term": "", "utm_bogus": "x", "utm_campaign": "c" * 900},
    )
    row, _receipt = signups.post(session, house, " Freja@Guest.example ", visit)
    assert (row.email_send, row.network, row.browser) == ("Freja@guest.example", "2001:db8::/64", "Mozilla/5.0")
    assert (row.origin, row.source) == ("https://cafe.example", "ig-bio")
    assert row.utm == {"utm_source": "insta", "utm_campaign": "c" * 300}
    person = session.get_one(Subscriber, _person_of(session, row))
    assert person.profile == {}
    assert person.email_key == "freja@guest.example"


def _person_of(session: Session, row: Signup) -> int:
    signup.decide(session, row.id, NO_BRAKES)
    assert row.subscriber_id is not None
    return row.subscriber_id


def test_nothing_a_stranger_sends_breaks_the_post(session: Session, house: Cafe) -> None:
    """PostgreSQL stores no NUL, not even in JSON; columns have an end."""
    odd = "a\x00b\r\nBcc: x@y.example \ud800" + "z" * 2_000
    visit = Visit("192.0.2.1", odd, odd, odd, {"utm_source": odd}, idempotency_key=odd)
    row, _receipt = signups.post(session, house, HER, visit)
    session.flush()
    session.refresh(row)
    kept = [row.browser, row.origin, row.source, row.utm["utm_source"], row.idempotency_key]
    assert all(value is not None and value.startswith("abBcc") and value.isprintable() for value in kept)


def test_the_same_key_is_one_signup(session: Session, house: Cafe) -> None:
    visit = Visit(network="192.0.2.1", idempotency_key="one")
    first, receipt = signups.post(session, house, HER, visit)
    again, same_receipt = signups.post(session, house, HER, visit)
    assert (again.id, same_receipt) == (first.id, receipt)
    assert session.scalar(select(func.count()).select_from(Signup)) == 1
    assert _facts(session, signup.RECEIVED) == [first.id]
    other, _receipt = signups.post(session, house, HER, Visit(network="192.0.2.1", idempotency_key="two"))
    assert other.id != first.id


def test_a_key_used_for_another_address_gives_nothing_away(session: Session, house: Cafe) -> None:
    visit = Visit(network="192.0.2.1", idempotency_key="one")
    _row, hers = signups.post(session, house, HER, visit)
    shown = signup_form.shown(session, house.form.slug)
    theirs = signup.receive(session, shown, "stranger@guest.example", visit, NO_BRAKES)
    assert theirs.visit != hers.visit
    assert list(session.scalars(select(Signup.email_send))) == [HER]


def test_posts_without_a_key_are_each_their_own(session: Session, house: Cafe) -> None:
    assert signups.post(session, house, HER)[0].id != signups.post(session, house, HER)[0].id


@pytest.mark.parametrize(
    "typed",
    ["", "freja", "freja@", "a@b@c.example", "x@y.example\r\nBcc: z@y.example", "a b@c.de", "frøja@guest.example"],
)
def test_what_is_no_address_is_refused_in_words_and_not_stored(session: Session, house: Cafe, typed: str) -> None:
    shown = signup_form.shown(session, house.form.slug)
    with pytest.raises(Invalid) as refused:
        signup.receive(session, shown, typed, signups.HER, NO_BRAKES)
    assert refused.value.code.startswith("address_")
    assert refused.value.message
    assert session.scalar(select(func.count()).select_from(Signup)) == 0


def test_a_filled_trap_gets_the_same_answer_and_no_mail(session: Session, house: Cafe) -> None:
    row, receipt = signups.post(session, house, HER, Visit(network="192.0.2.1", trap="https://spam.example"))
    assert row.decision is SignupDecision.TRAPPED
    assert len(receipt.visit) == 22
    assert _facts(session, signup.RECEIVED) == []
    assert signup.decide(session, row.id, NO_BRAKES) is SignupDecision.TRAPPED
    assert signups.mails(session) == 0


def test_a_closed_form_takes_nothing(session: Session, house: Cafe) -> None:
    house.form.state = FormState.CLOSED
    session.flush()
    with pytest.raises(NotFound):
        signups.post(session, house, HER)


def test_the_post_rings_the_urgent_bell(session: Session, house: Cafe) -> None:
    outbox.rung_lanes(session)
    signups.post(session, house, HER)
    assert outbox.rung_lanes(session) == {Lane.URGENT}


def test_deciding_asks_once_and_records_the_request(session: Session, house: Cafe) -> None:
    row, _receipt = signups.post(session, house, HER)
    assert signup.decide(session, row.id, NO_BRAKES) is SignupDecision.ASKED
    assert signup.decide(session, row.id, NO_BRAKES) is SignupDecision.ASKED
    assert signups.mails(session) == 1
    person = subscriber.named(session, house.organisation, HER)
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    assert current.state is SubscriptionState.PENDING
    event = consent.history(session, person)
    assert [(one.kind, one.method) for one in event] == [(EventKind.REQUESTED, Method.FORM)]
    assert event[0].at == row.received_at
    assert event[0].signup_id == row.id
    shown = signup_form.shown(session, house.form.slug)
    assert (event[0].consent_text_id, event[0].form_version_id) == (shown.text.id, shown.version.id)


def test_the_version_that_was_shown_is_cited_though_the_form_has_changed(session: Session, house: Cafe) -> None:
    shown = signup_form.shown(session, house.form.slug)
    row, _receipt = signups.post(session, house, HER)
    signup_form.publish(session, house.form, shown.text, title="New words", thank_you="Thanks")
    signup.decide(session, row.id, NO_BRAKES)
    asked = signups.question(session, row)
    assert asked is not None
    assert asked.form_version_id == shown.version.id


def test_who_is_on_the_list_already_gets_a_note_and_no_new_request(session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, HER)
    events = len(consent.history(session, person))
    row, _receipt = signups.post(session, house, HER)
    assert signup.decide(session, row.id, NO_BRAKES) is SignupDecision.ALREADY_SUBSCRIBED
    asked = signups.question(session, row)
    assert asked is not None
    assert asked.kind is AskKind.ALREADY
    assert len(consent.history(session, person)) == events


@pytest.mark.parametrize("state", [state for state in SubscriptionState if state is not SubscriptionState.PENDING])
def test_field_f07_a_form_post_never_changes_an_existing_subscription(
    session: Session, house: Cafe, state: SubscriptionState
) -> None:
    person = cafe.subscribe(session, house, HER)
    person.profile = {"first_name": "Freja"}
    person.language = "da"
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    current.state = state
    session.flush()
    before = (state, current.since, current.basis, current.consent_event_id, current.consent_text_id)
    signups.decided(session, house, HER.upper())
    session.flush()
    session.expire_all()
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    after = (current.state, current.since, current.basis, current.consent_event_id, current.consent_text_id)
    assert after == before
    assert (person.email_send, person.profile, person.language) == (HER, {"first_name": "Freja"}, "da")
