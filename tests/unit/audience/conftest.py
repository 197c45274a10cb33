"""A café for the tests of the audience."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import keys
from listkeeper.settings import Settings
from tests.makers import cafe
from tests.makers.cafe import Cafe

HER = "freja@guest.example"


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with a list, a form and nobody on it."""
    return cafe.found(session)


@pytest.fixture
def person(session: Session, house: Cafe) -> Subscriber:
    """Somebody on the list."""
    return cafe.subscribe(session, house, HER)


def as_stored(session: Session, house: Cafe, person: Subscriber) -> Subscription:
    """Return her subscription as the database has it now."""
    session.flush()
    session.expire_all()
    found = subscription.of(session, person.id, house.mailing_list.id)
    assert found is not None
    return found


@pytest.fixture
def _keys(settings: Settings) -> None:
    keys.open_folder(settings.key_folder)
