"""``listkeeper import``: bring another tool's list, see what would become of each row, load it, take it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.importing import assigning, court, reasons, report, undo
from listkeeper.audience.importing import batch as batches
from listkeeper.audience.importing.batch import ImportBatch, ImportState
from listkeeper.audience.importing.court import Claims, Keep
from listkeeper.audience.importing.moments import DateOrder
from listkeeper.audience.importing.plan import Plan
from listkeeper.audience.importing.reader import Task
from listkeeper.audience.importing.verdict import Outcome, keepable
from listkeeper.audience.mailing_list import MailingList
from listkeeper.cli.context import emit, opened, progress, with_json, with_settings
from listkeeper.foundation.errors import Conflict, ListkeeperError
from listkeeper.sending import delivery
from listkeeper.settings import Settings

_OPERATOR = "cli"
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@with_settings
@with_json
@click.argument("file", type=_EXISTING, required=False)
@click.option("--list", "slug", help="The list these people come to: its short name or id.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each row; store nothing.")
@click.option("--basis", type=click.Choice(["none", "consent"]), default="none", help="What you claim for the file.")
@click.option("--origin", default="", help="Where these people agreed: an address of a form, an event.")
@click.option("--method", default="", help="How they agreed, e.g. “sign-up form with confirmation”.")
@click.option("--text", default="", help="To which words they agreed, or where those can be read.")
@click.option("--collected", default="", help="From when to when the list was collected.")
@click.option("--last-letter", default="", help="The day of your last letter to them, like 2026-10-31.")
@click.option("--attest", default="", help="Your statement, in a sentence, that they agreed; it is kept.")
@click.option("--date-order", type=click.Choice(["dmy", "mdy"]), help="Whether 03/04/2024 begins with day or month.")
@click.option("--optouts", type=_EXISTING, help="The file of those who left, if the tool keeps it apart.")
@click.option("--no-opt-outs-file", is_flag=True, help="State that nobody has ever left.")
@click.option("--columns", default="", help="Columns to keep about each person, comma separated; otherwise none.")
@click.option(
    "--map",
    "assigned",
    metavar="COLUMN=MEANING",
    multiple=True,
    help='What a column means, where it was read wrongly, like "Oprettet=requested_at"; several times if need be.',
)
@click.option("--report", "report_file", type=click.Path(dir_okay=False, path_type=Path), help="Write each verdict.")
@click.option("--undo", "undone", metavar="IMPORT", help="Take an import back, by its id (imp_…).")
def command(settings: Settings, *, as_json: bool, undone: str | None, **given: Any) -> None:  # noqa: ANN401 - the options
    """Bring a list from another tool: CSV, TSV, XLSX, or the archive it exports.

    Without evidence of consent people are kept, and never written to. Who left,
    bounced or complained there is never written to either.
    """
    if undone:
        _take_back(settings, undone, as_json=as_json)
        return
    if given["file"] is None or not given["slug"]:
        raise click.UsageError("Name a file and a list: listkeeper import FILE --list NAME")
    claims = _claims(given)
    with opened(settings), _reporting(given["report_file"]) as keep:
        run = _judge if given["dry_run"] else _load
        run(given["file"].resolve(), given["slug"], claims, given["optouts"], keep, as_json=as_json)


def _claims(given: dict[str, Any]) -> Claims:
    return Claims(
        basis=given["basis"],
        origin=given["origin"],
        method=given["method"],
        text=given["text"],
        collected=given["collected"],
        last_letter_on=given["last_letter"],
        attestation=given["attest"],
        no_opt_outs=given["no_opt_outs_file"],
        order=DateOrder(given["date_order"]) if given["date_order"] else None,
        columns=tuple(column.strip() for column in given["columns"].split(",") if column.strip()),
        assigned=tuple(_assignment(said) for said in given["assigned"]),
    )


def _assignment(said: str) -> tuple[str, str]:
    column, sign, meaning = said.rpartition("=")
    if not sign or not column.strip():
        raise click.UsageError('Write --map "COLUMN=MEANING", for example --map "Oprettet=requested_at".')
    return column.strip(), meaning.strip()


@contextmanager
def _reporting(file: Path | None) -> Iterator[Keep | None]:
    with report.written(file) if file is not None else nullcontext() as keep:
        yield keep


@dataclass(frozen=True)
class _Brought:
    """A file that was brought, with the transaction that it came in."""

    session: Session
    batch: ImportBatch
    plan: Plan
    list_id: int
    task: Task


@contextmanager
def _brought(file: Path, slug: str, claims: Claims, opt_outs: Path | None, *, seals: bool) -> Iterator[_Brought]:
    with store.transaction() as session:
        owner = organisation.only_one(session)
        on = mailing_list.named(session, owner, slug)
        made = court.bring(session, owner, on, file, operator=_OPERATOR, claims=claims, opt_outs=opt_outs)
        plan = court.plan_of(made)
        yield _Brought(session, made, plan, on.id, court.task_of(made, plan, on, seals=seals))


def _judge(file: Path, slug: str, claims: Claims, opt_outs: Path | None, keep: Keep | None, *, as_json: bool) -> None:  # noqa: PLR0913
    with _brought(file, slug, claims, opt_outs, seals=False) as brought:
        plan = brought.plan
        # A dry run leaves nothing behind, not even that it was made.
        brought.session.rollback()
    with progress("Judging", court.total(plan)) as watch:
        counts = court.judge(store.reading, brought.task, brought.list_id, watch=watch, keep=keep)
    emit({"state": "dry run", **_told(plan, counts)}, as_json=as_json, lines=_lines(plan, counts))


@dataclass(frozen=True)
class _Begun:
    """A batch to load, or one that was loaded before."""

    number: int
    public_id: str
    plan: Plan
    task: Task
    spoken: str
    # What became of the same file before; None: nothing.
    before: ImportState | None


def _begin(file: Path, slug: str, claims: Claims, opt_outs: Path | None) -> _Begun:
    with _brought(file, slug, claims, opt_outs, seals=True) as brought:
        session, batch = brought.session, court.begin(brought.session, brought.batch, brought.plan)
        before = batch.state if batch is not brought.batch else None
        if before is not None:
            session.delete(brought.batch)
            if before is not ImportState.FINISHED:
                # The same command again goes on where it was stopped.
                batch.place = str(file)
                court.resumed(batch)
        audit_log.record(session, batch.organisation_id, "command", "import.begun", batch.public_id)
        on = session.get_one(MailingList, batch.list_id)
        task = court.task_of(batch, brought.plan, on, seals=True)
        spoken = organisation.only_one(session).language
        return _Begun(batch.id, batch.public_id, brought.plan, task, spoken, before)


def _load(file: Path, slug: str, claims: Claims, opt_outs: Path | None, keep: Keep | None, *, as_json: bool) -> None:  # noqa: PLR0913
    begun = _begin(file, slug, claims, opt_outs)
    again = begun.before is ImportState.FINISHED
    if not again:
        _run(begun.number, begun.task, begun.plan, begun.spoken, keep)
    with store.reading() as session:
        counts = dict(session.get_one(ImportBatch, begun.number).counts)
    lines = _lines(begun.plan, counts)
    if again:
        lines = [f"This file was imported before, as {begun.public_id}. Nothing was changed."]
    else:
        lines.append(f"To take it back within 30 days: listkeeper import --undo {begun.public_id}")
        if begun.before is not None:
            lines.insert(0, f"Went on with {begun.public_id}, which had been stopped.")
    answer = {"id": begun.public_id, "state": "finished", "again": again, **_told(begun.plan, counts)}
    emit(answer, as_json=as_json, lines=lines)


def _run(number: int, task: Task, plan: Plan, spoken: str, keep: Keep | None) -> None:
    try:
        with progress("Loading", court.total(plan)) as watch:
            court.load(store.transaction, number, task, spoken, watch=watch, keep=keep)
    except Conflict:
        # Somebody else is at it, or has stopped it: not ours to mark.
        raise
    except BaseException as problem:
        words = problem.message if isinstance(problem, ListkeeperError) else "The import was stopped."
        with store.transaction() as session:
            court.fail(session, number, words)
        raise


def _told(plan: Plan, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "source": plan.main.reading.recognised.source.key,
        "recognised": plan.title,
        "tables": len(plan.parts),
        "columns": plan.mapping,
        "assigned": plan.assigned,
        "kept": [name for _, name in plan.main.reading.attributes],
        "rows": sum(counts.get(outcome.value, 0) for outcome in Outcome),
        "counts": counts,
    }


_WORDS = {
    Outcome.NEW: "new, with proof of consent",
    Outcome.UPDATED: "known already, completed",
    Outcome.UNCHANGED: "known already, unchanged",
    Outcome.SUPPRESSED: "not to be written to",
    Outcome.UNVERIFIED: "kept without proof, never written to",
    Outcome.REJECTED: "not taken",
}


def _lines(plan: Plan, counts: dict[str, int]) -> list[str]:
    lines = [f"Recognised: {plan.title}. Addresses are in “{plan.mapping['address']}”."]
    lines += [
        f"  “{column}”: {assigning.word(meaning)}{' (as you say)' if column in plan.assigned else ''}"
        for meaning, column in plan.mapping.items()
    ]
    for outcome, word in _WORDS.items():
        if counts.get(outcome.value):
            lines.append(f"{counts[outcome.value]:>11,}  {word}")
            lines += [f"{count:>15,}  {reasons.sentence(code)}" for code, count in _reasons(counts, outcome)]
    left = [heading for heading, name in keepable(plan.main.reading.recognised) if name not in _kept(plan)]
    lines.append('Change what a column means with --map "COLUMN=MEANING".')
    if left:
        lines.append(f"Not kept: {', '.join(left)}. Name them with --columns to keep them.")
    return lines


def _kept(plan: Plan) -> set[str]:
    return {name for _, name in plan.main.reading.attributes}


def _reasons(counts: dict[str, int], outcome: Outcome) -> list[tuple[str, int]]:
    start = f"{outcome.value}:"
    found = [(code.removeprefix(start), count) for code, count in counts.items() if code.startswith(start)]
    return sorted(found, key=lambda one: -one[1])


def _take_back(settings: Settings, public_id: str, *, as_json: bool) -> None:
    with opened(settings):
        with store.transaction() as session:
            owner = organisation.only_one(session)
            batch = batches.named(session, owner, public_id)
            undo.begin(session, batch, actor=_OPERATOR)
            audit_log.record(session, owner.id, "command", "import.undone", public_id)
            number = batch.id
        with progress("Taking back") as watch:
            undo.take_back(store.transaction, number, delivery.written_to, watch=watch)
    lines = [f"Import {public_id} is taken back. Whoever had left stays on the list of those never written to."]
    emit({"id": public_id, "state": "undone"}, as_json=as_json, lines=lines)
