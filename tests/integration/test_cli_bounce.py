"""``listkeeper bounce`` and ``listkeeper suppression``: what came back, waves taken back, and files for providers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import suppression
from listkeeper.audience.suppression import Reason
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback.event import FeedbackKind
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.makers.came_back import Postman


@pytest.fixture
def readers(session: Session) -> list[Postman]:
    """Five people who were held back together, of whom one has complained as well."""
    made = cafe.found(session)
    found = [
        Postman(session, made, cafe.subscribe(session, made, f"reader{place}@guest.example")) for place in range(5)
    ]
    for each in found:
        each.bounces(ReplyClass.INVALID_ADDRESS, permanent=True)
    found[0].told(FeedbackKind.COMPLAINED, found[0].letter())
    session.commit()
    return found


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, readers: list[Postman]) -> Type:
    return typed.typing(monkeypatch, settings)


def test_what_came_back_is_listed_and_explained(type_: Type) -> None:
    events = type_("bounce", "list", "--json").json["events"]
    assert [(row["kind"], row["outcome"]) for row in events] == [("complained", "left"), *[("bounced", "held")] * 5]
    assert len(type_("bounce", "list", "--most", "2", "--json").json["events"]) == 2
    one = type_("bounce", "show", str(events[1]["id"]), "--json").json
    assert (one["address"], one["provider"], one["class"]) == ("reader4@guest.example", "gmail", "invalid_address")
    assert one["words"] in type_("bounce", "show", str(events[1]["id"])).out
    assert type_("bounce", "show", "999", "--json").error == "no_bounce"
    assert type_("bounce", "list", "--campaign", "cmp_none", "--json").code == 11


def test_a_wave_is_shown_and_taken_back(type_: Type, session: Session, readers: list[Postman]) -> None:
    [wave] = type_("bounce", "waves", "--json").json["waves"]
    assert (wave["people"], wave["provider"], wave["rule"], wave["replies"]) == (5, "gmail", "a rule", ["550 no"])
    assert "5 at gmail: a rule (invalid_address)" in type_("bounce", "waves").out
    assert type_("bounce", "waves", "--least", "6", "--json").json == {"waves": []}
    lifted = type_("bounce", "lift", wave["id"], "--yes", "--json").json
    assert lifted == {"wave": wave["id"], "lifted": 5, "away": 1}
    session.expire_all()
    assert suppression.counts(session, readers[0].cafe.organisation.id) == {Reason.COMPLAINT: 1}
    acts = session.scalars(select(AuditEntry.actor).where(AuditEntry.action == "bounce_wave.lifted")).all()
    assert acts == ["command"]
    assert type_("bounce", "lift", wave["id"], "--yes", "--json").error == "no_wave"


def test_the_files_of_providers_are_written_and_never_overwritten(type_: Type, tmp_path: Path) -> None:
    answer = type_("suppression", "export", "--format", "mailgun", "--out", str(tmp_path), "--json").json
    assert [(Path(row["file"]).name.split("-")[2], row["rows"]) for row in answer["files"]] == [
        ("bounces", 4), ("complaints", 1), ("unsubscribes", 0),
    ]  # fmt: skip
    assert answer["left_out"] == {"without_address": 0, "narrower": 0}
    for row in answer["files"]:
        assert Path(row["file"]).stat().st_mode & 0o077 == 0
    said = type_("suppression", "export", "--format", "ses", "--out", str(tmp_path))
    assert said.out.endswith(": 5 rows\n")
    [file] = tmp_path.glob("suppressions-ses-*.csv")
    assert file.read_bytes().startswith(b"reader0@guest.example,COMPLAINT\r\nreader1@guest.example,BOUNCE\r\n")
    assert type_("suppression", "export", "--format", "other").code == 2
    assert type_("suppression", "export", "--out", str(tmp_path / "no"), "--json").error == "usage"
