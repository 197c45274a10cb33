"""Who wrote a table: other tools recognised by their headings, and what each says about its people.

The tools stand in ``sources.toml``. A tool is recognised when all headings it
needs are there; the first one wins. Anything else is an unknown table, read by
what its headings mean in the languages we speak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, cached_property

from listkeeper.audience.importing import assigning, headings
from listkeeper.audience.importing.headings import Role, fold
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

UNKNOWN = "table"


class Standing(StrEnum):
    """What somebody was to the tool they come from; the later in this list, the stronger."""

    ACTIVE = "active"
    UNKNOWN = "unknown"
    PENDING = "pending"
    INACTIVE = "inactive"
    BOUNCED = "bounced"
    DISABLED = "disabled"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


STRENGTH = {standing: number for number, standing in enumerate(Standing)}
# Whom that tool had stopped writing to is not written to here either, whatever its reason was.
OPTED_OUT = frozenset(
    {Standing.INACTIVE, Standing.BOUNCED, Standing.DISABLED, Standing.UNSUBSCRIBED, Standing.COMPLAINED}
)
_CLAIMS = (
    Role.REQUESTED_AT, Role.REQUESTED_IP, Role.CONFIRMED_AT, Role.CONFIRMED_IP, Role.ORIGIN, Role.METHOD, Role.TEXT,
)  # fmt: skip
_TELLS_WHO_LEFT = frozenset({Role.STATUS, Role.OPTED_OUT_AT})
_TRUE = frozenset({"true", "1", "yes", "y", "ja", "tak", "да", "t", "x", "oui"})
_FALSE = frozenset({"false", "0", "no", "n", "nej", "nei", "nie", "nein", "нет", "f", "non"})


@dataclass(frozen=True)
class Flag:
    """A column that says by itself what somebody is: when its cell is true, false, or filled at all."""

    heading: str
    when: str
    standing: Standing

    def holds(self, cell: str) -> bool:
        """Return whether the cell says so."""
        if self.when == "filled":
            return bool(cell.strip())
        return fold(cell) in (_TRUE if self.when == "true" else _FALSE)


@dataclass(frozen=True)
class Source:
    """One kind of table of one tool."""

    key: str
    title: str
    kind: str = ""
    needs: frozenset[str] = frozenset()
    only_these: bool = False
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    statuses: Mapping[str, Standing] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    every: Standing | None = None
    opt_outs_apart: bool = True
    status_inside: frozenset[str] = frozenset()
    # How far an opt-out made there reaches here.
    scope: str = "marketing"
    leaves_out: frozenset[str] = frozenset()
    # Its times say when a row was made, not when anybody agreed.
    proves_nothing: bool = False


@dataclass(frozen=True)
class Recognised:
    """A table of which is known who wrote it and which column is what."""

    source: Source
    columns: Mapping[Role, int]
    flags: tuple[tuple[int, Flag], ...]
    header: tuple[str, ...]
    language: str | None
    # What each column is called, also where it has no heading.
    names: tuple[str, ...] = ()
    # What the owner made of columns against what was recognised, by name.
    assigned: Mapping[str, str] = field(default_factory=dict)
    # Columns that tell who has left and that she made something else of: what they say of that is heard all the same.
    dismissed: tuple[tuple[Role, int], ...] = ()

    @cached_property
    def claims(self) -> tuple[tuple[str, int], ...]:
        """The columns that say something about consent, by the name their evidence has."""
        return tuple((role.value, self.columns[role]) for role in _CLAIMS if role in self.columns)

    @property
    def opt_outs_apart(self) -> bool:
        """Whether the opt-outs of this tool lie in another file."""
        named = {fold(heading) for heading in self.header}
        if self.source.status_inside & named:
            return False
        if self.source.key != UNKNOWN:
            return self.source.opt_outs_apart
        return Role.STATUS not in self.columns and Role.OPTED_OUT_AT not in self.columns

    def tells_who_left(self, index: int) -> bool:
        """Return whether a column says who has left, which is heard whatever the owner makes of it."""
        told = {place for role, place in self.columns.items() if role in _TELLS_WHO_LEFT}
        return index in told | {place for _, place in self.dismissed} | {place for place, _ in self.flags}

    @property
    def extra(self) -> tuple[int, ...]:
        """The columns that may become attributes, once somebody ticks them."""
        told = {index for role, index in self.columns.items() if role not in {Role.FIRST_NAME, Role.LAST_NAME}}
        told |= {index for index, _ in self.flags}
        return tuple(
            index
            for index, heading in enumerate(self.header)
            if index not in told and heading and fold(heading) not in self.source.leaves_out
        )


@cache
def known() -> tuple[Source, ...]:
    """Return every tool in the order of the table, which is the order in which they are tried."""
    return tuple(_source(entry) for entry in headings.data()["source"])


def _source(entry: Mapping[str, object]) -> Source:
    named = {fold(str(word)): Standing(key) for key, words in _lists(entry, "statuses") for word in words}
    return Source(
        key=str(entry["key"]),
        title=str(entry["title"]),
        kind=str(entry.get("kind", "")),
        needs=frozenset(fold(str(heading)) for heading in _words(entry, "needs")),
        only_these=bool(entry.get("only_these", False)),
        roles={Role(key): tuple(fold(str(word)) for word in words) for key, words in _lists(entry, "roles")},
        statuses=named or _usual_statuses(),
        flags=tuple(Flag(fold(one[0]), one[1], Standing(one[2])) for one in entry.get("flags", ())),  # type: ignore[attr-defined]
        every=Standing(str(entry["all"])) if "all" in entry else None,
        opt_outs_apart=entry["opt_outs"] == "apart",
        status_inside=frozenset(fold(str(heading)) for heading in _words(entry, "status_inside")),
        scope=str(entry.get("scope", "marketing")),
        leaves_out=frozenset(fold(str(heading)) for heading in _words(entry, "leaves_out")),
        proves_nothing=bool(entry.get("proves_nothing", False)),
    )


def _words(entry: Mapping[str, object], key: str) -> Sequence[object]:
    found = entry.get(key, ())
    return found if isinstance(found, list) else ()


def _lists(entry: Mapping[str, object], key: str) -> list[tuple[str, list[object]]]:
    found = entry.get(key, {})
    return list(found.items()) if isinstance(found, dict) else []


@cache
def _usual_statuses() -> dict[str, Standing]:
    return {fold(word): Standing(key) for key, words in headings.data()["status"].items() for word in words}


def unknown() -> Source:
    """Return what is assumed of a table that no known tool wrote."""
    return Source(key=UNKNOWN, title=language.text("a table"), statuses=_usual_statuses(), opt_outs_apart=True)


def recognise(
    header: Sequence[str], sample: Sequence[Sequence[str]], assigned: Mapping[str, str] | None = None
) -> Recognised:
    """Say who wrote a table and what its columns are, ``assigned`` (meanings by name of the column) before all else.

    Raises Invalid when no column holds addresses.
    """
    folded = [fold(heading) for heading in header]
    named = frozenset(folded)
    source = next((one for one in known() if _is_from(one, named)), None) or unknown()
    columns = headings.roles(header)
    for role, words in source.roles.items():
        own = next((folded.index(word) for word in words if word in named), None)
        if own is not None:
            columns = {other: index for other, index in columns.items() if index != own} | {role: own}
    address = headings.address_column(header, sample)
    names = assigning.column_names(header, sample)
    if address is None and Role.ADDRESS.value not in (assigned or {}).values():
        raise Invalid(
            "import_no_address", language.text("No column of this table holds mail addresses. Nothing was read.")
        )
    if address is not None:
        columns = {role: index for role, index in columns.items() if index != address} | {Role.ADDRESS: address}
    flags = tuple((folded.index(flag.heading), flag) for flag in source.flags if flag.heading in named)
    recognised = Recognised(source, columns, flags, tuple(header), headings.language_of(header), names)
    return _as_assigned(recognised, sample, assigned) if assigned else recognised


def _as_assigned(recognised: Recognised, sample: Sequence[Sequence[str]], assigned: Mapping[str, str]) -> Recognised:
    columns = assigning.chosen(recognised.columns, recognised.names, assigned)
    assigning.demand_address(columns, recognised.names, sample)
    left = tuple(
        (role, index)
        for role, index in recognised.columns.items()
        if role in _TELLS_WHO_LEFT and columns.get(role) != index
    )
    changed = assigning.changes(recognised.columns, recognised.names, assigned)
    return replace(recognised, columns=columns, assigned=changed, dismissed=left)


def _is_from(source: Source, named: frozenset[str]) -> bool:
    return source.needs == named if source.only_these else source.needs <= named


def as_opt_outs(recognised: Recognised) -> Recognised:
    """Return a table read as a list of opt-outs: whoever stands in it has opted out, unless it says worse."""
    return replace(recognised, source=replace(recognised.source, every=Standing.UNSUBSCRIBED, opt_outs_apart=False))


def standing(recognised: Recognised, cells: Sequence[str]) -> Standing:
    """Return what a row says somebody is; of several signs the strongest counts."""
    source = recognised.source
    found = source.every or Standing.ACTIVE
    column = recognised.columns.get(Role.STATUS)
    if column is not None:
        said = source.statuses.get(fold(cells[column]), Standing.UNKNOWN) if cells[column].strip() else Standing.UNKNOWN
        found = max(found, said, key=STRENGTH.__getitem__)
    for index, flag in recognised.flags:
        if flag.holds(cells[index]):
            found = max(found, flag.standing, key=STRENGTH.__getitem__)
    for role, index in recognised.dismissed:
        heard = source.statuses.get(fold(cells[index])) if role is Role.STATUS else Standing.UNSUBSCRIBED
        if heard is not None and heard in OPTED_OUT and cells[index].strip():
            found = max(found, heard, key=STRENGTH.__getitem__)
    left = recognised.columns.get(Role.OPTED_OUT_AT)
    if left is not None and cells[left].strip() and found not in OPTED_OUT:
        found = Standing.UNSUBSCRIBED
    return found
