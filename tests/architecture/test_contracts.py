"""The contracts of import-linter name every chapter that exists, in the order of the house."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from listkeeper import store
from tests.architecture import source

LAYERS = [
    "cli", "app", "web | jobs | mailroom", "store | parts", "settings", "insight", "feedback", "sending", "campaigns",
    "rendering", "audience", "deliverability", "accounts", "standards", "foundation",
]  # fmt: skip
DOMAIN = LAYERS[LAYERS.index("insight") :]


@pytest.fixture(scope="module")
def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((source.CHECKOUT / "pyproject.toml").read_text())
    return list(settings["tool"]["importlinter"]["contracts"])


def test_the_layers_are_the_table_of_contents(contracts: list[dict[str, Any]]) -> None:
    layers = contracts[0]
    assert [line.replace("(", "").replace(")", "") for line in layers["layers"]] == LAYERS
    assert layers["exhaustive"] is True
    assert "exhaustive_ignores" not in layers
    assert "ignore_imports" not in layers


def test_the_domain_is_all_of_the_domain(contracts: list[dict[str, Any]]) -> None:
    existing = {f"listkeeper.{chapter}" for chapter in DOMAIN if (source.PACKAGE / chapter / "__init__.py").is_file()}
    assert set(contracts[1]["source_modules"]) == existing
    assert "ignore_imports" not in contracts[1]
    assert "ignore_imports" not in contracts[2]


def test_tables_are_looked_for_in_every_chapter() -> None:
    existing = {chapter for chapter in DOMAIN if (source.PACKAGE / chapter / "__init__.py").is_file()}
    assert existing - {"standards"} <= set(store.CHAPTERS)


def test_every_folder_of_python_is_a_package() -> None:
    """A folder without ``__init__.py`` would be no chapter for import-linter, and escape every contract."""
    bare = {
        file.path.parent.relative_to(source.CHECKOUT).as_posix()
        for file in source.package()
        if not (file.path.parent / "__init__.py").is_file()
    }
    assert bare == set()


def test_five_contracts_and_no_more(contracts: list[dict[str, Any]]) -> None:
    assert [contract["name"][:2] for contract in contracts] == ["1.", "2.", "3.", "4.", "5."]
