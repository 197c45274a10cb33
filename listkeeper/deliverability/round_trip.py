"""Proof by round trip: what a receiver saw of a mail of ours, beside what we expect (RFC 8601).

Only a mail that has been all the way proves the way: a relay may leave out our
signature or put its own, and an address nobody thought of may be the one that
receivers see. Whose word counts is for ``receivers_word`` to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.deliverability import finding, proof_comparison, receivers_word
from listkeeper.deliverability.dkim_key import DkimKey, KeyState
from listkeeper.deliverability.finding import Finding
from listkeeper.deliverability.proof_row import Agreement, Comparison, Expected
from listkeeper.deliverability.receivers_word import Word
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, language
from listkeeper.standards import dkim_verify, dns

MOST_BYTES = 1_048_576
_CRLF = b"\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_SIGNATURE = re.compile(rb"^dkim-signature[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Proof:
    """What came of it. ``whose`` says in a sentence whose word it is, ``offer`` what may be set; it may be empty."""

    domain: str
    at: datetime
    server: str
    believed: bool
    whose: str
    passed_over: tuple[str, ...]
    egress: str
    offer: str
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored and printed."""
        rows = [asdict(row) | {"agreement": row.agreement.value} for row in self.comparisons]
        return {
            "domain": self.domain,
            "at": clock.as_text(self.at),
            "server": self.server,
            "believed": self.believed,
            "whose": self.whose,
            "passed_over": list(self.passed_over),
            "egress": self.egress,
            "offer": self.offer,
            "comparisons": rows,
            "findings": [finding.as_json(row) for row in self.findings],
        }


def from_json(stored: dict[str, Any]) -> Proof:
    """Read what ``as_json`` made."""
    rows = [Comparison(**(row | {"agreement": Agreement(row["agreement"])})) for row in stored["comparisons"]]
    return Proof(
        **(
            stored
            | {
                "at": datetime.fromisoformat(stored["at"]),
                "passed_over": tuple(stored["passed_over"]),
                "comparisons": tuple(rows),
                "findings": tuple(finding.from_json(row) for row in stored["findings"]),
            }
        )
    )


def expected(session: Session, domain: SendingDomain, egress: Sequence[str], mail_from: str | None = None) -> Expected:
    """Return what mail of a domain should look like now; ``mail_from`` is a sender of its envelopes."""
    query = select(DkimKey.selector).where(DkimKey.sending_domain_id == domain.id, DkimKey.state == KeyState.SIGNING)
    signing = tuple(session.scalars(query.order_by(DkimKey.id))) if domain.signing else ()
    envelope = (mail_from or "").rpartition("@")[2]
    return Expected(domain.name, signing or (domain.selector,), domain.signing, tuple(egress), envelope)


def compare(raw: bytes, ours: Expected, resolver: dns.Resolver, now: datetime) -> Proof:
    """Return how a mail, or its pasted headers, stand to what we expect; call it with no transaction open.

    Never raises, whatever the bytes; of more than 1 MiB the beginning is read.
    """
    raw = raw[:MOST_BYTES]
    word = receivers_word.read(raw)
    judged = proof_comparison.judge(word, ours, own_verdicts(raw, resolver, now), resolver)
    return Proof(
        ours.domain,
        now,
        word.server,
        not word.doubt,
        _whose(word),
        word.passed_over,
        word.came_from,
        _offer(word, ours),
        judged.comparisons,
        judged.findings,
    )


def keep(domain: SendingDomain, proof: Proof) -> None:
    """Store what was found as the domain's last proof."""
    domain.proof = proof.as_json()


def last(domain: SendingDomain) -> Proof | None:
    """Return the domain's last proof, in the language it was made in."""
    return from_json(domain.proof) if domain.proof else None


def own_verdicts(raw: bytes, resolver: dns.Resolver, now: datetime) -> list[dkim_verify.Verdict] | None:
    """Return what our own verifier says of the signatures; None when there is no body to judge them by."""
    message = _BARE_LINE_FEED.sub(_CRLF, raw)
    head, _, body = message.partition(_CRLF * 2)
    if not body.strip() or not _SIGNATURE.search(head):
        return None
    return dkim_verify.verify(message, resolver, now)


def _whose(word: Word) -> str:
    if word.doubt:
        return language.text("Whose word this is cannot be told: %(reason)s.", reason=word.doubt)
    if not word.server:
        return language.text("This is the word of %(host)s, which took the mail in.", host=word.taken_by)
    return language.text(
        "This is the word of %(server)s; %(host)s took the mail in.", server=word.server, host=word.taken_by
    )


def _offer(word: Word, ours: Expected) -> str:
    """Return what the owner may set; a setting is never changed by what a mail says."""
    if word.doubt or not word.came_from or word.came_from in ours.egress:
        return ""
    setting = f"LISTKEEPER_EGRESS={','.join([*ours.egress, word.came_from])}"
    return language.text(
        "Receivers saw your mail come from %(ip)s. If that is your own server, or the relay you always send through, "
        "set %(setting)s, and its SPF is checked from then on.",
        ip=word.came_from,
        setting=setting,
    )
