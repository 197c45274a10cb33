"""What was promised in a status notice is watched: owners are told once for each promise that is not kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.handover import NoticeKind
from listkeeper.campaigns import status_notice
from listkeeper.campaigns.status_notice import News, StatusNotice, UpdateState
from listkeeper.foundation import clock, language
from listkeeper.sending import alert, incident, notice_watch, watch_words
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.incident import IncidentKind
from tests.makers import cafe, trouble
from tests.makers.cafe import Cafe

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café, on a Monday at eight."""
    return cafe.found(session)


def _begin(session: Session, house: Cafe, after: timedelta = HOUR) -> StatusNotice:
    return trouble.begun(session, house, clock.now() + after).notice


def _look(session: Session, house: Cafe) -> bool:
    session.flush()
    return notice_watch.look(session, house.organisation) is not None


def _told(session: Session) -> int:
    return len(session.scalars(select(Delivery).where(Delivery.notice == NoticeKind.INCIDENT)).all())


def _said(session: Session) -> list[str]:
    return [watch_words.of(row) for row in incident.standing(session)]


def test_owners_are_told_once_when_a_promise_is_over(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    notice = _begin(session, house)
    frozen_clock.shift(HOUR - MINUTE)
    assert not notice_watch.is_anything_due(session, house.organisation)
    assert not _look(session, house)
    frozen_clock.shift(2 * MINUTE)
    assert notice_watch.is_anything_due(session, house.organisation)
    assert _look(session, house)
    assert not _look(session, house), "run twice, it tells nobody twice"
    assert (_told(session), notice.alarmed_at) == (1, clock.now())
    [said] = _said(session)
    assert said.startswith("You promised to tell more about “The till is out of order”, and that was due 1 minute ago.")
    [posted] = alert.due(session, "https://mail.cafe.example")
    assert b'"kind": "notice_overdue"' in posted.body
    assert b'"stops": false' in posted.body
    frozen_clock.shift(6 * HOUR)
    assert not _look(session, house)
    assert "6 hours ago" in _said(session)[0]


def test_an_update_ends_it_and_its_own_promise_is_watched_anew(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    notice = _begin(session, house)
    frozen_clock.shift(2 * HOUR)
    assert _look(session, house)
    news = News("Still looking.", UpdateState.INVESTIGATING, clock.now() + HOUR)
    status_notice.update(session, notice, news, actor="user:1")
    assert notice_watch.is_anything_due(session, house.organisation), "the incident is to be closed"
    assert not _look(session, house)
    assert incident.standing(session) == []
    assert not notice_watch.is_anything_due(session, house.organisation)
    frozen_clock.shift(2 * HOUR)
    assert _look(session, house)
    assert _told(session) == 2
    status_notice.resolve(session, notice, "Done.", actor="user:1")
    assert not _look(session, house)
    assert incident.standing(session) == []


def test_several_are_told_together_and_the_longest_waits_first(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    later, first = _begin(session, house, 2 * HOUR), _begin(session, house, HOUR)
    first.title = "The oven"
    trouble.begun(session, house)
    frozen_clock.shift(90 * MINUTE)
    assert _look(session, house)
    frozen_clock.shift(HOUR)
    assert _look(session, house), "the second promise is news"
    assert (_told(session), later.alarmed_at) == (2, clock.now())
    assert _said(session)[0].startswith(
        "You promised to tell more about 2 matters, and it is due; the first of them is “The oven”"
    )


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_it_can_be_said_in_every_language(spoken: str) -> None:
    with language.using(spoken):
        facts = {"number": 1, "title": "Ovnen", "minutes": 90}
        assert "Ovnen" in watch_words.said(IncidentKind.NOTICE_OVERDUE, facts)
