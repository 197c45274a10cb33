"""What each phrase of a segment asks of the tables, phrase by phrase.

What stands in another table is asked as "is in the set of people who …", which
a database builds once for all. A condition about what we do not know of
somebody is false of her: no column that may be empty is compared bare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, or_, select, union
from sqlalchemy.orm import Session

from listkeeper.audience import renewal, topic
from listkeeper.audience.activity import Activity, ActivityKind, LatestAct
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.segments.segment_calendar import Calendar
from listkeeper.audience.segments.segment_names import DELIVERY, Names
from listkeeper.audience.segments.segment_tree import Condition
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Frequency, Subscription, SubscriptionState
from listkeeper.deliverability import mail_provider, provider_domains
from listkeeper.foundation import among as given

# Phrases that begin so ask about the person, not about her subscription.
OF_THE_PERSON = ("language", "time_zone", "provider", "domain")
SOME = "segment_people"
_KINDS = {"clicked": ActivityKind.CLICKED, "replied": ActivityKind.REPLIED, "answered": ActivityKind.ANSWERED}
Asked = ColumnElement[bool]


@dataclass(frozen=True)
class Facts:
    """What all conditions of one segment share: its names, its calendar, and whether it is asked of some people alone.

    These are then the parameter ``SOME`` of the statement.
    """

    names: Names
    days: Calendar
    some: bool = False

    def among(self, query: Select[Any]) -> Asked:
        """Return whether somebody is in the set of people a query finds."""
        (whose,) = query.selected_columns
        narrowed = query.where(given.among(whose, SOME)) if self.some else query
        return among(self.names.session, narrowed)


def among(session: Session, query: Select[Any]) -> Asked:
    """Return whether a subscription's person is in the set of people a query finds.

    SQLite builds such a set once, in the order of its index. PostgreSQL would look through a set that is too large for
    its memory once for each person, unless it is asked so that it may join.
    """
    if session.get_bind().dialect.name != "postgresql":
        return Subscription.subscriber_id.in_(query)
    found = query.subquery()
    return exists().where(found.columns[0] == Subscription.subscriber_id)


def compiled(condition: Condition, facts: Facts) -> Asked:
    """Return one condition as SQL; what it names and does not exist is true of nobody."""
    phrase = condition.phrase
    if phrase.endswith("_is_not"):
        return not_(compiled(Condition(f"{phrase.removesuffix('_not')}", condition.value, condition.name), facts))
    for past, kind in _KINDS.items():
        if phrase.removeprefix("not_").startswith(f"{past}_"):
            return _act(condition, facts, past, kind)
    return _ASKS[phrase](condition, facts)


def _act(condition: Condition, facts: Facts, past: str, kind: ActivityKind) -> Asked:
    list_id = facts.names.mailing_list.id
    what = condition.phrase.removeprefix("not_").removeprefix(f"{past}_")
    if condition.phrase.startswith("not_"):
        did = _act(Condition(condition.phrase.removeprefix("not_"), days=condition.days), facts, past, kind)
        return and_(seen(facts, condition) if kind is ActivityKind.CLICKED else Subscription.id.is_not(None), not_(did))
    if what == "times":
        since = facts.days.ago(condition.days)
        here = (Activity.list_id == list_id) & (Activity.kind == kind) & (Activity.at >= since)
        often = select(Activity.subscriber_id).where(here).group_by(Activity.subscriber_id)
        return facts.among(often.having(func.count() >= condition.times))
    return _is_one_of(condition, facts)


def in_order(condition: Condition, facts: Facts) -> Select[Any] | None:
    """Return the people a condition is true of where an index holds them in their order; None where none does."""
    past, _, what = condition.phrase.partition("_")
    if condition.phrase == "got_letter":
        return _who_got(condition, facts)
    if condition.phrase == "language_is":
        return select(Subscriber.id).where(_language(condition, facts))
    if past not in _KINDS or what not in {"letter", "within", "ever"}:
        return None
    if what == "letter":
        letter = facts.names.letter(condition.value)
        acts = select(Activity.subscriber_id).where(Activity.campaign_id == letter, Activity.kind == _KINDS[past])
        return acts if letter is not None else None
    here = (LatestAct.list_id == facts.names.mailing_list.id, LatestAct.kind == _KINDS[past])
    latest = select(LatestAct.subscriber_id).where(*here)
    return latest.where(LatestAct.at >= facts.days.ago(condition.days)) if what == "within" else latest


def came_by(condition: Condition, facts: Facts) -> list[Select[Any]]:
    """Return the people of the list who came by each source a condition names, each source's in their order."""
    named = {"source_is": facts.names.sources, "channel_is": facts.names.sources_on}.get(condition.phrase)
    here = (Subscription.list_id == facts.names.mailing_list.id, Subscription.state == SubscriptionState.CONFIRMED)
    people = select(Subscription.subscriber_id).where(*here)
    return [people.where(Subscription.source_id == one) for one in named(condition.value)] if named else []


def any_of(conditions: tuple[Condition, ...], facts: Facts) -> Asked | None:
    """Return whether any of several is true, as one set where an index holds each in order; None where one does not.

    PostgreSQL joins one set of all; of several it would look each person up in the second and the third by themselves.
    """
    sets = [people for each in conditions if (people := in_order(each, facts)) is not None]
    return facts.among(union(*sets).subquery().select()) if len(sets) == len(conditions) > 1 else None


def _is_one_of(condition: Condition, facts: Facts) -> Asked:
    people = in_order(condition, facts)
    return facts.among(people) if people is not None else false()


def seen(facts: Facts, condition: Condition) -> Asked:
    """Return whether we could have seen her click for all that time: only then is it known that she did not."""
    since = Subscription.tracking_since
    known = since.is_not(None)
    return and_(known, since <= facts.days.ago(condition.days)) if condition.phrase.endswith("_within") else known


def _language(condition: Condition, facts: Facts) -> Asked:
    # The business with it, because the index of languages begins so.
    owner = facts.names.mailing_list.organisation_id
    return and_(Subscriber.organisation_id == owner, Subscriber.language == condition.value.lower())


def _time_zone(condition: Condition, _facts: Facts) -> Asked:
    return and_(Subscriber.time_zone.is_not(None), Subscriber.time_zone == condition.value)


def _time_zone_unknown(_condition: Condition, _facts: Facts) -> Asked:
    return Subscriber.time_zone.is_(None)


def _domain_of(facts: Facts) -> ColumnElement[str]:
    address = Subscriber.email_send
    if facts.names.session.get_bind().dialect.name == "postgresql":
        # Letters need not be counted for it, which takes a third of the time off a long list.
        return func.split_part(address, "@", 2)
    return func.substr(address, func.instr(address, "@") + 1)


def _domain(condition: Condition, facts: Facts) -> Asked:
    wanted = facts.names.domain(condition.value)
    return _domain_of(facts) == wanted if wanted is not None else false()


def _provider(condition: Condition, facts: Facts) -> Asked:
    if condition.value not in mail_provider.TABLE:
        return false()
    return provider_domains.condition(_domain_of(facts), condition.value)


def _source(condition: Condition, facts: Facts) -> Asked:
    return _from(facts.names.sources(condition.value))


def _channel(condition: Condition, facts: Facts) -> Asked:
    return _from(facts.names.sources_on(condition.value))


def _from(sources: list[int]) -> Asked:
    known = Subscription.source_id.is_not(None)
    return and_(known, Subscription.source_id.in_(sources)) if sources else false()


def _source_unknown(_condition: Condition, _facts: Facts) -> Asked:
    return Subscription.source_id.is_(None)


def _joined_within(condition: Condition, facts: Facts) -> Asked:
    return Subscription.since >= facts.days.ago(condition.days)


def _joined_more_than(condition: Condition, facts: Facts) -> Asked:
    return Subscription.since < facts.days.ago(condition.days)


def _joined_before(condition: Condition, facts: Facts) -> Asked:
    return Subscription.since < facts.days.midnight(date.fromisoformat(condition.value))


def _joined_after(condition: Condition, facts: Facts) -> Asked:
    day = date.fromisoformat(condition.value)
    return Subscription.since >= facts.days.midnight(date.fromordinal(day.toordinal() + 1))


def _basis(condition: Condition, _facts: Facts) -> Asked:
    return Subscription.basis == Basis(condition.value) if condition.value in set(Basis) else false()


def _double_opt_in(_condition: Condition, _facts: Facts) -> Asked:
    return Subscription.double_opt_in.is_(True)


def _consent_ends(condition: Condition, facts: Facts) -> Asked:
    ends = renewal.ends(facts.names.mailing_list)
    return and_(ends.is_not(None), ends > facts.days.now, ends < facts.days.ahead(condition.days))


def _consent_has_no_end(_condition: Condition, facts: Facts) -> Asked:
    return renewal.ends(facts.names.mailing_list).is_(None)


def _consent_text(condition: Condition, facts: Facts) -> Asked:
    texts, held = facts.names.texts(condition.value), Subscription.consent_text_id
    return and_(held.is_not(None), held.in_(texts)) if texts else false()


def _lets_us_count(_condition: Condition, _facts: Facts) -> Asked:
    return Subscription.tracking_since.is_not(None)


def _did(condition: Condition, facts: Facts) -> Asked:
    owner = facts.names.mailing_list.organisation_id
    found = select(PostedEvent.subscriber_id).where(
        PostedEvent.organisation_id == owner, PostedEvent.name == condition.name
    )
    if condition.phrase in {"did_within", "did_times"}:
        found = found.where(PostedEvent.at >= facts.days.ago(condition.days))
    if condition.phrase == "did_times":
        found = found.group_by(PostedEvent.subscriber_id).having(func.count() >= condition.times)
    did = facts.among(found)
    return not_(did) if condition.phrase == "did_never" else did


def _answered_so(condition: Condition, facts: Facts) -> Asked:
    question = facts.names.question(condition.name)
    key = facts.names.answer(question, condition.value) if question is not None else None
    if question is None or key is None:
        return false()
    # Choices stand one a line; their keys are small letters, digits and "-".
    value = ProfileAnswer.value
    among_lines = (value.startswith(f"{key}\n", autoescape=True), value.endswith(f"\n{key}", autoescape=True))
    several = or_(*among_lines, value.contains(f"\n{key}\n", autoescape=True))
    found = select(ProfileAnswer.subscriber_id).where(
        ProfileAnswer.question_id == question.id, ProfileAnswer.declined.is_(False), (value == key) | several
    )
    return facts.among(found)


def _answer_known(condition: Condition, facts: Facts) -> Asked:
    question = facts.names.question(condition.name)
    if question is None:
        return false()
    found = select(ProfileAnswer.subscriber_id).where(
        ProfileAnswer.question_id == question.id, ProfileAnswer.declined.is_(False)
    )
    return facts.among(found)


def _answer_unknown(condition: Condition, facts: Facts) -> Asked:
    return not_(_answer_known(condition, facts)) if facts.names.question(condition.name) is not None else false()


def _topic(condition: Condition, facts: Facts) -> Asked:
    found = facts.names.topic(condition.value)
    return topic.wanted(found) if found is not None else false()


def _frequency(condition: Condition, _facts: Facts) -> Asked:
    return Subscription.frequency == Frequency(condition.value) if condition.value in set(Frequency) else false()


def _pauses(_condition: Condition, facts: Facts) -> Asked:
    return and_(Subscription.snooze_until.is_not(None), Subscription.snooze_until > facts.days.now)


def _who_got(condition: Condition, facts: Facts) -> Select[Any] | None:
    letter = facts.names.letter(condition.value)
    # Taken, and not sent back later.
    got = select(DELIVERY.c.subscriber_id).where(
        DELIVERY.c.campaign_id == letter, DELIVERY.c.state == "accepted", DELIVERY.c.subscriber_id.is_not(None)
    )
    return got if letter is not None else None


def _heard_within(condition: Condition, facts: Facts) -> Asked:
    heard = Subscription.last_contact_at
    return and_(heard.is_not(None), heard >= facts.days.ago(condition.days))


def _gone(_condition: Condition, _facts: Facts) -> Asked:
    # Every segment that exists was written out before: this one does not.
    return false()


_ASKS: dict[str, Callable[[Condition, Facts], Asked]] = {
    "language_is": _language,
    "time_zone_is": _time_zone,
    "time_zone_unknown": _time_zone_unknown,
    "provider_is": _provider,
    "domain_is": _domain,
    "source_is": _source,
    "source_unknown": _source_unknown,
    "channel_is": _channel,
    "joined_within": _joined_within,
    "joined_more_than": _joined_more_than,
    "joined_before": _joined_before,
    "joined_after": _joined_after,
    "basis_is": _basis,
    "double_opt_in": _double_opt_in,
    "consent_ends_within": _consent_ends,
    "consent_has_no_end": _consent_has_no_end,
    "consent_text_is": _consent_text,
    "lets_us_count": _lets_us_count,
    "did_within": _did,
    "did_ever": _did,
    "did_times": _did,
    "did_never": _did,
    "answer_is": _answered_so,
    "answer_known": _answer_known,
    "answer_unknown": _answer_unknown,
    "topic_is": _topic,
    "frequency_is": _frequency,
    "pauses": _pauses,
    "got_letter": _is_one_of,
    "heard_within": _heard_within,
    "in_segment": _gone,
}
