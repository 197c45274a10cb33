"""How strict the DMARC policy may be by now, from reports: none, then quarantine, then reject, each after 30 good days.

A stricter policy makes receivers throw away what fails, and so also mail of the
owner's own that nobody thought of. So it is advised only where reports are old
enough and many enough, and nearly all mail passes; otherwise it is "not known
yet", and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from listkeeper.deliverability import dmarc_report
from listkeeper.foundation import language
from listkeeper.insight import own_name
from listkeeper.insight.own_name import OwnName, Who

# Reports must reach back so many days, and count so many messages within them, on so many days.
DAYS = own_name.MONTH
LEAST_MESSAGES = 100
LEAST_DAYS = 3
# Thousandths of the messages that must pass.
LEAST_ALIGNED = 980
# Per cent of the failing mail that a policy is for, where an old record says so.
_ALL = 100


class Step(StrEnum):
    """What to do next."""

    NOT_KNOWN = "not_known"
    # Enough is known, and too much fails.
    WAIT = "wait"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    # The policy is there, and held back: t=y, or a pct below 100.
    WHOLE = "whole"
    # Also for names below the domain that do not exist.
    NAMES = "names"
    DONE = "done"


@dataclass(frozen=True)
class Advice:
    """What to do next about the policy at a name, with the sentence that says why; ``record`` are tags to change."""

    step: Step
    domain: str
    words: str
    record: str = ""


@dataclass(frozen=True)
class Facts:
    """What advice rests on. ``policy`` is as the newest report says (``dmarc_report``); ``own_*`` are mails of ours."""

    domain: str
    policy: dict[str, Any]
    days_reached: int
    days_reported: int
    messages: int
    aligned: int
    own_messages: int
    own_aligned: int
    strangers: int


def about(
    session: Session, organisation_id: int, domain: str, *, egress: tuple[str, ...] = (), month: OwnName | None = None
) -> Advice:
    """Return advice on the policy that counts for a domain: its own, or that of the nearest name above.

    ``month``: what is known of the domain's last 30 days already, which spares asking again.
    """
    newest = dmarc_report.governing(session, organisation_id, domain)
    if newest is None:
        return _unknown(
            domain,
            language.text("no receiver has reported yet. They report to the address after rua= in your DMARC record."),
        )
    name = newest.policy_domain
    seen = month
    if seen is None or seen.domain != name:
        seen = own_name.look(session, organisation_id, name, egress=egress, days=DAYS)
    return of(facts(seen, newest.policy, dmarc_report.first_day(session, organisation_id, name)))


def facts(seen: OwnName, policy: dict[str, Any], first: date | None) -> Facts:
    """Return what is known, from what receivers saw and the first day they reported about."""
    reached = (seen.until - first + timedelta(days=1)).days if first else 0
    ours = [source for source in seen.sources if source.who is not Who.OTHER]
    return Facts(
        domain=seen.domain,
        policy=policy,
        days_reached=reached,
        days_reported=sum(1 for day in seen.days if day.aligned or day.failing),
        messages=seen.messages,
        aligned=seen.messages - seen.failing,
        own_messages=sum(source.count for source in ours),
        own_aligned=sum(source.count - source.failing for source in ours),
        strangers=len(seen.others),
    )


def of(known: Facts) -> Advice:
    """Return advice from what is known."""
    settled = _settled(known)
    if settled is not None:
        return settled
    if (lacking := _lacking(known)) is not None:
        return _unknown(known.domain, lacking)
    if not _nearly_all_pass(known.aligned, known.messages):
        return Advice(Step.WAIT, known.domain, _too_much_fails(known))
    return _next(known)


def _settled(known: Facts) -> Advice | None:
    if _step(known.policy) is not Step.DONE:
        return None
    words = language.text(
        "The policy of %(domain)s is reject, the strictest there is: mail that fails is thrown away.",
        domain=known.domain,
    )
    return Advice(Step.DONE, known.domain, words)


def _lacking(known: Facts) -> str | None:
    """Say what is missing before anything can be advised; None when nothing is."""
    if known.days_reached < DAYS:
        return language.counted(
            "reports reach back %(number)s day, and %(least)s are needed.",
            "reports reach back %(number)s days, and %(least)s are needed.",
            known.days_reached,
            least=DAYS,
        )
    if known.messages < LEAST_MESSAGES:
        return language.counted(
            "receivers counted %(number)s mail in 30 days, and %(least)s are needed.",
            "receivers counted %(number)s mails in 30 days, and %(least)s are needed.",
            known.messages,
            least=LEAST_MESSAGES,
        )
    if known.days_reported < LEAST_DAYS:
        return language.counted(
            "receivers saw mail on %(number)s day of the last 30, and %(least)s are needed.",
            "receivers saw mail on %(number)s days of the last 30, and %(least)s are needed.",
            known.days_reported,
            least=LEAST_DAYS,
        )
    return None


def _unknown(domain: str, why: str) -> Advice:
    words = language.text("Not known yet whether the policy may be stricter, because %(why)s", why=why)
    return Advice(Step.NOT_KNOWN, domain, words)


def _nearly_all_pass(aligned: int, messages: int) -> bool:
    return messages > 0 and aligned * 1000 >= LEAST_ALIGNED * messages


def _too_much_fails(known: Facts) -> str:
    failing = language.share(1000 - known.aligned * 1000 // known.messages)
    if _nearly_all_pass(known.own_aligned, known.own_messages) and known.strangers:
        return language.counted(
            "Leave the policy as it is: %(share)s of the mail fails. Your own passes; what fails comes from "
            "%(number)s source that is not known to be yours. If you know that it is not, the stricter policy is what "
            "stops it.",
            "Leave the policy as it is: %(share)s of the mail fails. Your own passes; what fails comes from "
            "%(number)s sources that are not known to be yours. If you know that they are not, the stricter policy is "
            "what stops them.",
            known.strangers,
            share=failing,
        )
    return language.text(
        "Leave the policy as it is: %(share)s of the mail fails, and a stricter one would throw it away. Mend the "
        "sources below first.",
        share=failing,
    )


def _step(policy: dict[str, Any]) -> Step:
    """Return what follows on a policy, given that mail passes."""
    word = policy.get("p", "")
    if word not in {"quarantine", "reject"}:
        return Step.QUARANTINE
    if policy.get("testing") or policy.get("pct", _ALL) < _ALL:
        return Step.WHOLE
    if word == "quarantine":
        return Step.REJECT
    strict = policy.get("np") or policy.get("sp") or word
    return Step.DONE if strict == "reject" else Step.NAMES


def _next(known: Facts) -> Advice:
    step, share = _step(known.policy), language.share(known.aligned * 1000 // known.messages)
    said = language.text("In 30 days %(share)s of the mail under %(domain)s passed.", share=share, domain=known.domain)
    then, record = _then(step)
    return Advice(step, known.domain, f"{said} {then}", record)


def _then(step: Step) -> tuple[str, str]:
    """Say what may be done now, with the tags to change."""
    match step:
        case Step.QUARANTINE:
            words = language.text("The policy may be quarantine now: what fails goes to the spam folder.")
            return words, "p=quarantine"
        case Step.REJECT:
            return language.text("The policy may be reject now: what fails is thrown away."), "p=reject"
        case Step.WHOLE:
            return language.text("The policy may count in full now: take t=y and pct= out of the record."), "t=n"
        case _:
            words = language.text("Mail from names below it that do not exist may be thrown away as well.")
            return words, "np=reject"
