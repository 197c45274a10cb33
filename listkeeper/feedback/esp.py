"""The providers whose events are taken: what each tells, and what proves that it comes from there.

One file each (``esp_<provider>``) holds a literal table from their words to
ours; ``docs/providers.md`` says how one more is added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from listkeeper.feedback import (
    esp_brevo,
    esp_mailgun,
    esp_mailjet,
    esp_postmark,
    esp_proof,
    esp_resend,
    esp_sendgrid,
    esp_ses,
    esp_sns,
    esp_sparkpost,
)
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import EspEvent, EventKind
from listkeeper.feedback.esp_proof import Proof
from listkeeper.foundation.fetch import PageReader

# More than any of them sends at once.
_MOST_EVENTS = 20_000
_Verify = Callable[[Mapping[str, str], bytes, str, datetime], Proof]


@dataclass(frozen=True)
class Provider:
    """How one provider is read, and how it signs; None: it does not, and brings a password of ours."""

    events: Callable[[object], Iterator[EspEvent]]
    verify: _Verify | None = None


_SES = "ses"
TABLE: Mapping[str, Provider] = {
    # Signed as well; its certificate has to be fetched.
    _SES: Provider(esp_ses.events),
    "sendgrid": Provider(esp_sendgrid.events, esp_sendgrid.verify),
    "mailgun": Provider(esp_mailgun.events, esp_mailgun.verify),
    "postmark": Provider(esp_postmark.events),
    "brevo": Provider(esp_brevo.events),
    "mailjet": Provider(esp_mailjet.events),
    "sparkpost": Provider(esp_sparkpost.events),
    "resend": Provider(esp_resend.events, esp_resend.verify),
}


def events(provider: str, body: bytes) -> list[EspEvent]:
    """Return what a provider tells; nothing for what is no JSON of its kind. Never raises."""
    known = TABLE.get(provider)
    if known is None:
        return []
    told = islice(known.events(reading.parsed(body)), _MOST_EVENTS)
    # With neither a word nor a person there is nothing to keep.
    return [one for one in told if one.kind is not EventKind.UNKNOWN or one.word or one.recipient]


def verify(  # noqa: PLR0913, PLR0917 - whose post it is, all of it, and what it is compared with
    provider: str, headers: Mapping[str, str], body: bytes, secret: str, now: datetime, reader: PageReader
) -> Proof:
    """Say what a post proves; names of headers are in lower case, and ``secret`` is that of the settings. Never raises.

    ``reader`` fetches Amazon's certificates.
    """
    known = TABLE.get(provider)
    if known is None:
        return Proof.WRONG
    if provider == _SES:
        return esp_sns.verify(body, secret, now, reader)
    if known.verify is None:
        return esp_proof.by_password(headers, secret)
    return known.verify(headers, body, secret, now)


def confirmation(provider: str, body: bytes, secret: str) -> str | None:
    """Return the address that says yes to a subscription that a proven post asks about; None when it does not."""
    return esp_sns.confirmation(body, secret) if provider == _SES else None
