"""Renewing a consent: her own act under the words of today, while there is something to renew, proved and counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import (
    complaint,
    consent,
    consent_text,
    lifecycle,
    list_rules,
    mailing_list,
    merging,
    renewal,
    renewal_link,
    signup_form,
    subscriber,
    unsubscribe,
)
from listkeeper.audience.answering import Seen
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.consent_text import ConsentText, TextKind, Wording
from listkeeper.audience.proof import checkpoint, dossier, fold, ledger, ledger_audit
from listkeeper.audience.proof.evidence import Evidence
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.renewal import ASKED_BEFORE, Offer, Standing
from listkeeper.audience.starter_text import RENEWAL
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.paper import certificate_html, certificate_words
from tests.makers import cafe, gate
from tests.makers.cafe import Cafe
from tests.unit.audience.conftest import as_stored

ANNA = "anna@people.example"
Happens = Callable[[Session, Cafe, Subscriber], None]
DAY, MOMENT = timedelta(days=1), timedelta(milliseconds=1)


@pytest.fixture
def anna(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Subscriber:
    """Somebody on the list, at a moment that stands still."""
    return cafe.subscribe(session, house, ANNA)


def offer(session: Session, house: Cafe, person: Subscriber) -> Offer:
    """Return what a page would show her."""
    return renewal.offer(session, person, as_stored(session, house, person), house.mailing_list)


def renew(session: Session, house: Cafe, person: Subscriber) -> Standing:
    """Press the button under the words of today."""
    shown = renewal.text(session, person, house.mailing_list)
    seen = shown.sha256 if shown is not None else ""
    return renewal.renew(session, person.id, house.mailing_list.id, seen=seen, by=Seen("192.0.2.1", "Test"))


def events(session: Session, person: Subscriber) -> list[ConsentEvent]:
    """Return her renewals."""
    return [event for event in consent.history(session, person) if event.kind is EventKind.RENEWED]


def ends(current: Subscription, **clocks: object) -> None:
    """Set clocks of a permission."""
    for name, value in clocks.items():
        setattr(current, name, value)


def test_it_is_an_event_of_its_own_under_the_words_in_force(session: Session, house: Cafe, anna: Subscriber) -> None:
    before = as_stored(session, house, anna)
    agreed, since = before.consent_text_id, before.since
    assert renew(session, house, anna) is Standing.ASKS
    [event] = events(session, anna)
    current = as_stored(session, house, anna)
    assert (event.method, event.actor, event.basis) == (Method.BUTTON, "subscriber", "consent")
    assert (current.consent_event_id, current.ledger_seq, current.renewed_at) == (event.id, event.ledger_seq, event.at)
    assert (current.basis, current.since) == (Basis.CONSENT, since)
    said = ledger.fields_of(session.get_one(LedgerRow, (event.organisation_id, event.ledger_seq)))
    words = session.scalars(select(ConsentText).where(ConsentText.sha256 == said["text_sha256"])).one()
    assert (words.kind, words.button_label) == (TextKind.RENEWAL, "Keep my letters coming")
    assert agreed is not None
    assert words.body == session.get_one(ConsentText, agreed).body
    assert said["details"]["basis_before"] == "consent"
    assert session.scalars(select(Evidence).where(Evidence.event_id == event.ledger_id)).one().delete_after is None
    assert ledger_audit.check(session, house.organisation).faults == []
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED


def test_a_permission_that_would_have_ended_goes_on_at_the_gate(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    ends(as_stored(session, house, anna), valid_until=clock.now() + 3 * DAY)
    renew(session, house, anna)
    assert as_stored(session, house, anna).valid_until is None
    frozen_clock.shift(4 * DAY)
    assert lifecycle.end_due(session) == 0
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED


def test_the_deadline_of_the_first_use_begins_anew(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    house.mailing_list.jurisdiction = "strictest"
    months = list_rules.of(house.mailing_list).first_use_months
    ends(as_stored(session, house, anna), first_use_deadline=clock.now() + DAY)
    assert offer(session, house, anna).ends_at == clock.now() + DAY
    renew(session, house, anna)
    deadline = as_stored(session, house, anna).first_use_deadline
    assert deadline == (clock.months_later(clock.now(), months) if months else None)
    frozen_clock.shift(2 * DAY)
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED


def test_silence_is_counted_from_the_renewal(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    months = list_rules.of(house.mailing_list).dormancy_block
    assert months > 0
    ends(as_stored(session, house, anna), first_use_deadline=None, last_contact_at=clock.now())
    session.flush()
    frozen_clock.move_to(clock.months_later(clock.now(), months) - DAY)
    assert offer(session, house, anna).ends_at == clock.now() + DAY
    renew(session, house, anna)
    ends(as_stored(session, house, anna), first_use_deadline=None)
    frozen_clock.shift(2 * DAY)
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED
    assert lifecycle.warnings(session, house.organisation) == []


def test_pressed_again_it_is_the_same_one_for_a_day(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    assert [renew(session, house, anna) for _ in range(3)] == [Standing.ASKS, Standing.DONE, Standing.DONE]
    frozen_clock.shift(DAY - MOMENT)
    assert renew(session, house, anna) is Standing.DONE
    frozen_clock.shift(MOMENT)
    assert renew(session, house, anna) is Standing.ASKS
    assert len(events(session, anna)) == 2


def test_other_words_than_those_of_today_renew_nothing(session: Session, house: Cafe, anna: Subscriber) -> None:
    for seen in ("", "0" * 64, "x" * 10_000):
        with pytest.raises(Invalid, match="read them once more"):
            renewal.renew(session, anna.id, house.mailing_list.id, seen=seen)
    assert events(session, anna) == []


def test_words_published_since_are_those_that_are_shown(session: Session, house: Cafe, anna: Subscriber) -> None:
    newer = Wording(
        f"Yes: {house.organisation.legal_name} may send me News by e-mail, with bread and offers, once a month.",
        "Sign me up",
        "I can stop at any time, with one click, by the link in every mail.",
    )
    published = consent_text.publish(session, house.organisation, house.mailing_list, "en", newer)
    shown = renewal.text(session, anna, house.mailing_list)
    assert shown is not None
    assert (shown.body, shown.withdrawal) == (published.body, published.withdrawal)
    anna.language = "da"
    spoken = renewal.text(session, anna, house.mailing_list)
    assert spoken is not None
    # Nothing was published in Danish, so the business's own language speaks.
    assert (spoken.language, spoken.button_label) == ("en", RENEWAL["en"])


@pytest.mark.parametrize("basis", [Basis.SOFT_OPT_IN, Basis.SOFT_OPT_IN_CHARITY, Basis.IMPLIED_CASL])
def test_what_a_sale_or_a_file_carried_becomes_her_own_word(
    session: Session, house: Cafe, anna: Subscriber, basis: Basis
) -> None:
    ends(as_stored(session, house, anna), basis=basis, import_id=7, double_opt_in=False)
    assert offer(session, house, anna).standing is Standing.ASKS
    assert as_stored(session, house, anna).basis is basis
    renew(session, house, anna)
    current = as_stored(session, house, anna)
    assert (current.basis, current.import_id, current.double_opt_in) == (Basis.CONSENT, None, True)
    [event] = events(session, anna)
    said = ledger.fields_of(session.get_one(LedgerRow, (event.organisation_id, event.ledger_seq)))
    assert said["details"]["basis_before"] == basis.value


def _leave(session: Session, house: Cafe, person: Subscriber) -> None:
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.ONE_CLICK)


def _complain(session: Session, _house: Cafe, person: Subscriber) -> None:
    complaint.object_to_marketing(session, person.id, method=Method.PAGE)


def _restrict(session: Session, _house: Cafe, person: Subscriber) -> None:
    subscriber.restrict(session, person, actor="subscriber")


def _end(session: Session, house: Cafe, person: Subscriber) -> None:
    ends(as_stored(session, house, person), valid_until=clock.now())


def _unused(session: Session, house: Cafe, person: Subscriber) -> None:
    ends(as_stored(session, house, person), first_use_deadline=clock.now(), last_contact_at=None)


def _lapse(session: Session, house: Cafe, person: Subscriber) -> None:
    ends(as_stored(session, house, person), valid_until=clock.now() - DAY)
    lifecycle.end_due(session)


def _silence(session: Session, house: Cafe, person: Subscriber) -> None:
    months = list_rules.of(house.mailing_list).dormancy_block
    long_ago = clock.months_later(clock.now(), -months)
    ends(as_stored(session, house, person), since=long_ago, last_contact_at=long_ago)


def _archive(session: Session, house: Cafe, _person: Subscriber) -> None:
    mailing_list.archive(house.mailing_list)


def _ask_for_an_age(session: Session, house: Cafe, _person: Subscriber) -> None:
    house.mailing_list.least_age = 16


def _ask_for_two(session: Session, house: Cafe, _person: Subscriber) -> None:
    house.mailing_list.jurisdiction = "ru"


def _change_the_purpose(session: Session, house: Cafe, _person: Subscriber) -> None:
    house.mailing_list.purpose = "bread"


@pytest.mark.parametrize(
    "happens",
    [
        _leave, _complain, _restrict, _end, _unused, _lapse, _silence, _archive, _ask_for_an_age, _ask_for_two,
        _change_the_purpose,
    ],
)  # fmt: skip
def test_where_nothing_lives_a_button_renews_nothing(
    session: Session, house: Cafe, anna: Subscriber, happens: Happens
) -> None:
    shown = renewal.text(session, anna, house.mailing_list)
    assert shown is not None
    happens(session, house, anna)
    session.flush()
    state = as_stored(session, house, anna).state
    assert offer(session, house, anna) == Offer(Standing.FORM, house.mailing_list.name)
    assert renewal.renew(session, anna.id, house.mailing_list.id, seen=shown.sha256) is Standing.FORM
    assert as_stored(session, house, anna).state is state
    assert events(session, anna) == []


def test_who_waits_to_be_asked_or_is_not_there_has_nothing_to_renew(session: Session, house: Cafe) -> None:
    asked = cafe.sign_up(session, house, ANNA)
    for person, on in (
        (asked.subscriber_id, house.mailing_list.id),
        (999, house.mailing_list.id),
        (asked.subscriber_id, 99),
    ):
        assert renewal.renew(session, person, on, seen="") is Standing.FORM


def test_her_page_asks_by_itself_only_when_the_end_is_near(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    ends(as_stored(session, house, anna), first_use_deadline=None, valid_until=clock.now() + ASKED_BEFORE)
    assert not offer(session, house, anna).is_due
    frozen_clock.shift(MOMENT)
    assert offer(session, house, anna).is_due
    renew(session, house, anna)
    assert not offer(session, house, anna).is_due


def test_the_ledger_alone_makes_a_renewed_permission_again(session: Session, house: Cafe, anna: Subscriber) -> None:
    renew(session, house, anna)
    key = (anna.subject_ref, house.mailing_list.public_id)
    word = fold.of(session, house.organisation)[key]
    assert (word.state, word.is_given) == (SubscriptionState.CONFIRMED, True)
    assert fold.heal(session, house.organisation) == []
    current = as_stored(session, house, anna)
    renewed = current.renewed_at
    ends(current, state=SubscriptionState.UNSUBSCRIBED, renewed_at=None)
    session.flush()
    assert [repair.now for repair in fold.heal(session, house.organisation)] == [SubscriptionState.CONFIRMED]
    current = as_stored(session, house, anna)
    assert (current.basis, current.renewed_at) == (Basis.CONSENT, renewed)
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED


def test_the_record_shows_it_in_words_with_the_text_she_saw(session: Session, house: Cafe, anna: Subscriber) -> None:
    renew(session, house, anna)
    made = dossier.certificate(
        session, house.organisation, anna.subject_ref, spoken="en", at=checkpoint.make(session, house.organisation)
    )
    [permission] = made.permissions
    renewed = permission.happenings[-1]
    assert certificate_words.event(renewed.type) == "Renewed the consent"
    assert renewed.text is not None
    assert (renewed.text.kind, renewed.text.button_label) == ("renewal", "Keep my letters coming")
    assert "Keep my letters coming" in certificate_html.render(made).decode()


def test_a_link_of_a_list_that_became_part_of_another_renews_there(
    session: Session, house: Cafe, anna: Subscriber
) -> None:
    other = mailing_list.create(session, house.organisation, name="Bread club")
    signup_form.create(session, house.organisation, other)
    merging.merge(session, house.organisation, house.mailing_list, other, actor="user:1")
    shown = renewal.text(session, anna, other)
    assert shown is not None
    assert renewal.renew(session, anna.id, house.mailing_list.id, seen=shown.sha256) is Standing.ASKS
    assert [event.list_id for event in events(session, anna)] == [other.id]


@pytest.mark.usefixtures("_keys")
def test_a_link_names_one_person_and_one_list_and_ends(frozen_clock: time_machine.Traveller) -> None:
    token = renewal_link.token_of(7, 9)
    assert renewal_link.read(token) == (7, 9)
    for forged in ("", "preview", token[:-1], token + "A", token[::-1], "\x00", "é" * 40, "A" * 10_000):
        assert renewal_link.read(forged) is None
    frozen_clock.shift(renewal_link.LASTS + MOMENT)
    assert renewal_link.read(token) is None


def test_every_language_has_its_button() -> None:
    assert set(RENEWAL) == set(language.LANGUAGES)
    assert len(set(RENEWAL.values())) == len(RENEWAL)
    assert max(map(len, RENEWAL.values())) <= 120
