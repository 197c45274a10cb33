"""What the job decides about a signup, once it knows whose address it is."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import suppression
from listkeeper.audience.guard import mailbox
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.suppression import Reason
from listkeeper.deliverability import mail_host
from listkeeper.foundation import throttle
from listkeeper.standards import address_typo
from listkeeper.standards.address import Address

_HOUR = timedelta(hours=1)
# A town's worth of people have their mailbox at one of these: that is no attack on the provider.
_TIMES_FOR_PROVIDERS = 20


class Verdict(StrEnum):
    """What may happen with a signup."""

    ASK = "ask"
    BRAKED = "braked"
    SUPPRESSED = "suppressed"
    # The domain has said that it takes no mail at all (RFC 7505), or does not exist.
    NO_MAIL = "no_mail"


def judge(session: Session, organisation: Organisation, parsed: Address, limits: Limits) -> Verdict:
    """Say whether this address may be asked to confirm now."""
    key = suppression.key_of(organisation.id, parsed.key)
    for row in suppression.reasons(session, organisation.id, key):
        # Who left may come back by a new confirmation; who said "not me" is not asked again.
        if row.scope == suppression.CONFIRMATIONS or row.reason in {Reason.LEGAL, Reason.NOT_ME}:
            return Verdict.SUPPRESSED
    if mail_host.takes_no_mail(session, parsed.domain):
        return Verdict.NO_MAIL
    if mailbox.is_braked(session, mailbox.brake_key(parsed), limits):
        return Verdict.BRAKED
    return Verdict.ASK if _domain_has_room(session, parsed, limits) else Verdict.BRAKED


def _domain_has_room(session: Session, parsed: Address, limits: Limits) -> bool:
    """Count a mail for its domain: whoever owns it is not bombed by asking each of its mailboxes once."""
    times = _TIMES_FOR_PROVIDERS if address_typo.is_provider(parsed.domain) else 1
    return throttle.take(session, "signup-domain", parsed.domain, limits.signups_per_domain_hour * times, _HOUR)
