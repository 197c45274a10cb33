"""The list of those never mailed, in every provider's format: its columns, its reasons, and who cannot be in it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, erasure, suppression, undeliverable, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason
from listkeeper.feedback import suppression_export
from listkeeper.feedback.suppression_export import SHEETS, Format, LeftOut
from listkeeper.foundation import clock
from tests.makers import cafe
from tests.makers.cafe import Cafe

BOUNCED, SPAM, LEFT = "bounced@guest.example", "spam@guest.example", "left@guest.example"


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with one of each: bounced, complained, left everything, left one list, gone, and one who is welcome."""
    made = cafe.found(session)
    people = {name: cafe.subscribe(session, made, name) for name in (BOUNCED, SPAM, LEFT)}
    undeliverable.hold(session, people[BOUNCED].id, actor="feedback:1")
    # Of two reasons the weightier one is told.
    undeliverable.hold(session, people[SPAM].id, actor="feedback:2")
    complaint.complain(session, people[SPAM].id)
    complaint.stop_everything(session, people[LEFT].id, method=Method.ONE_CLICK)
    one_list = cafe.subscribe(session, made, "one-list@guest.example")
    unsubscribe.leave(session, one_list.id, made.mailing_list.id, Method.PAGE)
    resting = cafe.subscribe(session, made, "resting@guest.example")
    suppression.add(
        session, made.organisation.id, resting.suppression_key, scope=suppression.MARKETING, reason=Reason.MANUAL,
        until=clock.now() + timedelta(days=1),
    )  # fmt: skip
    gone = cafe.subscribe(session, made, "gone@guest.example")
    erasure.erase(session, gone.id, actor="subscriber", forget_copies=lambda *_: None)
    cafe.subscribe(session, made, "welcome@guest.example")
    session.flush()
    return made


def _files(session: Session, house: Cafe, form: Format) -> dict[str, list[list[str]]]:
    number = house.organisation.id
    return {
        part.name: list(
            csv.reader(
                io.StringIO(
                    "".join(
                        suppression_export.pieces(
                            part, suppression_export.everybody(session, number, narrower=form is Format.CSV)
                        )
                    )
                )
            )
        )
        for part in SHEETS[form]
    }


def test_who_is_left_out_is_counted(session: Session, house: Cafe) -> None:
    assert suppression_export.left_out(session, house.organisation.id) == LeftOut(without_address=1, narrower=2)


def test_every_format_names_each_address_that_is_never_mailed_and_nobody_else(session: Session, house: Cafe) -> None:
    for form in Format:
        text = json.dumps(_files(session, house, form))
        assert all(address in text for address in (BOUNCED, SPAM, LEFT)), form
        assert "welcome@" not in text, form
        assert "gone@" not in text, form
        assert ("one-list@" in text) is (form is Format.CSV), form


def test_ses_has_two_reasons_and_no_header(session: Session, house: Cafe) -> None:
    assert _files(session, house, Format.SES) == {"": [[BOUNCED, "BOUNCE"], [SPAM, "COMPLAINT"], [LEFT, "COMPLAINT"]]}


def test_mailgun_has_a_file_for_each_reason(session: Session, house: Cafe) -> None:
    files = _files(session, house, Format.MAILGUN)
    assert {name: (rows[0], [row[0] for row in rows[1:]]) for name, rows in files.items()} == {
        "bounces": (["address", "code", "error", "created_at"], [BOUNCED]),
        "complaints": (["address", "created_at"], [SPAM]),
        "unsubscribes": (["address", "tags", "created_at"], [LEFT]),
    }
    assert files["unsubscribes"][1][1] == "*"
    assert files["bounces"][1][3].endswith(" +0000")


def test_sparkpost_stops_all_mail_only_where_none_arrives(session: Session, house: Cafe) -> None:
    files = _files(session, house, Format.SPARKPOST)
    assert [row[:2] for row in files["transactional"]] == [["recipient", "type"], [BOUNCED, "transactional"]]
    assert [row[:2] for row in files["non-transactional"][1:]] == [
        [address, "non_transactional"] for address in (BOUNCED, SPAM, LEFT)
    ]


@pytest.mark.parametrize(
    ("form", "header", "reasons"),
    [
        (Format.SENDGRID, ["email"], []),
        (Format.BREVO, ["EMAIL"], []),
        (Format.MAILJET, ["Email", "IsExcludedFromCampaigns"], ["true"] * 3),
        (Format.RESEND, ["email", "unsubscribed"], ["true"] * 3),
        (
            Format.POSTMARK, ["EmailAddress", "SuppressionReason", "Origin", "CreatedAt"],
            ["HardBounce", "SpamComplaint", "ManualSuppression"],
        ),
    ],
)  # fmt: skip
def test_the_columns_of_the_others(
    session: Session, house: Cafe, form: Format, header: list[str], reasons: list[str]
) -> None:
    [(first, *rows)] = _files(session, house, form).values()
    assert first == header
    assert [row[0] for row in rows] == [BOUNCED, SPAM, LEFT]
    assert [row[1] for row in rows if len(row) > 1] == reasons


def test_our_own_has_every_entry_with_its_scope(session: Session, house: Cafe) -> None:
    [(first, *rows)] = _files(session, house, Format.CSV).values()
    assert first == ["address", "reason", "scope", "since"]
    told = {(row[0], row[1], row[2]) for row in rows}
    assert {(SPAM, "hard_bounce", "marketing"), (SPAM, "complaint", "marketing")} <= told
    assert ("one-list@guest.example", "unsub", f"list:{house.mailing_list.id}") in told
    assert ("resting@guest.example", "manual", "marketing") in told


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
@pytest.mark.parametrize("form", list(Format))
def test_no_spreadsheet_runs_an_address(session: Session, house: Cafe, form: Format, sign: str) -> None:
    bad = f"{sign}cmd|x@guest.example"
    session.execute(update(Subscriber).where(Subscriber.email_send == BOUNCED).values(email_send=bad))
    session.expire_all()
    assert suppression_export.is_marked(bad)
    assert not suppression_export.is_marked(SPAM)
    for rows in _files(session, house, form).values():
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert f"'{bad}" in json.dumps(_files(session, house, form))
