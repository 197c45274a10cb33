"""``listkeeper way``: by which ways mail leaves, how each stands, and one mail by the one you name."""

from __future__ import annotations

from typing import Any

import click

from listkeeper import parts, store
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import clock
from listkeeper.foundation.errors import NotFound
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.handing_over import way_state
from listkeeper.sending.handing_over.way import Way
from listkeeper.sending.handing_over.way_state import WayStands, WayState
from listkeeper.settings import Settings

# As a check ends: what came of it is not known, or it is wrong.
_EXIT_CODES = {DeliveryState.ACCEPTED: Severity.INFO, DeliveryState.IN_DOUBT: Severity.UNKNOWN}
_CAME = {
    DeliveryState.ACCEPTED: "It was taken",
    DeliveryState.FAILED: "It was refused for good",
    DeliveryState.DEFERRED: "Not now, says the server, and it is not tried again",
    DeliveryState.QUEUED: "The way was lost before the mail began to leave",
    DeliveryState.IN_DOUBT: "It left whole and no answer came, so it may have arrived",
    DeliveryState.REFUSED: "It may not be sent to this address",
}


@click.group()
def command() -> None:
    """Show the ways by which mail leaves, and test one."""


@command.command("list")
@with_settings
@with_json
def list_(settings: Settings, *, as_json: bool) -> None:
    """List the ways in the order of the settings, with their shares and how each stands."""
    with opened(settings), store.reading() as session:
        found = way_state.every(session, _ways())
    rows = [_told(state) for state in found]
    emit({"ways": rows}, as_json=as_json, lines=[f"{row['name']}  {_sentence(row)}" for row in rows])


@command.command()
@with_settings
@with_json
@click.argument("name", metavar="WAY")
def show(settings: Settings, *, name: str, as_json: bool) -> None:
    """Show one way: where it leads, for which mail it is, and how it stands."""
    with opened(settings), store.reading() as session:
        named(name)
        [row] = [_told(state) for state in way_state.every(session, _ways()) if state.way.name == name]
    domains = ", ".join(row["domains"]) or "every domain that no other way is for"
    lines = [
        f"{row['name']}: {row['shown']}",
        f"weight {row['weight']}, for {domains}",
        _sentence(row),
        *filter(None, [row["remark"]]),
    ]
    emit(row, as_json=as_json, lines=lines)


@command.command()
@with_settings
@with_json
@click.argument("name", metavar="WAY")
@click.option("--to", "typed", required=True, help="Any address; the subject is marked [TEST].")
def test(settings: Settings, *, name: str, typed: str, as_json: bool) -> int:
    """Hand one test mail over by this very way, now, and say what the server answered."""
    # The hot path loads what writes letters, which the other commands here do without.
    from listkeeper.jobs import way_testing  # noqa: PLC0415

    with opened(settings):
        came = way_testing.test(named(name), typed)
    answer = {
        "way": name,
        "state": came.state.value,
        "code": came.code,
        "reply": came.reply,
        "message_id": came.message_id,
    }
    said = " ".join(filter(None, [str(came.code or ""), came.reply]))
    emit(answer, as_json=as_json, lines=[f"{_CAME[came.state]}{f': {said}' if said else '.'}"])
    return _EXIT_CODES.get(came.state, Severity.ERROR).exit_code


def _ways() -> tuple[Way, ...]:
    return tuple(parts.ways())


def named(name: str) -> Way:
    """Return the way of this name. Raises NotFound."""
    found = next((way for way in _ways() if way.name == name), None)
    if found is None:
        raise NotFound("no_way", f"There is no way called {name}. `listkeeper way list` names them.")
    return found


def _told(state: WayState) -> dict[str, Any]:
    way = state.way
    return {
        "name": way.name,
        "kind": way.kind,
        "shown": way.shown,
        "weight": way.weight,
        "domains": list(way.domains),
        "share": state.share,
        "state": state.stands.value,
        "words": state.trouble,
        "at": clock.as_text(state.at) if state.at else None,
        "remark": state.remark,
    }


def _sentence(row: dict[str, Any]) -> str:
    share = f"{row['share']}; " if row["share"] else ""
    match WayStands(row["state"]):
        case WayStands.WORKS:
            return f"{share}works, last seen at {row['at']}"
        case WayStands.TROUBLE:
            return f"{share}in trouble since {row['at']}: {row['words']}"
        case WayStands.UNKNOWN:
            return f"{share}not known: nobody has spoken with it yet"
