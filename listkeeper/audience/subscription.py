"""A subscription: one subscriber on one mailing list, and its state machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    bindparam,
    false,
    func,
    select,
    true,
    update,
)
from sqlalchemy import Table as Rows
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

from listkeeper.audience import suppression
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof.ledger import LedgerHead
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock, columns, outbox
from listkeeper.foundation.among import among
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.standards import address

# A fact about a subscriber.
TRACKING_ENDED = "subscriber.tracking_ended"


class SubscriptionState(StrEnum):
    """Only ``confirmed`` may get marketing mail."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    REFUSED = "refused"
    EXPIRED = "expired"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    LAPSED = "lapsed"
    IMPORTED_UNVERIFIED = "imported_unverified"


class Basis(StrEnum):
    """Why we may write: modelled, never a yes or no."""

    NONE = "none"
    CONSENT = "consent"
    # A sale, with the way out offered when the address was collected (ePrivacy Art. 13(2)).
    SOFT_OPT_IN = "soft_opt_in"
    SOFT_OPT_IN_CHARITY = "soft_opt_in_charity"
    # Canada's CASL: from a purchase or an inquiry, for a time.
    IMPLIED_CASL = "implied_casl"
    INFERRED_AU = "inferred_au"


S = SubscriptionState
_ENDS = frozenset({S.UNSUBSCRIBED, S.BOUNCED, S.COMPLAINED})
# What a state may become. All ways back to confirmed need a new act of the person.
TRANSITIONS: dict[SubscriptionState, frozenset[SubscriptionState]] = {
    S.PENDING: frozenset({S.CONFIRMED, S.REFUSED, S.EXPIRED}) | _ENDS,
    S.CONFIRMED: frozenset({S.LAPSED}) | _ENDS,
    # Undo on the goodbye page, or a new form and confirmation.
    S.UNSUBSCRIBED: frozenset({S.CONFIRMED, S.COMPLAINED}),
    S.REFUSED: frozenset({S.CONFIRMED}),
    S.EXPIRED: frozenset({S.PENDING, S.CONFIRMED, S.UNSUBSCRIBED}),
    # A bounced address that confirms again is plainly alive.
    S.BOUNCED: frozenset({S.CONFIRMED, S.UNSUBSCRIBED, S.COMPLAINED}),
    S.COMPLAINED: frozenset({S.CONFIRMED}),
    # A permission that ran out is asked for by a form, never by mail.
    S.LAPSED: frozenset({S.CONFIRMED, S.UNSUBSCRIBED, S.COMPLAINED}),
    # Came without evidence: kept, never mailed; only the person's own signup makes it more.
    S.IMPORTED_UNVERIFIED: frozenset({S.CONFIRMED}) | _ENDS,
}
# How a subscription comes into being: by a form, or by an import, with or without evidence.
STARTS = frozenset({S.PENDING, S.IMPORTED_UNVERIFIED, S.CONFIRMED})
# States that only the person's own act may lead to.
BY_THE_PERSON_ALONE = frozenset({S.CONFIRMED})


class Frequency(StrEnum):
    """How often somebody wants to hear from us."""

    ALL = "all"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    IMPORTANT = "important"


class Subscription(Table):
    """The present state, which the consent events explain."""

    __tablename__ = "subscription"

    id: Mapped[int] = columns.row_id()
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    state: Mapped[SubscriptionState] = columns.enum(SubscriptionState)
    basis: Mapped[Basis] = columns.enum(Basis, default=Basis.NONE)
    consent_event_id: Mapped[int | None] = mapped_column(ForeignKey("consent_event.id"))
    consent_text_id: Mapped[int | None] = mapped_column(ForeignKey("consent_text.id"))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The row of the ledger that carries it: the consent event, or the import that claims it.
    ledger_seq: Mapped[int | None] = mapped_column(BigInteger)
    # What was agreed to; the list may get another purpose later, the consent does not.
    purpose: Mapped[str] = mapped_column(String(64), default="", server_default="")
    # Whether the address itself answered (button or code), which some countries demand.
    double_opt_in: Mapped[bool] = mapped_column(default=False, server_default=false())
    second_consent_event_id: Mapped[int | None] = mapped_column(columns.RowId)
    # The answer to the question of age, never a birth date; empty when nobody asked.
    age_ok: Mapped[bool | None] = mapped_column()
    # What a soft opt-in covers: categories of products like the one bought.
    categories: Mapped[list[str]] = mapped_column(columns.Json, default=list, server_default="[]")
    # How far the ledger had come when she was last turned away from the list: a question from before asks no more.
    turned_seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    first_use_deadline: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_contact_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    snooze_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    frequency: Mapped[Frequency] = columns.enum(Frequency, default=Frequency.ALL, server_default="all")
    topics: Mapped[list[str]] = mapped_column(columns.Json, default=list, server_default="[]")
    # Since when she lets us see which links she follows (``tracking``); empty: she does not. It stands here and not
    # with the person, because the words she said yes to name one list: what she reads on another is not looked at.
    tracking_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Since when she lets us see which letters she opens, too; never without the one above.
    opens_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Since when her letters are counted without her name; never beside these two.
    counted_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When she last said on a page of ours that her yes still holds (``renewal``).
    renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The import that claims this permission; empty when the person gave it here.
    import_id: Mapped[int | None] = mapped_column(columns.RowId)
    # How the person first came to the list: by which signup, and from which source if it was one of ours.
    first_signup_id: Mapped[int | None] = mapped_column(columns.RowId)
    source_id: Mapped[int | None] = mapped_column(columns.RowId)
    # Her owner lets her rest (``resting``): the yes stands, and letters to everybody pass her by until she is heard of.
    resting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rest_batch_id: Mapped[int | None] = mapped_column(columns.RowId)

    __table_args__ = (
        UniqueConstraint("subscriber_id", "list_id"),
        Index("ix_subscription_list_state", "list_id", "state", "subscriber_id"),
        # Without it, taking an event away would look through all subscriptions.
        Index(
            "ix_subscription_consent_event",
            "consent_event_id",
            postgresql_where=consent_event_id.is_not(None),
            sqlite_where=consent_event_id.is_not(None),
        ),
        # What each source brought is counted from it alone, and who came by it stands in order (``segment_count``).
        Index(
            "ix_subscription_source",
            *("source_id", "list_id", "state", "subscriber_id", "consent_event_id"),
            postgresql_where=source_id.is_not(None),
            sqlite_where=source_id.is_not(None),
        ),
        # Few rest, and they are woken together.
        Index(
            "ix_subscription_resting",
            "rest_batch_id",
            "list_id",
            postgresql_where=rest_batch_id.is_not(None),
            sqlite_where=rest_batch_id.is_not(None),
        ),
    )


def of(session: Session, subscriber_id: int, list_id: int) -> Subscription | None:
    """Return the subscription of a subscriber to a list, if there ever was one."""
    query = select(Subscription).where(Subscription.subscriber_id == subscriber_id, Subscription.list_id == list_id)
    return session.scalars(query).first()


def followed(session: Session, subscriber_id: int, list_id: int) -> Subscription | None:
    """Return a person's subscription to a list, or to the one that took its people over: old letters lead there."""
    seen: set[int] = set()
    number: int | None = list_id
    while number is not None and number not in seen:
        found = of(session, subscriber_id, number)
        if found is not None:
            return found
        seen.add(number)
        number = session.scalar(select(MailingList.merged_into_id).where(MailingList.id == number))
    return None


def all_of(session: Session, subscriber: Subscriber) -> list[tuple[Subscription, MailingList]]:
    """Return a subscriber's subscriptions with their lists, oldest first."""
    query = (
        select(Subscription, MailingList)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.subscriber_id == subscriber.id)
        .order_by(Subscription.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def all_of_each(session: Session, subscribers: Collection[int]) -> list[Subscription]:
    """Return every subscription of several people, as it is now; they are held."""
    return list(session.scalars(_OF_EACH, {"people": sorted(subscribers)}))


# Built once: that takes longer than running it, and whoever leaves must be quick.
_OF_EACH = (
    select(Subscription).where(among(Subscription.subscriber_id, "people")).execution_options(populate_existing=True)
)


def begin(session: Session, subscriber: Subscriber, mailing_list: MailingList) -> Subscription:
    """Return the subscription, made pending when there is none; an existing one is not touched."""
    return begin_all(session, [subscriber], mailing_list)[subscriber.id]


def begin_all(
    session: Session, subscribers: Iterable[Subscriber], mailing_list: MailingList
) -> dict[int, Subscription]:
    """Return the subscriptions of several people to a list by their numbers, made pending where there is none."""
    return {person: one for (_, person), one in begin_each(session, {mailing_list.id: subscribers}).items()}


def begin_each(session: Session, joining: Mapping[int, Iterable[Subscriber]]) -> dict[tuple[int, int], Subscription]:
    """Return the subscriptions of people to lists, by list and person, made pending where there is none."""
    found = {}
    for list_id, people in joining.items():
        wanted = [person.id for person in people]
        query = select(Subscription).where(Subscription.list_id == list_id, Subscription.subscriber_id.in_(wanted))
        found.update({(list_id, known.subscriber_id): known for known in session.scalars(query)})
        for number in wanted:
            if (list_id, number) not in found:
                made = Subscription(subscriber_id=number, list_id=list_id, state=SubscriptionState.PENDING)
                found[list_id, number] = made
                session.add(made)
    session.flush()
    return found


def move(subscription: Subscription, target: SubscriptionState) -> None:
    """Change the state by the table above. Raises Conflict for a way that does not exist."""
    if subscription.state is target:
        return
    _move(subscription, target)
    stop_tracking([subscription])
    if target not in {SubscriptionState.CONFIRMED, SubscriptionState.PENDING}:
        turn_away(subscription)


def leave_all(session: Session, subscriptions: Sequence[Subscription]) -> None:
    """Unsubscribe several at once, as ``move`` does each. Raises Conflict as it does."""
    for subscription in subscriptions:
        _move(subscription, SubscriptionState.UNSUBSCRIBED)
    stop_tracking(subscriptions)
    turn_away_all(session, subscriptions)


def _move(subscription: Subscription, target: SubscriptionState) -> None:
    if target not in TRANSITIONS[subscription.state]:
        raise Conflict("subscription_state", f"A subscription cannot go from {subscription.state} to {target}.")
    subscription.state = target
    subscription.since = clock.now()
    wake(subscription)


def wake(subscription: Subscription) -> None:
    """Let her rest no longer: she was heard of, or left. Whoever does not rest is left as she is."""
    if subscription.rest_batch_id is not None:
        subscription.resting_since = subscription.rest_batch_id = None


def stop_tracking(subscriptions: Sequence[Subscription]) -> None:
    """See and count no more what people do with letters, as after each change of state: nobody asked her then.

    What was seen so far is let go of soon after (``TRACKING_ENDED``); of what was counted nobody knows whose it was.
    """
    for subscription in subscriptions:
        subscription.counted_since = None
    seen = [subscription for subscription in subscriptions if subscription.tracking_since is not None]
    for subscription in seen:
        subscription.tracking_since = subscription.opens_since = None
    session = object_session(seen[0]) if seen else None
    if session is not None:
        outbox.write_all(session, TRACKING_ENDED, [one.subscriber_id for one in seen], Lane.BACKGROUND)


_ROWS = cast("Rows", Subscription.__table__)
_CONTACTED = CompiledOnce(
    update(_ROWS)
    .where(_ROWS.c.list_id == bindparam("list"), among(_ROWS.c.subscriber_id, "people"))
    .values(last_contact_at=bindparam("now"))
)


def contacted(session: Session, list_id: int, people: Sequence[int]) -> None:
    """Note that these subscribers have just heard from a list: their permission is in use, and their pause begins."""
    _CONTACTED.run(session.connection(), {"list": list_id, "people": people, "now": clock.now()})


def turn_away(subscription: Subscription) -> None:
    """Note that somebody is not on the list from now on: a question put to her before asks no more."""
    session = object_session(subscription)
    if session is not None:
        turn_away_all(session, [subscription])


def turn_away_all(session: Session, subscriptions: Sequence[Subscription]) -> None:
    """Note the same of several at once."""
    if not subscriptions:
        return
    found = session.connection().execute(_ENDS_OF, {"lists": sorted({current.list_id for current in subscriptions})})
    ends = {row[0]: row[1] for row in found}
    for current in subscriptions:
        current.turned_seq = ends.get(current.list_id, 0)


_ENDS_OF = (
    select(MailingList.id, LedgerHead.seq)
    .join(LedgerHead, MailingList.organisation_id == LedgerHead.organisation_id)
    .where(among(MailingList.id, "lists"))
)


def mailable(mailing_list: MailingList, *, practice: bool) -> Select[int]:
    """Return the SELECT of subscriber ids a campaign to this list is planned for, in id order.

    The plan is a forecast; ``permission`` decides again, for each one, at hand-over.
    The demo's invented people get letters in practice mode alone.
    """
    scopes = suppression.marketing_scopes(mailing_list.id, mailing_list.purpose)
    moment = clock.now()
    return (
        select(Subscriber.id)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(
            Subscription.list_id == mailing_list.id,
            Subscription.state == SubscriptionState.CONFIRMED,
            Subscription.valid_until.is_(None) | (Subscription.valid_until > moment),
            Subscription.rest_batch_id.is_(None),
            Subscriber.erased_at.is_(None),
            Subscriber.restricted_at.is_(None),
            true() if practice else Subscriber.demo.is_(False),
            ~suppression.covers(mailing_list.organisation_id, Subscriber.suppression_key, scopes),
        )
        .order_by(Subscriber.id)
    )


def domains(session: Session, list_id: int) -> set[str]:
    """Return the mail domains (A-labels) of the people who are on a list now."""
    at = func.strpos if session.get_bind().dialect.name == "postgresql" else func.instr
    domain = func.substr(Subscriber.email_send, at(Subscriber.email_send, "@") + 1)
    people = select(domain).join(Subscription, Subscription.subscriber_id == Subscriber.id)
    confirmed = people.where(Subscription.list_id == list_id, Subscription.state == SubscriptionState.CONFIRMED)
    return set(session.scalars(confirmed.distinct()))


def counts(session: Session, mailing_list: MailingList) -> dict[SubscriptionState, int]:
    """Return how many subscriptions of a list are in each state."""
    query = (
        select(Subscription.state, func.count())
        .where(Subscription.list_id == mailing_list.id)
        .group_by(Subscription.state)
    )
    found = {row[0]: row[1] for row in session.execute(query)}
    return {state: found.get(state, 0) for state in SubscriptionState}


def has_confirmed(session: Session, mailing_list: MailingList) -> bool:
    """Return whether anybody is on a list now."""
    theirs = (Subscription.list_id == mailing_list.id, Subscription.state == SubscriptionState.CONFIRMED)
    return session.scalars(select(Subscription.id).where(*theirs).limit(1)).first() is not None


def page(
    session: Session, mailing_list: MailingList, *, search: str = "", after: int = 0, limit: int = 50
) -> list[tuple[Subscriber, Subscription]]:
    """Return one page of a list's people, newest first, ``after`` being the last id seen (0: from the start)."""
    query = (
        select(Subscriber, Subscription)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(Subscription.list_id == mailing_list.id)
    )
    if after:
        query = query.where(Subscriber.id < after)
    if search:
        query = query.where(Subscriber.email_key.startswith(address.searched(search), autoescape=True))
    rows = session.execute(query.order_by(Subscriber.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]
