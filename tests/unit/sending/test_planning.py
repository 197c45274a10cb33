"""From a decision to rows: whom it freezes, what it refuses, and that it happens once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, unsubscribe
from listkeeper.audience.confirmation import AskKind, Confirmation
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.rendering.primary_tab import LETTERS_WITH_BLOCK
from listkeeper.sending import delivery, planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with three people on its list."""
    made = cafe.found(session)
    for name in ("freja", "karl", "ida"):
        cafe.subscribe(session, made, f"{name}@guest.example")
    return made


def _send(session: Session, house: Cafe, letter: Campaign, **more: str) -> int:
    return planning.send_campaign(session, house.organisation, letter, site=SITE, **more)  # type: ignore[arg-type]


def _rows(session: Session, letter: Campaign) -> list[Delivery]:
    return list(session.scalars(select(Delivery).where(Delivery.campaign_id == letter.id).order_by(Delivery.id)))


def test_the_audience_is_frozen_whole(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    pending = cafe.sign_up(session, house, "pending@guest.example")
    letter = cafe.draft(session, house)
    assert _send(session, house, letter) == 3
    rows, wanted = (
        _rows(session, letter),
        list(session.scalars(subscription.mailable(house.mailing_list, practice=False))),
    )
    assert [row.subscriber_id for row in rows] == wanted
    assert pending.subscriber_id not in wanted
    assert {row.state for row in rows} == {DeliveryState.QUEUED}
    assert {(row.message_class, row.lane) for row in rows} == {(MessageClass.MARKETING, Lane.SENDING)}
    assert {row.due_at for row in rows} == {row.created_at for row in rows} == {clock.now()}
    assert {row.revision_id for row in rows} == {letter.sent_revision_id} != {None}
    assert {row.list_id for row in rows} == {house.mailing_list.id}
    assert {(row.attempts, row.letters_before, row.worker, row.message_id) for row in rows} == {(0, 0, None, None)}
    assert (letter.state, letter.recipients, letter.started_at) == (CampaignState.SENDING, 3, clock.now())


def test_starting_twice_plans_once(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    _send(session, house, letter)
    with pytest.raises(Conflict):
        _send(session, house, letter)
    assert len(_rows(session, letter)) == 3
    assert session.scalars(select(Fact.subject_id).where(Fact.name == campaigns.STARTED)).all() == [letter.id]


def test_no_second_row_for_one_person_and_letter_can_be_made(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    _send(session, house, letter)
    session.commit()
    with pytest.raises(IntegrityError):
        planning.freeze(session, letter, campaigns.newest(session, letter))
    session.rollback()
    assert len(_rows(session, letter)) == 3


def test_who_joins_later_is_not_in_it(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    _send(session, house, letter)
    late = cafe.subscribe(session, house, "late@guest.example")
    assert late.id not in [row.subscriber_id for row in _rows(session, letter)]


def test_an_empty_audience_is_refused_and_leaves_a_draft(session: Session, house: Cafe) -> None:
    for person_id in session.scalars(subscription.mailable(house.mailing_list, practice=False)).all():
        unsubscribe.leave(session, person_id, house.mailing_list.id, Method.PAGE)
    letter = cafe.draft(session, house)
    session.commit()
    with pytest.raises(Invalid) as refused:
        _send(session, house, letter)
    session.rollback()
    outbox.rung_lanes(session)
    assert refused.value.code == "empty_audience"
    assert (letter.state, letter.recipients, letter.sent_revision_id) == (CampaignState.DRAFT, 0, None)
    assert _rows(session, letter) == []
    campaigns.write(session, letter, Draft("New", "words", "Still a draft."), base=letter.version)


def test_a_letter_that_changed_since_it_was_seen_is_not_sent(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    seen = campaigns.newest(session, letter).sha256
    campaigns.write(session, letter, Draft("Buns", "Warm", "Other words."), base=letter.version)
    with pytest.raises(Conflict) as refused:
        _send(session, house, letter, sha256=seen)
    assert refused.value.code == "changed_since_preview"
    session.rollback()


@pytest.fixture
def at_gmail(session: Session) -> Cafe:
    """A café with three readers at Gmail, whom the request about its tabs is for."""
    made = cafe.found(session)
    for address in ("Anna@GMail.com", "bo@googlemail.com", "ida@gmail.com"):
        cafe.subscribe(session, made, address)
    return made


def test_letters_before_counts_what_was_accepted(session: Session, at_gmail: Cafe) -> None:
    house = at_gmail
    first, second, third = (cafe.draft(session, house, subject=f"Letter {number}") for number in range(3))
    fates = {
        first: (DeliveryState.ACCEPTED, DeliveryState.ACCEPTED, DeliveryState.FAILED),
        second: (DeliveryState.ACCEPTED, DeliveryState.BOUNCED, DeliveryState.IN_DOUBT),
    }
    for letter, states in fates.items():
        _send(session, house, letter)
        for row, state in zip(_rows(session, letter), states, strict=True):
            row.state = state
        session.flush()
    # A test and a question are no letters.
    session.add_all(
        Delivery(
            organisation_id=1,
            message_class=kind,
            lane=Lane.URGENT,
            occasion=f"x:{kind}",
            state=DeliveryState.ACCEPTED,
            subscriber_id=_rows(session, first)[0].subscriber_id,
        )
        for kind in (MessageClass.DOI, MessageClass.SERVICE)
    )
    session.flush()
    _send(session, house, third)
    assert [row.letters_before for row in _rows(session, third)] == [2, 1, 0]


def test_letters_before_go_on_from_the_last_letter_and_are_counted_where_it_did_not_come(
    session: Session, at_gmail: Cafe
) -> None:
    elsewhere = cafe.subscribe(session, at_gmail, "elin@gmail.com.example").id
    rows: list[Delivery] = []
    for number in range(LETTERS_WITH_BLOCK + 2):
        letter = cafe.draft(session, at_gmail, subject=f"Letter {number}")
        _send(session, at_gmail, letter)
        rows = _rows(session, letter)
        counted = {(row.subscriber_id == elsewhere, row.letters_before) for row in rows}
        assert counted == {(False, number), (True, 0)}
        for row in rows:
            row.state = DeliveryState.ACCEPTED
        session.flush()
    missed = rows[0]
    session.delete(missed)
    joined = cafe.subscribe(session, at_gmail, "new@gmail.com").id
    _send(session, at_gmail, again := cafe.draft(session, at_gmail, subject="Again"))
    found = {row.subscriber_id: row.letters_before for row in _rows(session, again)}
    # What she has otherwise is counted as far as it matters.
    assert found[missed.subscriber_id] == LETTERS_WITH_BLOCK
    assert (found[joined], found[elsewhere]) == (0, 0)


def test_the_demo_s_people_are_planned_in_practice_alone(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, "invented@guest.example").demo = True
    session.flush()
    real, practice = cafe.draft(session, house), cafe.draft(session, house)
    assert _send(session, house, real) == 3
    assert planning.send_campaign(session, house.organisation, practice, site=SITE, practice=True) == 4


# Confirmation mail


@pytest.mark.parametrize(("kind", "message_class"), [("confirm", MessageClass.DOI), ("already", MessageClass.SERVICE)])
def test_one_mail_for_one_question(session: Session, house: Cafe, kind: str, message_class: MessageClass) -> None:
    asked = cafe.sign_up(session, house, "new@guest.example" if kind == "confirm" else "freja@guest.example")
    assert asked.kind is AskKind(kind)
    made = planning.mail_confirmation(session, asked.id)
    assert made is not None
    assert (made.message_class, made.lane, made.confirmation_id) == (message_class, Lane.URGENT, asked.id)
    assert (made.subscriber_id, made.list_id) == (asked.subscriber_id, asked.list_id)
    assert planning.mail_confirmation(session, asked.id) is None
    assert session.scalar(select(func.count()).where(Delivery.confirmation_id == asked.id)) == 1
    assert session.scalars(select(Fact.subject_id).where(Fact.name == delivery.QUEUED)).all() == [made.id]


def test_each_question_gets_a_mail_of_its_own(session: Session, house: Cafe) -> None:
    for _ in range(2):
        cafe.sign_up(session, house, "new@guest.example")
    asked = session.scalars(select(Confirmation).where(Confirmation.kind == AskKind.CONFIRM)).all()
    made = [planning.mail_confirmation(session, one.id) for one in asked]
    assert len({row.occasion for row in made if row}) == len(asked) == 5


# Tests


def _test(session: Session, house: Cafe, letter: Campaign, typed: str = "owner@cafe.example") -> Delivery:
    return planning.mail_test(session, house.organisation, letter, typed, site=SITE, per_hour=3)


def test_a_test_goes_to_whom_it_is_typed_for_and_changes_no_draft(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    made = _test(session, house, letter, " Owner@Cafe.example ")
    assert (made.message_class, made.lane, made.typed_address) == (MessageClass.TEST, Lane.URGENT, "Owner@cafe.example")
    assert (made.campaign_id, made.subscriber_id) == (None, None)
    assert made.revision_id == campaigns.newest(session, letter).id
    assert letter.state is CampaignState.DRAFT
    delivery.move(made, DeliveryState.LEASED)
    delivery.move(made, DeliveryState.REFUSED)
    assert made.typed_address is None, "a settled test forgets whom it went to"


def test_tests_are_counted_by_the_hour(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    letter = cafe.draft(session, house)
    occasions = {_test(session, house, letter).occasion for _ in range(3)}
    assert len(occasions) == 3
    with pytest.raises(Forbidden) as refused:
        _test(session, house, letter)
    assert refused.value.code == "too_many_tests"
    frozen_clock.shift(timedelta(hours=1))
    _test(session, house, letter)


def test_a_test_to_no_address_is_refused(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid):
        _test(session, house, cafe.draft(session, house), "owner")
    assert session.scalar(select(func.count()).select_from(Delivery)) == 0
