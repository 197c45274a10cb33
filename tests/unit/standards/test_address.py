"""Addresses: what is taken, how it is written, when two are one person's, and what is said of a slip."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address, address_typo


@pytest.mark.parametrize(
    ("typed", "send", "key", "canon"),
    [
        ("ane@shop.example", "ane@shop.example", "ane@shop.example", "ane@shop.example"),
        ("  Ane@Shop.EXAMPLE ", "Ane@shop.example", "ane@shop.example", "ane@shop.example"),
        ("A.Ne+x@GMail.com", "A.Ne+x@gmail.com", "a.ne+x@gmail.com", "ane@gmail.com"),
        ("ane+x@googlemail.com", "ane+x@googlemail.com", "ane+x@googlemail.com", "ane@gmail.com"),
        ("ane.b+x@outlook.dk", "ane.b+x@outlook.dk", "ane.b+x@outlook.dk", "ane.b@outlook.dk"),
        ("ane-x@yahoo.co.uk", "ane-x@yahoo.co.uk", "ane-x@yahoo.co.uk", "ane@yahoo.co.uk"),
        ("+x@gmail.com", "+x@gmail.com", "+x@gmail.com", "+x@gmail.com"),
        ("ane+x@shop.example", "ane+x@shop.example", "ane+x@shop.example", "ane+x@shop.example"),
        ("ane@økologi.dk", "ane@xn--kologi-9xa.dk", "ane@xn--kologi-9xa.dk", "ane@xn--kologi-9xa.dk"),
        ("ane@shop.test", "ane@shop.test", "ane@shop.test", "ane@shop.test"),
    ],
)
def test_the_forms_of_an_address(typed: str, send: str, key: str, canon: str) -> None:
    read = address.parse(typed)
    assert (read.input, read.send, read.key, read.canon) == (typed, send, key, canon)
    assert read.domain == send.partition("@")[2]
    assert read.needs_smtputf8 is False


def test_letters_that_fold_into_others_stay_other_mailboxes() -> None:
    assert address.parse("ſam@shop.example").key != address.parse("sam@shop.example").key
    assert address.parse("ßa@shop.example").key != address.parse("ssa@shop.example").key
    # The Kelvin sign is canonically the letter K (NFC): mail goes to the mailbox the key names.
    assert address.parse("\u212aai@shop.example").send == "Kai@shop.example"
    assert address.parse("a@faß.de").domain == "xn--fa-hia.de"
    assert address.parse("a@fass.de").domain == "fass.de"


def test_the_local_part_is_composed_and_keeps_its_case() -> None:
    decomposed = address.parse("A\u030ase@shop.example")
    assert decomposed.send == "Åse@shop.example"
    assert decomposed.key == "Åse@shop.example"
    assert decomposed.needs_smtputf8 is True


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "address_missing"),
        ("   ", "address_missing"),
        ("ane@shop.example\r\nBcc: x@y.example", "address_control"),
        ("ane@shop.example\n", "address_control"),
        ("an\x00e@shop.example", "address_control"),
        ("ane\u2028@shop.example", "address_control"),
        ("ane@shop.example,bo@shop.example", "address_several"),
        ("ane@shop.example; bo@shop.example", "address_several"),
        ("ane@bo@shop.example", "address_several"),
        ("<ane@shop.example>", "address_brackets"),
        ("Ane <ane@shop.example>", "address_brackets"),
        ("ane.shop.example", "address_no_at"),
        ("ane holm@shop.example", "address_space"),
        ("@shop.example", "address_incomplete"),
        ("ane@", "address_incomplete"),
        ("a" * 65 + "@shop.example", "address_too_long"),
        ("å" * 33 + "@shop.example", "address_too_long"),
        ("a" * 10_240 + "@shop.example", "address_too_long"),
        ("a@" + "b" * 10_240 + ".example", "address_too_long"),
        ("a@" + ".".join(["b" * 60] * 5) + ".example", "address_domain"),
        ("ane@shop", "address_domain"),
        ("ane@test", "address_domain"),
        ("ane@shop..example", "address_domain"),
        ("ane@-shop.example", "address_domain"),
        ("ane@192.0.2.1", "address_domain"),
        ("ane@[192.0.2.1]", "address_domain"),
        ("ane..b@shop.example", "address_local"),
        (".ane@shop.example", "address_local"),
        ('"ane"@shop.example', "address_local"),
        ("ane\u200b@shop.example", "address_local"),
        ("ane\u202e@shop.example", "address_local"),
    ],
)
def test_what_is_refused_and_with_which_code(typed: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        address.parse(typed)
    assert refused.value.code == code
    assert refused.value.message.endswith(".")


def test_ten_kilobytes_are_refused_at_once() -> None:
    began = time.perf_counter()
    for typed in ("a@" * 5120, "ä" * 10_240 + "@x.example", "a@" + "xn--" * 2560):
        with pytest.raises(Invalid):
            address.parse(typed)
    assert time.perf_counter() - began < 2


@given(st.text())
def test_any_text_is_an_address_or_invalid(typed: str) -> None:
    for text in (typed, f"{typed}@shop.example", f"ane@{typed}"):
        try:
            read = address.parse(text)
        except Invalid:
            continue
        assert not set(read.send) & set("\r\n\0, ;<>")
        assert address.parse(read.send).key == read.key
        assert read.domain.isascii()


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("shop.example", "shop.example"),
        (" Shop.Example. ", "shop.example"),
        ("https://www.shop.example/menu?x=1", "shop.example"),
        ("www.shop.example", "www.shop.example"),
        ("hello@shop.example", "shop.example"),
        ("økologi.dk", "xn--kologi-9xa.dk"),
    ],
)
def test_a_domain_is_read_from_what_people_paste(typed: str, domain: str) -> None:
    assert address.domain_name(typed) == domain


@pytest.mark.parametrize(
    "typed", ["", "shop", "shop..example", "a b.example", "http://[::1", "[192.0.2.1]", "192.0.2.1", "_a.example"]
)
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        address.domain_name(typed)
    assert refused.value.code == "domain"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ane@gmial.com", "ane@gmail.com"),
        ("ane@gmail.con", "ane@gmail.com"),
        ("ane@gmail", "ane@gmail.com"),
        ("ane@gmail.dk", "ane@gmail.com"),
        ("Ane@HOTMIAL.COM", "Ane@hotmail.com"),
        ("ane@hotmail.co", "ane@hotmail.com"),
        ("ane@outlok.dk", "ane@outlook.dk"),
        ("ane@yaho.dk", "ane@yahoo.dk"),
        ("ane@yandx.ru", "ane@yandex.ru"),
        ("ane@gmail.com", None),
        ("ane@hotmail.fr", None),
        ("ane@yahoo.co.jp", None),
        ("ane@mail.com", None),
        ("ane@ymail.com", None),
        ("ane@web.dk", None),
        ("ane@love.com", None),
        ("ane@shop.example", None),
        ("gmial.com", None),
        ("ane@", None),
        ("", None),
    ],
)
def test_a_slip_in_a_big_providers_name_gets_a_hint(typed: str, meant: str | None) -> None:
    assert address.suggest(typed) == meant


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("gmail", "gmail", 0),
        ("gmial", "gmail", 1),
        ("gmai", "gmail", 1),
        ("ggmail", "gmail", 1),
        ("", "abc", 3),
        ("ca", "abc", 3),
    ],
)
def test_a_swap_of_neighbours_is_one_slip(one: str, other: str, slips: int) -> None:
    assert address_typo.distance(one, other) == slips
    assert address_typo.distance(other, one) == slips


def test_a_masked_address_is_known_to_its_owner_alone() -> None:
    assert address.mask("ane.holm@shop.example") == "a***@shop.example"
    assert address.mask("no address") == "***"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("bo@xn--kologi-9xa.dk", "bo@økologi.dk"),
        ("bo@mail.xn--80a1acny.xn--p1ai", "bo@mail.почта.рф"),
        ("jörg@xn--mller-kva.de", "jörg@müller.de"),
        ("bo@shop.example", "bo@shop.example"),
        # What is no label of IDNA is shown as it is, and breaks nothing.
        ("bo@xn--.example", "bo@xn--.example"),
        ("xn--bo@shop.example", "xn--bo@shop.example"),
    ],
)
def test_people_read_a_domain_in_its_own_letters(sent: str, read: str) -> None:
    assert address.shown(sent) == read


@pytest.mark.parametrize(
    ("typed", "begins"),
    [
        ("Bo", "bo"),
        ("BO@Økologi.dk", "bo@xn--kologi-9xa.dk"),
        ("Jörg@mü", "jörg@xn--m-eha"),
        ("bo@.ø", "bo@.ø"),
        ("", ""),
    ],
)
def test_who_searches_types_what_she_reads(typed: str, begins: str) -> None:
    assert address.searched(typed) == begins
