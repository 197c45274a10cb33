"""The address at which a provider tells us its events: a secret in it that only the key folder can make."""

from __future__ import annotations

from listkeeper.foundation import signing

_PURPOSE = "hook"


def beginning(provider: str) -> str:
    """Return the path before the secret."""
    return f"/hooks/in/{provider}/"


def of(site: str, provider: str) -> str:
    """Return the address to give to a provider, below the address of this instance."""
    return f"{site}{beginning(provider)}{signing.derived(_PURPOSE, provider)}"


def is_right(provider: str, secret: str) -> bool:
    """Whether a secret is of our making, under whichever master key; its time tells nothing: digests are compared."""
    return bool(signing.derived_as(_PURPOSE, provider, signing.digest(secret)))
