"""The source of the program, read as text and as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "listkeeper"
NOT_OURS = {"node_modules", "build", "__pycache__", ".venv"}


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    @property
    def name(self) -> str:
        """Where it lies, seen from the checkout."""
        return self.path.relative_to(CHECKOUT).as_posix()

    @property
    def module(self) -> str:
        """How it is imported."""
        return self.name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @cached_property
    def text(self) -> str:
        """What it says."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """What it means."""
        return ast.parse(self.text, self.name)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield line and dotted name of everything that is imported."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    def calls(self) -> Iterator[tuple[int, str]]:
        """Yield line and dotted name of everything that is called: ``socket.getaddrinfo``, ``.commit``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node.lineno, dotted(node.func)


def dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` for a chain of names; what stands before an attribute of anything else is left out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


@cache
def package() -> tuple[Source, ...]:
    """Return every Python file of the program."""
    return _under(PACKAGE)


@cache
def tests() -> tuple[Source, ...]:
    """Return every Python file of the tests."""
    return _under(CHECKOUT / "tests")


def _under(folder: Path) -> tuple[Source, ...]:
    files = sorted(path for path in folder.rglob("*.py") if not NOT_OURS & set(path.relative_to(CHECKOUT).parts))
    return tuple(Source(path) for path in files)


@cache
def templates() -> tuple[Path, ...]:
    """Return every Jinja template."""
    return tuple(sorted(path for path in (CHECKOUT / "templates").rglob("*") if path.is_file()))
