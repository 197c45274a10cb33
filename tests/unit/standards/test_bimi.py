"""BIMI records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import bimi
from listkeeper.standards.bimi import Bad, Declined, Record

_LOGO = "https://shop.example/logo.svg"


@pytest.mark.parametrize(
    ("text", "logo", "evidence"),
    [
        (f"v=BIMI1; l={_LOGO}", _LOGO, ""),
        (f"v=BIMI1;l={_LOGO};a=;", _LOGO, ""),
        (f"v=BIMI1; a=https://ca.example/shop.pem; l={_LOGO}; avp=brand", _LOGO, "https://ca.example/shop.pem"),
        ("v=BIMI1; l=https://shop.example/LOGO.SVGZ?x=1", "https://shop.example/LOGO.SVGZ?x=1", ""),
    ],
)
def test_reads_a_record(text: str, logo: str, evidence: str) -> None:
    assert bimi.record(["other", text]) == Record(text, logo, evidence)


@pytest.mark.parametrize("text", ["v=BIMI1; l=; a=;", "v=BIMI1;l=", "v=BIMI1; l= ; a= ; avp=brand"])
def test_reads_a_record_that_declines(text: str) -> None:
    assert bimi.record([text]) == Declined(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v=bimi1; l=", "it must begin with v=BIMI1;"),
        (f"l={_LOGO}; v=BIMI1", "it must begin with v=BIMI1;"),
        ("v=BIMI1", "it has no l= with the address of the logo"),
        ("v=BIMI1; a=https://ca.example/x.pem", "it has no l= with the address of the logo"),
        ("v=BIMI1; l=; a=https://ca.example/x.pem", "a= names a certificate and l= no logo"),
        ("v=BIMI1; l=http://shop.example/logo.svg", "“http://shop.example/logo.svg” is no https: address"),
        ("v=BIMI1; l=https:///logo.svg", "“https:///logo.svg” is no https: address"),
        ("v=BIMI1; l=https://[x/logo.svg", "“https://[x/logo.svg” is no https: address"),
        (f"v=BIMI1; l={_LOGO}; a=self", "“self” is no https: address"),
        (f"v=BIMI1; l={_LOGO},{_LOGO}", f"“{_LOGO},{_LOGO}” is no https: address"),
        (
            "v=BIMI1; l=https://shop.example/logo.png",
            "the logo must be an SVG picture, with an address that ends in .svg",
        ),
    ],
)
def test_says_what_is_wrong(text: str, reason: str) -> None:
    assert bimi.parse(text) == Bad(reason)


def test_there_is_one_record_or_none_counts() -> None:
    assert bimi.record(["v=BIMI10; l="]) is None
    assert bimi.record(["v=BIMI1; l="] * 2) == Bad("there are 2 such records, and then none of them counts")
    assert bimi.record_name("shop.example") == "default._bimi.shop.example"
    assert bimi.record_name("shop.example", "xmas") == "xmas._bimi.shop.example"


@given(st.text(max_size=100))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for whole in (text, f"v=BIMI1;{text}", f"v=BIMI1; l={text}", f"v=BIMI1; l=https://{text}.svg"):
        match bimi.parse(whole):
            case Record(_, logo, evidence):
                assert logo.lower().startswith("https://")
                assert evidence == "" or evidence.lower().startswith("https://")
            case Bad(reason):
                assert reason
            case Declined(declined):
                assert "https" not in declined.partition("l=")[2].partition(";")[0]
