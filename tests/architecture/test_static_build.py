"""What browsers get is what esbuild makes of the sources in web/assets; nobody has to believe it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture import source

ASSETS = source.PACKAGE / "web" / "assets"
STATIC = source.PACKAGE / "web" / "static"
FOREIGN = re.compile(rb"""(?:url\(|@import|src=|href=|fetch\(|import\()\s*["']?(?:https?:)?//(?!www\.w3\.org)""")


def test_the_build_is_that_of_the_sources(tmp_path: Path) -> None:
    if shutil.which("node") is None or not (ASSETS / "node_modules").is_dir():
        pytest.skip("node or its packages are absent: bin/test installs both (npm ci --prefix listkeeper/web/assets)")
    copy = tmp_path / "listkeeper" / "web"
    shutil.copytree(ASSETS, copy / "assets", ignore=shutil.ignore_patterns("node_modules"))
    (copy / "assets" / "node_modules").symlink_to(ASSETS / "node_modules")
    shutil.copytree(STATIC, copy / "static", ignore=shutil.ignore_patterns("build"))
    subprocess.run(["node", "build.mjs"], cwd=copy / "assets", check=True, capture_output=True, timeout=100)
    assert _files(copy / "static" / "build") == _files(STATIC / "build")


def _files(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files
    return files


def test_nothing_is_loaded_from_another_host() -> None:
    found = [
        f"{path.relative_to(STATIC)}: {hit[:80]!r}"
        for path in STATIC.rglob("*")
        if path.is_file() and path.suffix in {".css", ".js", ".html", ".svg"}
        for hit in FOREIGN.findall(path.read_bytes())
    ]
    assert found == []
