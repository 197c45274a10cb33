"""The demo's people get letters in practice mode, and never over a way that leaves this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.audience import permission, signup, signup_form
from listkeeper.audience.handover import Handover, MessageClass, Refusal, RefusalCode
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.permission import Grant
from listkeeper.audience.signup import Signup, Visit
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.jobs import lanes
from listkeeper.jobs import sending as jobs
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.fakes import smtp_sink as sink
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import Received, SmtpSink
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.makers.cafe import Cafe


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A mail server somewhere else, as far as the settings can tell."""
    with sink.running(host="127.0.0.2") as elsewhere:
        yield elsewhere


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


@pytest.fixture
def work(app: Flask, settings: Settings, queue: QueueServer) -> Callable[[], None]:
    """Do what a worker does, in this process."""

    def run() -> None:
        parts.open_all(settings)
        with app.app_context():
            for lane in ("urgent", "sending"):
                lanes.work(lane)
            jobs.hang_up()

    return run


def _text(received: Received) -> str:
    body = received.message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def _status(type_: Type, public_id: str) -> dict[str, object]:
    return type_("campaign", "status", public_id, "--json").json


def test_in_practice_mode_the_draft_goes_to_all_of_them(
    type_: Type, work: Callable[[], None], data_folder: Path
) -> None:
    made = type_("demo", "--people", "40", "--lang", "de", "--json").json
    draft = made["campaigns"]["draft"]
    assert type_("campaign", "check", draft, "--json").json["ready"] is True
    with sink.running() as catcher:
        (data_folder / "run").mkdir(exist_ok=True)
        place = data_folder / "run" / "practice.json"
        place.write_text(json.dumps({"host": catcher.host, "port": catcher.port}))
        sent = type_("campaign", "send", draft, "--yes", "--json")
        assert (sent.code, sent.json["recipients"], sent.json["state"]) == (0, 40, "sending")
        work()
        assert len({row.rcpt_tos for row in catcher.messages}) == 40
        assert all(row.rcpt_tos[0].endswith(".example") for row in catcher.messages)
        greetings = {line for row in catcher.messages for line in _text(row).splitlines() if line.startswith("Guten")}
        assert "Guten Tag, liebe Gäste," in greetings
        assert len(greetings) > 10
    status = _status(type_, draft)
    assert (status["state"], status["sent"], status["skipped"]) == ("finished", 40, 0)


def test_over_a_real_way_nobody_invented_is_planned_for(type_: Type, smtp_sink: SmtpSink) -> None:
    draft = type_("demo", "--people", "10", "--json").json["campaigns"]["draft"]
    found = type_("campaign", "check", draft, "--json")
    assert found.code == 6
    assert found.json["ready"] is False
    assert [row["code"] for row in found.json["findings"] if row["severity"] == "BLOCK"] == ["C3"]
    said = type_("campaign", "send", draft, "--yes")
    assert said.code == 12
    assert "invented people" in said.sentence
    assert _status(type_, draft)["state"] == "draft"


def test_somebody_real_on_the_demos_list_is_mailed_alone(
    type_: Type, session: Session, work: Callable[[], None], smtp_sink: SmtpSink
) -> None:
    made = type_("demo", "--people", "10", "--json").json
    shown = signup_form.shown(session, made["form"]["slug"])
    demo = Cafe(shown.organisation, User(), shown.mailing_list, shown.form)
    cafe.subscribe(session, demo, "her@real.example")
    session.commit()
    found = type_("campaign", "check", made["campaigns"]["draft"], "--json").json
    assert [row["message"] for row in found["findings"] if row["code"] == "C6"] == [
        "10 invented people of the demo get nothing, because mail now leaves for real."
    ]
    assert type_("campaign", "send", made["campaigns"]["draft"], "--yes", "--json").json["recipients"] == 1
    work()
    assert [row.rcpt_tos for row in smtp_sink.messages if row.message["List-Id"]] == [("her@real.example",)]


def test_a_letter_planned_in_practice_mode_is_refused_when_mail_leaves_for_real(
    type_: Type, session: Session, work: Callable[[], None], smtp_sink: SmtpSink
) -> None:
    draft = type_("demo", "--people", "10", "--json").json["campaigns"]["draft"]
    letter = session.scalars(select(Campaign).where(Campaign.state == CampaignState.DRAFT)).one()
    owner = session.scalars(select(Organisation)).one()
    planning.send_campaign(session, owner, letter, site="http://localhost:8025", practice=True)
    session.commit()
    work()
    assert smtp_sink.messages == []
    assert "RCPT" not in {step for step, _ in smtp_sink.commands}
    status = _status(type_, draft)
    assert (status["state"], status["skipped"], status["skipped_because"]) == ("finished", 10, {"invented": 10})
    assert status["sent"] == 0


def test_a_confirmation_is_not_mailed_to_them_for_real_either(
    type_: Type, session: Session, work: Callable[[], None], smtp_sink: SmtpSink
) -> None:
    made = type_("demo", "--people", "40", "--json").json
    person = session.scalars(select(Subscriber).order_by(Subscriber.id.desc()).limit(1)).one()
    shown = signup_form.shown(session, made["form"]["slug"])
    signup.receive(session, shown, person.email_send, Visit(network="192.0.2.9"), cafe.NO_BRAKES)
    session.commit()
    work()
    session.expire_all()
    assert session.scalars(select(Signup)).one().subscriber_id == person.id
    asked = session.scalars(select(Delivery).where(Delivery.message_class == MessageClass.DOI)).one()
    assert (asked.state, asked.refusal_code) == (DeliveryState.REFUSED, RefusalCode.INVENTED)
    assert smtp_sink.messages == []


@pytest.mark.parametrize("kind", [MessageClass.MARKETING, MessageClass.DOI, MessageClass.SERVICE])
def test_the_gate_refuses_them_unless_it_is_told_of_practice(type_: Type, session: Session, kind: MessageClass) -> None:
    type_("demo", "--people", "3")
    person = session.scalars(select(Subscriber).order_by(Subscriber.id).limit(1)).one()
    mailing_list = session.scalars(select(MailingList)).one()

    def ask(*, practice: bool) -> Grant | Refusal:
        asked = Handover(
            delivery_id=1,
            organisation_id=mailing_list.organisation_id,
            message_class=kind,
            template_sha256="0" * 64,
            subscriber_id=person.id,
            list_id=mailing_list.id,
            purpose=mailing_list.purpose,
            practice=practice,
        )
        return permission.grant(session, asked)

    assert ask(practice=False) == Refusal(RefusalCode.INVENTED)
    assert isinstance(ask(practice=True), Grant) is (kind is MessageClass.MARKETING)
