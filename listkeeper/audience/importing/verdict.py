"""A row becomes a verdict: whose address it is, what they were there, what is claimed, what may be kept.

Nothing here knows the database: ``judging`` compares a verdict with what is
already stored, and only then is a row new, updated, unchanged, suppressed,
unverified or rejected.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from listkeeper.audience import mailing_list
from listkeeper.audience.importing import claim, sources
from listkeeper.audience.importing.claim import Claim, Gap, Statement
from listkeeper.audience.importing.headings import Role
from listkeeper.audience.importing.sources import OPTED_OUT, Recognised, Standing
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address_fast
from listkeeper.standards.address import Address

MOST_ATTRIBUTES = 50
_LONGEST_VALUE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_REMARKS = Path(__file__).with_name("remarks.toml")


class Outcome(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUPPRESSED = "suppressed"
    UNVERIFIED = "unverified"
    REJECTED = "rejected"


class Remark(StrEnum):
    """What the owner should know of an address that is taken all the same."""

    ROLE = "role"
    DISPOSABLE = "disposable"
    SMTPUTF8 = "smtputf8"


@dataclass(frozen=True)
class Reading:
    """How one table is read: what its columns are, and which of them are kept (index, name of the attribute)."""

    recognised: Recognised
    attributes: tuple[tuple[int, str], ...] = ()


class Verdict(NamedTuple):
    """What a row says by itself. ``rejected`` is the code of why it cannot be taken, else empty."""

    rejected: str
    address: Address | None
    standing: Standing
    claim: Claim | None
    profile: Mapping[str, str]
    remarks: tuple[Remark, ...]

    @property
    def opted_out(self) -> bool:
        """Whether the person had left, bounced or complained there."""
        return self.standing is not Standing.ACTIVE and self.standing in OPTED_OUT

    @property
    def gap(self) -> Gap | None:
        """Why nobody may be written to because of this row; None when its evidence is enough."""
        if self.standing is not Standing.ACTIVE:
            return Gap.STATUS
        return self.claim.gap if self.claim is not None else Gap.NO_TIME


def pronounce(reading: Reading, cells: Sequence[str], stated: Statement) -> Verdict:
    """Read one row. A bad address is a verdict too, never an error."""
    recognised = reading.recognised
    standing = sources.standing(recognised, cells)
    try:
        parsed = address_fast.parse(undone(cells[recognised.columns[Role.ADDRESS]]).strip())
    except Invalid as problem:
        return Verdict(problem.code, None, standing, None, {}, ())
    if standing is not Standing.ACTIVE and standing in OPTED_OUT:
        # Of whoever has left, only that is kept.
        return Verdict("", parsed, standing, None, {}, ())
    claimed = claim.read(recognised, cells, stated)
    return Verdict("", parsed, standing, claimed, _profile(reading, cells), _remarks(parsed))


def undone(cell: str) -> str:
    """Take back the sign that an export put before a cell so that no spreadsheet runs it as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA and len(cell) > 1 else cell


def _profile(reading: Reading, cells: Sequence[str]) -> dict[str, str]:
    found = {}
    for index, name in reading.attributes:
        value = cells[index]
        if not value.isascii() or not value.isprintable():
            value = "".join(char for char in value if unicodedata.category(char) != "Cc" or char in "\n\t")
        value = undone(value).strip()
        if value:
            found[name] = value[:_LONGEST_VALUE]
    return found


def _remarks(parsed: Address) -> tuple[Remark, ...]:
    roles, disposable = _lists()
    found = []
    if parsed.key.partition("@")[0] in roles:
        found.append(Remark.ROLE)
    if parsed.domain in disposable:
        found.append(Remark.DISPOSABLE)
    if parsed.needs_smtputf8:
        found.append(Remark.SMTPUTF8)
    return tuple(found)


@cache
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    read = tomllib.loads(_REMARKS.read_text(encoding="utf-8"))
    return frozenset(read["roles"]), frozenset(read["disposable"])


def attribute_name(heading: str) -> str:
    """Return the name under which a column is kept: small ASCII letters, digits and ``_``."""
    return mailing_list.slug_of(heading).replace("-", "_")[:60]


def attributes(recognised: Recognised, ticked: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """Return the columns that are kept, in their order: those whose heading, or name, is ticked.

    Raises Invalid when one that is ticked is not there, or there are too many.
    """
    wanted = {attribute_name(word) for word in ticked if word.strip()}
    found: dict[str, int] = {}
    called: dict[str, str] = {}
    for index in recognised.extra:
        name = _name(recognised, index)
        found.setdefault(name, index)
        # A column may be ticked by its heading, also when it is kept under a name of ours.
        called.setdefault(attribute_name(recognised.header[index]), name)
    wanted = {word if word in found else called.get(word, word) for word in wanted}
    missing = sorted(wanted - set(found))
    if missing:
        raise Invalid(
            "import_no_column",
            language.text("There is no column “%(name)s” that could be kept.", name=", ".join(missing)),
        )
    if len(wanted) > MOST_ATTRIBUTES:
        raise Invalid("import_too_many_columns", language.text("Please keep fewer columns; 50 is the most."))
    return tuple(sorted((index, name) for name, index in found.items() if name in wanted))


def _name(recognised: Recognised, index: int) -> str:
    for role in (Role.FIRST_NAME, Role.LAST_NAME):
        if recognised.columns.get(role) == index:
            return role.value
    return attribute_name(recognised.header[index])


def keepable(recognised: Recognised) -> tuple[tuple[str, str], ...]:
    """Return (heading, name) of every column that may be ticked."""
    found: dict[str, str] = {}
    for index in recognised.extra:
        found.setdefault(_name(recognised, index), recognised.header[index])
    return tuple((heading, name) for name, heading in found.items())
