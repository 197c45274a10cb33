"""What the job decides about a signup, once it knows whose address it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import suppression
from listkeeper.audience.guard import mailbox
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.suppression import Reason, Suppression
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
    return judge_all(session, organisation, [parsed], limits)[0]


def judge_all(
    session: Session, organisation: Organisation, addresses: Sequence[Address], limits: Limits
) -> list[Verdict]:
    """Say of each address whether it may be asked to confirm now, in order: the second of one mailbox may not."""
    keys = [suppression.key_of(organisation.id, parsed.key) for parsed in addresses]
    against = suppression.reasons_of(session, organisation.id, set(keys))
    shut = mail_host.shut(session, {parsed.domain for parsed in addresses})
    counted = [mailbox.brake_key(parsed) for parsed in addresses]
    mailbox.take_turns(session, counted)
    room = mailbox.room(session, set(counted), limits)
    verdicts = []
    for parsed, key, brake in zip(addresses, keys, counted, strict=True):
        if _never(against.get(key, ())):
            verdicts.append(Verdict.SUPPRESSED)
        elif parsed.domain in shut:
            verdicts.append(Verdict.NO_MAIL)
        else:
            verdicts.append(Verdict.ASK if room[brake] > 0 else Verdict.BRAKED)
            room[brake] -= 1
    return _within_domains(session, addresses, verdicts, limits)


def _never(against: Iterable[Suppression]) -> bool:
    """Whether nobody may ask: who left may come back by a new confirmation, who said "not me" is not asked again."""
    return any(row.scope == suppression.CONFIRMATIONS or row.reason in {Reason.LEGAL, Reason.NOT_ME} for row in against)


def _within_domains(
    session: Session, addresses: Sequence[Address], verdicts: list[Verdict], limits: Limits
) -> list[Verdict]:
    """Count the mails of each domain: whoever owns it is not bombed by asking each of its mailboxes once."""
    asked = Counter(
        parsed.domain for parsed, verdict in zip(addresses, verdicts, strict=True) if verdict is Verdict.ASK
    )
    left = {domain: _take(session, domain, asked[domain], limits) for domain in sorted(asked)}
    for place, (parsed, verdict) in enumerate(zip(addresses, verdicts, strict=True)):
        if verdict is Verdict.ASK:
            left[parsed.domain] -= 1
            if left[parsed.domain] < 0:
                verdicts[place] = Verdict.BRAKED
    return verdicts


def _take(session: Session, domain: str, wanted: int, limits: Limits) -> int:
    times = _TIMES_FOR_PROVIDERS if address_typo.is_provider(domain) else 1
    most = limits.signups_per_domain_hour * times
    return throttle.take_some(session, "signup-domain", domain, wanted, most, _HOUR)
