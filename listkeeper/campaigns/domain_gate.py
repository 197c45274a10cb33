"""What receivers make of the domain a letter comes from, as far as it stands in the way of sending it.

The domain's last check speaks (``sending_domain``), which is read again before
a letter leaves when it is older than an hour. What blocks stops a send by a
real way; what could not be checked is asked about; and in practice mode, where
nothing leaves, all of it is a hint. An owner who knows better says so, with a
reason that stays on the letter: ``override``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns.campaign import Campaign
from listkeeper.deliverability import freemail, proven, sending_domain
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.standards import address

# A check older than this is made again before a letter leaves.
FRESH = timedelta(hours=1)
_LONGEST_REASON = 500
_SHORTEST_REASON = 5
_FREEMAIL = "support.google.com/a/answer/81126"


def domain_of(organisation: Organisation) -> str:
    """Return the domain letters come from, as an A-label."""
    return address.domain_name(organisation.from_domain)


def inspect(session: Session, campaign: Campaign, gate: Gate) -> list[Finding]:
    """Return what is wrong or not known of the domain a letter comes from, as severe as it is for this send."""
    organisation = session.get_one(Organisation, campaign.organisation_id)
    found = [row for row in _of_domain(session, organisation, gate) if row.severity is not Severity.INFO]
    return [_weighed(row, gate, campaign.overrides or {}) for row in found]


def _of_domain(session: Session, organisation: Organisation, gate: Gate) -> list[Finding]:
    name = domain_of(organisation)
    if freemail.is_freemail(name):
        return [_somebody_elses(name)]
    known = sending_domain.by_name(session, organisation.id, name)
    if known is not None and known.last_checked_at is not None:
        return proven.known(session, known, known.last_findings)
    return [] if gate is Gate.HINT else [_never_read(name)]


def _somebody_elses(name: str) -> Finding:
    words = language.text(
        "Your letters come from an address at %(domain)s, which belongs to a mailbox provider: Gmail, Yahoo and "
        "Outlook refuse letters that say so and come from elsewhere.",
        domain=name,
    )
    mend = language.text("Choose a sender address at a domain of your own.")
    return Finding("G9", Severity.BLOCK, name, words, mend=mend, reference=_FREEMAIL)


def _never_read(name: str) -> Finding:
    words = language.text(
        "Unknown what receivers make of %(domain)s, because its records were never read.", domain=name
    )
    return Finding("G1", Severity.UNKNOWN, name, words, reference="RFC 7208 section 4")


def _weighed(found: Finding, gate: Gate, overrides: Mapping[str, Mapping[str, str]]) -> Finding:
    if gate is Gate.HINT:
        return replace(found, severity=Severity.INFO)
    if found.severity is not Severity.BLOCK:
        return found
    if found.code in overrides:
        words = language.text(
            "%(finding)s You send all the same: %(reason)s",
            finding=found.message,
            reason=overrides[found.code]["reason"],
        )
        return replace(found, severity=Severity.WARN, message=words)
    return replace(found, severity=Severity.WARN) if gate is Gate.WARN else found


def unknown(findings: Iterable[Finding], gate: Gate) -> list[Finding]:
    """Return what has to be asked about before a letter leaves: checks of its domain that could not be made."""
    return [row for row in findings if row.severity is Severity.UNKNOWN and _is_about(row)] if gate is Gate.STOP else []


def _is_about(found: Finding) -> bool:
    """Whether a finding is about the domain, not about the letter's own links, and could have stopped the send."""
    return found.code[0] != "L" and not found.is_minor


def demand_known(findings: Sequence[Finding], gate: Gate, *, accepted: bool) -> None:
    """Raise Conflict when something about the domain could not be checked and nobody has said to send all the same."""
    asked = [] if accepted else unknown(findings, gate)
    if asked:
        sentences = " ".join(dict.fromkeys(row.message for row in asked))
        raise Conflict(
            "domain_unknown",
            language.counted(
                "%(number)s check of your domain could not be made: %(sentences)s",
                "%(number)s checks of your domain could not be made: %(sentences)s",
                len(asked),
                sentences=sentences,
            ),
        )


def override(session: Session, campaign: Campaign, reasons: Mapping[str, str], gate: Gate, actor: str) -> list[str]:
    """Let a letter leave in spite of findings that block, by their codes; return those that did.

    The reasons stay on the letter. What does not block now needs none and is passed over. Raises Invalid for a reason
    that says nothing.
    """
    blocking = {row.code for row in inspect(session, campaign, gate) if row.severity is Severity.BLOCK}
    taken = {code: reason.strip() for code, reason in reasons.items() if code in blocking}
    for code, reason in taken.items():
        if not _SHORTEST_REASON <= len(reason) <= _LONGEST_REASON:
            raise Invalid(
                "override_reason",
                language.text("Say in a few words why %(code)s does not stop this letter.", code=code),
            )
    said = {"by": actor, "at": clock.as_text(clock.now())}
    if taken:
        campaign.overrides = (campaign.overrides or {}) | {
            code: {"reason": reason, **said} for code, reason in taken.items()
        }
    return sorted(taken)
