"""What mail providers post: payloads after their public documents, signed as each of them signs.

The payloads lie beside this file, ``esp_payloads/<provider>.json``, each under a name of ours.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from listkeeper.foundation.fetch import Answer, Refused, Unreachable
from listkeeper.standards import webhook

FOLDER = Path(__file__).with_name("esp_payloads")
PROVIDERS = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
# Those that sign, and of these the one that does not sign what it tells.
SIGNING = ("ses", "sendgrid", "mailgun", "resend")
ANNA = "anna@guest.example"
MESSAGE_ID = "Xk3vQ9b2T0aWc7LmPz5rSg@cafe.example"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:letters"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
_PASSWORD = "a-password-of-ours-0123"
_SVIX = "whsec_" + base64.b64encode(bytes(range(32))).decode()
_MAILGUN = "key-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Post:
    """One post; names of headers are in lower case."""

    headers: dict[str, str]
    body: bytes

    def without(self, *names: str) -> Post:
        """Return the same without some headers."""
        return replace(self, headers={name: value for name, value in self.headers.items() if name not in names})

    def with_body(self, body: bytes) -> Post:
        """Return the same headers around another body."""
        return replace(self, body=body)


@cache
def payloads(provider: str) -> dict[str, Any]:
    """Return the payloads of a provider, by the names that we gave them."""
    return dict(json.loads((FOLDER / f"{provider}.json").read_text(encoding="utf-8")))


@cache
def _sendgrid_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _sns_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def secret(provider: str) -> str:
    """Return what stands in the settings of a provider."""
    match provider:
        case "ses":
            return TOPIC
        case "sendgrid":
            der = _sendgrid_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return base64.b64encode(der).decode()
        case "mailgun":
            return _MAILGUN
        case "resend":
            return _SVIX
        case _:
            return _PASSWORD


def setting() -> str:
    """Return LISTKEEPER_HOOKS with all of them."""
    return " ".join(f"{provider}={secret(provider)}" for provider in PROVIDERS)


def named(provider: str, name: str, at: datetime = NOW) -> Post:
    """Return one of the payloads as its provider posts it at a time."""
    return post(provider, payloads(provider)[name], at)


def post(provider: str, payload: Any, at: datetime = NOW) -> Post:  # noqa: ANN401 - any JSON
    """Return a payload as its provider posts it at a time."""
    match provider:
        case "ses":
            return sns({"Type": "Notification", "Message": json.dumps(payload)}, at)
        case "mailgun":
            token = hmac.digest(b"token", json.dumps(payload).encode(), "sha256").hex()[:50]
            second = str(int(at.timestamp()))
            made = hmac.digest(_MAILGUN.encode(), f"{second}{token}".encode(), "sha256").hex()
            return Post(
                {},
                json.dumps({"signature": {"timestamp": second, "token": token, "signature": made}} | payload).encode(),
            )
        case _:
            return signed(provider, json.dumps(payload).encode(), at)


def signed(provider: str, body: bytes, at: datetime = NOW) -> Post:
    """Return any body as a provider posts it whose proof stands in the headers."""
    second = str(int(at.timestamp()))
    match provider:
        case "sendgrid":
            made = _sendgrid_key().sign(second.encode() + body, ec.ECDSA(SHA256()))
            name = "x-twilio-email-event-webhook"
            return Post({f"{name}-signature": base64.b64encode(made).decode(), f"{name}-timestamp": second}, body)
        case "resend":
            made_here = webhook.headers(webhook.key(_SVIX), "msg_2W2D3qXLS5fOaPja1GDg7rF2CwB", int(second), body)
            return Post({name.replace("webhook-", "svix-"): value for name, value in made_here.items()}, body)
        case _:
            basic = base64.b64encode(f"hook:{_PASSWORD}".encode()).decode()
            return Post({"authorization": f"Basic {basic}"}, body)


def sns(message: dict[str, str], at: datetime = NOW, *, version: str = "2") -> Post:
    """Return a message as SNS signs and posts it; what it does not say is as usual."""
    said = {
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
    } | message
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
    made = _sns_key().sign(text.encode(), padding.PKCS1v15(), SHA1() if version == "1" else SHA256())  # noqa: S303 - as SNS does in version 1
    return Post(
        {"x-amz-sns-message-type": said["Type"]},
        json.dumps(said | {"Signature": base64.b64encode(made).decode()}).encode(),
    )


def subscription(topic: str = TOPIC, at: datetime = NOW) -> Post:
    """Return the question of SNS whether events may be posted here."""
    return sns(
        {
            "Type": "SubscriptionConfirmation",
            "TopicArn": topic,
            "Token": "2336412f37fb687f5d51e6e2425c464de257",
            "Message": "You have chosen to subscribe to the topic. Visit the SubscribeURL to confirm.",
            "SubscribeURL": f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token=23",
        },
        at,
    )


@cache
def _certificate(ends: datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_sns_key().public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=3650))
        .not_valid_after(ends)
        .sign(_sns_key(), SHA256())
    )
    return made.public_bytes(Encoding.PEM)


class Amazon:
    """Amazon's web server: its certificate, and who said yes to a subscription."""

    def __init__(self, *, ends: datetime = NOW + timedelta(days=365), answers: bool = True) -> None:
        self.asked: list[str] = []
        self.answers = answers
        self._ends = ends

    def get(self, url: str, /) -> Answer | Refused | Unreachable:
        """Return its certificate, or a yes."""
        self.asked.append(url)
        if not self.answers:
            return Unreachable("no answer in time")
        if url == CERTIFICATE_URL:
            return Answer(200, {}, _certificate(self._ends))
        return Answer(200 if "Action=ConfirmSubscription" in url else 404, {}, b"")
