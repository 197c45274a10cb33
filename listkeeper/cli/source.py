"""``listkeeper source``: links for the places where people meet a form, with their codes and posters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, signup_form, source
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.source import UTM, Channel, Source
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.insight import brought
from listkeeper.insight.brought import Brought
from listkeeper.rendering.paper import poster, qr
from listkeeper.rendering.paper.poster import PosterSize
from listkeeper.settings import Settings

_DRAWN = {"svg": qr.svg, "png": qr.png}


@click.group()
def command() -> None:
    """Make and show links for the places where people meet a form."""


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
@click.option("--name", help="What you call the place; needed unless --ready.")
@click.option("--channel", type=click.Choice([each.value for each in Channel]), default="other", help="Kind of place.")
@click.option("--slug", "wanted", default="", help="Last part of the address; made from the name when not given.")
@click.option("--form", help="Which form of the list; its first one when not given.")
@click.option("--utm", multiple=True, metavar="NAME=VALUE", help="A mark that is stored with each signup.")
@click.option("--ready", is_flag=True, help="Make one for each social channel that has none yet.")
def create(settings: Settings, *, slug: str, as_json: bool, **said: Any) -> None:  # noqa: ANN401 - click's options
    """Make a link; whoever follows it sees the form and is counted to the place."""
    if not said["ready"] and not said["name"]:
        raise click.UsageError("Name the place with --name, or ask for the ready set with --ready.")
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        form = _form(session, business, mailing_list.named(session, business, slug), said["form"])
        made = source.ready_set(session, form) if said["ready"] else [_made(session, form, said)]
        for each in made:
            audit_log.record(session, business.id, "command", "source.created", each.public_id)
        rows = [_described(settings, each) for each in made]
    answer = {"sources": rows} if said["ready"] else rows[0]
    lines = [str(row["url"]) for row in rows] or ["Each social channel has a link already."]
    emit(answer, as_json=as_json, lines=lines)


def _made(session: Session, form: SignupForm, said: dict[str, Any]) -> Source:
    marks = dict(mark.partition("=")[::2] for mark in said["utm"])
    unknown = set(marks) - set(UTM)
    if unknown:
        raise Invalid("utm", f"{min(unknown)} is not one of {', '.join(UTM)}.")
    channel = Channel(said["channel"])
    return source.create(session, form, name=said["name"], channel=channel, slug=said["wanted"], utm=marks)


def _form(session: Session, business: Organisation, found: MailingList, wanted: str | None) -> SignupForm:
    if wanted:
        chosen = signup_form.identified(session, business, wanted)
        if chosen.list_id != found.id:
            raise Conflict("other_list", f"The form {wanted} belongs to another list. Nothing was changed.")
        return chosen
    forms = signup_form.all_of(session, found)
    if not forms:
        raise Conflict("no_form", f"Make a form first: `listkeeper form create --list {found.slug}`.")
    return forms[0]


@command.command(name="list")
@with_settings
@with_json
@click.option("--list", "slug", help="Of one mailing list alone.")
def show(settings: Settings, *, slug: str | None, as_json: bool) -> None:
    """Show the links and what each of them brought."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        if slug:
            found = source.all_of(session, mailing_list.named(session, business, slug))
        else:
            found = source.every(session, business)
        numbers = brought.by_source(session, found)
        rows = [_described(settings, each) | _counted(numbers[each.id]) for each in found]
    lines = [
        f"{row['url']}: {row['name']}, {row['visits']} visits, {row['asked']} asked, {row['confirmed']} confirmed"
        + (" (archived)" if row["archived_at"] else "")
        for row in rows
    ]
    emit({"sources": rows}, as_json=as_json, lines=lines or ["There is no link yet."])


def _described(settings: Settings, found: Source) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "slug": found.slug,
        "url": f"{settings.site}/s/{found.slug}",
        "name": found.name,
        "channel": found.channel.value,
        "form": found.form.public_id,
        "archived_at": found.archived_at,
    }


def _counted(numbers: Brought) -> dict[str, int]:
    return {name: getattr(numbers, name) for name in ("visits", "asked", "confirmed", "here", "left", "complained")}


@command.command(name="qr")
@with_settings
@with_json
@click.argument("name", metavar="SOURCE")
@click.option("--format", "kind", type=click.Choice(list(_DRAWN)), default="svg", help="SVG unless you ask for PNG.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write; SLUG-qr.svg here when not given.")
def code(settings: Settings, *, name: str, kind: str, out: Path | None, as_json: bool) -> None:
    """Write the QR code of a link into a file."""
    with opened(settings), store.reading() as session:
        found = source.named(session, organisation.only_one(session), name)
        slug, address = found.slug, f"{settings.site}/s/{found.slug}"
    _keep(_DRAWN[kind](address), out or Path(f"{slug}-qr.{kind}"), address, as_json=as_json)


@command.command(name="poster")
@with_settings
@with_json
@click.argument("name", metavar="SOURCE")
@click.option(
    "--size", type=click.Choice([each.value for each in PosterSize]), default="a4", help="A4, or a card in A6."
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write; SLUG-poster-a4.pdf here when not given.")
def paper(settings: Settings, *, name: str, size: str, out: Path | None, as_json: bool) -> None:
    """Write a poster with the QR code and the address, ready to print."""
    with opened(settings), store.reading() as session:
        found = source.named(session, organisation.only_one(session), name)
        form = source.destination(session, found)
        shown = signup_form.describe(session, signup_form.newest(session, form))
        slug, address = found.slug, f"{settings.site}/s/{found.slug}"
        drawn = poster.render(poster.of_source(found, shown, address), PosterSize(size))
    _keep(drawn, out or Path(f"{slug}-poster-{size}.pdf"), address, as_json=as_json)


def _keep(content: bytes, path: Path, address: str, *, as_json: bool) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        said = f"{path} is there already. Nothing was overwritten; choose another name in --out."
        raise Conflict("file_exists", said) from None
    answer = {"file": str(path.resolve()), "url": address, "bytes": len(content)}
    emit(answer, as_json=as_json, lines=[f"{path} leads to {address}."])


@command.command()
@with_settings
@with_json
@click.argument("name", metavar="SOURCE")
@click.option("--reopen", is_flag=True, help="Take an archived link into use again.")
def archive(settings: Settings, *, name: str, reopen: bool, as_json: bool) -> None:
    """Put a link away; whoever finds it on paper still gets to the form, and is counted."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = source.named(session, business, name)
        if reopen:
            source.reopen(found)
        else:
            source.archive(found)
        done = "source.reopened" if reopen else "source.archived"
        audit_log.record(session, business.id, "command", done, found.public_id)
        answer = _described(settings, found)
    word = "in use again" if reopen else "archived; its address still leads to the form"
    emit(answer, as_json=as_json, lines=[f"“{answer['name']}” is {word}."])
