"""Which receiver each row of a block goes to, and as which of our domains; putting off those whose turn is not now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.subscriber import Subscriber
from listkeeper.deliverability import mail_host
from listkeeper.foundation.among import among
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.pacing.pace import Row

_TABLE = cast("Table", Delivery.__table__)
_ROW, _PERSON, _OWNER = _TABLE.c, Subscriber.__table__, Organisation.__table__
_ASKED = CompiledOnce(
    select(
        _ROW.id,
        _ROW.provider,
        _ROW.organisation_id,
        func.coalesce(_ROW.typed_address, _PERSON.c.email_send, ""),
        _OWNER.c.from_address,
    )
    .join(_OWNER, _OWNER.c.id == _ROW.organisation_id)
    .outerjoin(_PERSON, _PERSON.c.id == _ROW.subscriber_id)
    .where(among(_ROW.id, "ids"))
)
_PUT_OFF = (
    update(_TABLE)
    .where(_ROW.id == bindparam("row"), _ROW.worker == bindparam("me"), _ROW.state == DeliveryState.LEASED)
    .values(
        state=DeliveryState.QUEUED, worker=None, lease_until=None, due_at=bindparam("due"), provider=bindparam("whose")
    )
)
_NOTED = update(_TABLE).where(_ROW.id == bindparam("row")).values(provider=bindparam("whose"))


@dataclass
class Block:
    """Rows that leave as one of our domains, each with its receiver, in the order of the block."""

    organisation_id: int
    domain: str
    rows: list[Row] = field(default_factory=list)


def of(session: Session, ids: Sequence[int], known: dict[str, str]) -> list[Block]:
    """Return whom these rows go to, by the domain they leave as; asks no name server.

    ``known`` holds the receivers of mail domains that were looked up before; what is looked up now is added.
    """
    found = {row[0]: row for row in _ASKED.rows(session.connection(), {"ids": ids})}
    new = {_domain(row[3]) for row in found.values() if row[1] is None} - known.keys()
    if new:
        known |= mail_host.providers(session, new)
    blocks: dict[str, Block] = {}
    for number in ids:
        if number in found:
            _, receiver, organisation, written_to, written_by = found[number]
            domain = _domain(written_by)
            block = blocks.get(domain) or blocks.setdefault(domain, Block(organisation, domain))
            block.rows.append((number, receiver or known[_domain(written_to)]))
    return list(blocks.values())


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def put_off(session: Session, waits: Mapping[int, datetime], receivers: Mapping[int, str], worker: str) -> None:
    """Give leased rows of this worker back, each due at its own moment; no attempt is counted."""
    values = [{"row": row, "me": worker, "due": due, "whose": receivers[row]} for row, due in sorted(waits.items())]
    if values:
        session.connection().execute(_PUT_OFF, values)


def note(session: Session, receivers: Mapping[int, str]) -> None:
    """Write down on these rows whom they go to."""
    values = [{"row": row, "whose": receiver} for row, receiver in sorted(receivers.items())]
    if values:
        session.connection().execute(_NOTED, values)
