"""What a segment names stays what it meant: when a topic gets another name, and when two lists become one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import (
    mailing_list,
    merging,
    profile,
    profile_question,
    profile_version,
    signup_form,
    source,
    subscription,
    topic,
)
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile import How
from listkeeper.audience.profile_question import QuestionState
from listkeeper.audience.profile_words import QuestionKind
from listkeeper.audience.segments import segment, segment_check, segment_meaning, segment_query
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_language import parse
from listkeeper.audience.source import Channel
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.sending import answer_keeping
from listkeeper.web.studio import segment_words
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe

LONG_AGO = clock.now() - timedelta(days=900)
ANNA, BO = "anna@guest.example", "bo@guest.example"


def _made(session: Session, house: Cafe, said: str, name: str = "Some") -> Segment:
    return segment.create(session, house.organisation, house.mailing_list, name, said)


def _subscribed(session: Session, house: Cafe, address: str, topics: list[str] | None = None) -> Subscription:
    her = cafe.subscribe(session, house, address)
    held = subscription.of(session, her.id, house.mailing_list.id)
    assert held is not None
    held.topics = topics or []
    session.flush()
    return held


@pytest.fixture
def events(session: Session, house: Cafe) -> MailingList:
    """Another list of the café, for the same purpose."""
    return mailing_list.create(session, house.organisation, name="Events")


def _at(session: Session, house: Cafe, on: MailingList) -> Cafe:
    return Cafe(house.organisation, house.owner, on, signup_form.create(session, house.organisation, on))


def test_a_topic_with_another_name_is_still_meant(session: Session, house: Cafe) -> None:
    cakes = topic.add(session, house.mailing_list, "Cakes")
    bread = topic.add(session, house.mailing_list, "Bread")
    _subscribed(session, house, ANNA, [cakes.public_id])
    _subscribed(session, house, BO, [bread.public_id])
    typed = _made(session, house, "topic is cakes")
    by_id = _made(session, house, f"not topic is {cakes.public_id}", "By id")
    assert typed.source == f"topic is {cakes.public_id}"
    stored_before = _made(session, house, "pauses", "Stored by name, as it was before")
    stored_before.source = "topic is Cakes"
    segment_meaning.rename_topic(session, house.mailing_list, cakes, "Baking")
    assert cakes.name == "Baking"
    assert [segment_query.count(session, each) for each in (typed, by_id, stored_before)] == [1, 1, 1]
    assert segment.whole_text(session, stored_before) == "topic is Baking"
    check = segment_check.of_tree(session, house.mailing_list, parse(f"topic is {cakes.public_id} and pauses"))
    assert not check.count
    check = segment_check.of_tree(session, house.mailing_list, parse(f"not pauses or topic is {cakes.public_id}"))
    assert "top_" not in "".join(check.sentences)


def test_a_name_that_is_taken_changes_no_segment_either(session: Session, house: Cafe) -> None:
    cakes = topic.add(session, house.mailing_list, "Cakes")
    topic.add(session, house.mailing_list, "Bread")
    made = _made(session, house, "pauses")
    with pytest.raises(Conflict):
        segment_meaning.rename_topic(session, house.mailing_list, cakes, "bread")
    assert (cakes.name, made.source) == ("Cakes", "pauses")


def test_a_retired_topic_is_said_to_be_gone_by_its_name(session: Session, house: Cafe) -> None:
    cakes = topic.add(session, house.mailing_list, "Cakes")
    made = _made(session, house, "topic is Cakes")
    topic.retire(cakes)
    # Another one that is called so now is not the one that was meant.
    topic.add(session, house.mailing_list, "Cakes")
    _subscribed(session, house, ANNA)
    assert segment_query.count(session, made) == 0
    assert segment_check.missing(session, house.mailing_list, made.tree) == ("a topic that is not offered (Cakes)",)


def test_the_builder_offers_topics_by_id_and_calls_them_by_name(session: Session, house: Cafe) -> None:
    cakes = topic.add(session, house.mailing_list, "Cakes")
    choices = segment_words.choices(session, house.mailing_list)
    assert choices.of("topic_is", cakes.public_id) == [(cakes.public_id, "Cakes")]
    # What was just typed as text is a name still.
    assert choices.of("topic_is", "cakes") == [("cakes", "Cakes")]
    assert choices.of("topic_is", "Pies")[-1] == ("Pies", "Pies (does not exist)")
    # Of nothing else is the name as good.
    made = _made(session, house, "pauses", "Resting")
    choices = segment_words.choices(session, house.mailing_list)
    assert choices.of("in_segment", "Resting") == [
        (made.public_id, "Resting"), ("Resting", "Resting (does not exist)"),
    ]  # fmt: skip


def test_a_topic_of_one_name_on_both_lists_is_still_each_its_own(
    session: Session, house: Cafe, events: MailingList
) -> None:
    ours = topic.add(session, house.mailing_list, "Cakes")
    theirs = topic.add(session, events, "Cakes")
    pies = topic.add(session, events, "Pies")
    _subscribed(session, house, ANNA, [ours.public_id])
    made = [_made(session, house, said, said) for said in ("topic is Cakes", "not topic is Cakes", "topic is Pies")]
    made[0].source = "topic is Cakes"
    assert [segment_query.count(session, each) for each in made] == [1, 0, 0]
    merging.merge(session, house.organisation, house.mailing_list, events, actor="test")
    there = _at(session, house, events)
    _subscribed(session, there, BO, [theirs.public_id, pies.public_id])
    assert [segment_query.count(session, each) for each in made] == [1, 1, 0]
    assert segment.whole_text(session, made[0]) == 'topic is "Cakes (News)"'


def test_a_question_of_one_name_on_both_lists_is_still_each_its_own(
    session: Session, house: Cafe, events: MailingList
) -> None:
    there = _at(session, house, events)
    ours, theirs = (questions.drafted(session, each, "cake", kind=QuestionKind.CHOICES) for each in (house, there))
    questions.drafted(session, there, "pie")
    anna, bo = _subscribed(session, house, ANNA), _subscribed(session, there, BO)
    for who, question, answer in ((anna, ours, "cakes"), (bo, theirs, "rye-bread")):
        version, question.state = profile_version.newest(session, question), QuestionState.ASKED
        profile.give(session, who.subscriber_id, (question, version), [answer], How.OWN_PAGE).given_at = LONG_AGO
    session.flush()
    said = ("answer cake is cakes", "not answer cake is cakes", "answer cake is known", "not answer pie is known")
    made = [_made(session, house, each, each) for each in said]
    assert [segment_query.count(session, each) for each in made] == [1, 0, 1, 1]
    merging.merge(session, house.organisation, house.mailing_list, events, actor="test")
    assert [segment_query.count(session, each) for each in made] == [1, 1, 1, 2]
    assert (ours.list_id, ours.key, made[0].source) == (events.id, "cake_2", "answer cake_2 is cakes")
    assert {each.key for each in profile_question.every(session, events)} == {"cake", "cake_2", "pie"}
    assert segment_check.missing(session, events, made[3].tree) == ("a question that does not exist (pie_2)",)
    assert (ours.state, theirs.state) == (QuestionState.STOPPED, QuestionState.ASKED)
    # What it asks for is used, and kept; the other one's answers are not.
    assert [answer_keeping.forget(session, each.id) for each in (ours, theirs)] == [False, True]


def test_sources_channels_and_texts_of_a_list_that_was_merged_are_still_known(
    session: Session, house: Cafe, events: MailingList
) -> None:
    bio = source.create(session, house.form, name="Bio", channel=Channel.INSTAGRAM, slug="ig-bio")
    texts = {}
    for on in (house.mailing_list, events):
        texts[on.id] = ConsentText(
            list_id=on.id, language="pl", version=7, body="", button_label="", withdrawal="", controller="", sha256="7"
        )
    session.add_all(texts.values())
    session.flush()
    anna = _subscribed(session, house, ANNA)
    anna.source_id, anna.consent_text_id = bio.id, texts[house.mailing_list.id].id
    bo = _subscribed(session, _at(session, house, events), BO)
    bo.consent_text_id = texts[events.id].id
    said = ("source is ig-bio", "channel is instagram", "consent text is 7", "not consent text is 7")
    made = [_made(session, house, each, each) for each in said]
    assert [segment_query.count(session, each) for each in made] == [1, 1, 1, 0]
    merging.merge(session, house.organisation, house.mailing_list, events, actor="test")
    assert [segment_query.count(session, each) for each in made] == [1, 1, 1, 1]
    assert made[2].source == 'consent text is "7 of news"'
    third = mailing_list.create(session, house.organisation, name="All")
    merging.merge(session, house.organisation, events, third, actor="test")
    assert [segment_query.count(session, each) for each in made] == [1, 1, 1, 1]
    assert all(segment_check.missing(session, third, each.tree) == () for each in made)
