"""Consent records, texts and form versions are written once: no journey updates or deletes one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import time_machine
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience import answering, confirmation, consent, signup_form, unsubscribe
from listkeeper.audience.consent import EventKind, Method
from tests.makers import cafe
from tests.makers.cafe import Cafe

HER = "freja@guest.example"
WRITTEN_ONCE = ("consent_event", "consent_text", "signup_form_version")
CHANGES = re.compile(rf"^\s*(?:UPDATE|DELETE FROM)\s+({'|'.join(WRITTEN_ONCE)})\b", re.IGNORECASE)


@contextmanager
def _changes(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that change what must never change."""
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: Any) -> None:  # noqa: ANN401
        if CHANGES.match(statement):
            said.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield said
    event.remove(engine, "before_cursor_execute", hear)


def test_no_journey_changes_what_is_written_once(
    engine: Engine, session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    with _changes(engine) as said:
        person = cafe.subscribe(session, house, HER)
        left = unsubscribe.leave(session, person.id, house.mailing_list.id, Method.ONE_CLICK)
        assert left.undo is not None
        unsubscribe.undo(session, left.undo)
        unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)
        text = signup_form.newest(session, house.form).consent_text
        signup_form.publish(session, house.form, text, title="Other", thank_you="Tak")
        frozen_clock.shift(timedelta(days=2))
        cafe.subscribe(session, house, HER)
        refused = cafe.sign_up(session, house, "karl@guest.example")
        answering.refuse(session, confirmation.token_of(refused))
        session.commit()
        kinds = [one.kind for one in consent.history(session, person)]
    assert said == []
    given, withdrawn, requested = EventKind.GIVEN, EventKind.WITHDRAWN, EventKind.REQUESTED
    assert kinds == [requested, given, withdrawn, given, withdrawn, requested, given]


def test_the_pattern_would_see_a_change(engine: Engine, session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, HER)
    with _changes(engine) as said:
        consent.history(session, person)[0].demo = True
        session.flush()
        session.delete(consent.history(session, person)[0])
        session.flush()
    assert len(said) == 2


def test_times_of_consent_outlive_later_edits(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    """Field F27."""
    person = cafe.subscribe(session, house, HER)
    before = [(one.kind, one.at) for one in consent.history(session, person)]
    frozen_clock.shift(timedelta(days=10))
    person.profile = {"first_name": "Freja"}
    person.language = "da"
    house.mailing_list.name = "Other news"
    session.commit()
    assert [(one.kind, one.at) for one in consent.history(session, person)] == before
