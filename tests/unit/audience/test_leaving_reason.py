"""Why people leave: counted, tied to nobody, and never with an address in it."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import leaving_reason
from listkeeper.audience.leaving_reason import LeavingReason, Why
from listkeeper.foundation.errors import Invalid
from tests.makers.cafe import Cafe


def _tell(session: Session, house: Cafe, words: str = "", letter: str = "7", why: Why = Why.OTHER) -> bool:
    return leaving_reason.tell(session, house.mailing_list, why, words, letter=letter)


def test_an_answer_names_a_list_a_reason_and_a_day(session: Session, house: Cafe) -> None:
    assert _tell(session, house, "  Too much\r\ncardamom,\x00 too little rye. ", why=Why.TOO_MANY)
    [row] = session.scalars(select(LeavingReason))
    assert (row.list_id, row.reason, row.words) == (
        house.mailing_list.id, Why.TOO_MANY, "Too much cardamom, too little rye."
    )  # fmt: skip
    assert (row.day.hour, row.day.minute, row.day.second, row.day.microsecond) == (0, 0, 0, 0)
    assert {column.key for column in LeavingReason.__table__.columns} == {"id", "list_id", "reason", "words", "day"}
    assert leaving_reason.counts(session, house.mailing_list)[Why.TOO_MANY] == 1
    assert leaving_reason.counts(session, house.mailing_list)[Why.OTHER] == 0


@pytest.mark.parametrize(
    "words",
    [
        "write to anna@shop.example",
        "anna @ shop.example please",
        "I am anna\uff20shop.example",
        "anna (at) shop dot example",
        "anna[AT]shop.example",
        "<anna@shop>",
    ],
)
def test_words_with_an_address_are_sent_back(session: Session, house: Cafe, words: str) -> None:
    with pytest.raises(Invalid, match="addresses out"):
        _tell(session, house, words)
    assert session.scalars(select(LeavingReason)).all() == []


@pytest.mark.parametrize("words", ["", "I am never at home", "Tłumaczenie było złe 🙂", "x" * 500])
def test_other_words_are_kept(session: Session, house: Cafe, words: str) -> None:
    assert _tell(session, house, words)
    assert session.scalars(select(LeavingReason.words)).one() == words
    assert leaving_reason.told(session, house.mailing_list) == [words] * bool(words)


def test_words_have_a_limit_and_a_letter_answers_three_times(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid, match="500"):
        _tell(session, house, "x" * 501)
    assert [_tell(session, house) for _ in range(4)] == [True, True, True, False]
    assert _tell(session, house, letter="8")
    assert leaving_reason.counts(session, house.mailing_list)[Why.OTHER] == 4
