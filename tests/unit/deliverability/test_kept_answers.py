"""What a check kept answers as the DNS did, and says that it does not know what was not asked."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import domain_check, kept_answers, spf_facts, zone_of
from listkeeper.deliverability.kept_answers import Hurried, KeptAnswers
from listkeeper.deliverability.sending_domain import Question
from listkeeper.deliverability.spf_facts import Facts
from listkeeper.deliverability.zone_of import Zone
from listkeeper.standards import dmarc
from listkeeper.standards.dns import Answer, NoData, NxDomain, Outcome, StaticResolver, TempFail

ZONE = {
    "shop.example": {
        "NS": ["ns1.one.com"],
        "TXT": ["v=spf1 a mx include:relay.example -all"],
        "MX": ["10 mx.shop.example"],
        "A": ["192.0.2.1"],
    },
    "mx.shop.example": {"A": ["192.0.2.2"]},
    "relay.example": {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"]},
    "_dmarc.shop.example": {"TXT": ["v=DMARC1; p=reject"]},
}
_BYTES = st.text(st.characters(max_codepoint=255), max_size=60)


def _kept(zone: dict[str, dict[str, list[str]]], failing: tuple[str, ...] = ()) -> KeptAnswers:
    asked = Question("shop.example", None)
    return KeptAnswers(domain_check.look(asked, StaticResolver(zone, failing=failing), egress=["192.0.2.7"]).records)


def test_a_page_drawn_from_a_check_is_the_same_as_one_that_asks() -> None:
    kept, live = _kept(ZONE), StaticResolver(ZONE)
    asked, drawn = spf_facts.gather("shop.example", live), spf_facts.gather("shop.example", kept)
    assert isinstance(drawn, Facts)
    assert drawn == asked
    assert drawn.unknown == ()
    assert drawn.networks.addresses4 == 258
    assert zone_of.find("shop.example", kept) == Zone("shop.example", ("ns1.one.com",))
    assert dmarc.discover("shop.example", kept).policy == dmarc.discover("shop.example", live).policy


def test_what_was_not_asked_is_unknown() -> None:
    said = _kept(ZONE).query("elsewhere.example", "TXT")
    assert isinstance(said, TempFail)
    assert said.reason == "it was not asked for at the last check"


def test_silence_and_absence_are_kept_apart() -> None:
    kept = _kept({**ZONE, "shop.example": {"MX": ["10 mx.shop.example"]}}, failing=("relay.example",))
    assert isinstance(kept.query("shop.example", "TXT"), NoData)
    assert isinstance(kept.query("_dmarc.example", "TXT"), NxDomain)
    silent = _kept({}, failing=("shop.example",))
    assert isinstance(silent.query("SHOP.example.", "mx"), TempFail)


@given(st.lists(_BYTES, min_size=1, max_size=3))
def test_every_byte_comes_back_as_it_was_said(texts: list[str]) -> None:
    kept = _kept({**ZONE, "shop.example": {"MX": ["10 mx.shop.example"], "TXT": texts}})
    said = kept.query("shop.example", "TXT")
    assert isinstance(said, Answer)
    assert sorted(said.records) == sorted(texts)


def test_names_to_send_as_are_asked_only_at_a_registered_name() -> None:
    assert kept_answers.sub_domain_names("shop.example") == ("news.shop.example", "mail.shop.example")
    assert kept_answers.sub_domain_names("news.shop.example") == ()


class _Slow:
    """A resolver that takes its time."""

    def query(self, name: str, kind: str, /) -> Outcome:
        time.sleep(0.05)
        return NoData(name, kind, "slow")


def test_a_hurried_question_gives_up_when_its_time_is_over() -> None:
    hurried = Hurried(_Slow(), 0.01)
    assert isinstance(hurried.query("shop.example", "TXT"), NoData)
    said = hurried.query("shop.example", "TXT")
    assert isinstance(said, TempFail)
    assert said.reason
