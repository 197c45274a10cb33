"""Aggregate reports: read in every honest form and encoding, refused in words where they are none or mean harm."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dmarc_report
from listkeeper.standards.dmarc_report import Extra, Report
from listkeeper.standards.dmarc_row import DkimResult, Reason, SpfResult
from listkeeper.standards.packed_report import USUAL, Limits, Refusal
from tests.makers import receiver_reports as reports

_XML = reports.xml()
_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def _read(data: bytes, limits: Limits = USUAL) -> Report:
    found = dmarc_report.read(data, limits, now=_NOW)
    assert isinstance(found, Report), found
    return found


def _refused(data: bytes, limits: Limits = USUAL) -> Refusal:
    found = dmarc_report.read(data, limits, now=_NOW)
    assert isinstance(found, Refusal), found
    assert found.reason.endswith(".")
    return found


def _changed(before: str, after: str) -> bytes:
    assert before.encode() in _XML
    return _XML.replace(before.encode(), after.encode())


_WHOLE = (
    b'<?xml version="1.0"?><feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0" xmlns:x="urn:x">'
    b"<version>1.0</version>"
    b"<report_metadata><org_name>R</org_name><email>r@r.example</email><extra_contact_info>c</extra_contact_info>"
    b"<report_id>1</report_id><date_range><begin>1795392000</begin><end>1795478399</end></date_range>"
    b"<error>one</error><error>two</error><generator>g</generator></report_metadata>"
    b"<policy_published><domain>Shop.Example.</domain><p>REJECT</p><sp>none</sp><np>quarantine</np><adkim>s</adkim>"
    b"<aspf>r</aspf><pct>50</pct><fo>1:d</fo><testing>Y</testing><discovery_method>treewalk</discovery_method>"
    b"</policy_published><extension><x:arc>kept</x:arc></extension>"
    b"<record><row><source_ip>::ffff:192.0.2.7</source_ip><count>12</count><policy_evaluated>"
    b"<disposition>Pass</disposition><dkim>Fail</dkim><spf>PASS</spf>"
    b"<reason><type>local_policy</type><comment>arc=pass</comment></reason><reason><type/></reason>"
    b"</policy_evaluated></row><identifiers><header_from>Shop.example</header_from><envelope_from>b.example"
    b"</envelope_from><envelope_to>r.example</envelope_to></identifiers><auth_results>"
    b"<dkim><domain>a.example</domain><selector>S1</selector><result>temperror</result><human_result>slow"
    b"</human_result></dkim><dkim><domain>b.example</domain><result>pass</result></dkim>"
    b"<spf><domain>b.example</domain><scope>mfrom</scope><result>Pass</result></spf></auth_results>"
    b"<x:seen>twice</x:seen></record></feedback>"
)


def test_every_field_of_both_schemas_is_read() -> None:
    report = _read(_WHOLE)
    assert (report.version, report.org_name, report.email) == ("1.0", "R", "r@r.example")
    assert (report.extra_contact_info, report.report_id, report.generator) == ("c", "1", "g")
    assert report.errors == ("one", "two")
    assert (report.begin, report.end) == (
        datetime(2026, 11, 23, tzinfo=UTC),
        datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC),
    )
    policy = report.policy
    assert (policy.domain, policy.p, policy.sp, policy.np) == ("shop.example", "reject", "none", "quarantine")
    assert (policy.adkim, policy.aspf, policy.pct, policy.fo) == ("s", "r", 50, "1:d")
    assert (policy.testing, policy.discovery_method) == (True, "treewalk")
    (row,) = report.rows
    assert (row.source_ip, row.count, row.disposition) == (ip_address("192.0.2.7"), 12, "pass")
    assert (row.dkim, row.spf, row.aligned) == ("fail", "pass", True)
    assert row.reasons == (Reason("local_policy", "arc=pass"),)
    assert (row.header_from, row.envelope_from, row.envelope_to) == ("shop.example", "b.example", "r.example")
    assert row.dkim_results == (
        DkimResult("a.example", "S1", "temperror", "slow"), DkimResult("b.example", "", "pass", ""),
    )  # fmt: skip
    assert row.spf_results == (SpfResult("b.example", "mfrom", "pass", ""),)
    assert report.extras == (Extra("extension/arc", "kept"), Extra("record/seen", "twice"))
    assert (report.messages, report.aligned_messages, report.left_out) == (12, 12, 0)


_START = "<?xml version='1.0' encoding='{}'?>\n<feedback>"


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + _XML,
        b"\r\n \t" + reports.xml(start="<?xml version='1.0'?><feedback>"),
        _XML.decode().encode("utf-16"),
        _XML.decode().encode("utf-16-le"),
        _XML.decode().encode("utf-16-be"),
        reports.xml(start=_START.format("UTF-16")).decode().encode("utf-16"),
        reports.xml(start=_START.format("utf8")),
        reports.xml(start=_START.format("windows-1252")),
        # Nobody writes this in single bytes, and nobody knows the next one.
        reports.xml(start=_START.format("utf-16")),
        reports.xml(start=_START.format("unicode_escape")),
        reports.xml(start=_START.format("iso-8859-99")),
        reports.xml(start="<d:feedback xmlns:d='urn:ietf:params:xml:ns:dmarc-2.0'>").replace(
            b"</feedback>", b"</d:feedback>"
        ),
        reports.xml(start="<!-- a --><feedback xmlns='http://dmarc.org/dmarc-xml/0.1' a='b'><?x y?>"),
        reports.mail(("text/plain", b"<https://receiver.example> wrote"), ("text/xml", _XML)),
    ],
    ids=range(14),
)
def test_forms_and_encodings(data: bytes) -> None:
    assert _read(data) == _read(_XML)


def test_letters_beyond_ascii_in_every_encoding() -> None:
    name = "Fjällräven Ø"
    for encoding in ("utf-8", "iso-8859-1", "windows-1252", "utf-16"):
        xml = reports.xml(start=_START.format(encoding)).decode().replace("Receiver", name)
        assert _read(xml.encode(encoding)).org_name == name
    # One wrong byte is one wrong letter.
    assert _read(_XML.replace(b"Receiver", b"Fj\xe4ll")).org_name == "Fj\ufffdll"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"{}", "not_dmarc"),
        (b"<a/>", "not_dmarc"),
        (b"<html/>", "unknown_form"),
        (reports.mail(("a/b", b"{}")), "not_dmarc"),
        (b"<feedback>", "not_xml"),
        (b"<feedback></feed>", "not_xml"),
        (_XML[:-5], "not_xml"),
        (_XML + b"<more/>", "not_xml"),
        (b"<feedback>&nbsp;</feedback>", "not_xml"),
        (_changed("Receiver", "\x00"), "not_xml"),
        (b"<feedback/>", "no_domain"),
        (_changed("shop.example</domain><p>", "</domain><p>"), "no_domain"),
        (_changed("r-1", " "), "no_report_id"),
        (_changed("1795392000", "yesterday"), "date_range"),
        (_changed("1795392000", "1795478400"), "date_range"),
        (_changed("1795392000", "9" * 12), "date_range"),
        (_changed("1795392000", "-1"), "date_range"),
        (_changed("1795392000", "1700000000"), "date_range"),
        (reports.xml(begin="99999999990", end="99999999999"), "date_range"),
        (reports.xml(reports.row("no address")), "no_row"),
        (b"<feedback>" + b"<a>" * 50, "too_deep"),
        (b"<feedback><record>" + b"<a/>" * 5_001, "too_deep"),
        (b"<feedback>" + b"<a/>" * 1_001, "too_deep"),
    ],
)
def test_what_is_no_report_is_refused_in_words(data: bytes, code: str) -> None:
    assert _refused(data).code == code


def test_days_to_come_are_refused_by_whoever_knows_the_time() -> None:
    ahead = reports.xml(end=f"{(_NOW + timedelta(days=3)).timestamp():.0f}")
    assert _refused(ahead).code == "date_range"
    assert isinstance(dmarc_report.read(ahead), Report)
    assert _read(reports.xml(end=f"{(_NOW + timedelta(days=1)).timestamp():.0f}")).end > _NOW


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "dtd",
    [
        f'<!DOCTYPE feedback [<!ENTITY l0 "ha">{_LAUGHS}]>',
        '<!DOCTYPE feedback [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE feedback [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>',
        '<!DOCTYPE feedback SYSTEM "http://127.0.0.1:9/feedback.dtd">',
        "<!DOCTYPE feedback>",
    ],
    ids=["laughs", "file", "parameter", "external", "bare"],
)
def test_entities_and_document_types_are_refused(dtd: str) -> None:
    began = time.process_time()
    start = f"<?xml version='1.0'?>{dtd}<feedback>"
    xml = reports.xml(start=start).replace(b"Receiver", b"&l9;" if "l9" in dtd else b"&x;")
    assert _refused(xml).code == "dtd"
    assert time.process_time() - began < 1


def test_rows_that_make_no_sense_are_left_out_counted_and_named() -> None:
    report = _read(
        reports.xml(
            reports.row(), reports.row("fe80::1%eth0"), reports.row(count="-3"), reports.row(count="٣"),
            reports.row("evil\u202e"), reports.row("2001:DB8::1", 5, "fail"),
        )
    )  # fmt: skip
    assert [(str(row.source_ip), row.count, row.aligned) for row in report.rows] == [
        ("192.0.2.1", 1, True), ("2001:db8::1", 5, False),
    ]  # fmt: skip
    assert (report.left_out, report.messages, report.aligned_messages) == (4, 6, 1)
    assert report.remarks[1] == "Row 3 was left out: “-3” is no number of messages."
    assert report.remarks[3] == "Row 5 was left out: “evil\ufffd” is no IP address."


def test_the_limits_hold() -> None:
    rows = [reports.row(count=n) for n in range(5)]
    assert len(_read(reports.xml(*rows), Limits(rows=5)).rows) == 5
    refused = _refused(reports.xml(*rows), Limits(rows=4))
    assert (refused.code, refused.reason) == ("too_many_rows", "It is longer than any honest report.")
    long = _read(_changed("Receiver", "R" * 5_000))
    assert (len(long.org_name), long.org_name[-1]) == (USUAL.text, "…")
    many = _read(_XML.replace(b"<record>", b"<record>" + b"<odd>x</odd>" * 900))
    assert many.extras == (Extra("record/odd", "x"),) * USUAL.extras
    remarks = _read(reports.xml(reports.row(), *[reports.row("x")] * 99))
    assert (remarks.left_out, len(remarks.remarks)) == (99, 20)


def test_a_long_report_is_read_quickly(summarise: Callable[[str], None]) -> None:
    xml = reports.xml(*(reports.row(f"192.0.{n // 256}.{n % 256}", n) for n in range(2_050)))
    assert len(xml) > 909_000
    began = time.process_time()
    report = _read(xml)
    taken = time.process_time() - began
    assert (len(report.rows), report.messages) == (2_050, 2_050 * 2_049 // 2)
    summarise(f"DMARC report of {len(xml):,} bytes, {len(report.rows):,} rows: {taken:.2f} s of processor time")
    assert taken < 3
    assert _read(reports.gzipped(xml)) == _read(reports.zipped(xml)) == report


@pytest.mark.parametrize(
    "data",
    [
        b"<feedback a='" + b"x" * 8_000_000,
        b"<feedback><!--" + b"x" * 8_000_000,
        b"<feedback><report_metadata><org_name>" + b"x\n" * 4_000_000,
        b"<feedback><a>" + b"&#65;" * 1_000_000,
    ],
    ids=["attribute", "comment", "text", "references"],
)
def test_what_never_ends_costs_bounded_time_and_memory(data: bytes) -> None:
    began = time.process_time()
    tracemalloc.start()
    try:
        assert _refused(data).code == "not_xml"
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data)
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 10


def _is_sound(found: Report | Refusal) -> bool:
    if isinstance(found, Refusal):
        return bool(found.code and found.reason)
    texts = [found.org_name, found.email, found.report_id, found.policy.domain, *found.remarks, *found.errors]
    texts += [text for row in found.rows for text in (row.dkim, row.spf, row.header_from, row.disposition)]
    texts += [extra.text for extra in found.extras]
    return found.begin <= found.end and all(text.isprintable() for text in texts)


@given(st.binary(max_size=300), st.sampled_from([b"", b"<feedback>", b"<?xml version='1.0' encoding='", b"\xff\xfe"]))
def test_any_bytes_are_read_or_refused(data: bytes, start: bytes) -> None:
    assert _is_sound(dmarc_report.read(start + data))


@given(st.integers(0, len(_XML)), st.integers(0, 40), st.binary(max_size=20))
def test_a_changed_report_is_read_or_refused(place: int, length: int, instead: bytes) -> None:
    assert _is_sound(dmarc_report.read(_XML[:place] + instead + _XML[place + length :]))


_words = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=30)


@given(_words, st.lists(st.tuples(st.ip_addresses(), st.integers(0, 10**12 - 1), st.sampled_from(["pass", "FAIL"]))))
def test_what_was_written_is_what_is_read(name: str, rows: list[tuple[object, int, str]]) -> None:
    xml = reports.xml(*(reports.row(str(ip), count, dkim) for ip, count, dkim in rows), reports.row())
    report = _read(xml.replace(b"Receiver", name.encode()))
    assert report.org_name == name
    read = [(row.source_ip, row.count, row.dkim) for row in report.rows[:-1]]
    assert read == [(getattr(ip, "ipv4_mapped", None) or ip, count, dkim.lower()) for ip, count, dkim in rows]
