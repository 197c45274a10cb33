"""What a short run leaves out: drawn by the seed and each test's name, and said in the summary.

SQLite runs one in seven journeys, three of five numbered cases, half of the unit tests that need a database, and every
other test, of one with a table of cases one row. PostgreSQL runs a tenth of the numbered cases that are to be green,
one in 33 journeys and one in 33 unit tests, one row of each, the kills and what is for it alone, and leaves the scanner
to SQLite. Of the tests that start and stop whole programs one in forty runs, and of a table of cases that need no
database, but a server or a process each, three rows; of a long table of unit tests without either five.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

import pytest

from tests.fakes import databases

# Which share of the tests PostgreSQL sees.
_ON_POSTGRESQL = {
    "tests/integration/test_killed_anywhere": 1,
    "tests/adversarial/test_link_scanner": 0,
    "tests/adversarial/test_field_": 0.05,
    "tests/adversarial/": 0.1,
    "tests/integration/": 0.03,
    "tests/unit/": 0.03,
}
# Which share of the journeys is run on SQLite, or without a database; of all other tests each.
_ELSEWHERE = {
    "tests/integration/test_killed_anywhere": 1,
    "tests/integration/test_what_comes_back": 1,
    "tests/integration/test_domain_zones": 1,
    "tests/integration/": 0.14,
    "tests/adversarial/": 0.6,
    "tests/unit/": 0.5,
}
# Of the tests marked ``whole_program``, one in so many.
_PROGRAMS = 40
# Of a table of cases that needs no database, how many rows are run where each costs a server or a process.
_COSTLY, _OF_COSTLY = ("tests/integration/", "tests/adversarial/"), 3
# Of a long table of cases that cost little, how many rows are run.
_CHEAP, _OF_CHEAP = "tests/unit/", 5
# How many cases hypothesis thinks up for a property, here and in a long run.
EXAMPLES, ALL_EXAMPLES = 10, 1000
SAYS = (
    "SQLite: one in seven journeys, three of five numbered cases, half the unit tests, one row of each table",
    "PostgreSQL: a tenth of the numbered cases, a share of the others",
    f"one in {_PROGRAMS} of the tests that start and stop whole programs",
    f"{_OF_COSTLY} rows of each table of journeys without a database, {_OF_CHEAP} of each of unit tests",
    f"{EXAMPLES} of {ALL_EXAMPLES:,} examples of each property",
)


def chosen(items: Sequence[pytest.Item], seed: int) -> list[pytest.Item]:
    """Return what is run of all that was collected.

    The longest come first, so that none of them is still running when all the others are done.
    """
    tables: dict[tuple[str, str], list[pytest.Item]] = defaultdict(list)
    for item in items:
        kind = _database_of(item)
        if kind or item.nodeid.startswith((*_COSTLY, _CHEAP)):
            tables[kind or "", item.nodeid.partition("[")[0]].append(item)
    kept = {id(item) for (kind, name), rows in tables.items() for item in _share_of(kind, name, rows, seed)}
    gone = {id(item) for rows in tables.values() for item in rows} - kept
    gone |= _programs_left_out([item for item in items if _is_program(item) and id(item) not in gone], seed)
    return sorted((item for item in items if id(item) not in gone), key=lambda item: not _is_long(item))


def is_at_home(item: pytest.Item) -> bool:
    """Whether a test is for the database that it would run on, or for both; one that names none needs it in the run."""
    only, here = _only_on(item), _database_of(item)
    return only is None or only in ([here] if here else databases.chosen())


def _programs_left_out(marked: Sequence[pytest.Item], seed: int) -> set[int]:
    """Draw among all of them together: one in so many of every file would be one of every file, and too many."""
    drawn = random.Random(f"{seed}:programs").sample(marked, -(-len(marked) // _PROGRAMS))
    return {id(item) for item in marked} - {id(item) for item in drawn}


def _share_of(kind: str, name: str, rows: Sequence[pytest.Item], seed: int) -> list[pytest.Item]:
    draw = random.Random(f"{seed}:{kind}:{name}")
    shares = _ON_POSTGRESQL if kind == "postgresql" else _ELSEWHERE
    chances = (chance for folder, chance in shares.items() if name.startswith(folder))
    later = kind == "postgresql" and rows[0].get_closest_marker("xfail") is not None
    drawn = _only_on(rows[0]) is not None or draw.random() < next(chances, 0 if later else 1)
    if not kind and name.startswith(_CHEAP):
        return draw.sample(rows, min(_OF_CHEAP, len(rows)))
    if not kind:
        return draw.sample(rows, min(_OF_COSTLY, len(rows))) if drawn else []
    return draw.sample(rows, 1) if drawn else []


def _only_on(item: pytest.Item) -> str | None:
    mark = item.get_closest_marker("only_on")
    if mark is None:
        return None
    [kind] = mark.args
    assert kind in databases.KINDS, f"{item.nodeid}: there is no {kind}"
    return str(kind)


def _database_of(item: pytest.Item) -> str | None:
    case = getattr(item, "callspec", None)
    return next((kind for kind in databases.KINDS if case is not None and kind in case.params.values()), None)


def _is_program(item: pytest.Item) -> bool:
    return item.get_closest_marker("whole_program") is not None


def _is_long(item: pytest.Item) -> bool:
    return _is_program(item) or item.get_closest_marker("timeout") is not None
