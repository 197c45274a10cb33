"""The numbered cases of consent.md section 13: each has a test by its number, and only named ones may still fail."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
CASES = range(1, 45)
# What is expected to fail, strictly, until the issue that builds it.
AWAITED: dict[int, str] = {}
_LEAVING_OUT = {"pytest.skip", "pytest.xfail", "pytest.importorskip"}
_NAME = re.compile(r"test_case_(\d\d)_[a-z0-9_]+")


@dataclass(frozen=True)
class Found:
    """One test function: where it stands, its number (0: none), and its marks as they are written."""

    place: str
    number: int
    marks: tuple[ast.expr, ...]

    def marked(self, name: str) -> list[ast.expr]:
        """Return the marks of a name, called or bare."""
        return [mark for mark in self.marks if ast.unparse(mark).split("(")[0].endswith(f"mark.{name}")]


def _tests() -> Iterator[Found]:
    for file in sorted(FOLDER.glob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                numbered = _NAME.fullmatch(node.name)
                marks = (*node.decorator_list, *_of_module(tree))
                yield Found(f"{file.name}::{node.name}", int(numbered[1]) if numbered else 0, marks)


def _of_module(tree: ast.Module) -> list[ast.expr]:
    """Return what ``pytestmark`` puts on every test of a file."""
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in node.targets)
    ]
    return [mark for value in values for mark in (value.elts if isinstance(value, ast.List | ast.Tuple) else [value])]


def test_every_case_has_a_test_by_its_number() -> None:
    numbers = {found.number for found in _tests()} - {0}
    assert sorted(set(CASES) - numbers) == []
    assert sorted(numbers - set(CASES)) == []


def test_only_the_awaited_cases_are_expected_to_fail_and_strictly() -> None:
    expected: dict[int, set[str]] = {}
    for found in _tests():
        if found.place.startswith("test_field_"):
            # The defects of the field have a list of their own, in ``test_every_field_defect_has_a_test``.
            continue
        for mark in found.marked("xfail"):
            assert isinstance(mark, ast.Call), found.place
            said = {
                word.arg: ast.literal_eval(word.value) for word in mark.keywords if word.arg in {"strict", "reason"}
            }
            assert said.get("strict") is True, f"{found.place}: whoever makes it green must be told so"
            expected.setdefault(found.number, set()).add(str(said.get("reason")))
    assert expected == {number: {reason} for number, reason in AWAITED.items()}


def test_no_case_is_left_out_of_the_run() -> None:
    left_out = [found.place for found in _tests() for name in ("skip", "skipif") if found.marked(name)]
    calls = [
        f"{file.name}: {ast.unparse(node)}"
        for file in sorted(FOLDER.glob("test_*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _LEAVING_OUT
    ]
    assert left_out + calls == []


def test_every_awaited_case_is_in_the_signup_or_feedback_issue() -> None:
    """The list above can only get shorter."""
    assert set(AWAITED) <= {13, 14, 15, 16, 17, 18, 39, 40}
