"""What an owner types in from a provider's pages: a rate counts for a week, and what is no rate is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.deliverability import provider_figures, readiness, sending_domain
from listkeeper.deliverability.readiness import Provider
from listkeeper.deliverability.readiness_cell import State
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation.errors import Invalid


@pytest.fixture
def domain(session: Session, frozen_clock: time_machine.Traveller) -> SendingDomain:
    owner = organisation.found(
        session, legal_name="Shop", postal_address="Street 1\n1000 Town", from_address="hello@shop.example", spoken="en"
    )
    return sending_domain.add(session, owner.id, "shop.example")


def _gmail(domain: SendingDomain) -> State:
    card = readiness.scorecard([], complaint_rate=provider_figures.of(domain).spam_rate)
    [row] = [row for row in card.rows if row.code == "G5"]
    return row.cells[Provider.GMAIL].state


@pytest.mark.parametrize(
    ("typed", "state"),
    [("", State.UNKNOWN), ("0", State.PASS), ("0,05 %", State.PASS), ("0.09", State.PASS), ("0.1", State.FAIL),
     ("0.3%", State.FAIL), ("100", State.FAIL)],
)  # fmt: skip
def test_a_rate_passes_below_a_tenth_of_a_per_cent(domain: SendingDomain, typed: str, state: State) -> None:
    assert _gmail(domain) is State.UNKNOWN
    provider_figures.tell(domain, typed, yahoo_loop=False)
    assert _gmail(domain) is state


@pytest.mark.parametrize("typed", ["-1", "101", "nan", "inf", "1e9", "a", "0.1.2", "0,1,2", "٪"])
def test_what_is_no_rate_is_refused_and_what_was_known_stays(domain: SendingDomain, typed: str) -> None:
    provider_figures.tell(domain, "0.05", yahoo_loop=True)
    with pytest.raises(Invalid):
        provider_figures.tell(domain, typed, yahoo_loop=False)
    known = provider_figures.of(domain)
    assert known.spam_rate == pytest.approx(0.0005)
    assert known.yahoo_loop


def test_a_rate_counts_for_a_week_and_the_register_for_good(
    session: Session, domain: SendingDomain, frozen_clock: time_machine.Traveller
) -> None:
    provider_figures.tell(domain, "0.05", yahoo_loop=True)
    session.commit()
    session.expire_all()
    frozen_clock.shift(provider_figures.LASTS)
    assert _gmail(domain) is State.PASS
    frozen_clock.shift(timedelta(seconds=1))
    assert _gmail(domain) is State.UNKNOWN
    assert provider_figures.of(domain).yahoo_loop is True
