"""A sign-up form: where it is, what it says, every version it ever had, and whether it is open."""

from __future__ import annotations

import base64
import io

import qrcode  # type: ignore[import-untyped]
import qrcode.image.svg  # type: ignore[import-untyped]
from flask import Blueprint, Response, request, url_for
from flask import session as kept
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import consent, privacy_notice, signup_form
from listkeeper.audience.forms import form_draft, form_family
from listkeeper.audience.signup_form import FormState, SignupForm
from listkeeper.foundation import language
from listkeeper.web.studio import form_words, member, page

blueprint = Blueprint("forms", __name__, url_prefix=page.ROOT)


def address_of(form: SignupForm) -> str:
    """Return the address people reach a form at, whole, ready to be copied."""
    return page.settings().site + url_for("signup_page.show", slug=form.slug)


@blueprint.get("/forms/<public_id>")
def show(public_id: str) -> Response:
    """Show the link, a QR code for a phone, and the texts with their versions."""
    # Kept in the browser's own session: the checklist of the first screen ticks "see your form" by it.
    kept["seen_form"] = True
    with store.reading() as session:
        owner = organisation.only_one(session)
        form = signup_form.identified(session, owner, public_id)
        shown = signup_form.describe(session, signup_form.newest(session, form))
        draft = form_draft.of(session, form)
        today = form_words.of_version(shown.version, shown.mailing_list)
        versions = signup_form.versions(session, form)
        return page.answer(
            session,
            "form",
            shown=shown,
            versions=versions,
            texts_of={version.id: signup_form.describe(session, version).texts for version in versions},
            agreed=consent.agreed(session, form),
            behind=form_family.behind(shown.version),
            notice=privacy_notice.newest(session, owner.id, form.language),
            drafted=draft is not None and bool(form_words.changes(today, today | draft.fields)),
            open=form.state is FormState.OPEN,
            address=address_of(form),
            qr=_qr(address_of(form)),
        )


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
