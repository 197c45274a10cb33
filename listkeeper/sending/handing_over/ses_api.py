"""Amazon SES by its interface version 2: SendEmail with the raw message.

SES writes its own Date and Message-ID, which our DKIM signature covers, and
takes no message with two signatures (Amazon SES Developer Guide, "Header
fields"). Ours would arrive broken, so it is taken off: SES signs for a domain
that is verified there (Easy DKIM), and DMARC passes by that.

The envelope is written there as well ("custom MAIL FROM domain"), so our return
path does not leave. What comes back goes to the author, whose domain SES knows.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from listkeeper.foundation import clock
from listkeeper.foundation.fetch import Answer
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.aws_signature import Signer
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

_PATH = "/v2/email/outbound-emails"
_SIGNATURES = re.compile(rb"^DKIM-Signature:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE | re.MULTILINE)
# Errors of SendEmail and those common to all services, with what their words must hold, if anything; the first that
# fits counts.
_WORDS: Sequence[tuple[str, str, Meaning]] = (
    # Nothing goes until the day is over, so the other ways take its share.
    ("TooManyRequestsException", "daily", CLOSED),
    ("LimitExceededException", "daily", CLOSED),
    ("TooManyRequestsException", "", SLOWER),
    ("LimitExceededException", "", SLOWER),
    ("ThrottlingException", "", SLOWER),
    ("Throttling", "", SLOWER),
    ("AccountSuspendedException", "", CLOSED),
    ("SendingPausedException", "", CLOSED),
    # The configuration set.
    ("NotFoundException", "", CLOSED),
    # Said of a sender nobody verified, and in the sandbox of a recipient.
    ("MessageRejected", "not verified", NOT_SET_UP),
    ("MailFromDomainNotVerifiedException", "", NOT_SET_UP),
    ("MessageRejected", "", Never("5.6.0")),
    ("BadRequestException", "", Never("5.6.0")),
    ("ValidationError", "", Never("5.6.0")),
    ("AccessDeniedException", "", BAD_KEY),
    ("NotAuthorized", "", BAD_KEY),
    ("OptInRequired", "", BAD_KEY),
    ("IncompleteSignature", "", BAD_KEY),
    ("MissingAuthenticationToken", "", BAD_KEY),
    ("InvalidClientTokenId", "", BAD_KEY),
    ("UnrecognizedClientException", "", BAD_KEY),
    ("SignatureDoesNotMatch", "", BAD_KEY),
    ("InvalidSignatureException", "", BAD_KEY),
    # The clock of this machine is wrong.
    ("RequestExpired", "", BAD_KEY),
    ("ExpiredToken", "", BAD_KEY),
    ("ExpiredTokenException", "", BAD_KEY),
    ("ServiceUnavailable", "", Later()),
    ("ServiceUnavailableException", "", Later()),
    # "An unknown error, exception or failure" may have happened after the message was taken.
    ("InternalFailure", "", UNCLEAR),
    ("InternalServerError", "", UNCLEAR),
    ("InternalServiceErrorException", "", UNCLEAR),
)


class SesAccount:
    """One account in one region."""

    provider = "Amazon SES"

    def __init__(self, way: Way) -> None:
        self._signer = Signer(way.user, way.secret, way.place, "ses", way.session_token)
        self._configuration_set = way.configuration_set
        self.origin = way.endpoint or f"https://email.{way.place}.amazonaws.com"
        self.secrets = (way.secret, way.session_token)

    def request(self, envelope: Envelope) -> Request:
        """Return the post of a raw message, signed for this moment."""
        said: dict[str, Any] = {
            "Destination": {"ToAddresses": [envelope.rcpt_to]},
            "Content": {"Raw": {"Data": base64.b64encode(unsigned(envelope.content)).decode("ascii")}},
        }
        if author := _author(envelope.content):
            said["FeedbackForwardingEmailAddress"] = author
        if self._configuration_set:
            said["ConfigurationSetName"] = self._configuration_set
        body = json.dumps(said, separators=(",", ":")).encode()
        headers = {"host": urlsplit(self.origin).netloc, "content-type": "application/json"}
        return Request(_PATH, self._signer.signed("POST", _PATH, headers, body, clock.now()), body)

    def read(self, answer: Answer) -> Said:
        """Read the id, or the error: its type stands in a header, before a colon when one follows."""
        members = fields(answer.body)
        kind = answer.headers.get("x-amzn-errortype") or text_of(members.get("__type"))
        return Said(
            taken_as=text_of(members.get("MessageId")) or None,
            word=kind.partition(":")[0].rpartition("#")[2],
            words=text_of(members.get("message")) or text_of(members.get("Message")),
        )

    def meaning(self, _status: int, said: Said) -> Meaning | None:
        """Return what an error means."""
        words = said.words.lower()
        return next((means for word, holds, means in _WORDS if word == said.word and holds in words), None)


def _author(content: bytes) -> str:
    """Return the mailbox in From."""
    return parseaddr(str(message_from_bytes(content.partition(b"\r\n\r\n")[0])["From"]))[1]


def unsigned(content: bytes) -> bytes:
    """Return a message without the signatures in its header."""
    head, end, body = content.partition(b"\r\n\r\n")
    kept = _SIGNATURES.sub(b"", head + b"\r\n")
    return kept.removesuffix(b"\r\n") + end + body
