"""The protection of a sign-up form: what stands before it, what was held back, and the owner's two switches."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import signup_form
from listkeeper.audience.guard import defence, watch
from listkeeper.audience.guard.defence import Stage
from listkeeper.audience.signup import SignupDecision
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import language
from listkeeper.rendering.mails import defence_mail
from listkeeper.web.studio import member, page

blueprint = Blueprint("form_protection", __name__, url_prefix=page.ROOT)


@blueprint.get("/forms/<public_id>/protection")
def show(public_id: str) -> Response:
    """Show what stands before a form now, and what it held back since yesterday."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        form = signup_form.identified(session, owner, public_id)
        standing = defence.standing(session, form)
        stage = standing.stage if standing is not None else Stage.CALM
        return page.answer(
            session,
            "form_protection",
            form=form,
            title=signup_form.newest(session, form).title,
            stage=stage.value,
            now=defence_mail.now(stage),
            why=defence_mail.why(standing.reason) if standing is not None else "",
            until=standing.until if standing is not None else None,
            own=defence.of_form(session, form) is not None,
            under_attack=defence.of_all(session, owner.id) is not None,
            tally=watch.tally(session, form),
            held=_held_words(session, form),
            limits=parts.limits(),
        )


def _held_words(session: Session, form: SignupForm) -> list[tuple[str, int]]:
    counted = watch.tally(session, form).by_decision
    words = {
        SignupDecision.TRAPPED: language.text("filled in the field that only machines see"),
        SignupDecision.BRAKED: language.text("too many for one mailbox, one network or one domain"),
        SignupDecision.SUPPRESSED: language.text("had told us not to ask again"),
        SignupDecision.NO_MAIL: language.text("at a domain that takes no mail"),
    }
    return [(said, counted[decision]) for decision, said in words.items() if counted.get(decision)]


@blueprint.post("/forms/<public_id>/protection/end")
def end(public_id: str) -> AnyResponse:
    """End what the breaker raised: the owner says that all is well."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        form = signup_form.identified(session, owner, public_id)
        defence.end(session, form)
        audit_log.record(session, owner.id, member.present().actor, "form.defence_ended", form.public_id)
    return page.back_to("form_protection.show", language.text("The form is open as always."), public_id=public_id)


@blueprint.post("/forms/<public_id>/protection/attack")
def declare(public_id: str) -> AnyResponse:
    """Defend all forms for a day: the owner sees an attack before we do."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        actor = member.present().actor
        defence.declare_attack(session, owner.id, actor)
        audit_log.record(session, owner.id, actor, "attack.declared", owner.public_id)
    said = language.text("All your forms ask for one small step more, for a day.")
    return page.back_to("form_protection.show", said, public_id=public_id)


@blueprint.post("/forms/<public_id>/protection/calm")
def call_off(public_id: str) -> AnyResponse:
    """End the owner's own "we are under attack"."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        defence.call_off(session, owner.id)
        audit_log.record(session, owner.id, member.present().actor, "attack.called_off", owner.public_id)
    return page.back_to("form_protection.show", language.text("Called off."), public_id=public_id)
