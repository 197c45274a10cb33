"""A worker's letters of campaigns: what ``batch`` does to any row, done to 32 of one kind at once.

The same gate, the same states, the same words on the row; but the rows are read as values and
written by one statement with many parameters, because a campaign has a million of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, assert_never, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import permission, subscription
from listkeeper.audience.handover import MessageClass, Refusal
from listkeeper.audience.permission import Grant
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock
from listkeeper.foundation.among import among
from listkeeper.foundation.compiled_once import CompiledOnce, UpdatedEach, in_one_go, rows_of_each
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.sending import claim, counted_copy, prepared, tally, waiting
from listkeeper.sending.counted_copy import CountedCopy
from listkeeper.sending.delivery import Delivery, DeliveryState, Waiting
from listkeeper.sending.handing_over.transport import Accepted, Outcome
from listkeeper.sending.prepared import HANDED_LEASE, Line, Message, Prepared, Ready

_TABLE = cast("Table", Delivery.__table__)
_ROW = _TABLE.c
_OURS = CompiledOnce(
    select(_ROW.id, _ROW.campaign_id)
    .where(among(_ROW.id, "ids"), _ROW.worker == bindparam("me"), _ROW.state == DeliveryState.LEASED)
    .order_by(_ROW.id)
    .with_for_update()
)
_CAMPAIGN = cast("Table", Campaign.__table__).c
_MOVING = CompiledOnce(select(_CAMPAIGN.id).where(among(_CAMPAIGN.id, "ids"), waiting.may_leave(_CAMPAIGN)))
# Each names the state that it changes, as the table of transitions has it: a row that has moved on is left alone.
_HANDED = UpdatedEach(
    lambda of: (
        update(_TABLE)
        .where(_ROW.id == of("number"), _ROW.state == DeliveryState.LEASED)
        .values(
            state=DeliveryState.HANDED,
            attempts=_ROW.attempts + 1,
            handed_at=bindparam("now"),
            lease_until=bindparam("until"),
            grant_event_id=of("event"),
            grant_seq=of("seq"),
            gate_head_seq=of("head"),
            gate_rule_version=permission.RULE_VERSION,
            template_sha256=of("template"),
            message_id=of("name"),
            way=bindparam("by"),
        )
    ),
    number=_ROW.id.type,
    event=_ROW.grant_event_id.type,
    seq=_ROW.grant_seq.type,
    head=_ROW.gate_head_seq.type,
    template=_ROW.template_sha256.type,
    name=_ROW.message_id.type,
)
_STAYS_HOME = UpdatedEach(
    lambda of: (
        update(_TABLE)
        .where(_ROW.id == of("number"), _ROW.state == DeliveryState.LEASED)
        .values(
            state=of("becomes"),
            refusal_code=of("code"),
            reply_text=of("words"),
            gate_rule_version=of("rules"),
            settled_at=bindparam("now"),
            worker=None,
            lease_until=None,
        )
    ),
    number=_ROW.id.type,
    becomes=_ROW.state.type,
    code=_ROW.refusal_code.type,
    words=_ROW.reply_text.type,
    rules=_ROW.gate_rule_version.type,
)
_TAKEN = UpdatedEach(
    lambda of: (
        update(_TABLE)
        .where(_ROW.id == of("number"), _ROW.state == DeliveryState.HANDED)
        .values(
            state=DeliveryState.ACCEPTED,
            reply_code=of("code"),
            reply_text=of("words"),
            reply_class=None,
            provider=of("whose"),
            settled_at=bindparam("now"),
            worker=None,
            lease_until=None,
        )
    ),
    number=_ROW.id.type,
    whose=_ROW.provider.type,
    code=_ROW.reply_code.type,
    words=_ROW.reply_text.type,
)
_HANDED_LETTERS = CompiledOnce(
    select(_ROW.id, _ROW.list_id, _ROW.subscriber_id, _ROW.provider, _ROW.message_class)
    .where(
        among(_ROW.id, "ids"),
        _ROW.campaign_id.is_not(None),
        _ROW.worker == bindparam("me"),
        _ROW.state == DeliveryState.HANDED,
    )
    .order_by(_ROW.id)
    .with_for_update()
)


def take(session: Session, letters: Mapping[int, int | None], worker: str) -> list[int]:
    """Lock these leased rows and return them; those of a letter that stands still by now are given back.

    ``letters`` names the campaign of each.
    """
    if not letters:
        return []
    session.flush()
    ids, campaigns = list(letters), {campaign for campaign in letters.values() if campaign is not None}
    connection = session.connection()
    rows, going = rows_of_each(connection, (_OURS, {"ids": ids, "me": worker}), (_MOVING, {"ids": campaigns}))
    moving = {number for (number,) in going}
    if still := [number for number, campaign in rows if campaign not in moving]:
        claim.give_back(session, still, worker)
    return [number for number, campaign in rows if campaign in moving]


def hand_out(session: Session, letters: Sequence[tuple[Waiting, Message]], line: Line) -> list[Ready]:
    """Ask the gate about these rows, mark each as handed, refused or failed, and return those that were granted."""
    able = [(row, message) for row, message in letters if isinstance(message, Prepared)]
    verdicts = permission.grant_all(session, [prepared.described(row, message, line) for row, message in able])
    moment = clock.now()
    home = [_failed(row, message) for row, message in letters if isinstance(message, ListkeeperError)]
    handed: list[dict[str, Any]] = []
    ready: list[Ready] = []
    for row, message in able:
        match verdicts[row.id]:
            case Refusal(code):
                home.append(_home(row, DeliveryState.REFUSED, code=code, rules=permission.RULE_VERSION))
            case Grant() as grant:
                handed.append(_granted(row, message, grant))
                ready.append(Ready(row.id, grant, message))
            case verdict:
                assert_never(verdict)
    connection = session.connection()
    _HANDED.run(connection, handed, now=moment, until=moment + HANDED_LEASE, by=line.way)
    if home:
        _STAYS_HOME.run(connection, home, now=moment)
        classes = {row.id: row.message_class for row, _message in letters}
        tally.add(session, Counter(tally.letter(one["becomes"], None, classes[one["number"]]) for one in home))
    return ready


def _granted(row: Waiting, message: Prepared, grant: Grant) -> dict[str, Any]:
    return {
        "number": row.id,
        "event": grant.event_id,
        "seq": grant.ledger_seq,
        "head": grant.head_seq,
        "template": message.template_sha256,
        "name": message.message_id,
    }


def _failed(row: Waiting, problem: ListkeeperError) -> dict[str, Any]:
    return _home(row, DeliveryState.FAILED, words=prepared.words(problem.message))


def _home(row: Waiting, becomes: DeliveryState, **told: Any) -> dict[str, Any]:  # noqa: ANN401 - columns
    return {"number": row.id, "becomes": becomes, "code": None, "words": None, "rules": None} | told


def record_taken(
    session: Session,
    outcomes: Mapping[int, Outcome | None],
    receivers: Mapping[int, str],
    worker: str,
    counted: Mapping[int, CountedCopy],
) -> list[int]:
    """Record the letters that were accepted, and that they have reached their readers; return what is left to record.

    ``receivers`` says whom each row went to, as far as that is known; ``counted`` which of them are counted copies.

    Left is whatever else came of it, and whatever is no letter, was called in doubt meanwhile, or is no longer in the
    hands of this worker (``batch.record``).
    """
    session.flush()
    accepted = {number: outcome.reply for number, outcome in outcomes.items() if isinstance(outcome, Accepted)}
    connection = session.connection()
    rows = _HANDED_LETTERS.rows(connection, {"ids": accepted, "me": worker}) if accepted else []
    if not rows:
        return list(outcomes)
    reached: dict[int, list[int]] = {}
    for _number, list_id, person, _provider, _class in rows:
        note_reached(reached, list_id, person)
    taken = [
        {
            "number": row[0],
            "whose": row[3] or receivers.get(row[0]),
            "code": accepted[row[0]].code or None,
            "words": prepared.words(accepted[row[0]].text),
        }
        for row in rows
    ]
    with in_one_go(connection):
        _TAKEN.run(connection, taken, now=clock.now())
        _count(session, taken, {row[0]: row[4] for row in rows}, counted)
    contacted(session, reached)
    # Whoever has one of these rows as an object sees what it has become.
    session.expire_all()
    done = {row[0] for row in rows}
    return [number for number in outcomes if number not in done]


def _count(
    session: Session,
    taken: Sequence[Mapping[str, Any]],
    classes: Mapping[int, MessageClass],
    counted: Mapping[int, CountedCopy],
) -> None:
    took = (tally.letter(DeliveryState.ACCEPTED, one["whose"], classes[one["number"]]) for one in taken)
    tally.add(session, Counter(took))
    copies = [(counted[one["number"]], one["whose"]) for one in taken if one["number"] in counted]
    if copies:
        counted_copy.arrived(session, copies)


def contacted(session: Session, reached: Mapping[int, Sequence[int]]) -> None:
    """Note whom letters have reached: the gate asks how long she heard nothing, and how often she wants to hear."""
    for list_id, people in reached.items():
        subscription.contacted(session, list_id, people)


def note_reached(reached: dict[int, list[int]], list_id: int | None, person: int | None) -> None:
    """Add whom a letter has reached, unless she was erased meanwhile."""
    if list_id is not None and person is not None:
        reached.setdefault(list_id, []).append(person)
