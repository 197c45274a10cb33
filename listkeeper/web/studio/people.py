"""One person: what they said, when, how, and under which text."""

from __future__ import annotations

from flask import Blueprint, Response

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import consent, evidence_request, subscriber, subscription, suppression
from listkeeper.audience.consent import EventKind
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.web.studio import page, words

blueprint = Blueprint("people", __name__, url_prefix=page.ROOT)


@blueprint.get("/people/<public_id>")
def show(public_id: str) -> Response:
    """Show a person's subscriptions, their consent proof and everything that happened to it."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        person = subscriber.named(session, owner, public_id)
        history = consent.history(session, person)
        held = subscription.all_of(session, person)
        cited = {current.consent_event_id for current, _ in held}
        return page.answer(
            session,
            "person",
            person=person,
            subscriptions=held,
            proofs=[event for event in history if event.id in cited and event.kind is EventKind.GIVEN],
            imported=[
                row for row in held if row[0].state is SubscriptionState.CONFIRMED and row[0].import_id is not None
            ],
            history=list(reversed(history)),
            provable=not person.demo
            and any([event.ledger_seq for event in history] + [row.ledger_seq for row, _ in held]),
            requests=evidence_request.waiting(session, owner, person.subject_ref),
            lists={each.id: each for _, each in held},
            suppressed=suppression.reasons(session, owner.id, person.suppression_key),
            say_state=words.subscription,
            say_event=words.event,
            say_method=words.method,
            say_never=words.never,
        )
