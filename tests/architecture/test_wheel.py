"""The wheel carries all that the program needs beside its Python files."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture import source


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=source.CHECKOUT, check=True, capture_output=True,
    )  # fmt: skip
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def _shipped(folder: str, pattern: str = "*") -> set[str]:
    root = source.CHECKOUT / folder
    files = [path for path in root.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(root).as_posix() for path in files}


@pytest.mark.parametrize("folder", ["templates", "migrations"])
def test_top_level_folders_travel_inside_the_package(names: set[str], folder: str) -> None:
    assert {f"listkeeper/{folder}/{file}" for file in _shipped(folder)} <= names


def test_catalogues_and_built_assets_are_inside(names: set[str]) -> None:
    for folder, pattern in (("listkeeper/translations", "*.mo"), ("listkeeper/web/static", "*")):
        files = {f"{folder}/{file}" for file in _shipped(folder, pattern)}
        assert files
        assert files <= names


def test_every_module_is_inside_and_nothing_of_the_workshop(names: set[str]) -> None:
    assert {file.name for file in source.package()} <= names
    assert [name for name in names if "node_modules" in name or "web/assets" in name or name.startswith("tests/")] == []
    assert [name for name in names if Path(name).suffix == ".pyc"] == []
