"""The published half of a DKIM key: the TXT record at ``selector._domainkey.domain`` (RFC 6376 §3.6.1, 8301, 8463)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from listkeeper.foundation import language
from listkeeper.standards import dkim_tags
from listkeeper.standards.dkim import PrivateKey

_ED25519_BYTES = 32
_ED25519_BITS = 256
_SELECTOR = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


@dataclass(frozen=True)
class KeyRecord:
    """A key that receivers can use.

    ``public`` is its SubjectPublicKeyInfo in DER, whatever form was published;
    ``bits`` its length; ``testing`` is the flag t=y, ``exact`` the flag t=s.
    """

    text: str
    algorithm: str
    public: bytes
    bits: int
    testing: bool
    exact: bool


@dataclass(frozen=True)
class Revoked:
    """A record whose ``p=`` is empty: its owner withdrew the key."""

    text: str


@dataclass(frozen=True)
class BadKey:
    """A record that no receiver can use; ``reason`` says why in words."""

    text: str
    reason: str


def parse(text: str) -> KeyRecord | Revoked | BadKey:
    """Read a key record. Never raises, whatever the text holds."""
    tags = dkim_tags.parse(text)
    if isinstance(tags, str):
        return BadKey(text, tags)
    wrong = _unusable(tags)
    if wrong:
        return BadKey(text, wrong)
    encoded = "".join(tags["p"].split())
    if not encoded:
        return Revoked(text)
    algorithm = tags.get("k", "rsa")
    key = _public_key(algorithm, encoded)
    if isinstance(key, str):
        return BadKey(text, key)
    bits = key.key_size if isinstance(key, RSAPublicKey) else _ED25519_BITS
    flags = _words(tags.get("t", ""))
    return KeyRecord(text, algorithm, _der(key), bits, testing="y" in flags, exact="s" in flags)


def _unusable(tags: dict[str, str]) -> str | None:
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
        return language.text("v= must be the first tag and read v=DKIM1")
    if "p" not in tags:
        return language.text("it has no p= with the key")
    if "h" in tags and "sha256" not in _words(tags["h"]):
        return language.text("h= does not allow sha256, the only hash that counts today")
    if "s" in tags and not {"*", "email"} & _words(tags["s"]):
        return language.text("s= does not allow the key for e-mail")
    if tags.get("k", "rsa") not in {"rsa", "ed25519"}:
        return language.text("k=%(kind)s is no kind of key that receivers know", kind=tags["k"][:40])
    return None


def _words(value: str) -> set[str]:
    return {word.strip() for word in value.split(":")}


def _public_key(algorithm: str, encoded: str) -> RSAPublicKey | Ed25519PublicKey | str:
    try:
        raw = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return language.text("p= cannot be decoded: characters are missing or damaged")
    if algorithm == "ed25519":
        if len(raw) != _ED25519_BYTES:
            return language.text("p= of an ed25519 key must be 32 bytes long and is %(count)s", count=len(raw))
        return Ed25519PublicKey.from_public_bytes(raw)
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return language.text("p= decodes to something that is no RSA key: it is cut off or damaged")
    return key if isinstance(key, RSAPublicKey) else language.text("p= holds a key that is not of the kind rsa")


def _der(key: RSAPublicKey | Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_half(key: PrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo (DER) that belongs to a private key."""
    return _der(key.public_key())


def record_for(key: PrivateKey) -> str:
    """Return the record to publish for a private key."""
    public = key.public_key()
    if isinstance(key, Ed25519PrivateKey):
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
    return f"v=DKIM1; k=rsa; p={base64.b64encode(_der(public)).decode()}"


def fingerprint(public: bytes) -> str:
    """Return the SHA-256 of a SubjectPublicKeyInfo as 64 hex digits: what people compare."""
    return hashlib.sha256(public).hexdigest()


def is_selector(text: str) -> bool:
    """Return whether a text can be a selector: letters, digits, dashes and dots (section 3.1)."""
    return _SELECTOR.fullmatch(text) is not None


def name_of(selector: str, domain: str) -> str:
    """Return the name a key is published at."""
    return f"{selector}._domainkey.{domain}"
