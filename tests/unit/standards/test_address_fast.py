"""The quick reading of plain addresses says what the full one says, on every corpus and on made-up text."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis.strategies as st
from hypothesis import example, given

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address, address_fast
from listkeeper.standards.address import Address
from tests.fakes.corpora import Corpora

_LOCAL = "abcXYZ019.-_+!#$%&'*/=?^`{|}~@ \"(é"
_DOMAIN = "abXZ01-."


def _full(text: str) -> Address | str:
    try:
        return address.parse(text)
    except Invalid as problem:
        return problem.code


def _agrees(text: str) -> bool:
    """Whether the quick reading took it; what it takes, the full one takes alike."""
    quick = address_fast.plain(text)
    if quick is not None:
        assert quick == _full(text), text
    return quick is not None


def test_on_the_corpora(corpora: Corpora, summarise: Callable[[str], None]) -> None:
    lines = [
        line
        for name in ("addresses_flanker", "email_isemail", "disposable")
        for file in sorted((corpora / name).iterdir())
        for line in file.read_bytes().decode("utf-8", "replace").replace("<address>", "\n").split("\n")
    ]
    texts = [text for line in lines for text in (line, line.partition("<")[0], f"Ane.Dam+x@{line}")]
    taken = sum(_agrees(text) for text in texts)
    summarise(f"address_fast: {taken} of {len(texts)} corpus texts read quickly, all as in full")
    assert taken > 8_000


@given(
    st.text(_LOCAL, min_size=1, max_size=70), st.text(_DOMAIN, min_size=1, max_size=70), st.sampled_from(["com", "dk", "c0m", "xn--p1ai", "test", "LOCAL", "", "x"])  # noqa: E501
)  # fmt: skip
@example("a", "b" * 63, "com")
@example("a" * 64, "b", "com")
@example("a" * 65, "b", "com")
@example("a", "xn--80ak6aa92e", "com")
def test_on_made_up_text(local: str, domain: str, top: str) -> None:
    _agrees(f"{local}@{domain}.{top}")


def test_the_usual_address_takes_the_quick_way_and_the_others_the_full_one() -> None:
    assert address_fast.plain("Freja.Holm+news@Shop.Example.DK") == address.parse("Freja.Holm+news@Shop.Example.DK")
    assert address_fast.plain("freja@økologi.dk") is None
    assert address_fast.parse("freja@økologi.dk") == address.parse("freja@økologi.dk")
