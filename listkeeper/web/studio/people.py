"""One person: what they said, when, how, and under which text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import arrival, consent, posted_event, profile_told, subscriber, subscription, suppression
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.importing import brought, reasons
from listkeeper.audience.importing.brought import Brought
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.proof import evidence_request
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Suppression
from listkeeper.feedback import decision_words, timeline
from listkeeper.feedback import event as feedback
from listkeeper.feedback.event import FeedbackEvent
from listkeeper.foundation import money
from listkeeper.sending import opening
from listkeeper.sending.following import follow_up_view, follow_up_words
from listkeeper.web.studio import page, words

blueprint = Blueprint("people", __name__, url_prefix=page.ROOT)
_OPENED_SHOWN = 20


@dataclass(frozen=True)
class Told:
    """One thing that happened: an event of ours or of the shop, a claim from a file, or what came back of a mail."""

    at: datetime
    event: ConsentEvent | None
    claim: Brought | None
    back: FeedbackEvent | None = None
    posted: PostedEvent | None = None


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
        return page.answer(
            session,
            "person",
            person=person,
            subscriptions=held,
            arrivals=arrival.of(session, person),
            proofs=proofs,
            claims=[claim for number, claim in brought.standing(imports).items() if number not in proved],
            story=_story(session, person.id, history, imports),
            provable=_provable(person, history, held),
            requests=evidence_request.waiting(session, owner, person.subject_ref),
            lists={each.id: each for _, each in held},
            told=profile_told.told_by(session, person, owner.language),
            suppressed=[(row, timeline.cause(session, row)) for row in _reasons(session, person)],
            opened=opening.opened(session, person.id)[:_OPENED_SHOWN],
            **_followed(session, person),
            say_decision=decision_words.of,
            say_amount=money.text,
            say_state=words.subscription,
            say_event=words.event,
            say_outcome=reasons.outcome,
            say_reason=reasons.sentence,
            say_operator=lambda actor: words.operator(session, actor),
        )


def _reasons(session: Session, person: Subscriber) -> list[Suppression]:
    return suppression.reasons(session, person.organisation_id, person.suppression_key)


def _provable(
    person: Subscriber, history: list[ConsentEvent], held: Sequence[tuple[Subscription, MailingList]]
) -> bool:
    """Return whether the ledger knows anything of a person."""
    return not person.demo and any([event.ledger_seq for event in history] + [row.ledger_seq for row, _ in held])


def _followed(session: Session, person: Subscriber) -> dict[str, Any]:
    """Return what became of the steps of follow-ups for somebody, and which letters left her out, with its words."""
    return {
        "walked": follow_up_view.log_of_person(session, person),
        "left_out": follow_up_view.left_out(session, person),
        "say": follow_up_words,
        "say_refusal": words.refusal,
        "say_method": words.method,
        "say_never": words.never,
        "is_ours": timeline.is_ours,
    }


def _story(session: Session, person: int, history: list[ConsentEvent], imports: list[Brought]) -> list[Told]:
    """Return what happened, what was claimed and what came back in one line of time, the newest first."""
    told = [Told(event.at, event, None) for event in history] + [Told(claim.at, None, claim) for claim in imports]
    told += [Told(each.at, None, None, each) for each in feedback.of_person(session, person)]
    told += [Told(each.at, None, None, posted=each) for each in posted_event.of_person(session, person)]
    return sorted(told, key=lambda one: one.at, reverse=True)
