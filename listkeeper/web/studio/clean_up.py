"""The clean-up of a list: who never reacted, what it would change to let them rest, one button, and one to undo it."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list, resting
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.insight import clean_up, clean_up_words
from listkeeper.insight.clean_up import Proposal, Rule
from listkeeper.web.studio import member, page, words

blueprint = Blueprint("clean_up", __name__, url_prefix=f"{page.ROOT}/lists/<public_id>/clean-up")


@blueprint.get("")
def show(public_id: str) -> Response:
    """Show the proposal as it was counted last, and what was done before."""
    return _shown(public_id)


def _shown(public_id: str, *, problem: Invalid | Conflict | NotFound | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        proposal = clean_up.kept(session, found)
        batches = [(row, resting.still(session, row)) for row in resting.all_of(session, found)]
        return page.answer(
            session,
            "clean_up",
            mailing_list=found,
            proposal=proposal,
            told=clean_up_words.of(proposal) if proposal else [],
            changes=clean_up_words.changes(proposal) if proposal else [],
            rule=proposal.rule if proposal else clean_up.Rule(),
            most_months=clean_up.MOST_MONTHS,
            most_letters=clean_up.MOST_LETTERS,
            resting=resting.count(session, found),
            batches=batches,
            by=lambda actor: words.operator(session, actor),
            problem=problem,
            status=status,
        )


@blueprint.post("/count")
def count(public_id: str) -> Response | AnyResponse:
    """Count who never reacted, by the rule that was typed."""
    try:
        rule = clean_up.rule_of(request.form.get("months", ""), request.form.get("letters", ""))
    except Invalid as problem:
        return _shown(public_id, problem=problem, status=422)
    _count_again(public_id, rule)
    return page.back_to("clean_up.show", language.text("Counted just now."), public_id=public_id)


def _counted(public_id: str, rule: Rule | None) -> tuple[int, Proposal]:
    """Count with no transaction open for writing; by the rule of before where none is given."""
    with store.reading() as session:
        listed = mailing_list.named(session, organisation.only_one(session), public_id)
        before = clean_up.kept(session, listed)
        chosen = rule or (before.rule if before else Rule())
        return listed.id, clean_up.count(session, listed, chosen)


def _count_again(public_id: str, rule: Rule | None = None) -> None:
    """Count, and keep it."""
    list_id, found = _counted(public_id, rule)
    with store.transaction() as session:
        clean_up.keep(session, list_id, found)


@blueprint.post("/rest")
def rest(public_id: str) -> Response | AnyResponse:
    """Let them rest who never reacted, by the rule that the page showed."""
    who = member.present().actor
    try:
        rule = clean_up.rule_of(request.form.get("months", ""), request.form.get("letters", ""))
        _, counted = _counted(public_id, rule)
        with store.transaction() as session:
            owner = organisation.only_one(session)
            made = clean_up.rest(session, mailing_list.named(session, owner, public_id), counted, actor=who)
            audit_log.record(session, owner.id, who, "rest.begun", made.public_id)
            number = made.number
    except (Invalid, Conflict) as problem:
        return _shown(public_id, problem=problem, status=422)
    said = language.counted(
        "%(number)s person rests now. Their yes stands, and you can wake them for a year.",
        "%(number)s people rest now. Their yes stands, and you can wake them for a year.",
        number,
    )
    return page.back_to("clean_up.show", said, public_id=public_id)


@blueprint.post("/<batch_id>/undo")
def undo(public_id: str, batch_id: str) -> Response | AnyResponse:
    """Wake all of a batch who still rest."""
    who = member.present().actor
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = mailing_list.named(session, owner, public_id)
            batch = resting.identified(session, owner, batch_id)
            if batch.list_id != found.id:
                raise NotFound("no_rest", language.text("There is no such clean-up."))
            number = resting.undo(session, batch)
            audit_log.record(session, owner.id, who, "rest.undone", batch_id)
    except Conflict as problem:
        return _shown(public_id, problem=problem, status=422)
    _count_again(public_id)
    said = language.counted("%(number)s person is awake again.", "%(number)s people are awake again.", number)
    return page.back_to("clean_up.show", said, public_id=public_id)
