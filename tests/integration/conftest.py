"""The café at work, where real jobs do it; and its form on a stranger's site, for the tests in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from listkeeper import store
from listkeeper.jobs import sending
from tests.browser.served import served
from tests.browser.watched import Watched, watched
from tests.fakes import foreign_site
from tests.fakes.databases import Database
from tests.fakes.foreign_site import ForeignSite
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, shapes
from tests.makers.shapes import Shop
from tests.makers.works import Works


@pytest.fixture
def house(app: Flask) -> Iterator[None]:
    """A café with a list and a form."""
    with app.app_context():
        with store.transaction() as session:
            cafe.found(session)
        yield


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
def site(app: Flask) -> Iterator[str]:
    """The application on loopback."""
    with served(app) as place:
        yield place


@pytest.fixture
def shop(app: Flask) -> Iterator[Shop]:
    """The café's own server, by its number."""
    with shapes.serving(app) as opened:
        yield opened


@pytest.fixture
def bakery(shop: Shop) -> Iterator[ForeignSite]:
    """A stranger's site, by its name: to a browser the two have nothing to do with each other."""
    with foreign_site.standing(shop.site) as opened:
        yield opened


@pytest.fixture
def people(chromium: Path) -> Iterator[Watched]:
    """The machine's Chromium, watched; the test demands calm itself, after it has cut lines on purpose."""
    with watched(chromium) as opened:
        yield opened
