"""What uses a segment goes on using it when it is archived, and is told; what it asks for is kept as long.

And no words of a segment drive a follow-up round that is on.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import profile, profile_question
from listkeeper.audience.profile import How, ProfileAnswer
from listkeeper.audience.segments import segment
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import follow_up, recipients, segment_use
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState, Start, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid, NotFound
from listkeeper.sending import answer_keeping
from listkeeper.sending.following import follow_up_entry, follow_up_steering
from listkeeper.sending.following.follow_up_run import RunState, StopWhy
from tests.makers import cafe, follow_ups, questions
from tests.makers.cafe import Cafe

Clock = time_machine.Traveller


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with nobody on its list yet."""
    return cafe.found(session)


@pytest.fixture
def freja(session: Session, house: Cafe) -> Subscriber:
    """Somebody who has just said yes."""
    return cafe.subscribe(session, house, "freja@guest.example")


def _made(session: Session, house: Cafe, said: str, name: str = "Some") -> Segment:
    return segment.create(session, house.organisation, house.mailing_list, name, said)


def _used(session: Session, found: Segment) -> list[tuple[str, str]]:
    return [(use.kind, use.public_id) for use in segment_use.uses(session, found)]


def test_an_archived_segment_goes_on_stopping_a_line(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    danes, line = _made(session, house, "language is da"), follow_ups.line(session, house, on=False)
    line.stop_segment_id = danes.id
    follow_ups.switch_on(session, house, line)
    follow_ups.says_yes(session, freja)
    segment.archive(danes)
    assert _used(session, danes) == [("follow_up", line.public_id)]
    freja.language = "da"
    session.flush()
    frozen_clock.shift(timedelta(days=2))
    follow_ups.look(session, line)
    assert [(run.state, run.why) for run in follow_ups.runs(session, line)] == [(RunState.STOPPED, StopWhy.SEGMENT)]


def test_a_step_for_an_archived_segment_goes_on_reaching_whom_it_is_for(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    chosen, line = _made(session, house, "not language is da"), follow_ups.line(session, house, on=False)
    first, second = follow_ups.steps(session, line)
    first.segment_id = chosen.id
    follow_ups.switch_on(session, house, line)
    follow_ups.says_yes(session, freja)
    segment.archive(chosen)
    assert _used(session, chosen) == [("follow_up", line.public_id)]
    frozen_clock.shift(timedelta(days=2))
    follow_ups.look(session, line)
    assert [row.subscriber_id for row in follow_ups.mails(session, line)] == [freja.id]
    first.segment_id, second.segment_id = None, chosen.id
    second.removed_at = clock.now()
    session.flush()
    assert _used(session, chosen) == []


def test_a_line_that_begins_with_an_archived_segment_goes_on_beginning(
    session: Session, house: Cafe, freja: Subscriber
) -> None:
    chosen = _made(session, house, "language is da")
    line = follow_ups.line(session, house, start=Start(Trigger.SEGMENT, segment_id=chosen.id))
    segment.archive(chosen)
    assert _used(session, chosen) == [("follow_up", line.public_id)]
    # Paused and switched on again it is what it was, too.
    follow_up_steering.pause(session, line)
    follow_ups.switch_on(session, house, line)
    freja.language = "da"
    session.flush()
    assert follow_up_entry.look(session, line, practice=False) == 1


def test_a_line_that_is_put_away_or_begins_otherwise_uses_it_no_more(session: Session, house: Cafe) -> None:
    chosen = _made(session, house, "pauses")
    line = follow_ups.line(session, house, start=Start(Trigger.SEGMENT, segment_id=chosen.id), on=False)
    line.stop_segment_id = chosen.id
    session.flush()
    # Named once, though it is used twice.
    assert _used(session, chosen) == [("follow_up", line.public_id)]
    line.stop_segment_id, line.state = None, FollowUpState.ARCHIVED
    session.flush()
    assert _used(session, chosen) == []
    again = follow_ups.line(session, house, start=Start(Trigger.SEGMENT, segment_id=chosen.id), on=False)
    follow_up.begin_with(again, Start(Trigger.SAID_YES))
    session.flush()
    assert _used(session, chosen) == []


def test_a_letter_keeps_its_archived_segment_and_takes_no_other(session: Session, house: Cafe) -> None:
    own, other = _made(session, house, "language is da"), _made(session, house, "pauses", "Other")
    letter = cafe.draft(session, house)
    recipients.choose(session, letter, own.public_id)
    segment.archive(own)
    segment.archive(other)
    assert recipients.choose(session, letter, own.public_id) is own
    for wanted in (other.public_id, "seg_none"):
        with pytest.raises(NotFound):
            recipients.choose(session, letter, wanted)
    assert letter.segment_id == own.id
    assert recipients.choose(session, letter, "") is None


def test_what_stands_in_a_used_archived_segment_is_used(session: Session, house: Cafe) -> None:
    inner = _made(session, house, "pauses", "Inner")
    middle = _made(session, house, f"not in segment {inner.public_id}", "Middle")
    outer = _made(session, house, f"in segment {middle.public_id}", "Outer")
    for each in (inner, middle, outer):
        segment.archive(each)
    assert [_used(session, each) for each in (inner, middle, outer)] == [[], [], []]
    letter = cafe.draft(session, house)
    letter.segment_id = outer.id
    session.flush()
    assert _used(session, inner) == [("segment", middle.public_id)]
    assert _used(session, middle) == [("segment", outer.public_id)]
    assert _used(session, outer) == [("letter", letter.public_id)]
    every = segment_use.uses_of(session, house.mailing_list)
    assert {number: len(found) for number, found in every.items()} == {inner.id: 1, middle.id: 1, outer.id: 1}
    letter.state = CampaignState.CANCELLED
    session.flush()
    assert segment_use.uses_of(session, house.mailing_list) == {}


def _using(session: Session, house: Cafe, chosen: Segment, by: str) -> Campaign | FollowUpStep:
    line = follow_ups.steps(session, follow_ups.line(session, house, on=False))
    used: Campaign | FollowUpStep = line[0] if by == "follow_up" else cafe.draft(session, house)
    used.segment_id = chosen.id
    session.flush()
    return used


@pytest.mark.parametrize("by", ["letter", "follow_up", "outer"])
def test_answers_stay_while_an_archived_segment_that_is_used_asks_for_them(
    session: Session, house: Cafe, freja: Subscriber, by: str
) -> None:
    question = questions.asked(session, house)
    asked = profile_question.asked_on(session, [house.mailing_list.id])[0]
    profile.give(session, freja.id, asked, ["cakes"], How.LETTER)
    asking = _made(session, house, "answer favourite is cakes")
    outer = _made(session, house, f"pauses or in segment {asking.public_id}", "Outer")
    used = _using(session, house, outer if by == "outer" else asking, by)
    for each in (asking, outer):
        segment.archive(each)
    with time_machine.travel(clock.months_later(clock.now(), 13), tick=False):
        assert answer_keeping.forget(session, question.id) is False
        assert session.scalars(select(ProfileAnswer.id)).all() != []
        assert [use.public_id for use in segment_use.of_question(session, question)] == [asking.public_id]
        used.segment_id = None
        session.flush()
        assert answer_keeping.forget(session, question.id) is True
        assert session.scalars(select(ProfileAnswer.id)).all() == []


def _beginning(session: Session, house: Cafe, chosen: Segment, *, on: bool = True) -> tuple[FollowUp, str]:
    """Return a line that begins with a segment, and the words for those who got a letter of it."""
    line = follow_ups.line(session, house, start=Start(Trigger.SEGMENT, segment_id=chosen.id), on=on)
    return line, f"got letter {follow_ups.steps(session, line)[0].campaign.public_id}"


@pytest.mark.parametrize("near", [True, False])
def test_words_that_would_drive_a_line_round_are_refused_while_it_is_on(
    session: Session, house: Cafe, *, near: bool
) -> None:
    inner = _made(session, house, "language is da", "Inner")
    outer = inner if near else _made(session, house, f"pauses or in segment {inner.public_id}", "Outer")
    line, got = _beginning(session, house, outer)
    line.name = "Danes first"
    session.commit()
    with pytest.raises(Invalid, match="“Danes first” is on") as refused:
        segment_use.change(session, inner, source=got)
    assert refused.value.code == "follow_up_loop"
    session.rollback()
    # Whoever did not get it is brought nowhere by it, and neither is anybody by a new name.
    segment_use.change(session, inner, name="Others", source=f"not {got}")
    assert (inner.name, inner.source) == ("Others", f"not {got}")


def test_two_lines_that_would_drive_each_other_round_are_both_named(session: Session, house: Cafe) -> None:
    chosen = _made(session, house, "language is da")
    first, got = _beginning(session, house, chosen)
    second, got_second = _beginning(session, house, _made(session, house, got, "Got it"), on=False)
    first.name, second.name = "First", "Second"
    session.flush()
    with pytest.raises(Invalid, match=r"“First” is on.*: First, Second"):
        segment_use.change(session, chosen, source=got_second)


def test_a_line_that_is_off_stands_in_nobodys_way_and_is_asked_as_it_is_switched_on(
    session: Session, house: Cafe
) -> None:
    chosen = _made(session, house, "language is da")
    line, got = _beginning(session, house, chosen, on=False)
    segment_use.change(session, chosen, source=got)
    with pytest.raises(Invalid, match="drive each other round"):
        follow_ups.switch_on(session, house, line)


def test_what_went_round_before_keeps_nobody_from_other_words(session: Session, house: Cafe) -> None:
    chosen, other = _made(session, house, "language is da"), _made(session, house, "pauses", "Other")
    _line, got = _beginning(session, house, chosen)
    chosen.source = got
    session.flush()
    segment_use.change(session, other, source="not pauses")
    segment_use.change(session, chosen, source=f"{got} and pauses")
    segment_use.change(session, chosen, source="language is da")
    with pytest.raises(Invalid):
        segment_use.change(session, chosen, source=got)
