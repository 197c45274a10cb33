"""The letters that are ordered or under way, looked at again and again: what is due begins, what leaves is measured."""

from __future__ import annotations

from listkeeper import parts, store
from listkeeper.accounts import audit_log
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import ListkeeperError, TryAgain
from listkeeper.jobs import domain_watch, trying
from listkeeper.sending import beginning, delivery, progress, steering, stops
from listkeeper.sending.pacing import tempo

_ACTOR = "clock"
_log = log.get(__name__)


def look_around() -> None:
    """Look at every letter that is ordered or under way; run twice at once it does nothing twice."""
    _begin_due()
    _look_at_those_under_way()
    trying.look_around()


def _look_at_those_under_way() -> None:
    """Write down how far each is, from which comes how fast it leaves; stop what passes a threshold, end tests."""
    settled: dict[int, int] = {}
    called = []
    with store.reading() as session:
        known = tempo.letters(session)
        for number in campaigns.under_way(session):
            found = delivery.counts(session, number)
            settled[number] = progress.settled(found)
            if steering.calls(session, session.get_one(Campaign, number), found):
                called.append(number)
    if known or settled:
        with store.transaction() as session:
            tempo.note(session, settled)
    for number in called:
        _act(number)


def look_at(number: int) -> int:
    """Stop one letter if it passes a threshold; return after how many more refusals it should be looked at again."""
    with store.reading() as session:
        letter = session.get_one(Campaign, number)
        if letter.state is not CampaignState.SENDING:
            return letter.recipients + 1
        figures, room = stops.standing(session, letter)
    if figures is not None:
        _act(number)
    return room


def _act(number: int) -> None:
    with store.transaction() as session:
        letter = session.get_one(Campaign, number)
        happened = steering.act(session, letter)
        if happened is not None:
            audit_log.record(session, letter.organisation_id, _ACTOR, happened, letter.public_id)
            _log.warning("campaign.steered", campaign=number, act=happened)


def _begin_due() -> None:
    """Begin the letters whose time has come, each in a transaction of its own."""
    late = parts.settings().late
    with store.reading() as session:
        due = schedule.due(session, clock.now(), late)
    for number in due:
        try:
            domain_watch.before_leaving(_owner_of(number))
            _begin(number)
        except TryAgain:
            raise
        except ListkeeperError as problem:
            _log.warning("campaign.called_back", campaign=number, reason=problem.code)
            with store.transaction() as session:
                beginning.call_back(session, number, problem)
        except Exception:  # noqa: BLE001 - one letter with a fault of ours must not keep the others at home
            _log.exception("campaign.not_begun", campaign=number)


def _owner_of(number: int) -> int:
    with store.reading() as session:
        return session.get_one(Campaign, number).organisation_id


def _begin(number: int) -> None:
    settings = parts.settings()
    with store.transaction() as session:
        begun = beginning.begin_due(
            session, number, site=settings.site, practice=settings.rehearsing, late=settings.late, gate=settings.gate
        )
        if begun:
            letter = session.get_one(Campaign, number)
            audit_log.record(session, letter.organisation_id, _ACTOR, "campaign.started", letter.public_id)
