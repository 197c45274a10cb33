"""How much room a disk has: asked once a second at most, and not known where the system does not say."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from listkeeper.foundation import disk


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    disk.forget()
    yield
    disk.forget()


def test_it_says_what_the_system_says(tmp_path: Path) -> None:
    found = disk.free(tmp_path)
    assert found is not None
    assert abs(found - shutil.disk_usage(tmp_path).free) < 200_000_000


def test_a_folder_that_is_not_there_is_not_known(tmp_path: Path) -> None:
    assert disk.free(tmp_path / "nowhere") is None


def test_it_asks_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment, answers = [100.0], iter((7, 9))
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    monkeypatch.setattr(os, "statvfs", lambda _folder: SimpleNamespace(f_bavail=next(answers), f_frsize=10))
    assert [disk.free(tmp_path), disk.free(tmp_path)] == [70, 70]
    moment[0] += 1
    assert disk.free(tmp_path) == 90
