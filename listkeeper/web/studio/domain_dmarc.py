"""What DMARC says of mail from a domain, as its page shows it: the policy, where it stands, and the way to reject."""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.deliverability import alignment
from listkeeper.deliverability.alignment import Table
from listkeeper.deliverability.kept_answers import KeptAnswers
from listkeeper.foundation import language
from listkeeper.standards import dmarc
from listkeeper.standards.dmarc import Discovery
from listkeeper.standards.dmarc_record import Mode, Policy
from listkeeper.web.studio.words import Said


@dataclass(frozen=True)
class Stage:
    """One policy on the way from none to reject, what it does, and whether it is reached."""

    policy: str
    words: str
    reached: bool


@dataclass(frozen=True)
class Shown:
    """The policy in a sentence, the walk that found it, the table of alignment, and the stages."""

    found: Discovery
    policy: str
    table: Table
    stages: tuple[Stage, ...]


def of(domain: str, kept: KeptAnswers, *, signing: bool, envelope: str) -> Shown:
    """Return what the last check saw of a domain's DMARC record.

    ``envelope`` is the domain of MAIL FROM; the signature is of the domain itself.
    """
    found = dmarc.discover(domain, kept)
    signed = [domain] if signing else []
    table = alignment.alignment_table(found, kept, mail_from_domain=envelope, dkim_domains=signed)
    return Shown(found, _policy(found), table, tuple(_stages(found.policy)))


def _policy(found: Discovery) -> str:
    if found.policy is None:
        return language.text("No policy counts: %(reason)s.", reason=found.reason)
    asked = {
        Policy.NONE: language.text("Receivers are asked to do nothing about forged mail (none)."),
        Policy.QUARANTINE: language.text("Receivers are asked to put forged mail among the spam (quarantine)."),
        Policy.REJECT: language.text("Receivers are asked to refuse forged mail (reject)."),
    }[found.policy]
    return f"{asked} {language.text('That stands at %(name)s.', name=found.found_at or '')}"


def _stages(policy: Policy | None) -> list[Stage]:
    words = {
        Policy.NONE: language.text("Watch: receivers report who sends as you, and change nothing."),
        Policy.QUARANTINE: language.text("Protect: forged mail goes to the spam folder."),
        Policy.REJECT: language.text("Shut the door: forged mail is refused."),
    }
    return [
        Stage(one.value, said, policy is not None and policy.strength >= one.strength) for one, said in words.items()
    ]


def aligned(passes: bool | None) -> Said:  # noqa: FBT001 - a cell of the table
    """Say in one word whether two names belong together."""
    if passes is None:
        return Said(language.text("not known"), "warn")
    return Said(language.text("fits"), "good") if passes else Said(language.text("does not fit"), "bad")


def rule(mode: Mode) -> str:
    """Say which rule the record asks for."""
    return {
        Mode.RELAXED: language.text("relaxed: one organisation"),
        Mode.STRICT: language.text("strict: the very same name"),
    }[mode]
