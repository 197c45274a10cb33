"""A line of letters: its states, its clocks, and what is refused before it is switched on."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.mailing_list import SERVICE
from listkeeper.audience.segments import segment
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up, follow_up_check, follow_up_starter, follow_up_step
from listkeeper.campaigns.follow_up import TRANSITIONS, FollowUp, FollowUpState, Start, Trigger
from listkeeper.campaigns.follow_up_starter import Line
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind, Turn
from listkeeper.campaigns.revision import Draft
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from tests.makers import cafe, follow_ups
from tests.makers.cafe import Cafe

S = FollowUpState


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with nobody on its list yet."""
    return cafe.found(session)


def _codes(session: Session, house: Cafe, made: FollowUp) -> set[str]:
    return {each.code for each in follow_up_check.examine(session, house.organisation, made, site=follow_ups.SITE)}


def _write(session: Session, step: FollowUpStep, draft: Draft) -> None:
    campaigns.write(session, step.campaign, draft, base=step.campaign.version)


@pytest.mark.parametrize(("source", "target"), list(product(S, S)))
def test_a_follow_up_moves_by_its_table_and_no_other_way(source: S, target: S) -> None:
    found = FollowUp(state=source)
    if target in TRANSITIONS[source]:
        follow_up.move(found, target)
        assert found.state is target
    else:
        with pytest.raises(Conflict):
            follow_up.move(found, target)
        assert found.state is source


@pytest.mark.parametrize(
    ("since", "days", "hour", "zone", "due"),
    [
        ("2026-12-01T10:00", 0, None, "Europe/Copenhagen", "2026-12-01T10:00"),
        ("2026-12-01T10:00", 3, None, "Europe/Copenhagen", "2026-12-04T10:00"),
        # Nine o'clock there is eight here.
        ("2026-12-01T07:00", 2, 9, "Europe/Copenhagen", "2026-12-03T08:00"),
        # That hour is over: a wait is never shortened.
        ("2026-12-01T10:00", 2, 9, "Europe/Copenhagen", "2026-12-04T08:00"),
        ("2026-12-01T08:00", 2, 9, "Europe/Copenhagen", "2026-12-03T08:00"),
        ("2026-12-01T10:00", 2, 9, "America/New_York", "2026-12-03T14:00"),
        # The night in which the clocks change, and the hour that does not exist.
        ("2027-03-26T10:00", 2, 9, "Europe/Copenhagen", "2027-03-29T07:00"),
        ("2027-03-27T00:30", 1, 2, "Europe/Copenhagen", "2027-03-28T01:00"),
    ],
)
def test_when_a_step_is_due(since: str, days: int, hour: int | None, zone: str, due: str) -> None:
    step = FollowUpStep(wait_days=days, at_hour=hour)
    begun, wanted = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (since, due))
    assert follow_up_step.due(step, begun, zone) == wanted


def test_a_sound_line_has_nothing_against_it(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house, on=False)
    assert not any(code.startswith("W") for code in _codes(session, house, made))


@pytest.mark.parametrize(
    ("turns", "code"),
    [((), "W1"), (((StepKind.LETTER, 0), (StepKind.LETTER, 0)), "W3"), (((StepKind.RENEWAL, 2),), "W12")],
)
def test_a_line_that_makes_no_sense_is_refused(
    session: Session, house: Cafe, turns: tuple[tuple[StepKind, int], ...], code: str
) -> None:
    made = follow_ups.line(session, house, turns, on=False)
    assert code in _codes(session, house, made)
    with pytest.raises(Invalid):
        follow_ups.switch_on(session, house, made)
    assert made.state is S.DRAFT


def test_one_step_may_leave_at_once_and_six_are_too_many(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house, ((StepKind.LETTER, 0), *(((StepKind.LETTER, 1),) * 4)), on=False)
    assert "W3" not in _codes(session, house, made)
    with pytest.raises(Invalid):
        follow_up_step.add(session, house.organisation, made, StepKind.LETTER, Turn(1), follow_ups.WORDS)


def test_a_renewal_where_no_permission_ends_is_refused(session: Session, house: Cafe) -> None:
    start = Start(Trigger.CONSENT_ENDS, days_before=30)
    made = follow_ups.line(session, house, ((StepKind.RENEWAL, 0),), start=start, on=False)
    assert "W6" in _codes(session, house, made)
    # Every yes of the café ends by itself, when nothing is made of it for long enough.
    cafe.subscribe(session, house, "freja@guest.example")
    assert "W6" not in _codes(session, house, made)


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("How is it going?\n\n[All is fine]({{ links.fine }})", set()),
        ("How is it going?", {"W10"}),
        ("[All is fine]({{ links.fine }})\n\nNow 20 % off, only 99 kr.", {"N5"}),
        ("[Fine]({{ links.fine }}) Today only: discount code BUN.", {"N5"}),
    ],
)
def test_who_asks_how_it_is_going_sells_nothing(session: Session, house: Cafe, words: str, refused: set[str]) -> None:
    made = follow_ups.line(session, house, ((StepKind.HOW_IS_IT_GOING, 3),), on=False)
    (step,) = follow_ups.steps(session, made)
    _write(session, step, Draft("How is it going?", "One tap", words))
    found = follow_up_check.examine(session, house.organisation, made, site=follow_ups.SITE)
    assert {each.code for each in found if each.severity is Severity.BLOCK} == refused


def test_a_renewal_that_renews_nothing_is_refused(session: Session, house: Cafe) -> None:
    start = Start(Trigger.CONSENT_ENDS, days_before=30)
    made = follow_ups.line(session, house, ((StepKind.RENEWAL, 0),), start=start, on=False)
    (step,) = follow_ups.steps(session, made)
    assert "W13" not in _codes(session, house, made)
    _write(session, step, Draft("Still glad?", "x", "We hope so."))
    assert "W13" in _codes(session, house, made)


def test_a_circle_of_lines_is_refused_and_named(session: Session, house: Cafe) -> None:
    lines = [follow_ups.line(session, house, ((StepKind.LETTER, 1),), on=False) for _ in range(3)]
    for number, made in enumerate(lines):
        made.name = f"Line {number}"
        (step,) = follow_ups.steps(session, lines[number - 1])
        source = f'got letter "{step.campaign.public_id}"'
        got = segment.create(session, house.organisation, house.mailing_list, f"Got {number}", source)
        follow_up.begin_with(made, Start(Trigger.SEGMENT, segment_id=got.id))
    session.flush()
    assert sorted(follow_up_check.loop(session, lines[0])) == ["Line 0", "Line 1", "Line 2"]
    with pytest.raises(Invalid, match="drive each other round"):
        follow_ups.switch_on(session, house, lines[1])
    follow_up.begin_with(lines[2], Start(Trigger.SAID_YES))
    session.flush()
    assert follow_up_check.loop(session, lines[0]) == []


def test_a_line_that_begins_with_its_own_letters_is_a_circle_also_through_another_segment(
    session: Session, house: Cafe
) -> None:
    made = follow_ups.line(session, house, ((StepKind.LETTER, 1),), on=False)
    (step,) = follow_ups.steps(session, made)
    inner = segment.create(
        session, house.organisation, house.mailing_list, "Got it", f'got letter "{step.campaign.public_id}"'
    )
    outer = segment.create(session, house.organisation, house.mailing_list, "Outer", f'in segment "{inner.public_id}"')
    follow_up.begin_with(made, Start(Trigger.SEGMENT, segment_id=outer.id))
    session.flush()
    assert follow_up_check.loop(session, made) == ["A line"]


@pytest.mark.parametrize(
    ("asks", "inside", "turns"),
    [
        ("not {letter}", "{segment}", False),
        ("not (language is da and {letter})", "{segment}", False),
        ("{letter}", "not {segment}", False),
        ("not {letter}", "not {segment}", True),
        ("not (not {letter})", "{segment}", True),
        ("language is da or {letter}", "{segment} and not {letter}", True),
    ],
)
def test_who_did_not_get_a_letter_is_brought_nowhere_by_it(
    session: Session, house: Cafe, asks: str, inside: str, *, turns: bool
) -> None:
    """Having the letter leads out of such a segment, not in, so a line may begin with those it has not reached."""
    made = follow_ups.line(session, house, ((StepKind.LETTER, 1),), on=False)
    (step,) = follow_ups.steps(session, made)
    letter = f'got letter "{step.campaign.public_id}"'
    inner = segment.create(session, house.organisation, house.mailing_list, "Inner", asks.format(letter=letter))
    named = inside.format(segment=f'in segment "{inner.public_id}"', letter=letter)
    outer = segment.create(session, house.organisation, house.mailing_list, "Outer", named)
    follow_up.begin_with(made, Start(Trigger.SEGMENT, segment_id=outer.id))
    session.flush()
    assert bool(follow_up_check.loop(session, made)) is turns


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b"])
def test_a_name_that_is_none_is_refused(session: Session, house: Cafe, name: str) -> None:
    with pytest.raises(Invalid):
        follow_up.create(session, house.organisation, house.mailing_list, name, Start(Trigger.SAID_YES))


def test_people_who_get_notices_get_no_follow_up(session: Session, house: Cafe) -> None:
    other = mailing_list.create(session, house.organisation, name="Trouble", purpose=SERVICE)
    with pytest.raises(Invalid):
        follow_up.create(session, house.organisation, other, "x", Start(Trigger.SAID_YES))


def test_newer_words_wait_until_they_are_let_go(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house)
    step = follow_ups.steps(session, made)[0]
    before = step.revision_id
    assert not follow_up_step.waits(session, step)
    _write(session, step, Draft("New", "x", "New words."))
    assert (follow_up_step.waits(session, step), step.revision_id) == (True, before)
    with pytest.raises(Conflict):
        follow_up_step.choose_words(session, house.organisation, step, site=follow_ups.SITE, sha256="0" * 64)
    follow_up_step.choose_words(session, house.organisation, step, site=follow_ups.SITE)
    assert not follow_up_step.waits(session, step)


@pytest.mark.parametrize("spoken", ["en", "da", "nb", "sv", "pl", "ru", "de"])
def test_every_line_to_begin_with_is_sound_in_every_language(session: Session, spoken: str) -> None:
    made = cafe.found(session, spoken=spoken)
    with language.using(spoken):
        for line in (Line.WELCOME, Line.ASK_MORE, Line.HOW):
            begun = follow_up_starter.begin(session, made.organisation, made.mailing_list, line)
            follow_up_check.demand_sound(session, made.organisation, begun, site=follow_ups.SITE)
    assert isinstance(made.organisation, Organisation)
