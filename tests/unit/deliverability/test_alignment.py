"""G2: which of the domains in a mail speak for the one in From, in a table and in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from listkeeper.deliverability import alignment, dmarc_audit
from listkeeper.deliverability.alignment import Role, Table
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.standards import dmarc
from listkeeper.standards.dns import StaticResolver

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_SHOP, _NEWS = "shop.example", "news.shop.example"
_RECORD = "v=DMARC1; p=reject; rua=mailto:a@shop.example"


def _zone(record: str | None = _RECORD, failing: Sequence[str] = ()) -> StaticResolver:
    return StaticResolver({"_dmarc.shop.example": {"TXT": [record]}} if record else {}, failing=failing)


def _table(domain: str, signed: Sequence[str], sent: str | None, zone: StaticResolver) -> Table:
    found = dmarc.discover(domain, zone)
    return alignment.alignment_table(found, zone, mail_from_domain=sent, dkim_domains=signed)


def _finding(domain: str, signed: Sequence[str], sent: str | None, zone: StaticResolver) -> Finding:
    found = dmarc_audit.audit(domain, zone, _NOW, mail_from_domain=sent, dkim_domains=signed)
    [only] = [one for one in found if one.code == "G2"]
    return only


def test_the_table_has_a_row_for_each_domain_and_the_steps_of_the_walk() -> None:
    table = _table(_NEWS, [_SHOP, "relay.test", "SHOP.example."], f"bounce.{_NEWS}", _zone())
    assert [(row.role, row.domain, row.organisational, row.relaxed, row.strict) for row in table.rows] == [
        (Role.FROM, _NEWS, _SHOP, True, True),
        (Role.SIGNATURE, _SHOP, _SHOP, True, False),
        (Role.SIGNATURE, "relay.test", "relay.test", False, False),
        (Role.ENVELOPE, f"bounce.{_NEWS}", _SHOP, True, False),
    ]
    assert [(step.name, step.words) for step in table.steps] == [
        ("_dmarc.news.shop.example", "the name does not exist"),
        ("_dmarc.shop.example", "a DMARC record"),
        ("_dmarc.example", "the name does not exist"),
    ]
    assert (table.ended, table.by_list) == ("The search stopped here, because there is no name above.", False)


@pytest.mark.parametrize(
    ("tags", "signature", "envelope"),
    [("", True, True), ("adkim=s", False, True), ("aspf=s", True, False), ("adkim=s; aspf=s", False, False)],
)
def test_the_record_says_which_rule_counts(tags: str, signature: bool, envelope: bool) -> None:
    table = _table(_NEWS, [_SHOP], f"bounce.{_SHOP}", _zone(f"{_RECORD}; {tags}"))
    assert [row.counts for row in table.identifiers] == [signature, envelope]
    assert [row.relaxed for row in table.identifiers] == [True, True]


@pytest.mark.parametrize(
    ("signed", "sent", "message"),
    [
        (
            [_NEWS],
            f"b.{_NEWS}",
            (
                "The signature (d=news.shop.example) and the envelope (b.news.shop.example) both speak for "
                "news.shop.example, as DMARC asks."
            ),
        ),
        (
            [_SHOP],
            "relay.test",
            (
                "The signature (d=shop.example) speaks for news.shop.example, as DMARC asks. "
                "This does not: MAIL FROM relay.test."
            ),
        ),
        ([_SHOP], None, "The signature (d=shop.example) speaks for news.shop.example, as DMARC asks."),
        (
            ["relay.test"],
            _SHOP,
            (
                "Only the envelope (shop.example) speaks for news.shop.example, as DMARC asks, and no longer once "
                "mail is forwarded. This does not: d= relay.test."
            ),
        ),
    ],
)
def test_what_is_aligned_is_said(signed: list[str], sent: str | None, message: str) -> None:
    said = _finding(_NEWS, signed, sent, _zone())
    assert (said.severity, said.message) == (Severity.INFO, message)
    assert "From news.shop.example: relaxed=pass strict=pass" in said.evidence


@pytest.mark.parametrize("record", [_RECORD, None])
def test_where_nothing_is_aligned_sending_is_stopped(record: str | None) -> None:
    said = _finding(_SHOP, ["relay.test"], "bounce.relay.test", _zone(record))
    assert (said.severity, said.subject) == (Severity.BLOCK, _SHOP)
    assert said.message == (
        "Nothing in your mail speaks for shop.example as DMARC asks: there is d= relay.test, MAIL FROM "
        "bounce.relay.test. Gmail, Yahoo and Outlook may refuse it."
    )
    assert said.mend == "Sign with d=shop.example, or send with an envelope address at shop.example."


def test_where_only_the_strict_rule_is_in_the_way_it_is_named() -> None:
    said = _finding(_NEWS, [_SHOP], None, _zone(f"{_RECORD}; adkim=s"))
    assert said.severity is Severity.BLOCK
    assert said.mend.startswith("Take adkim=s and aspf=s out of the DMARC record")


def test_without_a_record_the_public_suffix_list_compares_and_says_so() -> None:
    said = _finding(_NEWS, [_SHOP], "shop.test", _zone(None))
    assert said.severity is Severity.INFO
    assert "compared by the public suffix list" in said.evidence
    table = _table(_NEWS, [_SHOP, "other.example"], None, _zone(None))
    assert table.by_list
    assert [row.relaxed for row in table.identifiers] == [True, False]
    # By the tree walk alone a name without a record above it would belong to nobody else.
    assert dmarc.organisational_domain(_NEWS, _zone(None)) == _NEWS


@pytest.mark.parametrize(
    ("signed", "sent", "failing", "severity"),
    [
        ([f"mail.{_SHOP}"], None, f"_dmarc.mail.{_SHOP}", Severity.UNKNOWN),
        ([f"mail.{_SHOP}", _SHOP], None, f"_dmarc.mail.{_SHOP}", Severity.INFO),
        (["relay.test"], f"mail.{_SHOP}", "_dmarc.example", Severity.UNKNOWN),
        ([_SHOP], None, "_dmarc.example", Severity.INFO),
        (["relay.test"], None, "_dmarc.example", Severity.BLOCK),
        ([_SHOP], None, f"_dmarc.other.{_SHOP}", Severity.INFO),
        ([], None, "", Severity.UNKNOWN),
    ],
)
def test_what_is_not_known_is_unknown_unless_the_rest_decides(
    signed: list[str], sent: str | None, failing: str, severity: Severity
) -> None:
    said = _finding(_SHOP, signed, sent, _zone(failing=[failing]))
    assert said.severity is severity
    assert said.message.startswith("Unknown whether mail from shop.example can pass DMARC") is (
        severity is Severity.UNKNOWN
    )


def test_without_an_answer_about_the_record_nothing_is_concluded() -> None:
    said = _finding(_SHOP, [_SHOP], _SHOP, StaticResolver({}, failing=["_dmarc.shop.example"]))
    assert said.severity is Severity.UNKNOWN
    assert said.message == (
        "Unknown whether mail from shop.example can pass DMARC, because _dmarc.shop.example gave no answer: "
        "no answer in time."
    )
