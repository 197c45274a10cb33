"""A further form for a list, in a language of its own: made only with words in that language."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import consent_text, mailing_list, signup_form
from listkeeper.audience.forms import form_design
from listkeeper.audience.forms.form_design import Design
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import form_snapshot
from listkeeper.web.studio import form_words, member, page
from listkeeper.web.studio.form_words import Typed

blueprint = Blueprint("form_new", __name__, url_prefix=page.ROOT)


@blueprint.get("/lists/<public_id>/form")
def show(public_id: str) -> Response:
    """Ask for the language, then show starter words in it, ready to be changed."""
    return _shown(public_id, request.args.get("spoken", ""), request.args.get("like", ""))


def _shown(  # noqa: PLR0913 - a language, a sister, and what was typed
    public_id: str,
    spoken: str,
    like: str,
    *,
    typed: Typed | None = None,
    problem: Invalid | None = None,
    status: int = 200,
) -> Response:
    chosen = spoken if spoken in language.LANGUAGES else ""
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        fields = typed or form_words.of_words(signup_form.starter(owner, found, chosen or owner.language), found)
        return page.answer(
            session,
            "form_new",
            mailing_list=found,
            chosen=chosen,
            like=like,
            taken={form.language for form in signup_form.all_of(session, found)},
            fields=fields,
            labels=form_words.labels(),
            beside=form_words.findings(owner, found, chosen, fields) if typed else {},
            needs_second=consent_text.needs_second(found),
            problem=problem,
            status=status,
        )


@blueprint.post("/lists/<public_id>/form")
def create(public_id: str) -> Response | AnyResponse:
    """Make the form and publish its words; without a text in its own language nothing is made."""
    typed, spoken, like = form_words.typed(), request.form.get("spoken", ""), request.form.get("like", "")
    try:
        _refuse_unknown(spoken)
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = mailing_list.named(session, owner, public_id)
            mailing_list.ask_age(found, form_words.least_age(typed))
            said = replace(form_words.words(typed, spoken), design=_like(session, found, like))
            made = signup_form.create(session, owner, found, spoken=spoken, words=said, show=form_snapshot.page_of)
            audit_log.record(session, owner.id, member.present().actor, "form.created", made.public_id)
            form_id = made.public_id
    except Invalid as problem:
        return _shown(public_id, spoken, like, typed=typed, problem=problem, status=422)
    return page.back_to("forms.show", language.text("The form is ready to be shared."), public_id=form_id)


def _refuse_unknown(spoken: str) -> None:
    if spoken not in language.LANGUAGES:
        raise Invalid("language_not_known", language.text("Please choose the language of the form."))


def _like(session: Session, found: MailingList, like: str) -> Design:
    """Return the look of a sister of the same list, without her words: they are in another language."""
    for sister in signup_form.all_of(session, found):
        if sister.public_id == like:
            return form_design.wordless(signup_form.newest(session, sister).designed)
    return form_design.NONE
