"""The timetable counts large letters, and lets go of what was counted of those that are deleted."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.feedback import letter_figures
from listkeeper.feedback.letter_figures import LetterFigures
from listkeeper.jobs import figures
from listkeeper.sending.delivery import DeliveryState
from tests.fakes.databases import Database
from tests.makers import cafe, crowd, letter_story
from tests.makers.letter_story import Mail


def test_a_large_letter_is_counted_in_passing(app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letter_figures, "COUNTED_AT_ONCE", 2)
    with app.app_context():
        with store.transaction() as session:
            house = cafe.found(session)
            crowd.gather(session, house, 3)
            letter = letter_story.leave(session, house)
            letter_story.tell(session, house, letter, [Mail("gmail", DeliveryState.ACCEPTED)] * 3)
            number = letter.id
            session.add(
                LetterFigures(
                    campaign_id=number + 1,
                    counted_at=letter.created_at,
                    providers={},
                    replies=0,
                    first_delivery=1,
                    last_delivery=0,
                )
            )
        figures.look()
        figures.look()
        with store.reading() as session:
            kept = session.scalars(select(LetterFigures)).all()
            assert [(row.campaign_id, row.providers["gmail"]["accepted"]) for row in kept] == [(number, 3)]
