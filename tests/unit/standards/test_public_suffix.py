"""The public suffix list: what it answers beyond its own tests, and that it is read late."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import public_suffix


@pytest.mark.parametrize(
    ("domain", "registrable", "is_suffix"),
    [
        ("news.shop.example", "shop.example", False),
        ("shop.example", "shop.example", False),
        ("example", None, True),
        ("com", None, True),
        ("COM", None, True),
        ("co.uk", None, True),
        ("co.uk.", None, True),
        ("shop.example.", "shop.example", False),
        ("Shop.Co.UK", "shop.co.uk", False),
        ("xn--fiqs8s", None, True),
        ("", None, False),
        ("a..b", None, False),
        (".com", None, False),
    ],
)
def test_what_is_registered_and_what_is_a_suffix(domain: str, registrable: str | None, is_suffix: bool) -> None:
    assert public_suffix.registrable(domain) == registrable
    assert public_suffix.is_suffix(domain) is is_suffix


@given(st.one_of(st.text(), st.lists(st.text("abcåß-.", min_size=1), max_size=5).map(".".join)))
def test_a_registrable_domain_ends_the_name_and_stands_one_label_below_a_suffix(domain: str) -> None:
    found = public_suffix.registrable(domain)
    if found is None:
        return
    assert f".{domain.lower().removesuffix('.')}".endswith(f".{found}")
    assert public_suffix.is_suffix(found.partition(".")[2])
    assert not public_suffix.is_suffix(found)
    assert public_suffix.registrable(found) == found


def test_the_list_is_read_with_the_first_question_and_not_before() -> None:
    code = (
        "from listkeeper.standards import public_suffix as p\n"
        "before = p._published.cache_info().currsize\n"
        "p.registrable('a.com')\n"
        "print(before, p._published.cache_info().currsize)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["0", "1"]
