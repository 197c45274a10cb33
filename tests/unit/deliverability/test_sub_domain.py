"""Under which name to send."""

from __future__ import annotations

import pytest

from listkeeper.deliverability import sub_domain
from listkeeper.deliverability.sub_domain import Choice
from listkeeper.standards.dns import StaticResolver

_WORLD = StaticResolver(
    {
        "shop.example": {"MX": ["10 mx.shop.example"]},
        "quiet.example": {"A": ["192.0.2.1"]},
        "null.example": {"MX": ["0 "]},
    },
    failing=["down.example"],
)


@pytest.mark.parametrize(
    ("domain", "organisational", "choice"),
    [
        ("shop.example", "shop.example", Choice.SUB_DOMAIN),
        ("Shop.example", "shop.example", Choice.SUB_DOMAIN),
        ("news.shop.example", "shop.example", Choice.AS_IT_IS),
        ("quiet.example", "quiet.example", Choice.AS_IT_IS),
        ("null.example", "null.example", Choice.AS_IT_IS),
        ("nobody.example", "nobody.example", Choice.AS_IT_IS),
        ("down.example", "down.example", Choice.UNKNOWN),
        ("news.down.example", "down.example", Choice.AS_IT_IS),
    ],
)
def test_a_sub_domain_where_the_domain_has_other_mail(domain: str, organisational: str, choice: Choice) -> None:
    advice = sub_domain.recommend(domain, organisational, _WORLD.query(domain, "MX"))
    assert advice.choice is choice
    assert bool(advice.reasons) is bool(advice.names) is (choice is not Choice.AS_IT_IS)
    assert domain in advice.words


def test_names_are_proposed_that_are_free() -> None:
    mail = _WORLD.query("shop.example", "MX")
    assert sub_domain.recommend("shop.example", "shop.example", mail).names == (
        "news.shop.example",
        "mail.shop.example",
    )
    advice = sub_domain.recommend("shop.example", "shop.example", mail, ["NEWS.shop.example."])
    assert advice.names == ("mail.shop.example",)
    assert advice.words == "Send as a sub-domain, such as mail.shop.example."
    none = sub_domain.recommend("shop.example", "shop.example", mail, ["news.shop.example", "mail.shop.example"])
    assert (none.names, none.words) == ((), "Send as a sub-domain, such as ….shop.example.")


def test_the_reasons_promise_no_trick() -> None:
    reasons = sub_domain.recommend("shop.example", "shop.example", _WORLD.query("shop.example", "MX")).reasons
    assert len(reasons) == 5
    assert any("Gmail adds up what all names under shop.example send" in reason for reason in reasons)
