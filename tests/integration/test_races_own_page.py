"""Many presses at the same moment on a person's own links: what must happen once happens once, on both databases."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.audience import access_link, address_change, erasure, preferences, unsubscribe
from listkeeper.audience.address_change import ChangeOutcome
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.erasure import Erasure
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, Subscription, SubscriptionState
from tests.fakes.at_once import at_once
from tests.fakes.databases import Database
from tests.makers import cafe
from tests.makers.works import HER, writing

MANY = 12


@pytest.fixture
def her(app: Flask, database: Database) -> tuple[int, int]:
    """Somebody on a list; the numbers of both."""
    del database
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        return cafe.subscribe(session, made, HER).id, made.mailing_list.id


def test_a_link_pressed_by_many_at_once_opens_one_page(app: Flask, her: tuple[int, int]) -> None:
    with writing(app) as session:
        link = access_link.ask(session, session.get_one(Subscriber, her[0]))
        assert link is not None
        token = access_link.token_of(link)

    def press(_number: int) -> str | None:
        with writing(app) as session:
            return access_link.use(session, token)

    visits = [visit for visit in at_once(MANY, press) if visit is not None]
    assert len(visits) == 1


def test_confirming_and_cancelling_an_address_at_once_leave_one_of_the_two(app: Flask, her: tuple[int, int]) -> None:
    """Case 36: the change is cancelled by the old owner while the new one confirms."""
    with writing(app) as session:
        change = address_change.ask(session, session.get_one(Subscriber, her[0]), "freja@new.example")
        confirm, cancel = address_change.token_of(change), address_change.cancel_token_of(change)

    def press(number: int) -> ChangeOutcome:
        with writing(app) as session:
            if number % 2:
                return address_change.cancel(session, cancel).outcome
            return address_change.confirm(session, confirm).outcome

    outcomes = at_once(MANY, press)
    assert outcomes.count(ChangeOutcome.CANCELLED) == 1
    assert outcomes.count(ChangeOutcome.CHANGED) <= 1
    with writing(app) as session:
        # However they met, the last word is the old owner's.
        assert session.get_one(Subscriber, her[0]).email_send == HER


def test_the_same_choice_made_by_many_at_once_is_written_down_once(app: Flask, her: tuple[int, int]) -> None:
    def choose(_number: int) -> bool:
        with writing(app) as session:
            return preferences.choose_frequency(session, *her, Frequency.MONTHLY)

    assert sum(at_once(MANY, choose)) == 1
    with writing(app) as session:
        narrowed = select(func.count()).select_from(ConsentEvent).where(ConsentEvent.kind == EventKind.NARROWED)
        assert session.scalar(narrowed) == 1


def test_a_choice_and_a_leaving_at_once_never_bring_her_back(app: Flask, her: tuple[int, int]) -> None:
    def press(number: int) -> None:
        with writing(app) as session:
            if number % 3 == 0:
                unsubscribe.leave(session, *her, Method.PAGE)
            elif number % 3 == 1:
                preferences.snooze(session, *her, 30)
            else:
                preferences.resume(session, *her)

    at_once(MANY, press)
    with writing(app) as session:
        assert session.scalars(select(Subscription.state)).one() is SubscriptionState.UNSUBSCRIBED


def test_an_erasure_pressed_by_many_at_once_is_one(app: Flask, her: tuple[int, int]) -> None:
    def press(_number: int) -> bool:
        with writing(app) as session:
            made = erasure.erase(session, her[0], actor="subscriber", forget_copies=lambda _session, _person: None)
            return made is not None

    assert sum(at_once(MANY, press)) == 1
    with writing(app) as session:
        assert session.scalar(select(func.count()).select_from(Erasure)) == 1
        assert session.scalars(select(Subscriber)).all() == []
