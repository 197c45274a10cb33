"""Asking the servers in charge: what was just published is seen, and a wall in between changes nothing."""

from __future__ import annotations

import pytest

from listkeeper.standards.dns import Answer, LiveResolver, NxDomain, Outcome, Resolver, StaticResolver, TempFail
from listkeeper.standards.dns_direct import DirectResolver
from tests.fakes import dns_server

NEW, OLD = "v=spf1 ip4:192.0.2.7 -all", "v=spf1 -all"
# What a cache remembers, with the way to the servers in charge.
CACHE = {
    "shop.example": {"NS": ["a.ns.example", "b.ns.example"], "TXT": [OLD]},
    "a.ns.example": {"A": ["192.0.2.53"]},
    "b.ns.example": {"AAAA": ["2001:db8::53"]},
    "relay.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
    "news.shop.example": {"NS": ["c.ns.example"], "TXT": ["of another zone"]},
}
THEIRS = {
    "shop.example": {"SOA": ["a.ns.example. hostmaster. 1 2 3 4 5"], "TXT": [NEW]},
    "lk1._domainkey.shop.example": {"TXT": ["v=DKIM1; p=x"]},
}


class _Silent:
    def query(self, name: str, kind: str, /) -> Outcome:
        return TempFail(name, kind, "192.0.2.53:53", "no answer in time")


def _texts(outcome: Outcome) -> tuple[str, ...]:
    return outcome.records if isinstance(outcome, Answer) else ()


def _direct(servers: dict[str, Resolver], cache: Resolver | None = None) -> DirectResolver:
    return DirectResolver("shop.example", cache or StaticResolver(CACHE), lambda at: servers[at])


def test_what_was_just_published_is_seen_and_what_is_gone_is_gone() -> None:
    theirs = StaticResolver(THEIRS)
    direct = _direct({"192.0.2.53:53": theirs, "[2001:db8::53]:53": theirs})
    assert _texts(direct.query("Shop.example.", "TXT")) == (NEW,)
    assert _texts(direct.query("lk1._domainkey.shop.example", "TXT")) == ("v=DKIM1; p=x",)
    assert isinstance(direct.query("_dmarc.shop.example", "TXT"), NxDomain)
    # Elsewhere the usual resolver is asked, also for a name that only ends alike.
    assert _texts(direct.query("relay.example", "TXT")) == ("v=spf1 ip4:192.0.2.0/24 -all",)
    assert isinstance(direct.query("bookshop.example", "TXT"), NxDomain)


def test_a_zone_of_its_own_below_is_asked_as_usual() -> None:
    """The servers above it know only whom to ask, which reads like no record at all."""
    theirs = StaticResolver(THEIRS | {"news.shop.example": {"NS": ["c.ns.example"]}})
    direct = _direct({"192.0.2.53:53": theirs, "[2001:db8::53]:53": theirs})
    assert _texts(direct.query("news.shop.example", "TXT")) == ("of another zone",)


@pytest.mark.parametrize("lame", [_Silent(), StaticResolver({})])
def test_a_server_that_does_not_answer_for_it_is_passed_over(lame: Resolver) -> None:
    theirs = StaticResolver(THEIRS)
    assert _texts(_direct({"192.0.2.53:53": lame, "[2001:db8::53]:53": theirs}).query("shop.example", "TXT")) == (NEW,)
    assert _texts(_direct({"192.0.2.53:53": lame, "[2001:db8::53]:53": lame}).query("shop.example", "TXT")) == (OLD,)


def test_where_nobody_is_in_charge_or_nothing_is_known_the_usual_resolver_answers() -> None:
    assert _texts(_direct({}, StaticResolver({"shop.example": {"TXT": [OLD]}})).query("shop.example", "TXT")) == (OLD,)
    silent = _direct({}, _Silent()).query("shop.example", "TXT")
    assert isinstance(silent, TempFail)


def test_a_real_server_is_asked_as_the_zone_says() -> None:
    with dns_server.serving({**THEIRS}) as running:
        direct = DirectResolver("shop.example", StaticResolver(CACHE), lambda _at: LiveResolver(running.address))
        assert _texts(direct.query("shop.example", "TXT")) == (NEW,)
        running.silent.add("shop.example")
        assert _texts(direct.query("lk1._domainkey.shop.example", "TXT")) == ("v=DKIM1; p=x",)
