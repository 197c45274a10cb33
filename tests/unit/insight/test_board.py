"""The board: three numbers and never a fourth, green only when measured, one action each, and a log that is honest."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.accounts import user
from listkeeper.accounts.user import Role
from listkeeper.audience import complaint, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError, NotFound
from listkeeper.insight import (
    board,
    board_action,
    board_measure,
    board_number,
    board_pick,
    board_target,
    board_value,
    board_warnings,
    clean_up,
)
from listkeeper.insight.board import Status
from listkeeper.insight.board_number import DEFAULT, NUMBERS, NumberKind
from listkeeper.insight.board_pick import Pick
from listkeeper.insight.board_reading import Reading, Unknown
from listkeeper.sending import engagement_tally
from listkeeper.sending.engagement_tally import Key, What
from tests.makers import cafe, silent
from tests.makers.cafe import Cafe

K = NumberKind


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café on a Monday at eight."""
    del frozen_clock
    return cafe.found(session)


def _measured(session: Session, house: Cafe, kind: NumberKind) -> Reading:
    return board_measure.measure(session, house.organisation, kind, practice=False)


def _count(session: Session, house: Cafe, *kinds: NumberKind) -> None:
    wanted = kinds or tuple(NumberKind)
    board_value.keep(
        session, house.organisation, board_value.measure_all(session, house.organisation, wanted, practice=False)
    )


# What is on it


def test_three_numbers_are_there_to_begin_with(session: Session, house: Cafe) -> None:
    picked = board_pick.of(session, house.organisation)
    assert [pick.kind for pick in picked] == list(DEFAULT)
    assert [card.status for card in board.show(session, house.organisation)] == [Status.NOT_COUNTED] * 3


def test_an_owner_picks_others_with_targets_and_somebody_who_looks_after_them(session: Session, house: Cafe) -> None:
    chosen = [Pick(K.LEFT, 5, house.owner.public_id), Pick(K.REACH)]
    board_pick.choose(session, house.organisation, chosen)
    assert board_pick.of(session, house.organisation) == chosen
    board_pick.choose(session, house.organisation, chosen[::-1])
    assert board_pick.of(session, house.organisation) == chosen[::-1]
    assert board.show(session, house.organisation)[1].owner == "owner@cafe.example"


@pytest.mark.parametrize(
    ("picks", "error", "said"),
    [
        ([Pick(kind) for kind in (*DEFAULT, K.LEFT)], Conflict, "three numbers"),
        ([Pick(kind) for kind in NumberKind], Conflict, "three numbers"),
        ([], Invalid, "at least one"),
        ([Pick(K.LEFT), Pick(K.LEFT)], Invalid, "each number once"),
        ([Pick(K.LEFT, -1)], Invalid, "from 0 on"),
        ([Pick(K.LEFT, 10**13)], Invalid, "from 0 on"),
        ([Pick(K.LEFT, 1, "usr_nobody")], NotFound, "no user"),
    ],
)
def test_a_fourth_number_and_other_nonsense_is_refused(
    session: Session, house: Cafe, picks: list[Pick], error: type[ListkeeperError], said: str
) -> None:
    with pytest.raises(error, match=said):
        board_pick.choose(session, house.organisation, picks)
    assert [pick.kind for pick in board_pick.of(session, house.organisation)] == list(DEFAULT)


def test_a_user_who_was_removed_looks_after_nothing(session: Session, house: Cafe) -> None:
    gerd = user.create(session, written="gerd@cafe.example", organisation_id=house.organisation.id, role=Role.EDITOR)
    board_pick.choose(session, house.organisation, [Pick(K.LEFT, 5, gerd.public_id)])
    gerd.active = False
    session.flush()
    assert board_pick.of(session, house.organisation) == [Pick(K.LEFT, 5)]


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (K.CLICKED_LAST, "3", 30),
        (K.CLICKED_LAST, "2,5 %", 25),
        (K.CLICKED_LAST, "100", 1000),
        (K.NEW_CONFIRMED, "1.200", 1200),
        (K.NEW_CONFIRMED, "1,200,000", 1_200_000),
        (K.NEW_CONFIRMED, " 12 500 ", 12_500),
        (K.NEW_CONFIRMED, "0", 0),
        (K.TRUST, "1", 1),
        (K.NEW_CONFIRMED, "", None),
        (K.COST_OF_ONE, "12,50", 1250),
    ],
)
def test_targets_are_read_as_they_are_typed_and_typed_as_they_are_read(
    kind: NumberKind, typed: str, value: int | None
) -> None:
    assert board_target.read(kind, typed, "DKK") == value
    assert board_target.read(kind, board_target.typed(kind, value, "DKK"), "DKK") == value


@pytest.mark.parametrize(
    ("kind", "typed"),
    [(K.CLICKED_LAST, "101"), (K.CLICKED_LAST, "-1"), (K.CLICKED_LAST, "3.55"), (K.LEFT, "-3"), (K.LEFT, "ten"),
     (K.LEFT, "٣"), (K.LEFT, "9" * 13), (K.COST_OF_ONE, "-1"), (K.COST_OF_ONE, "NaN"), (K.LEFT, "12.5"),
     (K.LEFT, "2,5"), (K.LEFT, "12 5"), (K.LEFT, "1.20.0"), (K.LEFT, "1,200.5"), (K.TRUST, "0,5"), (K.LEFT, "--3")],
)  # fmt: skip
def test_a_target_that_is_none_is_refused(kind: NumberKind, typed: str) -> None:
    with pytest.raises(Invalid):
        board_target.read(kind, typed, "DKK")


@pytest.mark.parametrize("typed", ["12.5", "2,5", "12 5", "-3", "ten"])
def test_a_count_is_no_part_of_one_and_the_sentence_says_so(typed: str) -> None:
    """“12.5” never becomes 125: signs divide thousands, and nothing else."""
    with pytest.raises(Invalid, match="a whole number from 0 on") as refused:
        board_target.read(K.LEFT, typed, "DKK")
    assert refused.value.code == "target"


# What it counts


@pytest.mark.parametrize("kind", list(NumberKind))
def test_an_empty_business_is_unknown_or_nothing_and_never_green_for_free(
    session: Session, house: Cafe, kind: NumberKind
) -> None:
    _count(session, house, kind)
    target = NUMBERS[kind].target
    card = board.card(Pick(kind, target), board_value.newest(session, house.organisation)[kind])
    assert card.reading is not None
    counted_for_good = {K.NEW_CONFIRMED: 0, K.LEFT: 0, K.ENDING_SOON: 0, K.REACH: 0}
    if kind in counted_for_good:
        assert card.reading.value == counted_for_good[kind]
        return
    assert card.status is Status.UNKNOWN
    assert card.reading.unknown is not None
    assert card.detail
    assert card.value == ""


@pytest.mark.parametrize("kind", list(NumberKind))
def test_each_number_has_words_and_exactly_one_action(kind: NumberKind) -> None:
    action = board_action.of(kind, Reading(None))
    assert board_number.title(kind)
    assert board_number.sentence(kind)
    assert action.words
    assert action.path.startswith("/studio/")


def test_new_this_week_against_last_week(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    for name in ("anna", "bo", "carl"):
        cafe.subscribe(session, house, f"{name}@guest.example")
    frozen_clock.shift(timedelta(days=8))
    dora = cafe.subscribe(session, house, "dora@guest.example")
    # Whoever leaves had come all the same, and whoever takes that back did not come twice.
    unsubscribe.leave(session, dora.id, house.mailing_list.id, Method.PAGE)
    reading = _measured(session, house, K.NEW_CONFIRMED)
    assert (reading.value, reading.before) == (1, 3)
    _count(session, house, K.NEW_CONFIRMED)
    card = board.show(session, house.organisation)[0]
    assert (card.value, card.change, card.status) == ("1", "Last week: 3", Status.OFF_TARGET)
    assert (card.action.code, card.action.path) == ("share_form", f"/studio/forms/{house.form.public_id}")


def test_a_weak_form_is_to_be_mended_before_it_is_shared(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    for place in range(board_measure.ENOUGH_SIGNUPS - 1):
        cafe.sign_up(session, house, f"reader{place}@guest.example")
    frozen_clock.shift(timedelta(hours=2))
    assert _measured(session, house, K.WEAKEST_FORM).unknown is Unknown.FEW_SIGNUPS
    cafe.subscribe(session, house, "anna@guest.example")
    frozen_clock.shift(timedelta(hours=2))
    weak = _measured(session, house, K.WEAKEST_FORM)
    assert (weak.value, weak.facts["part"], weak.facts["whole"]) == (50, 1, 20)
    assert board_action.of(K.NEW_CONFIRMED, _measured(session, house, K.NEW_CONFIRMED)).code == "mend_form"


def test_left_ending_and_reach(session: Session, house: Cafe) -> None:
    anna, bo, carl = silent.people(session, house, "anna bo carl")
    unsubscribe.leave(session, anna.subscriber_id, house.mailing_list.id, Method.PAGE)
    complaint.complain(session, bo.subscriber_id)
    carl.valid_until = clock.now() + timedelta(days=10)
    session.flush()
    assert _measured(session, house, K.LEFT).value == 2
    ending = _measured(session, house, K.ENDING_SOON)
    # Never written to, and for long: that ends a permission as well.
    assert (ending.value or 0) >= 1
    assert ending.facts["lists"][0]["expiring"] == 1
    assert _measured(session, house, K.REACH).value == 1
    _count(session, house, K.ENDING_SOON)
    [warning] = board_warnings.of(session, house.organisation)
    assert (warning.list_name, warning.expiring) == ("News", 1)
    # What took long is read as it was counted.
    row = board_value.newest(session, house.organisation)[K.ENDING_SOON]
    row.took_ms = 500
    carl.valid_until = None
    session.flush()
    assert board_warnings.of(session, house.organisation) == [warning]


def test_orders_are_those_that_the_shop_counts_for_a_letter(session: Session, house: Cafe) -> None:
    [anna] = silent.people(session, house, "anna")
    for number, (campaign_id, days) in enumerate(((0, 1), (7, 1), (7, 20), (7, 40), (7, 100))):
        session.add(
            PostedEvent(
                organisation_id=house.organisation.id,
                subscriber_id=anna.subscriber_id,
                name="order",
                external_id=str(number),
                at=clock.now() - timedelta(days=days),
                campaign_id=campaign_id,
            )
        )
    session.flush()
    reading = _measured(session, house, K.ORDERS)
    assert (reading.value, reading.before) == (2, 1)


def test_never_reacted_is_the_share_of_those_who_can_be_judged(session: Session, house: Cafe) -> None:
    quiet = silent.people(session, house, "anna bo")
    silent.people(session, house, "carl", seen=None)
    silent.letters(session, house, 5, quiet)
    assert _measured(session, house, K.NEVER_REACTED).unknown is Unknown.NOBODY_JUDGED
    for list_id, found in clean_up.count_all(session, house.organisation):
        clean_up.keep(session, list_id, found)
    reading = _measured(session, house, K.NEVER_REACTED)
    assert (reading.value, reading.facts["part"], reading.facts["whole"]) == (1000, 2, 2)
    action = board_action.of(K.NEVER_REACTED, reading)
    assert action.path == f"/studio/lists/{house.mailing_list.public_id}/clean-up"


def test_the_last_letter_is_unknown_until_links_are_counted(session: Session, house: Cafe) -> None:
    assert _measured(session, house, K.CLICKED_LAST).unknown is Unknown.NOTHING_SENT
    silent.letters(session, house, 1, [])
    reading = _measured(session, house, K.CLICKED_LAST)
    assert reading.unknown is Unknown.NO_LINKS_COUNTED
    assert board_action.of(K.CLICKED_LAST, reading).code == "see_report"


def _clicks(session: Session, letter: Campaign, counted: int, clickers: int) -> None:
    key = Key(letter.id, letter.sent_revision_id or 0, 0, engagement_tally.UNKNOWN, What.COUNTED)
    engagement_tally.add(session, Counter({key: counted, key._replace(what=What.CLICKER): clickers}))


def test_a_letter_of_today_is_too_young_and_the_one_before_it_is_read_meanwhile(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    """Within minutes its links are not counted yet, and an hour of clicks is no match for a day of them."""
    [first] = silent.letters(session, house, 1, [])
    first.started_at = clock.now()
    session.flush()
    young = _measured(session, house, K.CLICKED_LAST)
    assert (young.unknown, young.facts["letter"]) == (Unknown.TOO_YOUNG, first.public_id)
    assert board_action.of(K.CLICKED_LAST, young).code == "see_report"
    _clicks(session, first, 100, 60)
    frozen_clock.shift(timedelta(hours=24))
    assert _measured(session, house, K.CLICKED_LAST).value == 600
    [second] = silent.letters(session, house, 1, [])
    second.started_at = clock.now() - timedelta(hours=23)
    _clicks(session, second, 100, 1)
    session.flush()
    reading = _measured(session, house, K.CLICKED_LAST)
    assert (reading.value, reading.before, reading.facts["letter"]) == (600, None, first.public_id)
    frozen_clock.shift(timedelta(hours=1))
    reading = _measured(session, house, K.CLICKED_LAST)
    assert (reading.value, reading.before, reading.facts["letter"]) == (10, 600, second.public_id)


def test_there_is_no_letter_before_the_first_one(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    """What the same letter came to a week ago is not what the letter before it came to."""
    [letter] = silent.letters(session, house, 1, [])
    _clicks(session, letter, 100, 60)
    _count(session, house, K.CLICKED_LAST)
    frozen_clock.shift(timedelta(days=7))
    _count(session, house, K.CLICKED_LAST)
    row = board_value.newest(session, house.organisation)[K.CLICKED_LAST]
    assert (row.value, row.before) == (600, None)
    assert board.card(Pick(K.CLICKED_LAST), row).change == ""


# Values of days


def test_a_small_list_is_counted_again_after_a_minute_and_a_long_one_after_an_hour(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    assert board_value.due(session, house.organisation, DEFAULT) == list(NumberKind)
    _count(session, house)
    assert board_value.due(session, house.organisation, DEFAULT) == []
    frozen_clock.shift(timedelta(seconds=61))
    assert board_value.due(session, house.organisation, DEFAULT) == list(DEFAULT)
    board_value.newest(session, house.organisation)[K.TRUST].took_ms = 60_000
    session.flush()
    assert K.TRUST not in board_value.due(session, house.organisation, DEFAULT)
    frozen_clock.shift(timedelta(minutes=60))
    assert board_value.due(session, house.organisation, DEFAULT) == list(DEFAULT)
    frozen_clock.shift(timedelta(days=1))
    assert board_value.due(session, house.organisation, DEFAULT) == list(NumberKind)


def test_a_level_is_compared_with_what_it_was_a_week_ago(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    silent.people(session, house, "anna")
    _count(session, house, K.REACH)
    frozen_clock.shift(timedelta(days=7))
    silent.people(session, house, "bo")
    _count(session, house, K.REACH)
    _count(session, house, K.REACH)
    row = board_value.newest(session, house.organisation)[K.REACH]
    assert (row.value, row.before) == (2, 1)
    assert board.card(Pick(K.REACH), row).change == "A week ago: 1"


def test_the_most_urgent_is_what_is_off_its_target(session: Session, house: Cafe) -> None:
    _count(session, house)
    cards = board.show(session, house.organisation)
    urgent = board.most_urgent(cards)
    assert urgent is not None
    assert urgent.kind is K.NEW_CONFIRMED
    assert board.most_urgent([replace(cards[0], status=Status.ON_TARGET)]) is None


def test_the_trust_account_says_what_its_number_counts() -> None:
    trust = NUMBERS[NumberKind.TRUST]
    said = [board_number.written(trust, value) for value in (0, 1, 2)]
    assert said == ["Nothing to repair", "1 thing to repair", "2 things to repair"]
    assert board_number.target_words(trust, 0) == "Target: nothing to repair"
    assert board_number.target_words(trust, 1) == "Target: at most 1 thing to repair"
