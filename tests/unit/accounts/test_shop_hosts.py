"""The hosts of a shop: hosts alone, however they are typed; nothing half-saved."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from listkeeper.accounts import shop_hosts
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe


@pytest.fixture
def owner(session: Session) -> Organisation:
    return cafe.found(session).organisation


@pytest.mark.parametrize(
    ("typed", "hosts"),
    [
        ("shop.example", ["shop.example"]),
        ("https://Shop.Example/rolls?a=1\nshop.example, www.shop.example", ["shop.example", "www.shop.example"]),
        ("økologi.example", ["xn--kologi-9xa.example"]),
        ("  ", []),
    ],
)
def test_what_is_typed_becomes_hosts(owner: Organisation, typed: str, hosts: list[str]) -> None:
    shop_hosts.choose(owner, typed, marks=bool(hosts))
    assert (shop_hosts.of(owner), owner.marks_shop_links) == (hosts, bool(hosts))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("shop", "no_site"),
        ("javascript:alert(1)", "no_site"),
        ("http://shop.example", "site_not_secure"),
        ("https://user:pass@shop.example", "no_site"),
        ("shop\x00.example", "no_site"),
        ("", "no_shop_host"),
        (" ".join(f"s{number}.example" for number in range(21)), "too_many_hosts"),
    ],
)
def test_what_is_no_host_is_refused_and_changes_nothing(owner: Organisation, typed: str, code: str) -> None:
    shop_hosts.choose(owner, "shop.example", marks=True)
    with pytest.raises(Invalid) as refused:
        shop_hosts.choose(owner, typed, marks=True)
    assert refused.value.code == code
    assert (shop_hosts.of(owner), owner.marks_shop_links) == (["shop.example"], True)
