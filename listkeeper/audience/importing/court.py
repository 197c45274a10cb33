"""The import court at work: a file is brought, judged without a trace, loaded chunk by chunk, or sent away.

The shells hand in how to open a transaction, so that each chunk is one commit
and others get their turn between two of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import jurisdiction
from listkeeper.audience.importing import assigning, bulk, judging, loading, pipeline, plan, reader, table_file
from listkeeper.audience.importing import batch as batches
from listkeeper.audience.importing.batch import ImportBatch, ImportState
from listkeeper.audience.importing.claim import Statement
from listkeeper.audience.importing.judging import Decision
from listkeeper.audience.importing.moments import DateOrder
from listkeeper.audience.importing.newcomers import Loaded
from listkeeper.audience.importing.plan import Plan
from listkeeper.audience.importing.reader import Task
from listkeeper.audience.importing.sealing import Told
from listkeeper.audience.importing.shadow import Shadow
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.subscription import Basis
from listkeeper.foundation import clock, garbage, language
from listkeeper.foundation.errors import Conflict, Invalid

Opening = Callable[[], AbstractContextManager[Session]]
Watch = Callable[[int], None]
# Takes the name of the table that a chunk is of, and what became of its rows.
Keep = Callable[[str, list[Decision]], None]
# A writer that follows another at once keeps everybody else from writing on SQLite.
_BREATH_SECONDS = 0.01
_CACHE_KIB, _WAL_PAGES = 40 * 1024, 32_000
# What SQLite does by itself.
_USUAL_KIB, _USUAL_PAGES = 2_000, 1_000
_LEAST_ATTESTATION = 20
_TRIES = 4
# For so many chunks people are looked for after one was met; a first import meets nobody.
_WARY_CHUNKS = 8
# The place of what the owner made of columns, beside what they were read as.
_ASSIGNED = "assigned"


@dataclass(frozen=True)
class Claims:
    """What the owner states about a file, in her own words."""

    basis: str = Basis.NONE.value
    origin: str = ""
    method: str = ""
    text: str = ""
    collected: str = ""
    last_letter_on: str = ""
    attestation: str = ""
    no_opt_outs: bool = False
    order: DateOrder | None = None
    columns: tuple[str, ...] = field(default=())
    # What columns mean, where that is not as it was recognised: (name of the column, ``assigning.MEANINGS``).
    assigned: tuple[tuple[str, str], ...] = field(default=())


def bring(  # noqa: PLR0913 - a file, whose, for which list, and what is stated
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList,
    file: Path,
    *,
    operator: str,
    claims: Claims,
    file_name: str = "",
    opt_outs: Path | None = None,
    held: bool = False,
) -> ImportBatch:
    """Take a file in; nothing of it is loaded yet. Raises Invalid when it is no table, or asks what must be asked."""
    if mailing_list.state is not ListState.ACTIVE:
        raise Conflict("list_inactive", language.text("Nobody can be added to a list that is put away."))
    made = ImportBatch(
        organisation_id=organisation.id,
        list_id=mailing_list.id,
        operator=operator,
        file_sha256=table_file.sha256(file),
        file_name=(file_name or file.name)[-255:],
        place=str(file),
        held=held,
        mapping={},
        kept_columns=[],
        forecast={},
        counts={},
    )
    _state(made, claims, opt_outs)
    plan_of(made)
    session.add(made)
    session.flush()
    return made


def restate(batch: ImportBatch, claims: Claims, opt_outs: Path | None = None) -> Plan:
    """Take new statements about a file that is not loaded yet, and return how it is read then."""
    if batch.state not in {ImportState.UPLOADED, ImportState.JUDGED, ImportState.FAILED} or batch.counts:
        raise Conflict("import_state", language.text("This import has begun; what was stated about it stands."))
    _state(batch, claims, opt_outs)
    made = plan_of(batch)
    batches.move(batch, ImportState.UPLOADED)
    batch.forecast, batch.problem = {}, ""
    return made


def _state(batch: ImportBatch, claims: Claims, opt_outs: Path | None) -> None:
    if claims.basis not in {Basis.NONE.value, Basis.CONSENT.value}:
        raise Invalid("import_basis", language.text("Only consent can be claimed for a file; other reasons need more."))
    if claims.last_letter_on:
        _demand_past_day(claims.last_letter_on)
    batch.claimed_basis, batch.claimed_origin = claims.basis, claims.origin.strip()[:500]
    batch.claimed_method, batch.claimed_text = claims.method.strip()[:200], claims.text.strip()
    batch.claimed_date, batch.last_letter_on = claims.collected.strip()[:200], claims.last_letter_on
    batch.attestation, batch.no_opt_outs = claims.attestation.strip(), claims.no_opt_outs
    batch.kept_columns = list(claims.columns)
    batch.mapping = {_ASSIGNED: assigning.demanded(claims.assigned)}
    batch.date_order = claims.order.value if claims.order else ""
    if opt_outs is not None:
        batch.opt_outs_place, batch.opt_outs_sha256 = str(opt_outs), table_file.sha256(opt_outs)


def _demand_past_day(typed: str) -> None:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        day = date.max
    if day > (clock.now() + timedelta(days=1)).date():
        raise Invalid("import_day", language.text("Write the day of the last letter like 2026-10-31; it has passed."))


def read_as(batch: ImportBatch) -> Plan:
    """Return how a batch's file is read. Raises Conflict when it is not kept any more."""
    file = Path(batch.place)
    if not batch.place or not file.is_file():
        raise Conflict("import_file_gone", language.text("The file is not kept any more. Please bring it again."))
    opt_outs = Path(batch.opt_outs_place) if batch.opt_outs_place else None
    order = DateOrder(batch.date_order) if batch.date_order else None
    assigned = batch.mapping.get(_ASSIGNED)
    return plan.make(file, opt_outs, columns=batch.kept_columns, order=order, assigned=assigned)


def plan_of(batch: ImportBatch) -> Plan:
    """Return how a batch's file is read, and note it on the batch."""
    made = read_as(batch)
    main = made.main.reading.recognised
    batch.source, batch.source_title = main.source.key, made.title[:80]
    batch.mapping = {**made.mapping, "scope": main.source.scope, "kind": main.source.kind}
    if made.assigned:
        batch.mapping[_ASSIGNED] = dict(sorted(made.assigned.items()))
    return made


def task_of(batch: ImportBatch, made: Plan, mailing_list: MailingList, *, seals: bool) -> Task:
    """Return what the reading half needs. Raises Invalid while a question about the file is open."""
    plan.demand_answers(made)
    profile = jurisdiction.profile(mailing_list.jurisdiction, clock.now().date())
    stated = Statement(
        consent=batch.claimed_basis == Basis.CONSENT.value,
        origin=batch.claimed_origin,
        method=batch.claimed_method,
        text=batch.claimed_text,
        doi_required=profile.doi_required,
        order=made.order,
        now=clock.now(),
    )
    told = Told(batch.public_id or "", mailing_list.public_id, batch.file_sha256, made.title, stated)
    at = (batch.at_pass or 0, batch.at_part or 0, batch.at_row or 0)
    return Task(made, batch.organisation_id, told, seals, at)


def judge(
    reading: Opening, task: Task, list_id: int, *, watch: Watch = lambda _rows: None, keep: Keep | None = None
) -> dict[str, int]:
    """Say what would become of each row, and store nothing; ``keep`` is given every chunk's decisions."""
    counts: dict[str, int] = {}
    rows = 0
    shadow = Shadow()
    try:
        with pipeline.stream(task) as chunks:
            for chunk in chunks:
                with reading() as session:
                    mailing_list = session.get_one(MailingList, list_id)
                    seen = judging.look(session, mailing_list, chunk.column("key"), lock=False)
                    shadow.complete(chunk.rows, seen)
                    decisions = judging.decide(chunk.rows, seen)
                    counts = loading.tally(counts, decisions)
                shadow.remember(decisions)
                if keep is not None:
                    keep(task.plan.parts[chunk.part].part.name, decisions)
                rows += len(chunk)
                watch(rows)
    finally:
        shadow.close()
    return counts


def begin(session: Session, batch: ImportBatch, made: Plan) -> ImportBatch:
    """Begin to load, once everything that must be stated is; return the batch to load.

    It is an earlier one when the same file was brought with the same words before: then
    nothing is loaded twice. Raises Invalid with what is still missing.
    """
    if made.opt_outs_missing and not batch.no_opt_outs:
        raise Invalid(
            "import_opt_outs",
            language.text(
                "%(tool)s keeps those who left in another file. Bring that file too, or state that there is none.",
                tool=made.title,
            ),
        )
    if batch.claimed_basis != Basis.NONE.value and len(batch.attestation) < _LEAST_ATTESTATION:
        raise Invalid(
            "import_attestation",
            language.text("Please state in a full sentence how these people agreed; it is kept as your word."),
        )
    if ledger.is_forked(session, batch.organisation_id):
        raise Conflict("ledger_forked", language.text("The consent ledger needs you first; nothing was loaded."))
    batches.sign_statement(batch)
    before = batches.same_before(session, batch)
    if before is not None:
        return before
    batches.move(batch, ImportState.LOADING)
    batch.problem, batch.worked_at = "", clock.now()
    session.flush()
    return batch


def load(  # noqa: PLR0913 - how to write, what, and who looks on
    writing: Opening,
    batch_id: int,
    task: Task,
    spoken: str,
    *,
    watch: Watch = lambda _rows: None,
    keep: Keep | None = None,
    stop: Callable[[], bool] = lambda: False,
    apart: bool | None = None,
) -> bool:
    """Load a batch from where it stands, a transaction a chunk; False when ``stop`` has left the rest for later."""
    rows = wary = 0
    with pipeline.stream(task, apart=apart) as chunks, garbage.undisturbed() as tidy:
        for chunk in chunks:
            loaded = _written(writing, batch_id, spoken, chunk, looks=wary > 0)
            wary = _WARY_CHUNKS if loaded.met else max(wary - 1, 0)
            rows += len(chunk)
            watch(rows)
            if keep is not None:
                keep(task.plan.parts[chunk.part].part.name, loaded.decisions())
            del loaded, chunk
            if stop():
                return False
            tidy()
            time.sleep(_BREATH_SECONDS)
    with writing() as session:
        finish(session, batch_id)
    return True


def _written(writing: Opening, batch_id: int, spoken: str, chunk: reader.Chunk, *, looks: bool) -> Loaded:
    """Write a chunk; when somebody on it is there already, or signs up at that very moment, look and write again."""
    for attempt in range(_TRIES):
        try:
            with writing() as session:
                _make_room(session)
                return loading.write(session, batch_id, spoken, chunk, looks=looks or attempt > 0)
        except bulk.Collision:
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")  # pragma: no cover


def _make_room(session: Session) -> None:
    """Let SQLite keep the indexes in memory, and write a page of theirs back once for several chunks.

    Its own 2 MB would read them again for every row. Both are of this connection alone, until ``finish``.
    """
    _allow(session, _CACHE_KIB, _WAL_PAGES)


def _allow(session: Session, cache_kib: int, wal_pages: int) -> None:
    if bulk.is_sqlite(session):
        session.connection().exec_driver_sql(f"PRAGMA cache_size=-{cache_kib}")
        session.connection().exec_driver_sql(f"PRAGMA wal_autocheckpoint={wal_pages}")


def finish(session: Session, batch_id: int) -> None:
    """Close a batch whose rows are all loaded."""
    found = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    batches.move(found, ImportState.FINISHED)
    found.finished_at = found.worked_at = clock.now()
    if not found.held:
        # The owner's own file stays where it is; where that was is no business of ours any more.
        found.place = found.opt_outs_place = ""
    session.flush()
    _allow(session, _USUAL_KIB, _USUAL_PAGES)
    if not bulk.is_sqlite(session):
        # Without it PostgreSQL pages through a list of a million at 2,900 rows a second.
        for name in ("subscriber", "subscription", "import_row", "suppression", "evidence", "subject_key"):
            session.connection().exec_driver_sql(f"ANALYZE {name}")


def fail(session: Session, batch_id: int, words: str) -> None:
    """Note that a batch stopped, and why; what was loaded is shown as that."""
    found = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    if found.state in {ImportState.UPLOADED, ImportState.JUDGED, ImportState.LOADING}:
        batches.move(found, ImportState.FAILED)
    found.problem = words[:500]


def resumed(batch: ImportBatch) -> None:
    """Let a batch that stopped go on where it stopped."""
    batches.move(batch, ImportState.LOADING)
    batch.problem, batch.worked_at = "", clock.now()


def total(made: Plan) -> int | None:
    """Return about how many rows a plan holds; None when only reading all would tell."""
    counts = [table_file.estimate(planned.part) for planned in made.parts]
    return None if None in counts else sum(count for count in counts if count is not None)


def files_of(batch: ImportBatch) -> Iterator[Path]:
    """Yield the files that a batch still has."""
    yield from (Path(place) for place in (batch.place, batch.opt_outs_place) if place)
