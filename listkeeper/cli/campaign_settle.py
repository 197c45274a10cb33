"""``listkeeper campaign settle``: what is in doubt, settled by hand or from a relay's log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TextIO

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid, NotFound
from listkeeper.sending import relay_log, settling
from listkeeper.sending.relay_log import Verdict
from listkeeper.sending.settling import Doubt, Settlement
from listkeeper.settings import Settings
from listkeeper.standards import address

_HOW = {"sent": Settlement.SENT, "not-sent": Settlement.NOT_SENT, "again": Settlement.AGAIN}
_LOG = click.File("r", encoding="utf-8", errors="replace")


@click.command("settle")
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
@click.option("--as", "how", type=click.Choice(list(_HOW)), help="What you say of them: sent, not-sent, or send again.")
@click.option("--address", "typed", multiple=True, help="Only this reader; may be given more than once.")
@click.option("--all", "everybody", is_flag=True, help="All that are in doubt.")
@click.option("--log", "source", type=_LOG, help="The log of the mail server, or -: settles what it has a word on.")
def command(  # noqa: PLR0913 - one option each
    settings: Settings,
    *,
    campaign_id: str,
    how: str | None,
    typed: tuple[str, ...],
    everybody: bool,
    source: TextIO | None,
    as_json: bool,
) -> None:
    """Show what is in doubt of a campaign, and settle it: by hand, or from the log of the mail server."""
    if (how is None) != (not typed and not everybody) or (typed and everybody) or (source and how):
        raise Invalid("settle_how", "Say --as with --address or --all, or give a --log. Nothing was changed.")
    with opened(settings):
        said = _read(campaign_id, source) if source is not None else None
        answer, lines = _settled(campaign_id, how, typed, said)
    emit(answer, as_json=as_json, lines=lines)


def _read(campaign_id: str, source: TextIO) -> dict[str, Verdict]:
    """Read a log, which may be long, while no transaction is open."""
    with store.reading() as session:
        wanted = settling.names(session, campaigns.identified(session, organisation.only_one(session), campaign_id))
    return relay_log.verdicts(source, wanted)


def _settled(
    campaign_id: str, how: str | None, typed: tuple[str, ...], said: dict[str, Verdict] | None
) -> tuple[dict[str, Any], list[str]]:
    with store.transaction() as session:
        found = campaigns.identified(session, organisation.only_one(session), campaign_id)
        if said is not None:
            answer, lines = _from_log(session, found, said)
        elif how is not None:
            answer, lines = _by_hand(session, found, _HOW[how], typed)
        else:
            answer, lines = _shown(session, found)
        return {"id": found.public_id, "state": found.state.value, **answer}, lines


def _shown(session: Session, campaign: Campaign) -> tuple[dict[str, Any], list[str]]:
    found = settling.doubts(session, campaign)
    rows = [asdict(each) | {"handed_at": clock.as_text(each.handed_at) if each.handed_at else None} for each in found]
    lines = [
        f"{row['address'] or 'somebody who was forgotten'}  handed over {row['handed_at'] or 'perhaps'}  "
        f"{row['message_id'] or '-'}  {row['attempts']} attempts  {row['said'] or ''}".rstrip()
        for row in rows
    ]
    return {"in_doubt": rows}, lines or ["Nothing is in doubt."]


def _by_hand(
    session: Session, campaign: Campaign, how: Settlement, typed: tuple[str, ...]
) -> tuple[dict[str, Any], list[str]]:
    numbers = _named(settling.doubts(session, campaign), typed) if typed else None
    settled = settling.settle(session, campaign, how, numbers, actor="command")
    left = settling.left(session, campaign)
    return {"settled": settled, "left": left}, [f"{settled} settled, {left} still in doubt."]


def _named(found: list[Doubt], typed: tuple[str, ...]) -> list[int]:
    keys = {address.parse(each).key for each in typed}
    numbers = {address.parse(each.address).key: each.number for each in found if each.address}
    missing = keys - numbers.keys()
    if missing:
        raise NotFound("not_in_doubt", "One of these addresses is not in doubt. Nothing was changed.")
    return [numbers[key] for key in keys]


def _from_log(session: Session, campaign: Campaign, said: dict[str, Verdict]) -> tuple[dict[str, Any], list[str]]:
    found = settling.from_log(session, campaign, said, actor="command")
    line = (
        f"The log says of {found.sent} that they were sent, of {found.not_sent} that not; {found.left} still in doubt."
    )
    return asdict(found), [line]
