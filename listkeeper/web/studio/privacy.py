"""The privacy notice, one text per language: written from a starter, checked, published, kept in every version."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import privacy_notice
from listkeeper.audience.forms import form_family
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import form_snapshot
from listkeeper.web.studio import member, page

blueprint = Blueprint("privacy", __name__, url_prefix=page.ROOT)


@blueprint.get("/privacy")
def show() -> Response:
    """Show the notice of one language, or the starter where there is none yet."""
    return _shown(request.args.get("spoken", ""))


def _shown(spoken: str, *, typed: str | None = None, problem: Invalid | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        chosen = spoken if spoken in language.LANGUAGES else owner.language
        versions = [each for each in privacy_notice.all_of(session, owner.id) if each.language == chosen]
        today = versions[0] if versions else None
        body = typed if typed is not None else (today.body if today else privacy_notice.starter(owner, chosen))
        return page.answer(
            session,
            "privacy",
            chosen=chosen,
            written=privacy_notice.languages(session, owner.id),
            today=today,
            versions=versions,
            body=body,
            findings=privacy_notice.check(owner, chosen, body) if typed is not None else [],
            problem=problem,
            status=status,
        )


@blueprint.post("/privacy")
def publish() -> Response | AnyResponse:
    """Publish the words as the next version, and let the forms of the language point at it."""
    spoken, typed = request.form.get("spoken", ""), request.form.get("body", "").replace("\r\n", "\n")
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            notice = privacy_notice.publish(session, owner, spoken, typed)
            form_family.follow_notice(session, notice, show=form_snapshot.page_of)
            audit_log.record(session, owner.id, member.present().actor, "notice.published", owner.public_id)
    except Invalid as problem:
        return _shown(spoken, typed=typed, problem=problem, status=422)
    said = language.text("Published. The forms in this language point at it from now on.")
    return page.back_to("privacy.show", said, spoken=spoken)
