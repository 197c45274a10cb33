"""Settings: whose studio this is, how its letters look, and how mail leaves."""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, quiet_hours, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import fonts
from listkeeper.web.studio import mail_ways, member, page, picture

blueprint = Blueprint("business", __name__, url_prefix=page.ROOT)

# A logo and a form's worth of words.
_BODY_LIMIT = picture.LIMIT + 64 * 1024


def limit_body() -> None:
    """Refuse an upload that no logo needs, before it is read."""
    request.max_content_length = _BODY_LIMIT
    request.max_form_parts = 50


def uploaded_logo() -> str | None:
    """Store the logo of this form and return its name, or None when none was chosen."""
    chosen = request.files.get("logo")
    raw = chosen.read() if chosen is not None and chosen.filename else b""
    return picture.keep(page.settings().data_folder / "media", raw) if raw else None


@blueprint.get("/settings")
def show() -> Response:
    """Show the settings."""
    with store.reading() as session:
        return _shown(session, _as_typed(organisation.only_one(session)))


@blueprint.post("/settings")
def change() -> Response | AnyResponse:
    """Store what the business says about itself, all of it or nothing."""
    limit_body()
    try:
        logo = uploaded_logo()
        with store.transaction() as session:
            _describe(session, logo)
    except Invalid as problem:
        with store.reading() as session:
            return _shown(session, request.form.to_dict(), problem=problem, status=422)
    return page.back_to("business.show", language.text("Saved. New letters and forms use it from now on."))


@blueprint.post("/settings/quiet")
def quiet() -> Response | AnyResponse:
    """Choose the hours in which no letter leaves, or none."""
    begins, ends = request.form.get("quiet_from", ""), request.form.get("quiet_until", "")
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            quiet_hours.choose(owner, begins, ends)
            audit_log.record(session, owner.id, member.present().actor, "organisation.quiet_chosen", owner.public_id)
            chosen = owner.quiet_from is not None
    except Invalid as problem:
        with store.reading() as session:
            kept = _as_typed(organisation.only_one(session)) | {"quiet_from": begins, "quiet_until": ends}
            return _shown(session, kept, problem=problem, status=422)
    if chosen:
        return page.back_to("business.show", language.text("Saved. No letter leaves in these hours."))
    return page.back_to("business.show", language.text("Saved. Letters leave at any hour."))


@blueprint.post("/settings/witness")
def witness() -> Response | AnyResponse:
    """Name the mailbox that keeps the ledger's checkpoints, or none."""
    typed = request.form.get("witness_address", "")
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            organisation.choose_witness(owner, typed)
            audit_log.record(session, owner.id, member.present().actor, "organisation.witness_chosen", owner.public_id)
            chosen = owner.witness_address
    except Invalid as problem:
        with store.reading() as session:
            kept = _as_typed(organisation.only_one(session)) | {"witness_address": typed}
            return _shown(session, kept, problem=problem, status=422)
    if chosen is None:
        return page.back_to("business.show", language.text("Saved. No notes are mailed."))
    said = language.text("Saved. %(address)s gets a note once a week when there is something new.", address=chosen)
    return page.back_to("business.show", said)


def _describe(session: Session, logo: str | None) -> None:
    typed, owner = request.form, organisation.only_one(session)
    organisation.describe(
        owner,
        legal_name=typed.get("legal_name", ""),
        postal_address=typed.get("postal_address", ""),
        from_address=typed.get("from_address", ""),
        from_name=typed.get("from_name", "") or typed.get("legal_name", ""),
        brand_colour=typed.get("brand_colour", ""),
        website=typed.get("website"),
    )
    owner.language = language.known(typed.get("language"))
    owner.letter_font = fonts.chosen(typed.get("letter_font", owner.letter_font))
    if logo or typed.get("remove_logo"):
        owner.logo = logo
    who = member.present()
    audit_log.record(session, owner.id, who.actor, "organisation.changed", owner.public_id)


def _as_typed(owner: Organisation) -> dict[str, str]:
    return {
        "legal_name": owner.legal_name,
        "postal_address": owner.postal_address,
        "from_name": owner.from_name,
        "from_address": owner.from_address,
        "website": owner.website or "",
        "language": owner.language,
        "brand_colour": owner.brand_colour,
        "letter_font": owner.letter_font,
        "witness_address": owner.witness_address or "",
        "quiet_from": quiet_hours.as_text(owner)[0],
        "quiet_until": quiet_hours.as_text(owner)[1],
    }


def _shown(session: Session, typed: dict[str, str], *, problem: Invalid | None = None, status: int = 200) -> Response:
    return page.answer(
        session,
        "settings",
        typed=typed,
        fonts=[(name, fonts.said(name)) for name in fonts.STACKS],
        problem=problem,
        leaving=mail_ways.every(session),
        zone=storefront.zone_of(session, organisation.only_one(session)),
        status=status,
    )
