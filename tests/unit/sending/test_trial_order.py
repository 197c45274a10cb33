"""Ordering two versions: what version B may be, that it leaves as it was seen, and how many people it takes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import revision, schedule
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.campaigns.schedule import Leaving
from listkeeper.campaigns.trial import Measure, Order, TrialState, Words
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import beginning, planning
from listkeeper.sending.trying import trial_size
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.unit.sending import trial_stage as stage

T = TrialState


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café with six hundred people."""
    return stage.gathered(session)


# Another letter as version B


def test_another_draft_of_the_list_can_be_version_b(session: Session, house: Cafe) -> None:
    other = cafe.draft(session, house, subject="Rye bread", markdown="Dark and *warm*.")
    letter = cafe.draft(session, house)
    order = Order(stage.plan(), Words(letter=other.public_id), campaigns.newest(session, other).sha256)
    planning.send_campaign(session, house.organisation, letter, site=stage.SITE, test=order)
    made = session.get_one(Revision, stage.trial_of(letter).revision_b)
    assert (made.subject, made.markdown, made.campaign_id) == ("Rye bread", "Dark and *warm*.", letter.id)
    assert "Dark and" in str(revision.frozen(made).to_json())
    # It is none of the letter's own versions, and the draft it was copied from is still one.
    assert [each.number for each in revision.newest_first(session, letter.id)] == [1]
    assert other.state is CampaignState.DRAFT


def test_what_was_seen_of_version_b_is_what_leaves(session: Session, house: Cafe) -> None:
    other = cafe.draft(session, house, subject="Rye bread")
    letter = cafe.draft(session, house)
    seen = campaigns.newest(session, other).sha256
    campaigns.write(session, other, Draft("Rye bread, dark", "", "Other words."), base=1)
    with pytest.raises(Conflict) as refused:
        planning.send_campaign(
            session,
            house.organisation,
            letter,
            site=stage.SITE,
            test=Order(stage.plan(), Words(letter=other.public_id), seen),
        )
    assert refused.value.code == "changed_since_preview"


def test_what_was_seen_of_version_a_is_what_leaves(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    seen = campaigns.newest(session, letter).sha256
    campaigns.write(session, letter, Draft("Cardamom buns", "", "Other words."), base=1)
    with pytest.raises(Conflict):
        planning.send_campaign(session, house.organisation, letter, site=stage.SITE, sha256=seen, test=stage.order())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (Words(subject="Cardamom buns"), "trial_same"),
        (Words(subject="  Cardamom   buns "), "trial_same"),
        (Words(), "trial_no_subject"),
        (Words(subject=" \t\n"), "trial_no_subject"),
        (Words(preheader="Warm"), "trial_no_subject"),
        (Words(subject="x" * 501), "trial_too_long"),
        (Words(letter="cmp_00000000000000000000"), "trial_letter"),
        (Words(subject="Buns", letter="cmp_00000000000000000000"), "trial_words"),
        (Words(subject="Buns for {{ subscriber.password }}"), "trial_blocked"),
        (Words(subject="Buns\x00"), "trial_blocked"),
    ],
)
def test_words_that_cannot_be_version_b_are_refused(session: Session, house: Cafe, words: Words, code: str) -> None:
    letter = cafe.draft(session, house)
    with pytest.raises(Invalid) as refused:
        planning.send_campaign(session, house.organisation, letter, site=stage.SITE, test=Order(stage.plan(), words))
    assert refused.value.code == code


def test_a_letter_to_another_list_or_the_same_one_is_no_version_b(session: Session, house: Cafe) -> None:
    there = mailing_list.create(session, house.organisation, name="Offers")
    other = campaigns.create(session, house.organisation, there, Draft("Rye bread", "", "Dark."))
    letter = cafe.draft(session, house)
    sent = cafe.draft(session, house, subject="Sent already")
    planning.send_campaign(session, house.organisation, sent, site=stage.SITE)
    for wrong in (other, letter, sent):
        with pytest.raises(Invalid) as refused:
            planning.send_campaign(
                session,
                house.organisation,
                letter,
                site=stage.SITE,
                test=Order(stage.plan(), Words(letter=wrong.public_id)),
            )
        assert refused.value.code == "trial_letter"


# How many it takes


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"wait": timedelta(0)}, "trial_wait"), ({"wait": timedelta(seconds=-60)}, "trial_wait"),
        ({"wait": timedelta(days=8)}, "trial_wait"), ({"expected": -1}, "trial_expected"),
        ({"expected": 1000}, "trial_expected"), ({"difference": 0}, "trial_difference"),
        ({"difference": 701}, "trial_difference"), ({"each": 9}, "trial_each"), ({"each": 0}, "trial_each"),
        ({"each": -5}, "trial_each"),
    ],
)  # fmt: skip
def test_a_trial_that_can_tell_nothing_is_refused(asked: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        stage.plan(**asked)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_list_that_is_too_small_is_told_what_it_could_not_find(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid) as refused:
        stage.send(session, house, stage.order(expected=50, difference=20))
    assert refused.value.code == "trial_too_small"
    assert "too small to find a difference under 6.7 points: you would learn nothing" in refused.value.message


def test_a_list_of_one_is_no_trial(session: Session, frozen_clock: time_machine.Traveller) -> None:
    made = cafe.found(session)
    cafe.subscribe(session, made, "freja@guest.example")
    with pytest.raises(Invalid) as refused:
        stage.send(session, made, stage.order())
    assert refused.value.code == "trial_too_small"
    assert "too small to find any difference" in refused.value.message


def test_who_is_counted_without_her_name_counts_too(session: Session, house: Cafe) -> None:
    half = select(Subscription.id).order_by(Subscription.id).limit(stage.PEOPLE // 2)
    session.execute(update(Subscription).where(Subscription.id.in_(half)).values(counted_since=clock.now()))
    assert trial_size.known_on(session, house.mailing_list, Measure.CLICKS, stage.PEOPLE) == 300
    # A letter for some of the list: as many in a hundred.
    assert trial_size.known_on(session, house.mailing_list, Measure.CLICKS, 100) == 50
    assert trial_size.known_on(session, house.mailing_list, Measure.REPLIES, 100) == 100


def test_by_clicks_only_those_count_who_let_theirs_be_counted(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid) as refused:
        stage.send(session, house, stage.order(measure=Measure.CLICKS))
    assert "Try replies" in refused.value.message
    assert refused.value.message.startswith("Of these people, 0 let clicks be counted.")
    session.rollback()
    half = select(Subscription.id).order_by(Subscription.id).limit(stage.PEOPLE // 2)
    session.execute(update(Subscription).where(Subscription.id.in_(half)).values(tracking_since=clock.now()))
    letter = stage.send(session, house, stage.order(measure=Measure.CLICKS))
    # Half of them are known, so it takes twice as many.
    assert stage.trial_of(letter).each == 206
    size = trial_size.of(session, house.mailing_list, stage.trial_of(letter), stage.PEOPLE)
    said = trial_size.sentence(stage.trial_of(letter), size)
    assert said.startswith("Of these people, 300 let clicks be counted. Each version goes to 206 people.")
    assert "20 points or more" in said


def test_so_few_each_that_nothing_could_be_found_are_refused(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid) as refused:
        stage.send(session, house, stage.order(expected=950, difference=50, each=10))
    assert refused.value.code == "trial_each"


def test_scheduled_ones_are_judged_when_they_are_ordered(session: Session, house: Cafe) -> None:
    later = Leaving(at=clock.now() + timedelta(days=1))
    with pytest.raises(Invalid):
        stage.send(session, house, stage.order(expected=50, difference=20), later)
    session.rollback()
    with pytest.raises(Invalid) as refused:
        stage.send(session, house, stage.order(), Leaving(at=later.at, each_zone=True))
    assert refused.value.code == "pilot_or_zone"


def test_a_scheduled_trial_begins_with_both_versions_as_they_were(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order(), Leaving(at=clock.now() + timedelta(hours=1)))
    assert (letter.state, stage.trial_of(letter).state) == (CampaignState.SCHEDULED, T.PLANNED)
    frozen_clock.shift(timedelta(hours=1))
    begun = beginning.begin_due(session, letter.id, site=stage.SITE, practice=False, late=schedule.LATE, gate=Gate.HINT)
    assert begun
    assert stage.versions(session, letter, 0) == {"Cardamom buns": 103, "Buns, warm": 103}
    assert (stage.trial_of(letter).state, stage.trial_of(letter).results_at) == (T.WAITING, None)


def test_taken_back_it_is_a_draft_without_a_trial(session: Session, house: Cafe) -> None:
    letter = stage.send(session, house, stage.order(), Leaving(hold=timedelta(minutes=10)))
    # Ordered again for another moment it keeps its trial.
    planning.send_campaign(
        session, house.organisation, letter, site=stage.SITE, leaves=Leaving(at=clock.now() + timedelta(days=1))
    )
    assert stage.trial_of(letter).state is T.PLANNED
    schedule.take_back(session, letter)
    assert letter.trial is None
    planning.send_campaign(session, house.organisation, letter, site=stage.SITE, test=stage.order(subject="Buns, warm"))
    assert session.scalar(select(func.count()).select_from(Revision).where(Revision.number < 0)) == 1
