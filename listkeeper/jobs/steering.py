"""The letters that are ordered or under way, looked at again and again: what is due begins, what leaves is measured."""

from __future__ import annotations

from listkeeper import parts, store
from listkeeper.accounts import audit_log
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import ListkeeperError, TryAgain
from listkeeper.sending import beginning, progress, tempo

_ACTOR = "clock"
_log = log.get(__name__)


def look_around() -> None:
    """Look at every letter that is ordered or under way; run twice at once it does nothing twice."""
    _begin_due()
    _measure()


def _measure() -> None:
    """Write down how far each letter under way is: from two such looks comes how fast it leaves."""
    with store.reading() as session:
        known = tempo.letters(session)
        settled = {number: progress.settled(session, number) for number in campaigns.under_way(session)}
    if known or settled:
        with store.transaction() as session:
            tempo.note(session, settled)


def _begin_due() -> None:
    """Begin the letters whose time has come, each in a transaction of its own."""
    late = parts.settings().late
    with store.reading() as session:
        due = schedule.due(session, clock.now(), late)
    for number in due:
        try:
            _begin(number)
        except TryAgain:
            raise
        except ListkeeperError as problem:
            _log.warning("campaign.called_back", campaign=number, reason=problem.code)
            with store.transaction() as session:
                beginning.call_back(session, number, problem)
        except Exception:  # noqa: BLE001 - one letter with a fault of ours must not keep the others at home
            _log.exception("campaign.not_begun", campaign=number)


def _begin(number: int) -> None:
    settings = parts.settings()
    with store.transaction() as session:
        begun = beginning.begin_due(
            session, number, site=settings.site, practice=settings.rehearsing, late=settings.late
        )
        if begun:
            letter = session.get_one(Campaign, number)
            audit_log.record(session, letter.organisation_id, _ACTOR, "campaign.started", letter.public_id)
