"""The SPF page's facts: the tree, its owners, the addresses, and the terms that do nothing."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import spf_facts, spf_networks, spf_owner
from listkeeper.deliverability.spf_facts import Facts, NoFacts
from listkeeper.deliverability.spf_networks import Allowed, Networks
from listkeeper.standards import spf
from listkeeper.standards.dns import StaticResolver
from listkeeper.standards.spf import Result

_DOMAIN = "shop.example"
_BASE: dict[str, dict[str, list[str]]] = {
    "_spf.google.com": {"TXT": ["v=spf1 include:_netblocks.google.com ~all"]},
    "_netblocks.google.com": {"TXT": ["v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:a::/48 ~all"]},
    "mx.shop.example": {"A": ["192.0.2.25"], "AAAA": ["2001:db8::25"]},
    "web.shop.example": {"A": ["192.0.2.80", "192.0.2.81"]},
}


def _world(record: str, failing: tuple[str, ...] = (), **more: dict[str, list[str]]) -> StaticResolver:
    apex = {"TXT": [record, "site-verification=x"], "MX": ["10 mx.shop.example"], "A": ["192.0.2.1"]}
    named = {name.replace("_dot_", "."): at for name, at in more.items()}
    return StaticResolver({_DOMAIN: apex, **_BASE, **named}, failing=failing)


def _facts(record: str, failing: tuple[str, ...] = (), **more: dict[str, list[str]]) -> Facts:
    facts = spf_facts.gather(_DOMAIN, _world(record, failing, **more))
    assert isinstance(facts, Facts)
    return facts


def _networks(facts: Facts) -> list[tuple[str, str]]:
    return [(str(one.network), " ".join(one.path)) for one in facts.networks.allowed]


def test_the_tree_has_costs_owners_and_times() -> None:
    facts = _facts("v=spf1 mx include:_spf.google.com ip4:192.0.2.9 exp=why.shop.example -all")
    assert (facts.cost, facts.most) == (3, 10)
    mx, google, ip4, end, exp = facts.nodes
    assert (mx.term, mx.target, mx.own_cost, mx.cost, mx.owner) == ("mx", _DOMAIN, 1, 1, None)
    assert (google.own_cost, google.cost, google.owner, google.ttl) == (1, 2, "Google", 3600)
    [blocks] = [node for node in google.below if node.own_cost]
    assert (blocks.target, blocks.owner, blocks.cost) == ("_netblocks.google.com", "Google", 1)
    assert [node.term for node in blocks.below] == ["ip4:198.51.100.0/24", "ip6:2001:db8:a::/48", "~all"]
    assert [(node.own_cost, node.reached) for node in (ip4, end, exp)] == [(0, True)] * 3


def test_addresses_are_flattened_with_the_way_to_each() -> None:
    facts = _facts("v=spf1 mx a:web.shop.example/31 include:_spf.google.com -ip4:192.0.2.77 ?a ip4:192.0.2.9 -all")
    assert _networks(facts) == [
        ("192.0.2.25/32", "mx"),
        ("2001:db8::25/128", "mx"),
        ("192.0.2.80/31", "a:web.shop.example/31"),
        ("192.0.2.80/31", "a:web.shop.example/31"),
        ("198.51.100.0/24", "include:_spf.google.com include:_netblocks.google.com ip4:198.51.100.0/24"),
        ("2001:db8:a::/48", "include:_spf.google.com include:_netblocks.google.com ip6:2001:db8:a::/48"),
        ("192.0.2.9/32", "ip4:192.0.2.9"),
    ]
    assert facts.networks.addresses4 == 1 + 2 + 256 + 1
    assert [str(network) for network in facts.networks.version6] == ["2001:db8::25/128", "2001:db8:a::/48"]


def test_what_the_message_decides_is_named_and_not_counted() -> None:
    facts = _facts("v=spf1 exists:%{i}._spf.shop.example ptr include:%{l}.shop.example -all")
    assert facts.networks.by_message == [("exists:%{i}._spf.shop.example",), ("ptr",), ("include:%{l}.shop.example",)]
    assert facts.networks.allowed == []


def test_silence_in_the_dns_is_unknown() -> None:
    facts = _facts("v=spf1 include:down.example a:down.example mx:down.example -all", ("down.example",))
    assert [path[0] for path in facts.networks.unknown] == ["include:down.example", "a:down.example", "mx:down.example"]
    assert facts.unknown == ("down.example: no answer in time",) * 3
    assert facts.nodes[0].words == "no answer in time"


@pytest.mark.parametrize(
    ("record", "ways"),
    [
        ("v=spf1 ip4:192.0.2.1 +all", [("+all",)]),
        ("v=spf1 all", [("all",)]),
        ("v=spf1 include:open.example -all", [("include:open.example", "+all")]),
        ("v=spf1 redirect=open.example", [("redirect=open.example", "+all")]),
        ("v=spf1 -include:open.example -all", []),
        ("v=spf1 -all +all", []),
    ],
)
def test_a_way_for_everybody_is_found_wherever_it_lies(record: str, ways: list[tuple[str, ...]]) -> None:
    assert _facts(record, open_dot_example={"TXT": ["v=spf1 +all"]}).networks.everybody == ways


def test_terms_behind_all_and_a_redirect_beside_it_are_never_read() -> None:
    facts = _facts("v=spf1 ip4:192.0.2.1 -all include:_spf.google.com redirect=_spf.google.com")
    assert [idle.term for idle in facts.unreachable] == ["include:_spf.google.com", "redirect=_spf.google.com"]
    assert facts.unreachable[0].words == "include:_spf.google.com stands behind -all, where nobody reads it."
    assert [(node.term, node.reached, node.cost) for node in facts.nodes[1:]] == [
        ("-all", True, 0),
        ("include:_spf.google.com", False, 0),
        ("redirect=_spf.google.com", False, 0),
    ]
    assert _facts("v=spf1 ip4:192.0.2.1 -all").unreachable == ()


def test_terms_that_repeat_or_lie_inside_another_are_named_once() -> None:
    facts = _facts(
        "v=spf1 ip4:192.0.2.9 ip4:192.0.2.0/28 ip4:192.0.2.9/32 include:_netblocks.google.com include:_spf.google.com "
        "ip4:198.51.100.7 ip4:203.0.113.1 MX mx -all"
    )
    assert {idle.term: idle.words for idle in facts.repeated} == {
        "ip4:192.0.2.9/32": "ip4:192.0.2.9/32 stands in the record twice.",
        "mx": "mx stands in the record twice.",
        "include:_netblocks.google.com": (
            "include:_netblocks.google.com is included by the record of _spf.google.com already."
        ),
        "ip4:192.0.2.9": "ip4:192.0.2.9 is covered by ip4:192.0.2.0/28 already.",
        "ip4:198.51.100.7": (
            "ip4:198.51.100.7 is covered by include:_netblocks.google.com → ip4:198.51.100.0/24 already."
        ),
    }


def test_a_flaw_below_stands_at_its_branch() -> None:
    facts = _facts("v=spf1 include:nobody.example a:gone.shop.example -all")
    assert (facts.nodes[0].flawed, facts.nodes[0].words) == (True, "nobody.example has no SPF record")
    assert facts.voids == ("include:nobody.example", "a:gone.shop.example")
    assert (facts.nodes[1].void, facts.nodes[1].flawed) == (True, False)


@pytest.mark.parametrize(
    ("texts", "reason", "unknown"),
    [
        ([], "shop.example has no SPF record", False),
        (["v=spf1 -all", "v=spf1 ~all"], "shop.example has 2 SPF records", False),
        (["v=spf1 ipv4:192.0.2.1 -all"], "SPF has no word ipv4", False),
        (None, "the DNS gave no answer: no answer in time", True),
    ],
)
def test_without_one_record_there_are_no_facts(texts: list[str] | None, reason: str, unknown: bool) -> None:
    zone: dict[str, dict[str, list[str]]] = {} if texts is None else {_DOMAIN: {"TXT": texts, "A": ["192.0.2.1"]}}
    facts = spf_facts.gather(_DOMAIN, StaticResolver(zone, failing=[_DOMAIN] if texts is None else []))
    assert isinstance(facts, NoFacts)
    assert reason in facts.reason
    assert facts.unknown is unknown


def test_a_modifier_with_the_name_of_a_mechanism_is_not_taken_for_it() -> None:
    facts = _facts("v=spf1 include=_spf.google.com mx -all")
    assert [(node.term, node.cost) for node in facts.nodes] == [("mx", 1), ("-all", 0), ("include=_spf.google.com", 0)]


@pytest.mark.parametrize(
    ("target", "owner"),
    [
        ("_spf.google.com", "Google"),
        ("spf.protection.outlook.com", "Microsoft"),
        ("Servers.MCSV.net.", "Mailchimp"),
        ("eu-west-1.amazonses.com", "Amazon SES"),
        ("sendgrid.net", "Twilio SendGrid"),
        ("mailgun.org", "Mailgun"),
        ("spf.mandrillapp.com", "Mailchimp Transactional (Mandrill)"),
        ("spf.brevo.com", "Brevo"),
        ("_custspf.one.com", "one.com"),
        ("spf.simply.com", "Simply.com"),
        ("notgoogle.com", None),
        ("google.com.thief.example", None),
        ("", None),
    ],
)
def test_services_are_known_by_their_names(target: str, owner: str | None) -> None:
    assert spf_owner.of(target) == owner


_NETS = st.sampled_from(["192.0.2.0/28", "192.0.2.0/30", "192.0.2.4", "192.0.2.4/31", "192.0.2.8/29", "192.0.2.0/0"])
_TERMS = st.one_of(
    st.builds("ip4:{}".format, _NETS),
    st.sampled_from(["ip6:2001:db8::/126", "ip6:2001:db8::1", "a", "mx", "a/30"]),
    st.sampled_from(["a:web.shop.example", "include:one.example"]),
)
_ENDS = st.sampled_from(["-all", "~all", "?all", "redirect=two.example", ""])
_BODIES = st.builds(lambda terms, end: " ".join([*terms, end]), st.lists(_TERMS, max_size=4), _ENDS)
_SENDERS = st.sampled_from([*(f"192.0.2.{last}" for last in range(17)), "2001:db8::1", "2001:db8::9", "192.0.2.81"])


@given(_BODIES, st.lists(_TERMS.filter(lambda term: "include" not in term), max_size=3), _SENDERS)
def test_a_receiver_lets_pass_what_the_flattened_networks_hold_and_nothing_else(
    body: str, included: list[str], sender: str
) -> None:
    one = {"TXT": [f"v=spf1 {' '.join(included)} -all"], "A": ["192.0.2.6"], "MX": ["5 web.shop.example"]}
    two = {"TXT": ["v=spf1 ip4:192.0.2.12/31 include:one.example -all"]}
    world = _world(f"v=spf1 {body}", one_dot_example=one, two_dot_example=two)
    facts = spf_facts.gather(_DOMAIN, world)
    assert isinstance(facts, Facts)
    said = spf.check_host(sender, _DOMAIN, f"x@{_DOMAIN}", _DOMAIN, world)
    inside = any(ip_address(sender) in one.network for one in facts.networks.allowed)
    assert (said.result is Result.PASS) is inside or said.result is Result.PERMERROR


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(26, 32)), max_size=25), st.integers(0, 2**6))
def test_covered_networks_are_those_that_comparing_all_with_all_finds(found: list[tuple[int, int]], near: int) -> None:
    nets = [ip_network((start % (near + 1) * 4 % 2**32, bits), strict=False) for start, bits in found]
    listed = Networks([Allowed(net, (str(number),)) for number, net in enumerate(nets)])
    expected = {
        number
        for number, net in enumerate(nets)
        if any(
            net.subnet_of(other) and (net != other or place < number)  # type: ignore[arg-type]
            for place, other in enumerate(nets)
            if place != number
        )
    }
    pairs = spf_networks.repeated(listed)
    assert {int(one.path[0]) for one, _ in pairs} == expected
    assert all(one.network.subnet_of(other.network) for one, other in pairs)  # type: ignore[arg-type]


@given(st.text(st.characters(max_codepoint=255), max_size=200))
def test_any_record_has_facts_or_a_reason(rest: str) -> None:
    found = spf_facts.gather(_DOMAIN, _world(f"v=spf1 {rest}"))
    assert found.reason if isinstance(found, NoFacts) else found.cost == sum(node.cost for node in found.nodes)


def test_a_record_of_thousands_of_networks_is_cut_and_says_so() -> None:
    many = " ".join(f"ip4:10.{number // 256}.{number % 256}.0/24" for number in range(5001))
    facts = _facts(f"v=spf1 {many} -all")
    assert facts.networks.cut
    assert len(facts.networks.allowed) == 5000
