"""The resolver against a real server on loopback, and the two that need none."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import dns
from listkeeper.standards.dns import (
    Answer,
    LiveResolver,
    NoData,
    NxDomain,
    Outcome,
    Remembering,
    StaticResolver,
    TempFail,
)
from tests.fakes import dns_server
from tests.fakes.dns_server import DnsServer

_LONG = "v=spf1 " + " ".join(f"ip4:192.0.2.{number}" for number in range(200))

_ZONE = {
    "shop.example": {
        "TXT": ["v=spf1 mx -all", 'other "quoted" \\ text'],
        "MX": ["20 b.shop.example", "10 a.shop.example"],
        "A": ["192.0.2.7"],
        "AAAA": ["2001:db8::7"],
        "NS": ["ns.shop.example"],
    },
    "null.example": {"MX": ["0 ."]},
    "long.example": {"TXT": [_LONG]},
    "alias.example": {"CNAME": ["shop.example"]},
    "away.example": {"CNAME": ["elsewhere.example"]},
    "round.example": {"CNAME": ["round.example"]},
    "7.2.0.192.in-addr.arpa": {"PTR": ["shop.example"]},
}


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with dns_server.serving(_ZONE) as running:
        yield running


@pytest.fixture
def resolver(server: DnsServer) -> LiveResolver:
    return LiveResolver(server.address, timeout=0.3)


def _records(outcome: Outcome) -> tuple[str, ...]:
    assert isinstance(outcome, Answer), outcome
    return outcome.records


def test_reads_every_kind_of_record_with_its_ttl_and_the_server_asked(
    server: DnsServer, resolver: LiveResolver
) -> None:
    said = resolver.query("Shop.Example.", "txt")
    assert isinstance(said, Answer)
    assert sorted(said.records) == ['other "quoted" \\ text', "v=spf1 mx -all"]
    assert (said.ttl, said.server, said.kind) == (300, server.address, "TXT")
    assert _records(resolver.query("shop.example", "A")) == ("192.0.2.7",)
    assert _records(resolver.query("shop.example", "AAAA")) == ("2001:db8::7",)
    assert _records(resolver.query("shop.example", "NS")) == ("ns.shop.example",)
    assert _records(resolver.query("7.2.0.192.in-addr.arpa", "PTR")) == ("shop.example",)
    mail = resolver.query("shop.example", "MX")
    assert isinstance(mail, Answer)
    assert mail.hosts() == ["a.shop.example", "b.shop.example"]


def test_the_null_mx_has_an_empty_host(resolver: LiveResolver) -> None:
    said = resolver.query("null.example", "MX")
    assert isinstance(said, Answer)
    assert said.hosts() == [""]


def test_a_long_answer_comes_over_tcp(server: DnsServer, resolver: LiveResolver) -> None:
    assert _records(resolver.query("long.example", "TXT")) == (_LONG,)
    assert server.over_tcp == 1


def test_tells_a_name_that_does_not_exist_from_one_without_such_a_record(resolver: LiveResolver) -> None:
    assert isinstance(resolver.query("nobody.example", "TXT"), NxDomain)
    assert isinstance(resolver.query("null.example", "TXT"), NoData)
    assert isinstance(resolver.query("0.192.in-addr.arpa", "PTR"), NoData)


def test_follows_aliases_also_out_of_the_zone_and_not_in_circles(resolver: LiveResolver, server: DnsServer) -> None:
    assert _records(resolver.query("alias.example", "A")) == ("192.0.2.7",)
    assert isinstance(resolver.query("away.example", "A"), NxDomain)
    assert ("elsewhere.example", "A") in server.asked
    assert isinstance(resolver.query("round.example", "A"), TempFail)


@pytest.mark.parametrize("name", ["a..example", "x" * 64 + ".example", "ø.example", ".".join(["abcdefgh"] * 30), ""])
def test_a_name_that_cannot_be_asked_for_does_not_exist(server: DnsServer, resolver: LiveResolver, name: str) -> None:
    assert isinstance(resolver.query(name, "TXT"), NxDomain)
    assert server.asked == []


def test_a_silent_server_is_a_temporary_failure_in_bounded_time(server: DnsServer, resolver: LiveResolver) -> None:
    server.silent.add("*")
    began = time.monotonic()
    said = resolver.query("shop.example", "TXT")
    assert isinstance(said, TempFail)
    assert said.reason == "no answer in time"
    assert time.monotonic() - began < 3


def test_a_whole_question_is_bounded_where_that_is_said(server: DnsServer) -> None:
    server.silent.add("shop.example")
    began = time.monotonic()
    assert isinstance(LiveResolver(server.address, 1.0, whole=1.0).query("shop.example", "TXT"), TempFail)
    # One try over UDP, and no time left for another over TCP.
    assert 0.9 < time.monotonic() - began < 1.7


def test_trouble_is_a_temporary_failure_that_says_why(server: DnsServer, resolver: LiveResolver) -> None:
    server.refused.add("shop.example")
    said = resolver.query("shop.example", "TXT")
    assert isinstance(said, TempFail)
    assert said.reason == "the server answered SERVFAIL"
    server.garbage.add("null.example")
    assert isinstance(resolver.query("null.example", "MX"), TempFail)


def test_a_port_where_nobody_listens_is_a_temporary_failure() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    said = LiveResolver(address, timeout=0.3).query("shop.example", "TXT")
    assert isinstance(said, TempFail)
    assert said.server == address


@pytest.mark.parametrize("text", ["", "127.0.0.1:none", "127.0.0.1:99999999999", "no such host:53", "[::1"])
def test_a_server_that_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        LiveResolver(text)
    assert refused.value.code == "dns_server"


def test_asks_eight_questions_side_by_side(server: DnsServer) -> None:
    server.delay = 0.5
    resolver = LiveResolver(server.address)
    began = time.monotonic()
    answers = dns.ask_all(resolver, [("shop.example", kind) for kind in ("TXT", "MX", "A", "AAAA", "NS", "PTR")])
    assert time.monotonic() - began < 2.5
    assert [type(answer) for answer in answers] == [Answer, Answer, Answer, Answer, Answer, NoData]


def test_static_resolver_knows_names_above_records_aliases_and_failures() -> None:
    zone = StaticResolver(
        {
            "Shop.example": {"TXT": ["v=spf1 -all"], "A": []},
            "a.b.example": {"CNAME": ["shop.EXAMPLE."]},
            "one.example": {"CNAME": ["two.example"]},
            "two.example": {"CNAME": ["one.example"]},
            "half.example": {"A": ["192.0.2.1"]},
        },
        failing=["half.example", "down.example"],
    )
    assert _records(zone.query("a.b.example", "TXT")) == ("v=spf1 -all",)
    assert isinstance(zone.query("shop.example", "A"), NoData)
    assert isinstance(zone.query("b.example", "A"), NoData)
    assert isinstance(zone.query("c.example", "A"), NxDomain)
    assert isinstance(zone.query("one.example", "A"), TempFail)
    assert _records(zone.query("half.example", "A")) == ("192.0.2.1",)
    assert isinstance(zone.query("half.example", "TXT"), TempFail)
    assert isinstance(zone.query("down.example", "TXT"), TempFail)


class _Slow:
    def __init__(self) -> None:
        self.asked = 0
        self.begun = threading.Event()

    def query(self, name: str, kind: str, /) -> Outcome:
        self.asked += 1
        self.begun.wait(0.1)
        if name == "broken.example":
            raise RuntimeError(name)
        return NxDomain(name, kind, "zone")


def test_remembering_asks_once_also_for_many_threads() -> None:
    slow = _Slow()
    memory = Remembering(slow)
    answers = dns.ask_all(memory, [("Shop.example", "txt"), ("shop.example.", "TXT"), ("shop.example", "TXT")])
    assert slow.asked == 1
    assert all(isinstance(answer, NxDomain) for answer in answers)


def test_remembering_hands_on_what_a_resolver_raises() -> None:
    memory = Remembering(_Slow())
    for _ in range(2):
        with pytest.raises(RuntimeError):
            memory.query("broken.example", "TXT")


def test_quoted_strings_are_at_most_255_octets_and_join_to_the_value() -> None:
    value = "v=DKIM1; k=rsa; p=" + "A" * 500
    parts = dns.quoted_strings(value).split(" ", 3)
    assert "".join(part.strip('"') for part in dns.quoted_strings(value).replace('" "', "")) == value
    assert len(parts) >= 3
    assert max(len(part) for part in dns.quoted_strings("A" * 600).split(" ")) == 257
    assert dns.quoted_strings('a"b\\c') == '"a\\"b\\\\c"'
    assert dns.quoted_strings("") == '""'


def test_the_name_of_an_address() -> None:
    assert dns.reverse_name("192.0.2.7") == "7.2.0.192.in-addr.arpa"
    assert dns.reverse_name("2001:db8::1").endswith(".8.b.d.0.1.0.0.2.ip6.arpa")
