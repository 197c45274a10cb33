"""The mail that follows a yes, through real jobs to a mail server: one, whole, in time, and only where it may go."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import answering, confirmation, mailing_list, preferences
from listkeeper.audience.answering import Answer
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.guard.mailbox import MailboxAsked
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, Subscription
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import welcome
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import outbox, signing
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.jobs import reactions
from listkeeper.sending import authorisation, welcoming
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.at_once import at_once
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.cafe import Cafe
from tests.makers.works import HER, SITE, Works, make_due

WORDS = Draft("Welcome in", "The oven is warm", "# Welcome in\n\nThe oven is warm from seven.")
Later = time_machine.Traveller


def _switch_on(session: Session, house: Cafe) -> None:
    letter = welcome.begin(session, house.organisation, house.mailing_list, "en", WORDS)
    welcome.switch_on(session, house.organisation, letter, site=SITE)


def _say_yes(works: Works, typed: str = HER) -> None:
    works.post(typed)
    works.work(Lane.URGENT, 2)
    works.write(_confirm)


def _confirm(session: Session, _house: Cafe) -> None:
    asked = session.scalars(select(Confirmation).order_by(Confirmation.id.desc()).limit(1)).one()
    assert answering.confirm(session, confirmation.token_of(asked)).answer is Answer.CONFIRMED


def _let_go(works: Works, clock: Later) -> None:
    works.work(Lane.URGENT)
    clock.shift(timedelta(minutes=2))
    works.work(Lane.URGENT, 2)


def _after_the_question(sink: SmtpSink) -> list[EmailMessage]:
    return [kept.message for kept in sink.messages if "confirm" not in str(kept.message["Subject"]).lower()]


def _events(session: Session) -> list[int]:
    query = select(ConsentEvent.id).where(ConsentEvent.kind == EventKind.GIVEN).order_by(ConsentEvent.id)
    return list(session.scalars(query))


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def test_a_yes_is_followed_by_one_letter_with_its_receipt(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Later
) -> None:
    works.write(_switch_on)
    _say_yes(works)
    works.work(Lane.URGENT)
    # Not at once: who leaves again, or mends an address, is not written to.
    assert len(smtp_sink.messages) == 1
    _let_go(works, frozen_clock)
    (mail,) = [kept.message for kept in smtp_sink.messages[1:]]
    assert mail["Subject"] == "Welcome in"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"<{SITE}/u/" in str(mail["List-Unsubscribe"])
    assert str(mail["Feedback-ID"]).startswith(f"w{works.list_id}:l{works.list_id}:")
    assert mail["Auto-Submitted"] is None
    body = _text(mail)
    assert "The oven is warm from seven." in body
    assert "you said yes to “News” by Café Kardemomme. These were the words: “Yes please: Café Kardemomme may" in body
    assert "Why did I get this?" in body
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "receipt.txt"
    assert "listkeeper/receipt/v1" in str(attached.get_content())
    assert [row.state for row in works.deliveries()] == [DeliveryState.ACCEPTED] * 2


def test_its_why_names_that_yes_and_its_frame_is_the_one_that_was_chosen(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Later
) -> None:
    works.write(_switch_on)
    _say_yes(works)
    _let_go(works, frozen_clock)
    row = works.deliveries()[1]

    def look(session: Session) -> tuple[int | None, list[int], str, str | None]:
        kept = session.get_one(Delivery, row.id)
        found = authorisation.of_delivery(session, kept)
        letter = session.scalars(select(welcome.WelcomeLetter)).one()
        assert letter.chosen is not None
        compiled = letter.chosen.compiled or {}
        subject = authorisation.subject_of(session, kept)
        return found.event.id if found.event else None, _events(session), subject, compiled["sha256"]

    event, (given,), subject, sha256 = works.read(look)
    assert (event, subject) == (given, "Welcome in")
    assert row.template_sha256 == sha256
    assert row.occasion == f"welcome:{given}"
    client = works.app.test_client()
    seen = client.get(f"/w/{_web_view(works, row)}")
    assert "The oven is warm from seven." in seen.text


def _web_view(works: Works, row: Delivery) -> str:
    with works.app.app_context():
        return signing.token("web-view", row.id)


def test_without_one_the_receipt_goes_as_ever(works: Works, smtp_sink: SmtpSink, frozen_clock: Later) -> None:
    works.write(lambda session, house: welcome.begin(session, house.organisation, house.mailing_list, "en"))
    _say_yes(works)
    _let_go(works, frozen_clock)
    (mail,) = _after_the_question(smtp_sink)
    assert str(mail["Subject"]).startswith("Your receipt")


@pytest.mark.parametrize("between", ["nothing", "off", "on again"])
def test_a_doubled_fact_makes_no_second_mail(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Later, between: str
) -> None:
    works.write(_switch_on)
    _say_yes(works)
    works.work(Lane.URGENT)

    def double(session: Session, house: Cafe) -> None:
        letter = welcome.of(session, house.mailing_list.id, "en")
        assert letter is not None
        if between != "nothing":
            welcome.switch_off(letter)
        if between == "on again":
            base = letter.campaign.version
            campaigns.write(session, letter.campaign, Draft("Other", "words", "# Other"), base=base)
            welcome.switch_on(session, house.organisation, letter, site=SITE)
        for event in _events(session):
            outbox.write(session, answering.GIVEN, event, Lane.URGENT)
            outbox.write(session, answering.GIVEN, event, Lane.URGENT)

    works.write(double)
    _let_go(works, frozen_clock)
    assert [mail["Subject"] for mail in _after_the_question(smtp_sink)] == ["Welcome in"]
    assert works.read(_unanswered) == []


def _unanswered(session: Session) -> list[int]:
    return list(session.scalars(select(Fact.id).where(Fact.name == answering.GIVEN, Fact.reacted_at.is_(None))))


def test_a_worker_killed_before_it_committed_leaves_the_fact_to_the_next(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.write(_switch_on)
    _say_yes(works)

    class Killed(BaseException):
        """What no handler catches."""

    planned = welcoming.after_yes

    def die(*args: object, **named: object) -> None:
        planned(*args, **named)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(welcoming, "after_yes", die)
        with pytest.raises(Killed), works.app.app_context():
            reactions.react(Lane.URGENT, float("inf"))
    assert [row.notice for row in works.deliveries()] == [None]
    _let_go(works, frozen_clock)
    assert [mail["Subject"] for mail in _after_the_question(smtp_sink)] == ["Welcome in"]


def test_who_leaves_in_that_minute_gets_nothing(works: Works, smtp_sink: SmtpSink, frozen_clock: Later) -> None:
    works.write(_switch_on)
    _say_yes(works)
    works.work(Lane.URGENT)
    works.leave(works.read(lambda session: session.scalars(select(Subscriber.id)).one()))
    _let_go(works, frozen_clock)
    assert _after_the_question(smtp_sink) == []
    assert works.deliveries()[1].refusal_code == "withdrawn"


def test_who_pauses_in_that_minute_gets_the_receipt_alone(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Later
) -> None:
    works.write(_switch_on)
    _say_yes(works)
    works.work(Lane.URGENT)

    def pause(session: Session, _house: Cafe) -> None:
        person = session.scalars(select(Subscriber)).one()
        assert preferences.snooze(session, person.id, works.list_id, 30)

    works.write(pause)
    _let_go(works, frozen_clock)
    assert works.deliveries()[1].refusal_code == "snoozed"
    _let_go(works, frozen_clock)
    assert [str(mail["Subject"]) for mail in _after_the_question(smtp_sink)] == ["Your receipt for “News”"]


def test_who_left_and_comes_back_by_a_new_yes_is_welcomed_again(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Later
) -> None:
    works.write(_switch_on)
    _say_yes(works)
    _let_go(works, frozen_clock)
    works.write(_confirm_once_more)
    _let_go(works, frozen_clock)
    assert len(_after_the_question(smtp_sink)) == 1
    works.leave(works.read(lambda session: session.scalars(select(Subscriber.id)).one()))
    frozen_clock.shift(timedelta(days=2))
    _say_yes(works)
    _let_go(works, frozen_clock)
    assert [mail["Subject"] for mail in _after_the_question(smtp_sink)] == ["Welcome in"] * 2
    first, second = works.read(_events)
    assert [row.occasion for row in works.deliveries() if row.notice] == [f"welcome:{first}", f"welcome:{second}"]


def _confirm_once_more(session: Session, _house: Cafe) -> None:
    asked = session.scalars(select(Confirmation)).one()
    assert answering.confirm(session, confirmation.token_of(asked)).answer is Answer.ALREADY_CONFIRMED


def test_two_yeses_within_the_minute_are_welcomed_once(works: Works, smtp_sink: SmtpSink, frozen_clock: Later) -> None:
    works.write(_switch_on)
    _say_yes(works)
    works.work(Lane.URGENT)
    works.leave(works.read(lambda session: session.scalars(select(Subscriber.id)).one()))
    # The brake lets one question a day go out; she answers the second with the digits of its page.
    works.write(lambda session, _house: session.execute(delete(MailboxAsked)))
    _say_yes(works)
    _let_go(works, frozen_clock)
    works.write(make_due)
    works.work(Lane.URGENT, 2)
    assert [mail["Subject"] for mail in _after_the_question(smtp_sink)] == ["Welcome in"]
    states = [row.state for row in works.deliveries() if row.notice]
    assert states == [DeliveryState.CANCELLED, DeliveryState.ACCEPTED]


def test_who_asked_for_fewer_letters_gets_the_receipt_alone(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Later
) -> None:
    works.write(_switch_on)
    _say_yes(works)
    works.write(lambda session, _house: session.execute(update(Subscription).values(frequency=Frequency.IMPORTANT)))
    _let_go(works, frozen_clock)
    (mail,) = _after_the_question(smtp_sink)
    assert str(mail["Subject"]).startswith("Your receipt")


def test_a_gmail_reader_is_asked_in_the_welcome_and_in_three_letters_more(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Later
) -> None:
    works.write(_switch_on)
    _say_yes(works, "freja.test@gmail.com")
    _let_go(works, frozen_clock)
    for number in range(4):
        works.start(f"Letter {number}")
        works.drain()
    asked = [(mail["Subject"], "Reading this in Gmail?" in _text(mail)) for mail in _after_the_question(smtp_sink)]
    letters = [(f"Letter {number}", number < 3) for number in range(4)]
    assert asked == [("Welcome in", True), *letters]


def test_who_came_with_a_file_or_is_invented_is_not_welcomed(works: Works, smtp_sink: SmtpSink) -> None:
    works.write(_switch_on)
    works.gather(3)
    works.write(make_due)
    works.work(Lane.URGENT, 2)
    assert smtp_sink.messages == []


def test_a_closed_list_welcomes_nobody(works: Works, smtp_sink: SmtpSink, frozen_clock: Later) -> None:
    works.write(_switch_on)
    _say_yes(works)
    works.work(Lane.URGENT)
    with works.app.app_context(), store.transaction() as session:
        mailing_list.archive(session.scalars(select(mailing_list.MailingList)).one())
    _let_go(works, frozen_clock)
    assert _after_the_question(smtp_sink) == []
    assert works.deliveries()[1].refusal_code == "list_inactive"


def test_several_workers_with_the_same_yes_plan_one_mail(works: Works, app: Flask) -> None:
    works.write(_switch_on)
    _say_yes(works)
    (event,) = works.read(_events)

    def plan(_number: int) -> bool:
        with app.app_context(), store.transaction() as session:
            return welcoming.after_yes(session, event, site=SITE) is not None

    assert sorted(at_once(4, plan)) == [False, False, False, True]
    assert [row.occasion for row in works.deliveries() if row.notice] == [f"welcome:{event}"]
