"""The brakes on confirmation mail: per mailbox in all its spellings, per network, and for who said "not me"."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import answering, confirmation, suppression
from listkeeper.audience.signup import SignupDecision, Visit
from listkeeper.audience.suppression import Reason
from tests.makers import signups
from tests.makers.cafe import NO_BRAKES, Cafe
from tests.makers.signups import HER, LIMITS

ASKED, BRAKED = SignupDecision.ASKED, SignupDecision.BRAKED
SPELLINGS = (
    ("freja@guest.example", "FREJA@guest.example", "freja@GUEST.example"),
    ("freja.holm@gmail.com", "frejaholm@gmail.com", "f.r.e.j.a.holm+cafe@googlemail.com", "FREJA.HOLM+x@gmail.com"),
    ("freja@outlook.com", "freja+news@outlook.com"),
    ("freja@icloud.com", "freja+1@icloud.com"),
    ("freja@yahoo.com", "freja-cafe@yahoo.com"),
)


@pytest.mark.parametrize("spellings", SPELLINGS)
def test_all_spellings_of_a_mailbox_share_one_mail_a_day(
    session: Session, house: Cafe, spellings: tuple[str, ...]
) -> None:
    became = [signups.decided(session, house, typed, LIMITS) for typed in spellings]
    assert became == [ASKED] + [BRAKED] * (len(spellings) - 1)
    assert signups.mails(session) == 1


def test_mailboxes_that_only_look_alike_are_not_braked_together(session: Session, house: Cafe) -> None:
    typed = ("freja.holm@guest.example", "frejaholm@guest.example", "freja+1@guest.example", "fre-ja@outlook.com")
    assert [signups.decided(session, house, one, LIMITS) for one in typed] == [ASKED] * 4


def test_field_f18_one_a_day_and_three_in_thirty_days(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    asked = []
    for hour in range(0, 24 * 31, 6):
        if signups.decided(session, house, "freja@guest.example", LIMITS) is ASKED:
            asked.append(hour)
        frozen_clock.shift(timedelta(hours=6))
    # The day's end, twice; then nothing until the first of the three is thirty days old.
    assert asked == [0, 24, 48, 24 * 30]


def test_the_day_ends_after_twenty_four_hours_and_not_before(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    assert signups.decided(session, house, "freja@guest.example", LIMITS) is ASKED
    frozen_clock.shift(timedelta(hours=24) - timedelta(milliseconds=1))
    assert signups.decided(session, house, "freja@guest.example", LIMITS) is BRAKED
    frozen_clock.shift(timedelta(milliseconds=1))
    assert signups.decided(session, house, "freja@guest.example", LIMITS) is ASKED


def test_the_note_to_a_subscriber_counts_too(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    row, _receipt = signups.post(session, house, "freja@guest.example", limits=LIMITS)
    signups.signup.decide(session, row.id, LIMITS)
    asked = signups.question(session, row)
    assert asked is not None
    signups.press(session, asked)
    assert signups.decided(session, house, "freja@guest.example", LIMITS) is BRAKED
    frozen_clock.shift(timedelta(days=1))
    assert signups.decided(session, house, "freja@guest.example", LIMITS) is SignupDecision.ALREADY_SUBSCRIBED
    assert signups.decided(session, house, "freja@guest.example", LIMITS) is BRAKED


def test_a_network_is_braked_after_its_hour_is_used_up(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    asked = [signups.asks_more(session, house, f"guest-{number}@guest.example", HER, LIMITS) for number in range(8)]
    assert asked == [False] * 5 + [True] * 3
    assert signups.decided(session, house, "far@guest.example", LIMITS, network="198.51.100.7") is ASKED
    frozen_clock.shift(timedelta(hours=1))
    assert signups.decided(session, house, "later@guest.example", LIMITS) is ASKED


def test_visits_without_a_known_network_share_a_brake(session: Session, house: Cafe) -> None:
    nowhere = Visit(browser="Test")
    asked = [signups.asks_more(session, house, f"guest-{number}@guest.example", nowhere, LIMITS) for number in range(6)]
    assert asked == [False] * 5 + [True]


def test_work_is_taken_beyond_the_hour_and_nothing_beyond_the_day(session: Session, house: Cafe) -> None:
    asked = [signups.with_work(session, house, f"guest-{number}@guest.example", LIMITS) for number in range(22)]
    assert asked == [SignupDecision.WAITING] * 20 + [BRAKED] * 2


def test_what_is_braked_leaves_no_trace_of_a_person(session: Session, house: Cafe) -> None:
    signups.decided(session, house, "freja@guest.example", LIMITS)
    row, _receipt = signups.post(session, house, "freja@guest.example", limits=LIMITS)
    assert signups.signup.decide(session, row.id, LIMITS) is BRAKED
    assert row.subscriber_id is None
    assert signups.question(session, row) is None


def test_not_me_keeps_further_questions_away_for_half_a_year(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    row, _receipt = signups.post(session, house, "freja@guest.example", limits=LIMITS)
    signups.signup.decide(session, row.id, LIMITS)
    asked = signups.question(session, row)
    assert asked is not None
    answering.refuse(session, confirmation.token_of(asked))
    frozen_clock.shift(timedelta(days=180) - timedelta(seconds=1))
    assert signups.decided(session, house, "freja@guest.example", LIMITS) is SignupDecision.SUPPRESSED
    frozen_clock.shift(timedelta(seconds=1))
    assert signups.decided(session, house, "freja@guest.example", LIMITS) is ASKED


def test_who_may_be_asked_in_spite_of_a_suppression(session: Session, house: Cafe) -> None:
    """Who left may come back by a new question; a legal hold, "not me" and the scope of questions forbid it."""
    scopes = (suppression.ALL, suppression.MARKETING, suppression.CONFIRMATIONS, suppression.list_scope(1))
    for reason, scope in itertools.product(Reason, scopes):
        typed = f"{reason}.{scope.replace(':', '-')}@guest.example"
        key = suppression.key_of(house.organisation.id, typed)
        suppression.add(session, house.organisation.id, key, scope=scope, reason=reason)
        forbidden = scope == suppression.CONFIRMATIONS or reason in {Reason.LEGAL, Reason.NOT_ME}
        expected = SignupDecision.SUPPRESSED if forbidden else ASKED
        became = signups.decided(session, house, typed, NO_BRAKES)
        assert became is expected, (reason, scope)
