"""The reading half of an import: rows in, judged and sealed rows out, in chunks, opt-outs first.

The file is read twice. The first time brings everybody who had left, bounced or
complained; the second time all others. So whatever the order of the rows, the
strongest sign against a person stands before anything for her is written.
Nothing here touches the database: it may run in a process of its own.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from listkeeper.audience.importing import sources, table_file, verdict
from listkeeper.audience.importing.headings import Role
from listkeeper.audience.importing.plan import Plan, PlannedPart
from listkeeper.audience.importing.sealing import (
    NOTHING,
    OPTED_OUT,
    PERSON,
    REJECTED,
    Candidate,
    Leaf,
    Sealed,
    Sealer,
    Told,
    leaf_hash,
    leaf_record,
)
from listkeeper.audience.importing.text_table import BadRow
from listkeeper.audience.importing.verdict import Outcome, Verdict
from listkeeper.foundation import clock

# As many as one row of the ledger may prove: the larger a chunk, the fewer pages of an index are written again.
ROWS, _PACKED_TOGETHER = 10_000, 500
OPT_OUTS, PEOPLE = 1, 2
_LONGEST_SHOWN = 320
_NEW, _UNVERIFIED = Outcome.NEW.value, Outcome.UNVERIFIED.value
_text = json.encoder.encode_basestring


@dataclass(frozen=True)
class Task:
    """What the reading half has to know; it travels to its process whole."""

    plan: Plan
    organisation_id: int
    told: Told
    # A dry run seals nothing.
    seals: bool
    # Where to go on: pass, part, and the last row that was written down.
    at: tuple[int, int, int] = (OPT_OUTS, 0, 0)
    rows: int = ROWS


# The rows of a chunk as a table's columns, in the order of a Candidate's fields.
Columns = tuple[Sequence[Any], ...]
_PLACES = {name: place for place, name in enumerate(Candidate._fields)}


@dataclass(frozen=True)
class Chunk:
    """Some rows of one table in one pass, and the place behind the last row looked at.

    The rows come packed, some at a time: so they travel between processes in half the work of pickling, and only few
    of them are values at one time in the process that reads.
    """

    at: tuple[int, int, int]
    part: int
    packed: list[bytes]

    def __len__(self) -> int:
        return len(self.columns[0])

    @cached_property
    def columns(self) -> Columns:
        """The rows, column by column."""
        pieces = [marshal.loads(piece) for piece in self.packed]  # noqa: S302 - our own reading half wrote it
        self.packed.clear()
        return tuple(list(chain(*column)) for column in zip(*pieces, strict=True)) or ((),) * len(_PLACES)

    def column(self, name: str) -> Sequence[Any]:
        """Return one value of every row."""
        return self.columns[_PLACES[name]]

    @cached_property
    def rows(self) -> list[Candidate]:
        """The rows one by one; most of a chunk can do without."""
        return self.at_positions(range(len(self)))

    def at_positions(self, positions: Sequence[int]) -> list[Candidate]:
        """Return some of the rows."""
        return [Candidate(*(column[position] for column in self.columns)) for position in positions]


def _packed(rows: Sequence[tuple[Any, ...]]) -> bytes:
    return marshal.dumps(tuple(zip(*rows, strict=True)))


def chunks(task: Task) -> Iterator[Chunk]:
    """Yield what is left of the file in chunks, from where the task says."""
    return gathered(pieces(task))


def gathered(found: Iterable[bytes | Chunk]) -> Iterator[Chunk]:
    """Yield chunks with all their rows, from what ``pieces`` yields."""
    packed: list[bytes] = []
    for one in found:
        if isinstance(one, bytes):
            packed.append(one)
        else:
            yield Chunk(one.at, one.part, packed)
            packed = []


def pieces(task: Task) -> Iterator[bytes | Chunk]:
    """Yield packed rows as soon as there are some, and behind those of a chunk the chunk, itself empty."""
    first_pass, first_part, first_row = task.at
    for number in (OPT_OUTS, PEOPLE):
        if number < first_pass:
            continue
        for index, planned in enumerate(task.plan.parts):
            if number == first_pass and index < first_part:
                continue
            wanted = planned.may_hold_opt_outs if number == OPT_OUTS else not planned.all_out
            if wanted:
                after = first_row if (number, index) == (first_pass, first_part) else 0
                yield from _of_part(task, number, index, planned, after)


def _of_part(task: Task, number: int, index: int, planned: PlannedPart, after: int) -> Iterator[bytes | Chunk]:
    judged: list[tuple[Any, ...]] = []
    sealer, last, count = Sealer(task.organisation_id, task.told, task.rows), after, 0
    for row_number, row in table_file.rows(planned.part, after=after):
        last = row_number
        found: tuple[Any, ...] | None
        if isinstance(row, BadRow):
            found = _bad(task, index, row_number, row, sealer) if number == PEOPLE or planned.all_out else None
        else:
            found = _one(task, number, index, planned, (row_number, *row), sealer)
        if found is None:
            continue
        judged.append(found)
        count += 1
        if count % _PACKED_TOGETHER == 0 or count == task.rows:
            yield _packed(judged)
            judged = []
        if count == task.rows:
            yield Chunk((number, index, last), index, [])
            count, sealer = 0, Sealer(task.organisation_id, task.told, task.rows)
    if judged:
        yield _packed(judged)
    # Also an empty one: the place behind the part is worth writing down.
    yield Chunk((number, index, last), index, [])


def _one(  # noqa: PLR0913, PLR0917 - a row, its place, and what is needed to judge it
    task: Task, number: int, index: int, planned: PlannedPart, row: tuple[int, int, list[str]], sealer: Sealer
) -> tuple[Any, ...] | None:
    """Return a row of this pass, judged; None when it belongs to the other one."""
    row_number, line, cells = row
    reading = planned.reading
    if number == OPT_OUTS and sources.standing(reading.recognised, cells) not in sources.OPTED_OUT:
        return None
    said = verdict.pronounce(reading, cells, task.told.stated)
    if said.rejected:
        # A row that cannot be read shows up once: with its table's people, or with its opt-outs when it has no others.
        shown = number == PEOPLE or planned.all_out
        return _rejected(task, index, row_number, line, said, _cell(reading, cells), sealer) if shown else None
    if said.opted_out is not (number == OPT_OUTS):
        return None
    return _taken(task, index, row_number, line, said, sealer)


def _cell(reading: verdict.Reading, cells: Sequence[str]) -> str:
    return cells[reading.recognised.columns[Role.ADDRESS]][:_LONGEST_SHOWN]


def _taken(task: Task, index: int, row: int, line: int, said: Verdict, sealer: Sealer) -> tuple[Any, ...]:  # noqa: PLR0913, PLR0917
    parsed = said.address
    if parsed is None:  # pragma: no cover - a verdict without an address is rejected above
        raise RuntimeError("a verdict that is not rejected has an address")
    drawn = sealer.draw()
    subject, public_id, event_id = sealer.references(drawn)
    kind, sealed, evidenced, gap = PERSON, NOTHING, False, ""
    claimed = said.claim
    if claimed is None:
        kind = OPTED_OUT
    else:
        gap = said.gap.value if said.gap is not None else ""
        evidenced = not gap
        if task.seals and claimed.told:
            sealed = sealer.evidence(claimed, parsed.input, f"{index + 1}:{row}", event_id, drawn)
    requested_at, confirmed_at = (claimed.requested_at, claimed.confirmed_at) if claimed else (0, 0)
    leaf = b""
    if task.seals and kind == PERSON:
        # Of a person nobody knew; the writer makes another one when somebody did.
        outcome = _NEW if evidenced else _UNVERIFIED
        told = Leaf(index, row, event_id, subject, outcome, gap, evidenced, requested_at, confirmed_at, sealed.commit)
        leaf = leaf_hash(leaf_record(task.told.batch, task.told.list, told))
    # A Candidate's fields, bare: they travel in columns.
    return (
        row, line, kind, gap, " ".join(said.remarks) if said.remarks else "", parsed.input,
        sealer.key_of(parsed.key), parsed.send, parsed.key, _profile(said.profile), said.standing.value, evidenced,
        requested_at, confirmed_at, subject, public_id, sealed.subject_key, sealed.wrapped, sealed.body, event_id,
        sealed.commit, leaf, _since(confirmed_at or requested_at) if evidenced else "",
    )  # fmt: skip


def _since(milliseconds: int) -> str:
    """Write a time in UTC as the database does: ``2024-03-01 10:00:00.000000``."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{_minute(minutes)}:{rest // 1_000:02}.{rest % 1_000:03}000"


# Rows of one file lie close to each other in time, or at least some do.
@lru_cache(maxsize=65_536)
def _minute(minutes: int) -> str:
    return clock.of_milliseconds(minutes * 60_000).strftime("%Y-%m-%d %H:%M")


def _profile(told: Mapping[str, str]) -> str:
    """Write a profile as the database's JSON columns hold it; the names are plain."""
    pairs = [f'"{name}": {_text(value)}' for name, value in told.items()]
    return f"{{{', '.join(pairs)}}}"


def _rejected(  # noqa: PLR0913, PLR0917 - a row, its place, and why
    task: Task, index: int, row: int, line: int, said: Verdict, shown: str, sealer: Sealer
) -> Candidate:
    return _without_address(task, index, row, line, said.rejected, shown, sealer)


def _bad(task: Task, index: int, row: int, bad: BadRow, sealer: Sealer) -> Candidate:
    return _without_address(task, index, row, bad.line, f"row_{bad.flaw.value}", "", sealer)


def _without_address(  # noqa: PLR0913, PLR0917 - a row, its place, and why
    task: Task, index: int, row: int, line: int, reason: str, shown: str, sealer: Sealer
) -> Candidate:
    event_id = sealer.references(sealer.draw())[2]
    told = Leaf(index, row, event_id, "", Outcome.REJECTED.value, reason, evidenced=False, requested_at=0, confirmed_at=0, commit="")  # noqa: E501 # fmt: skip
    leaf = leaf_hash(leaf_record(task.told.batch, task.told.list, told)) if task.seals else b""
    empty: Sealed = NOTHING
    return Candidate(
        row, line, REJECTED, reason, "", shown, "", "", "", "{}", "", evidenced=False, requested_at=0, confirmed_at=0,
        subject="", public_id="", subject_key=empty.subject_key, wrapped=empty.wrapped, sealed=empty.body,
        event_id=event_id, commit="", leaf=leaf, since="",
    )  # fmt: skip
