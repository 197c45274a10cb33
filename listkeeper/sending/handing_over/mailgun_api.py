"""Mailgun by ``messages.mime``: the message goes out as it was composed and signed.

Mailgun adds a signature of its own beside ours, and its own return path.
Tracking is switched off for each message: it would change links under our
signature.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence

from listkeeper.foundation.fetch import Answer
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.provider_api import (
    CLOSED,
    NOT_SET_UP,
    SLOWER,
    UNCLEAR,
    Meaning,
    Never,
    Request,
    Said,
    fields,
    text_of,
)
from listkeeper.sending.handing_over.way import Way

_ORIGINS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
_OPTIONS = (("o:tracking", "no"), ("o:tracking-clicks", "no"), ("o:tracking-opens", "no"))
# By status, and what the words must hold, if anything; the first that fits counts.
_WORDS: Sequence[tuple[int, str, Meaning]] = (
    # A sandbox domain writes to few addresses, which are named beforehand.
    (400, "authorized recipients", NOT_SET_UP),
    (403, "authorized recipients", NOT_SET_UP),
    (400, "limit exceeded", SLOWER),
    (403, "limit exceeded", SLOWER),
    (420, "", SLOWER),
    (400, "not allowed to send", CLOSED),
    (403, "not allowed to send", CLOSED),
    (400, "activate your", CLOSED),
    (400, "not a valid address", Never("5.1.3")),
    (400, "parameter is", Never("5.6.0")),
    # Users have seen messages leave that were answered with 5xx.
    (500, "", UNCLEAR),
    (502, "", UNCLEAR),
    (503, "", UNCLEAR),
    (504, "", UNCLEAR),
)


class MailgunAccount:
    """One sending domain in one region."""

    provider = "Mailgun"

    def __init__(self, way: Way) -> None:
        region, _, domain = way.place.partition("/")
        self._path = f"/v3/{domain}/messages.mime"
        self._key = base64.b64encode(f"api:{way.secret}".encode()).decode("ascii")
        self.origin = way.endpoint or _ORIGINS[region]
        self.secrets = (way.secret, self._key)

    def request(self, envelope: Envelope) -> Request:
        """Return the post of a raw message as a form (RFC 7578)."""
        boundary = hashlib.sha256(envelope.content).hexdigest()
        body = b"\r\n".join(_form(envelope, boundary.encode("ascii")))
        headers = {"authorization": f"Basic {self._key}", "content-type": f"multipart/form-data; boundary={boundary}"}
        return Request(self._path, headers, body)

    def read(self, answer: Answer) -> Said:
        """Read the id and what Mailgun says."""
        members = fields(answer.body)
        words = text_of(members.get("message"))
        taken = answer.status == 200 and words.startswith("Queued")  # noqa: PLR2004 - the one yes there is
        return Said(taken_as=(text_of(members.get("id")) or None) if taken else None, words=words)

    def meaning(self, status: int, said: Said) -> Meaning | None:
        """Return what a refusal means."""
        words = said.words.lower()
        return next((means for code, holds, means in _WORDS if code == status and holds in words), None)


def _form(envelope: Envelope, boundary: bytes) -> Iterator[bytes]:
    for name, value in (("to", envelope.rcpt_to), *_OPTIONS):
        yield b"--" + boundary
        yield f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
    yield b"--" + boundary
    yield b'Content-Disposition: form-data; name="message"; filename="message.mime"'
    yield b"Content-Type: message/rfc822\r\n"
    yield envelope.content
    yield b"--" + boundary + b"--\r\n"
