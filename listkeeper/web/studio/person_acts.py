"""What the owner can do for a person who asks: write no more, hold everything back, or forget them. Never more."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import complaint, erasure, subscriber
from listkeeper.audience.consent import Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.feedback import traces
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.web.studio import member, page

blueprint = Blueprint("person_acts", __name__, url_prefix=page.ROOT)

_Act = Callable[[Session, Subscriber, str], None]


def _do(public_id: str, action: str, said: str, act: _Act) -> AnyResponse:
    """Do one thing to a person, whole or not at all, and note who did it."""
    who = member.present().actor
    with store.transaction() as session:
        owner = organisation.only_one(session)
        person = subscriber.hold(session, subscriber.named(session, owner, public_id).id)
        if person is None or person.demo:
            raise Conflict("demo_person", language.text("This person was made up for the demo."))
        audit_log.record(session, owner.id, who, action, public_id)
        act(session, person, who)
    return page.back_to("people.show", said, public_id=public_id)


@blueprint.post("/people/<public_id>/restrict")
def restrict(public_id: str) -> AnyResponse:
    """Keep what is known and write no more, as long as a dispute lasts."""
    said = language.text("Held back. Nothing is sent to this person and nothing is deleted until you end it.")
    return _do(
        public_id,
        "subscriber.restricted",
        said,
        lambda session, person, who: subscriber.restrict(session, person, actor=who),
    )


@blueprint.post("/people/<public_id>/unrestrict")
def unrestrict(public_id: str) -> AnyResponse:
    """End it: what was agreed to before counts again."""
    said = language.text("Ended. What this person agreed to before counts again, and no more.")
    return _do(
        public_id,
        "subscriber.unrestricted",
        said,
        lambda session, person, who: subscriber.unrestrict(session, person, actor=who),
    )


@blueprint.post("/people/<public_id>/stop")
def stop(public_id: str) -> AnyResponse:
    """Take the person off every list, because they asked for it."""

    def act(session: Session, person: Subscriber, who: str) -> None:
        complaint.stop_everything(session, person.id, method=Method.OPERATOR, actor=who)

    said = language.text("Done. No letter goes to this person any more, from no list.")
    return _do(public_id, "subscriber.stopped", said, act)


@blueprint.get("/people/<public_id>/erase")
def ask(public_id: str) -> Response:
    """Say what goes and what stays, before anything does."""
    return _asked(public_id)


def _asked(public_id: str, *, problem: Invalid | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        person = subscriber.named(session, organisation.only_one(session), public_id)
        return page.answer(session, "person_erase", person=person, problem=problem, status=status)


@blueprint.post("/people/<public_id>/erase")
def erase(public_id: str) -> Response | AnyResponse:
    """Forget the person; what proves that there was a yes is destroyed as well."""
    if request.form.get("sure") != "yes":
        problem = Invalid("not_sure", language.text("Please tick that you are sure. Nothing was changed."))
        return _asked(public_id, problem=problem, status=422)

    def act(session: Session, person: Subscriber, who: str) -> None:
        forget = traces.forgetter(parts.practice_folder())
        erasure.erase(session, person.id, actor=who, forget_copies=forget)

    said = language.text("Erased. Only a fingerprint that nobody can read is left, so that no letter goes there again.")
    _do(public_id, "subscriber.erased", said, act)
    return page.back_to("lists.show")
