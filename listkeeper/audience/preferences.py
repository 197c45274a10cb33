"""What a reader chooses within what she agreed to: how often, which topics, a pause, her language.

Each choice stays inside the consent: it narrows it, or opens it again as far
as its text goes, and never further. So every one of them is written down as
``consent.narrowed``, and none can stand for a consent. Who is not on the list
has nothing to choose.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import consent, subscriber, subscription
from listkeeper.audience.consent import Circumstances, ConsentEvent, EventKind, Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, Subscription, SubscriptionState
from listkeeper.foundation import clock, language, outbox
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane

CHOSEN = "preferences.chosen"
# The pauses a page offers, in days; whatever else is asked for becomes one within them.
PAUSES = (30, 60, 90)
# How long the link of a letter shows and changes choices; each change counts anew.
LINK_LIFETIME = timedelta(days=30)
Chosen = tuple[Subscriber, Subscription]


def snooze(session: Session, subscriber_id: int, list_id: int, days: int, *, delivery_id: int | None = None) -> bool:
    """Pause a list for a number of days, of which the page's shortest and longest are the bounds."""
    held = _held(session, subscriber_id, list_id)
    if held is None:
        return False
    bounded = min(max(days, PAUSES[0]), PAUSES[-1])
    until = clock.now() + timedelta(days=bounded)
    held[1].snooze_until = until
    _write_down(session, held, {"snooze_until": clock.in_milliseconds(until)}, delivery_id)
    return True


def resume(session: Session, subscriber_id: int, list_id: int, *, delivery_id: int | None = None) -> bool:
    """End a pause before its time; False when there is none."""
    held = _held(session, subscriber_id, list_id)
    if held is None or held[1].snooze_until is None:
        return False
    held[1].snooze_until = None
    _write_down(session, held, {"snooze_until": 0}, delivery_id)
    return True


def choose_frequency(
    session: Session, subscriber_id: int, list_id: int, frequency: Frequency, *, delivery_id: int | None = None
) -> bool:
    """Choose how often letters of a list may come; ``all`` is what the consent text promises, and no more than that."""
    held = _held(session, subscriber_id, list_id)
    if held is None or held[1].frequency is frequency:
        return False
    former, held[1].frequency = held[1].frequency, frequency
    _write_down(session, held, {"frequency": frequency.value, "frequency_before": former.value}, delivery_id)
    return True


def choose_topics(  # noqa: PLR0913 - who chooses what of what, by which letter
    session: Session,
    subscriber_id: int,
    list_id: int,
    chosen: Collection[str],
    *,
    offered: Mapping[str, str],
    delivery_id: int | None = None,
) -> bool:
    """Choose among the topics that were offered (names by id); what was not offered is not taken.

    All of them is no choice: then none is stored, and what the list takes up later comes as well.
    Raises Invalid when nothing is left: nobody means all of them by unticking the last.
    """
    held = _held(session, subscriber_id, list_id)
    wanted = sorted(set(chosen) & set(offered))
    if held is None or not offered:
        return False
    if not wanted:
        raise Invalid("no_topic", language.text("Choose at least one topic, or stop these e-mails altogether."))
    kept = [] if len(wanted) == len(offered) else wanted
    if kept == sorted(held[1].topics):
        return False
    held[1].topics = kept
    # In the words of the day, because a topic may get another name.
    told = ", ".join(sorted(offered[each] for each in kept)) or "all"
    _write_down(session, held, {"topics": told}, delivery_id)
    return True


def choose_language(session: Session, subscriber_id: int, spoken: str) -> bool:
    """Choose the language of our pages and of the notes about the subscription; no consent is touched by it."""
    person = subscriber.hold(session, subscriber_id)
    if person is None or spoken not in language.LANGUAGES or person.language == spoken:
        return False
    person.language = spoken
    return True


def paused_until(current: Subscription) -> datetime | None:
    """Return until when a subscription is paused; None when it is not (any more)."""
    until = current.snooze_until
    return until if until is not None and until > clock.now() else None


def last_choice_by(session: Session, delivery_id: int) -> datetime | None:
    """Return when a letter's link was last used to choose something."""
    query = select(func.max(ConsentEvent.at)).where(
        ConsentEvent.delivery_id == delivery_id,
        ConsentEvent.kind.in_([EventKind.NARROWED, EventKind.TRACKING_WITHDRAWN, EventKind.COUNTING_WITHDRAWN]),
    )
    return session.scalar(query)


def link_lives(session: Session, delivery_id: int, handed_at: datetime) -> bool:
    """Return whether a letter's link still opens the page: 30 days from hand-over, or from the last choice by it."""
    since = last_choice_by(session, delivery_id)
    return max(handed_at, since or handed_at) + LINK_LIFETIME > clock.now()


def _held(session: Session, subscriber_id: int, list_id: int) -> Chosen | None:
    """Lock the person, as the gate does, and return her with her subscription; None when there is nothing to choose."""
    person = subscriber.hold(session, subscriber_id)
    current = subscription.of(session, subscriber_id, list_id)
    if person is None or current is None:
        return None
    session.refresh(current)
    return (person, current) if current.state is SubscriptionState.CONFIRMED else None


def _write_down(session: Session, held: Chosen, details: Mapping[str, str | int], delivery_id: int | None) -> None:
    person, current = held
    subscription.wake(current)
    under = Circumstances(
        consent_text_id=current.consent_text_id,
        delivery_id=delivery_id,
        basis=current.basis.value,
        purpose=current.purpose,
        details=details,
    )
    consent.record(session, person, current.list_id, EventKind.NARROWED, Method.PAGE, under)
    outbox.write(session, CHOSEN, current.id, Lane.URGENT)
