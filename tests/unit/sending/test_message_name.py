"""The Message-ID of a mail: it names its delivery, nobody can make one up, and any text may be asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation import keys
from listkeeper.sending import message_name, return_path


@pytest.fixture(scope="module", autouse=True)
def _keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    keys.open_folder(tmp_path_factory.mktemp("names") / "keys")


_NUMBERS = st.integers(1, 2**63 - 1)


@given(_NUMBERS, st.booleans())
def test_a_name_leads_back_to_its_delivery(number: int, bare: bool) -> None:
    name = message_name.of(number, "cafe.example")
    assert message_name.delivery_of(name[1:-1] if bare else f" {name} ") == number
    assert message_name.of(number, "cafe.example") == name


@given(_NUMBERS, st.data())
def test_one_other_letter_is_none_of_ours(number: int, data: st.DataObject) -> None:
    token = message_name.of(number, "cafe.example")[1:].partition("@")[0]
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567").filter(lambda sign: sign != token[place]))
    assert message_name.delivery_of(f"<{token[:place]}{other}{token[place + 1 :]}@cafe.example>") is None


@given(st.text(max_size=200))
def test_any_text_may_be_asked(text: str) -> None:
    assert message_name.delivery_of(text) is None


@pytest.mark.parametrize("number", [1, 36, 10**12])
def test_a_name_is_no_address_to_come_back_to_and_the_other_way_round(number: int) -> None:
    token = message_name.of(number, "cafe.example")[1:].partition("@")[0]
    returned = return_path.delivery_of(f"b+{token}@bounce.cafe.example")
    assert returned is not None
    assert returned.delivery_id is None
    address = return_path.of_delivery("bounce.cafe.example", number)
    assert message_name.delivery_of(address.removeprefix("b+")) is None
