"""Visits: a token names one link of one delivery, and a visit names her only while her consent stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import erasure, subscriber, tracking
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import link
from listkeeper.foundation import clock, signing
from listkeeper.sending import link_visit, planning, traces
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.link_visit import Agent, LinkVisit, Named
from tests.makers import cafe, seen
from tests.makers.cafe import Cafe

SITE = "http://localhost:8025"
URL = "https://cafe.example/bread"
ANNA, BO = "anna@guest.example", "bo@guest.example"


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with a letter sent to two people, of whom Anna lets her links be seen."""
    made = cafe.found(session)
    anna = cafe.subscribe(session, made, ANNA)
    cafe.subscribe(session, made, BO)
    planning.send_campaign(session, made.organisation, cafe.draft(session, made), site=SITE)
    words = tracking.text(made.organisation, made.mailing_list, anna.language).sha256
    assert tracking.agree(session, anna.id, made.mailing_list.id, seen=words)
    session.flush()
    return made


def _named(session: Session, address: str) -> Named:
    query = select(Delivery).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
    letter = session.scalars(query.where(Subscriber.email_send == address, Delivery.campaign_id.is_not(None))).one()
    return Named(letter.id, link.numbers(session, letter.revision_id or 0)[URL])


def _person(session: Session, address: str) -> Subscriber:
    return session.scalars(select(Subscriber).where(Subscriber.email_send == address)).one()


def test_a_letters_links_are_stored_when_it_is_sent(session: Session, house: Cafe) -> None:
    assert _named(session, ANNA).link_id == _named(session, BO).link_id


@pytest.mark.usefixtures("house")
def test_a_token_names_what_it_was_made_for_and_nothing_else() -> None:
    token = link_visit.token_of(7, 9)
    assert link_visit.read(token) == Named(7, 9)
    assert link_visit.token_of(7, 10) != token != link_visit.token_of(8, 9)
    assert "@" not in token
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        altered = f"{token[:place]}{other}{token[place + 1 :]}"
        # The last letter holds bits that mean nothing: whatever they are, it names the same or nothing.
        assert link_visit.read(altered) in ({None} if place < len(token) - 1 else {None, Named(7, 9)})
    for wrong in ("", "x", token[:-1], f"{token}AA", "ø", "%00", token * 50):
        assert link_visit.read(wrong) is None
    for purpose in ("unsubscribe", "preferences", "web-view", "why"):
        assert link_visit.read(signing.token(purpose, 7)) is None
        assert signing.read(purpose, token) is None


def test_only_stored_places_are_counted(session: Session, house: Cafe) -> None:
    named = _named(session, ANNA)
    urls = ["https://cafe.example/new", URL]
    address = link_visit.counted(SITE, named.delivery_id, urls, {URL: named.link_id})
    assert address is not None
    assert address(0) == urls[0]
    assert address(1) == f"{SITE}/l/{link_visit.token_of(named.delivery_id, named.link_id)}"
    assert link_visit.counted(SITE, named.delivery_id, urls, {}) is None


def test_a_visit_names_only_whoever_agreed(session: Session, house: Cafe) -> None:
    hers, his = _named(session, ANNA), _named(session, BO)
    link_visit.add(session, [(hers, Agent.BROWSER), (his, Agent.BROWSER), (hers, Agent.PROGRAM)])
    link_visit.add(session, [(Named(4711, hers.link_id), Agent.BROWSER)])
    assert seen.stored(session) == [
        (hers.delivery_id, Agent.BROWSER), (None, Agent.BROWSER), (hers.delivery_id, Agent.PROGRAM),
        (None, Agent.BROWSER),
    ]  # fmt: skip
    rows = session.scalars(select(LinkVisit)).all()
    assert {row.link_id for row in rows} == {hers.link_id}
    assert all(abs((clock.now() - row.at).total_seconds()) < 60 for row in rows)


def _withdraw(session: Session, house: Cafe, anna: Subscriber) -> None:
    assert tracking.withdraw(session, anna.id, house.mailing_list.id)


def _restrict(session: Session, _house: Cafe, anna: Subscriber) -> None:
    subscriber.restrict(session, anna, actor="subscriber")
    session.flush()


def _forget(session: Session, _house: Cafe, anna: Subscriber) -> None:
    erasure.erase(session, anna.id, actor="subscriber", forget_copies=lambda *_: None)


@pytest.mark.parametrize("end", [_withdraw, _restrict, _forget])
def test_from_the_moment_it_ends_a_visit_is_a_number(
    session: Session, house: Cafe, end: Callable[[Session, Cafe, Subscriber], None]
) -> None:
    hers = _named(session, ANNA)
    if end is _forget:
        # What erasure does first with what is sent.
        session.execute(update(Delivery).where(Delivery.id == hers.delivery_id).values(subscriber_id=None))
    end(session, house, _person(session, ANNA))
    session.flush()
    link_visit.add(session, [(hers, Agent.BROWSER)])
    assert seen.stored(session) == [(None, Agent.BROWSER)]


def test_what_was_seen_is_let_go_of_when_it_ends(session: Session, house: Cafe) -> None:
    hers, anna = _named(session, ANNA), _person(session, ANNA)
    link_visit.add(session, [(hers, Agent.BROWSER)])
    link_visit.let_go(session, anna.id)
    assert seen.stored(session) == [(hers.delivery_id, Agent.BROWSER)]
    assert [(each["link"], each["by"]) for each in link_visit.of_person(session, anna.id)] == [(URL, Agent.BROWSER)]
    _withdraw(session, house, anna)
    session.flush()
    link_visit.let_go(session, anna.id)
    assert seen.stored(session) == [(None, Agent.BROWSER)]
    assert link_visit.of_person(session, anna.id) == []


@pytest.mark.usefixtures("house")
def test_erasing_her_lets_go_of_all_of_it(session: Session, tmp_path: object) -> None:
    hers, anna = _named(session, ANNA), _person(session, ANNA)
    link_visit.add(session, [(hers, Agent.BROWSER)])
    erasure.erase(session, anna.id, actor="subscriber", forget_copies=traces.forgetter(tmp_path))  # type: ignore[arg-type]
    assert seen.stored(session) == [(None, Agent.BROWSER)]
    assert link.led_to(session, hers.link_id) == URL
    assert session.scalars(select(Subscription.tracking_since)).all() == [None]
