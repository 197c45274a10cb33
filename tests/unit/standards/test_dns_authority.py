"""Every server in charge of a zone is asked, over loopback: right ones, late ones, lame ones and silent ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

import pytest

from listkeeper.foundation import language
from listkeeper.standards import dns, dns_authority
from listkeeper.standards.dns import Answer, LiveResolver, NxDomain, Outcome, Resolver, StaticResolver, TempFail
from listkeeper.standards.dns_authority import Authority, Lame, NoZone, Silent, Survey, Zone
from tests.fakes import dns_server
from tests.fakes.dns_server import DnsServer

Records = Mapping[str, Mapping[str, Sequence[str]]]

_SOA = "ns1.shop.example. host.shop.example. 1 7200 3600 1209600 3600"
# What the world's resolvers say of where the servers are.
_DELEGATION: dns.Zone = {
    "example": {"NS": ["a.nic.example"]},
    "shop.example": {"NS": ["ns1.shop.example", "NS2.shop.example"]},
    "ns1.shop.example": {"A": ["192.0.2.53"], "AAAA": ["2001:db8::53"]},
    "ns2.shop.example": {"A": ["198.51.100.53"]},
    "www.shop.example": {"A": ["192.0.2.80"]},
    "_dmarc.shop.example": {"CNAME": ["hosted.elsewhere.example"]},
    "hosted.elsewhere.example": {"TXT": ["v=DMARC1; p=none"], "NS": ["ns.elsewhere.example"]},
}
_RIGHT: Records = {
    "shop.example": {"SOA": [_SOA], "TXT": ["v=spf1 -all"], "MX": ["10 mail.shop.example"]},
    "_dmarc.shop.example": {"CNAME": ["hosted.elsewhere.example"]},
}
_FIRST, _SECOND = Authority("ns1.shop.example", "192.0.2.53:53"), Authority("ns2.shop.example", "198.51.100.53:53")
_QUESTIONS = [("shop.example", "TXT"), ("shop.example", "MX"), ("gone.shop.example", "TXT")]


class Servers:
    """Two real servers on loopback, reached by the addresses that the delegation names."""

    def __init__(self, first: DnsServer, second: DnsServer) -> None:
        self.first, self.second = first, second
        self.connected: list[str] = []
        self._real = {_FIRST.at: first.address, _SECOND.at: second.address}

    def connect(self, at: str) -> Resolver:
        self.connected.append(at)
        return LiveResolver(self._real[at], timeout=0.3)


@pytest.fixture
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(*(stack.enter_context(dns_server.serving(_RIGHT)) for _ in range(2)))


def _asked(servers: Servers, questions: Sequence[tuple[str, str]] = tuple(_QUESTIONS)) -> Survey:
    survey = dns_authority.ask_authorities("shop.example", questions, StaticResolver(_DELEGATION), servers.connect)
    assert isinstance(survey, Survey), survey
    return survey


def _outcomes(survey: Survey, authority: Authority) -> tuple[Outcome, ...]:
    said = survey.said[authority]
    assert isinstance(said, tuple), said
    return said


@pytest.mark.parametrize("name", ["shop.example", "Shop.Example.", "a.b._domainkey.shop.example", "www.shop.example"])
def test_the_zone_of_a_name_is_the_nearest_one_with_name_servers(name: str) -> None:
    zone = dns_authority.zone_of(name, StaticResolver(_DELEGATION))
    assert isinstance(zone, Zone)
    assert zone.name.lower() == "shop.example"
    assert zone.authorities == (_FIRST, _SECOND)


def test_an_alias_lies_in_its_own_zone_and_not_in_that_of_its_target() -> None:
    zone = dns_authority.zone_of("_dmarc.shop.example", StaticResolver(_DELEGATION))
    assert isinstance(zone, Zone)
    assert zone.name == "shop.example"


@pytest.mark.parametrize("name", ["", "example", "other.example", "a..b", "x" * 70 + ".example", "ø.example"])
def test_a_name_in_no_zone_below_the_top_has_none(name: str) -> None:
    said = dns_authority.zone_of(name, StaticResolver(_DELEGATION))
    assert isinstance(said, NoZone)
    assert said.reason.startswith("no name server is in charge of")


def test_a_silent_resolver_leaves_the_zone_unknown() -> None:
    resolver = StaticResolver(_DELEGATION, failing=["deep.shop.example"])
    assert dns_authority.zone_of("deep.shop.example", resolver) == NoZone("no answer in time")


def test_a_long_name_is_walked_up_in_bounded_steps() -> None:
    asked: list[str] = []

    class _Recording:
        def query(self, name: str, kind: str, /) -> Outcome:
            asked.append(name)
            return NxDomain(name, kind, "zone")

    dns_authority.zone_of(".".join(["a"] * 100), _Recording())
    assert len(asked) <= 20


def test_every_server_is_asked_every_question(servers: Servers) -> None:
    servers.second.publish({"shop.example": {**_RIGHT["shop.example"], "TXT": ["v=spf1 ~all"]}})
    survey = _asked(servers)
    first, second = _outcomes(survey, _FIRST), _outcomes(survey, _SECOND)
    assert [type(said) for said in first] == [Answer, Answer, NxDomain]
    assert isinstance(first[0], Answer)
    assert isinstance(second[0], Answer)
    assert (first[0].records, second[0].records) == (("v=spf1 -all",), ("v=spf1 ~all",))
    assert (first[0].server, second[0].server) == (servers.first.address, servers.second.address)
    assert sorted(servers.connected) == [_FIRST.at, _SECOND.at]


def test_an_alias_is_asked_for_itself(servers: Servers) -> None:
    survey = _asked(servers, [("_dmarc.shop.example", "TXT")])
    assert survey.questions == (("_dmarc.shop.example", "CNAME"),)
    [said] = _outcomes(survey, _FIRST)
    assert isinstance(said, Answer)
    assert said.records == ("hosted.elsewhere.example",)


def test_a_server_that_does_not_know_the_zone_is_lame(servers: Servers) -> None:
    servers.second.publish({"other.example": {"SOA": [_SOA]}})
    survey = _asked(servers)
    assert survey.said[_SECOND] == Lame("it does not know the zone shop.example")
    assert len(_outcomes(survey, _FIRST)) == 3
    assert [kind for _, kind in servers.second.asked] == ["SOA"]


def test_silent_and_refusing_servers_are_heard_nothing_of_and_asked_once(servers: Servers) -> None:
    servers.first.silent.add("*")
    servers.second.refused.add("shop.example")
    began = time.monotonic()
    survey = _asked(servers)
    assert time.monotonic() - began < 3
    assert survey.said == {_FIRST: Silent("no answer in time"), _SECOND: Silent("the server answered SERVFAIL")}
    assert {kind for _, kind in servers.first.asked} == {"SOA"}


def test_servers_are_asked_side_by_side(servers: Servers) -> None:
    servers.first.delay = servers.second.delay = 0.25
    began = time.monotonic()
    survey = _asked(servers, [("shop.example", "TXT")])
    # Two questions to each, one after the other; four in a row would take a second.
    assert time.monotonic() - began < 0.9
    assert all(isinstance(said, tuple) for said in survey.said.values())


def test_one_question_may_fail_alone(servers: Servers) -> None:
    servers.second.silent.add("gone.shop.example")
    said = _outcomes(_asked(servers), _SECOND)
    assert [type(one) for one in said] == [Answer, Answer, TempFail]


def test_a_server_without_an_address_is_lame_and_one_that_cannot_be_looked_up_is_silent(servers: Servers) -> None:
    zone = {**_DELEGATION, "shop.example": {"NS": ["ns1.shop.example", "gone.shop.example", "slow.shop.example"]}}
    resolver = StaticResolver(zone, failing=["slow.shop.example"])
    survey = dns_authority.ask_authorities("shop.example", _QUESTIONS, resolver, servers.connect)
    assert isinstance(survey, Survey)
    said = {authority.host: one for authority, one in survey.said.items()}
    assert said["gone.shop.example"] == Lame("its name has no address")
    assert said["slow.shop.example"] == Silent("no answer in time")
    assert servers.connected == [_FIRST.at]


def test_of_many_servers_eight_are_asked_and_ipv6_where_there_is_nothing_else() -> None:
    hosts = [f"ns{number:02}.shop.example" for number in range(20)]
    zone: dns.Zone = {"shop.example": {"NS": hosts}} | {host: {"AAAA": ["2001:db8::53"]} for host in hosts}
    connected: list[str] = []

    def connect(at: str) -> Resolver:
        connected.append(at)
        return StaticResolver({"shop.example": {"SOA": [_SOA], "TXT": [language.current()]}})

    with language.using("da"):
        survey = dns_authority.ask_authorities("shop.example", [("shop.example", "TXT")], StaticResolver(zone), connect)
    assert isinstance(survey, Survey)
    assert (len(survey.said), survey.zone.left_out) == (8, 12)
    assert connected == ["[2001:db8::53]:53"] * 8
    [said] = _outcomes(survey, survey.zone.authorities[0])
    assert isinstance(said, Answer)
    assert said.records == ("da",)
