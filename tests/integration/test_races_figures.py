"""Two who count or save the same at the same moment, each with a connection of its own: kept once, and never mixed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import letter_figures
from listkeeper.feedback.letter_figures import LetterFigures
from listkeeper.foundation.errors import Conflict
from listkeeper.insight import growth_count, profit_scenario
from listkeeper.insight.channel_draft import ChannelDraft, ProfitDraft
from listkeeper.insight.growth_count import GrowthCount
from listkeeper.insight.profit_scenario import ProfitScenario
from tests.fakes.at_once import second_waits_for_first
from tests.fakes.databases import Database
from tests.makers import cafe
from tests.makers.works import writing

DRAFT = ProfitDraft("DKK", [ChannelDraft("E-mail", {"people": str(Fraction(10))})])


@pytest.fixture
def house(app: Flask, database: Database) -> None:
    """A café with three readers and a letter."""
    del database
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        for name in ("anna", "bo", "carl"):
            cafe.subscribe(session, made, f"{name}@guest.example")
        cafe.draft(session, made)


def _letter(session: Session) -> None:
    letter = session.scalars(select(Campaign)).one()
    letter_figures.keep(session, letter.id, letter_figures.count(session, letter))
    session.flush()


def _growth(session: Session) -> None:
    mailing_list = session.scalars(select(MailingList)).one()
    counts = growth_count.look(session, organisation.only_one(session), mailing_list)
    growth_count.keep(session, mailing_list, counts)


KEPT: dict[str, tuple[Callable[[Session], None], type[LetterFigures | GrowthCount]]] = {
    "letter figures": (_letter, LetterFigures), "growth": (_growth, GrowthCount),
}  # fmt: skip


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_two_who_keep_the_same_count_keep_it_once(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    kept: tuple[Callable[[Session], None], type[LetterFigures | GrowthCount]],
) -> None:
    monkeypatch.setattr(growth_count, "COUNTED_AT_ONCE", 0)
    keep, table = kept
    with writing(app) as session:
        keep(session)
        once = session.scalar(select(func.count()).select_from(table))
        session.rollback()

    def first(inside: threading.Event) -> None:
        with writing(app) as session:
            keep(session)
            inside.set()
            time.sleep(0.5)

    def second() -> None:
        with writing(app) as session:
            keep(session)

    second_waits_for_first(first, second)
    with writing(app) as session:
        assert session.scalar(select(func.count()).select_from(table)) == once


@pytest.mark.usefixtures("house")
def test_the_second_of_two_who_save_a_calculation_is_told(app: Flask) -> None:
    with writing(app) as session:
        profit_scenario.create(session, organisation.only_one(session), "Christmas", DRAFT)

    def first(inside: threading.Event) -> None:
        with writing(app) as session:
            scenario = session.scalars(select(ProfitScenario)).one()
            profit_scenario.change(session, scenario, "First", DRAFT, 1)
            session.flush()
            inside.set()
            time.sleep(0.5)

    def second() -> None:
        with writing(app) as session:
            scenario = session.scalars(select(ProfitScenario)).one()
            with pytest.raises(Conflict):
                profit_scenario.change(session, scenario, "Second", DRAFT, 1)

    second_waits_for_first(first, second)
    with writing(app) as session:
        scenario = session.scalars(select(ProfitScenario)).one()
        assert (scenario.name, scenario.version) == ("First", 2)
