"""Reports that come in: what is kept of them, what is refused in words, and what is forgotten when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import hypothesis
import pytest
import time_machine
from hypothesis import strategies
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.deliverability import dmarc_report, failure_report, report_intake, sending_domain, tls_report
from listkeeper.deliverability.dmarc_report import DmarcReport, DmarcRow
from listkeeper.deliverability.failure_report import DmarcFailure
from listkeeper.deliverability.report_keeping import Duplicate, Kept, Outcome, Refused, ReportKind
from listkeeper.deliverability.tls_report import TlsPolicy, TlsReport, Trouble
from listkeeper.foundation.table import Table
from tests.makers import kept_reports, receiver_reports
from tests.makers.kept_reports import Mail

SUNDAY = date(2026, 11, 22)
TABLES: tuple[type[Table], ...] = (DmarcReport, DmarcRow, DmarcFailure, TlsReport, TlsPolicy)


@pytest.fixture
def owner(session: Session, frozen_clock: time_machine.Traveller) -> Organisation:
    made = kept_reports.owner(session)
    sending_domain.add(session, made.id, "news.shop.example")
    return made


def _bring(session: Session, owner: Organisation, data: bytes) -> Outcome:
    return kept_reports.bring(session, owner, data)[0]


def _numbers(session: Session) -> list[int]:
    return [session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


def _values(row: Table) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.c}


def test_an_aggregate_report_is_kept_row_by_row(session: Session, owner: Organisation) -> None:
    policy = "<p>Quarantine</p><sp>reject</sp><pct>50</pct><testing>y</testing>"
    mails = [
        Mail("192.0.2.1", 7, selector="LK1", author="news.shop.example"),
        Mail("::ffff:192.0.2.9", 2, dkim="fail", spf="softfail", reason="mailing_list", author=""),
    ]
    data = kept_reports.xml(SUNDAY, *mails, policy=policy)
    begin = datetime(2026, 11, 22, tzinfo=UTC)
    end = begin + timedelta(hours=23, minutes=59, seconds=59)
    assert _bring(session, owner, receiver_reports.gzipped(data)) == Kept(
        ReportKind.AGGREGATE, "Receiver", "shop.example", begin, end, 9
    )
    report = session.scalars(select(DmarcReport)).one()
    assert report.policy == {"p": "quarantine", "sp": "reject", "pct": 50, "testing": True}
    assert (report.policy_domain, report.day, report.begins_at, report.ends_at) == ("shop.example", SUNDAY, begin, end)
    first, second = session.scalars(select(DmarcRow).order_by(DmarcRow.id))
    assert _values(first) == {
        "id": first.id, "report_id": report.id, "source_ip": "192.0.2.1", "count": 7, "disposition": "none",
        "dkim": True, "spf": True, "forwarded": False, "header_from": "news.shop.example", "signed_by": "lk1",
        "signatures": [["news.shop.example", "LK1", "pass"]], "spf_domain": "news.shop.example", "spf_result": "pass",
    }  # fmt: skip
    assert _values(second) == {
        "id": second.id, "report_id": report.id, "source_ip": "192.0.2.9", "count": 2, "disposition": "none",
        "dkim": False, "spf": False, "forwarded": True, "header_from": "shop.example", "signed_by": "",
        "signatures": [["", "", "fail"]], "spf_domain": "", "spf_result": "softfail",
    }  # fmt: skip


def test_the_same_report_again_changes_nothing(session: Session, owner: Organisation) -> None:
    data = kept_reports.xml(SUNDAY, Mail("192.0.2.1", 7))
    assert isinstance(_bring(session, owner, data), Kept)
    before = _numbers(session)
    again = receiver_reports.mail(("application/zip", receiver_reports.zipped(data)))
    assert _bring(session, owner, again) == Duplicate(ReportKind.AGGREGATE, "Receiver", "shop.example")
    assert _bring(session, owner, data.replace(b">Receiver<", b">RECEIVER<")) == Duplicate(
        ReportKind.AGGREGATE, "RECEIVER", "shop.example"
    )
    assert _numbers(session) == before


def test_reports_with_the_same_id_are_told_apart_by_sender_and_domain(session: Session, owner: Organisation) -> None:
    same = [
        kept_reports.xml(SUNDAY, Mail("192.0.2.1"), number="1", sender=sender, domain=domain)
        for sender in ("Receiver", "Another")
        for domain in ("shop.example", "news.shop.example")
    ]
    assert all(isinstance(found, Kept) for found in kept_reports.bring(session, owner, *same))
    assert _numbers(session)[:2] == [4, 4]


@pytest.mark.parametrize(
    ("domain", "is_ours"),
    [
        ("news.shop.example", True),
        ("NEWS.Shop.Example.", True),
        # Above: where the policy of the whole name stands. Below: ours to answer for.
        ("shop.example", True),
        ("spring.news.shop.example", True),
        # A registry stands above everybody.
        ("example", False),
        ("other.shop.example", False),
        ("xnews.shop.example", False),
        ("stranger.example", False),
        ("news.shop.example.stranger.example", False),
        ("x" * 900 + ".news.shop.example", False),
        ("_.%.example", False),
    ],
)
def test_a_report_about_a_strangers_domain_is_refused(
    session: Session, owner: Organisation, domain: str, is_ours: bool
) -> None:
    for data in (
        kept_reports.xml(SUNDAY, Mail("192.0.2.1"), domain=domain),
        kept_reports.tls((domain, 1, {})),
        receiver_reports.failure(Reported_Domain=domain),
    ):
        found = _bring(session, owner, data)
        if is_ours:
            assert isinstance(found, Kept)
        else:
            assert isinstance(found, Refused)
            assert found.code == "not_ours"
            assert "none of your domains" in found.reason
            assert len(found.reason) < 500
    assert (_numbers(session) == [0] * 5) is not is_ours


def test_reports_from_long_ago_are_not_kept_for_a_day_only(session: Session, owner: Organisation) -> None:
    old, young = date(2025, 10, 17), date(2025, 10, 20)
    found = kept_reports.bring(session, owner, *(kept_reports.xml(day, Mail("192.0.2.1")) for day in (old, young)))
    assert [type(one) for one in found] == [Refused, Kept]
    assert isinstance(found[0], Refused)
    assert (found[0].code, "400 days" in found[0].reason) == ("too_old", True)
    data = receiver_reports.failure(Reported_Domain="shop.example", Arrival_Date="Thu, 22 Oct 2026 10:00:00 +0000")
    late = _bring(session, owner, data)
    assert isinstance(late, Refused)
    assert (late.code, "30 days" in late.reason) == ("too_old", True)


def test_a_report_that_speaks_of_more_than_there_can_be_is_refused(session: Session, owner: Organisation) -> None:
    data = kept_reports.xml(SUNDAY, Mail("192.0.2.1", 999_999_999_999))
    sessions = kept_reports.tls(("shop.example", 999_999_999_999, {}))
    codes = [one.code for one in kept_reports.bring(session, owner, data, sessions) if isinstance(one, Refused)]
    assert codes == ["count", "count"]
    assert _numbers(session) == [0] * 5


def test_only_our_policies_of_a_tls_report_are_kept_and_like_failures_are_one(
    session: Session, owner: Organisation
) -> None:
    data = kept_reports.tls(
        ("stranger.example", 90, {("mx.stranger.example", "certificate-expired"): 9}),
        ("shop.example", 7, {("mx1.shop.example", "certificate-expired"): 2, ("mx2.shop.example", "sts-x"): 1}),
        ("news.shop.example", 3, {("mx1.shop.example", "certificate-expired"): 4}),
    )
    found = _bring(session, owner, data)
    assert isinstance(found, Kept)
    assert (found.kind, found.sender, found.counted) == (ReportKind.TLS, "Sender", 17)
    assert isinstance(_bring(session, owner, receiver_reports.gzipped(data)), Duplicate)
    seen = tls_report.encrypted(session, owner.id, "shop.example", SUNDAY, SUNDAY)
    assert (seen.senders, seen.successful, seen.failed) == ({"Sender"}, 10, 7)
    assert seen.troubles == [
        Trouble("mx1.shop.example", "certificate-expired", 6),
        Trouble("mx2.shop.example", "sts-x", 1),
    ]
    below = tls_report.encrypted(session, owner.id, "news.shop.example", SUNDAY, SUNDAY)
    assert (below.successful, below.failed) == (3, 4)
    other_day = tls_report.encrypted(session, owner.id, "shop.example", date(2026, 11, 1), date(2026, 11, 21))
    assert (other_day.successful, other_day.failed) == (0, 0)


def test_nothing_of_a_person_is_kept_of_a_mail_that_failed(session: Session, owner: Organisation) -> None:
    hers = "anna@guest.example"
    data = receiver_reports.failure(
        Original_Mail_From=f"<bounce+{hers.replace('@', '=')}@relay.example>",
        Original_Rcpt_To=f"<{hers}>",
        User_Agent=f"Receiver/1.0 ({hers})",
        DKIM_Selector=hers,
        Delivery_Result=f"reject {hers}",
        Authentication_Results=f"mx.example; dmarc=fail header.from={hers}",
    )
    assert isinstance(_bring(session, owner, data), Kept)
    (row,) = failure_report.newest(session, owner.id, "shop.example", 5)
    assert "anna" not in repr(_values(row))
    assert "Not from us" not in repr(_values(row))
    assert (row.source_ip, row.auth_failure, row.mail_from_domain) == ("192.0.2.9", "dmarc", "relay.example")
    assert row.sender == "Receiver/1.0 (<address>)"
    assert row.arrived_at == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert isinstance(_bring(session, owner, data), Duplicate)


def test_each_kind_is_forgotten_when_its_time_is_over(
    session: Session, owner: Organisation, frozen_clock: time_machine.Traveller
) -> None:
    reports = [
        kept_reports.xml(SUNDAY, Mail("192.0.2.1")),
        kept_reports.tls(("shop.example", 1, {})),
        receiver_reports.failure(),
    ]
    kept_reports.bring(session, owner, *reports)
    for days, left in ((30, [1, 1, 1, 1, 1]), (1, [1, 1, 0, 1, 1]), (368, [1, 1, 0, 1, 1]), (2, [0] * 5)):
        frozen_clock.shift(timedelta(days=days))
        report_intake.forget_past(session)
        session.flush()
        assert _numbers(session) == left, f"after {days} more days"


def test_the_policy_that_counts_is_the_nearest_and_of_the_newest_report(session: Session, owner: Organisation) -> None:
    def governing(name: str) -> tuple[str, dict[str, Any]] | None:
        found = dmarc_report.governing(session, owner.id, name)
        return None if found is None else (found.policy_domain, found.policy)

    assert governing("news.shop.example") is None
    for day, domain, policy in (
        (20, "shop.example", "none"), (22, "shop.example", "reject"), (21, "shop.example", "quarantine"),
        (22, "spring.news.shop.example", "none"),
    ):  # fmt: skip
        mail = Mail("192.0.2.1")
        data = kept_reports.xml(date(2026, 11, day), mail, domain=domain, policy=f"<p>{policy}</p>")
        assert isinstance(_bring(session, owner, data), Kept)
    assert governing("news.shop.example") == ("shop.example", {"p": "reject"})
    kept_reports.bring(
        session, owner, kept_reports.xml(date(2026, 11, 19), Mail("192.0.2.1"), domain="news.shop.example")
    )
    assert governing("news.shop.example") == ("news.shop.example", {"p": "none"})


def test_what_was_checked_of_the_last_mail_of_a_source(session: Session, owner: Organisation) -> None:
    early = kept_reports.xml(date(2026, 11, 20), Mail("192.0.2.1", dkim="fail"), Mail("192.0.2.2"))
    late = kept_reports.xml(
        date(2026, 11, 21), Mail("192.0.2.1", selector="lk1"), Mail("192.0.2.3", author="x.example")
    )
    kept_reports.bring(session, owner, early, late)
    asked = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert dmarc_report.checks(session, owner.id, "shop.example", asked, date(2026, 11, 21)) == {
        "192.0.2.1": [("dkim", "shop.example", "lk1", "pass"), ("spf", "shop.example", "pass")]
    }


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\x00\x01", "unknown_form"),
        (b"{}", "not_tls_report"),
        (b"<html><p>Hello</p></html>", "unknown_form"),
        (b"<feedback>", "not_xml"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><feedback>&a;</feedback>", "dtd"),
        (receiver_reports.gzipped(b"<feedback>" + b" " * 30_000_000), "bomb"),
        (receiver_reports.mail(("text/plain", b"Hello")), "no_report"),
        (receiver_reports.failure(Feedback_Type="abuse"), "not_auth_failure"),
        (receiver_reports.xml(receiver_reports.row()) * 2, "not_xml"),
        (receiver_reports.xml(begin="4000000000", end="4000086399"), "date_range"),
        (receiver_reports.tls(**{"report-id": ""}), "no_report_id"),
        (b"x" * 4_000_001, "too_large"),
    ],
)
def test_what_is_no_report_is_refused_in_words(session: Session, owner: Organisation, data: bytes, code: str) -> None:
    found = _bring(session, owner, data)
    assert isinstance(found, Refused)
    assert found.code == code
    assert found.reason.endswith(".")
    assert _numbers(session) == [0] * 5


@hypothesis.given(strategies.data())
def test_damaged_reports_are_kept_or_refused_and_never_raise(data: strategies.DataObject) -> None:
    """Whatever was read of them fits into the columns, whose lengths PostgreSQL insists on."""
    whole = data.draw(
        strategies.sampled_from([receiver_reports.xml(), receiver_reports.tls(), receiver_reports.failure()])
    )
    place, length = data.draw(strategies.tuples(strategies.integers(0, len(whole)), strategies.integers(0, 20)))
    damaged = whole[:place] + data.draw(strategies.binary(max_size=20)) + whole[place + length :]
    found = report_intake.read(damaged)
    if isinstance(found, Refused):
        assert found.code
        assert found.reason
    else:
        assert found.data == damaged


LONG = "ab" * 450


def test_the_longest_texts_fit_into_their_columns(session: Session, owner: Organisation) -> None:
    mail = Mail("2001:db8::1", 1, selector=LONG, author=LONG, reason=LONG)
    policy = "".join(f"<{tag}>{LONG}</{tag}>" for tag in ("p", "sp", "np", "adkim", "aspf", "fo"))
    reports = [
        kept_reports.xml(SUNDAY, mail, sender=LONG, number=LONG, policy=policy).replace(b"none<", LONG.encode() + b"<"),
        kept_reports.tls(("shop.example", 1, {(LONG, LONG): 1}), number=LONG),
        receiver_reports.failure(
            User_Agent=LONG, Auth_Failure=LONG, Delivery_Result=LONG, DKIM_Domain=LONG, DKIM_Selector=LONG,
            Original_Mail_From=f"a@{LONG}",
        ),
    ]  # fmt: skip
    assert [type(one) for one in kept_reports.bring(session, owner, *reports)] == [Kept, Kept, Kept]
    for table in TABLES:
        for row in session.scalars(select(table)):
            for column in row.__table__.c:
                most = getattr(column.type, "length", None)
                assert most is None or len(getattr(row, column.key) or "") <= most
