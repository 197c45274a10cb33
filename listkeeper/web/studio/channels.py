"""Own your list: what each channel brought and cost, who follows there, and whom you would still reach without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import followers, mailing_list, source, source_cost
from listkeeper.audience.followers import FollowerCount
from listkeeper.audience.source import SOCIAL
from listkeeper.audience.source_cost import CostPer
from listkeeper.foundation import clock, language, money
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.insight import channels
from listkeeper.insight.channels import Ownership
from listkeeper.web.studio import member, page, sources

blueprint = Blueprint("channels", __name__, url_prefix=page.ROOT)

_WIDE, _HIGH = 240, 48


@blueprint.get("/channels")
def show() -> Response:
    """Show the figures of every channel."""
    return _shown()


def _shown(*, problem: Invalid | Conflict | NotFound | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        owned = channels.ownership(session, owner, practice=page.settings().rehearsing)
        return page.answer(
            session,
            "channels",
            owned=owned,
            lists=mailing_list.all_of(session, owner),
            social=[(each, source.called(each)) for each in SOCIAL],
            called=source.called,
            money=money.text,
            so_far=lambda cost: source_cost.so_far(cost, clock.now().date()),
            line=_line,
            currencies=money.CURRENCIES,
            currency=_currency(owned),
            today=clock.now().date().isoformat(),
            problem=problem,
            status=status,
        )


def _currency(owned: Ownership) -> str:
    return next((view.brought.currency for view in owned.channels if view.brought.currency), "")


def _line(counts: Sequence[FollowerCount]) -> str:
    """Return the points of a line through the counts: days from left to right, from nothing at the foot."""
    first, days = counts[0].counted_on, (counts[-1].counted_on - counts[0].counted_on).days or 1
    most = max(row.number for row in counts) or 1
    places = [((row.counted_on - first).days * _WIDE // days, _HIGH - row.number * _HIGH // most) for row in counts]
    return " ".join(f"{right},{down}" for right, down in places)


_Act = Callable[[Session, Organisation], tuple[str, str]]


def _do(action: str, act: _Act) -> Response | AnyResponse:
    """Do one thing, note who did it to what, and say what was done."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            subject, said = act(session, owner)
            audit_log.record(session, owner.id, member.present().actor, action, subject)
    except (Invalid, Conflict, NotFound) as problem:
        return _shown(problem=problem, status=422)
    return page.back_to("channels.show", said)


@blueprint.post("/channels/followers")
def note_followers() -> Response | AnyResponse:
    """Note how many people follow on a channel, or take a count away."""
    forgetting = "forget" in request.form

    def act(session: Session, owner: Organisation) -> tuple[str, str]:
        channel, on = sources.channel_typed(), _day("counted_on")
        if forgetting:
            followers.forget(session, owner, channel, on)
            return channel.value, language.text("The count is gone.")
        followers.note(session, owner, channel, request.form.get("number", ""), on)
        return channel.value, language.text("Noted. Type it in again in a month, and you see it grow.")

    return _do("followers.forgotten" if forgetting else "followers.noted", act)


@blueprint.post("/channels/costs")
def add_cost() -> Response | AnyResponse:
    """Note what a link costs."""

    def act(session: Session, owner: Organisation) -> tuple[str, str]:
        found = source.named(session, owner, request.form.get("source", ""))
        made = source_cost.add(
            session,
            owner,
            found,
            written=request.form.get("amount", ""),
            currency=request.form.get("currency", ""),
            per=CostPer.MONTH if request.form.get("per") == CostPer.MONTH.value else CostPer.ONCE,
            starts_on=_day("starts_on"),
        )
        return made.public_id, language.text("Noted. The cost of each person is worked out of it.")

    return _do("source_cost.added", act)


@blueprint.post("/channels/costs/<public_id>")
def change_cost(public_id: str) -> Response | AnyResponse:
    """End a monthly cost today, or take a cost away that was a mistake."""
    ending = "end" in request.form

    def act(session: Session, owner: Organisation) -> tuple[str, str]:
        cost = source_cost.named(session, owner, public_id)
        if ending:
            source_cost.end(cost, clock.now().date())
            return public_id, language.text("It ends today. What was paid so far stays counted.")
        source_cost.remove(session, cost)
        return public_id, language.text("The cost is gone.")

    return _do("source_cost.ended" if ending else "source_cost.removed", act)


def _day(name: str) -> date:
    written = request.form.get(name, "").strip()
    try:
        return date.fromisoformat(written) if written else clock.now().date()
    except ValueError:
        raise Invalid("day", language.text("Please choose a day.")) from None
