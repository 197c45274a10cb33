"""The shape of the house: small files, small functions, names that say something, a story in each chapter."""

from __future__ import annotations

import ast

from tests.architecture import source

LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 40
NAMES_THAT_HIDE_A_CONCEPT = {
    "models", "model", "services", "service", "utils", "util", "helpers", "helper", "common", "constants", "const",
    "managers", "manager", "views", "view", "misc", "base", "core", "tools", "lib", "shared", "types", "dao",
}  # fmt: skip
WORDS_OF_ANOTHER_HOUSE = {"blacklist", "whitelist", "blast"}


def test_files_are_small() -> None:
    long = {file.name: file.text.count("\n") for file in (*source.package(), *source.tests())}
    assert {name: lines for name, lines in long.items() if lines > LINES_OF_A_FILE} == {}


def test_functions_are_small() -> None:
    long = {
        f"{file.name}:{function.lineno} {function.name}": lines
        for file in (*source.package(), *source.tests())
        for function in file.functions()
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_no_name_hides_a_concept() -> None:
    parts = {file.name: set(file.path.relative_to(source.PACKAGE).with_suffix("").parts) for file in source.package()}
    assert {name: found for name, words in parts.items() if (found := words & NAMES_THAT_HIDE_A_CONCEPT)} == {}


def test_no_empty_file() -> None:
    assert [file.name for file in source.package() if len(file.tree.body) < 1] == []


def test_every_module_says_what_it_is() -> None:
    assert [file.name for file in (*source.package(), *source.tests()) if not ast.get_docstring(file.tree)] == []


def test_every_public_function_of_the_standards_says_what_it_does() -> None:
    silent = [
        f"{file.name}:{node.lineno} {node.name}"
        for file in source.package()
        if file.module.startswith("listkeeper.standards")
        for node in _public(file.tree)
        if not ast.get_docstring(node)
    ]
    assert silent == []


def _public(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    top = [node for node in tree.body if isinstance(node, kinds)]
    inside = [
        inner for node in top if isinstance(node, ast.ClassDef) for inner in node.body if isinstance(inner, kinds)
    ]
    return [node for node in (*top, *inside) if not node.name.startswith("_")]


def test_chapters_tell_their_story_and_export_nothing() -> None:
    wrong = []
    for file in source.package():
        if file.path.name != "__init__.py":
            continue
        wrong += [
            f"{file.name}:{line} imports {name}" for line, name in file.imports() if name != "__future__.annotations"
        ]
        wrong += [
            f"{file.name}:{node.lineno} is more than a docstring"
            for node in file.tree.body
            if not isinstance(node, ast.Expr | ast.Assign | ast.ImportFrom)
        ]
    assert wrong == []


def test_words_of_the_house() -> None:
    found = [
        f"{file.name}:{number}: {word}"
        for file in source.package()
        for number, line in enumerate(file.text.lower().splitlines(), 1)
        for word in WORDS_OF_ANOTHER_HOUSE
        if word in line
    ]
    assert found == []


def test_modules_are_imported_from_where_they_are() -> None:
    relative = [
        f"{file.name}:{node.lineno}"
        for file in source.package()
        for node in ast.walk(file.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []
