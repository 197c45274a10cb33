"""Block lists: a refusal is never a listing, test points decide whom to believe, and an answer lasts six hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import blocklist, blocklist_zone
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.standards import dns
from listkeeper.standards.dns import StaticResolver

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_IP = "192.0.2.25"
_TEST = "2.0.0.127"
_OURS = "25.2.0.192"
_ZEN = "zen.spamhaus.org"
_DBL = "dbl.spamhaus.org"
_KEY = "secretkeyofours"


class _Counting:
    """A resolver that says what it was asked."""

    def __init__(self, zone: dns.Zone, failing: tuple[str, ...] = ()) -> None:
        self._inner = StaticResolver(zone, failing=failing)
        self.asked: list[str] = []

    def query(self, name: str, kind: str, /) -> dns.Outcome:
        assert kind == "A"
        self.asked.append(name)
        return self._inner.query(name, kind)


def _zone(*said: str, suffix: str = _ZEN, subject: str = _OURS, **more: str) -> dict[str, dict[str, list[str]]]:
    zone = {f"{_TEST}.{_ZEN}": {"A": ["127.0.0.2"]}, f"dbltest.com.{_DBL}": {"A": ["127.0.1.2"]}}
    zone |= {f"{name.replace('_', '.')}.{suffix}": {"A": [record]} for name, record in more.items()}
    return zone | ({f"{subject}.{suffix}": {"A": list(said)}} if said else {})


def _check(
    resolver: dns.Resolver,
    *,
    ips: tuple[str, ...] = (_IP,),
    domains: tuple[str, ...] = (),
    names: tuple[str, ...] = ("spamhaus_zen",),
    key: str | None = None,
    now: datetime = _NOW,
    memory: dict[str, dict[str, Any]] | None = None,
) -> list[Finding]:
    lists = blocklist_zone.chosen(names, key)
    return blocklist.check(lists, ips, domains, resolver, now=now, memory={} if memory is None else memory)


def test_each_list_of_the_file_is_whole() -> None:
    assert set(blocklist_zone.every()) == {"spamhaus_zen", "spamhaus_dbl", "spamcop", "surbl"}
    for one in blocklist_zone.every().values():
        assert one.terms.startswith("https://")
        assert one.holds_domains is (one.kind == "domain")
        assert dns.can_be_asked(one.place_of(one.listed))
        assert not one.keyed or "{key}" in one.keyed
        if not one.holds_domains:
            assert (one.listed, one.unlisted) == ("127.0.0.2", "127.0.0.1")


def test_an_address_on_a_list_is_said_with_its_evidence_and_the_way_out() -> None:
    (found,) = _check(StaticResolver(_zone("127.0.0.3")))
    assert (found.code, found.severity, found.subject) == ("R1", Severity.WARN, _IP)
    assert found.message.startswith("Spamhaus ZEN holds 192.0.2.25:")
    assert found.evidence == f"{_OURS}.{_ZEN} A 127.0.0.3"
    assert "https://www.spamhaus.org/" in found.mend


def test_an_address_on_no_list_is_right() -> None:
    (found,) = _check(StaticResolver(_zone()))
    assert (found.code, found.severity) == ("R1", Severity.INFO)
    assert found.message == "Spamhaus ZEN does not hold 192.0.2.25."


def test_an_ipv6_address_is_asked_by_its_nibbles() -> None:
    resolver = _Counting(_zone("127.0.0.4", subject=".".join(reversed("20010db8" + "0" * 23 + "1"))))
    (found,) = _check(resolver, ips=("2001:db8::1",))
    assert found.severity is Severity.WARN
    assert resolver.asked[-1] == ip_address("2001:db8::1").reverse_pointer.removesuffix(".ip6.arpa") + f".{_ZEN}"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("127.255.255.252", "the name of the list is written wrong"),
        ("127.255.255.254", "no name server that is open to everybody"),
        ("127.255.255.255", "too many questions"),
        ("127.255.255.250", "query refused (127.255.255.250)"),
        ("127.0.0.1", "query refused (127.0.0.1)"),
        ("203.0.113.9", "query refused (203.0.113.9)"),
        ("127.0.1.255", "domains and no addresses"),
    ],
)
def test_a_refused_question_is_never_a_listing(said: str, why: str) -> None:
    for answers in ((said,), ("127.0.0.2", said)):
        (found,) = _check(StaticResolver(_zone(*answers)))
        assert (found.code, found.severity) == ("R1a", Severity.UNKNOWN)
        assert why in found.message
    # The publisher may refuse the test points as well, and then nothing is asked of it any more.
    resolver = _Counting(_zone("127.0.0.2") | {f"{_TEST}.{_ZEN}": {"A": [said]}})
    (found,) = _check(resolver)
    assert found.severity is Severity.UNKNOWN
    assert why in found.message
    assert resolver.asked == [f"{_TEST}.{_ZEN}"]


def test_a_zone_that_has_died_or_says_yes_to_everything_is_not_believed() -> None:
    (dead,) = _check(StaticResolver({f"{_OURS}.{_ZEN}": {"A": ["127.0.0.2"]}}))
    assert dead.severity is Severity.UNKNOWN
    assert "does not hold its own test entry" in dead.message
    eager = _zone("127.0.0.2") | {f"1.0.0.127.{_ZEN}": {"A": ["127.0.0.2"]}}
    (wild,) = _check(StaticResolver(eager))
    assert wild.severity is Severity.UNKNOWN
    assert "says yes to everything" in wild.message


def test_a_list_of_domains_takes_domains_and_never_an_address() -> None:
    zone = _zone("127.0.1.2", suffix=_DBL, subject="shop.example")
    names = ("spamhaus_dbl",)
    (found,) = _check(StaticResolver(zone), ips=(), domains=("shop.example",), names=names)
    assert (found.code, found.severity, found.subject) == ("R1", Severity.WARN, "shop.example")
    resolver = _Counting(zone)
    (found,) = _check(resolver, ips=(), domains=(_IP,), names=names)
    assert found.severity is Severity.UNKNOWN
    assert not any(_IP in name for name in resolver.asked)
    # Addresses are not asked of it either, and that nobody was asked is said.
    (found,) = _check(_Counting(zone), names=names)
    assert (found.code, found.severity, found.subject) == ("R1a", Severity.UNKNOWN, _IP)


def test_without_a_list_nothing_is_known_and_nobody_is_asked() -> None:
    resolver = _Counting({})
    found = _check(resolver, names=(), domains=("shop.example",))
    assert [(row.code, row.severity, row.subject) for row in found] == [
        ("R1a", Severity.UNKNOWN, _IP),
        ("R1a", Severity.UNKNOWN, "shop.example"),
    ]
    assert resolver.asked == []


def test_the_owners_key_opens_the_other_zone_and_is_shown_nowhere() -> None:
    zone = f"{_KEY}.zen.dq.spamhaus.net"
    memory: dict[str, dict[str, Any]] = {}
    resolver = _Counting({f"{_TEST}.{zone}": {"A": ["127.0.0.2"]}, f"{_OURS}.{zone}": {"A": ["127.0.0.10"]}})
    (found,) = _check(resolver, key=_KEY, memory=memory)
    assert found.severity is Severity.WARN
    assert all(name.endswith(zone) for name in resolver.asked)
    assert _KEY not in json.dumps(memory) + repr(found)
    # A list whose publisher gives no keys is asked as ever.
    assert [one.key for one in blocklist_zone.chosen(("spamcop", "spamhaus_zen"), _KEY)] == ["", _KEY]


def test_a_list_is_asked_about_one_thing_once_in_six_hours() -> None:
    memory: dict[str, dict[str, Any]] = {}
    resolver = _Counting(_zone("127.0.0.2"))
    first = _check(resolver, memory=memory)
    assert len(resolver.asked) == 3
    again = _check(resolver, memory=memory, now=_NOW + timedelta(hours=5, minutes=59))
    assert again == first
    assert len(resolver.asked) == 3
    _check(resolver, memory=memory, ips=("192.0.2.26",))
    assert resolver.asked[3:].count(f"26.2.0.192.{_ZEN}") == 1
    _check(resolver, memory=memory, now=_NOW + timedelta(hours=6))
    assert resolver.asked.count(f"{_OURS}.{_ZEN}") == 2
    # A clock that was put back makes nothing last for ever.
    _check(resolver, memory=memory, now=_NOW - timedelta(days=1))
    assert resolver.asked.count(f"{_OURS}.{_ZEN}") == 3


def test_a_silent_dns_is_unknown_and_may_be_asked_again() -> None:
    memory: dict[str, dict[str, Any]] = {}
    for failing in (f"{_TEST}.{_ZEN}", f"1.0.0.127.{_ZEN}", f"{_OURS}.{_ZEN}"):
        zone = {name: at for name, at in _zone().items() if name != failing}
        (found,) = _check(StaticResolver(zone, failing=(failing,)), memory=memory)
        assert (found.code, found.severity) == ("R1a", Severity.UNKNOWN)
        assert "the DNS gave no answer" in found.message
    assert memory == {}
    (found,) = _check(StaticResolver(_zone()), memory=memory)
    assert found.severity is Severity.INFO


def test_a_list_that_does_not_exist_cannot_be_chosen() -> None:
    with pytest.raises(ValueError, match="spamhaus_zen"):
        blocklist_zone.known(("spamhaus",))
    assert blocklist_zone.known(("surbl", "spamcop", "surbl")) == ("surbl", "spamcop")


@given(st.lists(st.ip_addresses(v=4).map(str) | st.text(max_size=20), min_size=1, max_size=3))
def test_only_what_lies_in_the_network_of_listings_lists(said: list[str]) -> None:
    (found,) = _check(StaticResolver(_zone(*said)))
    listing = all(
        one.startswith("127.") and not one.startswith("127.255.255.") and one not in {"127.0.0.1", "127.0.1.255"}
        for one in said
    )
    assert found.severity is (Severity.WARN if listing else Severity.UNKNOWN)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.dictionaries(st.sampled_from(["at", "finding", "code"]), inner),
    ).filter(lambda value: value is None or isinstance(value, dict))
)
def test_a_memory_that_somebody_wrote_into_is_none(entry: dict[str, Any] | None) -> None:
    memory = {"spamhaus_zen 192.0.2.25": entry}
    (found,) = _check(StaticResolver(_zone("127.0.0.2")), memory=memory)  # type: ignore[arg-type]
    assert found.severity is Severity.WARN
