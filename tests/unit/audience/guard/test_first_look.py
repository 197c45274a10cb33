"""The first look at a post: what adds up to a risk, and what takes it away again."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import signup, signup_form
from listkeeper.audience.guard import defence, ticket, work
from listkeeper.audience.signup import Signup, SignupDecision, Visit
from listkeeper.foundation.errors import Invalid
from tests.makers import proof_of_work, signups
from tests.makers.cafe import Cafe
from tests.makers.signups import HER, LIMITS

HERS = "freja@guest.example"
# A browser of today on a page that is not ours.
BROWSER = Visit(network="192.0.2.1", browser="Mozilla/5.0", origin="https://cafe.example")


def _version(session: Session, house: Cafe) -> int:
    return signup_form.shown(session, house.form.slug).version.id


def _marks(session: Session, typed: str) -> list[str]:
    return session.scalars(select(Signup).where(Signup.email_send == typed)).one().marks


@pytest.mark.parametrize(
    ("visit", "asked"),
    [
        (BROWSER, False),
        (replace(BROWSER, origin=None), False),
        (replace(BROWSER, browser=""), False),
        (replace(BROWSER, browser="", origin=None), True),
        (replace(BROWSER, browser=None, origin=None), False),
    ],
)
def test_a_post_that_hides_where_it_comes_from_is_asked_for_more(
    session: Session, house: Cafe, visit: Visit, asked: bool
) -> None:
    assert signups.asks_more(session, house, HERS, visit) is asked


def test_a_mailbox_of_minutes_is_marked_and_taken(session: Session, house: Cafe) -> None:
    signups.post(session, house, "freja@yopmail.com", BROWSER, LIMITS)
    assert _marks(session, "freja@yopmail.com") == ["disposable"]
    assert signups.asks_more(session, house, "karl@yopmail.com", replace(BROWSER, origin=None))


def test_nobody_reads_and_types_within_two_seconds(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    page = replace(BROWSER, ticket=ticket.make(_version(session, house)))
    frozen_clock.shift(timedelta(milliseconds=1_999))
    assert signups.asks_more(session, house, HERS, page)
    later = replace(BROWSER, ticket=ticket.make(_version(session, house)))
    frozen_clock.shift(timedelta(seconds=2))
    assert not signups.asks_more(session, house, HERS, later)


def test_a_ticket_serves_once_but_a_retry_is_no_second_time(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    page = replace(BROWSER, ticket=ticket.make(_version(session, house)), idempotency_key="one")
    frozen_clock.shift(timedelta(seconds=5))
    _row, first = signups.post(session, house, HERS, page, LIMITS)
    _row, again = signups.post(session, house, HERS, page, LIMITS)
    assert first == again
    assert signups.asks_more(session, house, "karl@guest.example", replace(page, idempotency_key="two"))


def test_a_ticket_of_another_version_or_of_nobody_is_none(session: Session, house: Cafe) -> None:
    made = ticket.make(7)
    assert ticket.opened_at(made, 7) is not None
    assert ticket.opened_at(made, 8) is None
    for forged in ("", "x", made[:-1], made[:-2] + "AA", "ä" * 40, "A" * 2_000):
        assert ticket.opened_at(forged, 7) is None
        assert ticket.is_too_old(forged, 7)


def test_work_done_is_remembered_as_evidence_of_it(session: Session, house: Cafe) -> None:
    defence.declare_attack(session, house.organisation.id, "user:1")
    assert signups.asks_more(session, house, HERS, BROWSER)
    assert signups.with_work(session, house, HERS, LIMITS, BROWSER) is SignupDecision.WAITING
    assert _marks(session, HERS) == ["defended", "worked"]


def test_a_second_press_counts_for_its_address_and_network_and_three_times_an_hour(
    session: Session, house: Cafe
) -> None:
    defence.declare_attack(session, house.organisation.id, "user:1")
    shown = signup_form.shown(session, house.form.slug)
    taken = []
    for number in range(5):
        typed = f"guest-{number}@guest.example"
        step = signup.receive(session, shown, typed, BROWSER, LIMITS).step
        assert step is not None
        pressed = replace(BROWSER, step=step.pressed)
        assert signups.asks_more(session, house, "other@guest.example", pressed)
        assert signups.asks_more(session, house, typed, replace(pressed, network="198.51.100.9"))
        taken.append(not signups.asks_more(session, house, typed, pressed))
        # It was used.
        assert signups.asks_more(session, house, typed, replace(pressed, idempotency_key="again"))
    assert taken == [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "!",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"number": 1}').decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(json.dumps([[[]]] * 400).encode()).decode(),
        "A" * 5_000,
    ],
)
def test_a_malformed_proof_is_none(session: Session, house: Cafe, answer: str) -> None:
    assert not work.is_done(session, house.form.public_id, answer)


def test_a_proof_of_odd_types_is_none(session: Session, house: Cafe) -> None:
    true = json.loads(base64.b64decode(proof_of_work.solved(work.challenge(house.form.public_id, 100))))
    for name, value in (("salt", 5), ("number", "5"), ("number", True), ("algorithm", "SHA-1"), ("signature", None)):
        odd = base64.b64encode(json.dumps(true | {name: value}).encode()).decode()
        assert not work.is_done(session, house.form.public_id, odd)
    assert work.is_done(session, house.form.public_id, base64.b64encode(json.dumps(true).encode()).decode())


def test_a_role_and_a_shut_domain_are_refused_in_words(session: Session, house: Cafe) -> None:
    for typed in ("abuse@guest.example", "POSTMASTER@guest.example", "no-reply@guest.example"):
        with pytest.raises(Invalid) as refused:
            signups.post(session, house, typed, HER, LIMITS)
        assert refused.value.code == "address_of_a_role"
    assert not signups.asks_more(session, house, "info@guest.example", HER)
