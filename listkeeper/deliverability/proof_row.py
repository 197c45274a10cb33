"""The rows of a proof by round trip: one thing we expect, what the receiver saw, and what follows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.deliverability.finding import Finding
from listkeeper.deliverability.receivers_word import Word
from listkeeper.standards import foreign_text, public_suffix
from listkeeper.standards.auth_results import Verdict

MOST_SHOWN = 200
REFERENCE = "RFC 8601"
# How servers name in a comment whom they looked at, when they name him nowhere else.
_DOMAIN_OF = re.compile(r"\bdomain of (\S+)")


class Agreement(StrEnum):
    """How what they saw stands to what we expect."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_SAID = "not_said"


@dataclass(frozen=True)
class Comparison:
    """One thing we expect, and what they saw; both are short and technical, ``words`` are a sentence."""

    what: str
    expected: str
    seen: str
    agreement: Agreement
    words: str


@dataclass(frozen=True)
class Expected:
    """What mail of a domain should look like to a receiver.

    ``selectors`` are those we sign with now, or would once signing is switched
    on; ``signing`` says whether it is. ``egress`` are the addresses that the
    settings name, ``envelope`` is the domain of MAIL FROM where it is another one.
    """

    domain: str
    selectors: tuple[str, ...]
    signing: bool
    egress: tuple[str, ...] = ()
    envelope: str = ""

    @property
    def mail_from(self) -> str:
        """The domain of MAIL FROM, for which SPF passes or not."""
        return self.envelope or self.domain


Row = tuple[Comparison, Finding | None]


def unsaid(what: str, expected: str, words: str, found: Finding | None = None) -> Row:
    """Return a row of which the receiver says nothing."""
    return Comparison(what, expected, "", Agreement.NOT_SAID, words), found


def row(what: str, expected: str, seen: str, found: Finding, *, agrees: bool) -> Row:
    """Return a row with the finding that follows."""
    agreement = Agreement.AGREES if agrees else Agreement.DIFFERS
    return Comparison(what, expected, seen, agreement, found.message), found


def shown(verdict: Verdict) -> str:
    """Return a verdict as it stands in the header, short enough to be shown."""
    named = " ".join(f"{one.ptype}.{one.name}={one.value}" for one in verdict.properties if one.ptype != "policy")
    return foreign_text.clean(f"{verdict.method}={verdict.result} {named}", MOST_SHOWN)


def signer_of(verdict: Verdict) -> str:
    """Return the d= of a signature that a receiver judged; empty when it is not said."""
    identity = (verdict.value("header", "i") or "").rpartition("@")[2]
    return _plain(verdict.value("header", "d") or identity)


def envelope_of(word: Word) -> str:
    """Return the domain of MAIL FROM that a receiver judged; empty when it is not said."""
    said = word.first("spf")
    named = (said.value("smtp", "mailfrom") or "") if said else ""
    if not named and word.received_spf:
        of = _DOMAIN_OF.search(word.received_spf.comment)
        named = word.received_spf.pairs.get("envelope-from") or (of.group(1) if of else "")
    return _plain(named.strip("<>").rpartition("@")[2])


def _plain(domain: str) -> str:
    return foreign_text.clean(domain.lower().rstrip("."), MOST_SHOWN)


def is_same(one: str, other: str) -> bool:
    """Return whether two domains belong to one registered name."""
    return (public_suffix.registrable(one) or one) == (public_suffix.registrable(other) or other)
