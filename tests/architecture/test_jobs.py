"""Every job that is rung for exists, every fact has its reaction, every lane is worked."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator

import pytest

from listkeeper.foundation.outbox import Lane
from tests.architecture import source

JOB = re.compile(r"^listkeeper\.jobs\.[a-z_]+\.[a-z_]+$")


def _named_jobs() -> Iterator[tuple[str, str]]:
    for file in source.package():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and JOB.match(node.value):
                yield file.name, node.value


def test_every_job_that_is_named_exists() -> None:
    named = set(_named_jobs())
    assert named
    for where, name in named:
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function, None)), f"{where} names {name}"


_WRITERS = {"outbox.write", "outbox.write_all"}


def _written_facts() -> Iterator[tuple[str, str]]:
    for file in source.package():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call) and source.dotted(node.func) in _WRITERS:
                yield f"{file.name}:{node.lineno}", _value(file.module, node.args[1])


def _value(module: str, node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    value: object = importlib.import_module(module)
    for name in source.dotted(node).split("."):
        value = getattr(value, name)
    return str(value)


def test_every_fact_has_a_reaction_and_every_reaction_a_fact() -> None:
    known = importlib.import_module("listkeeper.jobs.reactions")
    reactions = known.REACTIONS | known.TOGETHER
    assert set(known.REACTIONS) & set(known.TOGETHER) == set()
    facts = dict(_written_facts())
    assert facts
    assert {where: name for where, name in facts.items() if name not in reactions} == {}
    assert set(reactions) - set(facts.values()) == set()
    assert [name for name in reactions if not re.fullmatch(r"[a-z_]+\.[a-z_]+", name)] == []


@pytest.mark.parametrize("lane", Lane)
def test_every_lane_is_worked(lane: Lane) -> None:
    """A worker of ``listkeeper work`` listens to every lane, the most urgent first."""
    worker = importlib.import_module("listkeeper.jobs.worker")
    assert lane.value in worker.LANES
    assert list(worker.LANES) == [one.value for one in Lane]
