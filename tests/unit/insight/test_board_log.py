"""The log of the board: the value of then, the value after, and words that claim no more than both carry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid, NotFound
from listkeeper.insight import board_log, board_reading
from listkeeper.insight.board_log import BoardLog
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_reading import Unknown
from listkeeper.insight.board_value import BoardValue
from tests.makers import cafe
from tests.makers.cafe import Cafe

K = NumberKind


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café on a Monday at eight."""
    del frozen_clock
    return cafe.found(session)


def _value(session: Session, house: Cafe, day: date, value: int, **facts: Any) -> None:  # noqa: ANN401 - stored facts
    session.add(
        BoardValue(
            organisation_id=house.organisation.id,
            kind=K.NEW_CONFIRMED,
            day=day,
            value=value,
            facts=facts,
            counted_at=clock.now(),
            took_ms=1,
        )
    )
    session.flush()


def _deed(kind: NumberKind, first: int | None, second: int | None, **facts: dict[str, int]) -> BoardLog:
    return BoardLog(
        kind=kind, value_then=first, value_after=second,
        facts_then=facts.get("then", {}), facts_after=facts.get("after", {}),
        measured_at=datetime(2026, 11, 30, tzinfo=UTC), due_on=date(2026, 11, 30),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said", "better"),
    [
        (_deed(K.NEW_CONFIRMED, 12, 40), "+28 a week: 12 then, 40 after.", True),
        (_deed(K.NEW_CONFIRMED, 40, 12), "\N{MINUS SIGN}28 a week: 40 then, 12 after.", False),
        (_deed(K.NEW_CONFIRMED, 12, 14), "No difference seen: 12 then, 14 after.", None),
        (_deed(K.NEW_CONFIRMED, 0, 0), "No difference seen: 0 then, 0 after.", None),
        (_deed(K.LEFT, 40, 12), "\N{MINUS SIGN}28 in 30 days: 40 then, 12 after.", True),
        (_deed(K.ENDING_SOON, 3, 0), "\N{MINUS SIGN}3: 3 then, 0 after.", True),
        (_deed(K.NEW_CONFIRMED, None, 4), "Nothing can be said: the number was not known.", None),
        (_deed(K.NEW_CONFIRMED, 4, None), "Nothing can be said: the number was not known.", None),
        (
            _deed(K.CLICKED_LAST, 50, 100, then={"part": 50, "whole": 1000}, after={"part": 100, "whole": 1000}),
            "+5.0 percentage points: 5% then, 10% after.",
            True,
        ),
        # Five of a hundred and eight of a hundred could be chance.
        (
            _deed(K.CLICKED_LAST, 50, 80, then={"part": 5, "whole": 100}, after={"part": 8, "whole": 100}),
            "No difference seen: 5% then, 8% after.",
            None,
        ),
        (
            _deed(K.CLICKED_LAST, 0, 0, then={"part": 0, "whole": 9}, after={"part": 0, "whole": 9}),
            "No difference seen: 0% then, 0% after.",
            None,
        ),
    ],
)
def test_the_effect_in_words_claims_no_more_than_the_numbers_carry(
    row: BoardLog, said: str, better: bool | None
) -> None:
    found = board_log.effect(row)
    assert (found.words, found.better) == (said, better)


def test_what_was_done_is_noted_with_the_value_of_then_and_the_effect_of_later(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    _value(session, house, date(2026, 11, 23), 12)
    made = board_log.note(session, house.organisation, K.NEW_CONFIRMED, "  Code on\tthe till ", actor="user:1", days=14)
    assert (made.did, made.day, made.value_then, made.due_on) == (
        "Code on the till", date(2026, 11, 23), 12, date(2026, 12, 7),
    )  # fmt: skip
    again = board_log.note(session, house.organisation, K.NEW_CONFIRMED, "Code on the till", actor="user:1")
    assert again.id == made.id
    frozen_clock.shift(timedelta(days=13))
    _value(session, house, date(2026, 12, 6), 90)
    assert board_log.fill_in(session, house.organisation) == 0
    assert board_log.effect(made).words == "The effect is looked for on Dec 7, 2026."
    # The machine slept on the day it was due.
    frozen_clock.shift(timedelta(days=3))
    assert board_log.fill_in(session, house.organisation) == 0
    _value(session, house, date(2026, 12, 9), 40)
    assert board_log.fill_in(session, house.organisation) == 1
    assert board_log.fill_in(session, house.organisation) == 0
    assert (made.value_after, board_log.effect(made).better) == (40, True)


@pytest.mark.parametrize(
    ("did", "days", "code"),
    [("", 7, "nothing_done"), (" \n", 7, "nothing_done"), ("x" * 501, 7, "too_long"), ("a\x00b", 7, "too_long"),
     ("Wrote", 8, "days"), ("Wrote", 0, "days")],
)  # fmt: skip
def test_a_note_that_is_none_is_refused(session: Session, house: Cafe, did: str, days: int, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        board_log.note(session, house.organisation, K.LEFT, did, actor="cli", days=days)
    assert caught.value.code == code


def test_a_note_is_deleted_for_good_and_only_by_its_own_business(session: Session, house: Cafe) -> None:
    wrong, right = (
        board_log.note(session, house.organisation, K.LEFT, said, actor="user:1") for said in ("Rwote", "Wrote")
    )
    other = Organisation(id=house.organisation.id + 1, language="en")
    with pytest.raises(NotFound):
        board_log.delete(session, other, wrong.public_id)
    board_log.delete(session, house.organisation, wrong.public_id)
    assert board_log.newest(session, house.organisation) == [right]
    with pytest.raises(NotFound) as gone:
        board_log.delete(session, house.organisation, wrong.public_id)
    assert gone.value.code == "no_note"


def test_every_reason_for_not_knowing_has_its_words() -> None:
    assert len({board_reading.unknown_words(why) for why in Unknown}) == len(Unknown)
