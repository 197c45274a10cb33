"""What a segment speaks of by name: sources, questions, topics, letters; and in plain words what is gone.

A segment outlives what it names. A condition about a source, a question or a
letter that does not exist (any more) is true of nobody, its opposite of
everybody, and the segment says so beside its count.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from zoneinfo import available_timezones

from sqlalchemy import BigInteger, DateTime, Select, String, column, select, table
from sqlalchemy.orm import Session

from listkeeper.audience import profile_question, profile_version, topic
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_words import QuestionKind
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_tree import Condition
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.source import Channel, Source
from listkeeper.audience.subscription import Basis, Frequency
from listkeeper.deliverability import mail_provider
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address

# A number people count to.
_VERSION = re.compile(r"[0-9]{1,6}", re.ASCII)
# Letters and their deliveries belong to chapters above; of their tables these few columns are read, under the names
# that a test compares with theirs.
LETTER = table("campaign", column("id", BigInteger), column("public_id", String), column("organisation_id", BigInteger))
DELIVERY = table(
    "delivery",
    column("subscriber_id", BigInteger),
    column("campaign_id", BigInteger),
    column("state", String),
    column("handed_at", DateTime(timezone=True)),
)


class Names:
    """The names of one list, each looked up once."""

    def __init__(self, session: Session, mailing_list: MailingList) -> None:
        self.session = session
        self.mailing_list = mailing_list
        self._questions = {each.key: each for each in profile_question.every(session, mailing_list)}
        self._topics = topic.every(session, mailing_list)

    @cached_property
    def _lists(self) -> dict[str, int]:
        """The list, and those that became part of it, by slug: their people came along, and so did their segments."""
        found = {self.mailing_list.slug: self.mailing_list.id}
        newest = [self.mailing_list.id]
        while newest:
            merged = select(MailingList).where(MailingList.merged_into_id.in_(newest))
            more = {each.slug: each.id for each in self.session.scalars(merged) if each.slug not in found}
            found |= more
            newest = list(more.values())
        return found

    def sources(self, slug: str) -> list[int]:
        """Return the row of a source of this list, by its slug; none: there is none."""
        return list(self.session.scalars(self._sources().where(Source.slug == slug)))

    def _sources(self) -> Select[int]:
        query = select(Source.id).join(SignupForm, SignupForm.id == Source.form_id)
        return query.where(SignupForm.list_id.in_(self._lists.values()))

    def sources_on(self, channel: str) -> list[int]:
        """Return the rows of the sources of this list that are of a kind."""
        known = channel in set(Channel)
        return list(self.session.scalars(self._sources().where(Source.channel == Channel(channel)))) if known else []

    def question(self, key: str) -> ProfileQuestion | None:
        """Return a question of this list by its short name."""
        return self._questions.get(key)

    def answer(self, question: ProfileQuestion, said: str) -> str | None:
        """Return how an answer is stored: the key of a choice, also by its name; own words as they are."""
        if question.kind is QuestionKind.TEXT:
            return said
        version = profile_version.newest(self.session, question)
        by_name = {name.casefold(): key for code in language.LANGUAGES for key, name in version.names(code).items()}
        return said if said in version.choice_keys else by_name.get(said.casefold(), said)

    def topic(self, named: str) -> str | None:
        """Return the public id of a topic that is offered, by name or id."""
        wanted = named.casefold()
        offered = (each for each in self._topics if each.retired_at is None)
        return next((each.public_id for each in offered if wanted in {each.name.casefold(), each.public_id}), None)

    def topic_called(self, named: str) -> str:
        """Return the name of a topic, also of one that is offered no more."""
        return next((each.name for each in self._topics if each.public_id == named), named)

    def domain(self, typed: str) -> str | None:
        """Return a domain as addresses have it, in the letters that mail knows; None when it can be none."""
        try:
            return address.domain_name(typed)
        except Invalid:
            return None

    def letter(self, public_id: str) -> int | None:
        """Return the row of a letter of this business."""
        query = select(LETTER.c.id).where(
            LETTER.c.public_id == public_id, LETTER.c.organisation_id == self.mailing_list.organisation_id
        )
        return self.session.execute(query).scalar()

    def texts(self, version: str) -> list[int]:
        """Return the consent texts of this list that have a version number, one for each language.

        Those of a list that became part of it are called "3 of events".
        """
        number, _, slug = version.partition(" of ")
        of = self._lists.get(slug or self.mailing_list.slug)
        if of is None or not _VERSION.fullmatch(number):
            return []
        query = select(ConsentText.id).where(ConsentText.list_id == of, ConsentText.version == int(number))
        return list(self.session.scalars(query))

    def segment(self, public_id: str) -> Segment | None:
        """Return a segment of this list."""
        query = select(Segment).where(Segment.public_id == public_id, Segment.list_id == self.mailing_list.id)
        return self.session.scalars(query).first()

    def missing(self, condition: Condition) -> str:
        """Say what a condition speaks of that does not exist; nothing when it does."""
        stem = condition.phrase.removesuffix("_not").removesuffix("_is")
        stem = "letter" if stem.endswith("_letter") else stem
        value, name = condition.value, condition.name
        finders: dict[str, Callable[[], object]] = {
            "language": lambda: value.lower() in language.LANGUAGES,
            "domain": lambda: self.domain(value),
            "source": lambda: self.sources(value),
            "channel": lambda: value in set(Channel),
            "provider": lambda: value in mail_provider.TABLE,
            "time_zone": lambda: value in available_timezones(),
            "basis": lambda: value in set(Basis),
            "frequency": lambda: value in set(Frequency),
            "consent_text": lambda: self.texts(value),
            "topic": lambda: self.topic(value),
            "in_segment": lambda: self.segment(value),
            "letter": lambda: self.letter(value),
            "answer": lambda: self.question(name),
            "answer_known": lambda: self.question(name),
            "answer_unknown": lambda: self.question(name),
        }
        find = finders.get(stem)
        if find is None or find():
            return ""
        return _gone(stem, name if stem.startswith("answer") else self.topic_called(value))


def _gone(stem: str, what: str) -> str:
    """Say what is gone, as half a sentence."""
    return {
        "language": language.text("a language that is not spoken here (%(what)s)", what=what),
        "domain": language.text("a domain that cannot be one (%(what)s)", what=what),
        "source": language.text("a source that does not exist (%(what)s)", what=what),
        "channel": language.text("a channel that is not known (%(what)s)", what=what),
        "provider": language.text("a mail provider that is not known (%(what)s)", what=what),
        "time_zone": language.text("a time zone that does not exist (%(what)s)", what=what),
        "basis": language.text("a legal basis that does not exist (%(what)s)", what=what),
        "frequency": language.text("a frequency that does not exist (%(what)s)", what=what),
        "consent_text": language.text("a version of the consent text that does not exist (%(what)s)", what=what),
        "topic": language.text("a topic that is not offered (%(what)s)", what=what),
        "in_segment": language.text("a segment that does not exist (%(what)s)", what=what),
        "letter": language.text("a letter that does not exist (%(what)s)", what=what),
    }.get(stem, language.text("a question that does not exist (%(what)s)", what=what))
