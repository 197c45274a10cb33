"""A sign-up form: where it is, what it says, every version it ever had, and how its words are changed."""

from __future__ import annotations

import base64
import io

import qrcode  # type: ignore[import-untyped]
import qrcode.image.svg  # type: ignore[import-untyped]
from flask import Blueprint, Response, request, url_for
from flask import session as kept
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent, consent_text, form_family, list_rules, mailing_list, privacy_notice, signup_form
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import FormState, SignupForm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import form_snapshot
from listkeeper.web.studio import form_words, member, page
from listkeeper.web.studio.form_words import Typed

blueprint = Blueprint("forms", __name__, url_prefix=page.ROOT)


def address_of(form: SignupForm) -> str:
    """Return the address people reach a form at, whole, ready to be copied."""
    return page.settings().site + url_for("signup_page.show", slug=form.slug)


@blueprint.get("/forms/<public_id>")
def show(public_id: str) -> Response:
    """Show the link, a QR code for a phone, and the texts with their versions."""
    # Kept in the browser's own session: the checklist of the first screen ticks "see your form" by it.
    kept["seen_form"] = True
    return _shown(public_id)


def _shown(
    public_id: str,
    *,
    typed: Typed | None = None,
    comparing: bool = False,
    problem: Invalid | None = None,
    status: int = 200,
) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        form = signup_form.identified(session, owner, public_id)
        shown = signup_form.describe(session, signup_form.newest(session, form))
        today = form_words.of_version(shown.version, shown.mailing_list)
        fields = _with_second(owner, form, today if typed is None else typed)
        return page.answer(
            session,
            "form",
            shown=shown,
            versions=signup_form.versions(session, form),
            agreed=consent.agreed(session, form),
            behind=form_family.behind(shown.version),
            notice=privacy_notice.newest(session, owner.id, form.language),
            fields=fields,
            beside=form_words.findings(owner, shown.mailing_list, form.language, fields) if typed else {},
            changes=form_words.changes(today, fields) if comparing else None,
            shut_out=_shut_out(session, shown.mailing_list, fields) if comparing else 0,
            open=form.state is FormState.OPEN,
            needs_second=consent_text.needs_second(shown.mailing_list),
            labels=form_words.labels(),
            problem=problem,
            address=address_of(form),
            qr=_qr(address_of(form)),
            status=status,
        )


def _with_second(owner: Organisation, form: SignupForm, fields: Typed) -> Typed:
    """Offer the starter of the second text where the rules ask for one and there is none yet."""
    if fields["second_body"] or not consent_text.needs_second(form.mailing_list):
        return fields
    words = consent_text.second_starter(owner, form.mailing_list, form.language)
    return fields | {"second_body": words.body, "second_withdrawal": words.withdrawal}


def _shut_out(session: Session, of: MailingList, fields: Typed) -> int:
    try:
        age = form_words.least_age(fields)
    except Invalid:
        return 0
    before = list_rules.shut_out(session, of, list_rules.of(of), of.least_age)
    return max(0, list_rules.shut_out(session, of, list_rules.of(of), age) - before)


@blueprint.post("/forms/<public_id>/compare")
def compare(public_id: str) -> Response:
    """Show what a change would come to, and what the rules say to it; nothing is stored."""
    return _shown(public_id, typed=form_words.typed(), comparing=True)


@blueprint.post("/forms/<public_id>")
def publish(public_id: str) -> Response | AnyResponse:
    """Publish changed words as the next version; whoever agreed before keeps the version they saw."""
    typed = form_words.typed()
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            form = signup_form.identified(session, owner, public_id)
            mailing_list.ask_age(form.mailing_list, form_words.least_age(typed))
            said = form_words.words(typed, form.language)
            signup_form.publish_words(session, owner, form, said, show=form_snapshot.page_of)
            audit_log.record(session, owner.id, member.present().actor, "form.published", form.public_id)
    except Invalid as problem:
        return _shown(public_id, typed=typed, problem=problem, status=422)
    said_so = language.text("Published. The form shows the new words from now on.")
    return page.back_to("forms.show", said_so, public_id=public_id)


@blueprint.post("/forms/<public_id>/state")
def switch(public_id: str) -> AnyResponse:
    """Close a form or open it again; people who came by it stay."""
    closing = request.form.get("state") == FormState.CLOSED.value
    with store.transaction() as session:
        owner = organisation.only_one(session)
        form = signup_form.identified(session, owner, public_id)
        if closing:
            signup_form.close(form)
        else:
            signup_form.reopen(form)
        done = "form.closed" if closing else "form.opened"
        audit_log.record(session, owner.id, member.present().actor, done, form.public_id)
    said = language.text("Closed. Nobody can sign up here.") if closing else language.text("Open. People can sign up.")
    return page.back_to("forms.show", said, public_id=public_id)


def _qr(address: str) -> str:
    """Return a QR code as a picture the page carries in itself."""
    drawn = io.BytesIO()
    qrcode.make(address, image_factory=qrcode.image.svg.SvgPathFillImage, border=2).save(drawn)
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode()
