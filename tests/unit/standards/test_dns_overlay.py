"""What would be if records were published: what is supposed comes first, and all else is as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import spf
from listkeeper.standards.dns import Answer, NoData, NxDomain, StaticResolver, TempFail, Zone
from listkeeper.standards.dns_overlay import OverlayResolver

_PUBLISHED: Zone = {
    "shop.example": {"TXT": ["v=spf1 -all", "site-verification=x"], "MX": ["10 mx.shop.example"]},
    "mx.shop.example": {"A": ["192.0.2.25"]},
    "hosted.example": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.shop.example": {"CNAME": ["hosted.example"]},
}


def _suppose(zone: Zone) -> OverlayResolver:
    return OverlayResolver(zone, StaticResolver(_PUBLISHED, failing=["silent.example"]), ttl=60)


def test_what_is_supposed_takes_the_place_of_all_records_of_its_type() -> None:
    supposed = _suppose({"Shop.Example.": {"txt": ["v=spf1 mx -all"]}})
    said = supposed.query("shop.example", "TXT")
    assert said == Answer("shop.example", "TXT", "zone", ("v=spf1 mx -all",), 60)
    assert supposed.query("SHOP.example.", "TXT").name == "SHOP.example."
    mail = supposed.query("shop.example", "MX")
    assert isinstance(mail, Answer)
    assert (mail.records, mail.ttl) == (("10 mx.shop.example",), 3600)
    assert spf.check_host("192.0.2.25", "shop.example", "a@shop.example", "", supposed).result is spf.Result.PASS


def test_an_empty_list_supposes_that_there_are_none() -> None:
    supposed = _suppose({"shop.example": {"MX": []}})
    assert isinstance(supposed.query("shop.example", "MX"), NoData)
    assert isinstance(supposed.query("shop.example", "TXT"), Answer)


def test_a_supposed_name_exists_and_so_do_those_above_it() -> None:
    supposed = _suppose({"a.b.new.example": {"TXT": ["x"]}})
    assert isinstance(supposed.query("a.b.new.example", "A"), NoData)
    assert isinstance(supposed.query("new.example", "TXT"), NoData)
    assert isinstance(supposed.query("c.new.example", "TXT"), NxDomain)
    assert isinstance(supposed.query("gone.example", "TXT"), NxDomain)


def test_silence_stays_silence_but_where_something_is_supposed() -> None:
    supposed = _suppose({"silent.example": {"TXT": ["x"]}})
    assert isinstance(supposed.query("silent.example", "TXT"), Answer)
    assert isinstance(supposed.query("silent.example", "MX"), TempFail)


def test_supposed_aliases_are_followed_to_what_is_published_and_to_what_is_supposed() -> None:
    inward = _suppose({"_dmarc.new.example": {"CNAME": ["hosted.example"]}}).query("_dmarc.new.example", "TXT")
    assert isinstance(inward, Answer)
    assert (inward.name, inward.records) == ("_dmarc.new.example", ("v=DMARC1; p=reject",))
    assert isinstance(_suppose({"x.example": {"CNAME": ["hosted.example"]}}).query("x.example", "CNAME"), Answer)
    both = _suppose({"x.example": {"CNAME": ["y.example"]}, "y.example": {"A": ["192.0.2.1"]}}).query("x.example", "A")
    assert isinstance(both, Answer)
    assert both.records == ("192.0.2.1",)


@pytest.mark.parametrize("start", ["x.example", "y.example"])
def test_aliases_that_go_round_are_trouble_in_words(start: str) -> None:
    said = _suppose({"x.example": {"CNAME": ["y.example"]}, "y.example": {"CNAME": ["x.example"]}}).query(start, "TXT")
    assert isinstance(said, TempFail)
    assert "circle" in said.reason


_NAMES = st.sampled_from(["shop.example", "mx.shop.example", "hosted.example", "new.example", "silent.example"])
_KINDS = st.sampled_from(["A", "TXT", "MX"])


@given(st.dictionaries(_NAMES, st.dictionaries(_KINDS, st.lists(st.text(max_size=5), max_size=2))), _NAMES, _KINDS)
def test_what_is_not_supposed_is_as_published(zone: dict[str, dict[str, list[str]]], name: str, kind: str) -> None:
    said, published = _suppose(zone).query(name, kind), StaticResolver(_PUBLISHED, failing=["silent.example"])
    supposed = zone.get(name, {}).get(kind)
    if supposed is not None:
        assert isinstance(said, Answer if supposed else NoData)
        assert not isinstance(said, Answer) or said.records == tuple(supposed)
    elif isinstance(was := published.query(name, kind), NxDomain):
        assert isinstance(said, NoData if name in zone else NxDomain)
    else:
        assert said == was


@given(st.text(max_size=300))
def test_any_text_has_an_answer(name: str) -> None:
    assert isinstance(
        _suppose({"shop.example": {"TXT": ["x"]}}).query(name, "A"), NxDomain | NoData | Answer | TempFail
    )
