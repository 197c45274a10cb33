"""F25 to F29: what is kept of a yes, that nothing done later takes it away, and that she gets all of it herself."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import (
    address_change,
    consent_text,
    mailing_list,
    preferences,
    retention,
    signup_form,
    subscriber,
    unsubscribe,
)
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.proof import certificate, evidence, ledger
from listkeeper.audience.subscription import Frequency
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import proof
from tests.makers import attack, cafe
from tests.makers.cafe import Cafe
from tests.makers.own import Guest
from tests.makers.works import HER, here

ASKED_FROM, GIVEN_FROM = "198.51.100.7", "198.51.100.8"


@pytest.fixture
def her(guest: Guest) -> Guest:
    """Somebody who signed up on another page and confirmed from her telephone."""
    asked = {"User-Agent": "Desktop/1", "Origin": "https://cafe.example"}
    fields = {"email": HER, "s": "window", "utm_source": "poster"}
    guest.client.post("/f/news", data=fields, headers=asked, environ_base={"REMOTE_ADDR": ASKED_FROM})
    guest.works.work(Lane.URGENT, 2)
    there = {"REMOTE_ADDR": GIVEN_FROM}
    assert (
        guest.client.post(guest.links()["c"], headers={"User-Agent": "Phone/2"}, environ_base=there).status_code == 200
    )
    guest.works.work(Lane.URGENT, 2)
    return guest


def _rows(her: Guest) -> dict[str, dict[str, Any]]:
    """Return her rows of the ledger by their type, each with the evidence that belongs to it."""

    def look(session: Session) -> dict[str, dict[str, Any]]:
        person = her.person(session)
        kept = evidence.opened(session, person.organisation_id, person.subject_ref)
        rows = [ledger.fields_of(row) for row in ledger.of_subject(session, person.organisation_id, person.subject_ref)]
        return {
            str(row["type"]): row | {"evidence": dict(kept[row["id"]].content) if row["id"] in kept else {}}
            for row in rows
        }

    return her.works.read(look)


def test_field_f25_both_steps_are_kept_with_time_network_text_form_page_and_mail_like_the_way_out(her: Guest) -> None:
    letter = her.get_letter()
    assert her.client.post(letter["u"]).status_code == 200
    rows = _rows(her)
    assert list(rows) == [
        "consent.requested", "doi.handed", "doi.accepted", "consent.given", "suppression.added", "consent.withdrawn",
    ]  # fmt: skip
    asked, given, left = rows["consent.requested"], rows["consent.given"], rows["consent.withdrawn"]
    shown = her.works.read(_shown)
    for row in (asked, given):
        assert (row["text_sha256"], row["form_sha256"]) == shown
        assert abs(int(row["ts"]) - clock.in_milliseconds(clock.now())) < 60_000
    told = asked["evidence"]
    assert (told["network"], told["browser"], told["origin"]) == (ASKED_FROM, "Desktop/1", "https://cafe.example")
    assert (told["address"], told["source"], told["utm"]) == (HER, "window", {"utm_source": "poster"})
    assert given["evidence"] == {"network": GIVEN_FROM, "browser": "Phone/2"}
    assert (asked["method"], given["method"], left["method"]) == ("form", "button", "page")
    mail = rows["doi.accepted"]["evidence"]
    assert {"mail", "message_id", "reply"} <= set(mail)
    assert mail["reply"].startswith("250")
    assert mail["message_id"] == str(her.sink.to(HER)[0].message["Message-ID"])
    assert rows["doi.handed"]["mail_sha256"] == rows["doi.accepted"]["mail_sha256"] != ""


def _shown(session: Session) -> tuple[str, str]:
    version = signup_form.newest(session, here(session).form)
    return version.consent_text.sha256, version.sha256


def _edits(her: Guest) -> Iterator[None]:
    """Do all that anybody may do about her later, one thing after the other."""
    works, list_id = her.works, her.works.list_id

    def choose(session: Session, _house: Cafe) -> None:
        number = her.person(session).id
        preferences.choose_frequency(session, number, list_id, Frequency.MONTHLY)
        preferences.snooze(session, number, list_id, 60)
        preferences.choose_language(session, number, "da")

    def move(session: Session, _house: Cafe) -> None:
        change = address_change.ask(session, her.person(session), "freja@new.example")
        address_change.confirm(session, address_change.token_of(change))
        change = address_change.ask(session, session.get_one(subscriber.Subscriber, change.subscriber_id), HER)
        address_change.confirm(session, address_change.token_of(change))

    def hold(session: Session, _house: Cafe) -> None:
        subscriber.restrict(session, her.person(session), actor="user:1")
        subscriber.unrestrict(session, her.person(session), actor="user:1")

    def rename(session: Session, house: Cafe) -> None:
        mailing_list.rename(session, house.mailing_list, "Other news")
        words = signup_form.starter(house.organisation, house.mailing_list, "en")
        signup_form.publish_words(session, house.organisation, house.form, replace(words, title="Another title"))

    def leave(session: Session, house: Cafe) -> None:
        unsubscribe.leave(session, her.person(session).id, list_id, Method.ONE_CLICK)
        mailing_list.tombstone(session, house.mailing_list, actor="user:1")

    for act in (choose, move, hold, rename, leave):
        works.write(act)
        works.work(Lane.URGENT, 2)
        yield


def test_field_f26_nothing_done_later_deletes_the_evidence_before_its_time(
    her: Guest, frozen_clock: time_machine.Traveller
) -> None:
    first = _rows(her)["consent.requested"]
    assert first["evidence"]["network"] == ASKED_FROM
    for _edit in _edits(her):
        assert _rows(her)["consent.requested"] == first
    # The owner keeps proof for six months after a goodbye; on the last day it is whole, and then it goes.
    for later, whole in ((timedelta(days=150), True), (timedelta(days=60), False)):
        frozen_clock.shift(later)
        for job in (retention.set_ends, retention.shred_due):
            her.works.write(lambda session, _house, job=job: job(session))  # type: ignore[misc]
        kept = _rows(her)["consent.requested"]
        assert kept == (first if whole else first | {"evidence": {}})


def test_field_f27_the_times_of_a_yes_are_never_written_over(her: Guest, frozen_clock: time_machine.Traveller) -> None:
    kinds = (EventKind.REQUESTED, EventKind.GIVEN)

    def times(session: Session) -> list[tuple[Any, ...]]:
        query = select(ConsentEvent.id, ConsentEvent.kind, ConsentEvent.at).where(ConsentEvent.kind.in_(kinds))
        return [tuple(row) for row in session.execute(query.order_by(ConsentEvent.id))]

    def records(session: Session) -> list[str]:
        return list(session.scalars(select(ledger.LedgerRow.record).order_by(ledger.LedgerRow.seq)))

    before, told = her.works.read(times), her.works.read(records)
    assert len(before) == 2
    for _edit in _edits(her):
        frozen_clock.shift(timedelta(hours=7))
        assert her.works.read(times) == before
    assert her.works.read(records)[: len(told)] == told


def test_field_f28_what_she_takes_home_holds_all_evidence_there_is(her: Guest, client: FlaskClient) -> None:
    packed = client.post(f"{her.enter()}/download")
    archive = zipfile.ZipFile(io.BytesIO(packed.data))
    taken, readable = archive.read("my-data.json").decode(), archive.read("my-data.html").decode()
    said = json.loads(taken)
    kept = [row["evidence"] for row in _rows(her).values() if row["evidence"]]
    assert len(kept) == 3
    for piece in kept:
        for name, value in piece.items():
            if name == "mail":
                # The mail itself stands in the proof, byte for byte as it left.
                continue
            for word in value.values() if isinstance(value, dict) else [value]:
                if isinstance(word, str) and word:
                    assert word in taken, name
    for words in (ASKED_FROM, GIVEN_FROM, "Desktop/1", "Phone/2", "Yes please: Café Kardemomme"):
        assert words in readable
    with zipfile.ZipFile(io.BytesIO(archive.read("proof.zip"))) as proved:
        assert any(name.endswith(".eml") for name in proved.namelist())
    stamps = {row["ts"] for row in _rows(her).values()} - {_rows(her)["evidence.exported"]["ts"]}
    assert stamps <= _numbers(said)


def _numbers(value: object) -> set[int]:
    """Return every whole number in a document."""
    if isinstance(value, dict):
        return {number for part in value.values() for number in _numbers(part)}
    if isinstance(value, list):
        return {number for part in value for number in _numbers(part)}
    return {value} if isinstance(value, int) else set()


def test_field_f29_an_edited_form_leaves_old_certificates_with_the_old_text(her: Guest) -> None:
    old, before = her.works.read(lambda session: (_sentences(session), _certificate(session, HER)))
    new = replace(old, body=f"{old.body} Our letters are about bread.", button_label="Yes, write to me about bread")

    def edit(session: Session, house: Cafe) -> None:
        words = signup_form.starter(house.organisation, house.mailing_list, "en")
        changed = replace(words, title="Bread", wording=new)
        signup_form.publish_words(session, house.organisation, house.form, changed)
        cafe.subscribe(session, house, "bo@guest.example")

    her.works.write(edit)
    after = her.works.read(lambda session: _certificate(session, HER))
    later = her.works.read(lambda session: _certificate(session, "bo@guest.example"))
    assert [_words(one) for one in (before, after, later)] == [
        {(old.body, old.button_label)}, {(old.body, old.button_label)}, {(new.body, new.button_label)},
    ]  # fmt: skip
    titles = [{form.title for form in _forms(one)} for one in (before, after, later)]
    assert titles[0] == titles[1] != titles[2] == {"Bread"}
    # Whoever changes the row itself is found out by its name, which is the hash of its words.
    sha256 = her.works.read(lambda session: session.scalars(select(ConsentText.sha256).order_by(ConsentText.id)).all())
    assert len(set(sha256)) == 2
    assert attack.events(her.works.app, "text.published") == {"text.published": 2}


def _sentences(session: Session) -> consent_text.Wording:
    house = here(session)
    return consent_text.starter(house.organisation, house.mailing_list, "en")


def _certificate(session: Session, address: str) -> certificate.Certificate:
    owner = here(session).organisation
    return proof.gather(session, owner, subscriber.named(session, owner, address).subject_ref, spoken="en")


def _happenings(made: certificate.Certificate) -> list[certificate.Happening]:
    return [each for permission in made.permissions for each in permission.happenings]


def _words(made: certificate.Certificate) -> set[tuple[str, str]]:
    return {(each.text.body, each.text.button_label) for each in _happenings(made) if each.text is not None}


def _forms(made: certificate.Certificate) -> list[certificate.ShownForm]:
    return [each.form for each in _happenings(made) if each.form is not None]
