"""What only a provider's own pages show, as the owner typed it in: Gmail's spam rate, and Yahoo's list of who is told.

Gmail sends no reports of complaints; its rate stands in Postmaster Tools alone
(check G5). Yahoo reports them for domains that are registered in Sender Hub (Y1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid

# Gmail judges by the days that were: a rate of last week says nothing of today.
LASTS = timedelta(days=7)
_WHOLE = 100.0


@dataclass(frozen=True)
class Figures:
    """``spam_rate`` is Gmail's as a share of one, None when it is not known, or not any more."""

    spam_rate: float | None
    yahoo_loop: bool | None
    told_at: datetime | None


def tell(domain: SendingDomain, typed_rate: str, *, yahoo_loop: bool) -> None:
    """Store what was typed: a rate in per cent, or nothing. Raises Invalid when it is no such number."""
    domain.told = {"spam_rate": _read(typed_rate), "yahoo_loop": yahoo_loop, "at": clock.as_text(clock.now())}


def _read(typed: str) -> float | None:
    plain = typed.strip().removesuffix("%").strip().replace(",", ".")
    if not plain:
        return None
    try:
        rate = float(plain)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= _WHOLE:
        raise Invalid("spam_rate", language.text("Write the rate in per cent, from 0 to 100."))
    return rate / _WHOLE


def of(domain: SendingDomain) -> Figures:
    """Return what is known of a domain by what was typed in."""
    if domain.told is None:
        return Figures(None, None, None)
    at = datetime.fromisoformat(domain.told["at"])
    fresh = clock.now() - at <= LASTS
    return Figures(domain.told["spam_rate"] if fresh else None, domain.told["yahoo_loop"] or None, at)
