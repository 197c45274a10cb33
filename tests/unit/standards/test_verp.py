"""Addresses that were wrapped on the way, and are found again inside."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import verp

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LOCALS = st.builds(
    lambda name, tag: f"{name}+{tag}",
    st.text(_LETTERS, min_size=1, max_size=8),
    st.text(f"{_LETTERS}.=-", min_size=1, max_size=40),
)
_DOMAINS = st.sampled_from(["bounce.example.dk", "shop.example", "xn--brd-1na.example"])
_ADDRESSES = st.builds(lambda local, domain: f"{local}@{domain}", _LOCALS, _DOMAINS)
_ONCE: dict[str, Callable[[str], str]] = {
    "srs0": lambda address: verp.srs0(address, "forwarder.example", mark="x1Y2", day="7Q"),
    "srs0-": lambda address: verp.srs0(address, "forwarder.example").replace("SRS0=", "SRS0-", 1),
    "prvs": verp.prvs,
    "msprvs1": lambda address: f"msprvs1=17912W_x4={address}",
    "btv1": lambda address: f"btv1==066a4dde2ae=={address}",
    "path": lambda address: f"<{address}>",
    "quoted": lambda address: '"{}"@{}'.format(*address.rsplit("@", 1)),
    "twice": lambda address: verp.srs1(verp.srs0(address, "first.example"), "second.example", mark="Zz"),
    "of a mailbox": lambda address: "bounces+SRS=44ldt=IX={1}={0}@corp.example".format(*address.rsplit("@", 1)),
}


@given(address=_ADDRESSES, layers=st.lists(st.sampled_from(sorted(set(_ONCE) - {"path"})), max_size=3))
def test_whatever_was_put_around_an_address_comes_off_again(address: str, layers: list[str]) -> None:
    wrapped = address
    for layer in layers:
        wrapped = _ONCE[layer](wrapped)
    assert verp.unwrapped(wrapped) == address
    assert verp.unwrapped(_ONCE["path"](wrapped)) == address


@given(address=_ADDRESSES, layer=st.sampled_from(sorted(_ONCE)))
def test_case_is_no_matter_to_the_wrapper_and_stays_inside(address: str, layer: str) -> None:
    wrapped = _ONCE[layer](address)
    assert verp.unwrapped(wrapped.upper()) == address.upper()
    assert verp.unwrapped(wrapped.lower()) == address.lower()


@pytest.mark.parametrize(
    ("wrapped", "inside"),
    [
        # The usual forms of the programs that write them.
        ("SRS0=HHH=TT=shop.example=ida@forwarder.example", "ida@shop.example"),
        ("SRS0+ab12=cd=shop.example=ida=x@forwarder.example", "ida=x@shop.example"),
        ("SRS1=GGG=first.example==HHH=TT=shop.example=ida@second.example", "ida@shop.example"),
        ("SRS1=GGG=first.example=+HHH=TT=shop.example=ida@second.example", "ida@shop.example"),
        ("prvs=3087cf0d7a=ida@shop.example", "ida@shop.example"),
        ("prvs=ida/3087cf0d7a@shop.example", "ida@shop.example"),
        ("msprvs1=17912W_xxx=bounces-1-2@shop.example", "bounces-1-2@shop.example"),
        ("btv1==066a4dde2ae==ida@shop.example", "ida@shop.example"),
        ("bounces+SRS=44ldt=IX=shop.example=ida@corp.example", "ida@shop.example"),
        ('<"ida\\@home"@shop.example>', "ida@home@shop.example"),
        # What only looks like it.
        ("ida@shop.example", "ida@shop.example"),
        ("srs0@shop.example", "srs0@shop.example"),
        ("SRS0=a=b=shop.example@forwarder.example", "SRS0=a=b=shop.example@forwarder.example"),
        ("prvs=ida@shop.example", "prvs=ida@shop.example"),
        ("SRS0=HHH=TT=shop.example=ida", "SRS0=HHH=TT=shop.example=ida"),
        ("", ""),
    ],
)
def test_the_forms_that_are_seen(wrapped: str, inside: str) -> None:
    assert verp.unwrapped(wrapped) == inside


def test_somebody_at_play_is_not_followed_for_ever() -> None:
    deep = "ida@shop.example"
    for _ in range(20):
        deep = verp.prvs(deep, "1")
    assert verp.unwrapped(deep) == deep[len("prvs=1=") * 8 :]
    long = verp.prvs("x" * verp.LONGEST + "@shop.example")
    assert verp.unwrapped(long) == long


@given(
    st.one_of(
        st.text(max_size=2_000),
        st.text('SRS01=+-@"\\/<>prvsmbt', max_size=200),
        st.binary(max_size=400).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    )
)
def test_no_text_breaks_it_and_what_comes_out_was_in_it(text: str) -> None:
    found = verp.unwrapped(text)
    assert len(found) <= len(text)
    assert set(found) <= set(text)


@given(_ADDRESSES, st.text(f"{_LETTERS}.", min_size=1))
def test_a_plus_address_is_of_the_same_domain(mailbox: str, detail: str) -> None:
    local, domain = mailbox.split("@")
    assert verp.plus(mailbox, detail) == f"{local}+{detail}@{domain}"
