"""Addresses that may stand on a page for strangers, and the many that may not."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import web_address


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://Shop.Example/Menu?x=1#top", "https://shop.example/Menu?x=1#top"),
        ("https://økologi.dk/brød", "https://xn--kologi-9xa.dk/br%C3%B8d"),
        ("https://shop.example:443/a", "https://shop.example/a"),
        ("https://shop.example:8443/a%20b", "https://shop.example:8443/a%20b"),
        ("https://www.tiktok.com/@cafe", "https://www.tiktok.com/@cafe"),
    ],
)
def test_a_whole_encrypted_address_is_taken(typed: str, asked: str) -> None:
    assert web_address.https(typed) == asked


@pytest.mark.parametrize(
    "typed",
    [
        "", "shop.example", "http://shop.example", "//evil.example", "/thanks", "javascript:alert(1)",
        "https:shop.example", "https://", "https:///x", "https://localhost/x", "https://127.0.0.1/x", "https://[::1]/x",
        "https://0x7f.1/", "https://shop.example@evil.example/", "https://user:secret@shop.example/",
        "https://shop.example\\@evil.example", "https://shop.example/ x", "https://shop.example\n.evil.example",
        "https://shop.example\t", "https://shop.example/<script>", 'https://shop.example/"x', "https://shop.example:x/",
        "https://shop.example:99999/", "https://-a-.example", "HTTPS://", "data:text/html,x", "ftp://shop.example/",
        "https://shop.example/" + 500 * "a", "https://shop..example/",
    ],
)  # fmt: skip
def test_everything_else_is_refused(typed: str) -> None:
    assert web_address.https(typed) is None


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda tail: f"https://shop.example{tail}"))
def test_what_is_taken_is_what_every_reader_of_addresses_reads(typed: str) -> None:
    taken = web_address.https(typed)
    if taken is None:
        return
    parts = urlsplit(taken)
    assert (parts.scheme, parts.username, parts.password) == ("https", None, None)
    assert "." in (parts.hostname or "")
    assert taken.isascii()
    assert not set(taken) & set(" \\<>\"'`\t\r\n")
    assert web_address.https(taken) == taken


def test_a_host_is_shown_as_people_read_it() -> None:
    assert web_address.host_of("https://www.xn--kologi-9xa.dk/br") == "økologi.dk"
