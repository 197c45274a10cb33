"""One person: what they said, when, how, and under which text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import arrival, consent, profile_told, subscriber, subscription, suppression
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.importing import brought, reasons
from listkeeper.audience.importing.brought import Brought
from listkeeper.audience.proof import evidence_request
from listkeeper.feedback import decision_words, timeline
from listkeeper.feedback import event as feedback
from listkeeper.feedback.event import FeedbackEvent
from listkeeper.web.studio import page, words

blueprint = Blueprint("people", __name__, url_prefix=page.ROOT)


@dataclass(frozen=True)
class Told:
    """One thing that happened: an event of ours, a claim that came with a file, or what came back of a mail."""

    at: datetime
    event: ConsentEvent | None
    claim: Brought | None
    back: FeedbackEvent | None = None


@blueprint.get("/people/<public_id>")
def show(public_id: str) -> Response:
    """Show a person's subscriptions, their consent proof and everything that happened to it."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        person = subscriber.named(session, owner, public_id)
        history = consent.history(session, person)
        held = subscription.all_of(session, person)
        imports = brought.of_subject(session, owner, person.subject_ref)
        cited = {current.consent_event_id for current, _ in held}
        proofs = [event for event in history if event.id in cited and event.kind is EventKind.GIVEN]
        proved = {event.list_id for event in proofs}
        suppressed = suppression.reasons(session, owner.id, person.suppression_key)
        return page.answer(
            session,
            "person",
            person=person,
            subscriptions=held,
            arrivals=arrival.of(session, person),
            proofs=proofs,
            claims=[claim for number, claim in brought.standing(imports).items() if number not in proved],
            story=_story(history, imports, feedback.of_person(session, person.id)),
            provable=not person.demo
            and any([event.ledger_seq for event in history] + [row.ledger_seq for row, _ in held]),
            requests=evidence_request.waiting(session, owner, person.subject_ref),
            lists={each.id: each for _, each in held},
            told=profile_told.told_by(session, person, owner.language),
            suppressed=[(row, timeline.cause(session, row)) for row in suppressed],
            say_decision=decision_words.of,
            is_ours=timeline.is_ours,
            say_state=words.subscription,
            say_event=words.event,
            say_method=words.method,
            say_never=words.never,
            say_outcome=reasons.outcome,
            say_reason=reasons.sentence,
            say_operator=lambda actor: words.operator(session, actor),
        )


def _story(history: list[ConsentEvent], imports: list[Brought], back: list[FeedbackEvent]) -> list[Told]:
    """Return what happened, what was claimed and what came back in one line of time, the newest first."""
    told = [Told(event.at, event, None) for event in history] + [Told(claim.at, None, claim) for claim in imports]
    told += [Told(each.at, None, None, each) for each in back]
    return sorted(told, key=lambda one: one.at, reverse=True)
