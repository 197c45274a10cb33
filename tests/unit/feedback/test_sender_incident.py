"""Mail that comes back because of its sender: an incident with the evidence, and no reader is touched."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.deliverability.reply_class import SENDER_FAULT, ReplyClass
from listkeeper.feedback import sender_incident
from listkeeper.feedback.event import FeedbackKind
from listkeeper.sending import refusal
from listkeeper.sending.incident import IncidentKind
from tests.makers import cafe
from tests.makers.came_back import Postman


@pytest.fixture
def postman(session: Session) -> Postman:
    house = cafe.found(session)
    return Postman(session, house, cafe.subscribe(session, house, "freja@guest.example"))


def _sent_back(postman: Postman, faults: int, of: int, found: ReplyClass) -> None:
    letter = cafe.draft(postman.session, postman.cafe)
    for place in range(of):
        mail = postman.letter()
        # One person cannot get a letter twice; who it went to plays no part here.
        mail.subscriber_id, mail.campaign_id = None, letter.id
        postman.session.flush()
        if place < faults:
            postman.told(FeedbackKind.BOUNCED, mail, found=found)


@pytest.mark.parametrize("found", sorted(SENDER_FAULT))
def test_a_receiver_that_sends_3_percent_back_is_left_alone(postman: Postman, found: ReplyClass) -> None:
    _sent_back(postman, 6, 200, found)
    [refusing] = sender_incident.look(postman.session, postman.cafe.organisation)
    assert (refusing.provider, refusing.faults, refusing.of, refusing.classes) == ("gmail", 6, 200, (found,))
    [stands] = refusal.standing(postman.session)
    assert (stands.kind, stands.domain, stands.provider) == (
        IncidentKind.RECEIVER_REFUSES,
        postman.cafe.organisation.from_domain,
        "gmail",
    )
    assert "6 of the last 200" in stands.words
    assert suppression.counts(postman.session, postman.cafe.organisation.id) == {}


@pytest.mark.parametrize(
    ("faults", "of", "found"),
    [
        (5, 10, ReplyClass.SPAM),
        (6, 201, ReplyClass.SPAM),
        (50, 50, ReplyClass.MAILBOX_FULL),
        (50, 50, ReplyClass.INVALID_ADDRESS),
        (50, 50, ReplyClass.RATE),
    ],
)
def test_few_or_others_are_none(postman: Postman, faults: int, of: int, found: ReplyClass) -> None:
    _sent_back(postman, faults, of, found)
    assert sender_incident.look(postman.session, postman.cafe.organisation) == []


def test_what_was_long_ago_is_over(postman: Postman, frozen_clock: time_machine.Traveller) -> None:
    _sent_back(postman, 10, 20, ReplyClass.AUTH)
    frozen_clock.shift(timedelta(minutes=16))
    assert sender_incident.look(postman.session, postman.cafe.organisation) == []


def test_who_was_freed_is_stopped_by_what_comes_after_that_alone(
    postman: Postman, frozen_clock: time_machine.Traveller
) -> None:
    owner = postman.cafe.organisation
    _sent_back(postman, 10, 20, ReplyClass.AUTH)
    assert sender_incident.look(postman.session, owner)
    frozen_clock.shift(timedelta(minutes=1))
    assert refusal.end(postman.session, owner.from_domain, "gmail")
    assert sender_incident.look(postman.session, owner) == []
    frozen_clock.shift(timedelta(minutes=1))
    _sent_back(postman, 10, 20, ReplyClass.AUTH)
    [again] = sender_incident.look(postman.session, owner)
    assert again.faults == 10
