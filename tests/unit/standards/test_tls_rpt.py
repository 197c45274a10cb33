"""TLS-RPT records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import tls_rpt
from listkeeper.standards.tls_rpt import Bad, Record


@pytest.mark.parametrize(
    ("text", "rua"),
    [
        ("v=TLSRPTv1;rua=mailto:reports@shop.example", ("mailto:reports@shop.example",)),
        (
            "v=TLSRPTv1; rua=mailto:a@shop.example , https://reports.example/tls?x=1; ext=1;",
            ("mailto:a@shop.example", "https://reports.example/tls?x=1"),
        ),
    ],
)
def test_reads_a_record(text: str, rua: tuple[str, ...]) -> None:
    assert tls_rpt.record(["something else", text]) == Record(text, rua)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v=TLSRPTv2; rua=mailto:a@shop.example", "it must begin with v=TLSRPTv1;"),
        ("v=TLSRPTv1", "rua= must say where reports go to"),
        ("v=TLSRPTv1; rua=", "rua= must say where reports go to"),
        ("v=TLSRPTv1; rua=a@shop.example", "“a@shop.example” in rua= is neither a mailto: nor an https: address"),
        ("v=TLSRPTv1; rua=mailto:", "“mailto:” in rua= is neither a mailto: nor an https: address"),
        ("v=TLSRPTv1; rua=mailto:a@b.example,", "“” in rua= is neither a mailto: nor an https: address"),
        ("v=TLSRPTv1; rua=http://x.example/", "“http://x.example/” in rua= is neither a mailto: nor an https: address"),
        (
            "v=TLSRPTv1; rua=mailto:a@b.example!9m",
            "“mailto:a@b.example!9m” in rua= is neither a mailto: nor an https: address",
        ),
        ("v=TLSRPTv1; rua=https://[x/", "“https://[x/” in rua= is neither a mailto: nor an https: address"),
        (
            "v=TLSRPTv1; rua=mailto:ø@x.example",
            "“mailto:\\xf8@x.example” in rua= is neither a mailto: nor an https: address",
        ),
    ],
)
def test_says_what_is_wrong(text: str, reason: str) -> None:
    assert tls_rpt.parse(text) == Bad(reason)


def test_there_is_one_record_or_none_counts() -> None:
    one = "v=TLSRPTv1; rua=mailto:a@shop.example"
    assert tls_rpt.record(["v=TLSRPTv11; rua=mailto:a@shop.example"]) is None
    assert tls_rpt.record([one, one]) == Bad("there are 2 such records, and then none of them counts")
    assert tls_rpt.record_name("shop.example") == "_smtp._tls.shop.example"


@given(st.text(max_size=100))
def test_any_text_is_a_record_or_a_reason(text: str) -> None:
    for whole in (text, f"v=TLSRPTv1;{text}", f"v=TLSRPTv1; rua={text}", f"v=TLSRPTv1; rua=https://{text}"):
        match tls_rpt.parse(whole):
            case Record(_, rua):
                assert rua
                assert all(address.lower().startswith(("mailto:", "https:")) for address in rua)
            case Bad(reason):
                assert reason
