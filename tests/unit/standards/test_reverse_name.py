"""Names of addresses, whether they lead back, and whether they were made by counting."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dns, reverse_name
from listkeeper.standards.dns import LiveResolver, Outcome, StaticResolver
from listkeeper.standards.reverse_name import Confirmed, Nameless, NotKnown, Unconfirmed
from tests.fakes import dns_server

_IP4, _IP6 = "192.0.2.7", "2001:db8::7"
_PTR4, _PTR6 = dns.reverse_name(_IP4), dns.reverse_name(_IP6)
_ZONE = {
    _PTR4: {"PTR": ["old.shop.example", "mail.shop.example"]},
    _PTR6: {"PTR": ["mail.shop.example"]},
    "mail.shop.example": {"A": ["192.0.2.9", _IP4], "AAAA": ["2001:0DB8:0:0::7"]},
    "old.shop.example": {"A": ["192.0.2.9"]},
}


def test_a_name_that_leads_back_is_confirmed_over_a_real_server() -> None:
    with dns_server.serving(_ZONE) as server:
        resolver = LiveResolver(server.address)
        said = reverse_name.confirm(_IP4, resolver)
        assert isinstance(said, Confirmed)
        assert (said.names, said.others) == (("mail.shop.example",), ("old.shop.example",))
        six = reverse_name.confirm(_IP6, resolver)
        assert isinstance(six, Confirmed)
        assert six.names == ("mail.shop.example",)
        assert ("mail.shop.example", "AAAA") in server.asked


@pytest.mark.parametrize("ip", ["::ffff:192.0.2.7", "192.0.2.7"])
def test_ipv4_inside_ipv6_is_ipv4(ip: str) -> None:
    assert isinstance(reverse_name.confirm(ip, StaticResolver(_ZONE)), Confirmed)


def test_an_address_with_a_zone_is_looked_up_without_it() -> None:
    assert isinstance(reverse_name.confirm("2001:db8::7%eth0", StaticResolver(_ZONE)), Confirmed)


@pytest.mark.parametrize("zone", [{}, {_PTR4: {"PTR": []}}, {_PTR4: {"PTR": [""]}}, {_PTR4: {"TXT": ["x"]}}])
def test_an_address_without_a_name_is_nameless(zone: dns.Zone) -> None:
    assert isinstance(reverse_name.confirm(_IP4, StaticResolver(zone)), Nameless)


@pytest.mark.parametrize(
    "mail", [{}, {"A": ["192.0.2.8"]}, {"AAAA": [_IP6]}, {"A": ["no address"]}, {"CNAME": ["gone.shop.example"]}]
)
def test_a_name_that_leads_elsewhere_is_not_confirmed(mail: dict[str, list[str]]) -> None:
    zone = {_PTR4: {"PTR": ["mail.shop.example"]}, "mail.shop.example": mail}
    said = reverse_name.confirm(_IP4, StaticResolver(zone))
    assert isinstance(said, Unconfirmed)
    assert said.names == ("mail.shop.example",)
    assert len(said.outcomes) == 2


def test_a_silent_dns_makes_it_unknown_on_the_way_there_and_on_the_way_back() -> None:
    there = reverse_name.confirm(_IP4, StaticResolver(_ZONE, failing=[_PTR4]))
    assert isinstance(there, Confirmed)
    there = reverse_name.confirm(_IP4, StaticResolver({}, failing=[_PTR4]))
    assert isinstance(there, NotKnown)
    assert there.reason == "no answer in time"
    back = {_PTR4: {"PTR": ["mail.shop.example", "old.shop.example"]}, "old.shop.example": {"A": ["192.0.2.9"]}}
    said = reverse_name.confirm(_IP4, StaticResolver(back, failing=["mail.shop.example"]))
    assert isinstance(said, NotKnown)
    good = {**back, "old.shop.example": {"A": [_IP4]}}
    assert isinstance(reverse_name.confirm(_IP4, StaticResolver(good, failing=["mail.shop.example"])), Confirmed)


class _Counting:
    """Answers every address with a thousand names, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def query(self, name: str, kind: str, /) -> Outcome:
        self.asked.append((name, kind))
        if kind == "PTR":
            return dns.Answer(name, kind, "zone", tuple(f"n{number}.shop.example" for number in range(1000)), 1)
        return dns.NxDomain(name, kind, "zone")


def test_asks_for_ten_names_at_most() -> None:
    resolver = _Counting()
    assert isinstance(reverse_name.confirm(_IP4, resolver), Unconfirmed)
    assert len(resolver.asked) == 11


def test_what_is_no_address_is_refused() -> None:
    for wrong in ("", "shop.example", "192.0.2.7.1"):
        with pytest.raises(ValueError, match="does not appear"):
            reverse_name.confirm(wrong, StaticResolver({}))


_COUNTED = [
    (_IP4, "192-0-2-7.dsl.isp.example"),
    (_IP4, "7.2.0.192.isp.example"),
    (_IP4, "host-192.0.2.7.isp.example"),
    (_IP4, "static192_000_002_007.isp.example"),
    (_IP4, "ip192000002007.isp.example"),
    (_IP4, "c0000207.isp.example"),
    (_IP4, "0xC0000207.isp.example"),
    (_IP4, "3221225991.isp.example"),
    (_IP4, "pool-0-2-7.isp.example"),
    (_IP4, "7-2-0.pool.isp.example"),
    (_IP4, "192-0-2.net.isp.example"),
    (_IP6, "2001-db8--7.isp.example"),
    (_IP6, "2001-0db8-0000-0000-0000-0000-0000-0007.isp.example"),
    (_IP6, "20010db8000000000000000000000007.isp.example"),
    (_IP6, "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.isp.example"),
]
_OWN = [
    (_IP4, "mail.shop.example"),
    (_IP4, "mail7.shop.example"),
    (_IP4, "mx2-7.shop.example"),
    (_IP4, "mx192.shop.example"),
    (_IP4, "192-0-20-7.isp.example"),
    (_IP4, "1192-0-21-7.isp.example"),
    (_IP6, "mail.shop.example"),
    (_IP6, "mx7.db8.example"),
]


@pytest.mark.parametrize(("ip", "name"), _COUNTED)
def test_names_made_by_counting(ip: str, name: str) -> None:
    assert reverse_name.holds_digits_of(name, ip)


@pytest.mark.parametrize(("ip", "name"), _OWN)
def test_names_of_their_own(ip: str, name: str) -> None:
    assert not reverse_name.holds_digits_of(name, ip)


@given(st.ip_addresses(), st.sampled_from([".", "-"]))
def test_the_whole_address_in_a_name_is_always_seen(ip: IPv4Address | IPv6Address, separator: str) -> None:
    plain = (ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip
    written = plain.exploded.replace(".", separator).replace(":", separator)
    assert reverse_name.holds_digits_of(f"host-{written}.isp.example", str(ip))
    assert not reverse_name.holds_digits_of("mail.shop.example", str(ip))
