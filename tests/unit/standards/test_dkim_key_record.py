"""Published keys, good and bad, each bad one with words."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dkim_key_record
from listkeeper.standards.dkim import PrivateKey
from listkeeper.standards.dkim_key_record import BadKey, KeyRecord, Revoked

_RSA = rsa.generate_private_key(65537, 2048)
_P = base64.b64encode(dkim_key_record.public_half(_RSA)).decode()


def test_our_own_records_are_read_back_as_the_same_key() -> None:
    pairs: list[tuple[PrivateKey, str, int]] = [(_RSA, "rsa", 2048), (Ed25519PrivateKey.generate(), "ed25519", 256)]
    for key, algorithm, bits in pairs:
        read = dkim_key_record.parse(dkim_key_record.record_for(key))
        assert isinstance(read, KeyRecord)
        assert (read.algorithm, read.bits, read.testing, read.exact) == (algorithm, bits, False, False)
        assert read.public == dkim_key_record.public_half(key)


def test_the_older_form_of_a_key_is_the_same_key() -> None:
    older = base64.b64encode(_RSA.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)).decode()
    read = dkim_key_record.parse(f"p={older}")
    assert isinstance(read, KeyRecord)
    assert dkim_key_record.fingerprint(read.public) == dkim_key_record.fingerprint(dkim_key_record.public_half(_RSA))


def test_spaces_folds_and_flags_are_read() -> None:
    spaced = " ".join(_P[start : start + 60] for start in range(0, len(_P), 60))
    read = dkim_key_record.parse(
        f"v=DKIM1 ; h = sha1:sha256;\r\n k=rsa; s=email:other; t=y:s; n=a note; x=1; p={spaced} ;"
    )
    assert isinstance(read, KeyRecord)
    assert (read.testing, read.exact) == (True, True)


def test_an_empty_key_is_a_withdrawn_one() -> None:
    assert dkim_key_record.parse("v=DKIM1; k=rsa; p=") == Revoked("v=DKIM1; k=rsa; p=")


_CURVE = base64.b64encode(
    ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it has no p= with the key"),
        ("v=DKIM1; k=rsa", "it has no p= with the key"),
        ("just words", "just words is not of the form tag=value"),
        (f"v=DKIM1; p={_P}; p={_P}", "the tag p= stands twice"),
        (f"k=rsa; v=DKIM1; p={_P}", "v= must be the first tag and read v=DKIM1"),
        (f"v=dkim1; p={_P}", "v= must be the first tag and read v=DKIM1"),
        (f"v=DKIM1; h=sha1; p={_P}", "h= does not allow sha256, the only hash that counts today"),
        (f"v=DKIM1; s=chat; p={_P}", "s= does not allow the key for e-mail"),
        (f"v=DKIM1; k=dsa; p={_P}", "k=dsa is no kind of key that receivers know"),
        ("v=DKIM1; p=not*base64", "p= cannot be decoded: characters are missing or damaged"),
        (f"v=DKIM1; p={_P[:-3]}", "p= cannot be decoded: characters are missing or damaged"),
        (f"v=DKIM1; p={_P[:200]}", "p= decodes to something that is no RSA key: it is cut off or damaged"),
        (f"v=DKIM1; p={_CURVE}", "p= holds a key that is not of the kind rsa"),
        ("v=DKIM1; k=ed25519; p=AAAA", "p= of an ed25519 key must be 32 bytes long and is 3"),
    ],
)
def test_a_key_nobody_can_use_says_why(text: str, reason: str) -> None:
    assert dkim_key_record.parse(text) == BadKey(text, reason)


@given(st.text())
def test_no_text_crashes_the_reader(text: str) -> None:
    assert isinstance(dkim_key_record.parse(text), KeyRecord | Revoked | BadKey)
    assert isinstance(dkim_key_record.parse(f"v=DKIM1; p={text}"), KeyRecord | Revoked | BadKey)


@given(st.binary())
def test_no_key_bytes_crash_the_reader(raw: bytes) -> None:
    encoded = base64.b64encode(raw).decode()
    for kind in ("rsa", "ed25519"):
        assert isinstance(dkim_key_record.parse(f"k={kind}; p={encoded}"), KeyRecord | Revoked | BadKey)


@pytest.mark.parametrize(
    ("text", "fits"),
    [("lk1", True), ("2026.a-b", True), ("", False), ("-a", False), ("a_b", False), ("a" * 64, False), ("a..b", False)],
)
def test_what_can_be_a_selector(text: str, fits: bool) -> None:
    assert dkim_key_record.is_selector(text) is fits
