"""The protection page of a form: what stands before it in words, and the owner's two switches."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience.guard import defence
from listkeeper.audience.guard.defence import Reason
from listkeeper.audience.signup_form import SignupForm
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """The owner of a café with a form."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def _form(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return f"/studio/forms/{session.scalars(select(SignupForm.public_id)).one()}"


def _raise(app: Flask, steps: int, reason: Reason = Reason.FEW_CONFIRM) -> None:
    with app.app_context(), store.transaction() as session:
        for _ in range(steps):
            defence.raise_step(session, session.scalars(select(SignupForm)).one(), reason)


def test_a_calm_form_says_so_and_what_it_would_do(app: Flask, browser: StudioBrowser) -> None:
    shown = words(browser.get(f"{_form(app)}/protection"))
    assert "Calm" in shown
    assert "It takes sign-ups as always." in shown
    assert "1 mail a day to one mailbox, however it is spelled, and 3 in 30 days." in shown
    assert "Nobody has signed up here." in shown
    assert "How it is protected from abuse" in words(browser.get(_form(app)))


def test_a_defended_form_says_why_and_its_owner_ends_it(app: Flask, browser: StudioBrowser) -> None:
    _raise(app, 3, Reason.BOUNCES)
    page = browser.get(f"{_form(app)}/protection")
    assert "Paused" in words(page)
    assert "Many of the addresses typed into it do not exist." in words(page)
    after = browser.post(f"{_form(app)}/protection/end", follow_redirects=True)
    assert "The form is open as always." in words(after)
    assert "Calm" in words(after)


def test_the_owner_says_that_the_forms_are_under_attack_and_when_it_is_over(app: Flask, browser: StudioBrowser) -> None:
    page = browser.get(f"{_form(app)}/protection")
    assert "We are under attack" in words(page)
    declared = browser.post(f"{_form(app)}/protection/attack", follow_redirects=True)
    assert "You said that your forms are under attack." in words(declared)
    assert "The attack is over" in words(declared)
    called_off = browser.post(f"{_form(app)}/protection/calm", follow_redirects=True)
    assert "It takes sign-ups as always." in words(called_off)
    with app.app_context(), store.reading() as session:
        done = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert done[-2:] == ["attack.declared", "attack.called_off"]
