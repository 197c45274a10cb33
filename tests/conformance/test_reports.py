"""Reports of other projects' corpora: each is read or refused in words, and read as those projects read it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from listkeeper.standards import dmarc_failure_report, dmarc_report, tls_report
from listkeeper.standards.dmarc_failure_report import FailureReport
from listkeeper.standards.dmarc_report import Report
from listkeeper.standards.dmarc_row import Row
from listkeeper.standards.packed_report import Refusal
from tests.fakes.corpora import Corpora

_NOW = datetime(2026, 11, 23, tzinfo=UTC)
# Of each file of the first corpus: how many rows and messages, or the code of the refusal.
_PARSEDMARC = {
    "aggregate/addisonfoods.com!example.com!1536105600!1536191999.xml": (1, 1),
    "aggregate/empty_reason.xml": (1, 2),
    "aggregate/estadocuenta1.infonacot.gob.mx!example.com!1536853302!1536939702!2940.xml.zip": (1, 1),
    "aggregate/example.net!example.com!1529366400!1529452799.xml": (1, 1),
    "aggregate/rfc9990-example.net!example.com!1700000000!1700086399.xml": (2, 7),
    "aggregate/rfc9990-sample.xml": (1, 123),
    "aggregate/usssa.com!example.com!1538784000!1538870399.xml": (2, 2),
    "aggregate/veeam.com!example.com!1530133200!1530219600.xml": (1, 1),
    "aggregate_invalid/report_with_upper_cased_pass.xml": (1, 1),
    "empty.xml": "empty",
    "extract_report/changed-input.xml": (20, 3_047),
    "extract_report/nice-input.xml": (20, 3_047),
    "extract_report/nice-input.xml.gz": (20, 3_047),
    "extract_report/nice-input.xml.zip": (20, 3_047),
}
# That project's words for ours; what a report does not say it calls Unspecified.
_WORDS = {
    "Unspecified": "", "Relaxed": "r", "Strict": "s", "None": "none", "Quarantine": "quarantine", "Reject": "reject",
    "Pass": "pass", "Fail": "fail", "Treewalk": "treewalk", "MailFrom": "mfrom", "Helo": "helo",
}  # fmt: skip


def _aggregate(path: Path) -> Report:
    found = dmarc_report.read(path.read_bytes(), now=_NOW)
    assert isinstance(found, Report), f"{path.name}: {found}"
    return found


def test_every_aggregate_report_is_read_or_refused_in_words(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora.folder("dmarc_reports_parsedmarc", at_least=18)
    found: dict[str, tuple[int, int] | str] = {}
    for name in _PARSEDMARC:
        read = dmarc_report.read((folder / name).read_bytes(), now=_NOW)
        assert not isinstance(read, Refusal) or read.reason.endswith(".")
        found[name] = read.code if isinstance(read, Refusal) else (len(read.rows), read.messages)
    refused = sorted(name for name, what in found.items() if isinstance(what, str))
    summarise(f"dmarc_reports_parsedmarc: {len(found)} aggregate, {len(found) - len(refused)} read, refused {refused}")
    assert found == _PARSEDMARC


def test_the_traps_are_read_as_they_were_meant(corpora: Corpora) -> None:
    folder = corpora / "dmarc_reports_parsedmarc"
    upper = _aggregate(folder / "aggregate_invalid/report_with_upper_cased_pass.xml").rows[0]
    assert (upper.disposition, upper.dkim, upper.spf, upper.aligned) == ("none", "pass", "pass", True)
    assert (upper.dkim_results[0].result, upper.spf_results[0].result) == ("pass", "pass")
    assert _aggregate(folder / "aggregate/empty_reason.xml").rows[0].reasons == ()
    second = _aggregate(folder / "aggregate/rfc9990-example.net!example.com!1700000000!1700086399.xml")
    assert second.rows[1].reasons[0].comment == "sender not authorized"
    assert (second.policy.testing, second.policy.np, second.policy.discovery_method) == (True, "reject", "treewalk")
    forms = {_aggregate(folder / f"extract_report/nice-input.xml{end}") for end in ("", ".gz", ".zip")}
    assert len(forms) == 1
    changed = _aggregate(folder / "extract_report/changed-input.xml")
    assert dataclasses.replace(changed, org_name="google.com") in forms
    assert changed.org_name == "fred.com"


def test_reports_are_read_as_another_project_reads_them(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora.folder("dmarc_reports_stalwart", at_least=10)
    wanted = sorted(folder.glob("*.json"))
    agreed = []
    for expected in wanted:
        (path,) = (one for one in folder.glob(f"{expected.stem}.*") if one != expected)
        report = _aggregate(path)
        assert _as_they_say(report) == _of_theirs(json.loads(expected.read_text())), path.name
        agreed.append(path.name)
    summarise(f"dmarc_reports_stalwart: {len(wanted)} reports, {len(agreed)} as expected")
    assert len(agreed) == 5


def _as_they_say(report: Report) -> dict[str, Any]:
    policy = report.policy
    return {
        "metadata": (report.org_name, report.email, report.extra_contact_info, report.report_id, report.generator),
        "range": (report.begin.timestamp(), report.end.timestamp()),
        "policy": (policy.domain, policy.adkim, policy.aspf, policy.p, policy.sp, policy.np, policy.discovery_method),
        "testing": bool(policy.testing),
        "rows": [_row(row) for row in report.rows],
    }


def _row(row: Row) -> tuple[object, ...]:
    dkim = [(one.domain, one.selector, one.result) for one in row.dkim_results]
    spf = [(one.domain, one.scope, one.result) for one in row.spf_results]
    names = (row.header_from, row.envelope_from, row.envelope_to)
    return str(row.source_ip), row.count, row.disposition, row.dkim, row.spf, names, dkim, spf, len(row.reasons)


def _of_theirs(value: dict[str, Any]) -> dict[str, Any]:
    about, policy = value["report_metadata"], value["policy_published"]
    names = ("org_name", "email", "extra_contact_info", "report_id", "generator")
    words = [_WORDS[policy.get(name, "Unspecified")] for name in ("adkim", "aspf", "p", "sp", "np", "discovery_method")]
    return {
        "metadata": tuple(about.get(name) or "" for name in names),
        "range": (about["date_range"]["begin"], about["date_range"]["end"]),
        "policy": (policy["domain"], *words),
        "testing": policy["testing"],
        "rows": [_their_row(record) for record in value["record"]],
    }


def _their_row(record: dict[str, Any]) -> tuple[object, ...]:
    row, who, results = record["row"], record["identifiers"], record["auth_results"]
    judged = row["policy_evaluated"]
    dkim = [(one["domain"], one["selector"], _WORDS[one["result"]]) for one in results["dkim"]]
    spf = [(one["domain"], _WORDS[one["scope"]], _WORDS[one["result"]]) for one in results["spf"]]
    words = (_WORDS[judged[name]] for name in ("disposition", "dkim", "spf"))
    names = (who["header_from"], who["envelope_from"], who["envelope_to"] or "")
    return row["source_ip"], row["count"], *words, names, dkim, spf, len(judged["reason"])


def test_failure_reports_are_read(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora.folder("dmarc_reports_parsedmarc", at_least=18) / "failure"
    found = [dmarc_failure_report.read(path.read_bytes()) for path in sorted(folder.glob("*.eml"))]
    summarise(f"dmarc_reports_parsedmarc: {len(found)} failure reports, all read")
    assert len(found) == 2
    # With LF and with CRLF it is the same.
    report = found[0]
    assert found[1] == report
    assert isinstance(report, FailureReport)
    assert (str(report.source_ip), report.reported_domain) == ("10.10.10.10", "example.com")
    assert (report.auth_failure, report.delivery_result) == ("dmarc", "delivered")
    assert report.arrival_date == datetime(2019, 4, 30, 2, 9, tzinfo=UTC)
    assert ("from", "Sender <sender@example.com>") in report.headers


def test_failure_reports_among_feedback_reports(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora.folder("arf_stalwart", at_least=6)
    kinds = {"BodyHash": "bodyhash", "Dmarc": "dmarc"}
    read = 0
    for path in sorted(folder.glob("*.eml")):
        theirs = json.loads(path.with_suffix(".json").read_text())
        found = dmarc_failure_report.read(path.read_bytes())
        if theirs["feedback_type"] != "AuthFailure":
            assert isinstance(found, Refusal)
            assert found.code == "not_auth_failure"
            continue
        assert isinstance(found, FailureReport)
        arrived = found.arrival_date.timestamp() if found.arrival_date else None
        assert (str(found.source_ip), [found.reported_domain]) == (theirs["source_ip"], theirs["reported_domain"])
        assert (arrived, found.auth_failure) == (theirs["arrival_date"], kinds[theirs["auth_failure"]])
        assert (found.original_mail_from, found.user_agent) == (theirs["original_mail_from"], theirs["user_agent"])
        assert found.dkim_domain == (theirs["dkim_domain"] or "")
        read += 1
    summarise(f"arf_stalwart: {read} of 3 are failure reports and read, the other refused")
    assert read == 2


def test_tls_reports_are_read(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    folder = corpora.folder("dmarc_reports_parsedmarc", at_least=18) / "smtp_tls"
    found = {path.name: tls_report.read(path.read_bytes(), now=_NOW) for path in sorted(folder.iterdir())}
    summarise(f"dmarc_reports_parsedmarc: {len(found)} TLS reports, all read")
    assert len(found) == 2
    mailed, alone = found["google.com_smtp_tls_report.eml"], found["smtp_tls.json"]
    assert isinstance(mailed, tls_report.Report)
    assert isinstance(alone, tls_report.Report)
    assert (mailed.organization_name, mailed.successful, mailed.failed) == ("Google Inc.", 48, 0)
    assert (mailed.policies[0].policy_domain, mailed.policies[0].policy_type) == (
        "cardinalhealth.ca",
        "no-policy-found",
    )
    assert (alone.successful, alone.failed) == (0, 3)
    assert [(one.result_type, one.sessions) for one in alone.policies[0].failures] == [
        ("validation-failure", 2), ("validation-failure", 1),
    ]  # fmt: skip


def test_every_file_of_every_folder_is_answered_by_every_reader(corpora: Corpora) -> None:
    answered = 0
    for name in ("dmarc_reports_parsedmarc", "dmarc_reports_stalwart", "arf_stalwart"):
        for path in (corpora / name).rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                found = (dmarc_report.read(data), dmarc_failure_report.read(data), tls_report.read(data))
                assert sum(not isinstance(one, Refusal) for one in found) <= 1, path.name
                assert all(one.reason for one in found if isinstance(one, Refusal))
                answered += 1
    assert answered >= 36
