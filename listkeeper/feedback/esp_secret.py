"""Whose events are taken, and what proves that they come from there, as it is written in the settings."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping

from listkeeper.standards import webhook

_LEAST = 16
# It stands in an address (https://hook:SECRET@…), where other signs would have to be written in another way.
_PASSWORD = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
# The region is where its certificates are; China's have another domain, and are not looked for.
TOPIC = re.compile(r"arn:aws(?:-us-gov)?:sns:([a-z]{2}(?:-[a-z]+)+-[0-9]):[0-9]{12}:[A-Za-z0-9_.-]{1,256}", re.ASCII)
# How a public key of the curve P-256 begins (RFC 5480), before its 64 bytes.
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_P256_BYTES = 91


def _password(secret: str) -> str:
    if len(secret) < _LEAST:
        return f"is shorter than {_LEAST} characters"
    return "" if _PASSWORD.fullmatch(secret) else "holds other signs than letters, digits and . _ ~ -"


def _signing_key(secret: str) -> str:
    return "" if len(secret) >= _LEAST else f"is shorter than {_LEAST} characters"


def _public_key(secret: str) -> str:
    try:
        found = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return "is not base64"
    return "" if found.startswith(_P256) and len(found) == _P256_BYTES else "is not a verification key of SendGrid's"


def _topic(secret: str) -> str:
    return "" if TOPIC.fullmatch(secret) else "is not the ARN of an SNS topic (arn:aws:sns:eu-west-1:123456789012:name)"


def _webhook_key(secret: str) -> str:
    try:
        webhook.key(secret)
    except ValueError as problem:
        return str(problem)
    return ""


# Each provider, and what is wrong with what proves that a post is from there; "" for nothing.
_MISTAKE: Mapping[str, Callable[[str], str]] = {
    "ses": _topic,
    "sendgrid": _public_key,
    "mailgun": _signing_key,
    "postmark": _password,
    "brevo": _password,
    "mailjet": _password,
    "sparkpost": _password,
    "resend": _webhook_key,
}
PROVIDERS = tuple(_MISTAKE)


def read_all(value: object) -> object:
    """Read ``provider=secret`` pairs parted by spaces. Raises ValueError that names mistakes and tells no secret."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split()]
    mistakes = [
        # What stands before the sign may be the beginning of a secret, so it is not repeated.
        f"entry {place} is not PROVIDER=SECRET with one of {', '.join(PROVIDERS)}"
        for place, (name, _, _) in enumerate(pairs, 1)
        if name not in _MISTAKE
    ]
    names = [name for name, _, _ in pairs if name in _MISTAKE]
    mistakes += [f"names {name} more than once" for name in PROVIDERS if names.count(name) > 1]
    mistakes += [
        f"what it says of {name} {wrong}"
        for name, _, secret in pairs
        if name in _MISTAKE and (wrong := _MISTAKE[name](secret))
    ]
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return tuple((name, secret) for name, _, secret in pairs)
