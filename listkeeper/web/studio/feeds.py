"""Feeds that become letters: what is read of one, when it is looked at, and what came of it.

Sites are asked only when a button is pressed, and while no transaction is open.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from babel.dates import format_date
from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.mailing_list import ListState
from listkeeper.campaigns import feed_letter, feed_pictures, feed_rhythm
from listkeeper.campaigns.feed_letter import FeedLetter
from listkeeper.campaigns.feed_rhythm import Cadence, Rhythm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError, TryAgain
from listkeeper.rendering.feeds import feed
from listkeeper.rendering.feeds.feed import Feed
from listkeeper.web import problems
from listkeeper.web.studio import member, page

blueprint = Blueprint("feeds", __name__, url_prefix=page.ROOT)

_MONDAY = date(2026, 11, 23)
# So many of a feed's items are shown before it is taken, and go into a draft that is asked for.
_SHOWN = 5
_USUAL_HOUR = 9
# For so many seconds somebody who pressed a button waits for pictures.
_PATIENCE = 5.0


@blueprint.get("/feeds")
def show() -> Response:
    """Show the feeds, and the field for one more."""
    return _shown()


def _shown(*, read: Feed | None = None, problem: ListkeeperError | None = None) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        lists = [each for each in mailing_list.all_of(session, owner) if _takes_letters(each)]
        return page.answer(
            session,
            "feeds",
            feeds=feed_letter.all_of(session, owner),
            lists=lists,
            zone=storefront.zone_of(session, owner),
            read=read,
            items=read.items[:_SHOWN] if read else (),
            typed=request.form if read is not None or problem is not None else {},
            usual_hour=_USUAL_HOUR,
            weekdays=_weekdays(),
            Cadence=Cadence,
            ListState=ListState,
            problem=problem,
            status=problems.status_of(problem) if problem is not None else 200,
        )


def _takes_letters(found: mailing_list.MailingList) -> bool:
    return found.state is ListState.ACTIVE and not found.is_service


def _weekdays() -> list[tuple[int, str]]:
    """Return the days of the week, each with its number, in the language of the studio."""
    spoken = language.current()
    return [(day, format_date(_MONDAY + timedelta(days=day), "EEEE", locale=spoken)) for day in range(7)]


@blueprint.post("/feeds/read")
def read() -> Response:
    """Read a feed and show what is in it; nothing is kept yet."""
    try:
        found = _fetched(request.form.get("url", ""))
    except (Invalid, TryAgain) as problem:
        return _shown(problem=problem)
    return _shown(read=found)


def _fetched(url: str) -> Feed:
    """Return a feed as it is now; called while no transaction is open."""
    return feed.fetch(parts.documents(), url.strip())


@blueprint.post("/feeds")
def add() -> Response | AnyResponse:
    """Let a feed become letters from now on; what is in it now counts as seen."""
    url = request.form.get("url", "").strip()
    try:
        found, rhythm = _fetched(url), _rhythm()
        with store.transaction() as session:
            owner = organisation.only_one(session)
            made = feed_letter.add(
                session,
                owner,
                mailing_list.named(session, owner, request.form.get("list", "")),
                url=url,
                read=found,
                rhythm=rhythm,
                zone=storefront.zone_of(session, owner),
                automatic=_automatic(),
            )
            audit_log.record(session, owner.id, member.present().actor, "feed.added", made.public_id)
    except (Invalid, Conflict, TryAgain) as problem:
        return _shown(problem=problem)
    said = language.text("Added. What is there now counts as seen; the next new item becomes a letter.")
    return page.back_to("feeds.show", said)


def _rhythm() -> Rhythm:
    typed = request.form
    return feed_rhythm.read(typed.get("cadence", ""), typed.get("weekday", ""), typed.get("hour", ""))


def _automatic() -> bool:
    return bool(request.form.get("automatic"))


# Does one thing to a feed, which is locked, and says what was done; and the letter to open, if one was made.
_Act = Callable[[Session, Organisation, FeedLetter], tuple[str, str | None]]


def _do(public_id: str, action: str, act: _Act) -> Response | AnyResponse:
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = feed_letter.lock(session, feed_letter.named(session, owner, public_id).id)
            if found is None:
                return page.back_to("feeds.show")
            said, letter = act(session, owner, found)
            audit_log.record(session, owner.id, member.present().actor, action, public_id)
    except (Invalid, Conflict) as problem:
        return _shown(problem=problem)
    if letter is not None:
        return page.back_to("composer.show", said, public_id=letter)
    return page.back_to("feeds.show", said)


def _read_again(public_id: str) -> Feed:
    with store.reading() as session:
        url = feed_letter.named(session, organisation.only_one(session), public_id).url
    return _fetched(url)


@blueprint.post("/feeds/<public_id>/look")
def look(public_id: str) -> Response | AnyResponse:
    """Look now: what is new becomes a draft, also of a feed whose letters leave by themselves."""
    return _drafted(public_id, 0)


@blueprint.post("/feeds/<public_id>/draft")
def draft(public_id: str) -> Response | AnyResponse:
    """Make a draft of the newest items, whether they have been in a letter or not."""
    return _drafted(public_id, _SHOWN)


def _drafted(public_id: str, newest: int) -> Response | AnyResponse:
    try:
        found_now = _read_again(public_id)
    except (Invalid, TryAgain) as problem:
        return _shown(problem=problem)
    with store.reading() as session:
        known = feed_letter.named(session, organisation.only_one(session), public_id)
        shown = feed_letter.pictures_of(known, found_now, newest)
    files = feed_pictures.bring(parts.documents(), shown, seconds=_PATIENCE)

    def act(session: Session, owner: Organisation, found: FeedLetter) -> tuple[str, str | None]:
        zone, folder = storefront.zone_of(session, owner), parts.media_folder()
        made = feed_letter.take(session, found, found_now, zone=zone, newest=newest, files=files, folder=folder)
        if made is None:
            return language.text("Nothing is new there."), None
        return language.text("A draft is made of it. Nothing goes out before you say so."), made.public_id

    return _do(public_id, "feed.looked_at", act)


@blueprint.post("/feeds/<public_id>")
def change(public_id: str) -> Response | AnyResponse:
    """Choose when a feed is looked at, and whether its letters leave by themselves."""

    def act(session: Session, owner: Organisation, found: FeedLetter) -> tuple[str, str | None]:
        zone = storefront.zone_of(session, owner)
        feed_letter.change(found, _rhythm(), zone=zone, automatic=_automatic())
        return language.text("Saved."), None

    return _do(public_id, "feed.changed", act)


@blueprint.post("/feeds/<public_id>/switch")
def switch(public_id: str) -> Response | AnyResponse:
    """Let no letters come of a feed any more, or again from now on."""
    if request.form.get("state") != "on":
        return _do(public_id, "feed.switched_off", _off)
    try:
        found_now = _read_again(public_id)
    except (Invalid, TryAgain) as problem:
        return _shown(problem=problem)

    def on(session: Session, owner: Organisation, found: FeedLetter) -> tuple[str, str | None]:
        feed_letter.switch_on(found, found_now, storefront.zone_of(session, owner))
        return language.text("Switched on. What is there now counts as seen."), None

    return _do(public_id, "feed.switched_on", on)


def _off(_session: Session, _owner: Organisation, found: FeedLetter) -> tuple[str, str | None]:
    feed_letter.switch_off(found)
    return language.text("Switched off. The letters that were made stay."), None


@blueprint.post("/feeds/<public_id>/remove")
def remove(public_id: str) -> Response | AnyResponse:
    """Take a feed away; the letters made of it stay."""

    def act(session: Session, _owner: Organisation, found: FeedLetter) -> tuple[str, str | None]:
        feed_letter.remove(session, found)
        return language.text("Taken away. The letters that were made stay."), None

    return _do(public_id, "feed.removed", act)
