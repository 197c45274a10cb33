"""How the demo's people go: all of them and nobody else.

A list that somebody real has touched stays, with its form and texts, and is
the owner's own from then on: her consent cites what was shown there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Delete, Select, delete, func, select, update
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import confirmation, signup
from listkeeper.audience.activity import Activity, LatestAct
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.forms.form_draft import FormDraft
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.signup import Signup
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.audience.source import Source
from listkeeper.audience.source_cost import SourceCost
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Suppression
from listkeeper.audience.visit import SourceVisit
from listkeeper.foundation import key_mark
from listkeeper.foundation.outbox import Fact

# What belongs to a list itself and goes with it; every other table that points at it holds somebody's doing.
_PARTS_OF_A_LIST = {SignupForm.__tablename__, ConsentText.__tablename__}
# What a job works out of everything else, in chapters above: nobody's doing, and it goes with what it is about.
_WORKED_OUT = {"board_value", "board_mail", "clean_up_figure"}


def people(organisation: Organisation) -> Select[int]:
    """Return the SELECT of the demo's subscriber ids."""
    return select(Subscriber.id).where(Subscriber.organisation_id == organisation.id, Subscriber.demo.is_(True))


def hold(session: Session, organisation: Organisation) -> int:
    """Lock the demo's people until the end of the transaction and return how many there are.

    On PostgreSQL a letter that is planned meanwhile waits; SQLite has one writer.
    """
    locked = people(organisation).order_by(Subscriber.id).with_for_update().subquery()
    return session.scalar(select(func.count()).select_from(locked)) or 0


def remove_people(session: Session, organisation: Organisation) -> None:
    """Delete the demo's people with everything that is theirs, once their deliveries are gone."""
    ours = people(organisation)
    asked = select(Confirmation.id).where(Confirmation.subscriber_id.in_(ours))
    posted = select(Signup.id).where(Signup.subscriber_id.in_(ours))
    keys = select(Subscriber.suppression_key).where(Subscriber.id.in_(ours))
    steps = (
        delete(Fact).where(Fact.name == confirmation.ASKED, Fact.subject_id.in_(asked)),
        delete(Fact).where(Fact.name == signup.RECEIVED, Fact.subject_id.in_(posted)),
        delete(Confirmation).where(Confirmation.subscriber_id.in_(ours)),
        delete(Signup).where(Signup.subscriber_id.in_(ours)),
        delete(Suppression).where(Suppression.organisation_id == organisation.id, Suppression.key.in_(keys)),
        delete(ProfileAnswer).where(ProfileAnswer.subscriber_id.in_(ours)),
        delete(Activity).where(Activity.subscriber_id.in_(ours)),
        delete(LatestAct).where(LatestAct.subscriber_id.in_(ours)),
        delete(PostedEvent).where(PostedEvent.subscriber_id.in_(ours)),
        delete(Subscription).where(Subscription.subscriber_id.in_(ours)),
        delete(ConsentEvent).where(ConsentEvent.organisation_id == organisation.id, ConsentEvent.demo.is_(True)),
        delete(Subscriber).where(Subscriber.id.in_(ours)),
    )
    _run(session, steps)


def _run(session: Session, steps: tuple[Delete, ...]) -> None:
    for step in steps:
        # Set against set in the database: not one of 100,000 rows comes here.
        session.execute(step, execution_options={"synchronize_session": False})
    session.expire_all()


def remove_lists(session: Session, organisation: Organisation) -> list[str]:
    """Delete the demo's lists, and return the names of those that stay because they hold more than the demo."""
    query = select(MailingList).where(MailingList.organisation_id == organisation.id, MailingList.demo.is_(True))
    stayed = []
    for row in session.scalars(query.order_by(MailingList.id)).all():
        if _in_use(session, row):
            row.demo = False
            stayed.append(row.name)
        else:
            _remove_list(session, row.id)
    session.flush()
    return stayed


def _in_use(session: Session, row: MailingList) -> bool:
    posted = (
        select(Signup.id)
        .join(SignupFormVersion, SignupFormVersion.id == Signup.form_version_id)
        .join(SignupForm, SignupForm.id == SignupFormVersion.form_id)
        .where(SignupForm.list_id == row.id)
    )
    if session.scalar(posted.limit(1)) is not None:
        return True
    return any(
        _is_named(session, column, row.id)
        for name, column in pointing_at(MailingList.__tablename__)
        if name not in _PARTS_OF_A_LIST | _WORKED_OUT
    )


def pointing_at(name: str) -> Iterator[tuple[str, Column[Any]]]:
    """Yield every column of the database that refers to a table, with the name of its own table."""
    for table in MailingList.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name == name:
                yield table.name, key.parent


def _is_named(session: Session, column: Column[Any], number: int) -> bool:
    return session.execute(select(column).where(column == number).limit(1)).first() is not None


def _remove_list(session: Session, list_id: int) -> None:
    _forget_worked_out(session, MailingList.__tablename__, list_id)
    forms = select(SignupForm.id).where(SignupForm.list_id == list_id)
    sources = select(Source.id).where(Source.form_id.in_(forms))
    steps = (
        delete(SourceVisit).where(SourceVisit.source_id.in_(sources)),
        delete(SourceCost).where(SourceCost.source_id.in_(sources)),
        delete(Source).where(Source.form_id.in_(forms)),
        delete(FormDraft).where(FormDraft.form_id.in_(forms)),
        delete(SignupFormVersion).where(SignupFormVersion.form_id.in_(forms)),
        delete(SignupForm).where(SignupForm.list_id == list_id),
        delete(ConsentText).where(ConsentText.list_id == list_id),
        delete(MailingList).where(MailingList.id == list_id),
    )
    _run(session, steps)


def _forget_worked_out(session: Session, name: str, number: int) -> None:
    for table, column in pointing_at(name):
        if table in _WORKED_OUT:
            session.execute(delete(column.table).where(column == number))


def release(session: Session, organisation: Organisation, *, kept_by: set[str]) -> bool:
    """Delete an organisation that the demo founded, unless something of the owner's hangs on it.

    ``kept_by`` names tables whose rows outlive it: they forget it instead.
    Returns whether it is gone; one that stays is the owner's own from then on.
    """
    if not organisation.demo:
        return False
    columns = list(pointing_at(Organisation.__tablename__))
    if any(
        _is_named(session, column, organisation.id) for name, column in columns if name not in kept_by | _WORKED_OUT
    ):
        organisation.demo = False
        return False
    _forget_worked_out(session, Organisation.__tablename__, organisation.id)
    for name, column in columns:
        if name in _WORKED_OUT:
            continue
        session.execute(update(column.table).where(column == organisation.id).values({column: None}))
    session.delete(organisation)
    session.flush()
    key_mark.forget(session)
    return True
