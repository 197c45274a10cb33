"""What the journeys ask for: a watched browser and a running instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.watched import Watched, watched
from tests.fakes import running_up
from tests.fakes.running_up import Running


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
