"""``listkeeper queue``: what waits to leave, since when, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
import redis

from listkeeper import parts, store
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import mail_provider
from listkeeper.foundation import clock
from listkeeper.parts import Worker
from listkeeper.sending import halt, incident, waiting, watch_words
from listkeeper.sending.incident import Incident
from listkeeper.sending.waiting import Letter, Line, PutOff, Why
from listkeeper.settings import Settings

_INCIDENTS = 20
_WHY = {
    Why.SCHEDULED: "scheduled",
    Why.LATE: "its time passed while nothing was at work here; its owner is asked",
    Why.HELD: "held, so that it can be undone",
    Why.PAUSED: "paused by its owner",
    Why.WATCHED: "the first few have left; the others wait for what comes of them",
    Why.ASKS: "the first few have left; its owner is asked about the others",
    Why.LATER: "all that waits is due later",
}


@click.command()
@with_settings
@with_json
def command(settings: Settings, *, as_json: bool) -> None:
    """Show what waits on each lane and for how long, who works, and what stands in the way."""
    with opened(settings):
        workers = _workers()
        with store.reading() as session:
            seen = waiting.look(session, settings.late)
            answer: dict[str, Any] = {
                "lanes": [_line(line, workers) for line in seen.lines],
                "letters": [_letter(letter) for letter in seen.letters],
                "leased": seen.leased,
                "handed": seen.handed,
                "in_doubt": seen.in_doubt,
                "put_off": [_put_off(row) for row in seen.put_off],
                "workers": None if workers is None else [_worker(worker) for worker in workers],
                "incidents": [_incident(row) for row in incident.newest(session, _INCIDENTS)],
            }
    emit(answer, as_json=as_json, lines=_lines(answer))


def _workers() -> list[Worker] | None:
    """Return who works, or None when the queue server cannot be asked."""
    try:
        return parts.workers()
    except redis.RedisError:
        return None


def _line(line: Line, workers: list[Worker] | None) -> dict[str, Any]:
    return {
        "lane": line.lane.value,
        "due": line.due,
        "later": line.later,
        "oldest_due_seconds": _age(line),
        "workers": None if workers is None else sum(line.lane in worker.lanes for worker in workers),
    }


def _age(line: Line) -> int | None:
    return None if line.oldest is None else max(0, int((clock.now() - line.oldest).total_seconds()))


def _letter(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.public_id,
        "subject": letter.subject,
        "state": letter.state.value,
        "recipients": letter.recipients,
        "due": letter.due,
        "later": letter.later,
        "why": letter.why.value if letter.why else None,
        "halted": halt.words(letter.halted) if letter.halted else None,
        "until": clock.as_text(letter.until) if letter.until else None,
    }


def _put_off(row: PutOff) -> dict[str, Any]:
    return {"provider": row.provider, "number": row.number, "next_at": clock.as_text(row.next_at)}


def _worker(worker: Worker) -> dict[str, Any]:
    heard = clock.as_text(worker.heard_at) if worker.heard_at else None
    return {"name": worker.name, "lanes": sorted(worker.lanes), "heard_at": heard}


def _incident(row: Incident) -> dict[str, Any]:
    return {
        "kind": row.kind.value,
        "words": watch_words.of(row),
        "opened_at": clock.as_text(row.opened_at),
        "closed_at": clock.as_text(row.closed_at) if row.closed_at else None,
    }


def _called(provider: str | None) -> str:
    if provider is None:
        return "a provider not known"
    return mail_provider.name(provider) or "a small mail server"


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    for lane in answer["lanes"]:
        age = lane["oldest_due_seconds"]
        since = "" if age is None else f", the oldest for {age} s"
        who = "not known who works" if lane["workers"] is None else f"workers: {lane['workers']}"
        yield f"{lane['lane']:<10}  {lane['due']} due{since}; {lane['later']} later; {who}"
    yield f"under way   {answer['leased']} leased, {answer['handed']} handed; in doubt: {answer['in_doubt']}"
    for letter in answer["letters"]:
        until = f" until {letter['until']}" if letter["until"] else ""
        # One that stopped by itself was paused by nobody.
        why = letter["halted"] or (f"{_WHY[Why(letter['why'])]}{until}" if letter["why"] else "")
        yield f"{letter['id']}  {letter['state']}  {letter['due'] + letter['later']} wait{why and f'; {why}'}"
    for row in answer["put_off"]:
        yield f"put off     {row['number']} at {_called(row['provider'])}, next at {row['next_at']}"
    standing = [row for row in answer["incidents"] if row["closed_at"] is None]
    for row in standing:
        yield f"since {row['opened_at']}  {row['words']}"
    if not standing:
        yield "Nothing stands in the way."
