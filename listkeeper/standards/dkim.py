"""DKIM signing: one header for one message to one recipient (RFC 6376, 8301, 8463).

``sign`` is called last, just before the hand-over. It knows the envelope
although DKIM does not use it, because the next version of DKIM binds the
signature to it. Who has the message in relaxed form already, because most of
it is the same for many, calls ``header``. The published half of a key is read
by ``dkim_key_record``, and signatures by ``dkim_verify``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import dkim_canonical

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

# What a signature covers when the message has it, in this order.
MUST_SIGN = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "reply-to",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-id",
    "feedback-id",
)
# Listed once more than they occur, so that nobody can add another one (RFC 6376 section 8.15).
OVERSIGNED = frozenset({"from", "to", "subject", "date", "list-unsubscribe", "list-unsubscribe-post"})

_LINE = 72
_PADDING = padding.PKCS1v15()
_SHA256 = hashes.SHA256()


@dataclass(frozen=True)
class SigningKey:
    """A private key and the names its public half is published under; ``domain`` is an A-label."""

    domain: str
    selector: str
    private: PrivateKey

    @property
    def algorithm(self) -> str:
        """The name of the algorithm in a signature (RFC 8301, RFC 8463)."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"


def sign(  # noqa: PLR0913 - an envelope, a key and a moment
    message: bytes, mail_from: str, rcpt_to: str, *, key: SigningKey, now: datetime, shared_body_hash: str | None = None
) -> bytes:
    """Return the DKIM-Signature header (with its CRLF) to put in front of a message.

    ``message`` is whole and has CRLF line ends.
    ``shared_body_hash`` saves work where many recipients get one body: it is
    ``body_hash`` of that body. Raises Invalid when the message has bare line
    ends or not exactly one From: nobody would believe such a signature.
    """
    # The envelope belongs to the interface and not to the signature: RFC 6376 does not know it.
    del mail_from, rcpt_to
    head, _, body = message.partition(b"\r\n\r\n")
    fields = [dkim_canonical.relaxed_field(field) for field in dkim_canonical.fields(head)]
    names = tuple(field.partition(b":")[0].decode("latin-1") for field in fields)
    _refuse_unsignable(message, names)
    return header(names, fields, shared_body_hash or body_hash(body), key, now)


def header(names: tuple[str, ...], fields: Sequence[bytes], hashed: str, key: SigningKey, now: datetime) -> bytes:
    """Return the same for a message known by its body hash and its fields in relaxed form, in their order.

    ``names`` are the names of the fields, in small letters; there is exactly one From.
    """
    outline = _outline(names, key.domain, key.selector, key.algorithm)
    moment, bh = b"%d" % int(now.timestamp()), hashed.encode("ascii")
    signed = [fields[place] for place in outline.picked]
    signature = _signature(key.private, b"".join([*signed, *_filled(outline.relaxed, moment, bh)]))
    encoded = binascii.b2a_base64(signature, newline=False)
    lines = [encoded[start : start + _LINE] for start in range(0, len(encoded), _LINE)]
    return b"".join([*_filled(outline.wire, moment, bh), b"\r\n ".join(lines), b"\r\n"])


def body_hash(body: bytes) -> str:
    """Return the ``bh=`` value of a body with CRLF line ends: SHA-256 of its relaxed form (section 3.4.4), base64."""
    return hash_of_relaxed(dkim_canonical.relaxed_body(body))


def hash_of_relaxed(body: bytes) -> str:
    """Return the ``bh=`` value of a body that is in its relaxed form already."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")


@dataclass(frozen=True)
class _Outline:
    """A signature without its moment, its body hash and itself: as it is written, and as it is signed.

    ``picked`` are the places of the fields it covers, in the order of its h=.
    """

    picked: tuple[int, ...]
    wire: tuple[bytes, bytes, bytes]
    relaxed: tuple[bytes, bytes, bytes]


def _filled(outline: tuple[bytes, bytes, bytes], moment: bytes, bh: bytes) -> tuple[bytes, ...]:
    return (outline[0], moment, outline[1], bh, outline[2])


@lru_cache(maxsize=256)
def _outline(names: tuple[str, ...], domain: str, selector: str, algorithm: str) -> _Outline:
    named = _names_to_sign(names)
    # No domain and no selector holds the mark.
    unsigned = (
        f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector};\r\n"
        f" t=@;\r\n"
        f" h={_wrapped(named)};\r\n"
        f" bh=@;\r\n"
        f" b="
    ).encode("ascii")
    relaxed = dkim_canonical.relaxed_field(unsigned).removesuffix(dkim_canonical.CRLF)
    wire_start, wire_middle, wire_end = unsigned.split(b"@")
    start, middle, end = relaxed.split(b"@")
    return _Outline(_picked(named, names), (wire_start, wire_middle, wire_end), (start, middle, end))


def _refuse_unsignable(message: bytes, names: Sequence[str]) -> None:
    line_ends = message.count(b"\r\n")
    if message.count(b"\n") != line_ends or message.count(b"\r") != line_ends:
        raise Invalid("bare_line_end", language.text("The message cannot be signed: it has bare line ends."))
    if sum(name == "from" for name in names) != 1:
        raise Invalid("not_one_from", language.text("The message cannot be signed: it must have exactly one From."))


def _names_to_sign(names: Sequence[str]) -> list[str]:
    found = Counter(names)
    return [name for name in MUST_SIGN for _ in range(found[name] + (name in OVERSIGNED))]


def _picked(named: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    """Return the places of what is named: of equal names the lowest first, then nothing (section 5.4.2)."""
    left: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        left.setdefault(name, []).append(place)
    return tuple(left[name].pop() for name in named if left.get(name))


def _wrapped(names: Sequence[str]) -> str:
    """Join names with colons, folding where a line grows too long."""
    lines = [names[0]]
    for name in names[1:]:
        if len(lines[-1]) + len(name) < _LINE:
            lines[-1] += f":{name}"
        else:
            lines[-1] += ":"
            lines.append(name)
    return "\r\n ".join(lines)


def _signature(key: PrivateKey, signed: bytes) -> bytes:
    if isinstance(key, RSAPrivateKey):
        return key.sign(signed, _PADDING, _SHA256)
    # RFC 8463 section 3: Ed25519 signs the SHA-256 of what RSA would sign.
    return key.sign(hashlib.sha256(signed).digest())
