"""A segment: its name, its text, those inside it, what uses it; and who is forgotten is forgotten here as well."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import activity, erasure, mailing_list, merging
from listkeeper.audience.activity import Act, Activity, ActivityKind, LatestAct
from listkeeper.audience.segments import segment, segment_check, segment_query
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_language import parse
from listkeeper.campaigns import question_use, recipients, segment_use
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.sending import own_data, planning
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe

ANNA, BO = "anna@guest.example", "bo@guest.example"


def _made(session: Session, house: Cafe, said: str, name: str = "Some") -> Segment:
    return segment.create(session, house.organisation, house.mailing_list, name, said)


def test_a_segment_is_kept_as_it_is_printed(session: Session, house: Cafe) -> None:
    made = _made(session, house, "  LANGUAGE is  da\nAND pauses ", "  Danes \t who rest ")
    assert (made.name, made.source) == ("Danes who rest", "language is da and pauses")
    assert made.public_id.startswith("seg_")
    assert segment.identified(session, house.organisation, made.public_id) is made


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b", "\ud800"])
def test_a_name_that_cannot_be(session: Session, house: Cafe, name: str) -> None:
    with pytest.raises(Invalid):
        _made(session, house, "pauses", name)


def test_two_of_one_name_are_refused_and_a_copy_gets_its_own(session: Session, house: Cafe) -> None:
    made = _made(session, house, "pauses", "Danes")
    with pytest.raises(Conflict):
        _made(session, house, "pauses", "DANES")
    assert [segment.copy(session, house.organisation, made).name for _ in range(2)] == ["Danes 2", "Danes 3"]
    segment.change(session, made, name="Danes", source="not pauses")
    assert made.source == "not pauses"


def test_one_inside_itself_is_refused_near_and_far(session: Session, house: Cafe) -> None:
    first = _made(session, house, "language is da", "First")
    second = _made(session, house, f"in segment {first.public_id}", "Second")
    third = _made(session, house, f"not in segment {second.public_id}", "Third")
    for tail in (first, second, third):
        with pytest.raises(Invalid) as refused:
            segment.change(session, first, source=f"pauses or in segment {tail.public_id}")
        assert refused.value.code == "segment_loop"
    assert first.source == "language is da"
    # Written past the verb all the same, it is refused and never taken for nobody, and nothing hangs.
    first.source = f"in segment {third.public_id}"
    with pytest.raises(Invalid) as refused:
        segment_query.count(session, first)
    assert refused.value.code == "segment_loop"


def test_many_inside_one_another_are_too_long(session: Session, house: Cafe) -> None:
    inner = _made(session, house, " or ".join(["pauses"] * 40), "0")
    middle = _made(session, house, " or ".join([f"in segment {inner.public_id}"] * 10), "1")
    with pytest.raises(Invalid) as refused:
        _made(session, house, " or ".join([f"in segment {middle.public_id}"] * 2), "2")
    assert refused.value.code == "segment_too_long"


def test_what_a_letter_was_sent_by_has_those_inside_written_out(session: Session, house: Cafe) -> None:
    inner = _made(session, house, "language is da or pauses", "Inner")
    outer = _made(session, house, f"not in segment {inner.public_id} and in segment seg_gone", "Outer")
    assert segment.whole_text(session, outer) == "not (language is da or pauses) and in segment seg_gone"
    check = segment_check.of_tree(session, house.mailing_list, outer.tree)
    assert check.missing == ("a segment that does not exist (seg_gone)",)


def test_a_letter_goes_to_its_segment_and_keeps_what_it_said(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, ANNA).language = "da"
    cafe.subscribe(session, house, BO).language = "en"
    letter, made = cafe.draft(session, house), _made(session, house, "language is da")
    recipients.choose(session, letter, made.public_id)
    assert [use.public_id for use in segment_use.uses(session, made)] == [letter.public_id]
    assert recipients.expected(session, letter, practice=False) == 1
    assert planning.send_campaign(session, house.organisation, letter, site="http://localhost:8025") == 1
    segment.change(session, made, source="language is en")
    assert letter.segment_text == "language is da"
    assert session.scalar(select(func.count()).where(Delivery.campaign_id == letter.id)) == 1
    assert segment_use.uses(session, made) == []


def test_a_letter_to_nobody_is_not_sent(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, ANNA)
    letter = cafe.draft(session, house)
    recipients.choose(session, letter, _made(session, house, "nobody").public_id)
    with pytest.raises(Invalid) as refused:
        planning.send_campaign(session, house.organisation, letter, site="http://localhost:8025")
    assert refused.value.code == "empty_audience"


def test_a_letter_whose_segment_is_gone_goes_to_nobody_rather_than_to_all(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, ANNA)
    letter = cafe.draft(session, house)
    letter.segment_id = 999
    with pytest.raises(NotFound):
        planning.send_campaign(session, house.organisation, letter, site="http://localhost:8025")


def test_only_a_segment_of_its_own_list_that_is_offered(session: Session, house: Cafe) -> None:
    other = mailing_list.create(session, house.organisation, name="Events")
    elsewhere = segment.create(session, house.organisation, other, "Else", "pauses")
    archived = _made(session, house, "pauses")
    segment.archive(archived)
    letter = cafe.draft(session, house)
    for each in (elsewhere, archived):
        with pytest.raises(NotFound):
            recipients.choose(session, letter, each.public_id)
    assert letter.segment_id is None
    assert segment.all_of(session, house.mailing_list) == []


def test_a_question_that_a_segment_asks_for_is_used(session: Session, house: Cafe) -> None:
    question = questions.drafted(session, house)
    assert question_use.of(session, question) == []
    made = _made(session, house, "not answer favourite is cakes")
    assert [(use.kind, use.public_id) for use in question_use.of(session, question)] == [("segment", made.public_id)]
    segment.archive(made)
    assert question_use.of(session, question) == []


def test_segments_come_along_when_lists_are_merged(session: Session, house: Cafe) -> None:
    other = mailing_list.create(session, house.organisation, name="Events")
    segment.create(session, house.organisation, other, "Some", "pauses")
    _made(session, house, "pauses")
    merging.merge(session, house.organisation, house.mailing_list, other, actor="test")
    assert [each.name for each in segment.every(session, other)] == ["Some", "Some (News)"]


def test_the_latest_act_is_kept_and_forgotten(session: Session, house: Cafe) -> None:
    her, on, now = cafe.subscribe(session, house, ANNA), house.mailing_list.id, clock.now()
    for days in (3, 1, 2):
        activity.note(session, [Act(her.id, on, ActivityKind.CLICKED, now - timedelta(days=days), 7)])
    activity.note(session, [Act(her.id, on, ActivityKind.REPLIED, now)] * 2)
    latest = {row.kind: row.at for row in session.scalars(select(LatestAct))}
    assert latest == {ActivityKind.CLICKED: now - timedelta(days=1), ActivityKind.REPLIED: now}
    activity.forget(session, her.id, kind=ActivityKind.CLICKED)
    assert {row.kind for row in session.scalars(select(LatestAct))} == {ActivityKind.REPLIED}
    activity.forget(session, her.id, lists=[on + 1])
    assert session.scalar(select(func.count()).select_from(LatestAct)) == 1
    assert LatestAct in own_data.HELD.values()
    erasure.erase(session, her.id, actor="test", forget_copies=lambda *_: None)
    for table in (Activity, LatestAct):
        assert session.scalar(select(func.count()).select_from(table)) == 0


def test_half_sentences_for_what_is_gone(session: Session, house: Cafe) -> None:
    said = "source is x or channel is x or provider is x or basis is x or frequency is x or consent text is x"
    more = "topic is x or got letter x or answer x is known or time zone is x or language is x or domain is x"
    found = segment_check.missing(session, house.mailing_list, parse(f"{said} or {more}"))
    assert len(found) == 12
    assert all("(x)" in words for words in found)
    known = parse("language is DA or domain is Bücher.example")
    assert segment_check.missing(session, house.mailing_list, known) == ()


def test_a_list_for_notices_has_no_segments(session: Session, house: Cafe) -> None:
    service = mailing_list.create(session, house.organisation, name="Out of order", purpose=mailing_list.SERVICE)
    with pytest.raises(Invalid):
        segment.create(session, house.organisation, service, "Some", "pauses")
    assert isinstance(cafe.draft(session, house), Campaign)
