"""`listkeeper up` is one process tree: it answers, heals, refuses a second one, and goes as one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import redis
from sqlalchemy import create_engine, text

from listkeeper.cli import supervisor_queue
from listkeeper.settings import Settings
from tests.fakes import running_up
from tests.fakes.running_up import Running, until

pytestmark = pytest.mark.whole_program

ALL = {"valkey": 1, "web": 2, "catch": 1, "work": 2, "timetable": 1}


@pytest.fixture
def data() -> Iterator[Path]:
    with running_up.short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def instance() -> Iterator[Running]:
    """One running instance for the tests that only look at it."""
    with running_up.short_folder() as folder, running_up.up(folder) as running:
        yield running


def test_it_answers_and_prints_one_address_and_a_link_that_opens(instance: Running) -> None:
    greeting = instance.greeting
    assert greeting["address"] == f"http://localhost:{instance.port}/"
    assert greeting["practice"] is True
    assert greeting["pid"] == instance.process.pid
    assert running_up.answers(instance.address + "/health")
    assert greeting["sign_in"].startswith(f"http://localhost:{instance.port}/studio/enter/")
    for _ in range(2):
        # Looking at the page uses nothing up: its button does.
        with urlopen(greeting["sign_in"].replace("localhost", "127.0.0.1"), timeout=60) as page:  # noqa: S310
            assert page.status == 200
            assert b'method="post"' in page.read().lower()


def test_every_part_runs_once_and_workers_as_many_as_set(instance: Running) -> None:
    until(lambda: {noun: len(instance.of(noun)) for noun in ALL} == ALL)


def test_a_second_one_on_the_same_data_is_refused_with_process_and_address(instance: Running) -> None:
    refused = running_up.command("up", "--data", str(instance.data), "--port", str(running_up.free_port()))
    assert refused.returncode == 12
    [sentence] = refused.stderr.splitlines()
    assert str(instance.process.pid) in sentence
    assert f"http://localhost:{instance.port}" in sentence
    assert running_up.answers(instance.address + "/health")


def test_commands_beside_it_know_its_address(instance: Running) -> None:
    link = running_up.command("link", "--data", str(instance.data))
    assert link.returncode == 0
    assert link.stdout.startswith(f"http://localhost:{instance.port}/studio/enter/")


def test_a_port_in_use_is_one_sentence_and_leaves_nothing_running(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = running_up.command("up", "--data", str(data), "--port", str(port))
    assert refused.returncode == 12
    [sentence] = refused.stderr.splitlines()
    assert str(port) in sentence
    assert running_up.processes(data) == {}


def test_children_that_are_killed_come_back(data: Path) -> None:
    with running_up.up(data, workers="1") as running:
        until(lambda: all(running.of(noun) for noun in ALL))
        before = {noun: running.of(noun) for noun in ALL}
        for pids in before.values():
            os.kill(pids[0], signal.SIGKILL)
        until(lambda: all(running.of(noun) and not set(running.of(noun)) & set(before[noun]) for noun in ALL))
        until(lambda: running_up.answers(running.address + "/health"))
        with redis.Redis.from_url(Settings(data=data).queue) as client:
            until(lambda: bool(client.ping()))
        said = running.said()
        assert [name for name in ("queue", "web", "catcher", "timetable") if f"part={name}" not in said] == []
        assert said.count("part.died") >= 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_as_one_and_starts_again_on_what_was_kept(data: Path, number: signal.Signals) -> None:
    with running_up.up(data) as running:
        until(lambda: {noun: len(running.of(noun)) for noun in ALL} == ALL)
        running.process.send_signal(number)
        assert running.process.wait(30) == 0
        assert running_up.processes(data) == {}
        assert "part.killed" not in running.said()
    with running_up.up(data, port=running.port) as again:
        assert again.greeting["address"] == running.greeting["address"]


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_is_not_in_its_way(data: Path) -> None:
    with running_up.up(data) as running:
        until(lambda: {noun: len(running.of(noun)) for noun in ALL} == ALL)
        running.process.kill()
        running.process.wait()
        with running_up.up(data, port=running.port) as again:
            old = set(again.children()) - _tree(again.process.pid)
            until(lambda: not old & set(again.children()))
            assert running_up.answers(again.address + "/health")


def test_nothing_is_left_of_a_killed_supervisor(data: Path) -> None:
    with running_up.up(data) as running:
        until(lambda: {noun: len(running.of(noun)) for noun in ALL} == ALL)
        running.process.kill()
        running.process.wait()
        until(lambda: running_up.processes(data) == {}, 60)


def test_a_database_of_a_newer_version_is_refused_in_a_sentence(data: Path) -> None:
    data.mkdir()
    engine = create_engine(f"sqlite:///{data / 'listkeeper.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    engine.dispose()
    refused = running_up.command("up", "--data", str(data), "--port", str(running_up.free_port()))
    assert refused.returncode == 12
    assert "9999" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert running_up.processes(data) == {}


def test_a_foreign_queue_server_and_mail_server_need_none_of_ours(data: Path) -> None:
    with running_up.short_folder() as other:
        (other / "run").mkdir(parents=True)
        server = subprocess.Popen(supervisor_queue.command(other))
        try:
            until(lambda: supervisor_queue.answers(other))
            queue, mail = Settings(data=other).queue, "smtp://user:secret@127.0.0.1:1"
            with running_up.up(data, workers="1", redis_url=queue, smtp_url=mail) as running:
                assert running.greeting["practice"] is False
                until(lambda: bool(running.of("work")))
                assert (running.of("valkey"), running.of("catch")) == ([], [])
                assert "secret" not in running.said()
        finally:
            server.terminate()
            server.wait(60)


def _tree(root: int) -> set[int]:
    """Return the descendants of a process."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {root}
    while new := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= new
    return found - {root}
