"""What was true before there was a ledger: old consents are carried over, written down once, and carry a letter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import insert, select, table
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session
from sqlalchemy.sql import column

from listkeeper.accounts import organisation
from listkeeper.audience import consent_text
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.forms import form_record
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import adoption, ledger, ledger_audit
from listkeeper.audience.signup_form import SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock, keys
from listkeeper.settings import Settings
from tests.fakes import databases
from tests.fakes.databases import Database
from tests.makers import gate

OLD = datetime(2026, 3, 1, 9, 30, 0, tzinfo=UTC)
ANNA, BO = 1, 2


@pytest.fixture(params=databases.chosen())
def upgraded(
    request: pytest.FixtureRequest, empty_database: Callable[[str], Database], settings: Settings
) -> Iterator[Session]:
    """A database of the release before, with two consents in it, brought up to this one."""
    made = empty_database(request.param)
    engine = made.engine()
    keys.open_folder(settings.key_folder)
    with engine.execution_options(listkeeper_writes=True).begin() as connection:
        command.upgrade(databases.alembic(connection=connection), "0001")
    with engine.begin() as connection:
        _fill(connection)
    databases.migrate(made)
    with Session(engine) as session:
        yield session
        session.rollback()
    engine.dispose()


def _put(connection: Connection, into: str, /, **values: object) -> None:
    connection.execute(insert(table(into, *map(column, values))).values(**values))


def _time(connection: Connection, moment: datetime = OLD) -> object:
    """Return a moment as the release before stored it."""
    return moment if connection.dialect.name == "postgresql" else moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _fill(connection: Connection) -> None:
    at = _time(connection)
    _put(connection, "organisation", id=1, public_id="org_1", legal_name="Café Kardemomme",
         postal_address="Havnegade 1", from_name="Café", from_address="hello@cafe.example", language="en",
         brand_colour="#7a4b2a", demo=False, created_at=at)  # fmt: skip
    _put(connection, "mailing_list", id=1, public_id="lst_1", organisation_id=1, slug="news", name="News",
         purpose="newsletter", state="active", demo=False, created_at=at)  # fmt: skip
    _put(connection, "consent_text", id=1, list_id=1, language="en", version=1, body="Yes: Café Kardemomme, news.",
         button_label="Sign me up", withdrawal="I can stop.", controller="Café Kardemomme", sha256="0" * 64,
         published_at=at)  # fmt: skip
    _put(connection, "signup_form", id=1, public_id="frm_1", list_id=1, slug="news", language="en", state="open",
         created_at=at)  # fmt: skip
    _put(connection, "signup_form_version", id=1, form_id=1, version=1, consent_text_id=1, title="Get News",
         thank_you="Thanks", sha256="1" * 64, published_at=at)  # fmt: skip
    for number in (ANNA, BO):
        _put(connection, "subscriber", id=number, public_id=f"sub_{number}", organisation_id=1,
             subject_ref=f"{number:032x}", email_send=f"guest-{number}@people.example",
             email_key=f"guest-{number}@people.example", suppression_key=f"{number:064x}", language="en",
             profile="{}", demo=False, created_at=at)  # fmt: skip
        for kind, method in (("consent.requested", "form"), ("consent.given", "button")):
            _put(connection, "consent_event", id=number * 2 + (kind == "consent.given"), organisation_id=1,
                 subject_ref=f"{number:032x}", list_id=1, kind=kind, method=method, at=at, consent_text_id=1,
                 form_version_id=1, demo=False)  # fmt: skip
        _put(connection, "subscription", id=number, subscriber_id=number, list_id=1, state="confirmed",
             basis="consent", consent_event_id=number * 2 + 1, consent_text_id=1, since=at)  # fmt: skip


def _person(session: Session, number: int) -> tuple[Subscriber, MailingList]:
    return session.get_one(Subscriber, number), session.get_one(MailingList, 1)


def test_nothing_is_mailed_before_the_ledger_knows_of_it_and_then_it_is(upgraded: Session) -> None:
    session = upgraded
    assert gate.says(session, *_person(session, ANNA)) == "no_basis"
    assert adoption.waiting(session)
    assert adoption.adopt(session) == 4
    assert not adoption.waiting(session)
    for number in (ANNA, BO):
        assert gate.says(session, *_person(session, number)) == gate.GRANTED


def test_adopting_twice_writes_nothing_twice(upgraded: Session) -> None:
    session = upgraded
    adoption.adopt(session)
    size = ledger.size(session, 1)
    assert adoption.adopt(session) == 0
    assert ledger.size(session, 1) == size


def test_each_row_says_when_it_happened_and_that_it_was_adopted(upgraded: Session) -> None:
    session = upgraded
    adoption.adopt(session)
    rows = [ledger.fields_of(row) for row in ledger.of_subject(session, 1, f"{ANNA:032x}")]
    assert [row["type"] for row in rows] == ["consent.requested", "consent.given"]
    for row in rows:
        assert row["details"] == {"happened_at": clock.in_milliseconds(OLD), "adopted": 1}
        assert row["ts"] > clock.in_milliseconds(OLD)
        assert row["purpose"] == "newsletter"
    events = session.scalars(select(ConsentEvent).where(ConsentEvent.subject_ref == f"{ANNA:032x}"))
    assert [event.at for event in events] == [OLD, OLD]


def test_texts_and_forms_get_the_name_that_their_words_make(upgraded: Session) -> None:
    session = upgraded
    adoption.adopt(session)
    text, version = session.scalars(select(ConsentText)).one(), session.scalars(select(SignupFormVersion)).one()
    assert text.sha256 == hashlib.sha256(consent_text.content(text)).hexdigest()
    assert version.sha256 == hashlib.sha256(form_record.content(version)).hexdigest()
    assert None not in {text.ledger_seq, version.ledger_seq}
    types = [row["type"] for row in map(ledger.fields_of, ledger.of_subject(session, 1, ""))]
    assert types == ["text.published", "form.published"]
    assert ledger_audit.check(session, organisation.only_one(session)).faults == []
