"""What a person at a terminal sees: a progress bar for long work, a question before sending, and nothing else."""

from __future__ import annotations

import json
import os
import pty
import select as polling
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import running_up

pytestmark = pytest.mark.whole_program


def _at_a_terminal(data: Path, *words: str, typed: bytes = b"", **settings: str) -> tuple[int, str, str]:
    """Run a command whose standard error and input are a terminal; return its code, output and what the screen got."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "listkeeper.cli.main", *words, "--data", str(data)],
        cwd=running_up.ROOT,
        env=running_up.environment(check_links="false", **settings) | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, typed)
    screen = _screen(ours)
    assert process.stdout is not None
    out = process.stdout.read().decode()
    process.stdout.close()
    return process.wait(60), out, screen


def _screen(terminal: int) -> str:
    shown = b""
    while polling.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            # Linux says so when the last one on the other side has gone.
            break
        shown += part
    os.close(terminal)
    return shown.decode()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_long_work_shows_how_far_it_is_and_the_answer_stays_one_document(data: Path) -> None:
    code, out, screen = _at_a_terminal(data, "demo", "--people", "3000", "--json")
    assert code == 0
    assert json.loads(out)["people"]["confirmed"] == 3000
    assert "Making people up" in screen
    assert "%" in screen
    assert "Traceback" not in screen


def test_without_a_terminal_there_is_no_bar(data: Path) -> None:
    done = running_up.command("demo", "--people", "20", "--data", str(data))
    assert (done.returncode, done.stderr) == (0, "")


def test_sending_asks_first_and_only_yes_means_yes(data: Path) -> None:
    draft = json.loads(running_up.command("demo", "--people", "20", "--json", "--data", str(data)).stdout)
    public_id = draft["campaigns"]["draft"]
    code, out, screen = _at_a_terminal(data, "campaign", "send", public_id, typed=b"n\n")
    assert (code, out) == (12, "")
    assert f"Send {public_id} now?" in screen
    assert "Nothing was sent." in screen
    # The end of what is typed is no answer.
    code, out, screen = _at_a_terminal(data, "campaign", "send", public_id, typed=b"\x04")
    assert (code, out) == (130, "")
    assert "Traceback" not in screen
    assert _state(data, public_id) == "draft"
    code, out, screen = _at_a_terminal(data, "campaign", "send", public_id, "--json", typed=b"y\n")
    assert code == 0
    assert json.loads(out) == {"id": public_id, "state": "sending", "recipients": 20}
    assert _state(data, public_id) == "sending"


def _state(data: Path, public_id: str) -> str:
    with sqlite3.connect(data / "listkeeper.db") as database:
        [(state,)] = database.execute("SELECT state FROM campaign WHERE public_id = ?", (public_id,))
    database.close()
    return str(state)
