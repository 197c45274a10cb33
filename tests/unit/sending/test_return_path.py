"""The addresses of our own to which what cannot be delivered comes back: found again, and not to be made by others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation import keys
from listkeeper.sending import return_path
from listkeeper.sending.return_path import Purpose, Token
from listkeeper.standards import address, list_headers, verp

Made = tuple[Callable[[str, int], str], Purpose]

_LONGEST_ID = 2**63 - 1
_IDS = st.integers(0, _LONGEST_ID)
_MADE: st.SearchStrategy[Made] = st.sampled_from(
    [(return_path.of_delivery, "bounce"), (return_path.leaving, "unsubscribe")]
)
_PATTERNS = st.sampled_from([
    "bounce.example.dk", "bounces@example.dk", "Post.Master@example.dk", "b@example.dk", "u@example.dk",
    "u+x@example.dk", "a" * 31 + "@example.dk",
])  # fmt: skip
_OTHER: dict[Purpose, tuple[Purpose, str]] = {"bounce": ("unsubscribe", "u"), "unsubscribe": ("bounce", "b")}
_ODD = "ſKIİ\N{FULLWIDTH LATIN SMALL LETTER A}\N{ARABIC-INDIC DIGIT ONE}"


@pytest.fixture(scope="module", autouse=True)
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("return-path") / "keys"
    keys.open_folder(folder)
    yield folder
    keys.open_folder(folder)


def test_they_look_as_they_are_written_down() -> None:
    assert re.fullmatch(r"b\+21i3v9\.[a-z2-7]{16}@bounce\.example\.dk", _of(123456789))
    assert re.fullmatch(r"u\+0\.[a-z2-7]{16}@bounce\.example\.dk", return_path.leaving("bounce.example.dk", 0))
    mailbox = "bounces@example.dk"
    assert re.fullmatch(r"bounces\+z\.[a-z2-7]{16}@example\.dk", return_path.of_delivery(mailbox, 35))
    assert re.fullmatch(r"bounces\+u\.10\.[a-z2-7]{16}@example\.dk", return_path.leaving(mailbox, 36))


def _of(number: int) -> str:
    return return_path.of_delivery("bounce.example.dk", number)


@given(pattern=_PATTERNS, made=_MADE, number=_IDS)
def test_every_number_is_found_again_in_an_address_that_is_one(pattern: str, made: Made, number: int) -> None:
    make, purpose = made
    text = make(pattern, number)
    local = text.rpartition("@")[0]
    assert address.parse(text).send == text
    assert len(local) <= verp.LONGEST_LOCAL
    found = Token(purpose, number)
    assert return_path.delivery_of(text) == return_path.delivery_of(local) == found
    for changed in (text.upper(), text.lower(), text.swapcase(), f"<{text}>"):
        assert return_path.delivery_of(changed) == found


@given(pattern=_PATTERNS, made=_MADE, number=_IDS)
def test_it_is_found_in_what_others_wrap_it_in(pattern: str, made: Made, number: int) -> None:
    make, purpose = made
    text = make(pattern, number)
    once = verp.srs0(text, "forwarder.example")
    wrapped = [
        once, once.upper(), verp.srs1(once, "second.example"), verp.prvs(text), verp.prvs(once),
        verp.srs0(verp.prvs(text), "forwarder.example").lower(), f"msprvs1=17x={text}",
        # Wrappers that nobody here has heard of.
        f"fwd=ab12={text}", text.replace("@", "=") + "@lists.example",
    ]  # fmt: skip
    assert {return_path.delivery_of(one) for one in wrapped} == {Token(purpose, number)}


@given(made=_MADE, number=_IDS, data=st.data())
def test_one_changed_character_never_verifies(made: Made, number: int, data: st.DataObject) -> None:
    text = made[0]("bounce.example.dk", number)
    local = text.rpartition("@")[0]
    at = data.draw(st.integers(2, len(local) - 1))
    other = data.draw(st.one_of(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789.+=-" + _ODD), st.characters()))
    if other.isascii() and other.lower() == local[at]:
        return
    found = return_path.delivery_of(f"{local[:at]}{other}{local[at + 1 :]}@bounce.example.dk")
    assert found is None or found.delivery_id is None


@given(made=_MADE, number=_IDS)
def test_a_proof_is_for_its_own_purpose_and_its_number_has_one_form(made: Made, number: int) -> None:
    make, purpose = made
    local = make("bounce.example.dk", number).rpartition("@")[0]
    other, name = _OTHER[purpose]
    assert return_path.delivery_of(f"{name}{local[1:]}@bounce.example.dk") == Token(other, None)
    digits = local[2:].partition(".")[0]
    if number and len(digits) < 13:
        assert return_path.delivery_of(local.replace("+", "+0", 1)) == Token(purpose, None)


def test_a_forged_one_is_told_from_none() -> None:
    assert return_path.delivery_of("b+21i3v9.aaaaaaaaaaaaaaaa@bounce.example.dk") == Token("bounce", None)
    assert return_path.delivery_of("bounces+u.1.aaaaaaaaaaaaaaaa@example.dk") == Token("unsubscribe", None)
    for text in ("", "ida@shop.example", "b+1@bounce.example.dk", "b+news.letter@shop.example", "+1.aaaaaaaaaaaaaaaa"):
        assert return_path.delivery_of(text) is None


@given(st.one_of(st.text(max_size=300), st.text("bu+.=a1@\n", max_size=80), st.just("b+" * 100_000)))
def test_no_text_breaks_it_and_none_is_proved(text: str) -> None:
    found = return_path.delivery_of(text)
    assert found is None or found.delivery_id is None


def test_the_newest_key_makes_and_every_key_reads(tmp_path: Path) -> None:
    keys.open_folder(tmp_path / "keys")
    old = _of(7)
    keys.add(tmp_path / "keys")
    keys.open_folder(tmp_path / "keys")
    new = _of(7)
    assert old != new
    assert return_path.delivery_of(old) == return_path.delivery_of(new) == Token("bounce", 7)
    keys.open_folder(tmp_path / "others")
    assert return_path.delivery_of(old) == return_path.delivery_of(new) == Token("bounce", None)


@given(pattern=_PATTERNS, number=_IDS)
def test_the_way_out_needs_no_escapes_in_a_header(pattern: str, number: int) -> None:
    leaving = return_path.leaving(pattern, number)
    name, value = list_headers.list_unsubscribe(
        "https://mail.example.dk/u/abc", f"mailto:{leaving}?subject=unsubscribe"
    )
    assert (name, value) == (
        "List-Unsubscribe", f"<https://mail.example.dk/u/abc>, <mailto:{leaving}?subject=unsubscribe>",
    )  # fmt: skip


# The setting


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (None, None),
        ("bounce.example.dk", "bounce.example.dk"),
        (" Bounce.Example.DK. ", "bounce.example.dk"),
        ("bøger.example", "xn--bger-gra.example"),
        ("bounces@Example.dk", "bounces@example.dk"),
        ("bounces+own@example.dk", "bounces+own@example.dk"),
        ("a" * 31 + "@example.dk", "a" * 31 + "@example.dk"),
    ],
)
def test_the_setting_has_one_form(typed: str | None, kept: str | None) -> None:
    assert return_path.known(typed) == kept


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "neither a domain"),
        ("bounce", "neither a domain"),
        ("bounce example.dk", "neither a domain"),
        ("@example.dk", "neither a domain"),
        ("a@b@example.dk", "neither a domain"),
        ("bøger@example.dk", "other signs"),
        ("a=b@example.dk", "other signs"),
        ("a/b@example.dk", "other signs"),
        ("o'hara@example.dk", "other signs"),
        ("a" * 32 + "@example.dk", "too long"),
        (".".join(["a" * 60] * 4), "too long"),
    ],
)
def test_a_setting_that_cannot_be_one_is_refused_in_words(typed: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        return_path.known(typed)
