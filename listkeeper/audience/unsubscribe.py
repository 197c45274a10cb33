"""Leaving: one act, at once, with no question asked first; and the person's own way back.

The token stands in the mail's header and footer. It names one delivery, holds
no address, never expires, and can do one thing only: leave that list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import answering, complaint, consent, subscriber, subscription, suppression
from listkeeper.audience.consent import Circumstances, ConsentEvent, EventKind, Method
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Entry, Reason
from listkeeper.foundation import clock, signing

UNDO_WINDOW = timedelta(hours=1)
# Of the token that lets somebody leave a list.
PURPOSE = "unsubscribe"
_UNDO = "undo-unsubscribe"
_UNDO_EVERYTHING = "undo-stop-everything"
_GONE = frozenset({SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED, SubscriptionState.REFUSED})
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
    return signing.token(PURPOSE, delivery_id)


def delivery_of(token: str) -> int | None:
    """Return the delivery a token was made for, or None when it is not ours."""
    return signing.read(PURPOSE, token)


@dataclass(frozen=True)
class Wish:
    """Who leaves what, how, by which mail, asked by whom."""

    subscriber_id: int
    list_id: int
    method: Method
    delivery_id: int | None = None
    actor: str = "subscriber"


def leave(  # noqa: PLR0913, PLR0917 - the fields of a wish
    session: Session,
    subscriber_id: int,
    list_id: int,
    method: Method,
    delivery_id: int | None = None,
    actor: str = "subscriber",
) -> Left:
    """Take a person off one list: state, suppression and proof in the caller's transaction."""
    return leave_all(session, [Wish(subscriber_id, list_id, method, delivery_id, actor)])[0]


def leave_all(session: Session, wishes: Sequence[Wish], *, undoable: bool = True) -> list[Left]:
    """Take people off lists, as ``leave`` does each, and return what each wish came to, in order.

    Without ``undoable`` no secrets are made: a mail program has nobody to show them to.
    """
    # The same row locks as the gate takes, in the same order: a hand-over is either before this or refused.
    people = {person.id: person for person in subscriber.hold_each(session, {wish.subscriber_id for wish in wishes})}
    known = {(row.subscriber_id, row.list_id): row for row in subscription.all_of_each(session, people)}
    leaving: dict[int, tuple[Wish, Subscription]] = {}
    turned = []
    for place, wish in enumerate(wishes):
        current = known.get((wish.subscriber_id, wish.list_id)) or subscription.followed(
            session, wish.subscriber_id, wish.list_id
        )
        if current is None:
            continue
        if current.state in _GONE or any(current is other for _, other in leaving.values()):
            # It changes nothing that she has, but it is a no to whatever she was asked since she left.
            turned.append(current)
        else:
            leaving[place] = wish, current
    subscription.turn_away_all(session, turned)
    undo = _left(session, people, list(leaving.values()), undoable=undoable) if leaving else []
    found = dict(zip(leaving, undo, strict=True))
    return [
        Left(Leaving.LEFT, found[place]) if place in found else Left(Leaving.HAD_LEFT, None)
        for place in range(len(wishes))
    ]


def _left(
    session: Session, people: Mapping[int, Subscriber], leaving: Sequence[tuple[Wish, Subscription]], *, undoable: bool
) -> list[str | None]:
    """Write down that these people left, and return the secret by which each can undo it, if she can."""
    # An undo restores a yes that was there; it never makes one, and only the person who left can take it back.
    can = [
        undoable and current.state is SubscriptionState.CONFIRMED and wish.method in _BY_THE_PERSON
        for wish, current in leaving
    ]
    subscription.leave_all(session, [current for _, current in leaving])
    owners: dict[int, list[int]] = {}
    for place, (wish, _current) in enumerate(leaving):
        owners.setdefault(people[wish.subscriber_id].organisation_id, []).append(place)
    events: dict[int, ConsentEvent] = {}
    for organisation_id, places in owners.items():
        told = _written_down(session, organisation_id, people, [leaving[place] for place in places], numbered=undoable)
        events |= {places[at]: event for at, event in told.items()}
    return [signing.token(_UNDO, events[place].id) if able else None for place, able in enumerate(can)]


def _written_down(
    session: Session,
    organisation_id: int,
    people: Mapping[int, Subscriber],
    leaving: Sequence[tuple[Wish, Subscription]],
    *,
    numbered: bool,
) -> dict[int, ConsentEvent]:
    """Store suppressions and events of one business, of which the ledger hears at once; return the events by place."""
    new = suppression.lacking(
        session, organisation_id, [_entry(people[wish.subscriber_id], wish, current) for wish, current in leaving]
    )
    alike: dict[tuple[int, Method], list[int]] = {}
    for place, (wish, current) in enumerate(leaving):
        alike.setdefault((current.list_id, wish.method), []).append(place)
    drafts = []
    for (list_id, method), places in alike.items():
        of = [(people[leaving[place][0].subscriber_id], _under(*leaving[place])) for place in places]
        drafts.append(consent.draft(session, list_id, EventKind.WITHDRAWN, method, of))
    closed, left = suppression.told(new), [event for drafted in drafts for event in drafted.told]
    written = ledger.append(session, organisation_id, [*closed, *left])
    suppression.store(session, organisation_id, new)
    (consent.keep if numbered else consent.store)(session, drafts, written[len(closed) :])
    placed = [place for places in alike.values() for place in places]
    return dict(zip(placed, [event for drafted in drafts for event in drafted.events], strict=True))


def _entry(person: Subscriber, wish: Wish, current: Subscription) -> Entry:
    scope = suppression.list_scope(current.list_id)
    return Entry(person.suppression_key, scope, Reason.UNSUBSCRIBED, subject=person.subject_ref, actor=wish.actor)


def _under(wish: Wish, current: Subscription) -> Circumstances:
    return Circumstances(consent_text_id=current.consent_text_id, delivery_id=wish.delivery_id, actor=wish.actor)


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
