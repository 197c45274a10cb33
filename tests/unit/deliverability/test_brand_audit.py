"""The logo of a domain."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from listkeeper.deliverability import brand_audit
from listkeeper.deliverability.finding import Severity
from listkeeper.standards.dns import StaticResolver

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_NAME = "default._bimi.shop.example"
_LOGO = "v=BIMI1; l=https://shop.example/logo.svg"


@pytest.mark.parametrize(
    ("texts", "enforced", "code", "words"),
    [
        ([], None, "B1", "publishes no logo"),
        (["v=spf1 -all"], None, "B1", "publishes no logo"),
        (["v=BIMI1; l=; a=;"], True, "B1", "wants no logo"),
        (["v=BIMI1"], True, "B1a", "it has no l="),
        ([_LOGO, _LOGO], True, "B1a", "none of them counts"),
        ([_LOGO], None, "B1", "without a certificate"),
        ([_LOGO], True, "B1", "without a certificate"),
        ([_LOGO], False, "B1b", "neither quarantine nor reject"),
        ([f"{_LOGO}; a=https://ca.example/a.pem"], True, "B1", "its certificate at https://ca.example/a.pem"),
    ],
)
def test_says_what_is_published(texts: list[str], enforced: bool | None, code: str, words: str) -> None:
    [found] = brand_audit.audit("shop.example", StaticResolver({_NAME: {"TXT": texts}}), _NOW, enforced=enforced)
    assert (found.code, found.severity, found.subject) == (code, Severity.INFO, _NAME)
    assert words in found.message
    assert "asked zone at 2026-11-23T08:00:00.000Z" in found.evidence
    assert bool(found.mend) is (code == "B1a")


def test_a_silent_dns_is_unknown() -> None:
    [found] = brand_audit.audit("shop.example", StaticResolver({}, failing=[_NAME]), _NOW)
    assert (found.code, found.severity) == ("B1", Severity.UNKNOWN)
    assert "no answer in time" in found.message
