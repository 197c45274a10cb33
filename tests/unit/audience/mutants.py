"""Gates with one clause turned round: each is the real source with a single small change."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType

from listkeeper.audience import gate_clauses, gate_view, permission

# Where the gate decides; what only gathers rows or holds the answer is tested otherwise.
_MODULES = (gate_clauses, gate_view, permission)
_LEFT_OUT = {
    # The grant's own life is what ``test_permission`` is about.
    permission: {
        "GRANT_SECONDS",
        "RULE_VERSION",
        "_MAKER",
        "__init__",
        "__reduce__",
        "fresh",
        "open",
        "grant",
        "grant_all",
        "granted_at",
    },
    gate_clauses: {"Granted", "Verdict"},
}  # fmt: skip
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.GtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Lt,
}  # fmt: skip
_OTHER_SIDE = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}
_OTHER_NAME = {"max": "min", "any": "all"}
_Changed = ast.expr | ast.stmt


@dataclass(frozen=True)
class Mutant:
    """A changed gate: which function, what change, and how the changed source of one module is made."""

    place: str
    words: str
    of: ModuleType
    tree: Callable[[], ast.Module]

    @property
    def change(self) -> str:
        """Return the change in words."""
        return f"{self.place}: {self.words}"

    def load(self) -> ModuleType:
        """Return the gate with this change as a module of its own."""
        changed = ModuleType(self.of.__name__)
        exec(compile(self.tree(), "<mutant>", "exec"), changed.__dict__)  # noqa: S102 - our own source, a little changed
        if self.of is permission:
            return changed
        gate = ModuleType(permission.__name__)
        exec(compile(inspect.getsource(permission), "<gate>", "exec"), gate.__dict__)  # noqa: S102 - the same
        setattr(gate, self.of.__name__.rpartition(".")[2], changed)
        return gate


def unchanged() -> list[Mutant]:
    """Return the gate as it is, loaded in the same ways: otherwise every mutant could be noticed for nothing."""
    return [Mutant("nowhere", "nothing", module, partial(ast.parse, inspect.getsource(module))) for module in _MODULES]


@cache
def of_the_gate() -> list[Mutant]:
    """Return every mutant of the functions and tables that decide."""
    return [mutant for module in _MODULES for mutant in _of_module(module)]


def _of_module(module: ModuleType) -> Iterator[Mutant]:
    tree = ast.parse(inspect.getsource(module))
    for number, statement in enumerate(tree.body):
        for name, path, inner in _places(statement, (("body", number),)):
            if name in _LEFT_OUT.get(module, set()):
                continue
            for deeper, node in _walk(inner, path):
                for words, changed in _changes(node):
                    yield Mutant(name, words, module, partial(_with, tree, deeper, changed))


_Path = tuple[tuple[str, int | None], ...]


def _places(statement: ast.stmt, path: _Path) -> Iterator[tuple[str, _Path, ast.stmt]]:
    """Yield the functions and tables of a module, with the name under which a call of them is seen."""
    match statement:
        case ast.FunctionDef(name):
            yield name, path, statement
        case ast.ClassDef(body=body):
            for number, inner in enumerate(body):
                if isinstance(inner, ast.FunctionDef):
                    yield inner.name, (*path, ("body", number)), inner
        case ast.Assign([ast.Name(name)]) | ast.AnnAssign(ast.Name(name)):
            yield name, path, statement
        case _:
            return


def _walk(node: ast.AST, path: _Path) -> Iterator[tuple[_Path, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in {"returns", "annotation", "decorator_list", "args"} and isinstance(node, ast.FunctionDef | ast.arg):
            continue
        if field == "annotation":
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            # Reading a row afresh decides nothing here; that it is read afresh has a test of its own.
            fresh = isinstance(child, ast.keyword) and child.arg == "populate_existing"
            if isinstance(child, ast.AST) and not fresh:
                below = (*path, (field, index))
                yield below, child
                yield from _walk(child, below)


def _changes(node: ast.AST) -> Iterator[tuple[str, _Changed]]:
    """Yield every small change of one expression or statement, with its words."""
    said = ast.unparse(node) if isinstance(node, ast.expr | ast.If) else ""
    match node:
        case ast.Compare(left, [operator], [right]) if type(operator) in _TURNED:
            yield f"{said} turned round", ast.Compare(left, [_TURNED[type(operator)]()], [right])
            if type(operator) in _OTHER_SIDE:
                yield f"{said} the other way", ast.Compare(left, [_OTHER_SIDE[type(operator)]()], [right])
        case ast.BoolOp(operator, values):
            other = ast.And() if isinstance(operator, ast.Or) else ast.Or()
            yield f"{said} joined otherwise", ast.BoolOp(other, values)
            for number, value in enumerate(values):
                rest = [kept for kept in values if kept is not value]
                yield f"{said} without part {number + 1}", _joined(operator, rest)
        case ast.UnaryOp(ast.Not(), operand):
            yield f"{said} without not", operand
        case ast.BinOp(left, operator, right):
            yield from _sums(said, left, operator, right)
        case ast.IfExp(_, body, orelse):
            yield f"{said} always yes", body
            yield f"{said} always no", orelse
        case ast.If():
            yield f"{said.partition(':')[0]} never", ast.Pass()
        case _:
            yield from _lists(node)
            yield from _names(node)


def _lists(node: ast.AST) -> Iterator[tuple[str, _Changed]]:
    match node:
        case ast.Set(elements):
            for gone in elements:
                kept = [element for element in elements if element is not gone] or [ast.Constant("nothing")]
                yield f"{ast.unparse(node)} without {ast.unparse(gone)}", ast.Set(kept)
        case ast.Dict(names, values):
            yield from _tables(names, values)
        case _:
            return


def _names(node: ast.AST) -> Iterator[tuple[str, _Changed]]:
    match node:
        case ast.Attribute(ast.Name("RefusalCode"), code):
            other = "NO_BASIS" if code == "GATE_ERROR" else "GATE_ERROR"
            named = ast.Attribute(ast.Name("RefusalCode", ast.Load()), other, ast.Load())
            yield f"{code} called {other}", named
        case ast.Constant(bool(value)):
            yield f"{value} for {not value}", ast.Constant(not value)
        case ast.Constant(int(value)):
            yield f"{value} for {value + 1}", ast.Constant(value + 1)
        case ast.Call(ast.Name(name), arguments, words) if name in _OTHER_NAME:
            other = _OTHER_NAME[name]
            yield f"{name} called {other}", ast.Call(ast.Name(other, ast.Load()), arguments, words)
        case _:
            return


def _sums(said: str, left: ast.expr, operator: ast.operator, right: ast.expr) -> Iterator[tuple[str, _Changed]]:
    match operator:
        case ast.BitAnd():
            yield f"{said} without its right side", left
        case ast.Add():
            yield f"{said} taken away", ast.BinOp(left, ast.Sub(), right)
            yield f"{said} not added", left
        case _:
            return


def _tables(names: list[ast.expr | None], values: list[ast.expr]) -> Iterator[tuple[str, _Changed]]:
    for gone in range(len(names)):
        keep = [number for number in range(len(names)) if number != gone]
        rest = ast.Dict([names[number] for number in keep], [values[number] for number in keep])
        yield f"no row for {ast.unparse(names[gone] or values[gone])}", rest


def _joined(operator: ast.boolop, values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else ast.BoolOp(operator, values)


def _with(tree: ast.Module, path: _Path, changed: _Changed) -> ast.Module:
    """Return a copy of the tree in which one node is another."""
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
