"""The studio's way in: bring a file, answer what is asked, try it, load it by a worker, take it back."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from listkeeper import parts, store
from listkeeper.audience import access_link
from listkeeper.audience.importing.batch import ImportBatch, ImportState
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import importing, lanes
from listkeeper.settings import Settings
from tests.fakes import typed
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
    shown = words(owner.get(place))
    assert "Taken back by owner@cafe.example. Nothing may be sent any more because of this file." in shown
    assert "1 person who came with it is off the list again" in shown
    assert "1 address that had left, bounced or complained stays never mailed" in shown
    assert "What it had brought" in shown


def _loaded(owner: StudioBrowser, court: Court) -> str:
    place = _bring(owner, court, "subscribed.csv", SUBSCRIBED)
    owner.post(f"{place}/judge", {**STATED, "no_opt_outs": "1"})
    _work(court)
    owner.post(f"{place}/load")
    _work(court)
    return place


def _person(court: Court, address: str) -> str:
    with court.app.app_context(), store.reading() as session:
        return session.scalars(select(Subscriber).where(Subscriber.email_key == address)).one().public_id


def test_somebody_who_was_imported_is_shown_with_the_claim_and_no_consent_of_ours(
    court: Court, owner: StudioBrowser
) -> None:
    place = _loaded(owner, court)
    anna = f"/studio/people/{_person(court, 'anna@guest.example')}"
    shown = words(owner.get(anna))
    assert "Imported claim: News" in shown
    assert "they have not said yes here" in shown
    assert "subscribed.csv , row 1, on line 2" in shown
    assert "By: owner@cafe.example" in shown
    assert "Where, as claimed https://cafe.example/news" in shown
    assert "To which words, as claimed We write to you once a month." in shown
    assert "Imported claim new · News" in shown
    assert f'href="{place}"' in owner.get(anna).text
    for lie in ("Nothing is recorded yet", "There is none", "Consent proof", "Said yes"):
        assert lie not in shown
    # Who has been written to stays when the import is taken back; then the claim counts no more, and the page says so.
    court.undo(1, written_to=range(1, 100))
    shown = words(owner.get(anna))
    assert "Imported claim new · News" in shown
    assert "It counts no more." in shown
    assert "There is none: this person gets no letters." in shown
    assert "2 people stay, who have acted since or were written to" in words(owner.get(place))


def test_the_command_line_and_her_own_page_call_it_a_claim_too(
    court: Court, owner: StudioBrowser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _loaded(owner, court)
    with court.app.app_context(), store.transaction() as session:
        anna = session.scalars(select(Subscriber).where(Subscriber.email_key == "anna@guest.example")).one()
        link = access_link.ask(session, anna)
        assert link is not None
        visit = access_link.use(session, access_link.token_of(link))
    mine = court.app.test_client().get(f"/mine/{visit}/lists/{_list(court)}")
    shown = words(mine)
    assert "It is their claim: you have not told us yourself." in shown
    assert "subscribed.csv, line 2" in shown
    assert "How, as claimed form with confirmation" in shown
    history = words(court.app.test_client().get(f"/mine/{visit}/history"))
    assert "Imported claim" in history
    assert "File subscribed.csv" in history
    assert "Line of the file 2" in history
    type_ = typed.typing(monkeypatch, settings)
    (event,) = type_("consent", "show", "anna@guest.example", "--json").json["events"]
    assert (event["event"], event["method"], event["text"]) == ("import.batch", "import", None)
    assert event["claim"]["text"] == {"said": "We write to you once a month.", "column": ""}
    assert (event["claim"]["file"], event["claim"]["line"]) == ("subscribed.csv", 2)
    printed = type_("consent", "show", "anna@guest.example").out
    assert "A list was imported, taken from an imported list" in printed
    assert "where, as claimed: https://cafe.example/news" in printed
    assert "a claim (imp_" in type_("subscriber", "show", "anna@guest.example").out


TABLE = (
    "Kontakt,Oprettet,Godkendt,Kundestatus\n"
    "anna@guest.example,2024-03-04 10:11:12,2024-03-04 10:13:00,unsubscribed\n"
    "bo@guest.example,2024-03-05 10:11:12,2024-03-05 10:13:00,gold\n"
)


def _try(owner: StudioBrowser, place: str, *means: str) -> TestResponse:
    said = {"columns": [], "no_opt_outs": "1", "column": ["Kontakt", "Oprettet", "Godkendt", "Kundestatus"]}
    return owner.post(f"{place}/judge", STATED | said | {"means": list(means)})


def test_the_owner_says_what_a_column_means_and_tries_again(court: Court, owner: StudioBrowser) -> None:
    place = _bring(owner, court, "people.csv", TABLE.encode())
    forecasts = []
    for means in (
        ("address", "none", "none", "none"),
        ("address", "requested_at", "confirmed_at", "none"),
        ("address", "requested_at", "confirmed_at", "status"),
    ):
        assert _try(owner, place, *means).status_code == 303
        _work(court)
        forecasts.append(court.batch(1).forecast)
        # Nothing is stored before the owner loads it.
        assert court.states() == {}
    assert forecasts[:2] == [{"unverified": 2, "unverified:no_time": 2}, {"new": 2}]
    assert forecasts[2]["suppressed"] == 1
    assert owner.post(f"{place}/load").status_code == 303
    _work(court)
    assert court.batch(1).mapping["assigned"] == {
        "Godkendt": "confirmed_at", "Kundestatus": "status", "Oprettet": "requested_at",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("means", "sentence"),
    [
        (("none", "requested_at", "none", "none"), "No column is the e-mail address."),
        (("address", "requested_at", "requested_at", "none"), "“Oprettet” and “Godkendt” cannot both be: when they"),
        (("none", "address", "none", "none"), "The column “Oprettet” holds no mail addresses."),
        (("address", "nonsense", "none", "none"), "A column cannot mean “nonsense”."),
    ],
)
def test_a_column_taken_for_the_wrong_thing_is_refused_in_a_sentence_and_the_rest_of_the_form_stays(
    court: Court, owner: StudioBrowser, means: tuple[str, ...], sentence: str
) -> None:
    place = _bring(owner, court, "people.csv", TABLE.encode())
    refused = _try(owner, place, *means)
    assert (refused.status_code, sentence in words(refused)) == (422, True)
    assert "Everybody here signed up on our own form." in refused.text
    chosen = re.findall(r'<option value="(\w+)" selected>', refused.text)
    assert chosen == [meaning for meaning in means if meaning != "nonsense"]
    assert court.batch(1).mapping.get("assigned") is None


def test_what_a_column_says_of_who_has_left_is_heard_whatever_is_made_of_it(
    court: Court, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "Email,Status,When\na@guest.example,unsubscribed,2024-03-04 10:11\nb@guest.example,gold,2024-03-04 10:11\n"
    file = exports.write(court.folder / "people.csv", table)
    type_ = typed.typing(monkeypatch, settings)
    given = ("import", str(file), "--list", "news", "--dry-run", "--json")
    said = type_(*given, "--map", "Status=none", "--map", "When=requested_at").json
    assert (said["counts"]["suppressed"], said["counts"]["unverified"]) == (1, 1)
    assert said["assigned"] == {"Status": "none", "When": "requested_at"}
    printed = type_("import", str(file), "--list", "news", "--dry-run", "--map", "When=requested_at").out
    assert "“When”: when they asked (as you say)" in printed
    assert type_(*given, "--map", "Telefon=origin").error == "import_no_such_column"
    assert type_(*given, "--map", "When=birthday").error == "import_meaning"
    assert type_(*given, "--map", "When").code == 2


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
