"""Every table of transitions, walked in full: what it allows happens, what it does not allow changes nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest

from listkeeper import store
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.table import Table
from tests.architecture import source

# A machine that loses its table, or a table its test, must show.
EXPECTED = {"listkeeper.audience.subscription", "listkeeper.campaigns.campaign", "listkeeper.sending.delivery"}


@dataclass(frozen=True)
class Machine:
    """A concept with states: its table, its row and its one verb that moves a row."""

    module: str
    table: dict[StrEnum, frozenset[StrEnum]]
    states: type[StrEnum]
    # Where a row begins: the first state of the table, unless the module says otherwise (``STARTS``).
    starts: frozenset[StrEnum]
    row: Callable[..., Any]
    move: Callable[[Any, StrEnum], None]

    def pairs(self) -> Iterator[tuple[StrEnum, StrEnum]]:
        """Yield every pair of states, allowed or not."""
        return ((left, right) for left in self.states for right in self.states)


def machines() -> list[Machine]:
    """Find every module of the domain with a ``TRANSITIONS``."""
    store.load_tables()
    names = [file.module for file in source.package() if "TRANSITIONS" in file.text]
    modules = [importlib.import_module(name) for name in names]
    return [_machine(module) for module in modules if hasattr(module, "TRANSITIONS")]


def _machine(module: ModuleType) -> Machine:
    table = module.TRANSITIONS
    states = type(next(iter(table)))
    rows = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Table) and kind.__module__ == module.__name__
        if "state" in kind.__table__.columns and kind.__table__.c.state.type.python_type is states
    ]
    assert len(rows) == 1, f"{module.__name__}: which row has the states of TRANSITIONS? {rows}"
    starts = getattr(module, "STARTS", frozenset({next(iter(table))}))
    return Machine(module.__name__, table, states, starts, rows[0], module.move)


MACHINES = machines()


def test_all_machines_are_found() -> None:
    assert {machine.module for machine in MACHINES} >= EXPECTED


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.module)
def test_the_table_is_whole(machine: Machine) -> None:
    assert set(machine.table) == set(machine.states)
    assert all(isinstance(target, machine.states) for targets in machine.table.values() for target in targets)
    assert [state for state, targets in machine.table.items() if state in targets] == []


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.module)
def test_every_state_can_be_reached(machine: Machine) -> None:
    reached, frontier = set(), list(machine.starts)
    while frontier:
        state = frontier.pop()
        if state not in reached:
            reached.add(state)
            frontier += machine.table[state]
    assert reached == set(machine.states)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.module)
def test_the_full_matrix(machine: Machine) -> None:
    wrong = []
    for start, target in machine.pairs():
        row = machine.row(state=start)
        try:
            machine.move(row, target)
            refused = False
        except Conflict as conflict:
            refused = bool(conflict.code and conflict.message)
        allowed = target in machine.table[start]
        if row.state is not (target if allowed else start) or (allowed and refused):
            wrong.append(f"{start} -> {target}")
        if not allowed and target is not start and not refused:
            wrong.append(f"{start} -> {target} is neither allowed nor refused")
    assert wrong == []
