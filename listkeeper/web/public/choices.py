"""The form of choices: how often, topics, a pause, a language, seen links; on a letter's page and on her own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from babel import Locale
from babel.dates import format_date
from flask import request
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import preferences, topic, tracking
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile import How
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, Subscription, SubscriptionState
from listkeeper.audience.tracking import Counting
from listkeeper.foundation import language
from listkeeper.web.ask import Ask
from listkeeper.web.public import asking

# Day before month with the month in letters: read alike by every English speaker.
_ENGLISH_DAY = "d MMMM y"


@dataclass(frozen=True)
class Actions:
    """Where the buttons of the form lead."""

    save: str
    pause: str
    resume: str
    untrack: str
    # None on the page of a letter: that link travels with the letter, and gives no consent.
    track: str | None = None
    count: str | None = None


@dataclass(frozen=True)
class Offer:
    """One topic, and whether she has chosen it by name."""

    id: str
    name: str
    chosen: bool


@dataclass(frozen=True)
class Tracking:
    """What of her letters is counted, since when, and the words of each yes that she may say instead.

    ``before``: nothing is by now, but letters that she has already still count as numbers. ``links_alone``: her yes
    with her name was to words that spoke of links alone (``older``), and is for these alone.
    """

    how: Counting
    links_alone: bool
    older: ConsentText | None
    before: bool
    since: str
    text: ConsentText
    counting_text: ConsentText


@dataclass(frozen=True)
class Choices:
    """What the form shows of one subscription."""

    frequency: str
    topics: tuple[Offer, ...]
    # Whether letters about all of them come, because she has chosen none.
    every_topic: bool
    spoken: str
    paused: str
    tracking: Tracking
    actions: Actions
    # One question she has not answered yet, if there is one.
    ask: Ask | None

    @property
    def frequencies(self) -> list[tuple[str, str]]:
        """How often letters may come, in words; the first is what was agreed to."""
        return [(each.value, frequency_words(each)) for each in Frequency]

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Every language we speak, each by its own name."""
        names = {code: Locale.parse(code).get_display_name(code) or code for code in language.LANGUAGES}
        return [(code, name[:1].upper() + name[1:]) for code, name in names.items()]

    @property
    def pauses(self) -> list[tuple[int, str]]:
        """The pauses on offer."""
        return [(days, pause_words(days)) for days in preferences.PAUSES]


def frequency_words(frequency: Frequency) -> str:
    """Say how often letters come."""
    return {
        Frequency.ALL: language.text("Every e-mail, as agreed"),
        Frequency.WEEKLY: language.text("At most one a week"),
        Frequency.MONTHLY: language.text("At most one a month"),
        Frequency.IMPORTANT: language.text("Only what is really important"),
    }[frequency]


def pause_words(days: int) -> str:
    """Say how long a pause is."""
    return language.counted("%(number)s day", "%(number)s days", days)


def day_of(moment: datetime) -> str:
    """Return the day of a moment as people of the current language write it."""
    spoken = language.current()
    return format_date(moment.date(), _ENGLISH_DAY if spoken == language.DEFAULT else "long", locale=spoken)


def of(session: Session, person: Subscriber | None, current: Subscription | None, actions: Actions) -> Choices | None:
    """Return what can be chosen; None for who is not on the list."""
    if person is None or current is None or current.state is not SubscriptionState.CONFIRMED:
        return None
    until = preferences.paused_until(current)
    return Choices(
        frequency=current.frequency.value,
        topics=tuple(
            Offer(each.public_id, each.name, each.public_id in current.topics)
            for each in topic.offered(session, current.list_id)
        ),
        every_topic=not current.topics,
        spoken=language.known(person.language),
        paused=day_of(until) if until else "",
        tracking=_tracking(session, person, current),
        actions=actions,
        ask=asking.following(session, person, current.list_id, How.PREFERENCES, person.language),
    )


def _tracking(session: Session, person: Subscriber, current: Subscription) -> Tracking:
    owner = session.get_one(Organisation, person.organisation_id)
    on = session.get_one(MailingList, current.list_id)
    since, how = current.opens_since or current.tracking_since or current.counted_since, tracking.chosen(current)
    links_alone = how is Counting.PERSON and current.opens_since is None
    return Tracking(
        how,
        links_alone,
        tracking.said_to(session, person, current) if links_alone else None,
        how is Counting.NOTHING and tracking.ever_chosen(session, person, current.list_id),
        day_of(since) if since else "",
        tracking.text(owner, on, person.language),
        tracking.text(owner, on, person.language, Counting.NUMBER),
    )


def save(session: Session, person: Subscriber, current: Subscription, delivery_id: int | None = None) -> None:
    """Store what the posted form says; a value that was never on offer is left out."""
    preferences.choose_language(session, person.id, request.form.get("language", ""))
    wanted = request.form.get("frequency", "")
    if wanted in set(Frequency):
        preferences.choose_frequency(session, person.id, current.list_id, Frequency(wanted), delivery_id=delivery_id)
    offered = {each.public_id: each.name for each in topic.offered(session, current.list_id)}
    if offered:
        every = request.form.get("topics") == "all"
        chosen = list(offered) if every else request.form.getlist("topic")
        preferences.choose_topics(session, person.id, current.list_id, chosen, offered=offered, delivery_id=delivery_id)


def pause(session: Session, person: Subscriber, current: Subscription, delivery_id: int | None = None) -> None:
    """Pause for the posted number of days; what is no number becomes the shortest pause."""
    preferences.snooze(session, person.id, current.list_id, _days(), delivery_id=delivery_id)


def track(session: Session, person: Subscriber, current: Subscription, _delivery_id: int | None = None) -> None:
    """Take her yes to the words that the page showed."""
    tracking.agree(session, person.id, current.list_id, seen=request.form.get("words", ""))


def count(session: Session, person: Subscriber, current: Subscription, _delivery_id: int | None = None) -> None:
    """Take her yes to be counted without her name."""
    tracking.agree(session, person.id, current.list_id, seen=request.form.get("words", ""), how=Counting.NUMBER)


def untrack(session: Session, person: Subscriber, current: Subscription, delivery_id: int | None = None) -> None:
    """Take that yes back."""
    tracking.withdraw(session, person.id, current.list_id, delivery_id=delivery_id)


def _days() -> int:
    try:
        return int(request.form.get("days", ""))
    except ValueError:
        return preferences.PAUSES[0]


def resume(session: Session, person: Subscriber, current: Subscription, delivery_id: int | None = None) -> None:
    """End a pause."""
    preferences.resume(session, person.id, current.list_id, delivery_id=delivery_id)


Act = Callable[[Session, Subscriber, Subscription, int | None], None]
