"""The roll: everybody an organisation knows, page by page, each with what they are subscribed to.

Pages follow the row numbers upward and begin behind the last one seen, so who
joins while somebody reads stands at the end, and nobody is shown twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound


def page(  # noqa: PLR0913 - whose, which, from where, how many
    session: Session,
    organisation: Organisation,
    *,
    on: MailingList | None = None,
    state: SubscriptionState | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Subscriber]:
    """Return the next people behind row ``after``; ``on`` a list, with a subscription in ``state``, or all."""
    query = select(Subscriber).where(
        Subscriber.organisation_id == organisation.id, Subscriber.erased_at.is_(None), Subscriber.id > after
    )
    if on is not None or state is not None:
        held = exists().where(Subscription.subscriber_id == Subscriber.id)
        held = held.where(Subscription.list_id == on.id) if on is not None else held
        query = query.where(held.where(Subscription.state == state) if state is not None else held)
    return list(session.scalars(query.order_by(Subscriber.id).limit(limit)))


def identified(session: Session, organisation: Organisation, public_id: str) -> Subscriber:
    """Return the organisation's subscriber with a public id. Raises NotFound, also for somebody erased."""
    query = select(Subscriber).where(
        Subscriber.organisation_id == organisation.id, Subscriber.public_id == public_id, Subscriber.erased_at.is_(None)
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_subscriber", language.text("There is no such subscriber."))
    return found


def subscriptions(
    session: Session, people: Iterable[Subscriber]
) -> Mapping[int, Sequence[tuple[Subscription, MailingList]]]:
    """Return what each of some people is subscribed to, or once was, by their row numbers; one question for all."""
    numbers = [person.id for person in people]
    found: dict[int, list[tuple[Subscription, MailingList]]] = {number: [] for number in numbers}
    query = (
        select(Subscription, MailingList)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.subscriber_id.in_(numbers))
        .order_by(Subscription.id)
    )
    for held, mailing_list in session.execute(query):
        found[held.subscriber_id].append((held, mailing_list))
    return found
