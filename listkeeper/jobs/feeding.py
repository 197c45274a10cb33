"""Looking at the feeds whose hour has come: asked with no transaction open, and taken in with one.

Two looks at once ask twice and make one letter: the feed's row is locked, and
its next turn is written in the transaction in which the letter is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from listkeeper import parts, store
from listkeeper.accounts import audit_log, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import feed_letter, feed_pictures, schedule
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.feed_letter import FeedLetter
from listkeeper.campaigns.feed_pictures import Files
from listkeeper.foundation import clock, language, log
from listkeeper.foundation.errors import Invalid, ListkeeperError, TryAgain
from listkeeper.jobs import domain_watch
from listkeeper.rendering.feeds import feed
from listkeeper.rendering.feeds.feed import Feed
from listkeeper.sending import feeding

_ACTOR = "clock"
_log = log.get(__name__)


@dataclass(frozen=True)
class _Turn:
    """A feed whose turn it is, taken out of the session."""

    number: int
    url: str
    spoken: str
    owner: int
    was_due: datetime


def look() -> None:
    """Look at every feed whose turn it is, each by itself."""
    with store.reading() as session:
        found = [session.get_one(FeedLetter, number) for number in feed_letter.due(session, clock.now())]
        turns = [
            _Turn(each.id, each.url, session.get_one(Organisation, each.organisation_id).language,
                  each.organisation_id, each.next_at)
            for each in found
        ]  # fmt: skip
    for turn in turns:
        try:
            _look_at(turn)
        except Exception:  # noqa: BLE001 - one feed that is beyond us must not keep the others waiting
            _log.exception("feed.not_looked_at", feed=turn.number)


def _look_at(turn: _Turn) -> None:
    with language.using(turn.spoken):
        try:
            read = feed.fetch(parts.documents(), turn.url)
        except (Invalid, TryAgain) as problem:
            _log.info("feed.unreadable", feed=turn.number, reason=problem.code)
            _note(turn, problem.message)
            return
        letter = _take(turn, read, _pictures(turn, read))
    if letter is not None:
        _order(turn, letter)


def _pictures(turn: _Turn, read: Feed) -> Files:
    with store.reading() as session:
        found = session.get(FeedLetter, turn.number)
        shown = feed_letter.pictures_of(found, read) if found is not None else []
    return feed_pictures.bring(parts.documents(), shown)


def _note(turn: _Turn, words: str) -> None:
    with store.transaction() as session:
        found = feed_letter.lock(session, turn.number)
        if found is not None and found.next_at == turn.was_due:
            zone = storefront.zone_of(session, session.get_one(Organisation, turn.owner))
            feed_letter.note_trouble(found, words, zone)


def _take(turn: _Turn, read: Feed, files: Files) -> int | None:
    """Make a draft of what is new; return its number when it shall leave by itself."""
    with store.transaction() as session:
        found = feed_letter.lock(session, turn.number)
        if found is None or not found.switched_on or found.next_at != turn.was_due:
            # Somebody else has looked since, or its owner thought better of it.
            return None
        zone = storefront.zone_of(session, session.get_one(Organisation, turn.owner))
        made = feed_letter.take(session, found, read, zone=zone, files=files, folder=parts.media_folder())
        if made is None:
            return None
        audit_log.record(session, turn.owner, _ACTOR, "campaign.created", made.public_id)
        _log.info("feed.became_letter", feed=turn.number, campaign=made.id)
        if found.automatic and clock.now() - turn.was_due > parts.settings().late:
            feeding.came_late(session, made.id)
            return None
        return made.id if found.automatic else None


def _order(turn: _Turn, number: int) -> None:
    known = parts.settings()
    try:
        domain_watch.before_leaving(turn.owner)
        with store.transaction() as session:
            ordered = feeding.order(
                session, number, site=known.site, practice=known.rehearsing, gate=known.gate, hold=known.hold
            )
            if ordered:
                letter = session.get_one(Campaign, number)
                audit_log.record(session, turn.owner, _ACTOR, schedule.ACTS[letter.state], letter.public_id)
    except ListkeeperError as problem:
        _log.warning("feed.kept_back", feed=turn.number, campaign=number, reason=problem.code)
        with store.transaction() as session:
            feeding.keep_back(session, number, problem)
