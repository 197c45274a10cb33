"""Follow-ups: the lines there are, one of them with its steps, and the cap over everything that one person gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.segments import segment
from listkeeper.audience.segments.segment import Segment
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up, follow_up_check, follow_up_starter, follow_up_step
from listkeeper.campaigns.follow_up import FollowUp, Start, Stops, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind, Turn
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError
from listkeeper.sending import frequency_cap
from listkeeper.sending.following import follow_up_steering, follow_up_view, follow_up_words
from listkeeper.web import problems
from listkeeper.web.studio import member, page, words

blueprint = Blueprint("follow_ups", __name__, url_prefix=f"{page.ROOT}/follow-ups")

_LONGEST_NUMBER = 4


@blueprint.get("")
def show() -> Response:
    """Show every follow-up, what to begin with, and the cap."""
    return _all()


def _all(*, problem: ListkeeperError | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = follow_up.all_of(session, owner)
        running = follow_up_view.running(session, found)
        return page.answer(
            session,
            "follow_ups",
            rows=[(each, running.get(each.id, 0), follow_up_step.steps(session, each)) for each in found],
            lists=[each for each in mailing_list.all_of(session, owner) if not each.is_service],
            cards=follow_up_starter.cards(),
            house=owner,
            chosen=request.values.get("list", ""),
            say=follow_up_words,
            named=_names(session, found),
            problem=problem,
            status=status,
        )


@blueprint.post("")
def begin() -> Response | AnyResponse:
    """Make a follow-up with its letters, standing still."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            wanted = mailing_list.named(session, owner, request.form.get("list", ""))
            line = follow_up_starter.chosen(request.form.get("start", ""))
            made = follow_up_starter.begin(session, owner, wanted, line, request.form.get("name", ""))
            audit_log.record(session, owner.id, member.present().actor, "follow_up.created", made.public_id)
            public_id = made.public_id
    except Invalid as problem:
        return _all(problem=problem, status=422)
    return page.back_to("follow_ups.show_one", public_id=public_id)


@blueprint.post("/cap")
def cap() -> Response | AnyResponse:
    """Choose how many letters one person gets at most."""
    form = request.form
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            mails = _number(form, "mails") if form.get("mails", "").strip() else None
            frequency_cap.choose(owner, mails, _number(form, "days"), letters="letters" in form)
            audit_log.record(session, owner.id, member.present().actor, "organisation.cap_chosen", owner.public_id)
    except Invalid as problem:
        return _all(problem=problem, status=422)
    return page.back_to("follow_ups.show", language.text("Saved. It holds from now on."))


@blueprint.get("/<public_id>")
def show_one(public_id: str) -> Response:
    """Show one line: what begins it, its steps, who is on it, and what became of them."""
    return _one(public_id)


def _one(public_id: str, *, problem: ListkeeperError | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = follow_up.identified(session, owner, public_id)
        line = follow_up_step.steps(session, found)
        findings = follow_up_check.examine(session, owner, found, site=page.settings().site)
        return page.answer(
            session,
            "follow_up",
            found=found,
            line=[(step, campaigns.newest(session, step.campaign)) for step in line],
            waits={step.id: follow_up_step.waits(session, step) for step in line},
            most=follow_up_step.MOST_STEPS,
            blocks=[each.message for each in findings if each.severity is Severity.BLOCK],
            warns=[each.message for each in findings if each.severity is not Severity.BLOCK],
            counted=follow_up_view.lines(session, found),
            numbers=follow_up_view.numbers(session, found),
            walking=follow_up_view.walking(session, found),
            log=follow_up_view.log(session, found),
            segments=_segments(session, found, line),
            named=_names(session, [found]),
            kinds=list(StepKind),
            triggers=list(Trigger),
            say=follow_up_words,
            say_refusal=words.refusal,
            problem=problem,
            status=status,
        )


def _segments(session: Session, found: FollowUp, line: list[FollowUpStep]) -> list[Segment]:
    """Return the segments that can be chosen: those that are offered, and its own also when they are archived."""
    own = {found.segment_id, found.stop_segment_id, *(step.segment_id for step in line)}
    every = segment.every(session, found.mailing_list)
    return [each for each in every if each.archived_at is None or each.id in own]


def _names(session: Session, found: list[FollowUp]) -> dict[int, str]:
    """Return the names of the segments of these lists, also of those that are put away."""
    lists = {each.list_id for each in found}
    query = select(Segment.id, Segment.name).where(Segment.list_id.in_(lists))
    return {row[0]: row[1] for row in session.execute(query)}


_Act = Callable[[Session, Organisation, FollowUp], str]


def _do(public_id: str, action: str, act: _Act, said: str = "") -> Response | AnyResponse:
    """Do one thing to a line, whole or not at all, and note who did it."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = follow_up.identified(session, owner, public_id)
            said = act(session, owner, found) or said
            audit_log.record(session, owner.id, member.present().actor, action, found.public_id)
    except (Invalid, Conflict) as problem:
        return _one(public_id, problem=problem, status=problems.status_of(problem))
    return page.back_to("follow_ups.show_one", said or language.text("Saved."), public_id=public_id)


@blueprint.post("/<public_id>/rules")
def rules(public_id: str) -> Response | AnyResponse:
    """Choose its name, what begins it, and what ends it early."""
    form = request.form

    def act(session: Session, _owner: Organisation, found: FollowUp) -> str:
        follow_up.demand_changeable(follow_up.lock(session, found))
        follow_up.rename(found, form.get("name", ""))
        follow_up.begin_with(found, _start(session, found, form))
        stops = Stops(
            on_reply="stop_on_reply" in form,
            on_click="stop_on_click" in form,
            event=form.get("stop_event", ""),
            segment_id=_segment(session, found, form.get("stop_segment", "")),
        )
        follow_up.stop_when(found, stops)
        found.each_zone = "each_zone" in form
        return ""

    return _do(public_id, "follow_up.changed", act)


def _start(session: Session, found: FollowUp, form: Mapping[str, str]) -> Start:
    typed = form.get("trigger", "")
    if typed not in set(Trigger):
        raise Invalid("trigger", language.text("Please choose what it begins with."))
    usual = Start(Trigger(typed))
    return Start(
        Trigger(typed),
        event_name=form.get("event_name", ""),
        days_before=_number(form, "days_before") if typed == Trigger.CONSENT_ENDS else usual.days_before,
        segment_id=_segment(session, found, form.get("segment", "")),
        again_after_days=_number(form, "again_after") if typed == Trigger.EVENT else usual.again_after_days,
    )


def _segment(session: Session, found: FollowUp, public_id: str) -> int | None:
    if not public_id:
        return None
    owner = session.get_one(Organisation, found.organisation_id)
    chosen = segment.identified(session, owner, public_id)
    if chosen.list_id != found.list_id:
        raise Invalid("segment", language.text("That segment belongs to another list. Choose one of this list."))
    return chosen.id


def _number(form: Mapping[str, str], name: str) -> int:
    typed = form.get(name, "").strip()
    if not (typed.isascii() and typed.isdigit()) or len(typed) > _LONGEST_NUMBER:
        raise Invalid("number", language.text("Please write a whole number. Nothing was changed."))
    return int(typed)


def _turn(session: Session, found: FollowUp, form: Mapping[str, str]) -> Turn:
    hour = _number(form, "at_hour") if form.get("at_hour", "").strip() else None
    return Turn(_number(form, "wait_days"), hour, _segment(session, found, form.get("segment", "")))


@blueprint.post("/<public_id>/steps")
def add(public_id: str) -> Response | AnyResponse:
    """Put a step at the end of the line, with words to begin with."""
    form = request.form

    def act(session: Session, owner: Organisation, found: FollowUp) -> str:
        if form.get("kind", "") not in set(StepKind):
            raise Invalid("kind", language.text("Please choose what the step is for."))
        follow_up_starter.add(session, owner, found, StepKind(form["kind"]), _turn(session, found, form))
        return language.text("Added. Write its letter next.")

    return _do(public_id, "follow_up.changed", act)


@blueprint.post("/<public_id>/steps/<step_id>")
def step(public_id: str, step_id: str) -> Response | AnyResponse:
    """Change one step: its wait, its place, its words, or take it out."""
    form = request.form

    def act(session: Session, owner: Organisation, found: FollowUp) -> str:
        here = follow_up_step.identified(session, found, step_id)
        return _STEP_ACTS.get(form.get("act", ""), _change)(session, owner, here)

    return _do(public_id, "follow_up.changed", act)


def _change(session: Session, _owner: Organisation, here: FollowUpStep) -> str:
    follow_up_step.change(session, here, _turn(session, here.follow_up, request.form))
    return ""


def _up(session: Session, _owner: Organisation, here: FollowUpStep) -> str:
    follow_up_step.shift(session, here, up=True)
    return ""


def _down(session: Session, _owner: Organisation, here: FollowUpStep) -> str:
    follow_up_step.shift(session, here, up=False)
    return ""


def _remove(session: Session, _owner: Organisation, here: FollowUpStep) -> str:
    follow_up_steering.take_out(session, here)
    return language.text("Taken out. What left by it stays counted.")


def _words(session: Session, owner: Organisation, here: FollowUpStep) -> str:
    seen = request.form.get("sha256") or None
    follow_up_check.demand_step_sound(session, owner, here, site=page.settings().site)
    follow_up_steering.let_words_go(session, owner, here, site=page.settings().site, sha256=seen)
    return language.text("The new words go out from now on.")


_STEP_ACTS: dict[str, Callable[[Session, Organisation, FollowUpStep], str]] = {
    "change": _change,
    "up": _up,
    "down": _down,
    "remove": _remove,
    "words": _words,
}


@blueprint.post("/<public_id>/switch")
def switch(public_id: str) -> Response | AnyResponse:
    """Switch it on, let it stand still, switch it off, or put it away."""
    wanted = request.form.get("act", "")
    acts: dict[str, tuple[str, _Act]] = {
        "on": ("follow_up.switched_on", _on),
        "pause": ("follow_up.paused", _pause),
        "off": ("follow_up.switched_off", _off),
        "archive": ("follow_up.archived", _archive),
    }
    action, act = acts.get(wanted, ("follow_up.paused", _pause))
    return _do(public_id, action, act)


def _on(session: Session, owner: Organisation, found: FollowUp) -> str:
    known = page.settings()
    follow_up_steering.switch_on(session, owner, found, site=known.site, practice=known.rehearsing)
    return language.text("Switched on. It begins with whoever comes from now on.")


def _pause(session: Session, _owner: Organisation, found: FollowUp) -> str:
    follow_up_steering.pause(session, found)
    return language.text("Paused. Everybody on the line stands where they are.")


def _off(session: Session, _owner: Organisation, found: FollowUp) -> str:
    ended = follow_up_steering.switch_off(session, found)
    return language.counted(
        "Switched off. It ended for %(number)s person who was on the line.",
        "Switched off. It ended for %(number)s people who were on the line.",
        ended,
    )


def _archive(session: Session, _owner: Organisation, found: FollowUp) -> str:
    follow_up_steering.archive(session, found)
    return language.text("Put away. What it did stays to be read here.")
