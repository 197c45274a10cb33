"""Answers are kept while letters use them: twelve months after the last use they go, counted in the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import profile, profile_question
from listkeeper.audience.profile import How, ProfileAnswer
from listkeeper.audience.profile_question import ProfileQuestion, QuestionState
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import campaign, question_use
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import clock
from listkeeper.jobs import housekeeping
from listkeeper.sending import planning
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe
from tests.makers.own import Guest
from tests.makers.works import SITE, Works

BO = "bo@people.example"


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink) -> Guest:
    """A reader who has answered the question of her list."""
    found = Guest(works, smtp_sink, works.app.test_client())
    found.subscribe()
    works.write(questions.asked)
    _answer(works, found)
    return found


def _answer(works: Works, who: Guest) -> None:
    def act(session: Session, house: Cafe) -> None:
        asked = profile_question.asked_on(session, [house.mailing_list.id])[0]
        profile.give(session, who.person(session).id, asked, ["cakes"], How.LETTER)

    works.write(act)


def _answers(works: Works) -> int:
    return works.read(lambda session: len(session.scalars(select(ProfileAnswer)).all()))


def _question(works: Works) -> tuple[str, QuestionState]:
    def look(session: Session) -> tuple[str, QuestionState]:
        found = session.scalars(select(ProfileQuestion)).one()
        return found.public_id, found.state

    return works.read(look)


def _send(works: Works, markdown: str) -> None:
    def act(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house, subject="Today", markdown=markdown)
        planning.send_campaign(session, house.organisation, letter, site=SITE)

    works.write(act)
    works.drain()


@pytest.mark.usefixtures("her")
def test_a_letter_of_long_ago_is_no_use_any_more(works: Works) -> None:
    def uses(session: Session) -> list[str]:
        asked = session.scalars(select(ProfileQuestion)).one()
        return [use.name for use in question_use.of(session, asked)]

    def drop_the_draft(session: Session, house: Cafe) -> None:
        letter = campaign.all_of(session, house.organisation)[-1]
        campaign.write(session, letter, Draft("Buns", "Warm", "# Buns"), base=1)

    assert works.read(uses) == ["About favourite"]
    works.write(drop_the_draft)
    assert works.read(uses) == []
    _send(works, 'Fresh: {{ subscriber.favourite | default: "buns" }}.')
    assert works.read(uses) == ["Today"]
    sent = clock.now()
    for later, found in ((11, ["Today"]), (13, [])):
        with time_machine.travel(clock.months_later(sent, later), tick=False):
            assert works.read(uses) == found


def _clean_up(works: Works) -> None:
    with works.app.app_context():
        housekeeping.forget_answers()


def _forgotten(works: Works) -> list[str]:
    query = select(AuditEntry.subject).where(AuditEntry.action == "profile_answer.forgotten")
    return works.read(lambda session: list(session.scalars(query)))


@pytest.mark.usefixtures("her")
def test_an_answer_that_nothing_uses_goes_after_twelve_months(works: Works) -> None:
    given, question = clock.now(), _question(works)[0]
    # A letter that does not name it is no use of it.
    _send(works, "Fresh buns.")
    with time_machine.travel(clock.months_later(given, 12) - timedelta(minutes=1), tick=False):
        _clean_up(works)
        assert (_answers(works), _forgotten(works)) == (1, [])
    with time_machine.travel(clock.months_later(given, 12) + timedelta(minutes=1), tick=False):
        _clean_up(works)
        assert (_answers(works), _forgotten(works)) == (0, [f"{question} 1"])
        # What is not used is not asked.
        assert _question(works)[1] is QuestionState.STOPPED
        _clean_up(works)
        assert len(_forgotten(works)) == 1


def test_an_answer_that_a_letter_to_her_used_stays_for_a_year_more(works: Works, her: Guest) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, BO))
    bo = Guest(works, her.sink, her.client, BO)
    _answer(works, bo)
    given = clock.now()

    def stays(session: Session, _house: Cafe) -> None:
        # Bo pauses, so no letter of the year uses his answer.
        query = select(Subscription).where(Subscription.subscriber_id == bo.person(session).id)
        row = session.scalars(query).one()
        row.snooze_until = clock.months_later(given, 24)

    works.write(stays)
    with time_machine.travel(clock.months_later(given, 6), tick=True):
        _send(works, 'Fresh: {{ subscriber.favourite | default: "buns" }}.')
    with time_machine.travel(clock.months_later(given, 13), tick=False):
        _clean_up(works)
        assert (_answers(works), _question(works)[1]) == (1, QuestionState.ASKED)
    with time_machine.travel(clock.months_later(given, 19), tick=False):
        _clean_up(works)
        assert (_answers(works), _question(works)[1]) == (0, QuestionState.STOPPED)
