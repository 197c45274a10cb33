"""``listkeeper board``: the three numbers, which they are, and what was done about them."""

from __future__ import annotations

from typing import Any

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.insight import board, board_log, board_pick, board_target, board_value, clean_up
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_pick import Pick
from listkeeper.settings import Settings

_KIND = click.Choice([kind.value for kind in NumberKind])


@click.group()
def command() -> None:
    """Show the three numbers that make somebody act, choose them, and note what was done."""


@command.command()
@with_settings
@with_json
@click.option("--count", "anew", is_flag=True, help="Count the numbers first.")
def show(settings: Settings, *, anew: bool, as_json: bool) -> None:
    """Show the board as it was counted last."""
    with opened(settings):
        if anew:
            _count(settings)
        with store.reading() as session:
            cards = board.show(session, organisation.only_one(session))
    lines = [f"{each.title}: {each.value or '-'} ({each.status_words}). {each.action.words}." for each in cards]
    emit({"numbers": [_shown(each) for each in cards]}, as_json=as_json, lines=lines)


def _shown(each: board.Card) -> dict[str, Any]:
    reading = each.reading
    return {
        "kind": each.kind.value,
        "value": reading.value if reading else None,
        "before": reading.before if reading else None,
        "unknown": reading.unknown.value if reading and reading.unknown else None,
        "target": each.pick.target,
        "status": each.status.value,
        "owner": each.owner or None,
        "action": each.action.code,
        "path": each.action.path,
        "counted_at": clock.as_text(each.counted_at) if each.counted_at else None,
    }


def _count(settings: Settings) -> None:
    with store.reading() as session:
        business = organisation.only_one(session)
        kinds = [pick.kind for pick in board_pick.of(session, business)]
        lists = clean_up.count_all(session, business) if NumberKind.NEVER_REACTED in kinds else []
    with store.transaction() as session:
        for list_id, found in lists:
            clean_up.keep(session, list_id, found)
    with store.reading() as session:
        business = organisation.only_one(session)
        measured = board_value.measure_all(session, business, kinds, practice=settings.rehearsing)
    with store.transaction() as session:
        board_value.keep(session, organisation.only_one(session), measured)


@command.command()
@with_settings
@with_json
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER[=TARGET]…")
@click.option("--owner", "owners", multiple=True, metavar="NUMBER=USER", help="Who looks after one: id or address.")
def pick(settings: Settings, *, numbers: tuple[str, ...], owners: tuple[str, ...], as_json: bool) -> None:
    """Put one to three numbers on the board, as in ``new_confirmed=10 trust``; a fourth is refused."""
    named = dict(_pair(each) for each in owners)
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        currency = board_target.currency_of(session, business)
        picks = []
        for name, target in map(_pair, numbers):
            kind = board_pick.kind_named(name)
            picks.append(Pick(kind, board_target.read(kind, target, currency), named.pop(name, "")))
        if named:
            raise Invalid("owner", "You named who looks after a number that is not on the board. Nothing was changed.")
        board_pick.choose(session, business, picks)
        audit_log.record(session, business.id, "command", "board.picked", business.public_id)
        rows = [
            {"kind": each.kind.value, "target": each.target, "owner": each.user or None}
            for each in board_pick.of(session, business)
        ]
    emit({"numbers": rows}, as_json=as_json, lines=[f"{row['kind']}: target {row['target']}" for row in rows])


def _pair(typed: str) -> tuple[str, str]:
    name, _, value = typed.partition("=")
    return name.strip(), value.strip()


@command.command()
@with_settings
@with_json
@click.argument("kind", type=_KIND, required=False, metavar="[NUMBER]")
@click.argument("did", required=False)
@click.option("--days", type=click.Choice([str(each) for each in board_log.DAYS]), default="7", show_default=True,
              help="Look for the effect after so many days.")  # fmt: skip
def log(settings: Settings, *, kind: str | None, did: str | None, days: str, as_json: bool) -> None:
    """Show what was done and what came after, or note that something was DID about a NUMBER."""
    about = NumberKind(kind) if kind else None
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        if about is not None and did is not None:
            made = board_log.note(session, business, about, did, actor="cli", days=int(days))
            audit_log.record(session, business.id, "command", "board.noted", made.public_id)
        rows = [_row(each) for each in board_log.newest(session, business, kind=about)]
    lines = [f"{row['day']} {row['kind']}: {row['did']}. {row['effect']}" for row in rows]
    emit({"log": rows}, as_json=as_json, lines=lines or ["Nothing was noted yet."])


def _row(each: board_log.BoardLog) -> dict[str, Any]:
    return {
        "id": each.public_id,
        "kind": each.kind.value,
        "day": each.day.isoformat(),
        "did": each.did,
        "by": each.actor,
        "value_then": each.value_then,
        "due_on": each.due_on.isoformat(),
        "value_after": each.value_after,
        "measured_at": clock.as_text(each.measured_at) if each.measured_at else None,
        "effect": board_log.effect(each).words,
    }
