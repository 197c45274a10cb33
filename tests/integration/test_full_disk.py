"""A disk that is really full, in memory and only for one program: nothing is claimed, lost or sent twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import source
from tests.fakes import databases, full_disk
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.works import recipients

pytestmark = pytest.mark.whole_program

_NAMESPACE = ["unshare", "--map-root-user", "--mount"]


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*_NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True)
    return tried.returncode == 0


def test_nothing_leaves_without_room_and_everything_once_there_is(tmp_path: Path, smtp_sink: SmtpSink) -> None:
    if not _may_mount():
        pytest.skip("this machine lets nobody mount a small disk of their own")
    with databases.on_sqlite(tmp_path / "data", tmp_path):
        program = [sys.executable, "-m", "tests.fakes.full_disk", str(tmp_path / "data" / "listkeeper.db")]
        ran = subprocess.run(
            [*_NAMESPACE, *program, smtp_sink.url], cwd=source.CHECKOUT, capture_output=True, text=True, check=False
        )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout.splitlines()[-1])
    untouched = {"states": {"queued": full_disk.PEOPLE}, "attempts": 0, "said": ""}
    assert seen["too little"] == untouched | {"standing": ["disk_full"]}
    assert {name: seen["none"][name] for name in untouched} == untouched
    assert seen["room again"]["states"] == {"accepted": full_disk.PEOPLE}
    assert "disk_full" not in seen["room again"]["standing"]
    assert sorted(recipients(smtp_sink).values()) == [1] * full_disk.PEOPLE
