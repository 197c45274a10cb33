"""MTA-STS records and policies: right ones, each way to be wrong in words, and any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import mta_sts
from listkeeper.standards.mta_sts import Bad, Mode, Policy, Record

_POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mail.shop.example\r\nmx: *.shop.example\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("v=STSv1; id=20261123T081500Z;", "20261123T081500Z"),
        ("v=STSv1;id=1", "1"),
        ("v=STSv1 ; id = 1 ; x-more=a:b", "1"),
        ("v=STSv1; id=1; id=2", "1"),
    ],
)
def test_reads_a_record(text: str, identity: str) -> None:
    assert mta_sts.record(["v=spf1 -all", text]) == Record(text, identity)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id=1; v=STSv1", "it must begin with v=STSv1;"),
        ("v=stsv1; id=1", "it must begin with v=STSv1;"),
        ("v=STSv1", "id= must be there, with 1 to 32 letters and digits"),
        ("v=STSv1; id=", "id= must be there, with 1 to 32 letters and digits"),
        ("v=STSv1; id=a-b", "id= must be there, with 1 to 32 letters and digits"),
        (f"v=STSv1; id={'a' * 33}", "id= must be there, with 1 to 32 letters and digits"),
        ("v=STSv1; id=1; rubbish", "rubbish is not of the form tag=value"),
    ],
)
def test_says_what_is_wrong_with_a_record(text: str, reason: str) -> None:
    assert mta_sts.parse_record(text) == Bad(reason)


def test_there_is_one_record_or_none_counts() -> None:
    assert mta_sts.record(["v=STSv10; id=1", "other"]) is None
    two = mta_sts.record(["v=STSv1; id=1", "v=STSv1; id=2"])
    assert two == Bad("there are 2 such records, and then none of them counts")


def test_reads_a_policy_with_either_line_end() -> None:
    expected = Policy(Mode.ENFORCE, ("mail.shop.example", "*.shop.example"), 604_800)
    assert mta_sts.parse_policy(_POLICY) == expected
    assert mta_sts.parse_policy(_POLICY.replace(b"\r\n", b"\n")) == expected
    assert (
        mta_sts.parse_policy(_POLICY.replace(b": ", b":   ").replace(b"\r", b" \t\r") + b"more: things\n") == expected
    )
    assert mta_sts.parse_policy(_POLICY + b"mode: none\nmax_age: 1\n") == expected
    assert mta_sts.parse_policy(b"version: STSv1\nmode: none\nmax_age: 0") == Policy(Mode.NONE, (), 0)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"version: STSv1\r\n", b"", "it does not say version: STSv1"),
        (b"STSv1", b"STSv2", "it does not say version: STSv1"),
        (b"enforce", b"Enforce", "mode must be enforce, testing or none"),
        (b"604800", b"31557601", "max_age must be a number up to 31557600 (one year in seconds)"),
        (b"604800", b"-1", "max_age must be a number up to 31557600 (one year in seconds)"),
        (b"604800", b"\xd9\xa3", "max_age must be a number up to 31557600 (one year in seconds)"),
        (b"*.shop", b"a.*.shop", "“a.*.shop.example” is no host name"),
        (b"*.shop.example", b"", "“” is no host name"),
        (
            b"mx: mail.shop.example\r\nmx: *.shop.example\r\n",
            b"",
            "it must name the hosts that take mail, each on a line mx: host",
        ),
        (b"mode: ", b"mode ", "the line “mode enforce” is not of the form name: value"),
        (b"mail", b"\xff", "the file is not plain text"),
        (b"mail", b"m" * 65_536, "the file is larger than 64 kB"),
    ],
)
def test_says_what_is_wrong_with_a_policy(old: bytes, new: bytes, reason: str) -> None:
    assert old in _POLICY
    assert mta_sts.parse_policy(_POLICY.replace(old, new)) == Bad(reason)


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("mail.shop.example", "MAIL.shop.example.", True),
        ("mail.shop.example", "a.mail.shop.example", False),
        ("*.shop.example", "mail.Shop.example", True),
        ("*.shop.example", "a.mail.shop.example", False),
        ("*.shop.example", "shop.example", False),
        ("*.shop.example", ".shop.example", False),
        ("*.shop.example", "mailshop.example", False),
        ("", "", False),
    ],
)
def test_a_star_stands_for_one_label(pattern: str, host: str, fits: bool) -> None:
    assert mta_sts.matches(pattern, host) is fits


_LABELS = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)
_HOSTS = st.lists(_LABELS, min_size=2, max_size=4).map(".".join)


@given(
    st.sampled_from(list(Mode)),
    st.lists(st.tuples(_HOSTS, st.booleans()), min_size=1, max_size=5),
    st.integers(0, 31_557_600),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_policy_is_read_back_and_covers_its_hosts(
    mode: Mode, hosts: list[tuple[str, bool]], life: int, end: str
) -> None:
    patterns = [f"*.{host}" if wild else host for host, wild in hosts]
    lines = ["version: STSv1", f"mode: {mode.value}", *(f"mx: {one}" for one in patterns), f"max_age: {life}"]
    policy = mta_sts.parse_policy(end.join(lines).encode())
    assert policy == Policy(mode, tuple(patterns), life)
    for host, wild in hosts:
        assert policy.covers(f"any.{host}" if wild else host)
        assert not policy.covers(f"one.two.three.four.five.{host}")


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_policy_or_a_reason(raw: bytes, inside: bool) -> None:
    match mta_sts.parse_policy(_POLICY + raw if inside else raw):
        case Policy(mode, mx, life):
            assert 0 <= life <= 31_557_600
            assert mx or mode is Mode.NONE
        case Bad(reason):
            assert reason


@given(st.text(max_size=100))
def test_any_text_is_a_record_or_a_reason(text: str) -> None:
    for whole in (text, f"v=STSv1;{text}"):
        match mta_sts.parse_record(whole):
            case Record(_, identity):
                assert identity.isascii()
                assert identity.isalnum()
            case Bad(reason):
                assert reason


def test_names_and_addresses() -> None:
    assert mta_sts.record_name("shop.example") == "_mta-sts.shop.example"
    assert mta_sts.policy_url("shop.example") == "https://mta-sts.shop.example/.well-known/mta-sts.txt"
