"""The line of changes that the composer keeps, in Node: its own tests stand beside it in web/assets."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from listkeeper.web import asset

ASSETS = Path(asset.__file__).resolve().parent / "assets"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is absent: bin/test installs it")
def test_the_line_of_changes_loses_nothing_and_doubles_nothing() -> None:
    ran = subprocess.run(
        ["node", "--test", "tests"], cwd=ASSETS, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "# fail 0" in ran.stdout
