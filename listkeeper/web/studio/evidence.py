"""A person's evidence: shown on demand, handed out as a proof; both are acts, and both are written down.

Evidence lies sealed until somebody asks for it by a POST. Looking is noted in
the audit log, handing out in the ledger as well.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import subscriber
from listkeeper.audience.proof import evidence_request
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict
from listkeeper.rendering.paper import certificate_paper
from listkeeper.sending import proof
from listkeeper.web import headers
from listkeeper.web.studio import member, page

blueprint = Blueprint("evidence", __name__, url_prefix=page.ROOT)

_SEEN = "evidence.seen"


@blueprint.post("/people/<public_id>/evidence")
def show(public_id: str) -> Response | AnyResponse:
    """Open the evidence of a person's events and show it, once; the audit log says who looked."""
    with store.transaction() as session:
        owner, person = _whose(session, public_id)
        if not evidence_request.may_have(session, owner, person.subject_ref, member.present()):
            return _asked(session, owner, person)
        certificate = proof.gather(session, owner, person.subject_ref, spoken=language.current())
        audit_log.record(session, owner.id, member.present().actor, _SEEN, person.public_id)
        shown = page.answer(session, "evidence", person=person, paper=certificate_paper.lay_out(certificate))
    return headers.private(shown)


@blueprint.post("/people/<public_id>/proof")
def hand_out(public_id: str) -> Response | AnyResponse:
    """Hand out the proof of a person's permission as a ZIP."""
    with store.transaction() as session:
        owner, person = _whose(session, public_id)
        if not evidence_request.may_have(session, owner, person.subject_ref, member.present()):
            return _asked(session, owner, person)
        actor, site = member.present().actor, page.settings().site
        made = proof.hand_out(session, owner, person.subject_ref, actor=actor, site=site)
    answer = make_response(made.content)
    answer.content_type = "application/zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return headers.private(answer)


def _asked(session: Session, owner: Organisation, person: Subscriber) -> AnyResponse:
    evidence_request.ask(session, owner, person.subject_ref, member.present())
    said = language.text("Asked. As soon as somebody else has released it, press the button again.")
    return page.back_to("people.show", said, public_id=person.public_id)


@blueprint.post("/evidence/<public_id>/release")
def release(public_id: str) -> AnyResponse:
    """Let another user have the evidence she asked for."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        released = evidence_request.release(session, owner, public_id, member.present())
        person = subscriber.with_reference(session, owner.id, released.subject_ref)
    said = language.text("Released. Whoever asked can have it once, until tomorrow.")
    return page.back_to("people.show", said, public_id=person.public_id) if person else page.back_to("home.show", said)


@blueprint.post("/settings/evidence")
def choose() -> AnyResponse:
    """Ask for a second user before evidence is handed out, or no more."""
    wanted = request.form.get("needs_two") == "1"
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            evidence_request.require_two(session, owner, wanted, actor=member.present().actor)
    except Conflict as problem:
        return page.back_to("business.show", problem.message, "bad")
    return page.back_to("business.show", language.text("Saved."))


def _whose(session: Session, public_id: str) -> tuple[Organisation, Subscriber]:
    owner = organisation.only_one(session)
    person = subscriber.named(session, owner, public_id)
    if person.demo:
        raise Conflict("demo_person", language.text("This person was made up for the demo: there is nothing to prove."))
    return owner, person
