"""The follow-ups, looked at again and again: who sets out, whose step is due, and who goes on after one that left."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import quiet_hours
from listkeeper.campaigns import follow_up
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import ListkeeperError, TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.following import follow_up_entry, follow_up_planning, follow_up_settling, follow_up_steering

# So many batches of one line in one look: the next look goes on.
_BATCHES = 40
_log = log.get(__name__)


def look() -> None:
    """Look at every follow-up that is on; run twice at once it does nothing twice."""
    with store.transaction() as session:
        follow_up_steering.close_those_of_closed_lists(session)
    now = clock.now()
    with store.reading() as session:
        # While its business rests nothing is planned either: nobody's step waits on a list of deliveries overnight.
        resting = quiet_hours.rests(session, now)
        found = [
            (each.id, each.organisation_id in resting, follow_up_entry.is_due(each, now))
            for each in follow_up.on(session)
        ]
    planned = 0
    for number, rests, looks in found:
        try:
            planned += _look_at(number, rests=rests, looks=looks)
        except TryAgain:
            raise
        except ListkeeperError as problem:
            _log.warning("follow_up.not_looked_at", follow_up=number, reason=problem.code)
        except Exception:  # noqa: BLE001 - one line with a fault of ours must not keep those behind it at home
            _log.exception("follow_up.not_looked_at", follow_up=number)
    if planned:
        parts.ring([Lane.SENDING])


def _look_at(number: int, *, rests: bool, looks: bool) -> int:
    known = parts.settings()
    if looks:
        _once(number, lambda session, each: follow_up_entry.look(session, each, practice=known.rehearsing))
    _once(number, follow_up_settling.call_back)
    _until_done(number, follow_up_settling.settle)
    if rests:
        return 0
    return _until_done(
        number, lambda session, each: follow_up_planning.plan(session, each, site=known.site, practice=known.rehearsing)
    )


_Act = Callable[[Session, FollowUp], int]


def _once(number: int, act: _Act) -> int:
    with store.transaction() as session:
        return act(session, session.get_one(FollowUp, number))


def _until_done(number: int, act: _Act) -> int:
    done = 0
    for _ in range(_BATCHES):
        step = _once(number, act)
        done += step
        if not step:
            break
    return done
