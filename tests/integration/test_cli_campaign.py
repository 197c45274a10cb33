"""A campaign steered from the command line: later, held, taken back, late; and what scripts read of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.jobs import steering
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.at_once import at_once
from tests.fakes.smtp_sink import DROP, SmtpSink
from tests.fakes.typed import Type
from tests.makers import cafe, crowd
from tests.makers.works import Works, recipients


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, works: Works) -> Type:
    """Type command lines at a café with three people on its list."""
    works.gather(3)
    return typed.typing(monkeypatch, settings)


def _draft(works: Works) -> str:
    works.write(cafe.draft)
    return works.read(lambda session: session.scalars(select(Campaign.public_id).order_by(Campaign.id.desc())).first())  # type: ignore[return-value]


def _state(works: Works, name: str) -> CampaignState:
    return works.read(lambda session: session.scalars(select(Campaign.state).where(Campaign.public_id == name)).one())


def _look_around(works: Works) -> None:
    with works.app.app_context():
        steering.look_around()


def test_a_campaign_leaves_at_its_time_and_once_though_two_look(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    name = _draft(works)
    ordered = type_("campaign", "send", name, "--yes", "--at", "2026-11-23 10:00", "--json")
    assert (ordered.code, ordered.json["state"], ordered.json["recipients"]) == (0, "scheduled", 3)
    assert (ordered.json["leaves_at"], ordered.json["time_zone"]) == ("2026-11-23T10:00:00.000Z", "Europe/London")
    status = type_("campaign", "status", name, "--json").json
    assert (status["state"], status["scheduled_for"], status["held_until"], status["late"]) == (
        "scheduled", "2026-11-23T10:00:00.000Z", None, False,
    )  # fmt: skip
    assert "It leaves at this time: Monday, November 23, 2026" in type_("campaign", "status", name).out
    moved = type_("campaign", "send", name, "--yes", "--at", "2026-11-23T11:00+01:00", "--json")
    assert moved.json["leaves_at"] == "2026-11-23T10:00:00.000Z"
    frozen_clock.shift(timedelta(hours=2))
    at_once(2, lambda _number: _look_around(works))
    works.drain()
    assert recipients(smtp_sink) == {f"person-{number}@crowd.example": 1 for number in (1, 2, 3)}
    acts = works.read(lambda session: list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))))
    assert acts == ["campaign.scheduled", "campaign.scheduled", "campaign.started"]


def test_a_send_is_held_only_when_asked_for_and_taken_back(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    name = _draft(works)
    held = type_("campaign", "send", name, "--yes", "--hold", "5", "--json").json
    assert (held["state"], held["leaves_at"]) == ("held", clock.as_text(clock.now() + timedelta(minutes=5)))
    undone = type_("campaign", "undo", name, "--json")
    assert (undone.code, undone.json) == (0, {"id": name, "state": "draft"})
    assert type_("campaign", "undo", name, "--json").error == "nothing_to_undo"
    frozen_clock.shift(timedelta(minutes=5))
    _look_around(works)
    works.drain()
    assert smtp_sink.messages == []
    assert type_("campaign", "send", name, "--yes", "--json").json["state"] == "sending"


def test_one_whose_time_passed_asks_and_leaves_when_told(
    works: Works, type_: Type, frozen_clock: time_machine.Traveller
) -> None:
    name = _draft(works)
    type_("campaign", "send", name, "--yes", "--at", "2026-11-23 09:00")
    frozen_clock.shift(timedelta(hours=1, minutes=31))
    _look_around(works)
    refused = type_("campaign", "send", name, "--yes")
    assert refused.code == 12
    assert "should have left at this time: Monday, November 23, 2026" in refused.sentence
    assert "--late sends it now" in refused.sentence
    status = type_("campaign", "status", name)
    assert "Nothing was at work here then, and nothing has left." in status.out
    assert type_("campaign", "status", name, "--json").json["late"] is True
    assert _state(works, name) is CampaignState.SCHEDULED
    later = type_("campaign", "send", name, "--yes", "--at", "2026-11-24 09:00", "--json")
    assert later.json["state"] == "scheduled"
    frozen_clock.shift(timedelta(days=1))
    assert type_("campaign", "send", name, "--yes", "--late", "--json").json["state"] == "sending"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--at", "2026-11-22 09:00"), "past"),
        (("--at", "soon"), "moment"),
        (("--at", "2026-11-24 09:00", "--hold", "5"), "at_or_hold"),
        (("--at", "2026-11-24 09:00", "--wait"), "wait_for_later"),
        (("--hold", "0"), "usage"),
        (("--hold", "2000"), "usage"),
    ],
)
@pytest.mark.usefixtures("frozen_clock")
def test_what_cannot_be_is_refused_and_it_stays_a_draft(
    works: Works, type_: Type, options: tuple[str, ...], code: str
) -> None:
    name = _draft(works)
    assert type_("campaign", "send", name, "--yes", *options, "--json").error == code
    assert _state(works, name) is CampaignState.DRAFT


def test_what_is_in_doubt_is_shown_and_settled_by_hand_and_from_a_log(
    works: Works, type_: Type, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    letter = works.start()
    name = works.read(lambda session: session.get_one(Campaign, letter).public_id)
    # The server takes each message whole and hangs up instead of answering.
    smtp_sink.script("CONTENT", DROP)
    works.drain()
    status = type_("campaign", "status", name, "--json").json
    assert len(status["in_doubt"]) == 3
    assert "person-1@crowd.example  handed over 20" in type_("campaign", "settle", name).out
    shown = type_("campaign", "settle", name, "--json").json["in_doubt"]
    assert [row["address"] for row in shown] == [f"person-{number}@crowd.example" for number in (1, 2, 3)]
    assert all(row["message_id"].startswith("<") and row["attempts"] == 1 for row in shown)
    log = tmp_path / "mail.log"
    log.write_bytes(
        f"mx postfix/cleanup[1]: 4Xyz1a2b3c: message-id={shown[0]['message_id']}\n"
        "mx postfix/smtp[2]: 4Xyz1a2b3c: to=<person-1@crowd.example>, status=sent (250 2.0.0 Ok)\n"
        f"\xff\xfe {shown[1]['message_id']} bounced: 550 nobody\n".encode("latin-1")
    )
    said = type_("campaign", "settle", name, "--log", str(log), "--json")
    assert (said.json["sent"], said.json["not_sent"], said.json["left"]) == (1, 1, 1)
    for wrong in (("--all",), ("--as", "sent"), ("--as", "sent", "--all", "--address", "a@b.example"),
                  ("--as", "sent", "--all", "--log", str(log))):  # fmt: skip
        assert type_("campaign", "settle", name, *wrong, "--json").error == "settle_how"
    nobody = type_("campaign", "settle", name, "--as", "again", "--address", "person-1@crowd.example", "--json")
    assert nobody.error == "not_in_doubt"
    smtp_sink.forget()
    again = type_("campaign", "settle", name, "--as", "again", "--address", "Person-3@crowd.example", "--json").json
    assert (again["settled"], again["left"], again["state"]) == (1, 0, "sending")
    works.drain()
    assert recipients(smtp_sink)["person-3@crowd.example"] >= 1
    status = type_("campaign", "status", name, "--json").json
    assert (status["state"], status["sent"], status["failed"], status["in_doubt"]) == ("finished", 2, 1, [])


def test_a_few_get_it_first_and_the_rest_when_it_is_released(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    name = _draft(works)
    too_few = type_("campaign", "send", name, "--yes", "--pilot", "5", "--json")
    assert too_few.error == "pilot_too_small"
    works.write(lambda session, house: crowd.gather(session, house, 117, domain="more.example"))
    for wrong in (("--release",), ("--expect-clicks", "3"), ("--pilot", "60"), ("--pilot", "5", "--release")):
        assert type_("campaign", "send", name, "--yes", *wrong, "--json").code == 10
    assert _state(works, name) is CampaignState.DRAFT
    expected = ("--pilot", "5", "--pilot-wait", "30", "--expect-bounces", "1.5", "--expect-clicks", "3")
    assert "50 of them get it first." in type_("campaign", "send", name, "--yes", *expected).out
    works.drain()
    assert len(recipients(smtp_sink)) == 50
    status = type_("campaign", "status", name, "--json").json
    assert (status["waves"], status["waiting"], status["sent"]) == ({"open": 0}, 70, 50)
    assert (status["pilot"]["state"], status["pilot"]["bounces"], status["pilot"]["clicks"]) == ("waiting", 15, 30)
    frozen_clock.shift(timedelta(minutes=30))
    _look_around(works)
    said = type_("campaign", "status", name).out
    assert "The results are in: the others wait for your word." in said
    assert "Addresses that do not exist: at most 1.5% expected, 0% came." in said
    assert "Clicks: at least 3% expected; how many came is not known" in said
    assert type_("campaign", "release", name, "--json").json["pilot"]["state"] == "released"
    works.drain()
    assert len(recipients(smtp_sink)) == 120
    assert set(recipients(smtp_sink).values()) == {1}
    assert type_("campaign", "release", name, "--json").error == "no_pilot"
    acts = works.read(lambda session: list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))))
    assert acts == ["campaign.started", "campaign.pilot_asked", "campaign.released"]


def test_quiet_hours_are_chosen_and_hold_a_letter(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    assert type_("campaign", "quiet", "--json").json == {
        "from": None, "until": None, "time_zone": "Europe/London", "rests_until": None,
    }  # fmt: skip
    for wrong in (
        ("--from", "21:00"),
        ("--off", "--from", "21:00", "--until", "8:00"),
        ("--from", "9pm", "--until", "8"),
    ):
        assert type_("campaign", "quiet", *wrong, "--json").code == 10
    chosen = type_("campaign", "quiet", "--from", "7:30", "--until", "9:00", "--json").json
    assert (chosen["from"], chosen["until"], chosen["rests_until"]) == ("07:30", "09:00", "2026-11-23T09:00:00.000Z")
    name = _draft(works)
    assert type_("campaign", "send", name, "--yes", "--json").json["state"] == "sending"
    works.drain()
    assert smtp_sink.messages == []
    assert "these are your quiet hours" in type_("campaign", "status", name).out
    frozen_clock.shift(timedelta(hours=1))
    works.drain()
    assert len(recipients(smtp_sink)) == 3
    assert "Letters leave at any hour." in type_("campaign", "quiet", "--off").out


def test_at_each_reader_s_own_hour(
    works: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    name = _draft(works)
    at = ("--at", "2026-11-24 09:00", "--each-zone")
    assert type_("campaign", "send", name, "--yes", *at, "--json").error == "no_zones"
    assert type_("campaign", "send", name, "--yes", "--each-zone", "--json").error == "zone_of_when"
    assert type_("subscriber", "zone", "person-1@crowd.example", "Mars/Olympus", "--json").error == "time_zone"
    noted = type_("subscriber", "zone", "person-1@crowd.example", "Asia/Tokyo", "--json")
    assert noted.json["time_zone"] == "Asia/Tokyo"
    ordered = type_("campaign", "send", name, "--yes", *at, "--json").json
    assert (ordered["state"], ordered["leaves_at"]) == ("scheduled", "2026-11-24T00:00:00.000Z")
    frozen_clock.move_to("2026-11-24T00:00:00Z", tick=False)
    _look_around(works)
    works.drain()
    assert recipients(smtp_sink) == {"person-1@crowd.example": 1}
    assert (
        "The last ones get it at this time: Tuesday, November 24, 2026, 9:00" in type_("campaign", "status", name).out
    )
    frozen_clock.move_to("2026-11-24T09:00:00Z", tick=False)
    works.drain()
    assert set(recipients(smtp_sink).values()) == {1}
    assert len(recipients(smtp_sink)) == 3
