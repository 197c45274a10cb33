"""What the release before left behind (migration 0044): steps that said nothing of themselves, and trials under way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up_step
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.trial import Rule, TrialState
from listkeeper.foundation import clock
from listkeeper.rendering import document
from listkeeper.rendering.document import Mode
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.trying import trial
from tests.fakes import databases
from tests.fakes.databases import Database
from tests.makers import cafe, follow_ups
from tests.unit.sending import trial_stage as stage

_BLOCKS = [{"id": "b0000000001", "type": "text", "html": "<p>Warm.</p>"}, {"id": "b0000000002", "type": "offer"}]
OFFER = Draft("Buns", "Warm", mode=Mode.BLOCKS, blocks=document.blocks_of(_BLOCKS))


@pytest.fixture
def before(session: Session) -> Iterator[Session]:
    """A session whose rows are thrown away, because the tables are made anew beside it."""
    yield session
    session.close()


def _as_before(session: Session, database: Database) -> None:
    session.commit()
    session.close()
    databases.migrate(database, "0043")
    databases.migrate(database)


def test_each_step_says_what_it_is_by_its_kind_or_its_words(before: Session, database: Database) -> None:
    house = cafe.found(before)
    plain = follow_ups.line(before, house, ((StepKind.LETTER, 1), (StepKind.HOW_IS_IT_GOING, 1), (StepKind.RENEWAL, 1)),
                            on=False)  # fmt: skip
    written = follow_ups.line(before, house, ((StepKind.LETTER, 1), (StepKind.LETTER, 1)), on=False)
    sells, is_to_sell = follow_ups.steps(before, written)
    for step in (sells, is_to_sell):
        if step is is_to_sell:
            # What goes out is what was chosen; the offer waits.
            follow_up_step.choose_words(before, house.organisation, step, site=follow_ups.SITE)
        campaigns.write(before, step.campaign, OFFER, base=1)
    letter = cafe.draft(before, house)
    steps = [*follow_ups.steps(before, plain), sells, is_to_sell]
    for step in steps:
        step.campaign.stance = None
    numbers, of_nobody = [step.campaign_id for step in steps], letter.id
    _as_before(before, database)
    found = {each.id: each.stance for each in before.scalars(select(Campaign))}
    assert [found[number] for number in numbers] == ["news", "help", "data_request", "offer", "news"]
    assert found[of_nobody] is None


def test_the_time_of_a_trial_under_way_counts_from_when_its_mails_left(
    before: Session, database: Database, frozen_clock: time_machine.Traveller
) -> None:
    house = stage.gathered(before)
    letter, decided = (stage.send(before, house, stage.order(Rule.ASK)) for _ in range(2))
    at = clock.as_text(clock.now() + stage.HOURS)
    letter.trial = {**(letter.trial or {}), "results_at": at}
    decided.trial = {**(decided.trial or {}), "results_at": at, "state": "released"}
    number, other = letter.id, decided.id
    _as_before(before, database)
    letter, decided = before.get_one(Campaign, number), before.get_one(Campaign, other)
    assert (stage.trial_of(letter).state, stage.trial_of(letter).results_at) == (TrialState.WAITING, None)
    assert stage.trial_of(decided).results_at == clock.now() + stage.HOURS
    frozen_clock.shift(timedelta(hours=5))
    for row in before.scalars(select(Delivery).where(Delivery.campaign_id == number, Delivery.wave == 0)):
        row.state, row.handed_at = DeliveryState.ACCEPTED, clock.now()
    before.flush()
    assert not trial.is_over(before, letter)
    assert stage.trial_of(letter).results_at == clock.now() + stage.HOURS
