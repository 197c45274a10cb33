"""``listkeeper profit``: what channels earn side by side, kept, shown and printed without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import figure, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.insight import channel_draft, own_figures, profit_paper, profit_scenario, profit_words
from listkeeper.insight.channel_draft import ProfitDraft
from listkeeper.insight.channel_profit import ChannelResult, Together
from listkeeper.insight.profit_scenario import Outcome, ProfitScenario
from listkeeper.settings import Settings

# Larger than any calculation, and read whole.
_LONGEST = 100_000


@click.group()
def command() -> None:
    """Work out what permission e-mail earns beside direct mail and other channels."""


@command.command(name="list")
@with_settings
@with_json
def show_all(settings: Settings, *, as_json: bool) -> None:
    """Show the calculations that are kept, the one that was changed last first."""
    with opened(settings), store.reading() as session:
        found = profit_scenario.all_of(session, organisation.only_one(session))
        rows = [_named(each) for each in found]
    lines = [f"{row['id']}: {row['name']} ({row['currency']})" for row in rows]
    emit({"scenarios": rows}, as_json=as_json, lines=lines or ["No calculation is kept yet."])


def _named(scenario: ProfitScenario) -> dict[str, Any]:
    return {
        "id": scenario.public_id,
        "name": scenario.name,
        "currency": scenario.currency,
        "version": scenario.version,
        "changed_at": scenario.changed_at,
    }


@command.command()
@with_settings
@with_json
@click.argument("number", metavar="[ID]", required=False)
def show(settings: Settings, *, number: str | None, as_json: bool) -> None:
    """Show a calculation and what comes of it; without ID what is known of your own letters, to fill in the rest."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        if number is None:
            known = own_figures.prefilled(session, business, practice=settings.rehearsing)
            about: dict[str, Any] = {"id": None, "currency": known.draft.currency, "said": known.said}
            outcome = profit_scenario.outcome(known.draft)
        else:
            scenario = profit_scenario.identified(session, business, number)
            about = _named(scenario)
            outcome = profit_scenario.outcome(profit_scenario.draft_of(scenario))
        _tell(about, outcome, as_json=as_json)


def _tell(about: dict[str, Any], outcome: Outcome, *, as_json: bool) -> None:
    said = profit_words.verdict(outcome)
    answer = about | {
        "inputs": outcome.draft.as_json(),
        "results": [_result(each) if each is not None else None for each in outcome.results],
        "together": _both(outcome.together) if outcome.together is not None else None,
        "verdict": said,
    }
    emit(answer, as_json=as_json, lines=said)


def _result(one: ChannelResult) -> dict[str, Any]:
    return _sums(one) | {
        "name": one.plan.name,
        "break_even_response": _share(one.break_even_response),
        "break_even_people": one.break_even_people,
    }


def _both(one: Together) -> dict[str, Any]:
    return _sums(one) | {"people": one.people, "reached_by_all": one.reached_by_all}


def _sums(one: ChannelResult | Together) -> dict[str, Any]:
    """Return the sums of one column; money in minor units, orders and shares as text with six decimals at most."""
    return {
        "pieces": one.pieces,
        "responses": _plain(one.responses),
        "orders": _plain(one.orders),
        "contribution": one.contribution,
        "cost": one.cost,
        "profit": one.profit,
        "profit_a_person": one.profit_a_person,
        "roi": _share(one.roi),
        "cost_of_order": one.cost_of_order,
    }


def _plain(number: Any) -> str:  # noqa: ANN401 - a Fraction or a whole number
    return figure.plain(figure.shortened(number, 6))


def _share(number: Any) -> str | None:  # noqa: ANN401 - the same, or None
    return _plain(number) if number is not None else None


@command.command()
@with_settings
@with_json
@click.argument("name")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--currency", help="Its code; that of the file when not given.")
@click.option("--replaces", metavar="ID", help="Keep it in the place of this one.")
@click.option("--version", type=int, default=0, help="With --replaces: the version that you saw.")
def save(settings: Settings, *, name: str, file: Any, as_json: bool, **said: Any) -> None:  # noqa: ANN401 - click's options
    """Keep what FILE says (- reads standard input): the document that `listkeeper profit show --json` prints."""
    read = _read(file.read(_LONGEST + 1))
    stored = read.get("inputs", read)
    currency = said["currency"] or read.get("currency") or ""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        if not isinstance(stored, dict) or not isinstance(currency, str):
            raise _unreadable()
        draft = channel_draft.of_json(currency, stored)
        scenario = _kept(session, business, name, draft, said["replaces"], said["version"])
        _tell(_named(scenario), profit_scenario.outcome(draft), as_json=as_json)


def _kept(  # noqa: PLR0913, PLR0917 - what is kept, where
    session: Session, business: Organisation, name: str, draft: ProfitDraft, replaces: str | None, version: int
) -> ProfitScenario:
    if replaces is None:
        scenario, done = profit_scenario.create(session, business, name, draft), "profit.saved"
    else:
        scenario, done = profit_scenario.identified(session, business, replaces), "profit.changed"
        profit_scenario.change(session, scenario, name, draft, version)
    audit_log.record(session, business.id, "command", done, scenario.public_id)
    return scenario


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if len(text) <= _LONGEST else None
    except ValueError:
        raise _unreadable() from None
    if not isinstance(found, dict):
        raise _unreadable()
    return found


def _unreadable() -> Invalid:
    return Invalid(
        "not_a_scenario", "This is not the JSON of a calculation, as `listkeeper profit show --json` prints it."
    )


@command.command()
@with_settings
@with_json
@click.argument("number", metavar="ID")
@click.option("--out", type=click.Path(path_type=Path), help="File to write; ID.pdf here when not given.")
@click.option("--language", "spoken", help="Language of the words; that of the business when not given.")
def pdf(settings: Settings, *, number: str, out: Path | None, spoken: str | None, as_json: bool) -> None:
    """Write a calculation as PDF, A4, ready to print."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        scenario = profit_scenario.identified(session, business, number)
        with language.using(spoken or business.language):
            content = profit_paper.render(business, scenario)
        file = out or Path(f"{scenario.public_id}.pdf")
    try:
        with file.open("xb") as opened_file:
            opened_file.write(content)
    except FileExistsError:
        said = f"{file} is there already. Nothing was overwritten; choose another name in --out."
        raise Conflict("file_exists", said) from None
    emit({"file": str(file), "id": number}, as_json=as_json, lines=[str(file)])
