"""A form that is kept at hand and an answer that is drawn once: nobody sees anything else by it."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience.signup import Signup
from listkeeper.audience.signup_form import FormState, SignupForm
from listkeeper.web.public import form_view, signup_page
from tests.fakes.databases import Database

pytestmark = pytest.mark.usefixtures("house")
FORM = "/f/news"


def test_the_answer_that_is_drawn_once_is_the_one_that_would_be_drawn_for_her(app: Flask) -> None:
    typed = "o'brien&co@shop.example"
    with app.test_request_context(FORM, method="POST"):
        with store.reading() as session:
            view = form_view.kept(session, "news")
        words = {"visit": "a<secret>", "shown": typed, "padding": " " * (320 - len("o&#39;brien&amp;co@shop.example"))}
        # An address that looks like a slip is never drawn beforehand; neither is a page in a frame.
        alone = signup_page._mail_page(view, f"{FORM}/code", FORM, words)  # noqa: SLF001 - how a page is made
        kept = signup_page._check_mail(view, "a<secret>", shown_address=typed)  # noqa: SLF001 - the same
    assert kept.get_data(as_text=True) == alone.get_data(as_text=True)
    assert "o&#39;brien&amp;co@shop.example" in kept.get_data(as_text=True)


def test_a_form_that_another_process_closes_is_closed_a_moment_later(client: FlaskClient, database: Database) -> None:
    assert client.post(FORM, data={"email": "anna@shop.example"}).status_code == 200
    elsewhere = database.engine()
    with Session(elsewhere.execution_options(listkeeper_writes=True)) as session:
        session.execute(update(SignupForm).values(state=FormState.CLOSED))
        session.commit()
    elsewhere.dispose()
    time.sleep(0.25)
    assert client.post(FORM, data={"email": "bo@shop.example"}).status_code == 404
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Signup)) == 1
