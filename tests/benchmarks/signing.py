"""How near signing comes to the one operation it cannot do without: RSA-2048, or Ed25519, over the same message.

The limit signs bytes as long as what a signature is made over; everything else that ``dkim.sign`` does, the fields,
the two canonical forms, the body's hash and the header, is what it adds. A second figure gives it the body's hash, as
a letter does whose body is shared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from listkeeper.standards import dkim
from listkeeper.standards.dkim import PrivateKey, SigningKey
from tests.benchmarks import figure
from tests.benchmarks.figure import Figure

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_HEAD = b"".join(
    [
        b"From: =?utf-8?q?Caf=C3=A9?= <hello@cafe.example>\r\nTo: reader@crowd.example\r\nSubject: Cardamom buns\r\n",
        b"Date: Mon, 23 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@cafe.example>\r\nMIME-Version: 1.0\r\n",
        b"Content-Type: text/html; charset=utf-8\r\nList-Unsubscribe: <https://mail.cafe.example/u/1>\r\n",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Id: News <news.cafe.example>\r\n",
    ]
)
_BODY = b"<p style=3D'margin:0'>This week we bake cardamom buns from seven o'clock</p>\r\n" * 160
_SIGNED_OCTETS = 900


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Sign a letter of 13 kB, in turns with the bare operation; by CPU time, because it is about one core."""
    count = 5_000 if full else 1_000
    keys: dict[str, PrivateKey] = {
        "rsa-2048": rsa.generate_private_key(65537, 2048),
        "ed25519": Ed25519PrivateKey.generate(),
    }
    found = []
    for kind, key in keys.items():
        by = SigningKey("cafe.example", "lk1", key)
        for shared, words in ((None, "each body hashed"), (dkim.body_hash(_BODY), "one body for all")):
            sign = partial(dkim.sign, _HEAD + b"\r\n" + _BODY, "", "", key=by, now=_NOW, shared_body_hash=shared)
            found.append(
                figure.compare(
                    f"{name}: {kind}, {words}", "signatures/s", partial(_rate, sign, count),
                    partial(_rate, _bare(key), count), repeats=repeats, limit_is="the bare operation of the key",
                )
            )  # fmt: skip
    return found


def _bare(key: PrivateKey) -> Callable[[], object]:
    if isinstance(key, Ed25519PrivateKey):
        return partial(key.sign, b"x" * 32)
    return partial(key.sign, b"x" * _SIGNED_OCTETS, padding.PKCS1v15(), hashes.SHA256())


def _rate(work: Callable[[], object], count: int) -> float:
    work()
    start = time.process_time()
    for _ in range(count):
        work()
    return count / (time.process_time() - start)
