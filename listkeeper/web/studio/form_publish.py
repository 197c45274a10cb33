"""Publishing a form: read what changes, then press; and every version it ever had, as it looked."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import consent, list_rules, mailing_list, signup_form
from listkeeper.audience.forms import form_draft
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.rendering import form_snapshot
from listkeeper.web import headers
from listkeeper.web.studio import form_builder, form_drawing, form_further, form_look, form_words, member, page
from listkeeper.web.studio.form_words import Typed

blueprint = Blueprint("form_publish", __name__, url_prefix=f"{page.ROOT}/forms/<public_id>")


@blueprint.get("/publish")
def look(public_id: str) -> Response:
    """Show what publishing the draft would change, and what keeps it from being published; nothing is stored."""
    with store.reading() as session:
        return _looked(session, public_id)


def _looked(
    session: Session, public_id: str, *, problem: Invalid | Conflict | None = None, status: int = 200
) -> Response:
    form = form_builder.opened(session, public_id)
    draft, fields = form_draft.of(session, form), form_drawing.fields_of(session, form)
    newest = signup_form.newest(session, form)
    return headers.framing(
        page.answer(
            session,
            "form_publish",
            form=form,
            newest=newest,
            draft=draft,
            stale=draft is not None and draft.begun_from != newest.version,
            changes=form_builder.changes(session, form, form_words.of_version(newest, form.mailing_list), fields),
            agreed=consent.agreed(session, form).get(newest.id, 0),
            shut_out=_shut_out(session, form.mailing_list, fields),
            problem=problem,
            labels=form_words.labels() | form_look.labels(),
            **form_builder.panel(session, form, fields),
            status=status,
        )
    )


def _shut_out(session: Session, of: MailingList, fields: Typed) -> int:
    try:
        age = form_words.least_age(fields)
    except Invalid:
        return 0
    before = list_rules.shut_out(session, of, list_rules.of(of), of.least_age)
    return max(0, list_rules.shut_out(session, of, list_rules.of(of), age) - before)


@blueprint.post("/publish")
def publish(public_id: str) -> Response | AnyResponse:
    """Publish the draft that was looked at as the next version; whoever agreed before keeps the one they saw."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            form = form_builder.opened(session, public_id)
            form_draft.demand_seen(session, form, request.form.get("version", -1, type=int))
            fields = form_drawing.fields_of(session, form)
            mailing_list.ask_age(form.mailing_list, form_words.least_age(fields))
            further = form_further.offers(session, form, fields["further"])
            said = replace(form_words.words(fields, form.language), further=further)
            made = signup_form.publish_words(session, owner, form, said, show=form_snapshot.page_of)
            form_draft.begin_again(session, form, form_words.of_version(made, form.mailing_list))
            audit_log.record(session, owner.id, member.present().actor, "form.published", form.public_id)
    except (Invalid, Conflict) as problem:
        with store.reading() as session:
            return _looked(session, public_id, problem=problem, status=422 if isinstance(problem, Invalid) else 409)
    said_so = language.text("Published. The form shows the new words from now on.")
    return page.back_to("forms.show", said_so, public_id=public_id)


# Versions


def _version(session: Session, form: SignupForm, number: int) -> SignupFormVersion:
    query = select(SignupFormVersion).where(SignupFormVersion.form_id == form.id, SignupFormVersion.version == number)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_version", language.text("This form never had such a version."))
    return found


@blueprint.get("/versions/<int:number>")
def version(public_id: str, number: int) -> Response:
    """Show a version as it looked, with who said yes to it."""
    with store.reading() as session:
        form = form_builder.opened(session, public_id)
        found = _version(session, form, number)
        agreed = consent.agreed(session, form).get(found.id, 0)
        newest = signup_form.newest(session, form)
        return headers.framing(
            page.answer(session, "form_version", form=form, version=found, newest=newest, agreed=agreed)
        )


@blueprint.get("/versions/<int:number>/page")
def version_page(public_id: str, number: int) -> Response:
    """Serve the page of a version, alone; the same file goes into every proof of somebody who said yes on it."""
    with store.reading() as session:
        found = _version(session, form_builder.opened(session, public_id), number)
        return form_builder.alone(form_snapshot.page_of(signup_form.describe(session, found)).encode())


@blueprint.post("/versions/<int:number>/restore")
def restore(public_id: str, number: int) -> AnyResponse:
    """Bring a version's words and look back as the draft; nothing is public before it is published."""
    with store.transaction() as session:
        owner, form = organisation.only_one(session), form_builder.opened(session, public_id)
        old = _version(session, form, number)
        form_draft.begin_again(session, form, form_words.of_version(old, form.mailing_list))
        audit_log.record(session, owner.id, member.present().actor, "form.version_restored", public_id)
    said = language.text("Version %(number)s is your draft now. Publish it when you have read it.", number=number)
    return page.back_to("form_builder.show", said, public_id=public_id)
