"""The defects of the field, consent.md section 14: each has one test by its number, and only named ones may fail."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
DEFECTS = range(1, 46)
# What is expected to fail, strictly, until the issue that builds it; this list can only get shorter. Beside each of
# these tests stands a plain one of what holds already.
AWAITED: dict[int, str] = {}
_NAME = re.compile(r"test_field_f(\d\d)_[a-z0-9_]+")


def _tests() -> Iterator[tuple[int, ast.FunctionDef]]:
    for file in sorted(FOLDER.glob("test_field_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_field"):
                numbered = _NAME.fullmatch(node.name)
                assert numbered, f"{file.name}::{node.name} has no number"
                yield int(numbered[1]), node


def test_every_defect_has_one_test_by_its_number() -> None:
    assert Counter(number for number, _ in _tests()) == dict.fromkeys(DEFECTS, 1)


def test_only_the_awaited_are_expected_to_fail_and_strictly() -> None:
    expected: dict[int, str] = {}
    for number, node in _tests():
        for mark in node.decorator_list:
            written = ast.unparse(mark)
            assert "skip" not in written, node.name
            if "xfail" in written:
                assert isinstance(mark, ast.Call)
                said = {word.arg: word.value for word in mark.keywords}
                assert ast.literal_eval(said["strict"]) is True, f"{node.name}: whoever mends it must be told so"
                assert "raises" in said, f"{node.name}: it may fail in one way only"
                expected[number] = ast.literal_eval(said["reason"])
    assert expected == AWAITED


def test_an_expected_failure_is_a_real_test() -> None:
    """It says what must hold when the feature stands: more than one demand, and none that can never be met."""
    for number, node in _tests():
        if number in AWAITED:
            demands = [ast.unparse(part.test) for part in ast.walk(node) if isinstance(part, ast.Assert)]
            assert len(demands) > 1, node.name
            assert not {"False", "0", "None"} & set(demands), node.name
