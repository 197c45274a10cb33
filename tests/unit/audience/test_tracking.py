"""Consent to tracking: apart from the consent to mail, off until she says yes herself, and over at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import (
    complaint,
    consent,
    mailing_list,
    merging,
    signup_form,
    subscriber,
    subscription,
    tracking,
    unsubscribe,
)
from listkeeper.audience.consent import Circumstances, ConsentEvent, EventKind, Method
from listkeeper.audience.consent_text import ConsentText, TextKind
from listkeeper.audience.proof import fold, journal, journal_replay, ledger, ledger_audit
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.starter_text import COUNTING, TRACKING
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.tracking import Counting
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Fact
from tests.makers import cafe, gate
from tests.makers.cafe import Cafe
from tests.unit.audience.conftest import HER, as_stored


def _words(house: Cafe, person: Subscriber) -> ConsentText:
    return tracking.text(house.organisation, house.mailing_list, person.language)


def _agree(session: Session, house: Cafe, person: Subscriber) -> bool:
    return tracking.agree(session, person.id, house.mailing_list.id, seen=_words(house, person).sha256)


def _events(session: Session, person: Subscriber) -> list[ConsentEvent]:
    kinds = {EventKind.TRACKING_GIVEN, EventKind.TRACKING_WITHDRAWN}
    return [event for event in consent.history(session, person) if event.kind in kinds]


def _ended(session: Session) -> list[int]:
    return list(session.scalars(select(Fact.subject_id).where(Fact.name == subscription.TRACKING_ENDED)))


def _seen(session: Session, person: Subscriber) -> bool:
    query = select(Subscription.id).join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    return session.scalar(query.where(Subscriber.id == person.id, tracking.stands())) is not None


def test_nobody_is_seen_who_did_not_say_so(session: Session, house: Cafe, person: Subscriber) -> None:
    assert as_stored(session, house, person).tracking_since is None
    assert _events(session, person) == []
    assert not _seen(session, person)


def test_a_yes_is_proved_by_its_words_its_moment_and_its_act(session: Session, house: Cafe, person: Subscriber) -> None:
    assert _agree(session, house, person)
    [event] = _events(session, person)
    assert (event.kind, event.method, event.actor) == (EventKind.TRACKING_GIVEN, Method.PAGE, "subscriber")
    assert as_stored(session, house, person).tracking_since == event.at
    assert _seen(session, person)
    row = session.get_one(LedgerRow, (event.organisation_id, event.ledger_seq))
    said = ledger.fields_of(row)
    assert (said["type"], said["purpose"], said["basis"]) == ("tracking.given", tracking.PURPOSE, "consent")
    # The words are published in the ledger before they are cited, and they are those that were shown.
    text = session.scalars(select(ConsentText).where(ConsentText.sha256 == said["text_sha256"])).one()
    assert text.kind is TextKind.TRACKING
    assert text.ledger_seq is not None
    assert text.ledger_seq < row.seq
    assert house.organisation.legal_name in text.body
    assert house.mailing_list.name in text.body
    assert ledger_audit.check(session, house.organisation).faults == []
    # Said once more it is said.
    assert not _agree(session, house, person)


def test_it_touches_no_permission_to_write(session: Session, house: Cafe, person: Subscriber) -> None:
    before = gate.says(session, person, house.mailing_list)
    rested_on = as_stored(session, house, person).consent_event_id
    _agree(session, house, person)
    assert gate.says(session, person, house.mailing_list) == before == gate.GRANTED
    tracking.withdraw(session, person.id, house.mailing_list.id)
    assert gate.says(session, person, house.mailing_list) == gate.GRANTED
    assert as_stored(session, house, person).consent_event_id == rested_on
    assert set(fold.of(session, house.organisation).keys()) == {(person.subject_ref, house.mailing_list.public_id)}
    assert fold.heal(session, house.organisation) == []


def test_other_words_than_those_of_today_are_no_yes(session: Session, house: Cafe, person: Subscriber) -> None:
    shown = _words(house, person).sha256
    house.organisation.legal_name = "Somebody Else"
    session.flush()
    for seen in (shown, "", "0" * 64):
        with pytest.raises(Invalid, match="read them once more"):
            tracking.agree(session, person.id, house.mailing_list.id, seen=seen)
    assert as_stored(session, house, person).tracking_since is None
    assert _events(session, person) == []


@pytest.mark.parametrize("method", sorted(set(Method) - {Method.PAGE}))
def test_no_other_act_gives_it(session: Session, house: Cafe, person: Subscriber, method: Method) -> None:
    """No import, no program, no operator, no link of a letter; and no undo brings it back."""
    with pytest.raises(Conflict, match="own act"):
        consent.record(
            session, person, house.mailing_list.id, EventKind.TRACKING_GIVEN, method, Circumstances(actor="user:1")
        )


def test_she_takes_it_back_at_once(session: Session, house: Cafe, person: Subscriber) -> None:
    assert not tracking.withdraw(session, person.id, house.mailing_list.id)
    _agree(session, house, person)
    assert tracking.withdraw(session, person.id, house.mailing_list.id, delivery_id=7)
    assert as_stored(session, house, person).tracking_since is None
    assert not _seen(session, person)
    given, ended = _events(session, person)
    assert (given.kind, ended.kind, ended.delivery_id) == (EventKind.TRACKING_GIVEN, EventKind.TRACKING_WITHDRAWN, 7)
    assert _ended(session) == [person.id]
    assert _agree(session, house, person)


def test_leaving_ends_it_and_coming_back_does_not_begin_it(session: Session, house: Cafe, person: Subscriber) -> None:
    _agree(session, house, person)
    left = unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)
    assert _ended(session) == [person.id]
    assert left.undo is not None
    assert unsubscribe.undo(session, left.undo)
    current = as_stored(session, house, person)
    assert (current.state, current.tracking_since) == (SubscriptionState.CONFIRMED, None)
    _agree(session, house, person)
    complaint.object_to_marketing(session, person.id, method=Method.PAGE)
    assert as_stored(session, house, person).tracking_since is None
    cafe.subscribe(session, house, HER)
    current = as_stored(session, house, person)
    assert (current.state, current.tracking_since) == (SubscriptionState.CONFIRMED, None)


def test_whose_data_are_restricted_is_not_seen_meanwhile(session: Session, house: Cafe, person: Subscriber) -> None:
    _agree(session, house, person)
    subscriber.restrict(session, person, actor="subscriber")
    session.flush()
    assert not _seen(session, person)
    subscriber.unrestrict(session, person, actor="subscriber")
    session.flush()
    assert _seen(session, person)


def test_it_does_not_move_with_her_to_another_list(session: Session, house: Cafe, person: Subscriber) -> None:
    other = mailing_list.create(session, house.organisation, name="Bread club")
    signup_form.create(session, house.organisation, other)
    _agree(session, house, person)
    merging.merge(session, house.organisation, house.mailing_list, other, actor="user:1")
    moved = subscription.of(session, person.id, other.id)
    assert moved is not None
    assert (moved.state, moved.tracking_since) == (SubscriptionState.CONFIRMED, None)
    assert _ended(session) == [person.id]
    ended = _events(session, person)[-1]
    assert (ended.kind, ended.method, ended.actor) == (EventKind.TRACKING_WITHDRAWN, Method.OPERATOR, "user:1")


def test_who_has_not_confirmed_has_nothing_to_agree_to(session: Session, house: Cafe) -> None:
    asked = cafe.sign_up(session, house, HER)
    person = session.get_one(Subscriber, asked.subscriber_id)
    assert not _agree(session, house, person)
    assert not tracking.agree(session, 4711, house.mailing_list.id, seen=_words(house, person).sha256)


def test_a_restored_backup_does_not_see_whoever_took_it_back_since(
    session: Session, house: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    _agree(session, house, person)
    journal.write_down(session, tmp_path)
    session.commit()
    since = as_stored(session, house, person).tracking_since
    tracking.withdraw(session, person.id, house.mailing_list.id)
    journal.write_down(session, tmp_path)
    # As in the backup: her yes stands, and the ledger has not heard of its end. (Its row has a seat-belt, so it is
    # taken back whole.)
    session.rollback()
    assert as_stored(session, house, person).tracking_since == since
    replayed = journal_replay.replay(session, tmp_path, lambda _session, _person: None)
    assert replayed.restrained.narrowed == 1
    assert as_stored(session, house, person).tracking_since is None
    assert [event.method for event in _events(session, person)] == [Method.PAGE, Method.JOURNAL]


def test_a_yes_after_the_backup_is_not_made_up_from_the_journal(
    session: Session, house: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    journal.write_down(session, tmp_path)
    session.commit()
    _agree(session, house, person)
    journal.write_down(session, tmp_path)
    session.rollback()
    assert journal_replay.replay(session, tmp_path, lambda _session, _person: None).restrained.narrowed == 0
    assert as_stored(session, house, person).tracking_since is None


@pytest.mark.parametrize("how", [Counting.PERSON, Counting.NUMBER])
def test_every_language_has_the_words(house: Cafe, how: Counting) -> None:
    assert set(TRACKING) == set(COUNTING) == set(language.LANGUAGES)
    texts = [tracking.text(house.organisation, house.mailing_list, spoken, how) for spoken in language.LANGUAGES]
    assert len({text.sha256 for text in texts}) == len(texts)
    for text in texts:
        assert house.organisation.legal_name in text.body
        assert "IP" in text.body
        assert "{" not in f"{text.whole}{text.button_label}"
    assert EventType(EventKind.TRACKING_GIVEN.value) is EventType.TRACKING_GIVEN
    assert EventType(EventKind.COUNTING_GIVEN.value) is EventType.COUNTING_GIVEN


def _count(session: Session, house: Cafe, person: Subscriber) -> bool:
    words = tracking.text(house.organisation, house.mailing_list, person.language, Counting.NUMBER)
    return tracking.agree(session, person.id, house.mailing_list.id, seen=words.sha256, how=Counting.NUMBER)


def test_to_be_counted_is_a_yes_of_its_own_and_ends_the_other(
    session: Session, house: Cafe, person: Subscriber
) -> None:
    _agree(session, house, person)
    assert _count(session, house, person)
    assert not _count(session, house, person)
    current = as_stored(session, house, person)
    assert (current.tracking_since, tracking.chosen(current)) == (None, Counting.NUMBER)
    assert not _seen(session, person)
    assert _ended(session) == [person.id]
    event = consent.history(session, person)[-1]
    assert (event.kind, event.method, event.at) == (EventKind.COUNTING_GIVEN, Method.PAGE, current.counted_since)
    said = ledger.fields_of(session.get_one(LedgerRow, (event.organisation_id, event.ledger_seq)))
    text = session.scalars(select(ConsentText).where(ConsentText.sha256 == said["text_sha256"])).one()
    assert (said["type"], said["purpose"], text.kind) == (
        "tracking.counting_given", "link_counting", TextKind.COUNTING,
    )  # fmt: skip
    assert ledger_audit.check(session, house.organisation).faults == []
    assert gate.says(session, person, house.mailing_list) == gate.GRANTED


def test_leaving_or_moving_ends_that_too(session: Session, house: Cafe, person: Subscriber) -> None:
    _count(session, house, person)
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)
    current = as_stored(session, house, person)
    assert (current.counted_since, tracking.chosen(current)) == (None, Counting.NOTHING)
    # What was counted is nobody's, so nothing has to be let go of.
    assert _ended(session) == []


@pytest.mark.parametrize("method", sorted(set(Method) - {Method.PAGE}))
def test_no_other_act_lets_her_be_counted(session: Session, house: Cafe, person: Subscriber, method: Method) -> None:
    with pytest.raises(Conflict, match="own act"):
        consent.record(
            session, person, house.mailing_list.id, EventKind.COUNTING_GIVEN, method, Circumstances(actor="user:1")
        )


def test_a_restored_backup_knows_the_end_of_each_kind(
    session: Session, house: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    """Seen by name in the backup, and counted as a number since: brought back, neither stands, as nobody is told."""
    _agree(session, house, person)
    journal.write_down(session, tmp_path)
    session.commit()
    _count(session, house, person)
    journal.write_down(session, tmp_path)
    session.rollback()
    assert tracking.chosen(as_stored(session, house, person)) is Counting.PERSON
    replayed = journal_replay.replay(session, tmp_path, lambda _session, _person: None)
    assert replayed.restrained.narrowed == 1
    assert tracking.chosen(as_stored(session, house, person)) is Counting.NOTHING


def test_a_restored_backup_ends_what_was_counted(
    session: Session, house: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    _count(session, house, person)
    journal.write_down(session, tmp_path)
    session.commit()
    tracking.withdraw(session, person.id, house.mailing_list.id)
    journal.write_down(session, tmp_path)
    session.rollback()
    assert tracking.chosen(as_stored(session, house, person)) is Counting.NUMBER
    assert journal_replay.replay(session, tmp_path, lambda _session, _person: None).restrained.narrowed == 1
    assert tracking.chosen(as_stored(session, house, person)) is Counting.NOTHING
