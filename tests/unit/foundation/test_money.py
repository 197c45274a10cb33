"""Amounts as people write them, in whole minor units, and back."""

from __future__ import annotations

import pytest

from listkeeper.foundation import language, money
from listkeeper.foundation.errors import Invalid


@pytest.mark.parametrize(
    ("written", "currency", "amount"),
    [
        ("99", "DKK", 9900),
        ("99,5", "DKK", 9950),
        ("99.50", "EUR", 9950),
        ("1.234", "DKK", 123400),
        ("1.234,50", "DKK", 123450),
        ("1 234,50", "SEK", 123450),
        ("1\u00a0234,50", "PLN", 123450),
        ("1'234.50", "CHF", 123450),
        ("12,345,678.90", "USD", 1234567890),
        ("0,01", "EUR", 1),
        ("500", "JPY", 500),
        ("500.0", "JPY", 500),
    ],
)
def test_amounts_are_read_as_people_write_them(written: str, currency: str, amount: int) -> None:
    assert money.parse(written, currency) == amount


@pytest.mark.parametrize(
    "written", ["", "0", "0,00", "-5", "5 kr", "1e3", "1,2,3", "12.3456", "٣", "9" * 30, "9" * 5000, "100000000000000"]
)
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        money.parse(written, "DKK")
    assert refused.value.code == "amount"


def test_half_a_yen_is_no_amount() -> None:
    with pytest.raises(Invalid):
        money.parse("10.5", "JPY")


def test_amounts_are_written_as_people_of_the_language_do() -> None:
    said = {}
    for spoken in ("en", "da", "pl"):
        with language.using(spoken):
            said[spoken] = money.text(123450, "DKK").replace("\u00a0", " ")
    assert said == {"en": "DKK 1,234.50", "da": "1.234,50 kr.", "pl": "1 234,50 DKK"}
    assert money.text(500, "JPY") == "¥500"


@pytest.mark.parametrize(
    ("amount", "parts", "each"), [(100, 3, 33), (200, 3, 67), (5, 2, 3), (0, 7, 0), (29850, 15, 1990)]
)
def test_an_amount_is_divided_in_whole_units(amount: int, parts: int, each: int) -> None:
    assert money.each(amount, parts) == each


def test_only_known_currencies_are_taken() -> None:
    assert money.checked(" dkk ") == "DKK"
    with pytest.raises(Invalid):
        money.checked("XXX")
