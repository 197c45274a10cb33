"""`bin/up` on a machine with a shell and a Python: installs once, says what is missing, survives interruption."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole_program

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import json, os, sys
print(json.dumps({"words": sys.argv[1:], "data": os.environ["LISTKEEPER_DATA"], "prefix": sys.prefix}))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a program that says what it was told, and a lock that needs no package from anywhere."""
    folder = tmp_path / "a checkout"
    (folder / "bin").mkdir(parents=True)
    (folder / "requirements").mkdir()
    shutil.copy(_ROOT / "bin" / "up", folder / "bin")
    shutil.copy(_ROOT / "requirements" / "install.py", folder / "requirements")
    (folder / "requirements" / "run.lock").write_text("# nothing\n")
    (folder / "listkeeper" / "cli").mkdir(parents=True)
    (folder / "listkeeper" / "__init__.py").touch()
    (folder / "listkeeper" / "cli" / "__init__.py").touch()
    (folder / "listkeeper" / "cli" / "main.py").write_text(_PROGRAM)
    (folder / "listkeeper" / "standards").mkdir()
    (folder / "listkeeper" / "standards" / "__init__.py").touch()
    (folder / "listkeeper" / "standards" / "proof.py").write_text('print("the verifier")')
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The programs of a bare machine: a folder that is its whole PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("dirname", "cat", "cksum"):
        (programs / name).symlink_to(str(shutil.which(name)))
    return programs


@pytest.fixture
def with_python(machine: Path) -> Path:
    """The same machine with a Python that fits."""
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    (machine / "python3").write_text(f'#!/bin/sh\nexec "{base}" "$@"\n')
    (machine / "python3").chmod(0o755)
    return machine


def _up(checkout: Path, machine: Path, *words: str) -> subprocess.CompletedProcess[str]:
    with _starting(checkout, machine, *words) as process:
        out, errors = process.communicate(timeout=100)
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def _starting(checkout: Path, machine: Path, *words: str) -> subprocess.Popen[str]:
    environment = {"PATH": str(machine), "HOME": str(checkout.parent)}
    environment |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    return subprocess.Popen(
        [checkout / "bin" / "up", *words],
        env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_first_start_installs_and_the_second_does_not(checkout: Path, with_python: Path) -> None:
    first = _up(checkout, with_python, "--port", "8111")
    assert first.returncode == 0, first.stderr
    assert "installing" in first.stderr
    assert '"words": ["up", "--port", "8111"]' in first.stdout
    assert f'"data": "{checkout}/data"' in first.stdout
    assert f'"prefix": "{checkout}/.venv"' in first.stdout
    second = _up(checkout, with_python)
    assert (second.returncode, second.stderr) == (0, "")

    launched = subprocess.run(
        [checkout / ".venv" / "bin" / "listkeeper", "doctor"],
        env={"LISTKEEPER_DATA": "d"}, cwd="/", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert '"words": ["doctor"]' in launched.stdout
    verifier = [checkout / ".venv" / "bin" / "listkeeper-verify"]
    assert subprocess.run(verifier, env={}, capture_output=True, text=True, check=True).stdout == "the verifier\n"


def test_an_interrupted_installation_and_a_new_lock_are_installed_again(checkout: Path, with_python: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    assert "installing" in _up(checkout, with_python).stderr
    (checkout / "requirements" / "run.lock").write_text("# a newer one\n")
    newer = _up(checkout, with_python)
    assert newer.returncode == 0
    assert "installing" in newer.stderr
    (checkout / ".venv" / ".up").unlink()
    again = _up(checkout, with_python)
    assert again.returncode == 0
    assert "installing" in again.stderr


def test_a_package_that_cannot_be_had_leaves_nothing_half_done(checkout: Path, with_python: Path) -> None:
    lock = checkout / "requirements" / "run.lock"
    good = lock.read_text()
    lock.write_text(f"listkeeper-none-such==1.0 --hash=sha256:{'0' * 64}\n")
    failed = _up(checkout, with_python)
    assert failed.returncode == 1
    assert "did not succeed" in failed.stderr
    assert failed.stdout == ""
    assert not (checkout / ".venv" / ".up").exists()
    lock.write_text(good)
    assert _up(checkout, with_python).returncode == 0


def test_of_two_starts_at_once_one_installs_and_both_run(checkout: Path, with_python: Path) -> None:
    both = [_starting(checkout, with_python) for _ in range(2)]
    said = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("installing" in errors for _, errors in said) == 1


def test_without_a_fitting_python_it_says_so(checkout: Path, machine: Path) -> None:
    (machine / "python3").write_text("#!/bin/sh\nexit 1\n")
    (machine / "python3").chmod(0o755)
    refused = _up(checkout, machine)
    assert refused.returncode == 2
    [sentence] = refused.stderr.splitlines()
    assert "no Python 3.11, 3.12 or 3.13 was found" in sentence
    assert not (checkout / ".venv").exists()


def test_a_python_without_venv_is_named_with_the_cure(checkout: Path, machine: Path) -> None:
    (machine / "python3").write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n')
    (machine / "python3").chmod(0o755)
    refused = _up(checkout, machine)
    assert refused.returncode == 2
    assert "python3-venv" in refused.stderr
    assert not (checkout / ".venv").exists()
