"""The Message-ID of a mail: which delivery it is, and that it is ours, so that what comes back with it leads there.

Whoever answers, and whoever reports about a mail, brings its name along. It is
the same however often the mail is tried, and nobody can make one up.
"""

from __future__ import annotations

from listkeeper.foundation import signing

# The longest that RFC 5322 section 2.1.1 has room for.
_LONGEST = 998
# The secret of this name signs nothing else.
_SECRET = "message-id"  # noqa: S105 - no password


def of(delivery_id: int, domain: str) -> str:
    """Return a delivery's Message-ID, with its angle brackets; ``domain`` is an A-label (RFC 5322 section 3.6.4)."""
    return f"<{signing.spelled(_SECRET, delivery_id)}@{domain}>"


def delivery_of(name: str) -> int | None:
    """Return the delivery that a Message-ID names, with or without brackets; None when it is none of ours."""
    if len(name) > _LONGEST:
        return None
    return signing.read_spelled(_SECRET, name.strip().removeprefix("<").partition("@")[0])
