"""Asking the DNS about mail domains ahead of time: of new addresses, and of a letter's audience before it leaves."""

from __future__ import annotations

import time
from collections.abc import Sequence

import redis
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.audience import signup, subscription
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign
from listkeeper.deliverability import mail_host
from listkeeper.deliverability.mail_host import Learned, MailHostState
from listkeeper.foundation import log
from listkeeper.foundation.outbox import Lane

_QUIET_SECONDS = 30.0
_LOOK_AHEAD = "listkeeper.jobs.domains.look_ahead"
# What one job asks about: at 16 questions at a time this is over in a minute even when many do not answer.
_ASKED_AT_ONCE = 128
_ASKED_AHEAD = 4096
_SECONDS_AHEAD = 60.0
_log = log.get(__name__)
# When name servers were silent, sign-ups do not wait for them for a while: the flood must not stand still.
_asked_again_at = 0.0


def ask(signup_ids: Sequence[int]) -> None:
    """Learn what is not known yet of these signups' domains; what cannot be learned in two seconds is left."""
    global _asked_again_at  # noqa: PLW0603 - one process, one line to its name servers
    if not _may_ask() or time.monotonic() < _asked_again_at:
        return
    with store.reading() as session:
        domains = signup.unknown_domains(session, signup_ids)
    if not domains:
        return
    found = mail_host.ask(parts.resolver(), domains)
    if _silent(found):
        _log.warning("name_servers.silent", domains=len(found))
        _asked_again_at = time.monotonic() + _QUIET_SECONDS
    with store.transaction() as session:
        mail_host.remember(session, found)


def ring_ahead(_session: Session, campaign_ids: Sequence[int]) -> None:
    """Let somebody look who keeps the mail of these letters' audiences."""
    try:
        for number in campaign_ids:
            parts.enqueue(Lane.BACKGROUND, _LOOK_AHEAD, number)
    except redis.RedisError:
        # The timetable rings again.
        _log.warning("domains.not_looked_at")


def look_ahead_again() -> None:
    """Ring for every letter that is about to leave, or is leaving."""
    with store.reading() as session:
        ring_ahead(session, campaigns.about_to_leave(session))


def look_ahead(campaign_id: int) -> None:
    """Ask the DNS who keeps the mail of a letter's audience, as far as nobody knows it by now; bounded."""
    if not _may_ask():
        return
    with store.reading() as session:
        letter = session.get(Campaign, campaign_id)
        domains = subscription.domains(session, letter.list_id) if letter is not None else set()
        waiting = sorted(mail_host.unknown(session, mail_host.without_provider(session, domains)))[:_ASKED_AHEAD]
    until = time.monotonic() + _SECONDS_AHEAD
    while waiting and time.monotonic() < until:
        some, waiting = waiting[:_ASKED_AT_ONCE], waiting[_ASKED_AT_ONCE:]
        found = mail_host.ask(parts.resolver(), some, seconds=10.0)
        with store.transaction() as session:
            mail_host.remember(session, found)
        if _silent(found):
            _log.warning("name_servers.silent", domains=len(found))
            return


def _may_ask() -> bool:
    """Return whether the DNS is asked: while mail ends on this machine, people try domains that nobody has."""
    settings = parts.settings()
    return settings.check_mail_domains and not settings.rehearsing


def _silent(found: dict[str, Learned]) -> bool:
    return all(learned.state is MailHostState.UNKNOWN for learned in found.values())
