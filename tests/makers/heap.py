"""A heap of deliveries, for what only shows with very many: the first one, repeated by the database itself."""

from __future__ import annotations

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from listkeeper.sending.delivery import Delivery, DeliveryState

_OWN = {"id", "occasion", "subscriber_id", "state", "settled_at"}


def pile(session: Session, rows: int, *, singles: int = 0) -> None:
    """Add ``rows`` deliveries: half of them wait, half have left, and one in 500 is put off or in doubt.

    Of those that have left, ``singles`` belong to no letter.
    """
    postgresql = session.get_bind().dialect.name == "postgresql"
    many = (
        "SELECT generate_series(1, :rows) AS i"
        if postgresql
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i FROM n"
    )
    same = ", ".join(column.name for column in Delivery.__table__.columns if column.name not in _OWN)
    state = """CASE WHEN i % 1000 = 1 THEN 'deferred' WHEN i % 1000 = 3 THEN 'in_doubt'
               WHEN i % 2 = 0 THEN 'queued' ELSE 'accepted' END"""
    first = "(SELECT min(id) FROM delivery)"
    session.execute(
        text(
            f"INSERT INTO delivery (occasion, state, settled_at, {same}) "  # noqa: S608 - names of ours
            f"SELECT 'more:' || i, {state}, due_at, {same} FROM ({many}) AS many, delivery WHERE id = {first}"
        ),
        {"rows": rows},
    )
    gone = select(Delivery.id).where(Delivery.state == DeliveryState.ACCEPTED).order_by(Delivery.id).limit(singles)
    session.execute(update(Delivery).where(Delivery.id.in_(gone)).values(campaign_id=None, revision_id=None))
    session.commit()
    if postgresql:
        session.execute(text("ANALYZE delivery"))
        session.commit()
