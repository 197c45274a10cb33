"""A way to send: where mail is handed over, for which sending domains, and how large its share is.

What is secret stays in fields that are never shown: ``name`` and ``shown`` are
for people, logs and the rows of deliveries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SMTP_SCHEMES = ("smtp", "smtps", "smtp+starttls")
# They change what our signature covers (``ses_api``, ``postmark_api``), and sign for a domain that is set up there.
SIGN_ANEW = frozenset({"ses", "postmark"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Way:
    """One way to send. ``place`` is a host and port, a region, a message stream or a provider's domain."""

    name: str
    kind: str
    place: str
    # How large its share is; 0 is a spare that carries mail only while no other can.
    weight: int = 1
    # The sending domains it is for, as A-labels; none means all that no other way is for.
    domains: tuple[str, ...] = ()
    # Where a provider is asked in place of its usual address.
    endpoint: str | None = None
    # An SMTP address with user and password, or a key and what belongs to it.
    address: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    configuration_set: str = ""
    # Whether a mail server that offers CHUNKING gets contents that way.
    chunking: bool = False
    # How many lines a worker with much to send keeps open to a mail server.
    lines: int = 2

    @property
    def shown(self) -> str:
        """Where mail leaves, without a secret."""
        return f"{self.kind}://{self.place}" if self.is_smtp else self.name

    @property
    def is_smtp(self) -> bool:
        """Whether mail is handed over by SMTP, not to a provider's interface."""
        return self.kind in SMTP_SCHEMES

    @property
    def ends_here(self) -> bool:
        """Whether what is handed over stays on this machine, as in practice mode and test rigs."""
        where = self.address if self.is_smtp else self.endpoint
        return self.kind == "practice" or (where is not None and urlsplit(where).hostname in LOOPBACK)


PRACTICE = Way(name="practice", kind="practice", place="inbox")


def leaves_by_relay(ways: Sequence[Way]) -> bool:
    """Return whether all mail is handed to servers of somebody else, so that receivers see their addresses.

    A mail server on this machine may hand it on or deliver it: that is not known from here.
    """
    return bool(ways) and not any(way.ends_here for way in ways)
