"""The café at work, under attack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from listkeeper import store
from listkeeper.jobs import sending
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.own import Guest
from tests.makers.works import Works


@pytest.fixture
def works(app: Flask, database: Database, smtp_sink: SmtpSink) -> Iterator[Works]:
    """A café at work, with nobody on its list."""
    with app.app_context(), store.transaction() as session:
        list_id = cafe.found(session).mailing_list.id
    sending.draining.clear()
    yield Works(app, list_id)
    sending.draining.clear()
    sending.hang_up()


@pytest.fixture
def guest(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody with a mailbox and a browser, on no list yet."""
    return Guest(works, smtp_sink, client)
