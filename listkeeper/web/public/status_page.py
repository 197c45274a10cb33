"""The public status page: what is out of order, who answers for it, what was promised, and honestly when it is late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response
from markupsafe import Markup
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import notice_letter, status_notice
from listkeeper.campaigns.status_notice import NoticeState, StatusNotice, StatusUpdate
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering import short_text
from listkeeper.web.public import brand, page

blueprint = Blueprint("status_page", __name__)


@dataclass(frozen=True)
class Entry:
    """One entry of a timeline, in the words of its reader but for what the business wrote."""

    at: str
    stamp: str
    state: str
    words: Markup


@dataclass(frozen=True)
class Shown:
    """A notice as its page shows it; ``promise`` is empty when none was made, and ``late`` says for how long it is."""

    public_id: str
    title: str
    owner_name: str
    is_open: bool
    affected: str
    affects: str
    state: str
    promise: str
    late: str
    told_owners: bool
    entries: list[Entry]


@blueprint.get("/status")
def show() -> Response:
    """Show what is out of order, and what was within 90 days."""
    spoken = page.visitors_language()
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            raise NotFound("no_page", language.text("There is no page here"))
        with language.using(spoken):
            notices = [_shown(session, owner, each) for each in status_notice.shown(session, owner, clock.now())]
        return page.answer(
            "status",
            spoken,
            brand.business_of(owner),
            open_ones=[each for each in notices if each.is_open],
            over=[each for each in notices if not each.is_open],
            written_in=owner.language,
        )


@blueprint.get("/status/<public_id>")
def show_one(public_id: str) -> Response:
    """Show one notice with all that was told of it, the newest first."""
    spoken = page.visitors_language()
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            raise NotFound("no_page", language.text("There is no page here"))
        with language.using(spoken):
            found = _shown(session, owner, _named(session, owner, public_id))
        return page.answer("status_notice", spoken, brand.business_of(owner), notice=found, written_in=owner.language)


def _named(session: Session, owner: Organisation, public_id: str) -> StatusNotice:
    """Return a notice; what was asked for is not said back to a stranger."""
    try:
        return status_notice.named(session, owner, public_id)
    except NotFound:
        raise NotFound("no_page", language.text("There is no page here")) from None


def _shown(session: Session, owner: Organisation, notice: StatusNotice) -> Shown:
    zone, now, told = storefront.zone_of(session, owner), clock.now(), status_notice.timeline(session, notice)
    promised = notice.next_update_at
    return Shown(
        public_id=notice.public_id,
        title=notice.title,
        owner_name=notice.owner_name,
        is_open=notice.state is NoticeState.OPEN,
        affected=notice_letter.affected_words(notice.affected),
        affects=notice.affects,
        state=notice_letter.state_words(told[0].state),
        promise=_promise(promised, now, zone) if promised is not None else "",
        late=language.span(now - promised) if promised is not None and notice.is_overdue(now) else "",
        told_owners=notice.alarmed_at is not None,
        entries=[_entry(each, zone) for each in told],
    )


def _promise(promised: datetime, now: datetime, zone: str) -> str:
    """Return by when more is told: by the clocks of the business, and how long that is for whoever has other clocks."""
    moment = language.appointment(promised, zone)
    return f"{moment}, {language.span(promised - now, ahead=True)}" if promised > now else moment


def _entry(told: StatusUpdate, zone: str) -> Entry:
    return Entry(
        at=language.appointment(told.at, zone),
        stamp=clock.as_text(told.at),
        state=notice_letter.state_words(told.state),
        words=Markup(short_text.as_html(told.words)),  # noqa: S704 - cleaned there
    )
