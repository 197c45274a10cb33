"""How a file will be read: its tables recognised, its columns chosen, its questions asked before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from babel import Locale

from listkeeper.audience.importing import assigning, moments, sources, table_file, verdict
from listkeeper.audience.importing.headings import Role
from listkeeper.audience.importing.moments import DateOrder
from listkeeper.audience.importing.sources import OPTED_OUT, Recognised
from listkeeper.audience.importing.table_file import TablePart
from listkeeper.audience.importing.text_table import BadRow
from listkeeper.audience.importing.verdict import Reading
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_SAMPLE = 5_000
_LOOKED_AT = 200
SHOWN = 20
_TIMES = (Role.REQUESTED_AT, Role.CONFIRMED_AT)


@dataclass(frozen=True)
class PlannedPart:
    """One table and how it is read."""

    part: TablePart
    reading: Reading

    @property
    def all_out(self) -> bool:
        """Whether everybody in it has opted out."""
        return self.reading.recognised.source.every in OPTED_OUT

    @property
    def may_hold_opt_outs(self) -> bool:
        """Whether any of its rows can be an opt-out."""
        recognised = self.reading.recognised
        marked = Role.STATUS in recognised.columns or Role.OPTED_OUT_AT in recognised.columns
        return self.all_out or marked or bool(recognised.flags) or bool(recognised.dismissed)


@dataclass(frozen=True)
class Plan:
    """All tables of an import, in the order in which they are read."""

    parts: tuple[PlannedPart, ...]
    order: DateOrder | None
    # A date that reads as two days, while nobody has said which.
    ambiguous: str = ""

    @property
    def main(self) -> PlannedPart:
        """The table that tells what came: the first with people who have not opted out."""
        return next((planned for planned in self.parts if not planned.all_out), self.parts[0])

    @property
    def opt_outs_missing(self) -> bool:
        """Whether the tool keeps its opt-outs in another file, and it is not here."""
        apart = any(planned.reading.recognised.opt_outs_apart for planned in self.parts if not planned.all_out)
        return apart and not any(planned.all_out for planned in self.parts)

    @property
    def title(self) -> str:
        """What a person reads: ``Mailchimp (German)``."""
        recognised = self.main.reading.recognised
        spoken = _spoken(recognised.language)
        return f"{recognised.source.title} ({spoken})" if spoken else recognised.source.title

    @property
    def mapping(self) -> dict[str, str]:
        """Which heading was read as what, for the record."""
        recognised = self.main.reading.recognised
        return {role.value: recognised.names[index] for role, index in recognised.columns.items()}

    @property
    def assigned(self) -> dict[str, str]:
        """What the owner made of columns against what was recognised."""
        found: dict[str, str] = {}
        for planned in self.parts:
            found |= planned.reading.recognised.assigned
        return found


def make(
    file: Path,
    opt_outs: Path | None = None,
    *,
    columns: Sequence[str] = (),
    order: DateOrder | None = None,
    assigned: Mapping[str, str] | None = None,
) -> Plan:
    """Recognise the tables of a file, and of one with opt-outs; ``assigned`` says what columns of the file mean.

    Raises Invalid, in one sentence: for what is no table, has no addresses, or
    when a column that should be kept, or of which something is said, is not there.
    """
    parts = _recognised(file, assigned)
    assigning.demand_columns(assigned or {}, [name for _, found in parts for name in found.names])
    columns = assigning.without_assigned(columns, assigned or {})
    if opt_outs is not None:
        parts += [(part, sources.as_opt_outs(found)) for part, found in _recognised(opt_outs)]
    found_order, ambiguous = (order, "") if order else _order_of(parts)
    main = next((found for _, found in parts if found.source.every not in OPTED_OUT), parts[0][1])
    # Asked of the main table, so that a column that is nowhere is told.
    verdict.attributes(main, columns)
    planned = tuple(PlannedPart(part, Reading(found, _kept(found, columns))) for part, found in parts)
    return Plan(planned, found_order, ambiguous)


def _spoken(code: str | None) -> str:
    return str(Locale.parse(code).get_display_name(language.current())) if code else ""


def _recognised(file: Path, assigned: Mapping[str, str] | None = None) -> list[tuple[TablePart, Recognised]]:
    found = []
    for part in table_file.parts(file):
        sample = [row[1] for _, row in islice(table_file.rows(part), _LOOKED_AT) if not isinstance(row, BadRow)]
        if sample or part.header:
            found.append((part, sources.recognise(part.header, sample, assigned)))
    return found


def _kept(recognised: Recognised, columns: Sequence[str]) -> tuple[tuple[int, str], ...]:
    here = {name for _, name in verdict.keepable(recognised)}
    here |= {verdict.attribute_name(recognised.header[index]) for index in recognised.extra}
    return verdict.attributes(recognised, [column for column in columns if verdict.attribute_name(column) in here])


def _order_of(parts: Sequence[tuple[TablePart, Recognised]]) -> tuple[DateOrder | None, str]:
    cells: list[str] = []
    for part, recognised in parts:
        wanted = [recognised.columns[role] for role in _TIMES if role in recognised.columns]
        if wanted:
            cells += [
                row[1][index]
                for _, row in islice(table_file.rows(part), _SAMPLE)
                if not isinstance(row, BadRow)
                for index in wanted
            ]
    shown = moments.order_of(cells)
    ambiguous = next((cell for cell in cells if moments.is_ambiguous(cell)), "") if shown is None else ""
    return shown, ambiguous


def demand_answers(plan: Plan) -> None:
    """Refuse to read on while a question is open. Raises Invalid with the question."""
    if plan.ambiguous:
        raise Invalid(
            "import_date_order",
            language.text(
                "Does “%(cell)s” begin with the day or with the month? Say so; it is not guessed.", cell=plan.ambiguous
            ),
        )


def sample(plan: Plan, most: int = SHOWN) -> list[list[str]]:
    """Return the first rows of the main table, as they stand there."""
    rows = islice(table_file.rows(plan.main.part), most)
    return [row[1] for _, row in rows if not isinstance(row, BadRow)]
