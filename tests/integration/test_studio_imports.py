"""The studio's way in: bring a file, answer what is asked, try it, load it by a worker, take it back."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import parts, store
from listkeeper.audience.importing.batch import ImportBatch, ImportState
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import importing, lanes
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.makers import exports, imports, studio
from tests.makers.imports import Court
from tests.makers.studio import StudioBrowser, words

STATED = {
    "basis": "consent", "origin": "https://cafe.example/news", "method": "form with confirmation",
    "text": "We write to you once a month.", "attestation": "Everybody here signed up on our own form.",
    "last_letter": "2026-11-01", "columns": ["first_name"],
}  # fmt: skip


@pytest.fixture
def court(app: Flask, database: Database, queue: QueueServer, tmp_path: Path) -> Court:
    return imports.opened(app, tmp_path)


@pytest.fixture
def owner(court: Court) -> StudioBrowser:
    return studio.signed_in(court.app)


def _list(court: Court) -> str:
    with court.app.app_context(), store.reading() as session:
        return court.house(session).mailing_list.public_id


def _bring(owner: StudioBrowser, court: Court, name: str, data: bytes, **more: object) -> str:
    answer = owner.post(f"/studio/lists/{_list(court)}/imports", {"file": (io.BytesIO(data), name), **more})
    assert answer.status_code == 303, words(answer)
    return str(answer.location)


def _work(court: Court) -> None:
    """Let a worker do what is rung for."""
    with court.app.app_context():
        lanes.work(Lane.BACKGROUND.value)
        with store.reading() as session:
            waiting = list(session.scalars(select(ImportBatch.id)))
        for batch_id in waiting:
            importing.work(batch_id)


def _files(court: Court) -> list[Path]:
    with court.app.app_context():
        return sorted(file for file in parts.imports_folder().iterdir() if file.suffix != ".csv")


SUBSCRIBED = exports.mailchimp("subscribed", ["anna@guest.example", "bo@guest.example"], exports.GERMAN).encode()


def test_the_whole_way(court: Court, owner: StudioBrowser) -> None:
    place = _bring(owner, court, "subscribed.csv", SUBSCRIBED)
    shown = words(owner.get(place))
    assert "Recognised: Mailchimp (German)" in shown
    assert "anna@guest.example" in shown
    assert "keeps those who have left in another file" in shown
    (file,) = _files(court)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # Nothing is loaded before it was tried, and nothing while a question is open.
    assert owner.post(f"{place}/load").status_code == 422
    left = exports.mailchimp("unsubscribed", ["bo@guest.example"], exports.GERMAN).encode()
    answer = owner.post(f"{place}/judge", {**STATED, "opt_outs": (io.BytesIO(left), "left.csv")})
    assert answer.status_code == 303, words(answer)
    assert 'hx-get="' in owner.get(place).text
    _work(court)
    shown = words(owner.get(place))
    assert re.search(r"new 1 ", shown), shown
    assert "This person has unsubscribed." in shown
    assert court.states() == {}
    report = owner.get(f"{place}/verdicts.csv", buffered=True)
    assert report.content_type.startswith("text/csv")
    assert "bo@guest.example,suppressed,unsub" in report.text
    assert owner.post(f"{place}/load").status_code == 303
    assert "being loaded" in words(owner.get(place))
    _work(court)
    assert court.states() == {"anna@guest.example": "confirmed"}
    assert court.profile("anna@guest.example") == {"first_name": "Anna"}
    assert _files(court) == []
    assert owner.post(f"{place}/undo").status_code == 303
    _work(court)
    assert court.states() == {}
    assert "taken back" in words(owner.get(place))


def test_without_the_file_of_those_who_left_somebody_must_state_it(court: Court, owner: StudioBrowser) -> None:
    place = _bring(owner, court, "subscribed.csv", SUBSCRIBED)
    owner.post(f"{place}/judge", STATED)
    _work(court)
    refused = owner.post(f"{place}/load")
    assert refused.status_code == 422
    assert "in another file" in words(refused)
    owner.post(f"{place}/judge", {**STATED, "no_opt_outs": "1"})
    _work(court)
    assert owner.post(f"{place}/load").status_code == 303
    _work(court)
    assert len(court.states()) == 2


def test_a_date_that_reads_as_two_days_is_asked_about(court: Court, owner: StudioBrowser) -> None:
    table = "Email,Status,OPTIN_TIME,CONFIRM_TIME\na@guest.example,active,03/04/2023 10:00,03/05/2023 10:00\n"
    place = _bring(owner, court, "people.csv", table.encode())
    assert "How does “03/04/2023 10:00” begin?" in words(owner.get(place))
    assert owner.post(f"{place}/judge", STATED | {"columns": []}).status_code == 422
    assert owner.post(f"{place}/judge", STATED | {"columns": [], "date_order": "mdy"}).status_code == 303
    _work(court)
    assert court.batch(1).forecast == {"new": 1}


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"<html></html>", b"Vare,Pris\nBolle,12\n"])
def test_what_is_no_list_is_refused_in_a_sentence_and_not_kept(court: Court, owner: StudioBrowser, data: bytes) -> None:
    answer = owner.post(f"/studio/lists/{_list(court)}/imports", {"file": (io.BytesIO(data), "people.csv")})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert _files(court) == []


def test_the_same_file_again_leads_to_the_first_import(court: Court, owner: StudioBrowser) -> None:
    answers = []
    for _ in range(2):
        place = _bring(owner, court, "subscribed.csv", SUBSCRIBED)
        owner.post(f"{place}/judge", {**STATED, "no_opt_outs": "1"})
        _work(court)
        answers.append(owner.post(f"{place}/load"))
        _work(court)
    first = court.batch(1)
    assert str(answers[1].location).endswith(first.public_id)
    assert (first.state, court.batch(2).state) == (ImportState.FINISHED, ImportState.JUDGED)


def test_a_whole_list_may_be_large_for_an_owner_and_not_for_a_stranger(court: Court, owner: StudioBrowser) -> None:
    table = b"Email,Status\n" + b"a@guest.example,active\n" * 400_000
    assert len(table) > 8 << 20
    # Written by hand: the test client would leave its own large temporary files open.
    parts_of_form = (
        b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n' + owner.token().encode(),
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.csv"\r\n\r\n' + table,
    )
    body = b"\r\n".join(parts_of_form) + b"\r\n--x--\r\n"
    where, kind = f"/studio/lists/{_list(court)}/imports", "multipart/form-data; boundary=x"
    assert owner.client.post(where, data=body, content_type=kind).status_code == 303
    assert court.app.test_client().post(where, data=body, content_type=kind).status_code in {400, 413}
    assert len(_files(court)) == 1


def test_an_import_nobody_works_on_is_taken_up_again(court: Court, owner: StudioBrowser) -> None:
    place = _bring(owner, court, "subscribed.csv", SUBSCRIBED)
    owner.post(f"{place}/judge", {**STATED, "no_opt_outs": "1"})
    _work(court)
    owner.post(f"{place}/load")
    with court.app.app_context():
        with store.transaction() as session:
            batch = session.scalars(select(ImportBatch)).one()
            assert batch.worked_at is not None
            batch.worked_at -= importing.IDLE * 2
        importing.go_on()
        assert parts.queue(Lane.BACKGROUND).count >= 1
        # A file that still waits to be loaded is not deleted.
        assert len(_files(court)) == 1
