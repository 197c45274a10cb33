"""What is going out: how much waits and for how long, who works, what stands still and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import redis
from flask import Blueprint, Response
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.deliverability import mail_provider
from listkeeper.foundation.outbox import Lane
from listkeeper.parts import Worker
from listkeeper.sending import halt, incident, waiting
from listkeeper.sending.incident import Incident
from listkeeper.sending.waiting import Line
from listkeeper.web.studio import page, words

blueprint = Blueprint("queue", __name__, url_prefix=page.ROOT)

_INCIDENTS = 20
# The lanes that carry mail.
_CARRYING = (Lane.URGENT, Lane.SENDING)


@dataclass(frozen=True)
class Carrying:
    """One lane in words: what it carries, what waits there, and how many workers work on it (None: not known)."""

    word: str
    line: Line
    workers: int | None


@blueprint.get("/queue")
def show() -> Response:
    """Show it as it is at this moment; nothing here changes anything."""
    workers = _workers()
    with store.reading() as session:
        seen = waiting.look(session, page.settings().late)
        return page.answer(
            session,
            "queue",
            seen=seen,
            carrying=[
                Carrying(words.lane(line.lane), line, _working(line.lane, workers))
                for line in seen.lines
                if line.lane in _CARRYING
            ],
            workers=workers,
            heard=max((worker.heard_at for worker in workers or () if worker.heard_at), default=None),
            standing=_told(session, incident.standing(session)),
            incidents=_told(session, (row for row in incident.newest(session, _INCIDENTS) if row.closed_at)),
            say=words.letter,
            say_why=words.why,
            say_halted=halt.words,
            called=mail_provider.name,
        )


def _workers() -> list[Worker] | None:
    """Return who works, or None when the queue server cannot be asked."""
    try:
        return parts.workers()
    except redis.RedisError:
        return None


def _working(lane: Lane, workers: list[Worker] | None) -> int | None:
    return None if workers is None else sum(lane in worker.lanes for worker in workers)


def _told(session: Session, rows: Iterable[Incident]) -> list[tuple[Incident, str]]:
    return [(row, words.incident(session, row)) for row in rows]
