"""Permissions: how long proof is kept, which permissions end soon, and who is never mailed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import lifecycle, lowering, mailing_list, retention, retention_preset, suppression
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address
from listkeeper.web.studio import member, page, words

blueprint = Blueprint("permissions", __name__, url_prefix=page.ROOT)

# What can be said by hand; the other reasons are acts of the person or facts of the mail.
_BY_HAND = (Reason.MANUAL, Reason.LEGAL)


@dataclass(frozen=True)
class Held:
    """One live entry, in words."""

    reason: str
    scope: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Sought:
    """An address somebody looked for, and what stands against writing to it."""

    address: str
    held: tuple[Held, ...]


@blueprint.get("/permissions")
def show() -> Response:
    """Show how things stand."""
    return _shown()


def _shown(*, sought: Sought | None = None, problem: Invalid | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        counts = suppression.counts(session, owner.id)
        return page.answer(
            session,
            "permissions",
            presets=retention_preset.offered(clock.now().date()),
            warnings=lifecycle.warnings(session, owner),
            counts=[(words.never(reason), number) for reason, number in sorted(counts.items())],
            by_hand=[(reason.value, words.never(reason)) for reason in _BY_HAND],
            sought=sought,
            typed=request.form if problem else {},
            problem=problem,
            status=status,
        )


@blueprint.post("/permissions/proof")
def keep_proof() -> Response | AnyResponse:
    """Choose how long proof is kept once a permission has ended, and why."""
    who = member.present().actor
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            retention.choose(session, owner, request.form.get("preset", ""), request.form.get("reason", ""), actor=who)
            audit_log.record(session, owner.id, who, "retention.chosen", owner.public_id)
    except Invalid as problem:
        return _shown(problem=problem, status=422)
    return page.back_to("permissions.show", language.text("Saved. Your choice and its reason are in the ledger."))


@blueprint.post("/permissions/never/search")
def search() -> Response:
    """Look an address up; by a POST, because addresses belong into no log and no history of a browser."""
    try:
        parsed = address.parse(request.form.get("address", ""))
    except Invalid as problem:
        return _shown(problem=problem, status=422)
    with store.reading() as session:
        owner = organisation.only_one(session)
        rows = suppression.reasons(session, owner.id, suppression.key_of(owner.id, parsed.key))
        held = tuple(_in_words(session, owner, row) for row in rows)
    return _shown(sought=Sought(parsed.send, held))


def _in_words(session: Session, owner: Organisation, row: Suppression) -> Held:
    lists = {suppression.list_scope(each.id): each.name for each in mailing_list.every(session, owner)}
    scope = {
        suppression.ALL: language.text("every mail"),
        suppression.MARKETING: language.text("every letter"),
        suppression.CONFIRMATIONS: language.text("mails that ask for a yes"),
    }.get(row.scope) or language.text("letters of one list: %(name)s", name=lists.get(row.scope, row.scope))
    return Held(words.never(row.reason), scope, row.created_at, row.until)


@blueprint.post("/permissions/never")
def add() -> Response | AnyResponse:
    """Keep an address from ever being mailed; known or not, only its keyed hash is stored on the list."""
    who, reason = member.present().actor, request.form.get("reason", "")
    try:
        if reason not in _BY_HAND:
            return _shown(problem=Invalid("reason", language.text("Please choose a reason.")), status=422)
        with store.transaction() as session:
            owner = organisation.only_one(session)
            lowering.suppress(session, owner, request.form.get("address", ""), reason=Reason(reason), actor=who)
            audit_log.record(session, owner.id, who, "suppression.added", owner.public_id)
    except Invalid as problem:
        return _shown(problem=problem, status=422)
    return page.back_to("permissions.show", language.text("Added. No letter goes to this address any more."))
