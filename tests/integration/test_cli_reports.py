"""`listkeeper dmarc read` and `tlsrpt read`: files and standard input, in words and as JSON, without an instance."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.typed import Type
from tests.makers import receiver_reports as reports

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _no_settings_from_outside: None) -> Type:
    """Type command lines where there is no instance."""
    return typed.typing(monkeypatch, Settings(data=tmp_path / "nothing"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Reports in several forms, and two files that are none."""
    for name, content in {
        "a.xml": reports.xml(reports.row(count=3), reports.row("2001:db8::1", 2, "fail"), reports.row("nowhere")),
        "b.gz": reports.gzipped(reports.xml()),
        "c.eml": reports.mail(("text/plain", b"Hello"), ("application/zip", reports.zipped(reports.xml()))),
        "d.eml": reports.failure(),
        "t.json": reports.tls(),
        "bad.zip": reports.zipped(reports.zipped(reports.xml())),
        "empty": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def _named(folder: Path, *names: str) -> list[str]:
    return [str(folder / name) for name in names]


def test_reports_in_every_form_are_read(type_: Type, folder: Path) -> None:
    said = type_("dmarc", "read", *_named(folder, "a.xml", "b.gz", "c.eml", "d.eml"), "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["read"] == 4
    assert said.json["refused"] == 0
    assert [Path(one["file"]).name for one in said.json["files"]] == ["a.xml", "b.gz", "c.eml", "d.eml"]
    assert [one["kind"] for one in said.json["files"]] == ["aggregate"] * 3 + ["failure"]
    assert not (folder / "nothing").exists()


def test_the_json_is_what_scripts_rely_on(type_: Type, folder: Path) -> None:
    (one,) = type_("dmarc", "read", str(folder / "a.xml"), "--json").json["files"]
    report = one["report"]
    rows = report.pop("rows")
    assert report == {
        "version": "", "org_name": "Receiver", "email": "dmarc@receiver.example", "extra_contact_info": "",
        "report_id": "r-1", "begin": "2026-11-23T00:00:00.000Z", "end": "2026-11-23T23:59:59.000Z", "errors": [],
        "generator": "", "left_out": 1, "remarks": ["Row 3 was left out: “nowhere” is no IP address."], "extras": [],
        "messages": 5, "aligned_messages": 3,
        "policy": {
            "domain": "shop.example", "p": "none", "sp": "", "np": "", "adkim": "", "aspf": "", "pct": None, "fo": "",
            "testing": None, "discovery_method": "",
        },
    }  # fmt: skip
    assert [row["source_ip"] for row in rows] == ["192.0.2.1", "2001:db8::1"]
    assert rows[0] == {
        "source_ip": "192.0.2.1", "count": 3, "disposition": "none", "dkim": "pass", "spf": "fail", "reasons": [],
        "header_from": "shop.example", "envelope_from": "", "envelope_to": "", "aligned": True,
        "dkim_results": [{"domain": "shop.example", "selector": "lk1", "result": "pass", "human_result": ""}],
        "spf_results": [{"domain": "bounce.example", "scope": "mfrom", "result": "pass", "human_result": ""}],
    }  # fmt: skip
    (one,) = type_("dmarc", "read", str(folder / "d.eml"), "--json").json["files"]
    assert one["report"] == {
        "source_ip": "192.0.2.9", "reported_domain": "shop.example", "auth_failure": "dmarc",
        "delivery_result": "reject", "identity_alignment": "none", "dkim_domain": "", "dkim_selector": "",
        "original_mail_from": "", "original_rcpt_to": "", "arrival_date": "2026-11-22T09:00:00.000Z",
        "authentication_results": [], "user_agent": "Receiver/1.0",
        "headers": [["from", "shop@shop.example"], ["subject", "Not from us"]],
    }  # fmt: skip


def test_a_tls_report_as_json(type_: Type, folder: Path) -> None:
    said = type_("tlsrpt", "read", str(folder / "t.json"), "--json")
    (one,) = said.json["files"]
    assert (said.code, one["kind"]) == (0, "tls")
    failure = {
        "result_type": "certificate-expired", "sessions": 2, "sending_mta_ip": "", "receiving_ip": "",
        "receiving_mx_hostname": "mx.shop.example", "receiving_mx_helo": "", "additional_information": "",
        "failure_reason_code": "",
    }  # fmt: skip
    assert one["report"] == {
        "organization_name": "Sender", "contact_info": "tls@sender.example", "report_id": "t-1",
        "begin": "2026-11-22T00:00:00.000Z", "end": "2026-11-22T23:59:59.000Z", "successful": 7, "failed": 2,
        "policies": [
            {
                "policy_type": "sts", "policy_domain": "shop.example", "policy_string": ["version: STSv1"],
                "mx_hosts": ["*.shop.example"], "successful": 7, "failed": 2, "failures": [failure],
            }
        ],
    }  # fmt: skip


def test_what_is_refused_is_named_and_the_rest_is_read(type_: Type, folder: Path) -> None:
    files = _named(folder, "bad.zip", "a.xml", "empty", "t.json", "no such file", ".")
    said = type_("dmarc", "read", *files, "--json")
    assert said.code == 10
    assert (said.json["read"], said.json["refused"]) == (1, 5)
    codes = [one.get("code") for one in said.json["files"]]
    assert codes == ["packed_twice", None, "empty", "not_dmarc", "unreadable", "unreadable"]
    plain = type_("dmarc", "read", *files)
    assert plain.code == 10
    assert "Receiver about shop.example" in plain.out
    lines = plain.err.splitlines()
    assert len(lines) == 5
    assert lines[1] == f"{folder / 'empty'}: It is empty."
    assert lines[3].endswith("no such file: It cannot be read: No such file or directory.")
    assert type_("tlsrpt", "read", *_named(folder, "t.json", "a.xml")).code == 10


def test_a_complaint_is_no_report_of_dmarc(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "abuse.eml").write_bytes(reports.failure(Feedback_Type="abuse"))
    said = type_("dmarc", "read", str(tmp_path / "abuse.eml"), "--json")
    assert (said.code, said.json["files"][0]["code"]) == (10, "not_auth_failure")


def test_people_read_what_came_of_it(type_: Type, folder: Path) -> None:
    lines = type_("dmarc", "read", *_named(folder, "a.xml", "d.eml")).out.splitlines()
    assert lines[1:7] == [
        "  Receiver about shop.example, report r-1",
        "  2026-11-23 00:00 to 2026-11-23 23:59 UTC; the policy: p=none",
        "  5 messages, 3 of them passed",
        "  Row 3 was left out: “nowhere” is no IP address.",
        "  192.0.2.1  3 x passed (dkim pass, spf fail, done: none)  shop.example",
        "  2001:db8::1  2 x failed (dkim fail, spf fail, done: none)  shop.example",
    ]
    assert lines[8] == "  A message under shop.example failed at 2026-11-22 09:00 UTC, sent from 192.0.2.9"
    said = type_("tlsrpt", "read", str(folder / "t.json")).out
    assert "shop.example (sts): 7 sessions went well, 2 failed" in said
    assert "2 x certificate-expired at mx.shop.example" in said
    (folder / "long.xml").write_bytes(reports.xml(*[reports.row()] * 60))
    assert (
        type_("dmarc", "read", str(folder / "long.xml")).out.splitlines()[-1] == "  … and 10 more; --json has them all."
    )


@pytest.mark.parametrize("words", [("-",), ()])
def test_standard_input_is_read(type_: Type, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    for noun, data in (("dmarc", reports.gzipped(reports.xml())), ("tlsrpt", reports.gzipped(reports.tls()))):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        said = type_(noun, "read", *words, "--json")
        assert (said.code, said.json["files"][0]["file"], said.json["read"]) == (0, "-", 1)


def test_nothing_of_a_stranger_acts_on_the_terminal(type_: Type, tmp_path: Path) -> None:
    evil = "\u009b2J\u202e\u2028"
    (tmp_path / "x.xml").write_bytes(
        reports.xml(reports.row(f"{evil}1"), reports.row(), start=f"<feedback><odd>{evil}</odd>")
        .decode().replace("Receiver", f"R{evil}").replace("r-1", f"r{evil}").encode()
    )  # fmt: skip
    (tmp_path / "t.json").write_bytes(
        reports.tls(**{"organization-name": f"S\u001b]0;{evil}", "report-id": f"i{evil}"})
    )
    (tmp_path / "f.eml").write_bytes(reports.failure(Auth_Failure=f"\u001b[2J{evil}"))
    bad = tmp_path / "bad\u001b[2J\u202e"
    bad.write_bytes(b"")
    for words in (("dmarc", "x.xml", "f.eml", bad.name), ("tlsrpt", "t.json", "f.eml")):
        for more in ((), ("--json",)):
            said = type_(words[0], "read", *_named(tmp_path, *words[1:]), *more)
            assert said.code == 10
            shown = (said.out + said.err).replace("\n", "")
            assert "[2J" in shown or "2J" in shown
            assert shown.isprintable()


def test_a_file_name_that_is_no_text_is_no_fault(type_: Type, tmp_path: Path) -> None:
    # How Python hands on bytes of the command line that are not UTF-8.
    said = type_("dmarc", "read", str(tmp_path / "n\udcff.xml"), "--json")
    assert (said.code, said.json["files"][0]["code"]) == (10, "unreadable")
    assert said.json["files"][0]["file"].endswith("n\ufffd.xml")


def test_a_file_that_never_ends_is_refused(type_: Type) -> None:
    said = type_("dmarc", "read", "/dev/zero", "--json")
    assert (said.code, said.json["files"][0]["code"]) == (10, "too_large")
