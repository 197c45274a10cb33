"""Mails a second to single providers, as they are written in the settings: ``gmail=20,microsoft=10,other=2``."""

from __future__ import annotations

from listkeeper.deliverability import mail_provider

_FASTEST = 1_000_000

Rates = tuple[tuple[str, float], ...]


def read(value: object) -> object:
    """Read a text into pairs of a provider and its rate; what is no text is left as it is. Raises ValueError."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    strange = [name.strip() for name, _, _ in pairs if name.strip() not in {*mail_provider.TABLE, mail_provider.OTHER}]
    if strange:
        raise ValueError(f"names a provider nobody knows: {', '.join(strange)}")
    try:
        return tuple((name.strip(), float(rate)) for name, _, rate in pairs)
    except ValueError:
        raise ValueError("is not a list like gmail=20,microsoft=10,other=2") from None


def forwards(value: Rates) -> Rates:
    """Return the rates; ValueError when one is none that mail could leave at."""
    if any(not 0 < rate < _FASTEST for _, rate in value):
        raise ValueError("must be above 0 for each provider")
    return value
