"""`listkeeper dmarc keep` and `tlsrpt keep`: what scripts rely on, and a file in the way of no other."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.deliverability import sending_domain
from listkeeper.deliverability.dmarc_report import DmarcRow
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import kept_reports, receiver_reports

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def type_(app: Flask, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type command lines for a business with one sending domain."""
    with app.app_context(), store.transaction() as session:
        owner = kept_reports.owner(session)
        sending_domain.add(session, owner.id, "shop.example")
    return typed.typing(monkeypatch, settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Reports of each kind, one of them twice, and what is none or about a stranger."""
    report = receiver_reports.xml(receiver_reports.row(count=3), receiver_reports.row("2001:db8::1", 2, "fail"))
    for name, content in {
        "a.xml": report,
        "b.gz": receiver_reports.gzipped(report),
        "d.eml": receiver_reports.failure(),
        "t.json": receiver_reports.tls(),
        "stranger.xml": report.replace(b"shop.example", b"stranger.example"),
        "empty": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_reports_of_any_kind_are_kept_once(app: Flask, type_: Type, folder: Path) -> None:
    names = ("a.xml", "b.gz", "d.eml", "stranger.xml", "empty", "missing", "t.json")
    said = type_("dmarc", "keep", *(str(folder / name) for name in names), "--json")
    assert (said.code, said.err) == (10, "")
    answer = said.json
    assert {word: answer[word] for word in ("kept", "known", "refused")} == {"kept": 3, "known": 1, "refused": 3}
    files = {Path(one.pop("file")).name: one for one in answer["files"]}
    assert list(files) == list(names)
    assert files["a.xml"] == {
        "outcome": "kept", "kind": "aggregate", "sender": "Receiver", "domain": "shop.example",
        "begin": "2026-11-23T00:00:00.000Z", "end": "2026-11-23T23:59:59.000Z", "counted": 5,
    }  # fmt: skip
    assert files["b.gz"] == {
        "outcome": "known", "kind": "aggregate", "sender": "Receiver", "domain": "shop.example",
    }  # fmt: skip
    assert (files["d.eml"]["kind"], files["d.eml"]["begin"]) == ("failure", "2026-11-22T09:00:00.000Z")
    assert (files["t.json"]["kind"], files["t.json"]["counted"]) == ("tls", 9)
    assert files["stranger.xml"] == {
        "outcome": "refused", "code": "not_ours",
        "reason": "It is about stranger.example, which is none of your domains.",
    }  # fmt: skip
    assert [files[name]["code"] for name in ("empty", "missing")] == ["empty", "unreadable"]
    with app.app_context(), store.reading() as session:
        assert session.scalar(select(func.sum(DmarcRow.count))) == 5
        acts = select(AuditEntry.actor).where(AuditEntry.action == "report.kept")
        assert list(session.scalars(acts)) == ["command"] * 3


def test_a_person_is_told_line_by_line(type_: Type, folder: Path) -> None:
    said = type_("tlsrpt", "keep", *(str(folder / name) for name in ("t.json", "empty", "t.json")))
    assert said.code == 10
    assert said.out.splitlines() == [
        f"{folder}/t.json: kept, tls report of Sender about shop.example",
        f"{folder}/t.json: known already, tls report of Sender about shop.example",
    ]
    assert said.err.splitlines() == [f"{folder}/empty: It is empty."]


def test_standard_input_is_a_report_too(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(receiver_reports.xml())))
    said = type_("dmarc", "keep", "--json")
    assert (said.code, said.json["files"][0]["file"], said.json["kept"]) == (0, "-", 1)
