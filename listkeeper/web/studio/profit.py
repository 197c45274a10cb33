"""What a channel earns: e-mail beside print and whatever else, typed in, worked out, kept, printed.

One form holds everything, so that it works without script: each button posts
it, and what was typed comes back. With script the figures follow while typing.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language, money, sheet
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.insight import channel_draft, own_figures, profit_paper, profit_scenario, profit_words
from listkeeper.insight.channel_draft import ProfitDraft, Reading
from listkeeper.insight.channel_profit import MOST_CHANNELS
from listkeeper.insight.profit_scenario import ProfitScenario
from listkeeper.web import attachment
from listkeeper.web.studio import charts, member, page, profit_form

blueprint = Blueprint("profit", __name__, url_prefix=f"{page.ROOT}/channels/profit")


@blueprint.get("/")
def show() -> Response:
    """Show what is kept, and a new calculation with what is known of the business's own letters."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        known = own_figures.prefilled(session, owner, practice=page.settings().rehearsing)
        reading = Reading(known.draft, profit_form.as_typed(known.draft))
        return _page(session, owner, reading, said=known.said)


@blueprint.get("/<public_id>")
def show_one(public_id: str) -> Response:
    """Show one calculation that is kept."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        scenario = profit_scenario.identified(session, owner, public_id)
        draft = profit_scenario.draft_of(scenario)
        reading = Reading(draft, profit_form.as_typed(draft))
        return _page(session, owner, reading, scenario=scenario, name=scenario.name, version=scenario.version)


def _page(  # noqa: PLR0913 - what was typed, and what is said of it
    session: Session,
    owner: Organisation,
    reading: Reading,
    *,
    scenario: ProfitScenario | None = None,
    name: str = "",
    version: int = 0,
    said: dict[str, str] | None = None,
    problem: Invalid | Conflict | None = None,
) -> Response:
    outcome = profit_scenario.outcome(reading.draft)
    template = "profit_result" if page.is_fragment() else "profit"
    return page.answer(
        session,
        template,
        scenario=scenario,
        name=name,
        version=version,
        kept=profit_scenario.all_of(session, owner),
        draft=reading.draft,
        typed=reading.typed,
        wrong=reading.wrong,
        said=said or {},
        outcome=outcome,
        lines=profit_words.lines(outcome),
        verdict=profit_words.verdict(outcome),
        rules=profit_words.rules(),
        labels=profit_words.labels(),
        hints=profit_words.hints(),
        fields=channel_draft.FIELDS,
        whole=channel_draft.WHOLE,
        money_fields=channel_draft.MONEY,
        currencies=money.CURRENCIES,
        most=MOST_CHANNELS,
        chart=_chart(outcome),
        problem=problem,
        status=422 if problem is not None or (reading.wrong and not page.is_fragment()) else 200,
    )


def _chart(outcome: profit_scenario.Outcome) -> charts.Bars | None:
    currency = outcome.draft.currency
    values = [(one.plan.name, one.profit, money.text(one.profit, currency)) for one in outcome.settled]
    if outcome.together is not None:
        both = outcome.together.profit
        values.append((language.text("All together"), both, money.text(both, currency)))
    if not values:
        return None
    title = language.text("Profit of each channel")
    sentence = language.text("A bar for each channel; losses run to the left of the line.")
    heads = [language.text("Channel"), language.text("Profit")]
    return charts.bars(charts.Told(title, sentence, heads, [[name, said] for name, _number, said in values]), values)


@blueprint.post("/")
def act() -> Response | AnyResponse:
    """Work out what is typed, or keep it under a name."""
    return _act(None)


@blueprint.post("/<public_id>")
def act_on(public_id: str) -> Response | AnyResponse:
    """Work out what is typed over a calculation that is kept, or keep it in its place."""
    return _act(public_id)


def _act(public_id: str | None) -> Response | AnyResponse:
    """Do what the pressed button says; whatever was typed stays on the page."""
    saving = request.form.get("act") in {"save", "save_new"}
    with store.transaction() if saving else store.reading() as session:
        owner = organisation.only_one(session)
        scenario = profit_scenario.identified(session, owner, public_id) if public_id is not None else None
        name, version = request.form.get("name", ""), request.form.get("version", 0, int)
        reading = profit_form.read()
        problem: Invalid | Conflict | None = None
        if saving:
            anew = scenario if request.form.get("act") == "save" else None
            try:
                saved = _save(session, owner, anew, name, reading, version)
            except (Invalid, Conflict) as mistake:
                problem = mistake
            else:
                return page.back_to("profit.show_one", language.text("Saved."), public_id=saved.public_id)
        return _page(session, owner, reading, scenario=scenario, name=name, version=version, problem=problem)


def _save(  # noqa: PLR0913, PLR0917 - what is kept, where
    session: Session, owner: Organisation, scenario: ProfitScenario | None, name: str, reading: Reading, version: int
) -> ProfitScenario:
    if reading.wrong:
        sentence = language.text("Nothing was saved: please look at the fields that are marked.")
        raise Invalid("profit_fields", sentence)
    if scenario is None:
        made = profit_scenario.create(session, owner, name, reading.draft)
        _note(session, owner, "profit.saved", made.public_id)
        return made
    profit_scenario.change(session, scenario, name, reading.draft, version)
    _note(session, owner, "profit.changed", scenario.public_id)
    return scenario


def _note(session: Session, owner: Organisation, action: str, public_id: str) -> None:
    audit_log.record(session, owner.id, member.present().actor, action, public_id)


@blueprint.post("/<public_id>/copy")
def copy(public_id: str) -> AnyResponse:
    """Keep the same once more, to change a number in it."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        made = profit_scenario.copy(session, owner, profit_scenario.identified(session, owner, public_id))
        _note(session, owner, "profit.saved", made.public_id)
        number = made.public_id
    return page.back_to("profit.show_one", language.text("This is the copy."), public_id=number)


@blueprint.post("/<public_id>/delete")
def delete(public_id: str) -> AnyResponse:
    """Delete a calculation."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        profit_scenario.remove(session, profit_scenario.identified(session, owner, public_id))
        _note(session, owner, "profit.deleted", public_id)
    return page.back_to("profit.show", language.text("The calculation is gone."))


@blueprint.get("/<public_id>/sheet.pdf")
def as_pdf(public_id: str) -> Response:
    """Hand out the calculation on paper."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        content = profit_paper.render(owner, profit_scenario.identified(session, owner, public_id))
    return attachment.of(content, "application/pdf", f"{public_id}.pdf")


@blueprint.get("/<public_id>/sheet.csv")
def as_csv(public_id: str) -> Response:
    """Hand out the calculation for a spreadsheet."""
    with store.reading() as session:
        scenario = profit_scenario.identified(session, organisation.only_one(session), public_id)
        draft: ProfitDraft = profit_scenario.draft_of(scenario)
    head, rows = profit_words.sheet(profit_scenario.outcome(draft))
    content = b"".join(sheet.pieces([sheet.cell(name) for name in head], rows))
    return attachment.of(content, "text/csv; charset=utf-8", f"{public_id}.csv")
