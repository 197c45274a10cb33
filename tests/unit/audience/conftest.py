"""A café for the tests of the audience."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from listkeeper.foundation import keys
from listkeeper.settings import Settings
from tests.makers import cafe
from tests.makers.cafe import Cafe


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with a list, a form and nobody on it."""
    return cafe.found(session)


@pytest.fixture
def _keys(settings: Settings) -> None:
    keys.open_folder(settings.key_folder)
