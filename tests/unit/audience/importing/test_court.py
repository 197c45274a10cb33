"""The court on both databases: who may be mailed after an import, who may not, and that it leaves proof."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience import suppression
from listkeeper.audience.importing import batch as batches
from listkeeper.audience.importing.batch import ImportState
from listkeeper.audience.importing.court import Claims
from listkeeper.audience.importing.moments import DateOrder
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.standards import canonical_json, merkle
from tests.fakes.databases import Database
from tests.makers import cafe, exports, imports
from tests.makers.exports import ASKED, CONFIRMED
from tests.makers.imports import PROVEN, Court


@pytest.fixture
def court(app: Flask, database: Database, tmp_path: Path) -> Court:
    return imports.opened(app, tmp_path)


def _csv(court: Court, *lines: str, name: str = "people.csv") -> Path:
    return exports.write(court.folder / name, "\n".join(lines) + "\n")


HEAD = "Email,First Name,City,Status,OPTIN_TIME,CONFIRM_TIME"


def _row(
    address: str, status: str = "active", asked: str = ASKED, confirmed: str = CONFIRMED, name: str = "Anna"
) -> str:
    return f"{address},{name},Aarhus,{status},{asked},{confirmed}"


def test_evidence_confirms_and_its_lack_is_kept_unmailed(court: Court) -> None:
    file = _csv(court, HEAD, _row("anna@guest.example"), _row("bo@guest.example", confirmed=""), "broken")
    made = court.load(file, replace(PROVEN, columns=("City",)))
    assert court.states() == {"anna@guest.example": "confirmed", "bo@guest.example": "imported_unverified"}
    assert made.state is ImportState.FINISHED
    assert made.counts == {
        "new": 1, "unverified": 1, "unverified:no_confirmation": 1, "rejected": 1, "rejected:row_cells": 1,
    }  # fmt: skip
    # Only what was ticked is kept.
    assert court.profile("anna@guest.example") == {"city": "Aarhus"}


def test_the_subscription_carries_what_the_gate_asks_for(court: Court) -> None:
    made = court.load(_csv(court, HEAD, _row("anna@guest.example")))
    with court.app.app_context(), store.reading() as session:
        held = session.scalars(select(Subscription)).one()
        assert (held.basis.value, held.double_opt_in, held.purpose) == ("consent", True, "newsletter")
        assert held.import_id == made.id
        assert held.since.isoformat() == "2023-05-01T10:15:40+00:00"
        row = session.scalars(select(LedgerRow).where(LedgerRow.seq == held.ledger_seq)).one()
        assert row.type == "import.batch"


def test_a_row_is_proved_by_its_leaf_and_opens_its_evidence(court: Court) -> None:
    file = _csv(
        court,
        HEAD,
        *(_row(f"p{number}@guest.example") for number in range(9)),
        "broken",
        _row("left@x.example", "unsubscribed"),
    )
    made = court.load(file)
    rows = court.rows(made.id)
    with court.app.app_context(), store.reading() as session:
        name = session.get_one(MailingList, court.list_id).public_id
        events = session.scalars(
            select(LedgerRow).where(LedgerRow.type == "import.batch").order_by(LedgerRow.seq)
        ).all()
        # One for the opt-outs, one for the people, and none a person.
        assert len(events) == 2
        for event in events:
            fields = ledger.fields_of(event)
            mine = sorted((row for row in rows if row.event_seq == event.seq), key=lambda row: row.position)
            leaves = [merkle.leaf_hash(canonical_json.dumps(batches.record(made.public_id, name, row))) for row in mine]
            assert leaves == [row.leaf for row in mine]
            assert fields["details"]["root"] == merkle.root(leaves).hex()
            assert fields["details"]["rows"] == len(mine)
        first = rows[0]
        opened = evidence.opened(session, made.organisation_id, first.subject_ref)[first.event_id]
        assert evidence.commitment(opened.salt, opened.content) == first.evidence_commit
        assert opened.content["kind"] == "imported_claim"
        assert (opened.content["address"], opened.content["requested_at"]) == ("p0@guest.example", ASKED)
        assert opened.content["origin"] == PROVEN.origin
        assert "guest.example" not in "".join(session.scalars(select(LedgerRow.record)))


def test_opt_outs_win_whatever_the_order_and_the_spelling(court: Court) -> None:
    file = _csv(
        court, HEAD,
        _row("anna@guest.example"), _row("ANNA@Guest.example", "unsubscribed"),
        _row("bo@guest.example", "bounced"), _row("Bo@guest.example"),
        _row("carl@guest.example", "spam"), _row("dora@guest.example", "disabled"), _row("ella@guest.example", "inactive"),  # noqa: E501
    )  # fmt: skip
    counts, lines = court.judge(file)
    made = court.load(file)
    assert court.states() == {}
    assert sorted(court.suppressions()) == [
        ("marketing", "complaint"), ("marketing", "hard_bounce"), ("marketing", "manual"), ("marketing", "manual"),
        ("marketing", "unsub"),
    ]  # fmt: skip
    # The dry run says the same as the load, row by row.
    assert counts == made.counts
    assert ("anna@guest.example", "suppressed", "unsub") in lines


def test_a_suppressed_person_is_not_revived_by_any_file(court: Court) -> None:
    with court.app.app_context(), store.transaction() as session:
        house = court.house(session)
        owner = house.organisation.id
        key = suppression.key_of(owner, "gone@guest.example")
        suppression.add(session, owner, key, scope=suppression.ALL, reason=suppression.Reason.ERASURE)
    made = court.load(_csv(court, HEAD, _row("gone@guest.example")))
    assert made.counts == {"suppressed": 1, "suppressed:erasure": 1}
    with court.app.app_context(), store.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []


def test_a_file_ends_what_is_here_and_never_raises_what_was_ended(court: Court) -> None:
    with court.app.app_context(), store.transaction() as session:
        house = court.house(session)
        cafe.subscribe(session, house, "anna@guest.example")
        cafe.subscribe(session, house, "bo@guest.example")
    court.load(_csv(court, HEAD, _row("anna@guest.example", "unsubscribed"), _row("bo@guest.example")))
    assert court.states() == {"anna@guest.example": "unsubscribed", "bo@guest.example": "confirmed"}
    with court.app.app_context(), store.reading() as session:
        told = session.scalars(select(LedgerRow.type).order_by(LedgerRow.seq)).all()
        assert "consent.withdrawn" in told
        # Her own consent stays what the permission rests on.
        held = session.scalars(select(Subscription).where(Subscription.state == "confirmed")).one()
        assert held.import_id is None
    made = court.load(_csv(court, HEAD, _row("anna@guest.example"), name="again.csv"))
    assert made.counts["suppressed"] == 1
    assert court.states()["anna@guest.example"] == "unsubscribed"


def test_the_same_file_twice_changes_nothing(court: Court) -> None:
    file = _csv(
        court, HEAD, _row("anna@guest.example"), _row("bo@guest.example", confirmed=""), _row("c@x.example", "bounced")
    )
    first = court.load(file)
    before = court.everything()
    again = court.load(file)
    assert again.id == first.id
    assert court.everything() == before
    # With other words it is another claim; nobody is doubled, and who was confirmed stays so.
    other = court.load(file, replace(PROVEN, origin="the counter of our shop"))
    assert other.counts == {"suppressed": 1, "suppressed:hard_bounce": 1, "unchanged": 2}
    assert len(court.suppressions()) == 1


def test_later_evidence_raises_what_was_kept_without_and_only_that(court: Court) -> None:
    court.load(_csv(court, HEAD, _row("anna@guest.example", confirmed="")))
    made = court.load(_csv(court, HEAD, _row("anna@guest.example"), name="proof.csv"))
    assert made.counts == {"updated": 1, "updated:evidence": 1}
    assert court.states() == {"anna@guest.example": "confirmed"}
    row = court.rows(made.id)[0]
    with court.app.app_context(), store.reading() as session:
        held = evidence.opened(session, made.organisation_id, row.subject_ref)
        assert evidence.commitment(held[row.event_id].salt, held[row.event_id].content) == row.evidence_commit


def test_two_rows_of_one_person_the_second_with_the_proof(court: Court) -> None:
    made = court.load(_csv(court, HEAD, _row("anna@guest.example", confirmed=""), _row("Anna@guest.example")))
    assert made.counts == {"unverified": 1, "unverified:no_confirmation": 1, "updated": 1, "updated:evidence": 1}
    assert court.states() == {"anna@guest.example": "confirmed"}


def test_what_a_person_told_is_not_written_over(court: Court) -> None:
    court.load(_csv(court, HEAD, _row("anna@guest.example")), replace(PROVEN, columns=("City",)))
    file = _csv(court, HEAD, _row("anna@guest.example").replace("Aarhus", "Odense"), name="two.csv")
    made = court.load(file, replace(PROVEN, columns=("City", "First Name")))
    assert court.profile("anna@guest.example") == {"city": "Aarhus", "first_name": "Anna"}
    assert made.counts == {"updated": 1, "updated:profile": 1}


def test_opt_outs_kept_apart_are_asked_for(court: Court) -> None:
    subscribed = exports.write(
        court.folder / "subscribed.csv", exports.mailchimp("subscribed", ["anna@guest.example", "bo@guest.example"])
    )
    claims = replace(PROVEN, no_opt_outs=False)
    with pytest.raises(Invalid) as asked:
        court.load(subscribed, claims)
    assert asked.value.code == "import_opt_outs"
    assert court.states() == {}
    left = exports.write(court.folder / "unsubscribed.csv", exports.mailchimp("unsubscribed", ["bo@guest.example"]))
    court.load(subscribed, claims, left)
    assert court.states() == {"anna@guest.example": "confirmed"}
    assert court.suppressions() == [(f"list:{court.list_id}", "unsub")]


def test_a_plain_list_of_opt_outs_will_do(court: Court) -> None:
    subscribed = exports.write(
        court.folder / "subscribed.csv", exports.mailchimp("subscribed", ["anna@guest.example", "bo@guest.example"])
    )
    left = exports.write(court.folder / "left.txt", "bo@guest.example\n")
    court.load(subscribed, replace(PROVEN, no_opt_outs=False), left)
    assert court.states() == {"anna@guest.example": "confirmed"}


def test_mailchimps_archive_of_three_in_german(court: Court) -> None:
    file = exports.mailchimp_zip(
        court.folder, first=exports.GERMAN, subscribed=["anna@guest.example", "bo@guest.example"],
        unsubscribed=["carl@guest.example"], cleaned=["bo@guest.example"],
    )  # fmt: skip
    made = court.load(file, replace(PROVEN, no_opt_outs=False))
    assert made.source_title == "Mailchimp (German)"
    assert court.states() == {"anna@guest.example": "confirmed"}
    assert sorted(reason for _, reason in court.suppressions()) == ["hard_bounce", "unsub"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (_row("a@guest.example", asked="2023-05-01", confirmed="2023-05-01"), "no_time_of_day"),
        (_row("a@guest.example", asked="", confirmed=""), "no_time"),
        (_row("a@guest.example", asked=CONFIRMED, confirmed=ASKED), "before_request"),
        (_row("a@guest.example", asked=ASKED, confirmed=ASKED), "same_moment"),
        (_row("a@guest.example", confirmed="2099-01-01 10:00:00"), "future"),
        (_row("a@guest.example", asked="yes"), "unreadable_time"),
        (_row("a@guest.example", "pending"), "status"),
    ],
)
def test_what_is_missing_contradictory_or_in_the_future_is_no_evidence(court: Court, line: str, reason: str) -> None:
    made = court.load(_csv(court, HEAD, line))
    assert made.counts == {"unverified": 1, f"unverified:{reason}": 1}
    assert court.states() == {"a@guest.example": "imported_unverified"}


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (Claims(no_opt_outs=True), "no_basis"),
        (replace(PROVEN, origin=""), "no_origin"),
        (replace(PROVEN, method=""), "no_method"),
        (replace(PROVEN, text=""), "no_text"),
    ],
)
def test_without_origin_method_or_words_there_is_no_claim(court: Court, claims: Claims, reason: str) -> None:
    assert court.load(_csv(court, HEAD, _row("a@guest.example")), claims).counts[f"unverified:{reason}"] == 1


def test_consent_needs_a_sentence_and_the_ambiguous_day_an_answer(court: Court) -> None:
    file = _csv(court, HEAD, _row("a@guest.example"))
    with pytest.raises(Invalid) as refused:
        court.load(file, replace(PROVEN, attestation="yes"))
    assert refused.value.code == "import_attestation"
    dates = _csv(
        court, HEAD, _row("a@guest.example", asked="03/04/2023 10:00", confirmed="03/05/2023 10:00"), name="d.csv"
    )
    with pytest.raises(Invalid) as asked:
        court.load(dates)
    assert asked.value.code == "import_date_order"
    court.load(dates, replace(PROVEN, order=DateOrder.MONTH_FIRST))


def test_role_and_disposable_addresses_are_remarked_on(court: Court) -> None:
    made = court.load(_csv(court, HEAD, _row("info@guest.example"), _row("x@mailinator.com")))
    assert (made.counts["remark:role"], made.counts["remark:disposable"], made.counts["new"]) == (1, 1, 2)


def test_a_list_that_is_put_away_takes_nobody(court: Court) -> None:
    with court.app.app_context(), store.transaction() as session:
        court.house(session).mailing_list.state = "archived"  # type: ignore[assignment]
    with pytest.raises(Conflict):
        court.load(_csv(court, HEAD, _row("a@guest.example")))
