"""``listkeeper notice``: tell people what is out of order, tell them more when it was promised, and that it is over."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import notice_letter, schedule, status_notice
from listkeeper.campaigns.notice_text import LONGEST
from listkeeper.campaigns.status_notice import About, Affected, News, StatusNotice, StatusUpdate, UpdateState
from listkeeper.cli import campaign_domain
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.sending import status_telling
from listkeeper.sending.status_telling import Instance
from listkeeper.settings import Settings

_ACTOR = "command"
_STATES = [state.value for state in UpdateState if state is not UpdateState.RESOLVED]


@click.group()
def command() -> None:
    """Tell people what is out of order, and promise when they hear more."""


def _with_words(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of what is told."""
    options = (
        click.option("--words", help="What you know, in short Markdown; without it, what comes in on standard input."),
        click.option("--next", "promised", metavar="MOMENT", help="Until when you tell more: 2026-12-24 09:00."),
        click.option("--yes", "sure", is_flag=True, help="Tell it also when its words sound like advertising."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command(name="open")
@with_settings
@with_json
@click.option("--title", required=True, help="What is out of order, in one line.")
@click.option("--owner", "owner_name", help="Who answers for it, as readers see it; else the name of the business.")
@click.option("--list", "to", metavar="LIST", help="Who gets it by mail; without it, it stands on the page alone.")
@click.option("--state", type=click.Choice(_STATES), default=UpdateState.INVESTIGATING.value, help="How far it is.")
@click.option(
    "--affected",
    type=click.Choice([each.value for each in Affected]),
    default=Affected.UNKNOWN.value,
    help="Will its reader notice it?",
)
@click.option("--affects", default="", help="How it affects its reader, in one line.")
@_with_words
def open_(settings: Settings, *, as_json: bool, **typed: Any) -> None:  # noqa: ANN401 - options
    """Begin a notice and tell it: on the status page, and by mail to a list for status notices."""
    written = _written(typed["words"])
    with opened(settings):
        campaign_domain.refresh()
        with store.transaction() as session:
            business = organisation.only_one(session)
            chosen = mailing_list.named(session, business, typed["to"]) if typed["to"] else None
            about = About(
                typed["title"], typed["owner_name"] or business.from_name, Affected(typed["affected"]), typed["affects"]
            )
            news = _news(session, business, written, typed["state"], typed["promised"])
            told = status_telling.begin(
                session, business, chosen, about, news, _instance(settings), actor=_ACTOR, sure=typed["sure"]
            )
            audit_log.record(session, business.id, _ACTOR, "notice.begun", told.notice.public_id)
            answer = _told(session, settings, told)
    emit(answer, as_json=as_json, lines=_lines(answer))


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
@click.option("--state", type=click.Choice(_STATES), required=True, help="How far it is.")
@click.option("--page-only", is_flag=True, help="Send no letter: it stands on the page alone.")
@_with_words
def update(settings: Settings, *, public_id: str, as_json: bool, **typed: Any) -> None:  # noqa: ANN401 - options
    """Tell more about a notice; one that was over is open again."""
    answer = _add(settings, public_id, typed["state"], typed, "notice.updated")
    emit(answer, as_json=as_json, lines=_lines(answer))


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
@click.option("--page-only", is_flag=True, help="Send no letter: it stands on the page alone.")
@click.option("--words", help="What was done; without it, what comes in on standard input.")
@click.option("--yes", "sure", is_flag=True, help="Tell it also when its words sound like advertising.")
def resolve(settings: Settings, *, public_id: str, as_json: bool, **typed: Any) -> None:  # noqa: ANN401 - options
    """Say that it is over."""
    answer = _add(settings, public_id, UpdateState.RESOLVED.value, {**typed, "promised": None}, "notice.resolved")
    emit(answer, as_json=as_json, lines=_lines(answer))


def _add(settings: Settings, public_id: str, state: str, typed: dict[str, Any], action: str) -> dict[str, Any]:
    written = _written(typed["words"])
    with opened(settings):
        campaign_domain.refresh()
        with store.transaction() as session:
            business = organisation.only_one(session)
            found = status_notice.named(session, business, public_id)
            news = _news(session, business, written, state, typed["promised"])
            told = status_telling.update(
                session, business, found, news, _instance(settings),
                actor=_ACTOR, by_mail=not typed["page_only"], sure=typed["sure"],
            )  # fmt: skip
            audit_log.record(session, business.id, _ACTOR, action, public_id)
            return _told(session, settings, told)


@command.command(name="list")
@with_settings
@with_json
@click.option("--all", "every", is_flag=True, help="Also those that are over.")
def list_(settings: Settings, *, every: bool, as_json: bool) -> None:
    """Show the notices that are open, with what was promised and whether it is overdue."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        found = status_notice.every(session, business) if every else status_notice.open_ones(session, business)
        rows = [_shown(session, settings, each) for each in found]
    lines = [_line(row) for row in rows]
    emit({"notices": rows}, as_json=as_json, lines=lines or ["Nothing is told to be out of order."])


def _written(words: str | None) -> str:
    return words if words is not None else sys.stdin.read(LONGEST + 1)


def _instance(settings: Settings) -> Instance:
    return Instance(settings.site, settings.rehearsing, settings.gate)


def _news(session: Session, business: Organisation, written: str, state: str, promised: str | None) -> News:
    zone = storefront.zone_of(session, business)
    return News(written, UpdateState(state), schedule.read(promised, zone) if promised else None)


def _shown(session: Session, settings: Settings, found: StatusNotice) -> dict[str, Any]:
    newest = status_notice.timeline(session, found)[0]
    promised, over = found.next_update_at, found.resolved_at
    return {
        "id": found.public_id,
        "title": found.title,
        "owner": found.owner_name,
        "state": found.state.value,
        "told": newest.state.value,
        "told_at": clock.as_text(newest.at),
        "opened_at": clock.as_text(found.opened_at),
        "next_update_at": clock.as_text(promised) if promised else None,
        "overdue": found.is_overdue(clock.now()),
        "resolved_at": clock.as_text(over) if over else None,
        "list": found.mailing_list.slug if found.mailing_list is not None else None,
        "page": notice_letter.place_of(session, organisation.only_one(session), settings.site, found).page,
    }


def _told(session: Session, settings: Settings, told: StatusUpdate) -> dict[str, Any]:
    letter = session.get(campaigns.Campaign, told.campaign_id) if told.campaign_id is not None else None
    return {
        **_shown(session, settings, told.notice),
        "campaign": letter.public_id if letter is not None else None,
        "recipients": letter.recipients if letter is not None else 0,
    }


def _line(row: dict[str, Any]) -> str:
    when = "was due" if row["overdue"] else "by"
    due = f"; next update {when} {row['next_update_at']}" if row["next_update_at"] else ""
    return f"{row['id']}  {row['told']}: {row['title']}{due}"


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    yield _line(answer)
    yield f"It goes to {answer['recipients']} people." if answer["campaign"] else "It stands on the page alone."
    if answer["state"] == "open" and answer["next_update_at"] is None:
        yield "No next update was promised: people do not know when to expect more."
    yield answer["page"]
