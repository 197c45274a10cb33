"""The form builder: type, see the very page that people will see, and what is wrong with it; nothing is public yet.

What is typed is kept as a draft, whole, also while it is not fit to be
published. Every save names the one it was made on: a save on an old one changes
nothing and gets the present one back.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.audience import consent_text, signup_form
from listkeeper.audience.consent_text import TextKind
from listkeeper.audience.forms import form_draft, form_family
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.rendering import look
from listkeeper.web import headers
from listkeeper.web.studio import form_drawing, form_further, form_look, form_words, member, page
from listkeeper.web.studio.form_words import Beside, Change, Typed

blueprint = Blueprint("form_builder", __name__, url_prefix=f"{page.ROOT}/forms/<public_id>/draft")

_CHANGED_ELSEWHERE = 412


def opened(session: Session, public_id: str) -> SignupForm:
    """Return the form an address names."""
    return signup_form.identified(session, organisation.only_one(session), public_id)


@blueprint.get("")
def show(public_id: str) -> Response:
    """Show the fields, as they were typed last, beside the page they make."""
    with store.reading() as session:
        return _shown(session, opened(session, public_id))


def _shown(
    session: Session, form: SignupForm, *, typed: Typed | None = None, problem: Conflict | Invalid | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    owner, newest = organisation.only_one(session), signup_form.newest(session, form)
    draft, stored = form_draft.of(session, form), form_drawing.fields_of(session, form)
    fields = typed or stored
    return headers.framing(
        page.answer(
            session,
            "form_builder",
            form=form,
            newest=newest,
            number=draft.number if draft else 0,
            saved_at=draft.saved_at if draft else newest.published_at,
            stale=draft is not None and draft.begun_from != newest.version,
            fields=fields,
            theirs=_told(session, form, stored) if problem is not None and problem.code == "changed_elsewhere" else "",
            problem=problem,
            labels=form_words.labels() | form_look.labels(),
            swatches=form_look.swatches(form_drawing.accent(fields, owner)),
            choices=form_look.choices,
            texts=consent_text.all_of(session, form.mailing_list, form.language, TextKind.NEWSLETTER),
            needs_second=consent_text.needs_second(form.mailing_list),
            further=form_further.choices(session, form),
            sisters=form_family.sisters(session, form),
            storefront=storefront.of(session, owner),
            **panel(session, form, fields),
            status=status,
        )
    )


def panel(session: Session, form: SignupForm, fields: Typed) -> dict[str, Any]:
    """Return what is wrong with the fields, and what becomes of the owner's colour."""
    owner = organisation.only_one(session)
    beside = form_words.findings(owner, form.mailing_list, form.language, fields)
    if (wrong := form_further.problem(session, form, fields["further"])) is not None:
        beside["further"] = [Beside(wrong.message, blocks=True)]
    faults = [(name, each) for name, found in beside.items() for each in found]
    try:
        design = form_look.design(fields)
        mended = look.mended(design, owner.brand_colour)
    except Invalid:
        mended = []
    return {"beside": beside, "faults": faults, "ready": not any(each.blocks for _, each in faults), "mended": mended}


def changes(session: Session, form: SignupForm, old: Typed, new: Typed) -> list[Change]:
    """Return what differs between two states of the fields, in words."""
    said = [each | {"further": form_further.spoken(session, form, each["further"])} for each in (old, new)]
    return form_words.changes(*said)


@blueprint.post("")
def save(public_id: str) -> Response | AnyResponse:
    """Store what was typed, whole, or say that somebody else did in the meantime."""
    typed, base = form_words.typed(), request.form.get("version", -1, type=int)
    try:
        with store.transaction() as session:
            number = form_draft.write(session, opened(session, public_id), typed, base=base).number
    except (Conflict, Invalid) as problem:
        return _not_saved(public_id, typed, problem)
    if page.wants_json():
        return jsonify(version=number, saved_at=clock.as_text(clock.now()))
    return page.back_to("form_builder.show", language.text("Saved."), public_id=public_id)


def _not_saved(public_id: str, typed: Typed, problem: Conflict | Invalid) -> Response:
    """Give both back: the words that are stored, and the ones that were not."""
    status = _CHANGED_ELSEWHERE if isinstance(problem, Conflict) else 422
    with store.reading() as session:
        form = opened(session, public_id)
        if not page.wants_json():
            return _shown(session, form, typed=typed, problem=problem, status=status)
        draft, stored = form_draft.of(session, form), form_drawing.fields_of(session, form)
        number = draft.number if draft else 0
        answer = jsonify(
            message=problem.message, code=problem.code, version=number, subject=stored["title"],
            body=_told(session, form, stored),
        )  # fmt: skip
    answer.status_code = status
    return answer


def _told(session: Session, form: SignupForm, stored: Typed) -> str:
    """Return all that is stored, in words, for somebody who compares it with what she typed."""
    fields = stored | {"further": form_further.spoken(session, form, stored["further"])}
    named = form_words.labels() | form_look.labels()
    said = [(named[name], form_look.spoken(name, fields.get(name, ""))) for name in named if name in fields]
    return "\n\n".join(f"{label}:\n{words}" for label, words in said if words)


@blueprint.get("/preview")
def see(public_id: str) -> Response:
    """Serve the page that the draft would make, alone, under the policy of letters."""
    with store.reading() as session:
        form = opened(session, public_id)
        return alone(form_drawing.drawn(session, form, form_drawing.fields_of(session, form)))


def alone(body: bytes) -> Response:
    """Return a page that stands in a frame of ours and can do nothing."""
    answer = make_response(body)
    answer.content_type = "text/html; charset=utf-8"
    return headers.letter(answer)


@blueprint.get("/check")
def check(public_id: str) -> Response:
    """Say what is wrong with the draft as it is stored."""
    with store.reading() as session:
        form = opened(session, public_id)
        found = panel(session, form, form_drawing.fields_of(session, form))
        template = "form_check" if page.is_fragment() else "form_check_page"
        labels = form_words.labels() | form_look.labels()
        return page.answer(session, template, form=form, labels=labels, **found)


@blueprint.post("/text")
def take_text(public_id: str) -> AnyResponse:
    """Put the words of an earlier text into the draft; the text itself is published again with the form."""
    wanted = request.form.get("text", 0, type=int)
    with store.transaction() as session:
        form = opened(session, public_id)
        texts = consent_text.all_of(session, form.mailing_list, form.language, TextKind.NEWSLETTER)
        chosen = next((text for text in texts if text.version == wanted), None)
        if chosen is None:
            raise NotFound("no_text", language.text("There is no such text."))
        fields = form_drawing.fields_of(session, form) | {
            "body": chosen.body,
            "withdrawal": chosen.withdrawal,
            "button_label": chosen.button_label,
            "age_statement": chosen.age_statement,
        }
        form_draft.begin_again(session, form, fields)
    said = language.text("The words of version %(number)s are in your draft.", number=wanted)
    return page.back_to("form_builder.show", said, public_id=public_id)


@blueprint.post("/discard")
def discard(public_id: str) -> AnyResponse:
    """Throw the typed words away and begin from what is public."""
    with store.transaction() as session:
        owner, form = organisation.only_one(session), opened(session, public_id)
        today = form_words.of_version(signup_form.newest(session, form), form.mailing_list)
        form_draft.begin_again(session, form, today)
        audit_log.record(session, owner.id, member.present().actor, "form.draft_discarded", public_id)
    return page.back_to("forms.show", language.text("The draft is gone. The form stays as it is."), public_id=public_id)
