"""One list taken out alone: its people, their texts, whom it must not reach; nobody else's, and no backup."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import mailing_list, signup_form, source, suppression, topic, unsubscribe, visit
from listkeeper.audience.consent import Method
from listkeeper.audience.source import Channel
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import archive_reading
from listkeeper.rendering import form_snapshot
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.makers.cafe import Cafe


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, session: Session) -> Type:
    """A café with two lists: Anna and Bo on the news (Bo has left), Clara at the events."""
    house = cafe.found(session)
    cafe.subscribe(session, house, "anna@guest.example")
    bo = cafe.subscribe(session, house, "bo@guest.example")
    unsubscribe.leave(session, bo.id, house.mailing_list.id, Method.PAGE)
    events = mailing_list.create(session, house.organisation, name="Events")
    form = signup_form.create(session, house.organisation, events, show=form_snapshot.page_of)
    clara = cafe.subscribe(session, Cafe(house.organisation, house.owner, events, form), "clara@guest.example")
    # She objected to all of it, so no letter of the news may reach her either: as a hash, for she is not on that list.
    suppression.add(
        session, house.organisation.id, clara.suppression_key, scope=suppression.MARKETING, reason=Reason.OBJECTION
    )
    topic.add(session, house.mailing_list, "Cakes")
    visit.count(session, source.create(session, house.form, name="Till", channel=Channel.TILL).id)
    source.create(session, form, name="Stage door", channel=Channel.POSTER)
    cafe.draft(session, house, subject="Cardamom buns")
    session.commit()
    return typed.typing(monkeypatch, settings)


def _sheet(parcel: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(parcel.read(name).decode("utf-8-sig"))))


def test_one_list_goes_out_alone_and_says_that_it_is_no_backup(type_: Type, session: Session, tmp_path: Path) -> None:
    out = tmp_path / "news.zip"
    said = type_("export", "--list", "news", "--out", str(out), "--json").json
    assert said["kind"] == "list"
    with archive_reading.opened(out) as archive:
        archive.verify()
        assert said["rows"] == archive.rows
        assert {row["email_send"] for row in archive.lines("subscriber")} == {"anna@guest.example", "bo@guest.example"}
        assert len({row["list_id"] for row in archive.lines("consent_event")}) == 1
        assert len(list(archive.lines("consent_text"))) == len(list(archive.lines("signup_form_version"))) == 1
    with zipfile.ZipFile(out) as parcel:
        assert "no backup" in parcel.read("README.txt").decode()
        everything = b"".join(parcel.read(name) for name in parcel.namelist())
        hashes = _sheet(parcel, "suppressions.csv")
        consent = _sheet(parcel, "consent_events.csv")
        assert [row["name"] for row in _sheet(parcel, "topics.csv")] == ["Cakes"]
        assert [row["name"] for row in _sheet(parcel, "sources.csv")] == ["Till"]
        assert [(row["source"], row["people"]) for row in _sheet(parcel, "source_visits.csv")] == [("till", "1")]
        tables = set(json.loads(parcel.read("manifest.json"))["tables"])
    assert b"clara" not in everything
    assert not tables & {"ledger", "evidence", "subject_key", "delivery", "studio_user"}
    # Its letters to all are not in it either; only what follows a yes to this very list would be.
    assert b"Cardamom buns" not in everything
    assert {(row["address"], row["reason"]) for row in hashes} == {("bo@guest.example", "unsub"), ("", "objection")}
    assert all("Café Kardemomme" in row["text"] for row in consent if row["event"] == "consent.given")
    session.expire_all()
    assert session.scalars(select(AuditEntry.action)).all()[-1] == "list.exported"
    printed = type_("export", "--list", "news", "--out", str(tmp_path / "again.zip")).out
    assert "It holds one list and is no backup" in printed


def test_it_cannot_be_restored_and_a_list_that_is_not_there_is_named(type_: Type, tmp_path: Path) -> None:
    out = tmp_path / "news.zip"
    type_("export", "--list", "news", "--out", str(out), "--json")
    refused = type_("restore", str(out), "--json")
    assert (refused.code, refused.error) == (10, "archive_of_a_list")
    missing = type_("export", "--list", "nothing", "--out", str(tmp_path / "nothing.zip"), "--json")
    assert missing.code == 11
    assert not (tmp_path / "nothing.zip").exists()
