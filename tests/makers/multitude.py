"""Very many subscribers at once, made by the database itself: a million takes seconds where ``crowd`` takes minutes.

Every row is a copy of one person's who went through the verbs, under a name and numbers of its own; the suppression
key is made by hand, because no database knows our pepper, so nobody here can be found by an address.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Integer, String, Table, func, insert, literal, select
from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from tests.makers import cafe
from tests.makers.cafe import Cafe


def gather(session: Session, made: Cafe, count: int, *, domain: str = "crowd.example") -> None:
    """Bring a list to ``count`` more confirmed subscribers, ``person-1@…`` to ``person-<count>@…``."""
    first = cafe.subscribe(session, made, f"person-1@{domain}")
    current = subscription.of(session, first.id, made.mailing_list.id)
    assert current is not None
    session.flush()
    given = session.scalars(
        select(ConsentEvent.id).where(
            ConsentEvent.subject_ref == first.subject_ref, ConsentEvent.kind == EventKind.GIVEN
        )
    ).one()
    begin = {table: (session.scalar(select(func.max(table.id))) or 0) for table in (Subscriber, ConsentEvent)}
    numbers = select(literal(2, Integer).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < count))
    number = numbers.c.n
    named = literal("person-", String).concat(number.cast(String))
    fresh = {
        "id": number + begin[Subscriber],
        "public_id": literal("sub_m", String).concat(number.cast(String)),
        "subject_ref": named,
        "email_send": named.concat(f"@{domain}"),
        "email_key": named.concat(f"@{domain}"),
        "suppression_key": named,
    }
    _copy(session, Subscriber.__table__, first.id, numbers, fresh)
    event = number + begin[ConsentEvent]
    _copy(session, ConsentEvent.__table__, given, numbers, {"id": event, "subject_ref": named, "ledger_id": None})
    held = {
        "id": number + current.id, "subscriber_id": number + begin[Subscriber], "consent_event_id": event,
    }  # fmt: skip
    _copy(session, Subscription.__table__, current.id, numbers, held)
    _count_on(session)


def _copy(session: Session, table: object, row: int, numbers: object, fresh: Mapping[str, object]) -> None:
    assert isinstance(table, Table)
    values = [fresh.get(column.key, column) for column in table.columns]
    chosen = select(*values).select_from(table).join(numbers, literal(1) == 1).where(table.c.id == row)  # type: ignore[call-overload]
    session.execute(insert(table).from_select([column.key for column in table.columns], chosen, include_defaults=False))


def _count_on(session: Session) -> None:
    """Let PostgreSQL number the next rows after those that were numbered here, and know how many there are."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for name in ("subscriber", "consent_event", "subscription"):
        session.connection().exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"  # noqa: S608 - the three names above
        )
        session.connection().exec_driver_sql(f"ANALYZE {name}")
