"""What the timeline says of what came back: what was told, by whom, and what was decided and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import bounce_wave, decision_words, undelivered
from listkeeper.feedback.event import FeedbackKind, Outcome, Proof
from listkeeper.foundation import clock, language
from tests.makers import cafe
from tests.makers.came_back import Postman

R, K = ReplyClass, FeedbackKind
START = datetime(2026, 11, 4, 12, tzinfo=UTC)


@pytest.fixture
def postman(session: Session, frozen_clock: time_machine.Traveller) -> Postman:
    frozen_clock.move_to(START, tick=False)
    house = cafe.found(session)
    return Postman(session, house, cafe.subscribe(session, house, "freja@guest.example"))


def test_the_third_full_mailbox_in_a_row_says_how_many_are_enough(postman: Postman) -> None:
    for days in (0, 3):
        postman.bounces(R.MAILBOX_FULL, at=START + timedelta(days=days))
    told = postman.bounces(R.MAILBOX_FULL, at=START + timedelta(days=6))
    assert decision_words.of(told) == (
        "The mailbox is full. Gmail said: “550 no”. That is number 3 in a row since Nov 4, 2026; after 5 over 30 days "
        "nothing more is sent."
    )


def test_the_last_one_says_that_it_was_enough(postman: Postman) -> None:
    *_, told = [postman.bounces(R.MAILBOX_FULL, at=START + timedelta(days=days)) for days in (0, 8, 16, 24, 32)]
    assert told.outcome is Outcome.HELD
    assert decision_words.of(told).endswith(
        "That was number 5 in a row since Nov 4, 2026, which is enough: nothing more is sent to this address."
    )


@pytest.mark.parametrize(
    ("found", "permanent", "end"),
    [
        (R.INVALID_ADDRESS, True, "such address. Gmail said: “550 no”. Nothing more is sent to this address."),
        (R.INVALID_ADDRESS, False, "after 8 over 30 days nothing more is sent."),
        (R.INVALID_DOMAIN, True, "after 2 over 1 day nothing more is sent."),
        (R.INACTIVE, False, "after 2 within 14 days nothing more is sent."),
        (R.TEMPORARY, False, "after 8 over 30 days nothing more is sent."),
        (R.RATE, False, "It is not counted against this address."),
        (R.TOO_BIG, False, "It is not counted against this address."),
    ],
)  # fmt: skip
def test_each_class_says_what_follows(postman: Postman, found: ReplyClass, permanent: bool, end: str) -> None:
    assert decision_words.of(postman.bounces(found, permanent=permanent)).endswith(end)


@pytest.mark.parametrize("found", list(R))
def test_what_is_counted_says_so_and_nothing_else_does(postman: Postman, found: ReplyClass) -> None:
    words = decision_words.of(postman.bounces(found))
    counted = found in undelivered.LIMITS or found in undelivered.AT_ONCE
    assert ("number 1 in a row" in words) is counted
    assert ("It is not counted" in words) is not counted


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (K.COMPLAINED, "called the letter spam. They are off the list at once, and only they"),
        (K.UNSUBSCRIBED, "They asked by mail to get no more letters. They are off the list at once"),
        (K.DELIVERED, "The mail arrived."),
        (K.AUTOREPLIED, "A machine answered, as when somebody is on holiday."),
        (K.REPLIED, "They wrote back."),
        (K.OTHER, "Something came in that changes nothing."),
        (K.DELAYED, "The mail is late; it is still being tried. Gmail said: “550 no”."),
    ],
)  # fmt: skip
def test_each_kind_is_said(postman: Postman, kind: FeedbackKind, said: str) -> None:
    told = postman.told(kind, postman.letter())
    assert told is not None
    assert said in decision_words.of(told)


def test_what_nobody_proved_says_so(postman: Postman) -> None:
    told = postman.told(K.BOUNCED, postman.letter(), found=R.INVALID_ADDRESS, permanent=True, proof=Proof.NONE)
    assert told is not None
    assert decision_words.of(told).endswith("so nothing follows from it.")


def test_what_was_taken_back_says_when(postman: Postman) -> None:
    told = postman.bounces(R.INVALID_ADDRESS, permanent=True)
    bounce_wave.lift_one(postman.session, postman.person, actor="user:1")
    postman.session.refresh(told)
    assert told.lifted_at == clock.now()
    assert decision_words.of(told).endswith("Taken back on Nov 4, 2026: it had been a mistake.")


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_every_language_fills_its_places(postman: Postman, spoken: str) -> None:
    rows = [postman.bounces(found) for found in R]
    with language.using(spoken):
        assert not [words for words in map(decision_words.of, rows) if "%(" in words]
