"""F08 to F11: who has said no stays out, whatever is deleted, brought again, or read in a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import delete
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, erasure, mailing_list, subscriber, suppression, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.importing.batch import UNDO_WINDOW
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.jobs import housekeeping
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, exports, programs
from tests.makers.cafe import Cafe
from tests.makers.exports import ASKED, CONFIRMED
from tests.makers.imports import PROVEN, Court
from tests.makers.works import Works, here, writing

HEAD = ["Email", "City", "Status", "OPTIN_TIME", "CONFIRM_TIME"]
GONE = {
    "left@guest.example": Reason.UNSUBSCRIBED, "spam@guest.example": Reason.COMPLAINT,
    "erased@guest.example": Reason.ERASURE,
}  # fmt: skip
STAYS = "stays@guest.example"


def _file(folder: Path, name: str, *lines: tuple[str, str, str]) -> Path:
    """Write a file of other tools: address, town and status; every row with the same evidence."""
    rows = [dict(zip(HEAD, (*line, ASKED, CONFIRMED), strict=True)) for line in lines]
    return exports.write(folder / name, exports.table(HEAD, rows))


@pytest.fixture
def court(works: Works, tmp_path: Path) -> Court:
    """The court of a café from which three people went, each in a way of her own."""

    def people(session: Session, house: Cafe) -> None:
        cafe.subscribe(session, house, STAYS)
        left, spam, erased = (cafe.subscribe(session, house, address).id for address in GONE)
        unsubscribe.leave(session, left, house.mailing_list.id, Method.ONE_CLICK)
        complaint.complain(session, spam)
        erasure.erase(session, erased, actor="subscriber", forget_copies=lambda _session, _person: None)

    works.write(people)
    works.work(Lane.URGENT, 3)
    return Court(works.app, tmp_path, works.list_id)


def _reasons(works: Works) -> dict[str, set[Reason]]:
    def look(session: Session) -> dict[str, set[Reason]]:
        owner = here(session).organisation.id
        keys = {address: suppression.key_of(owner, address) for address in GONE}
        return {who: {row.reason for row in suppression.reasons(session, owner, key)} for who, key in keys.items()}

    return works.read(look)


def test_field_f08_neither_file_nor_program_nor_form_brings_anybody_back(
    works: Works, court: Court, smtp_sink: SmtpSink
) -> None:
    shop, client = programs.program(works.app), works.app.test_client()
    form = works.read(lambda session: Court.house(session).form.public_id)
    lines = [(address.upper() if town else address, town, "active") for address in GONE for town in ("", "Aarhus")]
    first = court.load(_file(court.folder, "people.csv", *lines))
    assert first.counts["suppressed"] == len(lines)
    again = court.load(_file(court.folder, "again.csv", *reversed(lines)), replace(PROVEN, columns=("City",)))
    assert again.counts["suppressed"] == len(lines)
    for number, address in enumerate(GONE):
        there = {"REMOTE_ADDR": f"198.51.100.{number}"}
        wish = {"address": address, "state": "confirmed", "list": "news"}
        assert shop.post("/subscribers", wish).status_code in {404, 405}
        assert shop.post("/signups", {"form": form, "address": address}, environ_base=there).status_code == 202
        assert client.post("/f/news", data={"email": address}, environ_base=there).status_code == 200
    works.work(Lane.URGENT, 3)
    assert _reasons(works) == {address: {reason} for address, reason in GONE.items()}
    assert set(attack.standing(works.app, works.list_id).values()) <= {
        "confirmed", "unsubscribed", "complained", "pending",
    }  # fmt: skip
    works.start()
    works.drain()
    letters = [kept.rcpt_tos for kept in smtp_sink.messages if kept.message["List-Unsubscribe"]]
    assert letters == [(STAYS,)]


def test_field_f09_a_suppression_outlives_whoever_it_is_about_and_does_not_age(
    works: Works, court: Court, frozen_clock: time_machine.Traveller
) -> None:
    # Nothing in the database hangs it on a person or a list.
    assert {key.column.table.name for key in Suppression.__table__.foreign_keys} == {"organisation"}
    held = court.suppressions()
    assert len(held) == len(GONE)

    def wipe(session: Session, house: Cafe) -> None:
        mailing_list.tombstone(session, house.mailing_list, actor="user:1")
        for table in reversed(Table.metadata.sorted_tables):
            if "subscriber_id" in table.c:
                session.execute(delete(table))
        session.execute(delete(subscriber.Subscriber))

    works.write(wipe)
    frozen_clock.shift(timedelta(days=20 * 365))
    with works.app.app_context():
        housekeeping.look_at_clocks()
        housekeeping.forget_past()
    assert court.suppressions() == held
    assert _reasons(works) == {address: {reason} for address, reason in GONE.items()}


# Status of another tool → whether that is an opt-out; all other words are none, and no yes either.
STATUSES = {
    "unsubscribed": True, "cleaned": True, "inactive": True, "Inactive": True, " UNSUBSCRIBED ": True,
    "not active": False, "actively": False, "inactivated": False, "active?": False, "unsubscribed-not": False,
    "un subscribed": False, "reactive": False,
}  # fmt: skip


def test_field_f10_opt_outs_of_a_file_become_suppressions_by_exact_words_alone(court: Court) -> None:
    before = len(court.suppressions())
    lines = [(f"guest-{number}@guest.example", "Aarhus", status) for number, status in enumerate(STATUSES)]
    _counts, judged = court.judge(_file(court.folder, "people.csv", *lines, ("anna@guest.example", "", "active")))
    assert [outcome for _address, outcome, _reason in judged] == [
        *("suppressed" if out else "unverified" for out in STATUSES.values()), "new",
    ]  # fmt: skip
    court.load(_file(court.folder, "people.csv", *lines))
    assert len(court.suppressions()) == before + sum(STATUSES.values())
    # And a later file in which they are active brings none of them in.
    active = [(address, town, "active") for address, town, _status in lines]
    assert court.load(_file(court.folder, "later.csv", *active)).counts["suppressed"] == sum(STATUSES.values())


def test_field_f11_a_bad_row_stops_nothing_case_is_no_difference_and_undo_restores_every_byte(
    works: Works, court: Court, frozen_clock: time_machine.Traveller
) -> None:
    lines = [
        ("no address", "", "active"), ("anna@guest.example", "Aarhus", "active"), ("ANNA@Guest.Example", "", "active"),
        ("@", "", "active"), (STAYS.upper(), "Skagen", "active"), ("x" * 400 + "@guest.example", "", "active"),
        ("bo@guest.example", "", "active"), ("left@guest.example", "", "active"),
    ]  # fmt: skip
    file, claims = _file(court.folder, "people.csv", *lines), replace(PROVEN, columns=("City",))
    before = court.everything()
    _counts, judged = court.judge(file, claims)
    assert [outcome for _address, outcome, _reason in judged] == [
        "rejected", "new", "unchanged", "rejected", "updated", "rejected", "new", "suppressed",
    ]  # fmt: skip
    assert court.everything() == before
    first = court.load(file, claims)
    assert first.counts["new"] == 2
    assert list(attack.standing(works.app, works.list_id)).count("anna@guest.example") == 1
    frozen_clock.shift(UNDO_WINDOW - timedelta(minutes=1))
    court.undo(first.id)
    assert court.everything() == before
    # The same once more; somebody leaves meanwhile, and that stays.
    again = court.load(file, claims)
    with writing(works.app) as session:
        person = subscriber.named(session, here(session).organisation, "bo@guest.example")
        unsubscribe.leave(session, person.id, works.list_id, Method.ONE_CLICK)
    held = court.suppressions()
    court.undo(again.id)
    assert court.suppressions() == held
    assert court.states()["bo@guest.example"] == "unsubscribed"
    assert "anna@guest.example" not in court.states()
    late = court.load(_file(court.folder, "late.csv", ("carl@guest.example", "", "active")))
    frozen_clock.shift(UNDO_WINDOW + timedelta(minutes=1))
    with pytest.raises(Conflict):
        court.undo(late.id)
