"""Leaving: one act, at once, with no question asked first; and the person's own way back.

The token stands in the mail's header and footer. It names one delivery, holds
no address, never expires, and can do one thing only: leave that list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import answering, complaint, consent, subscriber, subscription, suppression
from listkeeper.audience.consent import Circumstances, ConsentEvent, EventKind, Method
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import evidence
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock, signing

UNDO_WINDOW = timedelta(hours=1)
_UNSUBSCRIBE = "unsubscribe"
_UNDO = "undo-unsubscribe"
_UNDO_EVERYTHING = "undo-stop-everything"
_BY_THE_PERSON = frozenset({Method.ONE_CLICK, Method.PAGE})


class Leaving(StrEnum):
    """What a POST came to; the page is calm in every case."""

    LEFT = "left"
    HAD_LEFT = "had_left"


@dataclass(frozen=True)
class Left:
    """The outcome, and the secret that lets the person undo it for an hour (None when there is nothing to undo)."""

    leaving: Leaving
    undo: str | None


def token_for(delivery_id: int) -> str:
    """Return the token that stands in one delivery's header and footer."""
    return signing.token(_UNSUBSCRIBE, delivery_id)


def delivery_of(token: str) -> int | None:
    """Return the delivery a token was made for, or None when it is not ours."""
    return signing.read(_UNSUBSCRIBE, token)


def leave(  # noqa: PLR0913, PLR0917 - who leaves what, how, by which mail, asked by whom
    session: Session,
    subscriber_id: int,
    list_id: int,
    method: Method,
    delivery_id: int | None = None,
    actor: str = "subscriber",
) -> Left:
    """Take a person off one list: state, suppression and proof in the caller's transaction."""
    # The same row lock as the gate takes: a hand-over is either before this or refused.
    (person,) = subscriber.hold_all(session, select(Subscriber).where(Subscriber.id == subscriber_id))
    current = subscription.followed(session, subscriber_id, list_id)
    gone = {SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED, SubscriptionState.REFUSED}
    if current is None:
        return Left(Leaving.HAD_LEFT, None)
    if current.state in gone:
        # It changes nothing that she has, but it is a no to whatever she was asked since she left.
        subscription.turn_away(current)
        return Left(Leaving.HAD_LEFT, None)
    # An undo restores a yes that was there; it never makes one, and only the person who left can take it back.
    undoable = current.state is SubscriptionState.CONFIRMED and method in _BY_THE_PERSON
    subscription.move(current, SubscriptionState.UNSUBSCRIBED)
    suppression.add(
        session,
        person.organisation_id,
        person.suppression_key,
        scope=suppression.list_scope(current.list_id),
        reason=Reason.UNSUBSCRIBED,
        subject=person.subject_ref,
        actor=actor,
    )
    under = Circumstances(consent_text_id=current.consent_text_id, delivery_id=delivery_id, actor=actor)
    event = consent.record(session, person, current.list_id, EventKind.WITHDRAWN, method, under)
    return Left(Leaving.LEFT, signing.token(_UNDO, event.id) if undoable else None)


def leave_everything(session: Session, subscriber_id: int, delivery_id: int | None = None) -> list[str]:
    """Take a person off every list at once, and return the secrets that bring her back to each for an hour."""
    left = complaint.stop_everything(session, subscriber_id, method=Method.PAGE, delivery_id=delivery_id)
    return [signing.token(_UNDO_EVERYTHING, event.id) for event in left]


def undo(session: Session, token: str) -> bool:
    """Take back a leave within the hour, by the person on the goodbye page; False when it has no effect."""
    everything = signing.read(_UNDO_EVERYTHING, token)
    number = everything or signing.read(_UNDO, token)
    event = session.get(ConsentEvent, number) if number is not None else None
    if event is None or event.kind is not EventKind.WITHDRAWN or event.at + UNDO_WINDOW < clock.now():
        return False
    found = subscriber.hold_all(session, select(Subscriber).where(Subscriber.subject_ref == event.subject_ref))
    person = found[0] if found else None
    current = subscription.of(session, person.id, event.list_id) if person is not None else None
    if person is None or person.erased_at is not None or current is None or not _is_the_last_word(session, event):
        return False
    # Leaving everything also closed what lies beyond the lists; leaving one list did not, and its undo opens no more.
    scopes = [suppression.list_scope(event.list_id), *([suppression.MARKETING] if everything else [])]
    if current.state is not SubscriptionState.UNSUBSCRIBED or _she_said_more(session, person, event, scopes):
        return False
    # What stood before stands again and no more: an undo makes no consent out of a purchase or an import.
    basis = current.basis
    under = Circumstances(
        consent_text_id=event.consent_text_id, delivery_id=event.delivery_id, basis=basis.value, purpose=current.purpose
    )
    given = consent.record(session, person, event.list_id, EventKind.GIVEN, Method.UNDO, under)
    answering.grant_basis(current, given)
    current.basis = basis
    subscription.move(current, SubscriptionState.CONFIRMED)
    evidence.limit(session, person.subject_ref, None)
    suppression.lift(
        session,
        person.organisation_id,
        person.suppression_key,
        scopes,
        suppression.LIFTED_BY_UNDO,
        subject=person.subject_ref,
    )
    return True


def _she_said_more(session: Session, person: Subscriber, event: ConsentEvent, scopes: list[str]) -> bool:
    """Whether she has said no otherwise, too, such as by an objection: this undo takes back its own leave only."""
    closed = suppression.marketing_scopes(event.list_id, list_of(session, event.list_id).purpose)
    return any(
        row.scope in closed
        and row.reason in suppression.HER_OWN_WORD
        and not (row.scope in scopes and row.reason in suppression.LIFTED_BY_UNDO)
        for row in suppression.reasons(session, person.organisation_id, person.suppression_key)
    )


def _is_the_last_word(session: Session, event: ConsentEvent) -> bool:
    """Whether the person has neither come back nor left again since: an undo takes back its own leave only."""
    later = select(ConsentEvent.id).where(
        ConsentEvent.subject_ref == event.subject_ref,
        ConsentEvent.list_id == event.list_id,
        ConsentEvent.kind.in_([EventKind.GIVEN, EventKind.WITHDRAWN]),
        ConsentEvent.id > event.id,
    )
    return session.scalar(later.limit(1)) is None


def list_of(session: Session, list_id: int) -> MailingList:
    """Return the list a leave is about, also when it is archived or a tombstone."""
    return session.get_one(MailingList, list_id)
