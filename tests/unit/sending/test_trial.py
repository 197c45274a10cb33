"""Two versions: each as many, by chance, nobody both; judged once, and the others get what the rule says."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import trial_statistics
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.trial import Arm, Figures, Rule, TrialState
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import claim, outlook, pilot, planning, progress, restoring, steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.trying import trial
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.unit.sending import trial_stage as stage
from tests.unit.sending.test_batch import ME

S = DeliveryState
T = TrialState
A_BETTER = {Arm.A: Figures(103, 55), Arm.B: Figures(103, 30)}
B_BETTER = {Arm.A: Figures(103, 30), Arm.B: Figures(103, 55)}
ALIKE = {Arm.A: Figures(103, 31), Arm.B: Figures(103, 33)}


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café with six hundred people."""
    return stage.gathered(session)


def _settle(session: Session, wave: int = 0, state: DeliveryState = S.ACCEPTED, share: float = 1) -> None:
    rows = list(session.scalars(select(Delivery.id).where(Delivery.wave == wave).order_by(Delivery.id)))
    rows = rows[: round(len(rows) * share)]
    session.execute(
        update(Delivery).where(Delivery.id.in_(rows)).values(state=state, handed_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
    session.commit()
    session.expire_all()


def _end(session: Session, letter: Campaign, figures: dict[Arm, Figures], slice_of: int = trial.SLICE) -> None:
    trial.look(session, letter, figures)
    session.commit()
    while trial.go_on(session, letter, slice_of):
        session.commit()
    session.commit()


# Who gets which


def test_each_version_goes_to_as_many_and_nobody_gets_both(session: Session, house: Cafe) -> None:
    letter = stage.send(session, house, stage.order())
    each = trial_statistics.people_each(300, 200)
    assert (each, stage.trial_of(letter).each, stage.trial_of(letter).state) == (103, 103, T.WAITING)
    assert stage.versions(session, letter, 0) == {"Cardamom buns": each, "Buns, warm": each}
    assert stage.versions(session, letter, 1) == {"Cardamom buns": stage.PEOPLE - 2 * each}
    people = list(session.scalars(select(Delivery.subscriber_id).where(Delivery.campaign_id == letter.id)))
    assert len(people) == len(set(people)) == stage.PEOPLE == letter.recipients
    assert len(claim.lease(session, Lane.SENDING, ME, 1_000)) == 2 * each


def test_both_versions_are_spread_over_the_providers_alike(session: Session, house: Cafe) -> None:
    letter = stage.send(session, house, stage.order())
    query = (
        select(Delivery.revision_id, Subscriber.email_key)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.campaign_id == letter.id, Delivery.wave == 0)
    )
    found = Counter((row[0], row[1].partition("@")[2]) for row in session.execute(query))
    for domain, count in stage.DOMAINS.items():
        shares = [
            found[number, domain] for number in (stage.trial_of(letter).revision_a, stage.trial_of(letter).revision_b)
        ]
        assert abs(shares[0] - shares[1]) <= 2, domain
        assert abs(sum(shares) - count * 206 / stage.PEOPLE) <= 2, domain


def test_who_gets_which_is_chance(session: Session, house: Cafe) -> None:
    letter = stage.send(session, house, stage.order())
    rows = session.execute(
        select(Delivery.subscriber_id, Delivery.revision_id).where(Delivery.wave == 0).order_by(Delivery.subscriber_id)
    )
    versions = [row[1] == stage.trial_of(letter).revision_b for row in rows]
    # In turn, or first the one and then the other, would have very many changes or one.
    changes = sum(one != other for one, other in pairwise(versions))
    assert 60 < changes < 150


def test_a_whole_list_may_be_the_trial(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    letter = stage.send(session, house, stage.order(each=300))
    _settle(session)
    assert progress.finish_if_done(session) == [letter.id]
    session.commit()
    frozen_clock.shift(stage.HOURS)
    assert trial.due(session) == [letter.id]
    assert trial.look(session, letter, B_BETTER) is T.RELEASED
    assert (stage.trial_of(letter).winner, stage.trial_of(letter).chosen, trial.due(session)) == (Arm.B, None, [])
    assert (letter.state, letter.waves_open) == (CampaignState.FINISHED, 1)


def test_after_a_restore_what_is_in_doubt_leaves_in_the_version_that_was_decided(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order())
    _settle(session)
    restoring.hold_what_waited(session)
    session.commit()
    assert progress.finish_if_done(session) == [letter.id]
    frozen_clock.shift(stage.HOURS)
    _end(session, letter, B_BETTER)
    assert stage.versions(session, letter, 1) == {"Buns, warm": stage.PEOPLE - 206}
    assert (stage.trial_of(letter).state, letter.waves_open) == (T.RELEASED, 1)


# The one look


@pytest.mark.parametrize(
    ("rule", "figures", "winner", "chosen"),
    [
        (Rule.WINNER, B_BETTER, Arm.B, Arm.B), (Rule.WINNER, A_BETTER, Arm.A, Arm.A), (Rule.WINNER, ALIKE, None, Arm.A),
        (Rule.A, B_BETTER, Arm.B, Arm.A), (Rule.B, A_BETTER, Arm.A, Arm.B), (Rule.B, ALIKE, None, Arm.B),
    ],
)  # fmt: skip
def test_the_others_get_what_the_rule_says(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, *, rule: Rule,
    figures: dict[Arm, Figures], winner: Arm | None, chosen: Arm,
) -> None:  # fmt: skip
    letter = stage.send(session, house, stage.order(rule))
    _settle(session)
    frozen_clock.shift(stage.HOURS)
    outbox.rung_lanes(session)
    _end(session, letter, figures)
    found = stage.trial_of(letter)
    assert (found.winner, found.chosen, found.state, letter.waves_open) == (winner, chosen, T.RELEASED, 1)
    subject = "Cardamom buns" if chosen is Arm.A else "Buns, warm"
    assert stage.versions(session, letter, 1) == {subject: stage.PEOPLE - 206}
    assert stage.versions(session, letter, 0) == {"Cardamom buns": 103, "Buns, warm": 103}
    assert letter.sent_revision_id == found.revision_of(chosen)
    assert len(claim.lease(session, Lane.SENDING, ME, 1_000)) == stage.PEOPLE - 206


def test_nothing_is_looked_at_before_the_time_and_never_twice(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order(Rule.ASK))
    _settle(session)
    # That they have left is looked at once, and noted.
    assert trial.due(session) == [letter.id]
    assert not trial.is_over(session, letter)
    frozen_clock.shift(stage.HOURS - timedelta(seconds=1))
    assert trial.due(session) == []
    assert trial.look(session, letter, B_BETTER) is None
    frozen_clock.shift(timedelta(seconds=1))
    assert trial.due(session) == [letter.id]
    assert trial.look(session, letter, ALIKE) is T.ASKS
    assert trial.look(session, letter, B_BETTER) is None
    assert (stage.trial_of(letter).winner, stage.trial_of(letter).a) == (None, ALIKE[Arm.A])


def test_while_many_are_on_their_way_it_waits(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order())
    _settle(session, share=0.7)
    frozen_clock.shift(stage.HOURS)
    assert trial.look(session, letter, B_BETTER) is None
    _settle(session, share=0.9)
    assert trial.look(session, letter, B_BETTER) is None
    frozen_clock.shift(stage.HOURS)
    assert trial.look(session, letter, B_BETTER) is T.DECIDED


def test_its_time_counts_from_when_most_of_both_had_left(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order())
    steering.pause(session, letter)
    session.commit()
    frozen_clock.shift(timedelta(hours=5))
    assert trial.due(session) == []
    steering.resume(session, letter)
    session.commit()
    begun = clock.now()
    # A mail a minute: 165 of 206 are the first that are four of five.
    rows = list(session.scalars(select(Delivery.id).where(Delivery.wave == 0).order_by(Delivery.id)))
    for number, row in enumerate(rows[:170], start=1):
        values = {"state": S.ACCEPTED, "handed_at": begun + timedelta(minutes=number)}
        session.execute(update(Delivery).where(Delivery.id == row).values(values))
    session.commit()
    session.expire_all()
    # It is looked at late, and knows all the same when it was.
    frozen_clock.shift(timedelta(minutes=170))
    assert trial.due(session) == [letter.id]
    assert trial.look(session, letter, B_BETTER) is None
    session.commit()
    at = begun + timedelta(minutes=165) + stage.HOURS
    assert (stage.trial_of(letter).results_at, stage.trial_of(letter).state) == (at, T.WAITING)
    assert trial.due(session) == []
    frozen_clock.move_to(at - timedelta(seconds=1))
    assert (trial.due(session), trial.look(session, letter, B_BETTER)) == ([], None)
    frozen_clock.move_to(at)
    assert trial.due(session) == [letter.id]
    assert trial.look(session, letter, B_BETTER) is T.DECIDED


def test_what_is_tried_once_more_begins_its_time_anew(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order())
    _settle(session, state=S.FAILED)
    assert not trial.is_over(session, letter)
    assert stage.trial_of(letter).results_at == clock.now() + stage.HOURS
    frozen_clock.shift(stage.HOURS - timedelta(minutes=1))
    # Everything failed, and its owner lets it leave again.
    _settle(session, state=S.QUEUED)
    assert trial.due(session) == [letter.id]
    assert not trial.is_over(session, letter)
    assert stage.trial_of(letter).results_at is None
    frozen_clock.shift(timedelta(minutes=2))
    _settle(session)
    assert trial.look(session, letter, B_BETTER) is None
    frozen_clock.shift(stage.HOURS)
    assert trial.look(session, letter, B_BETTER) is T.DECIDED


def test_its_owner_chooses_where_asked_and_once(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order(Rule.ASK))
    _settle(session)
    frozen_clock.shift(stage.HOURS)
    _end(session, letter, B_BETTER)
    assert trial.asks(letter)
    assert letter.waves_open == 0
    assert not claim.anything_due(session, Lane.SENDING)
    trial.choose(session, letter, Arm.B)
    _end(session, letter, B_BETTER)
    assert stage.versions(session, letter, 1) == {"Buns, warm": stage.PEOPLE - 206}
    with pytest.raises(Conflict):
        trial.choose(session, letter, Arm.A)


def test_its_owner_may_choose_before_the_look_also_while_it_is_paused(session: Session, house: Cafe) -> None:
    letter = stage.send(session, house, stage.order())
    steering.pause(session, letter)
    trial.choose(session, letter, Arm.A)
    session.commit()
    assert not trial.go_on(session, letter)
    assert (stage.trial_of(letter).state, letter.waves_open, trial.due(session)) == (T.DECIDED, 0, [])
    steering.resume(session, letter)
    session.commit()
    assert trial.due(session) == [letter.id]
    trial.go_on(session, letter)
    assert (stage.trial_of(letter).state, letter.waves_open) == (T.RELEASED, 1)


def test_stopped_for_good_the_others_get_nothing(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order())
    steering.cancel(session, letter)
    session.commit()
    frozen_clock.shift(stage.HOURS)
    assert trial.due(session) == []
    assert trial.look(session, letter, B_BETTER) is None


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_ended_in_between_it_goes_on_where_it_was(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, slices: int
) -> None:
    letter = stage.send(session, house, stage.order())
    _settle(session)
    frozen_clock.shift(stage.HOURS)
    trial.look(session, letter, B_BETTER)
    session.commit()
    for _ in range(slices):
        assert trial.go_on(session, letter, 150)
        session.commit()
        # Nobody of the others may leave before all of them have their version.
        assert not claim.anything_due(session, Lane.SENDING)
    # The slice that was under way when the machine stopped is undone.
    trial.go_on(session, letter, 150)
    session.rollback()
    session.expire_all()
    _end(session, letter, A_BETTER, 150)
    assert stage.versions(session, letter, 1) == {"Buns, warm": stage.PEOPLE - 206}
    assert stage.trial_of(letter).state is T.RELEASED


def test_what_left_by_a_persons_word_keeps_its_version(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = stage.send(session, house, stage.order())
    _settle(session)
    [early, *_] = session.scalars(select(Delivery).where(Delivery.wave == 1).limit(1)).all()
    early.state, early.handed_at = S.IN_DOUBT, clock.now()
    session.commit()
    frozen_clock.shift(stage.HOURS)
    _end(session, letter, B_BETTER)
    assert stage.versions(session, letter, 1) == {"Buns, warm": stage.PEOPLE - 207, "Cardamom buns": 1}


# What is said


def test_it_is_said_what_happens_now(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    letter = stage.send(session, house, stage.order(Rule.ASK))
    said = outlook.sentence(letter, progress.report(session, letter), "UTC")
    tried = "Two versions are tried: each goes to 103 people."
    assert said == f"{tried} The result is looked at once, 4 hours after most of them have left."
    assert progress.told(letter, progress.report(session, letter))["trial"]["results_at"] is None
    frozen_clock.shift(stage.HOURS)
    assert outlook.sentence(letter, progress.report(session, letter), "UTC") == said
    _settle(session)
    trial.is_over(session, letter)
    said = outlook.sentence(letter, progress.report(session, letter), "UTC")
    assert said.startswith(f"{tried} The result is looked at once, at this time: ")
    frozen_clock.shift(stage.HOURS)
    said = outlook.sentence(letter, progress.report(session, letter), "UTC")
    assert said == f"{tried} The result is looked at in a moment."
    trial.look(session, letter, ALIKE)
    said = outlook.sentence(letter, progress.report(session, letter), "UTC")
    assert said.endswith("The result is in: the others wait for your word.")
    told = progress.told(letter, progress.report(session, letter))["trial"]
    assert (told["state"], told["winner"], told["a"]) == ("asks", None, {"mails": 103, "acted": 31})
    assert "revision_a" not in told


def test_a_trial_or_a_few_first_but_not_both(session: Session, house: Cafe) -> None:
    letter = stage.send(session, house, stage.order())
    assert letter.pilot is None
    other = cafe.draft(session, house, subject="Rye")
    planning.send_campaign(
        session, house.organisation, other, site=stage.SITE, test=pilot.plan(share=100, wait=timedelta(hours=1))
    )
    assert (other.trial, other.waves_open) == (None, 0)
