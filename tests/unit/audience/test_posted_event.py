"""Posted events in the domain: what of them stays when a person is forgotten, and what a letter's link names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import erasure, posted_event, posting
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.event_count import EventCount
from listkeeper.audience.posted_event import PostedEvent, Sum
from listkeeper.audience.posting import Outcome, Referred, Told
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe
from tests.makers.cafe import Cafe

HER = "anna@shop.example"
Post = Callable[..., list[str]]


@pytest.fixture
def house(session: Session) -> Cafe:
    made = cafe.found(session)
    cafe.subscribe(session, made, HER)
    return made


@pytest.fixture
def post(session: Session, house: Cafe) -> Post:
    """Post events, whose links name a letter as a test says."""

    def do(*told: Told, ref: Referred | None = None) -> list[str]:
        named = {each.ref: ref for each in told if each.ref} if ref is not None else {}
        answers = posting.post(
            session, house.organisation, told, zone="Europe/Copenhagen", read_refs=lambda _session, _refs: named
        )
        return [each.outcome.value for each in answers]

    return do


def _rows(session: Session) -> list[PostedEvent]:
    session.expire_all()
    return list(session.scalars(select(PostedEvent).order_by(PostedEvent.id)))


def test_the_link_of_a_letter_names_the_letter_and_perhaps_the_reader(
    session: Session, house: Cafe, post: Post
) -> None:
    letter = cafe.draft(session, house).id
    her = cafe.subscribe(session, house, "bo@shop.example").id
    assert post(Told("order", "bo@shop.example", "", "A", 100, "DKK", ref="x"), ref=(letter, her)) == ["stored"]
    assert post(Told("order", "", "", "B", 100, "DKK", ref="x"), ref=(letter, her)) == ["stored"]
    assert post(Told("order", "", "", "C", 100, "DKK", ref="x"), ref=(letter, None)) == ["stored"]
    assert post(Told("order", "", "", "D", 100, "DKK", ref="x"), ref=None) == ["unknown"]
    assert post(Told("order", "stranger@shop.example", "", "E", 1, "DKK", ref="x"), ref=(letter, her)) == ["unknown"]
    assert [row.external_id for row in posted_event.of_person(session, her)] == ["B", "A"]
    assert [(row.subscriber_id, row.campaign_id) for row in _rows(session)] == [
        (her, letter),
        (her, letter),
        (None, letter),
    ]
    assert posted_event.of_campaign(session, letter) == [Sum("order", "DKK", 3, 300)]


# What a shop posts of somebody who is signed in, and whose mark it is: of no reader by name, or of another one.
WHOSE: dict[str, Callable[[int], int | None]] = {
    "as a number": lambda _other: None,
    "another reader": lambda other: other,
}


@pytest.mark.parametrize("whose", WHOSE.values(), ids=WHOSE)
def test_nothing_ties_a_person_to_a_letter_that_is_not_hers_by_name(
    session: Session, house: Cafe, post: Post, whose: Callable[[int], int | None]
) -> None:
    letter = cafe.draft(session, house).id
    ref = letter, whose(cafe.subscribe(session, house, "bo@shop.example").id)
    told = [Told("order", HER, "", number, 100, "DKK", ref="x") for number in ("A", "B")]
    told.append(Told("refund", HER, "", "A", 40, "DKK", ref="x"))
    assert post(*told, ref=ref) == ["stored"] * 3
    # Hers, and of no letter.
    rows = _rows(session)
    assert [(row.subscriber_id is not None, row.campaign_id) for row in rows] == [(True, 0)] * 3
    assert {row.campaign_id for row in session.scalars(select(Activity))} == {0}
    # The letter's, and nobody's.
    sums = [Sum("order", "DKK", 2, 200), Sum("refund", "DKK", 1, 40)]
    assert posted_event.of_campaign(session, letter) == sums
    # Neither a moment nor a number of the shop's leads from the one to the other.
    assert set(EventCount.__table__.c.keys()) == {"id", "campaign_id", "name", "currency", "number", "amount"}
    # Told again, with the letter, without it, or by the link alone, it is what it was, and is counted once.
    again = Told("order", HER, "", "A", 100, "DKK", ref="x")
    assert post(again, ref=ref) == post(again, ref=None) == ["known"]
    assert post(Told("order", "", "", "A", 100, "DKK", ref="x"), ref=(letter, None)) == ["conflict"]
    assert post(Told("order", HER, "", "A", 101, "DKK", ref="x"), ref=ref) == ["conflict"]
    assert posted_event.of_campaign(session, letter) == sums


def test_an_anonymous_event_needs_a_number(post: Post) -> None:
    assert post(Told("order", "", "", "", 100, "DKK", ref="x"), ref=(1, None)) == ["invalid"]


def test_what_was_paid_back_is_taken_off() -> None:
    sums = [
        Sum("order", "DKK", 2, 300),
        Sum("refund", "DKK", 1, 100),
        Sum("refund", "EUR", 1, 5),
        Sum("visit", "", 9, 0),
    ]
    assert posted_event.income(sums) == {"DKK": 200, "EUR": -5}


def test_a_moment_without_an_offset_is_by_the_clocks_of_the_business(session: Session, post: Post) -> None:
    assert post(Told("visit", HER, "2026-11-23 09:15")) == ["stored"]
    assert clock.as_text(_rows(session)[0].at) == "2026-11-23T08:15:00.000Z"


def test_a_repeat_without_its_moment_is_the_same_event(post: Post, frozen_clock: time_machine.Traveller) -> None:
    assert post(Told("order", HER, "", "A", 5, "DKK")) == ["stored"]
    frozen_clock.shift(timedelta(hours=1))
    assert post(Told("order", HER, "", "A", 5, "DKK"), Told("order", HER, "", "A", 6, "DKK")) == ["known", "conflict"]


def test_buying_is_written_down_on_each_list_she_is_on_and_paying_back_is_not(
    session: Session, house: Cafe, post: Post
) -> None:
    assert post(Told("refund", HER, "", "R", 5, "DKK")) == ["stored"]
    assert session.scalars(select(Activity)).all() == []
    assert post(Told("order", HER, "", "A", 5, "DKK"), Told("order", HER, "", "B", 5, "DKK")) == ["stored", "stored"]
    kept = session.scalars(select(Activity)).all()
    assert [(row.kind, row.list_id) for row in kept] == [(ActivityKind.BOUGHT, house.mailing_list.id)]


def test_when_she_is_forgotten_a_letters_money_stays_and_nothing_else_of_hers(
    session: Session, house: Cafe, post: Post
) -> None:
    letter = cafe.draft(session, house).id
    told = Told("order", HER, "", "A-1107", 100, "DKK", ref="x")
    assert post(told, ref=(letter, None)) == ["stored"]
    assert post(Told("visit", HER, "", "V-1")) == ["stored"]
    her = _rows(session)[0].subscriber_id
    assert her is not None
    erasure.erase(session, her, actor="test", forget_copies=lambda _session, _person: None)
    kept = _rows(session)
    # The letter's own count stays; what is left of hers only knows the event again.
    assert [(row.subscriber_id, row.name, row.amount, row.campaign_id, row.apart) for row in kept] == [
        (None, "order", 100, 0, True)
    ]
    assert "A-1107" not in kept[0].external_id
    assert session.scalars(select(Activity)).all() == []
    # The shop tells it once more, by the link alone: it is counted once.
    again = Told("order", "", "", "A-1107", 100, "DKK", ref="x")
    assert post(again, ref=(letter, None)) == ["known"]
    assert post(told, ref=(letter, None)) == ["unknown"]
    assert posted_event.of_campaign(session, letter) == [Sum("order", "DKK", 1, 100)]


def test_more_than_a_thousand_are_refused_whole(session: Session, post: Post) -> None:
    with pytest.raises(Invalid):
        post(*[Told("visit", HER)] * 1001)
    assert _rows(session) == []
    assert {each.value for each in Outcome} == {"stored", "known", "unknown", "conflict", "invalid"}
