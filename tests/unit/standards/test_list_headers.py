"""List headers: the forms the RFCs give, and nothing that could break out of them."""

from __future__ import annotations

from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import list_headers

URL = "https://n.shop.example/u/kZ0_-x"


def test_one_https_address() -> None:
    assert list_headers.list_unsubscribe(URL) == ("List-Unsubscribe", f"<{URL}>")


def test_a_mail_address_comes_second() -> None:
    header = list_headers.list_unsubscribe(URL, "mailto:u+abc@n.shop.example?subject=unsubscribe")
    assert header == ("List-Unsubscribe", f"<{URL}>, <mailto:u+abc@n.shop.example?subject=unsubscribe>")


def test_one_click_is_exactly_the_words_of_rfc_8058() -> None:
    assert list_headers.list_unsubscribe_post() == ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8025/u/x",
        "http://localhost:8025/u/x",
        "http://[::1]/u/x",
        "http://10.1.2.3/u/x",
        "http://nas.local/u/x",
    ],
)
def test_plain_http_is_taken_on_private_networks(url: str) -> None:
    assert list_headers.list_unsubscribe(url)[1] == f"<{url}>"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://n.shop.example/u/x",
        "http://93.184.216.34/u/x",
        "ftp://n.shop.example/u/x",
        "mailto:x@shop.example",
        "https://",
        "/u/x",
        "https://n.shop.example/u/x>, <https://evil.example",
        "https://n.shop.example/a,b",
        "https://n.shop.example/a b",
        "https://n.shop.example/å",
        "https://n.shop.example/\r\nBcc: x@y.example",
        "https://n.shop.example/\n",
        "https://n.shop.example/" + "x" * 900,
        'https://n.shop.example/"',
    ],
)
def test_an_address_that_is_no_plain_https_one_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        list_headers.list_unsubscribe(url)
    assert refusal.value.code == "list_header_refused"


@pytest.mark.parametrize(
    "mailto",
    [
        "",
        "u@shop.example",
        "mailto:",
        "mailto:u@shop.example>",
        "mailto:u@shop.example\r\nBcc: x",
        "https://x.example/@",
    ],
)
def test_a_second_address_that_is_no_mailto_is_refused(mailto: str) -> None:
    with pytest.raises(Invalid):
        list_headers.list_unsubscribe(URL, mailto)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Nyheder", "Nyheder <lst-abc.shop.example>"),
        ("News from the shop", "News from the shop <lst-abc.shop.example>"),
        ("Cakes, bread & co.", '"Cakes, bread & co." <lst-abc.shop.example>'),
        ('The "good" \\ list', '"The \\"good\\" \\\\ list" <lst-abc.shop.example>'),
        ("", "<lst-abc.shop.example>"),
        ("  two   spaces ", "two spaces <lst-abc.shop.example>"),
    ],
)
def test_a_list_is_named_for_people_and_for_machines(name: str, value: str) -> None:
    assert list_headers.list_id(name, "lst-abc", "shop.example") == ("List-Id", value)


@pytest.mark.parametrize(
    "name", ["Nyheder på dansk", "Новости кофейни «Фугльсанг» каждую неделю", "=?utf-8?q?x?=", "é" * 200]
)
def test_a_name_in_any_language_is_read_back(name: str) -> None:
    value = list_headers.list_id(name, "lst-abc", "shop.example")[1]
    assert value.isascii()
    assert all(len(word) <= 75 for word in value.split(" "))
    shown, where = parseaddr(value)
    assert where == "lst-abc.shop.example"
    assert str(make_header(decode_header(shown))) == name


@pytest.mark.parametrize(
    ("identifier", "domain"),
    [
        ("", "shop.example"),
        ("lst", ""),
        ("lst abc", "shop.example"),
        ("lst", "localhost"),
        ("lst", "shop..example"),
        ("-x", "shop.example"),
        ("lst>", "shop.example"),
        ("lst\r\n", "shop.example"),
        ("lst", "shop.example\r\nBcc: x"),
        ("å", "shop.example"),
        ("x" * 64, "shop.example"),
        ("lst", ".".join(["x" * 60] * 5)),
    ],
)
def test_an_identifier_that_is_no_domain_name_is_refused(identifier: str, domain: str) -> None:
    with pytest.raises(Invalid):
        list_headers.list_id("News", identifier, domain)


@pytest.mark.parametrize("name", ["a\r\nBcc: x@y.example", "a\nb", "a\x00b", "a\u2028b", "a\x85b"])
def test_a_list_name_cannot_break_out(name: str) -> None:
    with pytest.raises(Invalid):
        list_headers.list_id(name, "lst", "shop.example")


def test_feedback_is_read_from_the_right() -> None:
    assert list_headers.feedback_id("cmp1", "lst1", "org1", sender_id="fuglsang") == (
        "Feedback-ID",
        "cmp1:lst1:org1:fuglsang",
    )
    assert list_headers.feedback_id("cmp1", sender_id="fuglsang") == ("Feedback-ID", "cmp1:fuglsang")


@pytest.mark.parametrize(
    ("fields", "sender_id"),
    [
        ((), "fuglsang"),
        (("a", "b", "c", "d"), "fuglsang"),
        (("a",), "four"),
        (("a",), "x" * 16),
        (("a", "a"), "fuglsang"),
        (("fuglsang",), "fuglsang"),
        (("a:b",), "fuglsang"),
        (("",), "fuglsang"),
        (("a\r\n",), "fuglsang"),
        (("å",), "fuglsang"),
        (("a",), "fugl sang"),
        (("x" * 61,), "fuglsang"),
    ],
)
def test_feedback_that_gmail_would_not_read_is_refused(fields: tuple[str, ...], sender_id: str) -> None:
    with pytest.raises(Invalid):
        list_headers.feedback_id(*fields, sender_id=sender_id)


def test_mail_of_a_machine_says_so() -> None:
    assert list_headers.auto_submitted() == ("Auto-Submitted", "auto-generated")
