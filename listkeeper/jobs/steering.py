"""The letters that are ordered or under way, looked at again and again: what is due begins."""

from __future__ import annotations

from listkeeper import parts, store
from listkeeper.accounts import audit_log
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import ListkeeperError, TryAgain
from listkeeper.sending import beginning

_ACTOR = "clock"
_log = log.get(__name__)


def look_around() -> None:
    """Begin the letters whose time has come, each in a transaction of its own; run twice it begins nothing twice."""
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
