"""HMAC written out is HMAC."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import keyed_hash


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_it_says_what_the_library_says(key: bytes, message: bytes) -> None:
    expected = hmac.digest(key, message, "sha256").hex()
    assert keyed_hash.digest(key, message) == expected
    under = keyed_hash.hasher(key)
    assert under(b"something else") == hmac.digest(key, b"something else", "sha256").hex()
    assert under(message) == expected


def test_a_longer_key_is_refused() -> None:
    with pytest.raises(ValueError, match="64"):
        keyed_hash.hasher(bytes(65))
