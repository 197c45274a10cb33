"""Consent to counting: whether a person lets us see what she does with a list's letters, or count it.

Three choices, apart from the consent to mail: not at all, which holds for
everybody who said nothing; as a number, so that nobody sees whose it is; and
with her name (``tracking_since``), so that letters fit her better. Each yes is
said on her own page, by a button under words of its own, is recorded like the
yes to letters, and ends the other one; each is over at once by one more. No
import, no program and no operator says it for her, and it ends with the
subscription. The words of a yes with her name once spoke of links alone, and
such a yes holds for links alone, until she says yes to the words of today,
which speak of openings too (``opens_since``): what a yes covers is the purpose
that it and its words have in the ledger. Letters that she has when it ends go
on counting, as numbers and without her, and she is told so. The link of a letter
can take it back and never give it, because it travels with the letter when that
is forwarded.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from sqlalchemy import ColumnElement, Index, and_, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent, consent_text, subscriber, subscription
from listkeeper.audience.consent import Circumstances, ConsentEvent, EventKind, Method
from listkeeper.audience.consent_text import ConsentText, TextKind, Wording
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.starter_text import COUNTING, TRACKING
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# Who chose to be counted, by name or without, is few as a rule, and found by this.
_CHOSE = sql("tracking_since IS NOT NULL OR counted_since IS NOT NULL")
Index("ix_subscription_tracked", Subscription.list_id, postgresql_where=_CHOSE, sqlite_where=_CHOSE)

PURPOSE = "mail_tracking"
# What the words spoke of before they spoke of openings.
LINKS_ALONE = "link_tracking"
_COUNTING = "link_counting"


class Counting(StrEnum):
    """What of her letters is counted: nothing, numbers without her, or what she does."""

    NOTHING = "nothing"
    NUMBER = "number"
    PERSON = "person"


_PURPOSES = {Counting.PERSON: PURPOSE, Counting.NUMBER: _COUNTING}
_GIVEN = {Counting.PERSON: EventKind.TRACKING_GIVEN, Counting.NUMBER: EventKind.COUNTING_GIVEN}
_WITHDRAWN = {Counting.PERSON: EventKind.TRACKING_WITHDRAWN, Counting.NUMBER: EventKind.COUNTING_WITHDRAWN}


def text(
    organisation: Organisation, mailing_list: MailingList, spoken: str, how: Counting = Counting.PERSON
) -> ConsentText:
    """Return the words that are asked in a language, with their name; they are published with the first yes to them."""
    known = language.known(spoken)
    by_person = how is Counting.PERSON
    body, withdrawal, button = (TRACKING if by_person else COUNTING)[known]
    names = {"controller": organisation.legal_name, "list": mailing_list.name}
    kind = TextKind.TRACKING if by_person else TextKind.COUNTING
    words = Wording(body.format(**names), button, withdrawal, kind=kind)
    return consent_text.made_of(organisation, mailing_list, known, words, _PURPOSES[how])


def chosen(current: Subscription) -> Counting:
    """Return what she has chosen on a list."""
    if current.tracking_since is not None:
        return Counting.PERSON
    return Counting.NUMBER if current.counted_since is not None else Counting.NOTHING


def said_to(session: Session, person: Subscriber, current: Subscription) -> ConsentText | None:
    """Return the words that she said yes to with her name, as they were; None where no such yes stands."""
    if current.tracking_since is None:
        return None
    given = select(ConsentEvent).where(
        ConsentEvent.subject_ref == person.subject_ref,
        ConsentEvent.list_id == current.list_id,
        ConsentEvent.kind == EventKind.TRACKING_GIVEN,
    )
    event = session.scalars(given.order_by(ConsentEvent.id.desc()).limit(1)).first()
    return event.text if event is not None else None


def ever_chosen(session: Session, person: Subscriber, list_id: int) -> bool:
    """Return whether she ever let a list's letters be seen or counted: those of that time lie in her mailbox still."""
    given = select(ConsentEvent.id).where(
        ConsentEvent.subject_ref == person.subject_ref,
        ConsentEvent.list_id == list_id,
        ConsentEvent.kind.in_(_GIVEN.values()),
    )
    return session.scalars(given.limit(1)).first() is not None


def agree(session: Session, subscriber_id: int, list_id: int, *, seen: str, how: Counting = Counting.PERSON) -> bool:
    """Take her yes on her own page; False when there is nothing to agree to, or she has.

    ``seen`` names the words that the page showed (SHA-256). Raises Invalid when they are not those of today. What she
    had chosen before is over by it, but for a yes with her name to older words, which this one adds to.
    """
    held = _held(session, subscriber_id, list_id)
    if held is None or how is Counting.NOTHING or _has(held[1], how):
        return False
    person, current = held
    mailing_list = session.get_one(MailingList, list_id)
    asked = text(session.get_one(Organisation, person.organisation_id), mailing_list, person.language, how)
    if asked.sha256 != seen:
        raise Invalid("words_changed", language.text("The words have changed meanwhile. Please read them once more."))
    if chosen(current) is not how:
        end(session, person, current, Method.PAGE, Circumstances())
    words = consent_text.keep(session, asked, mailing_list)
    under = Circumstances(consent_text_id=words.id, basis=Basis.CONSENT.value, purpose=_PURPOSES[how])
    event = consent.record(session, person, list_id, _GIVEN[how], Method.PAGE, under)
    if how is Counting.PERSON:
        # Whoever let her links be seen before lets more be seen from now on; since when they are stays.
        current.tracking_since, current.opens_since = current.tracking_since or event.at, event.at
    else:
        current.counted_since = event.at
    subscription.wake(current)
    return True


def withdraw(session: Session, subscriber_id: int, list_id: int, *, delivery_id: int | None = None) -> bool:
    """Take her yes back, whichever it was, at once; False when there is none."""
    held = _held(session, subscriber_id, list_id)
    return held is not None and end(session, *held, Method.PAGE, Circumstances(delivery_id=delivery_id))


def end(  # noqa: PLR0913 - whose, of what, by which act, under what
    session: Session,
    person: Subscriber,
    current: Subscription,
    method: Method,
    under: Circumstances,
    *,
    of: Counting | None = None,
) -> bool:
    """Write down that it is over, or only a yes of one kind; the person is held. False when it was already."""
    how = chosen(current)
    if how is Counting.NOTHING or (of is not None and of is not how):
        return False
    purpose = LINKS_ALONE if how is Counting.PERSON and current.opens_since is None else _PURPOSES[how]
    subscription.stop_tracking([current])
    if method is Method.PAGE:
        # Only her own act says that she was heard of: a merge or a restored backup ends it too.
        subscription.wake(current)
    consent.record(session, person, current.list_id, _WITHDRAWN[how], method, replace(under, purpose=purpose))
    return True


def stands() -> ColumnElement[bool]:
    """Return the SQL condition "this subscription lets us see its links now", over subscription and subscriber."""
    return _stands(Subscription.__table__.c.tracking_since.is_not(None))


def opens() -> ColumnElement[bool]:
    """Return the SQL condition "this subscription lets us see which letters are opened now", over the same two."""
    return _stands(Subscription.__table__.c.opens_since.is_not(None))


def counts() -> ColumnElement[bool]:
    """Return the SQL condition "this subscription is counted now, without her name", over the same two."""
    return _stands(Subscription.__table__.c.counted_since.is_not(None))


def _stands(since: ColumnElement[bool]) -> ColumnElement[bool]:
    confirmed = Subscription.__table__.c.state == SubscriptionState.CONFIRMED
    return and_(since, confirmed, Subscriber.__table__.c.restricted_at.is_(None))


def _has(current: Subscription, how: Counting) -> bool:
    """Return whether she has said all of it already; a yes to older words may be less than one to those of today."""
    return chosen(current) is how and (how is not Counting.PERSON or current.opens_since is not None)


def _held(session: Session, subscriber_id: int, list_id: int) -> tuple[Subscriber, Subscription] | None:
    person = subscriber.hold(session, subscriber_id)
    current = subscription.of(session, subscriber_id, list_id)
    if person is None or current is None:
        return None
    session.refresh(current)
    return (person, current) if current.state is SubscriptionState.CONFIRMED else None
