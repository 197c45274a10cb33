"""No clause of the gate can be turned round unnoticed: the cases of ``gate_cases`` tell every such gate from ours."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import permission
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import keys
from listkeeper.settings import Settings
from tests.fakes import databases
from tests.fakes.databases import Database
from tests.unit.audience import gate_cases, mutants
from tests.unit.audience.gate_cases import CASES, Case, Scene
from tests.unit.audience.mutants import Mutant

# Changes that change nothing: the default for a state that somebody adds and forgets here, which the last test forbids.
HARMLESS = {f"{clause}: GATE_ERROR called NO_BASIS" for clause in ("_no_live_subscription", "_service")}


@pytest.fixture
def scene(
    empty_database: Callable[[str], Database], settings: Settings, frozen_clock: time_machine.Traveller
) -> Iterator[Scene]:
    """Somebody whom the gate grants; the database's own differences are not what this is about."""
    keys.open_folder(settings.key_folder)
    made = empty_database("sqlite")
    databases.migrate(made)
    engine = made.engine()
    with Session(engine) as session:
        yield gate_cases.prepare(session)
        session.rollback()
    engine.dispose()


def _seen(scene: Scene, mutant: Mutant, cases: list[Case]) -> Case | None:
    """Return the first case that a changed gate gets wrong, or None when it passes for ours."""
    gate = mutant.load()
    for case in cases:
        with gate_cases.played(scene, case):
            try:
                said = scene.verdict(gate)
            except Exception:  # noqa: BLE001 - a gate that breaks is noticed too
                return case
        if said != case.expected:
            return case
    return None


def test_every_turned_clause_is_noticed(
    scene: Scene, chance: random.Random, share: Callable[[str, int, int], int]
) -> None:
    found = mutants.of_the_gate()
    assert len(found) > 100
    chosen = chance.sample(found, share("gates with one clause turned round", len(found), 40))
    # A mutant of one clause is most likely caught by a case that was caught last.
    order, survivors = list(CASES), []
    for mutant in chosen:
        case = _seen(scene, mutant, order)
        if case is None:
            survivors.append(mutant.change)
        else:
            order.remove(case)
            order.insert(0, case)
    assert [change for change in survivors if change not in HARMLESS] == []


def test_the_unchanged_gate_passes(scene: Scene) -> None:
    """Otherwise every mutant would be noticed for nothing."""
    unchanged = Mutant("none", mutants.ast.parse(mutants.inspect.getsource(permission)))
    assert _seen(scene, unchanged, list(CASES)) is None


def test_every_state_but_confirmed_has_its_refusal() -> None:
    assert set(permission._WHY_NOT_CONFIRMED) == set(SubscriptionState) - {SubscriptionState.CONFIRMED}  # noqa: SLF001
