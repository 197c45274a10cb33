"""``listkeeper consent``: what a person at the keyboard gets, and what a program gets."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from listkeeper.audience.proof import ledger
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.typed import Type
from tests.makers import cafe

ADDRESS = "anna@crowd.example"


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, session: Session) -> Type:
    """Type command lines for an instance where a café has one subscriber."""
    cafe.subscribe(session, cafe.found(session), ADDRESS)
    session.commit()
    return typed.typing(monkeypatch, settings)


def test_a_proof_is_written_and_believed(type_: Type, tmp_path: Path) -> None:
    out = tmp_path / "proof.zip"
    said = type_("consent", "prove", ADDRESS, "--out", str(out), "--json").json
    assert said["file"] == str(out)
    assert out.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.glob(".proof*")] == []
    checked = type_("consent", "verify", str(out), "--json").json
    assert checked["findings"] == []


def test_the_same_person_by_id_and_by_reference_and_in_another_language(type_: Type, tmp_path: Path) -> None:
    shown = type_("consent", "show", ADDRESS, "--json").json
    for named in (str(shown["id"]), str(shown["subject"])):
        out = tmp_path / f"{named}.zip"
        said = type_("consent", "prove", named, "--out", str(out), "--lang", "da", "--json").json
        assert said["subject"] == shown["subject"]
        with zipfile.ZipFile(out) as archive:
            assert '<html lang="da"' in archive.read("certificate.html").decode()


def test_show_tells_what_happened_under_which_text(type_: Type) -> None:
    shown = type_("consent", "show", ADDRESS, "--json").json
    events = shown["events"]
    assert isinstance(events, list)
    assert [event["event"] for event in events] == ["consent.requested", "consent.given"]
    assert all("Café Kardemomme" in event["text"] for event in events)
    printed = type_("consent", "show", ADDRESS)
    assert "Gave consent, by pressing the button on the confirmation page" in printed.out


def test_somebody_nobody_knows_is_said_so_and_no_file_is_left(type_: Type, tmp_path: Path) -> None:
    out = tmp_path / "proof.zip"
    result = type_("consent", "prove", "stranger@crowd.example", "--out", str(out), "--json")
    assert result.code == 11
    assert result.error == "no_subscriber"
    assert list(tmp_path.glob("*.zip")) == []
    unknown = type_("consent", "prove", "0" * 32, "--out", str(out), "--json")
    assert (unknown.code, unknown.error) == (11, "no_proof")


def test_a_file_that_is_no_bundle_is_refused_in_a_sentence(type_: Type, tmp_path: Path) -> None:
    path = tmp_path / "proof.zip"
    path.write_bytes(b"PK no")
    result = type_("consent", "verify", str(path))
    assert result.code == 2
    assert "Traceback" not in result.out


def test_the_ledger_itself_is_checked_and_an_edit_is_named(type_: Type, session: Session) -> None:
    before = type_("consent", "verify", "--json").json
    assert before["true"] is True
    assert isinstance(before["rows"], int)
    assert before["rows"] > 3
    session.execute(text("UPDATE consent_text SET body = 'Something else, Café Kardemomme'"))
    session.commit()
    result = type_("consent", "verify", "--json")
    assert result.code == 5
    assert {finding["code"] for finding in result.json["findings"]} == {"edited_text"}
    assert "was changed after it was published" in type_("consent", "verify").out


def test_the_whole_ledger_goes_out_and_is_believed(type_: Type, session: Session, tmp_path: Path) -> None:
    out = tmp_path / "ledger.zip"
    said = type_("consent", "ledger", "--out", str(out), "--json").json
    assert said["rows"] == ledger.size(session, 1)
    assert type_("consent", "verify", str(out), "--json").json["findings"] == []
