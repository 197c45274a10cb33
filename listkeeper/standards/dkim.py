"""DKIM signing: one header for one message to one recipient (RFC 6376, 8301, 8463).

``sign`` is called last, just before the hand-over. It knows the envelope
although DKIM does not use it, because the next version of DKIM binds the
signature to it. The published half of a key is read by ``dkim_key_record``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

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
_WHITE_SPACE = re.compile(rb"[ \t]+")
_BETWEEN_FIELDS = re.compile(rb"\r\n(?![ \t])")


def sign(  # noqa: PLR0913 - an envelope, a key and the names it is published under
    message: bytes,
    mail_from: str,
    rcpt_to: str,
    *,
    domain: str,
    selector: str,
    key: PrivateKey,
    now: datetime,
    shared_body_hash: str | None = None,
) -> bytes:
    """Return the DKIM-Signature header (with its CRLF) to put in front of a message.

    ``message`` is whole and has CRLF line ends; ``domain`` is an A-label.
    ``shared_body_hash`` saves work where many recipients get one body: it is
    ``body_hash`` of that body. Raises Invalid when the message has bare line
    ends or not exactly one From: nobody would believe such a signature.
    """
    # The envelope belongs to the interface and not to the signature: RFC 6376 does not know it.
    del mail_from, rcpt_to
    head, _, body = message.partition(b"\r\n\r\n")
    fields = [_relaxed(field) for field in _BETWEEN_FIELDS.split(head) if field]
    _refuse_unsignable(message, fields)
    named = _names_to_sign(fields)
    algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"
    unsigned = (
        f" v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector};\r\n"
        f" t={int(now.timestamp())};\r\n"
        f" h={_wrapped(named)};\r\n"
        f" bh={shared_body_hash or body_hash(body)};\r\n"
        f" b="
    )
    own = _relaxed(b"DKIM-Signature:" + unsigned.encode("ascii"))
    signed = b"".join(_picked(named, fields)) + own.removesuffix(b"\r\n")
    signature = base64.b64encode(_signature(key, signed)).decode()
    parts = [signature[start : start + _LINE] for start in range(0, len(signature), _LINE)]
    return f"DKIM-Signature:{unsigned}".encode("ascii") + "\r\n ".join(parts).encode("ascii") + b"\r\n"


def body_hash(body: bytes) -> str:
    """Return the ``bh=`` value of a body with CRLF line ends: SHA-256 of its relaxed form (section 3.4.4), base64."""
    squeezed = _WHITE_SPACE.sub(b" ", body).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    filled = squeezed.rstrip(b"\r\n")
    relaxed = filled + b"\r\n" if filled else b""
    return base64.b64encode(hashlib.sha256(relaxed).digest()).decode()


def _relaxed(field: bytes) -> bytes:
    """Return a header field in its relaxed form, CRLF included (section 3.4.2)."""
    name, _, value = field.partition(b":")
    unfolded = _WHITE_SPACE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.strip(b" \t").lower() + b":" + unfolded + b"\r\n"


def _name(field: bytes) -> str:
    return field.partition(b":")[0].decode("latin-1")


def _refuse_unsignable(message: bytes, fields: list[bytes]) -> None:
    line_ends = message.count(b"\r\n")
    if message.count(b"\n") != line_ends or message.count(b"\r") != line_ends:
        raise Invalid("bare_line_end", language.text("The message cannot be signed: it has bare line ends."))
    if sum(_name(field) == "from" for field in fields) != 1:
        raise Invalid("not_one_from", language.text("The message cannot be signed: it must have exactly one From."))


def _names_to_sign(fields: list[bytes]) -> list[str]:
    found = Counter(_name(field) for field in fields)
    return [name for name in MUST_SIGN for _ in range(found[name] + (name in OVERSIGNED))]


def _picked(named: list[str], fields: list[bytes]) -> list[bytes]:
    """Return the fields a list of names stands for: of equal names the lowest first, then nothing (section 5.4.2)."""
    left: dict[str, list[bytes]] = {}
    for field in fields:
        left.setdefault(_name(field), []).append(field)
    return [left[name].pop() for name in named if left.get(name)]


def _wrapped(names: list[str]) -> str:
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
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    # RFC 8463 section 3: Ed25519 signs the SHA-256 of what RSA would sign.
    return key.sign(hashlib.sha256(signed).digest())
