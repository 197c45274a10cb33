"""What the journeys ask for: a watched browser and a running instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from listkeeper import store
from listkeeper.settings import Settings
from tests.browser.composing import Studio
from tests.browser.served import served
from tests.browser.watched import Watched, watched
from tests.fakes import running_up
from tests.fakes.running_up import Running
from tests.makers import cafe


@pytest.fixture
def people(chromium: Path) -> Iterator[Watched]:
    """Chromium, watched; whatever was wrong on any page fails the test at its end."""
    with watched(chromium) as opened:
        yield opened
        opened.demand_calm()


@pytest.fixture
def instance() -> Iterator[Running]:
    """A fresh instance in practice mode, as ``bin/up`` starts it."""
    with running_up.short_folder() as data, running_up.up(data, check_links="false") as running:
        yield running


@pytest.fixture
def studio(app: Flask) -> Studio:
    """A café whose owner writes."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return Studio(app)


@pytest.fixture
def site(app: Flask, settings: Settings, studio: Studio) -> Iterator[str]:
    """The application on loopback, which is where its pictures lie."""
    with served(app) as place:
        app.config["LISTKEEPER"] = settings.model_copy(update={"public_url": place})
        yield place
