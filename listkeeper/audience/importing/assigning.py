"""What the owner says a column means, where the headings were read wrongly or not at all.

Her word goes before what was recognised, with one exception that is kept in
``sources``: what a column says about who has left is heard, whatever she makes
of that column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from listkeeper.audience.importing import headings
from listkeeper.audience.importing.headings import Role
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# A column that means nothing to an import; it may still be kept about each person.
NOTHING = "none"
MEANINGS = (*(role.value for role in Role), NOTHING)
_NAMES = frozenset({Role.FIRST_NAME, Role.LAST_NAME})


def column_names(header: Sequence[str], sample: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return what each column is called: its heading, or its number where that is empty or stands there twice."""
    width = len(header) or max((len(row) for row in sample), default=0)
    found: list[str] = []
    for index in range(width):
        heading = header[index] if index < len(header) else ""
        found.append(heading if heading and heading not in found else str(index + 1))
    return tuple(found)


def demanded(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what is said of each column. Raises Invalid for an unknown meaning, and for one that is given twice."""
    found: dict[str, str] = {}
    for column, meaning in pairs:
        if meaning not in MEANINGS:
            raise Invalid(
                "import_meaning",
                language.text(
                    "A column cannot mean “%(meaning)s”. It can be one of these: %(all)s.",
                    meaning=meaning[:60],
                    all=", ".join(MEANINGS),
                ),
            )
        other = next((name for name, said in found.items() if said == meaning != NOTHING and name != column), None)
        if other is not None:
            raise Invalid(
                "import_meaning_twice",
                language.text(
                    "“%(one)s” and “%(other)s” cannot both be: %(meaning)s. Choose one; nothing was changed.",
                    one=other,
                    other=column,
                    meaning=word(meaning),
                ),
            )
        found[column] = meaning
    return found


def demand_columns(assigned: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise Invalid when something is said of a column that is in no table of the file."""
    missing = sorted(set(assigned) - set(names))
    if missing:
        raise Invalid(
            "import_no_such_column",
            language.text("There is no column “%(name)s” in this file. Nothing was read.", name=", ".join(missing)),
        )


def chosen(columns: Mapping[Role, int], names: Sequence[str], assigned: Mapping[str, str]) -> dict[Role, int]:
    """Return which column is what once the owner's word is heard."""
    found = dict(columns)
    for index, name in enumerate(names):
        meaning = assigned.get(name)
        if meaning is None:
            continue
        found = {role: place for role, place in found.items() if place != index}
        if meaning != NOTHING:
            found[Role(meaning)] = index
    return found


def demand_address(columns: Mapping[Role, int], names: Sequence[str], sample: Sequence[Sequence[str]]) -> None:
    """Raise Invalid when no column is the address, or the one that was chosen holds none."""
    index = columns.get(Role.ADDRESS)
    if index is None:
        raise Invalid(
            "import_no_address", language.text("No column is the e-mail address. Choose one; nothing was changed.")
        )
    if sample and not headings.holds_addresses(row[index] for row in sample if index < len(row)):
        raise Invalid(
            "import_no_address",
            language.text(
                "The column “%(name)s” holds no mail addresses. Choose the one that does; nothing was changed.",
                name=names[index],
            ),
        )


def changes(columns: Mapping[Role, int], names: Sequence[str], assigned: Mapping[str, str]) -> dict[str, str]:
    """Return only what differs from what was recognised: the rest is no word of the owner."""
    read = {index: role.value for role, index in columns.items()}
    return {
        name: assigned[name]
        for index, name in enumerate(names)
        if name in assigned and assigned[name] != read.get(index, NOTHING)
    }


def without_assigned(columns: Sequence[str], assigned: Mapping[str, str]) -> list[str]:
    """Return the columns to keep but those that became a claim about consent: these lie with the evidence."""
    taken = {headings.fold(name) for name, said in assigned.items() if said != NOTHING and Role(said) not in _NAMES}
    return [column for column in columns if headings.fold(column) not in taken]


def word(meaning: str) -> str:
    """Say what a column means."""
    return {
        Role.ADDRESS.value: language.text("e-mail address"),
        Role.FIRST_NAME.value: language.text("first name"),
        Role.LAST_NAME.value: language.text("last name"),
        Role.STATUS.value: language.text("whether they still get letters"),
        Role.REQUESTED_AT.value: language.text("when they asked"),
        Role.REQUESTED_IP.value: language.text("from which network they asked"),
        Role.CONFIRMED_AT.value: language.text("when they confirmed"),
        Role.CONFIRMED_IP.value: language.text("from which network they confirmed"),
        Role.ORIGIN.value: language.text("where they agreed"),
        Role.METHOD.value: language.text("how they agreed"),
        Role.TEXT.value: language.text("to which words they agreed"),
        Role.OPTED_OUT_AT.value: language.text("when they left"),
        NOTHING: language.text("not used"),
    }[meaning]
