"""The letter that carries one update of a status notice to the people of its list: class service, and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.notice_text import literal
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.status_notice import About, Affected, News, StatusNotice, StatusUpdate, UpdateState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict


class Place(NamedTuple):
    """By which clocks a letter tells the time, and where all that was told stands (empty: not known yet)."""

    zone: str
    page: str


def state_words(state: UpdateState) -> str:
    """Return how far it has come, in the language in use."""
    return {
        UpdateState.PLANNED: language.text("Planned"),
        UpdateState.INVESTIGATING: language.text("We are looking for the cause"),
        UpdateState.KNOWN: language.text("We know the cause"),
        UpdateState.WORKING: language.text("We are mending it"),
        UpdateState.WATCHING: language.text("Mended, and we keep watching"),
        UpdateState.RESOLVED: language.text("It is over"),
    }[state]


def affected_words(affected: Affected) -> str:
    """Return the answer to “does it affect me?”, in the language in use."""
    return {
        Affected.YES: language.text("Yes"),
        Affected.NO: language.text("No"),
        Affected.UNKNOWN: language.text("We do not know yet"),
    }[affected]


def promise_words(promised: datetime, zone: str) -> str:
    """Return by when more is told, in the language in use."""
    return language.text("Next update by %(moment)s, even if nothing is new then.",
                         moment=language.appointment(promised, zone))  # fmt: skip


def draft(organisation: Organisation, about: About, news: News, place: Place) -> Draft:
    """Return the letter that tells an update, in the language of the business."""
    with language.using(organisation.language):
        state = state_words(news.state)
        answer = affected_words(about.affected)
        affects = f"{answer}. {literal(about.affects)}" if about.affects else f"{answer}."
        # Planned work says so in its title.
        said = "" if news.state is UpdateState.PLANNED else state
        parts = [f"# {literal(about.title)}", *([f"**{said}.**"] if said else []), news.words]
        if news.state is not UpdateState.RESOLVED:
            parts.append(f"**{language.text('Does it affect you?')}** {affects}")
        promise = promise_words(news.next_update_at, place.zone) if news.next_update_at else ""
        parts += [f"**{promise}**"] if promise else []
        parts.append(language.text("%(name)s answers for this.", name=literal(about.owner_name)))
        if place.page:
            parts.append(f"[{language.text('All that was told about it')}]({place.page})")
        subject = f"{about.title}: {said}" if said else about.title
        return Draft(subject, promise or state, "\n\n".join(parts) + "\n")


def about_of(notice: StatusNotice) -> About:
    """Return what a stored notice is about."""
    return About(notice.title, notice.owner_name, notice.affected, notice.affects)


def place_of(session: Session, organisation: Organisation, site: str, notice: StatusNotice | None = None) -> Place:
    """Return by which clocks a notice tells the time, and where it stands."""
    zone = storefront.zone_of(session, organisation)
    return Place(zone, f"{site}/status/{notice.public_id}" if notice is not None else f"{site}/status")


def write(session: Session, organisation: Organisation, told: StatusUpdate, site: str) -> Campaign:
    """Store the letter that carries an update, once. Raises Conflict when nobody gets this notice by mail."""
    notice = told.notice
    if notice.mailing_list is None:
        raise Conflict("no_list", language.text("This notice stands on the status page alone. Nothing was sent."))
    news = News(told.words, told.state, told.next_update_at)
    words = draft(organisation, about_of(notice), news, place_of(session, organisation, site, notice))
    made = campaigns.create(session, organisation, notice.mailing_list, words, kind=CampaignKind.NOTICE)
    made.notice_id = notice.id
    told.campaign_id = made.id
    session.flush()
    return made
