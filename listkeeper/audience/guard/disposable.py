"""Domains whose mailboxes are thrown away after minutes: a mark, and never a no by itself."""

from __future__ import annotations

import disposable_email_domains


def is_domain(domain: str) -> bool:
    """Return whether a domain (A-label), or one above it, is known for mailboxes that last minutes."""
    labels = domain.lower().split(".")
    return any(".".join(labels[at:]) in disposable_email_domains.blocklist for at in range(len(labels) - 1))
