"""The follow-ups as programs see them: which there are, what became of each step, and switching them on and off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, current_app
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up, follow_up_step
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState, Trigger
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.foundation import clock
from listkeeper.sending.following import follow_up_steering, follow_up_view
from listkeeper.sending.following.follow_up_run import ActKind, Reason, StopWhy
from listkeeper.sending.following.follow_up_view import LineNumbers, StepNumbers
from listkeeper.settings import Settings
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import CampaignId, ListId, Moment, Nothing, Shape, SubscriberId

blueprint = APIBlueprint("api_follow_ups", __name__, url_prefix=lock.NOW, tag="Campaigns")

_ID = "7k2v9m4c0x8q3w6n1t5z"
FollowUpId = Annotated[str, Field(pattern=r"^fup_[0-9a-z]{20}$", description="A follow-up.", examples=[f"fup_{_ID}"])]
_MOST_SHOWN = 500


class Brief(Shape):
    """A follow-up in a few words."""

    id: FollowUpId
    name: str = Field(examples=["Welcome, in three letters"])
    list: ListId
    state: FollowUpState
    trigger: Trigger
    running: int = Field(description="How many people are on the line now.", examples=[41])
    finished: int = Field(description="How many reached its end.", examples=[112])
    stopped: dict[StopWhy, int] = Field(
        description="How many it ended for early, by reason.", examples=[{"replied": 3}]
    )


class FollowUps(Shape):
    """All follow-ups that are not put away."""

    follow_ups: list[Brief]


class Step(Shape):
    """One step, and what became of it."""

    id: str = Field(examples=[f"fst_{_ID}"])
    kind: StepKind
    wait_days: int = Field(description="After the step before was handed over.", examples=[5])
    at_hour: int | None = Field(description="At which hour of that day.", examples=[9])
    campaign: CampaignId
    subject: str = Field(examples=["How is it going?"])
    mailed: int = Field(examples=[112])
    waiting: int = Field(examples=[41])
    not_taken: int = Field(description="Refused by the gate, or taken by no server.", examples=[2])
    skipped: dict[Reason, int] = Field(description="Who did not get it, by reason.", examples=[{"cap": 3}])
    put_off: dict[Reason, int] = Field(description="How often it was put off, by reason.", examples=[{"another": 1}])


class OneFollowUp(Brief):
    """A follow-up with its steps."""

    steps: list[Step]


class Entry(Shape):
    """What became of a step for one person."""

    at: Moment
    subscriber: SubscriberId
    subject: str = Field(examples=["How is it going?"])
    what: ActKind
    why: Reason | None
    until: Moment | None = Field(description="Until when it was put off.")
    delivery: str | None = Field(description="The state of its delivery.", examples=["accepted"])
    refused: str | None = Field(description="Why the gate refused it.", examples=["snoozed"])


class Log(Shape):
    """The newest entries first."""

    log: list[Entry]


@blueprint.get("/follow-ups")
@lock.needs(Scope.READ)
@blueprint.output(FollowUps)
def show() -> FollowUps:
    """Show every follow-up."""
    with store.reading() as session:
        found = follow_up.all_of(session, session.get_one(Organisation, lock.caller().organisation_id))
        counted = follow_up_view.lines_of(session, found)
        return FollowUps(follow_ups=[_brief(each, counted[each.id]) for each in found])


def _brief(found: FollowUp, counted: LineNumbers) -> Brief:
    return Brief(
        id=found.public_id,
        name=found.name,
        list=found.mailing_list.public_id,
        state=found.state,
        trigger=found.trigger,
        running=counted.running,
        finished=counted.finished,
        stopped=dict(counted.stopped),
    )


@blueprint.get("/follow-ups/<follow_up_id>")
@lock.needs(Scope.READ)
@blueprint.output(OneFollowUp)
def show_one(follow_up_id: str) -> OneFollowUp:
    """Show one follow-up with its steps, and what became of each."""
    with store.reading() as session:
        return _whole(session, _found(session, follow_up_id))


def _found(session: Session, public_id: str) -> FollowUp:
    owner = session.get_one(Organisation, lock.caller().organisation_id)
    return follow_up.identified(session, owner, public_id)


def _whole(session: Session, found: FollowUp) -> OneFollowUp:
    counted = follow_up_view.numbers(session, found)
    steps = []
    for step in follow_up_step.steps(session, found):
        told = counted.get(step.id, StepNumbers())
        steps.append(
            Step(
                id=step.public_id,
                kind=step.kind,
                wait_days=step.wait_days,
                at_hour=step.at_hour,
                campaign=step.campaign.public_id,
                subject=campaigns.newest(session, step.campaign).subject,
                mailed=told.mailed,
                waiting=told.waiting + told.under_way,
                not_taken=told.not_taken,
                skipped=dict(told.skipped),
                put_off=dict(told.put_off),
            )
        )
    return OneFollowUp(**_brief(found, follow_up_view.lines(session, found)).model_dump(), steps=steps)


@blueprint.get("/follow-ups/<follow_up_id>/log")
@lock.needs(Scope.READ)
@blueprint.output(Log)
def show_log(follow_up_id: str) -> Log:
    """Show what became of the steps of a follow-up for whom: the newest 500."""
    with store.reading() as session:
        rows = follow_up_view.log(session, _found(session, follow_up_id), _MOST_SHOWN)
        return Log(
            log=[
                Entry(
                    at=clock.as_text(row.at),
                    subscriber=row.person,
                    subject=row.subject,
                    what=row.kind,
                    why=row.why,
                    until=clock.as_text(row.until) if row.until else None,
                    delivery=row.state.value if row.state else None,
                    refused=row.refusal.value if row.refusal else None,
                )
                for row in rows
            ]
        )


@blueprint.post("/follow-ups/<follow_up_id>/on")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(OneFollowUp)
def switch_on(follow_up_id: str, nothing: Nothing) -> Response:
    """Let people set out on it from now on; what stands in its way is said."""
    del nothing
    known: Settings = current_app.config["LISTKEEPER"]

    def act(session: Session, owner: Organisation, found: FollowUp) -> None:
        follow_up_steering.switch_on(session, owner, found, site=known.site, practice=known.rehearsing)

    return _switched(follow_up_id, "follow_up.switched_on", act)


@blueprint.post("/follow-ups/<follow_up_id>/pause")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(OneFollowUp)
def pause(follow_up_id: str, nothing: Nothing) -> Response:
    """Let everybody on the line stand where they are."""
    del nothing
    return _switched(
        follow_up_id, "follow_up.paused", lambda session, _owner, found: follow_up_steering.pause(session, found)
    )


@blueprint.post("/follow-ups/<follow_up_id>/off")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(OneFollowUp)
def switch_off(follow_up_id: str, nothing: Nothing) -> Response:
    """End it for everybody on the line."""
    del nothing

    def act(session: Session, _owner: Organisation, found: FollowUp) -> None:
        follow_up_steering.switch_off(session, found)

    return _switched(follow_up_id, "follow_up.switched_off", act)


def _switched(public_id: str, action: str, act: Callable[[Session, Organisation, FollowUp], None]) -> Response:
    def done(session: Session, owner: Organisation, _key: ApiKey) -> Done:
        found = follow_up.identified(session, owner, public_id)
        act(session, owner, found)
        session.flush()
        return Done(_whole(session, found), action, found.public_id)

    return change.made(done)
