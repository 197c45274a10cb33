"""``listkeeper dmarc keep`` and ``listkeeper tlsrpt keep``: reports of any kind, kept for the page of their domain.

The answer is ``{kept, known, refused, files}``; a file is ``{file, outcome,
kind, sender, domain}``, with ``begin``, ``end`` and ``counted`` when it was
kept, or ``{file, outcome, code, reason}``. A file that is refused is never in
the way of the rest.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, assert_never

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.cli import report_files
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.cli.report_files import with_files
from listkeeper.deliverability import report_intake
from listkeeper.deliverability.report_intake import ReadReport
from listkeeper.deliverability.report_keeping import Duplicate, Kept, Outcome, Refused
from listkeeper.foundation import clock
from listkeeper.settings import Settings
from listkeeper.standards.packed_report import Refusal


@click.command("keep")
@with_settings
@with_json
@with_files
def command(settings: Settings, *, files: tuple[Path, ...], as_json: bool) -> int:
    """Keep reports (FILE, or standard input) about your domains: aggregate, failure and TLS reports, as they came.

    A report that is there already changes nothing. Exits with 10 when a file was refused; the others are kept.
    """
    told: list[tuple[str, Outcome]] = []
    with opened(settings):
        for path in files or (report_files.STDIN,):
            # Read with no transaction open: a report made to harm takes seconds.
            found = _read(path)
            told.append((report_files.shown(path), _kept(found)))
    counts = Counter(_word(outcome) for _, outcome in told)
    for name, outcome in told:
        if isinstance(outcome, Refused) and not as_json:
            click.echo(f"{name}: {outcome.reason}", err=True)
    answer = {
        **{word: counts[word] for word in ("kept", "known", "refused")},
        "files": [{"file": name, **_as_json(outcome)} for name, outcome in told],
    }
    lines = [f"{name}: {_line(outcome)}" for name, outcome in told if not isinstance(outcome, Refused)]
    if as_json or lines:
        emit(answer, as_json=as_json, lines=lines)
    return report_files.REFUSED if counts["refused"] else 0


def _read(path: Path) -> ReadReport | Refused:
    data = report_files.content(path, report_intake.LIMITS.received)
    return Refused(data.code, data.reason) if isinstance(data, Refusal) else report_intake.read(data)


def _kept(found: ReadReport | Refused) -> Outcome:
    with store.transaction() as session:
        owner = organisation.only_one(session)
        outcome = report_intake.keep(session, owner, found)
        if isinstance(outcome, Kept):
            audit_log.record(session, owner.id, "command", "report.kept", owner.public_id)
        return outcome


def _word(outcome: Outcome) -> str:
    match outcome:
        case Kept():
            return "kept"
        case Duplicate():
            return "known"
        case Refused():
            return "refused"
        case _:
            assert_never(outcome)


def _as_json(outcome: Outcome) -> dict[str, Any]:
    said: dict[str, Any] = {"outcome": _word(outcome)}
    if isinstance(outcome, Refused):
        return said | {"code": outcome.code, "reason": outcome.reason}
    said |= {"kind": outcome.kind.value, "sender": outcome.sender, "domain": outcome.domain}
    if isinstance(outcome, Duplicate):
        return said
    times = {name: clock.as_text(at) if at else None for name, at in (("begin", outcome.begin), ("end", outcome.end))}
    return said | times | {"counted": outcome.counted}


def _line(outcome: Kept | Duplicate) -> str:
    about = f"{outcome.kind.value} report of {outcome.sender or 'somebody'} about {outcome.domain}"
    return f"kept, {about}" if isinstance(outcome, Kept) else f"known already, {about}"
