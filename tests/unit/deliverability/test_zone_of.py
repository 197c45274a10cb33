"""Which zone a name lives in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import zone_of
from listkeeper.deliverability.zone_of import NoZone, UnknownZone, Zone
from listkeeper.standards.dns import StaticResolver

_RECORDS = {
    "example": {"NS": ["a.registry.example"]},
    "shop.example": {"NS": ["ns1.one.example", "ns2.one.example"]},
    "news.shop.example": {"TXT": ["v=spf1 -all"]},
    "own.shop.example": {"NS": ["ns1.own.example"]},
    "www.shop.example": {"CNAME": ["pages.example"]},
    "pages.example": {"NS": ["ns1.pages.example"], "A": ["192.0.2.1"]},
}
_SHOP = Zone("shop.example", ("ns1.one.example", "ns2.one.example"))


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("shop.example", _SHOP),
        ("SHOP.example.", _SHOP),
        ("news.shop.example", _SHOP),
        ("lk1._domainkey.not-yet-there.shop.example", _SHOP),
        ("own.shop.example", Zone("own.shop.example", ("ns1.own.example",))),
        ("_dmarc.own.shop.example", Zone("own.shop.example", ("ns1.own.example",))),
        # The alias answers with the servers of the zone it points to, and lives in the zone above it all the same.
        ("www.shop.example", _SHOP),
    ],
)
def test_the_nearest_zone_at_or_above_a_name(name: str, zone: Zone) -> None:
    assert zone_of.find(name, StaticResolver(_RECORDS)) == zone


@pytest.mark.parametrize("name", ["nobody.example", "example", "", "nobody.test"])
def test_a_domain_that_nobody_registered_has_no_zone(name: str) -> None:
    found = zone_of.find(name, StaticResolver(_RECORDS))
    assert isinstance(found, NoZone)
    assert name in found.reason


@pytest.mark.parametrize("silent", ["news.shop.example", "shop.example"])
def test_silence_is_unknown_even_where_a_zone_above_answers(silent: str) -> None:
    records = {name: at for name, at in _RECORDS.items() if name != silent}
    found = zone_of.find("news.shop.example", StaticResolver(records, failing=[silent]))
    assert isinstance(found, UnknownZone)
    assert silent in found.reason
    assert "no answer in time" in found.reason


def test_it_is_unknown_where_only_the_question_for_an_alias_fails() -> None:
    found = zone_of.find("shop.example", StaticResolver(_RECORDS, failing=["shop.example"]))
    assert isinstance(found, UnknownZone)


@given(st.integers(1, 8), st.sets(st.integers(1, 8)))
def test_the_zone_is_the_deepest_cut_above_the_name(depth: int, cuts: set[int]) -> None:
    labels = [f"l{number}" for number in range(depth, 0, -1)]
    names = {level: ".".join([*labels[depth - level :], "example"]) for level in range(1, depth + 1)}
    records = {names[level]: {"NS": [f"ns{level}.example"]} for level in cuts & set(names)}
    found = zone_of.find(names[depth], StaticResolver(records))
    above = [level for level in cuts if level <= depth]
    if above:
        assert found == Zone(names[max(above)], (f"ns{max(above)}.example",))
    else:
        assert isinstance(found, NoZone)


@given(st.text(max_size=300))
def test_any_text_has_an_answer(name: str) -> None:
    assert isinstance(zone_of.find(name, StaticResolver({})), NoZone)
