"""DMARC: what a message is worth by the domain in its From, and by several of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dmarc
from listkeeper.standards.dmarc import Identifier, Result, Verdict
from listkeeper.standards.dmarc_record import Policy
from listkeeper.standards.dns import StaticResolver
from listkeeper.standards.spf import Result as SpfResult

_Records = dict[str, str | list[str]]
_NEWS = "news.shop.example"
_SUB = "v=DMARC1; p=reject; sp=none; np=quarantine"
_TREE: _Records = {"shop.example": "v=DMARC1; p=reject", "own.shop.example": "v=DMARC1; p=none; psd=n"}


def _zone(records: _Records, failing: Sequence[str] = ()) -> StaticResolver:
    zone = {f"_dmarc.{name}": {"TXT": [at] if isinstance(at, str) else at} for name, at in records.items()}
    return StaticResolver(zone, failing=failing)


def _evaluate(author: str, records: _Records, *identifiers: Identifier, failing: Sequence[str] = ()) -> Verdict:
    return dmarc.evaluate(author, identifiers, _zone(records, failing))


def _signed(domain: str, passed: bool | None = True) -> Identifier:
    return Identifier("dkim", domain, passed)


def _sent(domain: str, passed: bool | None = True) -> Identifier:
    return Identifier("spf", domain, passed)


def test_one_aligned_identifier_is_enough_and_is_named() -> None:
    verdict = _evaluate("shop.example", _TREE, _sent("relay.test"), _signed("relay.test"), _signed("mail.shop.example"))
    assert (verdict.result, verdict.aligned) == (Result.PASS, (_signed("mail.shop.example"),))
    assert (verdict.policy, verdict.disposition) == (Policy.REJECT, Policy.NONE)
    both = _evaluate("shop.example", _TREE, _sent("bounce.shop.example"), _signed("shop.example"))
    assert [one.method for one in both.aligned] == ["spf", "dkim"]


@pytest.mark.parametrize(
    "identifiers",
    [
        (),
        (_sent("relay.test"), _signed("relay.test")),
        (_sent("shop.example", False), _signed("shop.example", False)),
        (_signed("own.shop.example"),),
    ],
)
def test_nothing_aligned_fails_and_the_policy_is_what_the_domain_asks_for(identifiers: tuple[Identifier, ...]) -> None:
    verdict = _evaluate("shop.example", _TREE, *identifiers)
    assert (verdict.result, verdict.policy, verdict.disposition) == (Result.FAIL, Policy.REJECT, Policy.REJECT)
    assert verdict.aligned == ()


@pytest.mark.parametrize(
    ("record", "sent", "signed"),
    [
        ("v=DMARC1; p=reject; adkim=s", Result.PASS, Result.FAIL),
        ("v=DMARC1; p=reject; aspf=S", Result.FAIL, Result.PASS),
        ("v=DMARC1; p=reject", Result.PASS, Result.PASS),
    ],
)
def test_each_method_has_its_own_mode(record: str, sent: Result, signed: Result) -> None:
    assert _evaluate("shop.example", {"shop.example": record}, _sent("a.shop.example")).result is sent
    assert _evaluate("shop.example", {"shop.example": record}, _signed("a.shop.example")).result is signed
    assert _evaluate("shop.example", {"shop.example": record}, _signed("shop.example")).result is Result.PASS


@pytest.mark.parametrize(
    "at", [[], ["v=DMARC1; adkim=s"], ["v=dmarc1; p=reject"], ["v=DMARC1; p=reject", "v=DMARC1; p=none"]]
)
def test_without_a_record_that_counts_dmarc_does_not_apply(at: list[str]) -> None:
    verdict = _evaluate("shop.example", {"shop.example": at}, _signed("shop.example"))
    assert (verdict.result, verdict.policy, verdict.disposition) == (Result.NONE, None, Policy.NONE)
    assert verdict.reason


def test_a_message_without_a_domain_in_from_cannot_be_judged() -> None:
    verdict = _evaluate("", _TREE, _signed("shop.example"))
    assert (verdict.result, verdict.discovery) == (Result.PERMERROR, None)
    assert verdict.reason == "the message has no domain in its From"


def test_a_failing_policy_with_t_and_pct_still_fails() -> None:
    verdict = _evaluate("shop.example", {"shop.example": "v=DMARC1; p=reject; t=y; pct=0"}, _signed("relay.test"))
    assert (verdict.result, verdict.disposition) == (Result.FAIL, Policy.QUARANTINE)


@pytest.mark.parametrize(
    ("identifiers", "failing", "result"),
    [
        ((_signed("shop.example"),), "_dmarc.example", Result.PASS),
        ((_signed("mail.shop.example"),), "_dmarc.example", Result.TEMPERROR),
        ((_signed("relay.test"),), "_dmarc.example", Result.FAIL),
        ((_signed("mail.shop.example"),), "_dmarc.mail.shop.example", Result.TEMPERROR),
        ((_sent("a.shop.example"), _signed("mail.shop.example")), "_dmarc.mail.shop.example", Result.PASS),
        ((_signed("mail.shop.example", False),), "_dmarc.mail.shop.example", Result.FAIL),
        ((_signed("shop.example", None),), "", Result.TEMPERROR),
        ((_signed("shop.example", None), _sent("shop.example")), "", Result.PASS),
        ((_signed("relay.test", None),), "", Result.FAIL),
    ],
)
def test_what_is_not_known_is_neither_pass_nor_fail_unless_the_rest_decides(
    identifiers: tuple[Identifier, ...], failing: str, result: Result
) -> None:
    verdict = _evaluate("shop.example", {"shop.example": "v=DMARC1; p=reject"}, *identifiers, failing=[failing])
    assert verdict.result is result
    assert bool(verdict.reason) is (result is Result.TEMPERROR)
    assert verdict.disposition is (Policy.REJECT if result is Result.FAIL else Policy.NONE)


def test_strict_alignment_never_waits_for_the_dns() -> None:
    records: _Records = {"shop.example": "v=DMARC1; p=reject; adkim=s"}
    assert (
        _evaluate("shop.example", records, _signed("a.shop.example"), failing=["_dmarc.example"]).result is Result.FAIL
    )


def test_an_unknown_policy_hinders_no_pass() -> None:
    records: _Records = {"shop.example": _SUB}
    assert _evaluate(_NEWS, records, _signed("shop.example"), failing=[_NEWS]).result is Result.PASS
    assert _evaluate(_NEWS, records, _signed("relay.test"), failing=[_NEWS]).result is Result.TEMPERROR


def test_of_very_many_identifiers_the_rest_is_not_looked_at() -> None:
    many = [_signed(f"s{number}.relay.test") for number in range(10)]
    assert _evaluate("shop.example", _TREE, *many, _signed("shop.example")).result is Result.FAIL
    assert _evaluate("shop.example", _TREE, *many[1:], _signed("shop.example")).result is Result.PASS


@pytest.mark.parametrize("result", list(SpfResult))
def test_what_spf_said_becomes_an_identifier(result: SpfResult) -> None:
    passed = {SpfResult.PASS: True, SpfResult.TEMPERROR: None}.get(result, False)
    assert dmarc.spf_identifier(result, "shop.example") == _sent("shop.example", passed)


def test_of_several_authors_the_strictest_that_fails_counts() -> None:
    zone = _zone({"a.example": "v=DMARC1; p=none", "b.example": "v=DMARC1; p=reject", "c.example": "v=DMARC1; p=none"})
    signed = [_signed("a.example")]
    assert dmarc.evaluate_each(["a.example"], signed, zone).result is Result.PASS
    assert dmarc.evaluate_each(["a.example", "no.example", "A.example"], signed, zone).result is Result.NONE
    worst = dmarc.evaluate_each(["c.example", "a.example", "b.example"], signed, zone)
    assert (worst.result, worst.from_domain, worst.disposition) == (Result.FAIL, "b.example", Policy.REJECT)
    assert dmarc.evaluate_each([], signed, zone).result is Result.PERMERROR
    crowd = dmarc.evaluate_each([f"d{number}.example" for number in range(6)], signed, zone)
    assert (crowd.result, crowd.discovery) == (Result.PERMERROR, None)


@given(
    st.text(), st.lists(st.tuples(st.sampled_from(["spf", "dkim"]), st.text(), st.sampled_from([True, False, None])))
)
def test_no_message_crashes_the_judge_and_pass_always_names_what_passed(
    author: str, given_ones: list[tuple[str, str, bool | None]]
) -> None:
    identifiers = [Identifier(*one) for one in given_ones]
    verdict = dmarc.evaluate_each([author], identifiers, StaticResolver({}, failing=["_dmarc.example"]))
    assert verdict.result in {Result.NONE, Result.PERMERROR, Result.TEMPERROR}
    assert verdict.reason
    always = StaticResolver({"_dmarc.shop.example": {"TXT": ["v=DMARC1; p=reject"]}})
    judged = dmarc.evaluate("shop.example", identifiers, always)
    assert (judged.result is Result.PASS) is bool(judged.aligned)
    assert all(one.passed for one in judged.aligned)


def test_without_an_answer_about_the_record_nothing_is_known() -> None:
    for failing in ("_dmarc.shop.example", "_dmarc.news.shop.example"):
        verdict = _evaluate(_NEWS, {}, _signed(_NEWS), failing=[failing])
        assert (verdict.result, verdict.policy) == (Result.TEMPERROR, None)
        assert verdict.reason == f"{failing} gave no answer: no answer in time"
