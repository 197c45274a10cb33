"""Postmark by ``/email``, which takes the parts of a message and not the message itself.

So our message is taken apart, and Postmark puts it together again: with its
own Date, Return-Path and boundaries, and a DKIM signature for the domain that
is set up there. Ours does not survive this and is left out. Our Message-ID is
kept, as ``X-PM-KeepID`` asks for; of our return path what stands before the @
is given along as metadata, which comes back with each event. List-Unsubscribe and List-Unsubscribe-Post
are kept on transactional streams, and on broadcast streams that are set to
"Manage unsubscribes on your own": on others Postmark writes its own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.headerregistry import Address, UniqueAddressHeader
from email.message import EmailMessage
from typing import Any

from listkeeper.foundation.fetch import Answer
from listkeeper.sending import return_path
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.provider_api import (
    BAD_KEY,
    CLOSED,
    NOT_SET_UP,
    SLOWER,
    UNCLEAR,
    Later,
    Meaning,
    Never,
    Request,
    Said,
    fields,
    text_of,
)
from listkeeper.sending.handing_over.way import Way

_PATH = "/email"
# What Postmark has a field of its own for or writes itself, and what would be untrue of the message it writes.
_NOT_PASSED_ON = frozenset({
    "from", "to", "cc", "bcc", "reply-to", "subject", "date", "mime-version", "return-path", "dkim-signature",
    "content-type", "content-transfer-encoding", "content-disposition",
})  # fmt: skip
# API error codes (postmarkapp.com/developer/api/overview).
_CODES: Mapping[str, Meaning] = {
    # Bad or missing token.
    "10": BAD_KEY,
    # Maintenance.
    "100": Later(),
    # Invalid email request: most often an address it does not believe in.
    "300": Never("5.6.0"),
    # The sender is not set up, not confirmed, or the account is pending and writes to its own domain alone.
    "400": NOT_SET_UP,
    "401": NOT_SET_UP,
    "412": NOT_SET_UP,
    # Invalid JSON, incompatible JSON, JSON required, a kind of attachment that is forbidden.
    "402": Never("5.6.0"),
    "403": Never("5.6.0"),
    "409": Never("5.6.0"),
    "411": Never("5.6.0"),
    # Out of credits; the account may not send.
    "405": CLOSED,
    "413": CLOSED,
    # Bounced or complained before: Postmark does not write to this address.
    "406": Never("5.2.1"),
    "429": SLOWER,
    # There is no such stream, or it is for mail that comes in.
    "1235": CLOSED,
    "1236": CLOSED,
}
# "In most cases the message is lost", says Postmark of its own errors: in the others it is not.
_STATUS: Mapping[int, Meaning] = {500: UNCLEAR, 415: Never("5.6.0")}


class PostmarkAccount:
    """One server of Postmark, and one of its message streams."""

    provider = "Postmark"

    def __init__(self, way: Way) -> None:
        self._token = way.secret
        self._stream = way.place
        self.origin = way.endpoint or "https://api.postmarkapp.com"
        self.secrets = (way.secret,)

    def request(self, envelope: Envelope) -> Request:
        """Return the post of a message in its parts."""
        said = taken_apart(envelope.content) | {"To": envelope.rcpt_to, "TrackOpens": False, "TrackLinks": "None"}
        if return_path.delivery_of(envelope.mail_from) is not None:
            said["Metadata"] = {"return-path": envelope.mail_from.rpartition("@")[0]}
        if self._stream:
            said["MessageStream"] = self._stream
        headers = {
            "accept": "application/json",
            "content-type": "application/json",
            "x-postmark-server-token": self._token,
        }
        return Request(_PATH, headers, json.dumps(said, separators=(",", ":")).encode())

    def read(self, answer: Answer) -> Said:
        """Read the id, or the error code and its words."""
        members = fields(answer.body)
        code = text_of(members.get("ErrorCode"))
        # Where delivery is delayed there is no code at all.
        taken = code in {"", "0"}
        return Said(
            taken_as=(text_of(members.get("MessageID")) or None) if taken else None,
            word=code,
            words=text_of(members.get("Message")),
        )

    def meaning(self, status: int, said: Said) -> Meaning | None:
        """Return what an error code means, or a status that comes without one."""
        return _CODES.get(said.word) or _STATUS.get(status)


def taken_apart(content: bytes) -> dict[str, Any]:
    """Return the fields of Postmark that make the same message."""
    message = message_from_bytes(content, policy=policy.SMTPUTF8)
    said: dict[str, Any] = {
        "From": _mailbox(message, "From"),
        "Subject": str(message["Subject"] or ""),
        "Headers": [{"Name": name, "Value": value} for name, value in _passed_on(content)],
    }
    if message["Reply-To"]:
        said["ReplyTo"] = _mailbox(message, "Reply-To")
    for part in message.walk():
        if part.is_multipart() or not isinstance(part, EmailMessage):
            continue
        kind = part.get_content_type()
        attached = part.get_content_disposition() == "attachment"
        field = {"text/plain": "TextBody", "text/html": "HtmlBody"}.get(kind)
        if field and field not in said and not attached:
            said[field] = str(part.get_content()).replace("\r\n", "\n")
        else:
            said.setdefault("Attachments", []).append(_attachment(part, kind))
    return said


def _passed_on(content: bytes) -> list[tuple[str, str]]:
    """Return the other headers as they are, unfolded: what stands in them is for programs."""
    head = message_from_bytes(content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    found = [(name, " ".join(str(value).split())) for name, value in head.items() if name.lower() not in _NOT_PASSED_ON]
    return [*found, ("X-PM-KeepID", "true")]


def _mailbox(message: EmailMessage, name: str) -> str:
    header = message[name]
    if not isinstance(header, UniqueAddressHeader) or not header.addresses:
        return str(header or "")
    first: Address = header.addresses[0]
    if not first.display_name:
        return first.addr_spec
    quoted = first.display_name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{first.addr_spec}>'


def _attachment(part: EmailMessage, kind: str) -> dict[str, str]:
    held = part.get_payload(decode=True)
    return {
        "Name": part.get_filename() or "attachment",
        "Content": base64.b64encode(held if isinstance(held, bytes) else b"").decode("ascii"),
        "ContentType": kind,
    }
