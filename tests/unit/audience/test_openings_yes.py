"""A yes with her name to words that speak of openings; and one to those of before, which is for links alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import consent, erasure, mailing_list, merging, subscriber, tracking, unsubscribe
from listkeeper.audience.consent import EventKind, Method
from listkeeper.audience.proof import fold, journal, journal_replay, ledger, ledger_audit
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.starter_text import COUNTING, TRACKING
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.tracking import Counting
from listkeeper.foundation import clock
from tests.makers import cafe, older_yes
from tests.makers.cafe import Cafe
from tests.unit.audience.conftest import HER, as_stored

# In each language: an opened mail, a followed link, the picture.
SPEAKS_OF = {
    "en": ("I open", "links I follow", "picture"),
    "da": ("jeg åbner", "links jeg følger", "billede"),
    "nb": ("jeg åpner", "lenker jeg følger", "bilde"),
    "sv": ("jag öppnar", "länkar jag följer", "bild"),
    "pl": ("otwieram", "linki wybieram", "obrazek"),
    "ru": ("я открываю", "по каким ссылкам перехожу", "картинка"),
    "de": ("ich öffne", "welchen Links ich folge", "Bild"),
}


def _agree(session: Session, house: Cafe, person: Subscriber, how: Counting = Counting.PERSON) -> bool:
    words = tracking.text(house.organisation, house.mailing_list, person.language, how).sha256
    return tracking.agree(session, person.id, house.mailing_list.id, seen=words, how=how)


def _open(session: Session, person: Subscriber) -> bool:
    query = select(Subscription.id).join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    return session.scalar(query.where(Subscriber.id == person.id, tracking.opens())) is not None


@pytest.mark.parametrize("spoken", sorted(TRACKING))
def test_the_words_speak_of_openings_in_every_language(house: Cafe, spoken: str) -> None:
    assert set(SPEAKS_OF) == set(TRACKING)
    text = tracking.text(house.organisation, house.mailing_list, spoken)
    for said in (*SPEAKS_OF[spoken], house.organisation.legal_name, house.mailing_list.name):
        assert said in text.body, said
    opened, followed, _picture = SPEAKS_OF[spoken]
    assert followed in text.button_label
    assert opened.split()[-1] in text.button_label
    assert len(text.button_label) <= 120
    # That it can be stopped is said as it is of being counted, whose words go on.
    assert COUNTING[spoken][1].startswith(text.withdrawal)


def test_a_yes_to_the_words_of_before_is_for_links_alone(session: Session, house: Cafe, person: Subscriber) -> None:
    older_yes.say(session, house, person)
    current = as_stored(session, house, person)
    assert (tracking.chosen(current), current.opens_since) == (Counting.PERSON, None)
    assert not _open(session, person)
    words = tracking.said_to(session, person, current)
    assert words is not None
    assert words.body == older_yes.WORDS


def test_a_yes_to_the_words_of_today_adds_to_it_and_ends_nothing(
    session: Session, house: Cafe, person: Subscriber
) -> None:
    older_yes.say(session, house, person)
    since = as_stored(session, house, person).tracking_since
    assert _agree(session, house, person)
    current = as_stored(session, house, person)
    events = consent.history(session, person)
    assert current.tracking_since == since
    assert current.opens_since == events[-1].at
    assert [event.purpose for event in events[-2:]] == [tracking.LINKS_ALONE, tracking.PURPOSE]
    assert EventKind.TRACKING_WITHDRAWN not in {event.kind for event in events}
    words = tracking.said_to(session, person, current)
    assert words is not None
    assert words.purpose == tracking.PURPOSE
    assert _open(session, person)
    # Said once more it is said.
    assert not _agree(session, house, person)
    assert ledger_audit.check(session, house.organisation).faults == []


def test_what_ends_is_written_down_as_what_it_was(session: Session, house: Cafe, person: Subscriber) -> None:
    older_yes.say(session, house, person)
    tracking.withdraw(session, person.id, house.mailing_list.id)
    _agree(session, house, person)
    tracking.withdraw(session, person.id, house.mailing_list.id)
    ended = [each.purpose for each in consent.history(session, person) if each.kind is EventKind.TRACKING_WITHDRAWN]
    assert ended == [tracking.LINKS_ALONE, tracking.PURPOSE]
    assert tracking.said_to(session, person, as_stored(session, house, person)) is None


def _withdraw(session: Session, house: Cafe, person: Subscriber) -> None:
    assert tracking.withdraw(session, person.id, house.mailing_list.id)


def _leave(session: Session, house: Cafe, person: Subscriber) -> None:
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)


def _as_a_number(session: Session, house: Cafe, person: Subscriber) -> None:
    assert _agree(session, house, person, Counting.NUMBER)


def _merge(session: Session, house: Cafe, person: Subscriber) -> None:
    del person
    other = mailing_list.create(session, house.organisation, name="Bread club")
    merging.merge(session, house.organisation, house.mailing_list, other, actor="user:1")


def _erase(session: Session, _house: Cafe, person: Subscriber) -> None:
    erasure.erase(session, person.id, actor="subscriber", forget_copies=lambda *_: None)


@pytest.mark.parametrize("end", [_withdraw, _leave, _as_a_number, _merge, _erase])
def test_it_ends_with_the_yes_to_links(
    session: Session, house: Cafe, person: Subscriber, end: Callable[[Session, Cafe, Subscriber], None]
) -> None:
    _agree(session, house, person)
    assert _open(session, person)
    end(session, house, person)
    session.flush()
    rows = session.execute(select(Subscription.tracking_since, Subscription.opens_since)).all()
    assert {tuple(row) for row in rows} <= {(None, None)}


def test_whose_data_are_restricted_is_not_seen_to_open_meanwhile(
    session: Session, house: Cafe, person: Subscriber
) -> None:
    _agree(session, house, person)
    subscriber.restrict(session, person, actor="subscriber")
    session.flush()
    assert not _open(session, person)


def test_a_restored_backup_sees_no_openings_of_whoever_took_it_back_since(
    session: Session, house: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    _agree(session, house, person)
    journal.write_down(session, tmp_path)
    session.commit()
    tracking.withdraw(session, person.id, house.mailing_list.id)
    journal.write_down(session, tmp_path)
    session.rollback()
    assert as_stored(session, house, person).opens_since is not None
    assert journal_replay.replay(session, tmp_path, lambda _session, _person: None).restrained.narrowed == 1
    current = as_stored(session, house, person)
    assert (current.tracking_since, current.opens_since) == (None, None)


def test_a_yes_to_more_after_the_backup_is_not_made_up_from_the_journal(
    session: Session, house: Cafe, person: Subscriber, tmp_path: Path
) -> None:
    older_yes.say(session, house, person)
    journal.write_down(session, tmp_path)
    session.commit()
    since = as_stored(session, house, person).tracking_since
    _agree(session, house, person)
    journal.write_down(session, tmp_path)
    session.rollback()
    assert journal_replay.replay(session, tmp_path, lambda _session, _person: None).restrained.narrowed == 0
    current = as_stored(session, house, person)
    assert (current.tracking_since, current.opens_since) == (since, None)


def _told_by_the_ledger(session: Session, person: Subscriber) -> tuple[datetime | None, ...]:
    """Return since when she is seen, seen to open, and counted, by nothing but the ledger."""
    seen: datetime | None = None
    opens: datetime | None = None
    counted: datetime | None = None
    for row in session.scalars(
        select(LedgerRow).where(LedgerRow.subject == person.subject_ref).order_by(LedgerRow.seq)
    ):
        said = ledger.fields_of(row)
        at = clock.of_milliseconds(said["ts"])
        match EventType(said["type"]):
            case EventType.TRACKING_GIVEN:
                seen, opens = seen or at, at if said["purpose"] == tracking.PURPOSE else None
            case EventType.COUNTING_GIVEN:
                counted = at
            case EventType.TRACKING_WITHDRAWN | EventType.COUNTING_WITHDRAWN | EventType.WITHDRAWN:
                seen = opens = counted = None
    return seen, opens, counted


def _back(session: Session, house: Cafe, person: Subscriber) -> None:
    _leave(session, house, person)
    session.flush()
    cafe.subscribe(session, house, HER)


def _older(session: Session, house: Cafe, person: Subscriber) -> None:
    if tracking.chosen(as_stored(session, house, person)) is Counting.NOTHING:
        older_yes.say(session, house, person)


ACTS: tuple[Callable[[Session, Cafe, Subscriber], object], ...] = (
    _agree,
    lambda session, house, person: _agree(session, house, person, Counting.NUMBER),
    lambda session, house, person: tracking.withdraw(session, person.id, house.mailing_list.id),
    _older,
    _back,
)


@pytest.mark.parametrize("seed", range(6))
def test_the_ledger_alone_says_what_she_lets_be_seen(
    session: Session, house: Cafe, person: Subscriber, seed: int
) -> None:
    dice = random.Random(seed)
    for _ in range(12):
        dice.choice(ACTS)(session, house, person)
        current = as_stored(session, house, person)
        stored = (current.tracking_since, current.opens_since, current.counted_since)
        for kept, told in zip(stored, _told_by_the_ledger(session, person), strict=True):
            assert (kept is None) == (told is None), stored
            assert kept is None or told is None or abs((kept - told).total_seconds()) < 1
        # Nor does the ledger's own reading change a thing.
        assert fold.heal(session, house.organisation) == []
        session.expire_all()
        assert stored == (current.tracking_since, current.opens_since, current.counted_since)
