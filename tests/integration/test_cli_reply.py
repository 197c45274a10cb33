"""``listkeeper reply``: who waits, what they said, an answer, and the owners told before a promise breaks."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience.handover import MessageClass
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import escalating
from listkeeper.sending.delivery import DeliveryState
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.letters_in import HER, Postbox, written
from tests.makers.works import Works


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


@pytest.fixture
def waiting(works: Works, frozen_clock: time_machine.Traveller) -> Works:
    """A reader waits for an answer."""

    def act(session: Session, house: Cafe) -> None:
        box = Postbox(session, house)
        box.begins(written(), box.letter_to(cafe.subscribe(session, house, HER)))

    works.write(act)
    return works


def test_who_waits_is_listed_shown_answered_and_done(waiting: Works, type_: Type, smtp_sink: SmtpSink) -> None:
    listed = type_("reply", "list", "--json").json
    [row] = listed["conversations"]
    assert (row["from"], row["subject"], row["urgent"], row["sender_proven"]) == (HER, "Re: Cardamom buns", False, True)
    assert (row["waits_since"], row["due_at"]) == ("2026-11-23T08:00:00.000Z", "2026-11-24T08:00:00.000Z")
    assert listed["promise"] == {
        "letters": 0, "in_time": 0, "median_seconds": None, "closed_without_answer": 0, "waiting_over_24_hours": 0,
    }  # fmt: skip
    shown = type_("reply", "show", row["id"], "--json").json
    assert [(mail["direction"], mail["text"]) for mail in shown["mails"]] == [("in", "When do you open on Sunday?")]
    answered = type_("reply", "answer", row["id"], "--text", "From nine.", "--json").json
    assert (answered["state"], answered["due_at"]) == ("answered", None)
    waiting.drain(Lane.URGENT)
    sent = [row for row in waiting.deliveries() if row.message_class is MessageClass.REPLY]
    assert [row.state for row in sent] == [DeliveryState.ACCEPTED]
    assert type_("reply", "list", "--json").json["promise"]["in_time"] == 1
    assert "From nine." in type_("reply", "show", row["id"]).out
    assert type_("reply", "done", row["id"], "--json").json["state"] == "done"
    assert "There is none." in type_("reply", "list").out
    assert row["id"] in type_("reply", "list", "--state", "done").out
    noted = waiting.read(lambda session: session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all())
    assert list(noted)[-2:] == ["reply.answered", "reply.done"]


def test_an_answer_may_come_on_standard_input(waiting: Works, type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    number = type_("reply", "list", "--json").json["conversations"][0]["id"]
    monkeypatch.setattr("sys.stdin", io.StringIO("From nine,\nsee you!"))
    assert type_("reply", "answer", number).code == 0
    assert "From nine,\nsee you!" in type_("reply", "show", number).out


def test_what_cannot_be_is_said_in_a_sentence(waiting: Works, type_: Type) -> None:
    number = type_("reply", "list", "--json").json["conversations"][0]["id"]
    assert type_("reply", "show", "cnv_none", "--json").code == 11
    empty = type_("reply", "answer", number, "--text", " ", "--json")
    assert (empty.code, empty.json["error"]["code"]) == (10, "no_answer")


def test_the_owner_gets_a_mail_before_the_promise_breaks(
    waiting: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    waiting.drain(Lane.URGENT)
    before = len(smtp_sink.messages)
    for hours in (17, 1, 1):
        frozen_clock.shift(timedelta(hours=hours))
        with waiting.app.app_context():
            escalating.look()
        waiting.drain(Lane.URGENT)
    [told] = [kept for kept in smtp_sink.messages[before:] if kept.rcpt_tos == ("owner@cafe.example",)]
    assert told.message["Subject"] == "Somebody waits for your answer"
    body = told.message.get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    assert "1 person who wrote to you waits for an answer, and the time you promised is nearly over: 6 hours." in text
    assert "/studio/replies" in text
    assert HER not in told.content.decode()
