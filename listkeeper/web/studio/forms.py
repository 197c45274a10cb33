"""A sign-up form: where it is, what it says, which version."""

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
from listkeeper.audience import consent_text, signup_form
from listkeeper.audience.consent_text import Wording
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.web.studio import member, page

blueprint = Blueprint("forms", __name__, url_prefix=page.ROOT)


def address_of(form: SignupForm) -> str:
    """Return the address people reach a form at, whole, ready to be copied."""
    return page.settings().site + url_for("signup_page.show", slug=form.slug)


@blueprint.get("/forms/<public_id>")
def show(public_id: str) -> Response:
    """Show the link, a QR code for a phone, and the texts with their version."""
    # Kept in the browser's own session: the checklist of the first screen ticks "see your form" by it.
    kept["seen_form"] = True
    return _shown(public_id)


def _shown(public_id: str, *, problem: Invalid | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        form = signup_form.identified(session, owner, public_id)
        shown = signup_form.describe(session, signup_form.newest(session, form))
        typed = request.form if problem else None
        return page.answer(
            session,
            "form",
            shown=shown,
            typed=typed,
            problem=problem,
            address=address_of(form),
            qr=_qr(address_of(form)),
            status=status,
        )


@blueprint.post("/forms/<public_id>")
def publish(public_id: str) -> Response | AnyResponse:
    """Publish changed words as the next version; whoever agreed before keeps the version they saw."""
    typed = request.form
    wording = Wording(
        typed.get("body", "").strip(), typed.get("button_label", "").strip(), typed.get("withdrawal", "").strip()
    )
    title, thank_you = " ".join(typed.get("title", "").split()), typed.get("thank_you", "").strip()
    try:
        _whole(title, thank_you)
        with store.transaction() as session:
            owner = organisation.only_one(session)
            form = signup_form.identified(session, owner, public_id)
            text = consent_text.publish(session, owner, form.mailing_list, form.language, wording)
            signup_form.publish(session, form, text, title=title, thank_you=thank_you)
            audit_log.record(session, owner.id, member.present().actor, "form.published", form.public_id)
    except Invalid as problem:
        return _shown(public_id, problem=problem, status=422)
    said = language.text("Published. The form shows the new words from now on.")
    return page.back_to("forms.show", said, public_id=public_id)


def _whole(*said: str) -> None:
    if not all(said):
        raise Invalid(
            "text_incomplete", language.text("A form needs a headline and a word of thanks. Nothing was changed.")
        )


def _qr(address: str) -> str:
    """Return a QR code as a picture the page carries in itself."""
    drawn = io.BytesIO()
    qrcode.make(address, image_factory=qrcode.image.svg.SvgPathFillImage, border=2).save(drawn)
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode()
