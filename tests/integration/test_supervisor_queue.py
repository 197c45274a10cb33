"""The bundled queue server: found, started on a socket alone, and what it was given survives."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from listkeeper.cli import supervisor_queue
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings

pytestmark = pytest.mark.whole_program


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path, as a socket file needs."""
    made = Path(tempfile.mkdtemp(prefix="lk-"))
    (made / "run").mkdir()
    yield made
    shutil.rmtree(made)


@contextmanager
def _running(folder: Path, end: signal.Signals = signal.SIGTERM) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(supervisor_queue.command(folder))
    try:
        until = time.monotonic() + 60
        while not supervisor_queue.answers(folder):
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        yield server
    finally:
        server.send_signal(end)
        server.wait(60)


def test_the_server_answers_where_the_settings_say_and_nowhere_else(folder: Path) -> None:
    assert not supervisor_queue.answers(folder)
    assert supervisor_queue.process_of(folder) is None
    with _running(folder) as server, redis.Redis.from_url(Settings(data=folder).queue) as client:
        assert client.ping()
        assert client.config_get("port") == {"port": "0"}
        assert supervisor_queue.process_of(folder) == server.pid
    assert (folder / "queue").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_what_waits_survives_the_server(folder: Path, end: signal.Signals) -> None:
    with _running(folder, end), redis.Redis.from_url(Settings(data=folder).queue) as client:
        client.rpush("lane", "job")
        # Written to disk every second.
        time.sleep(1.2)
    with _running(folder), redis.Redis.from_url(Settings(data=folder).queue) as client:
        assert client.lrange("lane", 0, -1) == [b"job"]


def test_a_path_too_long_for_a_socket_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        supervisor_queue.command(tmp_path / ("x" * 110))
    assert refused.value.code == "data_path_too_long"


@pytest.mark.parametrize("damaged", ["appendonly.aof.manifest", "appendonly.aof.1.incr.aof"])
def test_a_damaged_file_is_put_aside_after_one_failed_start(folder: Path, damaged: str) -> None:
    with _running(folder), redis.Redis.from_url(Settings(data=folder).queue) as client:
        client.rpush("lane", "job")
        time.sleep(1.2)
    file = folder / "queue" / "appendonlydir" / damaged
    file.write_bytes(b"*2 rubbish\r\n" + file.read_bytes())
    assert supervisor_queue.make_way(folder) is None
    failed = subprocess.run(supervisor_queue.command(folder), timeout=10, check=False)
    assert failed.returncode != 0
    aside = supervisor_queue.make_way(folder)
    assert aside is not None
    assert (aside / "appendonlydir" / damaged).exists()
    with _running(folder), redis.Redis.from_url(Settings(data=folder).queue) as client:
        assert client.lrange("lane", 0, -1) == []
    assert supervisor_queue.make_way(folder) is None
