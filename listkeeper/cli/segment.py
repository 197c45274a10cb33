"""``listkeeper segment``: some of a list's people, told by what they have in common, in a small language of our own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments import segment_check, segment_language, segment_tree
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_language import Misread
from listkeeper.campaigns import segment_use
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Tell some of a list's people by what they have in common."""


def _pointing(function: Callable[..., None]) -> Callable[..., None]:
    """Show where in the text a mistake is, with a caret under it, before the sentence about it."""

    @wraps(function)
    def pointing(*given: Any, **named: Any) -> None:  # noqa: ANN401 - click's own
        try:
            function(*given, **named)
        except Misread as problem:
            if not named.get("as_json"):
                click.echo(problem.pointed, err=True)
            raise

    return pointing


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
@click.option("--name", required=True, help="What you call it.")
@click.argument("text", metavar="TEXT")
@_pointing
def create(settings: Settings, *, slug: str, name: str, text: str, as_json: bool) -> None:
    """Store a segment, such as `language is da and clicked within 30 days`."""
    with opened(settings):
        with store.transaction() as session:
            business = organisation.only_one(session)
            made = segments.create(session, business, mailing_list.named(session, business, slug), name, text)
            audit_log.record(session, business.id, "command", "segment.created", made.public_id)
            number = made.public_id
        # Counted when it stands: while it was written, nobody else could write.
        with store.reading() as session:
            answer = _described(session, segments.identified(session, organisation.only_one(session), number))
    emit(answer, as_json=as_json, lines=[f"Stored as {answer['id']}.", *_lines(answer)])


def _described(session: Session, found: Segment) -> dict[str, Any]:
    on = session.get_one(mailing_list.MailingList, found.list_id)
    check = segment_check.of_segment(session, on, found)
    return {
        "id": found.public_id,
        "name": found.name,
        "list": on.slug,
        "text": segments.said(session, found),
        "count": check.count,
        "of": check.of,
        "remarks": list(check.remarks),
        "archived_at": clock.as_text(found.archived_at) if found.archived_at else None,
    }


def _lines(answer: dict[str, Any]) -> list[str]:
    if answer["count"] is None:
        return ["How many people fit cannot be counted.", *answer["remarks"]]
    return [f"{answer['count']} of {answer['of']} people fit now.", *answer["remarks"]]


@command.command(name="list")
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
def list_(settings: Settings, *, slug: str, as_json: bool) -> None:
    """Show the segments of a list, the archived ones too, with how many are in each that is offered."""
    with opened(settings), store.reading() as session:
        on = mailing_list.named(session, organisation.only_one(session), slug)
        found = segments.every(session, on)
        counted = segment_check.at_a_glance(session, on, [each for each in found if each.archived_at is None])
        rows = [
            {
                "id": each.public_id,
                "name": each.name,
                "text": segments.said(session, each),
                "count": counted[each.id].count if each.id in counted else None,
                "archived_at": clock.as_text(each.archived_at) if each.archived_at else None,
            }
            for each in found
        ]
    lines = [
        f"{row['id']}  {'-' if row['count'] is None else row['count']}  {row['name']}: {row['text']}"
        f"{' (archived)' if row['archived_at'] else ''}"
        for row in rows
    ]
    emit({"segments": rows}, as_json=as_json, lines=lines or ["This list has no segments."])


@command.command()
@with_settings
@with_json
@click.argument("segment_id", metavar="ID")
def show(settings: Settings, *, segment_id: str, as_json: bool) -> None:
    """Show what a segment says, how many fit, and what uses it."""
    with opened(settings), store.reading() as session:
        found = segments.identified(session, organisation.only_one(session), segment_id)
        uses = [{"kind": use.kind, "id": use.public_id, "name": use.name} for use in segment_use.uses(session, found)]
        answer = _described(session, found) | {"tree": segment_tree.as_json(found.tree), "used_by": uses}
    lines = [f"{answer['name']}: {answer['text']}", *_lines(answer)]
    emit(answer, as_json=as_json, lines=[*lines, *(f"Used by {use['id']} {use['name']}" for use in uses)])


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
@click.argument("text", metavar="TEXT")
@_pointing
def count(settings: Settings, *, slug: str, text: str, as_json: bool) -> None:
    """Count whom a text is true of now, and store nothing."""
    tree = segment_language.parse(text)
    with opened(settings), store.reading() as session:
        on = mailing_list.named(session, organisation.only_one(session), slug)
        check = segment_check.of_tree(session, on, tree)
    answer = {
        "text": segment_language.printed(tree),
        "count": check.count,
        "of": check.of,
        "remarks": [*check.sentences, *check.missing],
    }
    emit(answer, as_json=as_json, lines=_lines(answer))


@command.command()
@with_settings
@with_json
@click.argument("segment_id", metavar="ID")
def archive(settings: Settings, *, segment_id: str, as_json: bool) -> None:
    """Offer a segment no more; what uses it goes on using it, and is named."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = segments.identified(session, business, segment_id)
        segments.archive(found)
        uses = [{"kind": use.kind, "id": use.public_id, "name": use.name} for use in segment_use.uses(session, found)]
        audit_log.record(session, business.id, "command", "segment.archived", found.public_id)
        answer = {
            "id": found.public_id,
            "archived_at": clock.as_text(found.archived_at) if found.archived_at else None,
            "used_by": uses,
        }
    lines = ["It is offered no more.", *(f"Still used by {use['id']} {use['name']}" for use in uses)]
    emit(answer, as_json=as_json, lines=lines)
