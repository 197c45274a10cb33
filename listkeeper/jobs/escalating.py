"""Escalating: once a minute, who waits for an answer or for news is looked at, and owners are told in time."""

from __future__ import annotations

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.feedback import promise
from listkeeper.foundation import log
from listkeeper.sending import notice_watch

_log = log.get(__name__)


def look() -> None:
    """Set the clocks of new conversations, and write to the owners about those that have nearly run out."""
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None or not promise.is_anybody_there(session, owner):
            return
    with store.transaction() as session:
        told = promise.look(session, organisation.only_one(session), parts.promise())
        if told is not None:
            _log.warning("incident.told", kind=told.kind.value, incident=told.id)


def look_at_notices() -> None:
    """Write to the owners when more was promised about a status notice by now, once for each promise."""
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None or not notice_watch.is_anything_due(session, owner):
            return
    with store.transaction() as session:
        told = notice_watch.look(session, organisation.only_one(session))
        if told is not None:
            _log.warning("incident.told", kind=told.kind.value, incident=told.id)
