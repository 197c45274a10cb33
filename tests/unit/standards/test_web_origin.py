"""Origins as people paste them and as browsers send them (RFC 6454)."""

from __future__ import annotations

import pytest

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import web_origin


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://cafe.example", "https://cafe.example"),
        ("cafe.example", "https://cafe.example"),
        (" HTTPS://WWW.Cafe.Example/menu?x=1#y ", "https://www.cafe.example"),
        ("https://cafe.example:443/", "https://cafe.example"),
        ("https://cafe.example:8443", "https://cafe.example:8443"),
        ("økologi.example", "https://xn--kologi-9xa.example"),
        ("https://xn--kologi-9xa.example", "https://xn--kologi-9xa.example"),
        # What cannot be seen is left out, as browsers leave it out.
        ("https://\u200bcafe.example", "https://cafe.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.0.0.1:8000/page", "http://127.0.0.1:8000"),
    ],
)
def test_an_address_comes_to_its_origin(typed: str, origin: str) -> None:
    assert web_origin.parse(typed) == origin
    assert web_origin.of(origin) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "", "https://", "cafe", "null", "*", "https://*.cafe.example", "ftp://cafe.example", "javascript:alert(1)",
        "https://user:pass@cafe.example", "https://cafe.example:99999", "https://-cafe.example", "https://cafe..example",
        "https://cafe.example;script-src", "https://cafe.example'", "https://a b.example", "https://[::1]",
        f"https://{'a' * 300}.example",
    ],
)  # fmt: skip
def test_what_is_no_site_is_refused_with_its_words(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        web_origin.parse(typed)
    assert refused.value.code == "no_site"
    assert typed.strip()[:60] in refused.value.message


@pytest.mark.parametrize("typed", ["http://cafe.example", "http://localhost.example", "http://192.0.2.1"])
def test_only_this_machine_may_do_without_tls(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        web_origin.parse(typed)
    assert refused.value.code == "site_not_secure"


@pytest.mark.parametrize("said", ["", "null", "about:blank", "file:///x", "https://", "http://a:b", "data:text/html,x"])
def test_a_browser_that_names_no_page_names_no_origin(said: str) -> None:
    assert web_origin.of(said) is None


def test_a_referer_comes_to_its_origin() -> None:
    assert web_origin.of("https://Cafe.example/a/b?c=d") == "https://cafe.example"
    assert web_origin.of("http://[2001:db8::1]:8080/x") == "http://[2001:db8::1]:8080"
