"""Testing a way: one mail by that very way, spoken with no transaction open, as every mail is."""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.foundation.errors import TryAgain
from listkeeper.jobs import handing, identity, lines
from listkeeper.jobs.handing import Said
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.handing_over import way_test
from listkeeper.sending.handing_over.transport import TransportUnavailable
from listkeeper.sending.handing_over.way import Way
from listkeeper.sending.handing_over.ways import Group


@dataclass(frozen=True)
class Came:
    """What came of it; ``reply`` is what the server said, with addresses masked, or why the gate said no."""

    state: DeliveryState
    code: int | None
    reply: str
    message_id: str | None


def test(way: Way, typed: str) -> Came:
    """Hand one test mail over by a way. Raises TryAgain in words when the way cannot be reached."""
    try:
        return _test(way, typed)
    except TransportUnavailable as problem:
        raise TryAgain("way_away", str(problem)) from problem
    finally:
        lines.tell_trouble()
        lines.hang_up()


def _test(way: Way, typed: str) -> Came:
    line = lines.ways().connected(way)
    with store.transaction() as session:
        owner = organisation.only_one(session)
        per_hour = parts.settings().tests_per_hour
        number = way_test.begin(session, owner, way, typed, worker=identity.me(), per_hour=per_hour).id
        audit_log.record(session, owner.id, "command", "way.tested", way.name)
    said = Said()
    try:
        handing.deliver(Group(way, line, [number]), {}, said)
    finally:
        handing.record(said)
    with store.transaction() as session:
        row, state = way_test.end(session, number)
        refused = row.refusal_code.value if row.refusal_code else ""
        return Came(state, row.reply_code, row.reply_text or refused, row.message_id)
