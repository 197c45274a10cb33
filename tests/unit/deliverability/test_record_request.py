"""The mail to whoever looks after the DNS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import dns_host, record_form, record_request
from listkeeper.deliverability.record_form import Record
from listkeeper.deliverability.record_request import Wanted
from listkeeper.foundation import language

_ZONE = "shop.example"
_CLOUDFLARE = dns_host.of(["a.ns.cloudflare.com"])
_UNKNOWN = dns_host.of(["ns1.somewhere.example"])
_KEY = Record(f"lk1._domainkey.{_ZONE}", "TXT", "v=DKIM1; k=rsa; p=" + "A" * 392)
_SPF = Record(_ZONE, "TXT", "v=spf1 mx ip4:192.0.2.10 -all")
_DMARC = Record(f"_dmarc.{_ZONE}", "TXT", "v=DMARC1; p=none")
_MX = Record(f"bounce.{_ZONE}", "MX", "10 mx.shop.example")


def _wanted(record: Record, *replaces: str, host: dns_host.DnsHost = _CLOUDFLARE) -> Wanted:
    return Wanted(record_form.shown(record, _ZONE, host), replaces)


def test_the_mail_says_what_to_publish_where_why_and_how_to_check() -> None:
    request = record_request.write(_ZONE, [_wanted(_SPF, "v=spf1 mx -all"), _wanted(_DMARC)])
    assert request.subject == "Please publish 2 DNS records for shop.example"
    assert request.text == (
        "We send our newsletter as shop.example. Gmail, Yahoo and Outlook take it only if these records stand in the "
        "DNS. Please publish them exactly as they are written here, and change nothing else.\n"
        "\n"
        "The zone is kept by Cloudflare. In the control panel of Cloudflare: DNS → Records → Add record.\n"
        "\n"
        "1. SPF: says which servers may send as shop.example.\n"
        "\n"
        "It takes the place of this record, which must go. There may be only one:\n"
        "v=spf1 mx -all\n"
        "\n"
        "Type: TXT\n"
        "Name: @\n"
        "Content: v=spf1 mx ip4:192.0.2.10 -all\n"
        "TTL: 3600\n"
        "\n"
        "The same as a line of a zone file:\n"
        'shop.example. 3600 IN TXT "v=spf1 mx ip4:192.0.2.10 -all"\n'
        "\n"
        "To check it, this command must show the value:\n"
        "nslookup -type=TXT shop.example\n"
        "\n"
        "2. DMARC: says what receivers do with forged mail.\n"
        "\n"
        "Type: TXT\n"
        "Name: _dmarc\n"
        "Content: v=DMARC1; p=none\n"
        "TTL: 3600\n"
        "\n"
        "The same as a line of a zone file:\n"
        '_dmarc.shop.example. 3600 IN TXT "v=DMARC1; p=none"\n'
        "\n"
        "To check it, this command must show the value:\n"
        "nslookup -type=TXT _dmarc.shop.example\n"
        "\n"
        "They count as soon as they are published. Receivers may remember old records for an hour or longer.\n"
    )


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (_KEY, "1. DKIM: the public half"),
        (record_form.hosted_key("s1", _ZONE, "s1.relay.example"), "1. DKIM: the public half"),
        (_MX, "1. MX: where mail to bounce.shop.example goes"),
        (Record(_ZONE, "TXT", "verification=x"), "1. A record that our newsletters need."),
    ],
)
def test_each_record_says_what_it_is_for(record: Record, why: str) -> None:
    text = record_request.write(_ZONE, [_wanted(record)]).text
    assert why in text
    assert f"nslookup -type={record.kind} {record.name}\n" in text


def test_one_record_is_asked_for_in_the_singular() -> None:
    assert record_request.write(_ZONE, [_wanted(_KEY)]).subject == "Please publish 1 DNS record for shop.example"


def test_an_unknown_host_is_named_by_its_server_and_told_of_the_whole_name() -> None:
    text = record_request.write(_ZONE, [_wanted(_KEY, host=_UNKNOWN)]).text
    assert "The zone is kept by ns1.somewhere.example.\n" in text
    assert "If yours asks for the whole name, write lk1._domainkey.shop.example.\n" in text


def test_an_empty_field_is_said_to_be_empty() -> None:
    text = record_request.write(_ZONE, [_wanted(_SPF, host=dns_host.of(["ns1.desec.io"]))]).text
    assert "Name or host: (leave this field empty)\n" in text


_RECORDS = st.lists(st.sampled_from([_KEY, _SPF, _DMARC, _MX]), min_size=1, max_size=4)


@given(_RECORDS, st.sampled_from([_UNKNOWN, *dns_host.hosts()]), st.sampled_from(language.LANGUAGES))
def test_every_value_stands_whole_on_one_line(records: list[Record], host: dns_host.DnsHost, code: str) -> None:
    with language.using(code):
        wanted = [_wanted(record, host=host) for record in records]
        request = record_request.write(_ZONE, wanted)
    assert "\n" not in request.subject
    lines = request.text.split("\n")
    for one in wanted:
        for field in one.shown.first.fields:
            if field.value:
                assert f"{field.label}: {field.value}" in lines
        assert record_form.bind_line(one.shown.record) in lines
    assert max(len(line.encode()) for line in lines) <= 998
