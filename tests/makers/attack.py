"""What an attack is measured by: everything that permission rests on, row by row, before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.foundation.table import Table
from listkeeper.sending import claim
from tests.makers.works import Works

# Whom we may write to, why, and what was sent; counters of brakes and facts that wait are no permission.
PERMISSION = frozenset(
    {
        "organisation", "mailing_list", "subscriber", "subscription", "consent_event", "confirmation", "suppression",
        "ledger", "evidence", "delivery", "signup", "access_link", "address_change", "erasure", "leaving_reason",
        "import_batch", "import_row", "profile_answer",
    }
)  # fmt: skip
State = dict[str, list[str]]


def state(app: Flask, *left_out: str) -> State:
    """Return every row of every table that permission rests on, but for those left out."""
    with app.app_context(), store.reading() as session:
        wanted = [table for table in Table.metadata.sorted_tables if table.name in PERMISSION - set(left_out)]
        return {
            table.name: sorted(repr(tuple(row)) for row in session.execute(select(table).order_by(*table.primary_key)))
            for table in wanted
        }


def changed(before: State, after: State) -> set[str]:
    """Return the names of the tables that are not as they were."""
    return {name for name in before if before[name] != after[name]}


def events(app: Flask, kind: str | None = None) -> Counter[str]:
    """Return how many rows of each type the ledger has (of one type, when named)."""
    with app.app_context(), store.reading() as session:
        found = Counter(session.scalars(select(LedgerRow.type)))
    return Counter({kind: found[kind]}) if kind else found


def newest(session: Session, kind: str) -> dict[str, object]:
    """Return the fields of the ledger's newest row of a type."""
    row = session.scalars(select(LedgerRow).where(LedgerRow.type == kind).order_by(LedgerRow.seq.desc())).first()
    assert row is not None, f"the ledger has no {kind}"
    return dict(ledger.fields_of(row))


def standing(app: Flask, list_id: int) -> dict[str, str]:
    """Return who is on a list in which state, by address."""
    with app.app_context(), store.reading() as session:
        query = select(Subscriber.email_send, Subscription.state).join(
            Subscription, Subscription.subscriber_id == Subscriber.id
        )
        return {row[0]: row[1].value for row in session.execute(query.where(Subscription.list_id == list_id))}


def questions(session: Session) -> int:
    """Return how many mails of class doi were asked for by signups."""
    return len(session.scalars(select(Confirmation.id)).all())


def settle(works: Works) -> None:
    """Let the urgent lane work until no fact waits and no mail is due, however many there are."""
    for _ in range(500):
        works.work(Lane.URGENT)
        if not works.read(_waits):
            return
    raise AssertionError("the urgent lane never came to rest")


def _waits(session: Session) -> bool:
    open_facts = select(Fact.id).where(Fact.lane == Lane.URGENT, Fact.reacted_at.is_(None), Fact.tries == 0)
    return session.scalar(open_facts.limit(1)) is not None or claim.anything_due(session, Lane.URGENT)


def statements(app: Flask, act: Callable[[], object]) -> list[str]:
    """Return the SQL of an act: what takes time is alike when this is."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    with app.app_context():
        engine = store.database.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            act()
        finally:
            event.remove(engine, "before_cursor_execute", note)
    return seen


def face(answer: TestResponse) -> tuple[int, bytes, tuple[tuple[str, str], ...]]:
    """Return all that a stranger sees of an answer."""
    return answer.status_code, answer.data, tuple(sorted(answer.headers.items()))
