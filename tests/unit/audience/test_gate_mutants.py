"""No clause of the gate can be turned round unnoticed: the cases of ``gate_cases`` tell every such gate from ours."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import FrameType

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import gate_clauses, permission
from listkeeper.audience.subscription import SubscriptionState
from tests.unit.audience import gate_scene, mutants
from tests.unit.audience.gate_cases import CASES
from tests.unit.audience.gate_scene import Case, Scene
from tests.unit.audience.mutants import Mutant

# Changes that change nothing, each with its reason.
_DEFAULT = "the default for a state that somebody adds and forgets, which another test here forbids"
HARMLESS = {
    "_no_live_subscription: GATE_ERROR called NO_BASIS": _DEFAULT,
    "_to_subscriber: GATE_ERROR called NO_BASIS": _DEFAULT,
    "_receipt: person is None or current is None or event_id is None or (current.consent_event_id != event_id) "
    "without part 1": "whose subscription is found is found herself",
    "_proven: if not claimed never": "it asks about no import at all",
    "_asked: if not ids never": "it asks about no question at all",
}
_GATE = ("gate_clauses.py", "gate_view.py", "permission.py")


@pytest.fixture
def scene(session: Session, frozen_clock: time_machine.Traveller) -> Scene:
    """Somebody whom the gate grants."""
    return gate_scene.prepare(session)


def _seen(scene: Scene, mutant: Mutant, cases: list[Case]) -> Case | None:
    """Return the first case that a changed gate gets wrong, or None when it passes for ours."""
    try:
        gate = mutant.load()
    except Exception:  # noqa: BLE001 - a gate that cannot even be opened lets nothing through
        return cases[0]
    for case in cases:
        with gate_scene.played(scene, case):
            try:
                said = scene.verdict(gate)
            except Exception:  # noqa: BLE001 - a gate that breaks is noticed too
                return case
        if said != case.expected:
            return case
    return None


def _walked(scene: Scene) -> dict[Case, set[str]]:
    """Return which functions of the gate each case walks through: only those can notice a change there."""
    walked: dict[Case, set[str]] = {}
    for case in CASES:
        seen: set[str] = set()

        def hear(frame: FrameType, event: str, _argument: object, seen: set[str] = seen) -> None:
            if event == "call" and frame.f_code.co_filename.endswith(_GATE):
                seen.add(frame.f_code.co_name)

        with gate_scene.played(scene, case):
            scene.session.flush()
            sys.setprofile(hear)
            try:
                scene.verdict(permission)
            finally:
                sys.setprofile(None)
        walked[case] = seen
    return walked


@pytest.mark.timeout(900)
def test_every_turned_clause_is_noticed(
    scene: Scene, chance: random.Random, share: Callable[[str, int, int], int]
) -> None:
    found = mutants.of_the_gate()
    assert len(found) > 300
    walked = _walked(scene)
    functions = set().union(*walked.values())
    chosen = chance.sample(found, share("gates with one clause turned round", len(found), 15))
    # A mutant of one clause is most likely caught by a case that was caught last.
    order, survivors = list(CASES), []
    for mutant in chosen:
        # A table is looked into by functions of other names, so all cases are asked about it.
        able = [case for case in order if mutant.place in walked[case] or mutant.place not in functions]
        case = _seen(scene, mutant, able)
        if case is None:
            survivors.append(mutant.change)
        else:
            order.remove(case)
            order.insert(0, case)
    unnoticed = [change for change in survivors if change not in HARMLESS]
    assert not unnoticed, "\n".join(unnoticed)


def test_the_unchanged_gate_passes(scene: Scene, chance: random.Random, share: Callable[[str, int, int], int]) -> None:
    """Otherwise every mutant would be noticed for nothing."""
    for unchanged in mutants.unchanged():
        chosen = chance.sample(CASES, share("cases asked of a gate that was only loaded anew", len(CASES), 40))
        assert _seen(scene, unchanged, chosen) is None


def test_what_is_called_harmless_is_still_there() -> None:
    assert set(HARMLESS) <= {mutant.change for mutant in mutants.of_the_gate()}


def test_every_state_but_confirmed_has_its_refusal() -> None:
    assert set(gate_clauses._WHY_NOT_CONFIRMED) == set(SubscriptionState) - {SubscriptionState.CONFIRMED}  # noqa: SLF001
