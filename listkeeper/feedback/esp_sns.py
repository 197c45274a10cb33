"""The signature of a message from Amazon SNS, versions 1 (SHA-1) and 2 (SHA-256), and the yes to a subscription.

The certificate is fetched from where the message says, but only from the
SNS of the region in which our own topic is, and kept. A message of any other
topic is refused, however well it is signed: everybody can have a topic.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from urllib.parse import quote, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_proof import Proof, is_fresh
from listkeeper.feedback.esp_secret import TOPIC
from listkeeper.foundation.fetch import Answer, PageReader

_SUBSCRIPTION = "SubscriptionConfirmation"
# What is signed of each type of message, in this order; of a member that is not there, nothing.
_SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    _SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: Mapping[str, type[SHA1 | SHA256]] = {"1": SHA1, "2": SHA256}
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{8,128}\.pem", re.ASCII)
_OK = 200
# The time that is signed is that of publishing, and SNS tries for days; what was taken before is known.
_TRIED_FOR = timedelta(days=7)
_MOST_KEPT = 16
_kept: dict[str, x509.Certificate] = {}
_keeping = Lock()


def verify(body: bytes, topic: str, now: datetime, reader: PageReader) -> Proof:
    """Check that a message is of this topic and that SNS signed it."""
    message = reading.members(reading.parsed(body))
    signature, version = message.get("Signature"), reading.text(message.get("SignatureVersion"))
    if not isinstance(signature, str) or not signature:
        return Proof.MISSING
    signed, url = _string_to_sign(message), reading.text(message.get("SigningCertURL"))
    if message.get("TopicArn") != topic or signed is None or version not in _HASHES or not _is_theirs(url, topic):
        return Proof.WRONG
    certificate = _certificate(url, now, reader)
    if certificate is None:
        return Proof.UNKNOWN
    key = certificate.public_key()
    try:
        given = base64.b64decode(signature, validate=True)
        if not isinstance(key, rsa.RSAPublicKey):
            return Proof.WRONG
        key.verify(given, signed, padding.PKCS1v15(), _HASHES[version]())
    except (InvalidSignature, binascii.Error, ValueError):
        return Proof.WRONG
    return Proof.RIGHT if is_fresh(reading.moment(message.get("Timestamp")), now, _TRIED_FOR) else Proof.OLD


def _string_to_sign(message: Mapping[str, object]) -> bytes | None:
    names = _SIGNED.get(reading.text(message.get("Type")))
    if names is None:
        return None
    held = [(name, message[name]) for name in names if message.get(name) is not None]
    if not all(isinstance(value, str) for _, value in held):
        return None
    return "".join(f"{name}\n{value}\n" for name, value in held).encode("utf-8", "replace")


def _host(topic: str) -> str:
    found = TOPIC.fullmatch(topic)
    return f"sns.{found[1]}.amazonaws.com" if found else ""


def _is_theirs(url: str, topic: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # The text itself, so that no user, port or odd letter stands beside the host.
    return (
        bool(_host(topic))
        and url == f"https://{_host(topic)}{parts.path}"
        and _CERTIFICATE.fullmatch(parts.path) is not None
    )


def _certificate(url: str, now: datetime, reader: PageReader) -> x509.Certificate | None:
    """Return the certificate at an address of theirs; None when it could not be had or is not valid now."""
    found = _kept.get(url) or _fetched(url, reader)
    if found is None or not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        return None
    with _keeping:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[url] = found
    return found


def _fetched(url: str, reader: PageReader) -> x509.Certificate | None:
    answer = reader.get(url)
    if not isinstance(answer, Answer) or answer.status != _OK:
        return None
    try:
        return x509.load_pem_x509_certificate(answer.body)
    except ValueError:
        return None


def confirmation(body: bytes, topic: str) -> str | None:
    """Return the address that says yes to a subscription; None when a body, which is proven, asks for none.

    Made from the token alone: what stands in the message could lead anywhere.
    """
    if _SUBSCRIPTION.encode() not in body:
        return None
    message = reading.members(reading.parsed(body))
    token = reading.text(message.get("Token"))
    if message.get("Type") != _SUBSCRIPTION or not token:
        return None
    asked = f"TopicArn={quote(topic, safe='')}&Token={quote(token, safe='')}"
    return f"https://{_host(topic)}/?Action=ConfirmSubscription&{asked}"
