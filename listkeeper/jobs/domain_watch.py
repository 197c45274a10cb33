"""Reading the records of our own domains again and again, and telling their owner what became worse."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import domain_gate
from listkeeper.deliverability import domain_check, drift, freemail, key_rotation, sending_domain
from listkeeper.deliverability.gate import Gate
from listkeeper.deliverability.key_rotation import Stage
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, language
from listkeeper.sending import bulk_count, domain_news


def look() -> None:
    """Check again each domain whose last check is a day old, or an hour while a letter from it is about to leave.

    In practice mode nobody receives anything, and nothing is asked.
    """
    if parts.settings().gate is Gate.HINT:
        return
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            return
        owner_id = owner.id
        leaving = domain_gate.domain_of(owner) if campaigns.about_to_leave(session) else None
        moment = clock.now()
        due = [
            domain.id
            for domain in sending_domain.every(session, owner.id)
            if drift.is_due(domain, moment, _at_most(session, domain, leaving))
        ]
    for number in due:
        _check(number)
    with store.transaction() as session:
        bulk_count.note(session, owner_id)


def _at_most(session: Session, domain: SendingDomain, leaving: str | None) -> timedelta:
    """Return how old a check may be: an hour where a letter is about to leave, or a key is being changed."""
    changes = key_rotation.of(session, domain).stage is not Stage.RESTS
    return domain_gate.FRESH if changes or domain.name == leaving else drift.DAILY


def before_leaving(organisation_id: int) -> None:
    """Check the domain letters come from, unless that was done within the hour: one of them is about to leave."""
    if parts.settings().gate is Gate.HINT:
        return
    with store.transaction() as session:
        owner = session.get_one(Organisation, organisation_id)
        name = domain_gate.domain_of(owner)
        if freemail.is_freemail(name):
            # Nothing that its records say would let this letter leave, and they are not the owner's to mend.
            return
        known = sending_domain.by_name(session, owner.id, name) or sending_domain.add(session, owner.id, name)
        number, is_due = known.id, drift.is_due(known, clock.now(), domain_gate.FRESH)
    if is_due:
        _check(number)


def _check(number: int) -> None:
    """Ask, and keep what was said in the words of the owner's language; what became worse is told."""
    with store.reading() as session:
        domain = session.get_one(SendingDomain, number)
        asked = domain_check.question(session, domain)
        spoken = session.get_one(Organisation, domain.organisation_id).language
    with language.using(spoken):
        checked = domain_check.look(
            asked,
            parts.resolver(),
            egress=parts.settings().egress,
            mail_from=parts.envelope_sender(parts.settings()),
            around=parts.surroundings(),
        )
        with store.transaction() as session:
            domain_news.keep(session, session.get_one(SendingDomain, number), checked, parts.settings().gate)
