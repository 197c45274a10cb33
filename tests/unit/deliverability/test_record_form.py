"""A record in every form that DNS hosts want: each reads back to the same record."""

from __future__ import annotations

from dataclasses import replace

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.zone
import pytest
from dns.rdata import Rdata
from hypothesis import example, given
from hypothesis import strategies as st

from listkeeper.deliverability import dns_host, record_form
from listkeeper.deliverability.dns_host import DnsHost, Form
from listkeeper.deliverability.record_form import Record, Written

_ZONE = "shop.example"
_HOSTS = [*dns_host.hosts(), dns_host.of(["ns1.somewhere.example"])]
_CLOUDFLARE = dns_host.of(["a.ns.cloudflare.com"])
_ROUTE_53 = dns_host.of(["ns-1.awsdns-00.com"])
_UNKNOWN = dns_host.of(["ns1.somewhere.example"])
_KEY = "v=DKIM1; k=rsa; p=" + "A" * 392

_labels = st.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,12}[a-z0-9])?", fullmatch=True)
_names = st.lists(_labels, max_size=4).map(lambda labels: ".".join([*labels, _ZONE]))
_targets = st.lists(_labels, min_size=2, max_size=4).map(".".join)
_octets = st.text(st.characters(max_codepoint=255), max_size=700)
_ttls = st.integers(0, 2**31 - 1)
_records = st.one_of(
    st.builds(Record, _names, st.just("TXT"), _octets, _ttls),
    st.builds(Record, _names, st.just("CNAME"), _targets, _ttls),
    st.builds(lambda name, best, host: Record(name, "MX", f"{best} {host}"), _names, st.integers(0, 65535), _targets),
    st.builds(Record, _names, st.just("A"), st.ip_addresses(v=4).map(str), _ttls),
    st.builds(Record, _names, st.just("AAAA"), st.ip_addresses(v=6).map(str), _ttls),
)


def _as_value(data: Rdata) -> str:
    """Return data as records hold it; names are whole."""
    match data.rdtype:
        case dns.rdatatype.TXT:
            assert all(len(part) <= 255 for part in data.strings)  # type: ignore[attr-defined]
            return b"".join(data.strings).decode("latin-1")  # type: ignore[attr-defined]
        case dns.rdatatype.CNAME:
            return data.target.to_text(omit_final_dot=True)  # type: ignore[attr-defined,no-any-return]
        case dns.rdatatype.MX:
            return f"{data.preference} {data.exchange.to_text(omit_final_dot=True)}"  # type: ignore[attr-defined]
        case _:
            return data.to_text()


def _from_zone_file(kind: str, text: str) -> str:
    """Read a value as a server does that puts its zone behind names without a final dot."""
    origin = dns.name.from_text(_ZONE)
    return _as_value(
        dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text, origin, relativize=False)
    )


def _from_bind(line: str) -> Record:
    read = dns.zone.from_text(line, origin=_ZONE, relativize=False, check_origin=False)
    [(name, rdataset)] = read.iterate_rdatasets()
    [data] = rdataset
    kind = dns.rdatatype.to_text(rdataset.rdtype)
    return Record(name.to_text(omit_final_dot=True), kind, _as_value(data), rdataset.ttl)  # type: ignore[arg-type]


def _from_panel(written: Written, host: DnsHost) -> Record:
    """Read fields as the control panel of a host does."""
    typed = {field.part: field.value for field in written.fields}
    name = typed["name"]
    if written.form in {Form.ONE_STRING, Form.QUOTED}:
        name = _ZONE if name == host.apex else f"{name}.{_ZONE}"
    value = typed.get("target") or typed.get("value", "")
    if written.form in {Form.QUOTED, Form.WHOLE_NAME}:
        value = _from_zone_file(typed["type"], value)
    elif typed["type"] == "MX":
        value = f"{typed['priority']} {value}"
    return Record(name.removesuffix("."), typed["type"], value, int(typed["ttl"]))  # type: ignore[arg-type]


def _readable(record: Record) -> Record:
    """Return a record as its reader writes it: addresses in their short form."""
    if record.kind in {"A", "AAAA"}:
        return replace(record, value=_from_zone_file(record.kind, record.value))
    return record


@given(_records, st.sampled_from(_HOSTS), st.sampled_from(Form))
@example(Record(_ZONE, "TXT", 'a"b\\c;d\n\x00é'), _ROUTE_53, Form.BIND)
@example(Record(_ZONE, "TXT", ""), _ROUTE_53, Form.QUOTED)
@example(Record(f"lk1._domainkey.{_ZONE}", "TXT", _KEY), _CLOUDFLARE, Form.ONE_STRING)
def test_every_form_reads_back_to_the_same_record(record: Record, host: DnsHost, form: Form) -> None:
    written = record_form.written(record, _ZONE, host, form)
    read = _from_bind(written.fields[0].value) if form is Form.BIND else _from_panel(written, host)
    assert _readable(read) == _readable(record)


@given(_records, st.sampled_from(_HOSTS))
def test_all_forms_that_differ_are_shown_once_and_the_hosts_own_first(record: Record, host: DnsHost) -> None:
    shown = record_form.shown(record, _ZONE, host)
    assert shown.first.form is host.form
    typed = [tuple((field.part, field.value) for field in one.fields) for one in (shown.first, *shown.others)]
    assert len({tuple(sorted(one)) for one in typed}) == len(typed)
    assert Form.BIND in {one.form for one in shown.others}
    assert all(
        field.value or field.hint
        for one in (shown.first, *shown.others)
        for field in one.fields
        if field.part == "name"
    )


@given(_octets)
def test_a_zone_file_is_plain_ascii_on_one_line(text: str) -> None:
    line = record_form.bind_line(Record(_ZONE, "TXT", text))
    assert line.isascii()
    assert line.isprintable()


def test_cloudflare_sees_its_own_words_in_its_own_order() -> None:
    shown = record_form.shown(Record(f"lk1._domainkey.{_ZONE}", "TXT", _KEY), _ZONE, _CLOUDFLARE)
    assert [(field.label, field.value) for field in shown.first.fields] == [
        ("Type", "TXT"),
        ("Name", "lk1._domainkey"),
        ("Content", _KEY),
        ("TTL", "3600"),
    ]
    assert (shown.host, shown.note) == ("Cloudflare", "")
    assert shown.where.endswith("DNS → Records → Add record.")


def test_route_53_sees_strings_of_255_octets_and_leaves_the_name_of_the_zone_empty() -> None:
    record = Record(_ZONE, "TXT", "v=spf1 " + "ip4:192.0.2.1 " * 20 + "-all")
    first = record_form.shown(record, _ZONE, _ROUTE_53).first
    name, kind, value, ttl = first.fields
    assert (name.label, name.value, name.hint) == ("Record name", "", "leave this field empty")
    assert (kind.value, ttl.label, ttl.value) == ("TXT", "TTL (seconds)", "3600")
    assert [len(part) for part in value.value[1:-1].split('" "')] == [255, len(record.value) - 255]


def test_a_hosted_key_is_an_alias_and_points_somewhere() -> None:
    record = record_form.hosted_key("s1", _ZONE, "s1.domainkey.relay.example.")
    assert record == Record("s1._domainkey.shop.example", "CNAME", "s1.domainkey.relay.example")
    unknown = record_form.shown(record, _ZONE, _UNKNOWN)
    assert [(field.label, field.value) for field in unknown.first.fields] == [
        ("Type", "CNAME"),
        ("Name or host", "s1._domainkey"),
        ("Points to", "s1.domainkey.relay.example"),
        ("TTL (seconds)", "3600"),
    ]
    assert "write s1._domainkey.shop.example." in unknown.note
    lines = [one.fields[0].value for one in unknown.others if one.form is Form.BIND]
    assert lines == ["s1._domainkey.shop.example. 3600 IN CNAME s1.domainkey.relay.example."]


def test_a_mail_host_has_its_priority_apart_or_in_front() -> None:
    record = Record("bounce.shop.example", "MX", "10 mx.shop.example")
    typed = {field.part: field.value for field in record_form.written(record, _ZONE, _UNKNOWN, Form.ONE_STRING).fields}
    assert (typed["priority"], typed["target"]) == ("10", "mx.shop.example")
    quoted = record_form.written(record, _ZONE, _ROUTE_53, Form.QUOTED).fields
    assert [field.value for field in quoted if field.part == "value"] == ["10 mx.shop.example."]


@pytest.mark.parametrize(
    ("name", "zone", "relative"),
    [
        ("shop.example", "shop.example", "@"),
        ("Shop.Example.", "shop.example.", "@"),
        ("_dmarc.News.shop.example", "SHOP.example", "_dmarc.News"),
        ("_dmarc.other.example", "shop.example", "_dmarc.other.example."),
        ("bookshop.example", "shop.example", "bookshop.example."),
    ],
)
def test_names_relative_to_the_zone(name: str, zone: str, relative: str) -> None:
    assert record_form.relative_name(Record(name, "TXT", "x"), zone) == relative


def test_letters_beyond_octets_are_counted_as_octets() -> None:
    written = record_form.value_in_zone_file(Record(_ZONE, "TXT", "ж" * 200))
    assert _from_zone_file("TXT", written).encode("latin-1").decode("utf-8") == "ж" * 200
