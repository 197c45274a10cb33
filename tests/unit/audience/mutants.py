"""Gates with one clause turned round: each is the real source with a single small change."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from listkeeper.audience import permission

# Where the gate decides; what only gathers rows or holds the answer is tested otherwise.
DECIDING = (
    "_decide", "_marketing", "_not_a_living_person", "_no_live_subscription", "_confirmation_mail", "_asked_of",
    "_not_by_this_list", "_why_not_live", "_service", "_test", "_WHY_NOT_CONFIRMED",
)  # fmt: skip
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.GtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Lt,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A changed gate, and the change in words."""

    change: str
    tree: ast.Module

    def load(self) -> ModuleType:
        """Return the changed gate as a module of its own."""
        module = ModuleType(permission.__name__)
        exec(compile(self.tree, "<mutant>", "exec"), module.__dict__)  # noqa: S102 - our own source, a little changed
        return module


def of_the_gate() -> list[Mutant]:
    """Return every mutant of the functions that decide."""
    tree = ast.parse(inspect.getsource(permission))
    return [
        Mutant(f"{_name(statement)}: {words}", _with(tree, path, changed))
        for number, statement in enumerate(tree.body)
        if _name(statement) in DECIDING
        for path, node in _walk(statement, (("body", number),))
        for words, changed in _changes(node)
    ]


def _name(statement: ast.stmt) -> str:
    if isinstance(statement, ast.FunctionDef):
        return statement.name
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return ""


_Path = tuple[tuple[str, int | None], ...]


def _walk(node: ast.AST, path: _Path) -> Iterator[tuple[_Path, ast.expr]]:
    for field, value in ast.iter_fields(node):
        if field in {"returns", "annotation", "decorator_list"}:
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST):
                below = (*path, (field, index))
                if isinstance(child, ast.expr):
                    yield below, child
                yield from _walk(child, below)


def _changes(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield every small change of one expression, with its words."""
    match node:
        case ast.Compare(left, [operator], [right]) if type(operator) in _TURNED:
            turned = _TURNED[type(operator)]()
            yield f"{ast.unparse(node)} turned round", ast.Compare(left, [turned], [right])
        case ast.BoolOp(operator, values):
            other = ast.And() if isinstance(operator, ast.Or) else ast.Or()
            yield f"{ast.unparse(node)} joined otherwise", ast.BoolOp(other, values)
            for number, value in enumerate(values):
                rest = [kept for kept in values if kept is not value]
                yield f"{ast.unparse(node)} without part {number + 1}", _joined(operator, rest)
        case ast.UnaryOp(ast.Not(), operand):
            yield f"{ast.unparse(node)} without not", operand
        case ast.BinOp(left, ast.BitAnd(), right):
            yield f"{ast.unparse(node)} without its right side", left
        case ast.Set(elements):
            for gone in elements:
                kept = [element for element in elements if element is not gone] or [ast.Constant("nothing")]
                yield f"{ast.unparse(node)} without {ast.unparse(gone)}", ast.Set(kept)
        case ast.Attribute(ast.Name("RefusalCode"), code):
            other_code = "NO_BASIS" if code == "GATE_ERROR" else "GATE_ERROR"
            named = ast.Attribute(ast.Name("RefusalCode", ast.Load()), other_code, ast.Load())
            yield f"{code} called {other_code}", named
        case ast.IfExp(_, body, orelse):
            yield f"{ast.unparse(node)} always yes", body
            yield f"{ast.unparse(node)} always no", orelse
        case _:
            return


def _joined(operator: ast.boolop, values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else ast.BoolOp(operator, values)


def _with(tree: ast.Module, path: _Path, changed: ast.expr) -> ast.Module:
    """Return a copy of the tree in which one expression is another."""
    whole = copy.deepcopy(tree)
    place: ast.AST = whole
    for field, index in path[:-1]:
        value = getattr(place, field)
        place = value if index is None else value[index]
    field, index = path[-1]
    if index is None:
        setattr(place, field, copy.deepcopy(changed))
    else:
        getattr(place, field)[index] = copy.deepcopy(changed)
    return ast.fix_missing_locations(whole)
