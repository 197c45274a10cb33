"""Newcomers are written a column at a time, and what is written is what the long way writes, row by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience.importing import court as court_of_law
from listkeeper.audience.importing import judging, newcomers
from listkeeper.audience.importing.batch import ImportRow
from listkeeper.audience.importing.judging import Decision, Seen
from listkeeper.audience.importing.reader import Chunk, Task
from listkeeper.audience.proof import fold
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from tests.fakes.databases import Database
from tests.makers import exports, imports
from tests.makers.exports import ASKED, CONFIRMED
from tests.makers.imports import PROVEN, Court

HEAD = "Email,First Name,Status,OPTIN_TIME,CONFIRM_TIME"


@pytest.fixture
def court(app: Flask, database: Database, tmp_path: Path) -> Court:
    return imports.opened(app, tmp_path)


def _file(court: Court, who: str) -> Path:
    """Write every kind of row that may stand beside newcomers."""
    lines = [
        HEAD,
        f"{who}-proven@guest.example,Anna,active,{ASKED},{CONFIRMED}",
        f"{who}-with-zone@guest.example,Бо,active,2024-03-01T10:00:00+05:30,2024-03-01T10:00:01.250+05:30",
        f"{who}-kept@guest.example,,active,{ASKED},",
        f"{who}-no-claim@guest.example,,active,,",
        "nobody,,active,,",
        f'{who}-odd@guest.example,"a\\b\t""c""",active,{ASKED},{CONFIRMED}',
        f"{who}-twice@guest.example,,active,{ASKED},",
        f"{who}-TWICE@guest.example,Tove,active,{ASKED},{CONFIRMED}",
        f"info@{who}.example,,active,{ASKED},{CONFIRMED}",
        f"{who}-left@guest.example,,unsubscribed,,",
        f"{who}-left@guest.example,,active,{ASKED},{CONFIRMED}",
    ]
    return exports.write(court.folder / f"{who}.csv", "\n".join(lines) + "\n")


def _written(court: Court, number: int) -> list[tuple[Any, ...]]:
    """Return what a batch has written, but for what is drawn at random or is of its own time and place."""
    row, held, person = ImportRow, Subscription, Subscriber
    query = (
        select(
            row.row, row.line, row.outcome, row.reason, row.evidenced, row.requested_at, row.confirmed_at, row.position,
            row.made, row.subject_ref != "", row.evidence_commit != "", person.profile, person.language, person.demo,
            person.suppression_key == row.key, held.state, held.basis, held.double_opt_in, held.purpose,
            held.first_use_deadline, held.last_contact_at, held.ledger_seq == row.event_seq, held.import_id == number,
        )
        .outerjoin(person, person.subject_ref == row.subject_ref)
        .outerjoin(held, held.subscriber_id == person.id)
        .where(row.batch_id == number)
        .order_by(row.part, row.row)
    )  # fmt: skip
    with court.app.app_context(), store.reading() as session:
        return [tuple(found) for found in session.execute(query)]


def _none(chunk: Chunk, _seen: Seen) -> list[bool]:
    return [False] * len(chunk)


@pytest.mark.parametrize("last_letter", ["", "2024-02-01", "2026-11-01"])
def test_they_are_written_as_the_long_way_writes_them(court: Court, last_letter: str) -> None:
    claims = replace(PROVEN, columns=("First Name",), last_letter_on=last_letter)
    told: list[Decision] = []
    quick = court.load(_file(court, "quick"), claims, keep=lambda _name, decisions: told.extend(decisions))
    with mock.patch.object(newcomers, "_marks", _none):
        slow = court.load(_file(court, "slow"), claims)
    assert quick.counts == slow.counts
    assert quick.counts["new"] == 4
    written = _written(court, quick.id)
    assert written == _written(court, slow.id)
    assert len(written) == 11
    # Whoever asks what became of each row hears the same, in the order of the chunks: who left comes first.
    assert sorted((one.row.row, one.outcome.value, one.reason) for one in told) == [
        (row[0], row[2], row[3]) for row in written
    ]
    # And the ledger proves both: the subscriptions are what it says.
    with court.app.app_context(), store.reading() as session:
        assert fold.heal(session, court.house(session).organisation) == []


def test_whoever_is_there_already_is_met_though_a_first_import_looks_for_nobody(court: Court) -> None:
    first = exports.mailchimp("subscribed", [f"p{number}@guest.example" for number in range(40)])
    court.load(exports.write(court.folder / "first.csv", first))
    # In chunks of ten rows, the people of the first file begin in the middle of the second chunk.
    mixed = [f"new{number}@guest.example" for number in range(15)]
    mixed += [f"P{number}@guest.example" for number in range(40)]
    mixed += [f"later{number}@guest.example" for number in range(35)]
    file = exports.write(court.folder / "second.csv", exports.mailchimp("subscribed", mixed))
    looked: list[bool] = []
    look, task_of = judging.look, court_of_law.task_of

    def watched(*given: Any, people: bool, **named: Any) -> Seen:  # noqa: ANN401 - as look takes them
        looked.append(people)
        return look(*given, people=people, **named)

    def of_ten(*given: Any, **named: Any) -> Task:  # noqa: ANN401 - as task_of takes them
        return replace(task_of(*given, **named), rows=10)

    with (
        mock.patch.object(court_of_law, "_WARY_CHUNKS", 1),
        mock.patch.object(court_of_law, "task_of", of_ten),
        mock.patch.object(judging, "look", watched),
    ):
        made = court.load(file)
    assert made.counts == {"new": 50, "unchanged": 40}
    assert len(court.states()) == 90
    # Hoped, refused by the database and looked again; then looked while people are met, and once more after that.
    assert looked == [False, False, *[True] * 6, False, False]
