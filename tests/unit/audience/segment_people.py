"""People and segments that chance makes up, and the rows that say the same of them in a database."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from sqlalchemy.orm import Session

from listkeeper.accounts.storefront import Storefront
from listkeeper.audience import activity, list_rules, profile_version, source, topic
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.profile import How, ProfileAnswer
from listkeeper.audience.profile_words import QuestionKind
from listkeeper.audience.segments import segment
from listkeeper.audience.segments.segment_language import parse
from listkeeper.audience.segments.segment_phrases import PHRASES, Phrase, Slot
from listkeeper.audience.segments.segment_tree import All, AnyOf, Condition, Not, Tree
from listkeeper.audience.source import Channel
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Frequency, Subscription, SubscriptionState
from listkeeper.deliverability.mail_host import MailHost, MailHostState
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe
from tests.unit.audience.segment_by_hand import Person, World

SOURCES = {"ig-bio": "instagram", "till": "till"}
TOPICS, QUESTIONS, LETTERS = ("Bread", "Cakes"), ("cake", "colour"), ("cmp_one", "cmp_two")
CHOICES = ("rye-bread", "cakes")
DOMAINS = ("gmail.com", "googlemail.com", "yahoo.dk", "yahoo.co.uk", "hotmail.com", "live.dk", "cafe.example", "x.test",
           "xn--bcher-kva.example")  # fmt: skip
HOSTS = {"cafe.example": "google_workspace"}
EVENTS = ("order", "visit", "_late")
SEGMENTS = {"seg_inner": "language is da", "seg_outer": "in segment seg_inner or clicked ever"}
ZONES = ("Europe/Copenhagen", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "Africa/Cairo", "UTC")
# An ordinary day, and days on which clocks are changed somewhere of these.
NOWS = (
    datetime(2026, 6, 10, 12, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2026, 4, 24, 22, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 5, tzinfo=UTC),
)
# What a place may hold: what exists, and something that does not.
_VALUES: dict[str, tuple[str, ...]] = {
    "language": ("da", "EN", "xx"),
    "time_zone": ("Europe/Copenhagen", "Mars/Base"),
    "provider": ("gmail", "yahoo", "microsoft", "google_workspace", "no_such"),
    "domain": ("gmail.com", "Cafe.example", "nowhere.test", "Bücher.example"),
    "source": (*SOURCES, "gone"),
    "channel": ("instagram", "till", "poster", "smoke"),
    "basis": ("consent", "soft_opt_in", "whim"),
    "consent_text": ("1", "2", "9", "one"),
    "topic": (*TOPICS, "Gone"),
    "frequency": ("all", "weekly", "hourly"),
    "answer": (*CHOICES, "pies"),
}
_DATES = ("2026-03-29", "2026-05-31", "2026-06-10", "2026-10-25", "1990-01-01", "2099-12-31")


def _slot(phrase: Phrase, slot: Slot) -> st.SearchStrategy[Any]:
    stem = phrase.id.removesuffix("_not").removesuffix("_is")
    holds: dict[Slot, tuple[Any, ...]] = {
        Slot.DAYS: (0, 1, 2, 7, 30, 40, 3650),
        Slot.TIMES: (1, 2, 3, 1000),
        Slot.DATE: _DATES,
        Slot.LETTER: (*LETTERS, "cmp_gone"),
        Slot.SEGMENT: (*SEGMENTS, "seg_gone"),
        Slot.EVENT: (*EVENTS, "dance"),
        Slot.KEY: (*QUESTIONS, "gone"),
        Slot.VALUE: _VALUES.get(stem, ()),
    }
    return st.sampled_from(holds[slot])


def _condition(phrase: Phrase) -> st.SearchStrategy[Condition]:
    return st.builds(Condition, st.just(phrase.id), **{slot.field: _slot(phrase, slot) for slot in phrase.slots})


conditions: st.SearchStrategy[Condition] = st.sampled_from(PHRASES).flatmap(_condition)


def _groups(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(several.map(All), several.map(AnyOf), inner.map(Not))


trees: st.SearchStrategy[Tree] = st.recursive(
    st.one_of(conditions, conditions, conditions, st.just(All()), st.just(AnyOf())), _groups, max_leaves=6
)


@st.composite
def moments(draw: st.DrawFn, now: datetime, zone: str) -> datetime:
    """Draw a moment of the past, often right at a midnight of the zone."""
    day = now.astimezone(ZoneInfo(zone)).date() - timedelta(
        days=draw(st.sampled_from((0, 1, 2, 6, 7, 8, 29, 30, 31, 45)))
    )
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return midnight + timedelta(seconds=draw(st.sampled_from((-3600, -1, 0, 1, 3600, 40_000))))


@st.composite
def people(draw: st.DrawFn, now: datetime, zone: str) -> Person:
    """Draw one person."""
    at = moments(now, zone)
    maybe = st.one_of(st.none(), at)
    ahead = st.one_of(st.none(), at, at.map(lambda when: now + (now - when) + timedelta(seconds=1)))
    source_slug = draw(st.sampled_from((None, *SOURCES)))
    acts = st.tuples(
        st.sampled_from(("clicked", "replied", "answered")), st.sampled_from(("", *LETTERS)), at
    )  # fmt: skip
    given = st.dictionaries(
        st.sampled_from(QUESTIONS),
        st.sampled_from(([], ["cakes"], ["rye-bread"], ["rye-bread", "cakes"])), max_size=2,
    )  # fmt: skip
    return {
        "state": draw(st.sampled_from(("confirmed",) * 5 + ("pending", "unsubscribed"))),
        "apart": draw(st.sampled_from((None,) * 6 + ("restricted", "erased"))),
        "language": draw(st.sampled_from(("da", "en", "de"))),
        "zone": draw(st.sampled_from((None, "Europe/Copenhagen", "Europe/Oslo"))),
        "domain": draw(st.sampled_from(DOMAINS)),
        "source": source_slug,
        "joined": draw(at),
        "basis": draw(st.sampled_from(("consent", "consent", "soft_opt_in"))),
        "double": draw(st.booleans()),
        "ends": draw(ahead),
        "unused": draw(ahead),
        "renewed": draw(maybe),
        "text": draw(st.sampled_from((None, 1, 2))),
        "seen_since": draw(maybe),
        "frequency": draw(st.sampled_from(("all", "weekly", "monthly"))),
        "topics": draw(st.sampled_from(((), ("Bread",), ("Cakes",)))),
        "pause_until": draw(ahead),
        "heard": draw(maybe),
        "acts": sorted(draw(st.lists(acts, max_size=4)), key=lambda act: act[2]),
        "events": draw(st.lists(st.tuples(st.sampled_from(EVENTS), at), max_size=3)),
        "answers": draw(given),
        "letters": draw(st.sets(st.sampled_from(LETTERS))),
        "bounced": draw(st.booleans()),
    }


class Stage:
    """The café with everything a segment can speak of, and rows for people that come and go."""

    def __init__(self, session: Session, house: Cafe) -> None:
        self.session, self.house = session, house
        self._numbers = itertools.count(1)
        for slug, channel in SOURCES.items():
            source.create(session, house.form, name=slug, channel=Channel(channel), slug=slug)
        self.sources = {each: found.id for each in SOURCES if (found := source.with_slug(session, each)) is not None}
        self.topics = {name: topic.add(session, house.mailing_list, name).public_id for name in TOPICS}
        self.questions = {
            key: questions.drafted(session, house, key, kind=QuestionKind.CHOICES, words=questions.BREAD)
            for key in QUESTIONS
        }
        self.versions = {key: profile_version.newest(session, each).id for key, each in self.questions.items()}
        self.letters = {}
        for name in LETTERS:
            letter = cafe.draft(session, house, subject=name)
            letter.public_id = name
            session.flush()
            self.letters[name] = letter.id
        self.texts = {version: self._text(version) for version in (1, 2)}
        for public_id, said in SEGMENTS.items():
            made = segment.create(session, house.organisation, house.mailing_list, public_id, said)
            made.public_id = public_id
            session.flush()
        session.add_all(
            MailHost(domain=domain, state=MailHostState.TAKES_MAIL, believed_until=NOWS[0], provider=keeps)
            for domain, keeps in HOSTS.items()
        )
        self.shop = Storefront(
            organisation_id=house.organisation.id, phone="", time_zone="UTC", hours={}, holidays="", place="",
            coordinates="", links=[], changed_at=NOWS[0],
        )  # fmt: skip
        session.add(self.shop)
        session.flush()

    def _text(self, version: int) -> int:
        made = ConsentText(
            list_id=self.house.mailing_list.id, language="pl", version=version, body="", button_label="",
            withdrawal="", controller="", sha256=str(version),
        )  # fmt: skip
        self.session.add(made)
        self.session.flush()
        return made.id

    def world(self, now: datetime, zone: str) -> World:
        """Set the clock of the business, and return what exists."""
        self.shop.time_zone = zone
        self.session.flush()
        return World(
            now, zone, SOURCES, frozenset(TOPICS), frozenset(QUESTIONS), frozenset(LETTERS), frozenset(("1", "2")),
            {name: parse(said) for name, said in SEGMENTS.items()}, HOSTS,
            list_rules.of(self.house.mailing_list).dormancy_block,
        )  # fmt: skip

    def bring(self, person: Person) -> int:
        """Store a person, and return her row."""
        number, owner, on = next(self._numbers), self.house.organisation.id, self.house.mailing_list.id
        address = f"person-{number}@{person['domain']}"
        apart = person["apart"]
        her = Subscriber(
            organisation_id=owner, email_send=address, email_key=address, suppression_key=str(number),
            language=person["language"], time_zone=person["zone"],
            restricted_at=NOWS[0] if apart == "restricted" else None, erased_at=NOWS[0] if apart == "erased" else None,
        )  # fmt: skip
        self.session.add(her)
        self.session.flush()
        text = person["text"]
        held = Subscription(
            subscriber_id=her.id, list_id=on, state=SubscriptionState(person["state"]), basis=Basis(person["basis"]),
            since=person["joined"], valid_until=person["ends"], double_opt_in=person["double"],
            first_use_deadline=person["unused"], renewed_at=person["renewed"],
            consent_text_id=self.texts[text] if text else None, tracking_since=person["seen_since"],
            frequency=Frequency(person["frequency"]), topics=[self.topics[name] for name in person["topics"]],
            snooze_until=person["pause_until"], last_contact_at=person["heard"],
            source_id=self.sources[person["source"]] if person["source"] else None,
        )  # fmt: skip
        self.session.add(held)
        self.session.add_all(self._of(her.id, number, person))
        acts = [
            Act(her.id, on, ActivityKind(kind), at, self.letters.get(letter, 0)) for kind, letter, at in person["acts"]
        ]
        self.session.flush()
        activity.note(self.session, acts)
        return her.id

    def _of(self, her: int, number: int, person: Person) -> list[Any]:
        owner = self.house.organisation.id
        events = [
            PostedEvent(organisation_id=owner, subscriber_id=her, name=name, external_id=f"{number}-{count}", at=at)
            for count, (name, at) in enumerate(person["events"])
        ]
        answers = [
            ProfileAnswer(
                subscriber_id=her, question_id=self.questions[key].id, version_id=self.versions[key],
                value="\n".join(said), declined=not said, how=How.OWN_PAGE,
            )
            for key, said in person["answers"].items()
        ]  # fmt: skip
        lost = DeliveryState.BOUNCED if person["bounced"] else DeliveryState.FAILED
        letters = [
            Delivery(
                organisation_id=owner, message_class=MessageClass.MARKETING, lane=Lane.SENDING,
                occasion=f"test:{number}:{name}", campaign_id=letter, subscriber_id=her,
                state=DeliveryState.ACCEPTED if name in person["letters"] else lost,
            )
            for name, letter in self.letters.items()
        ]  # fmt: skip
        return [*events, *answers, *letters]
