"""What every test may ask for: settings, app, databases, queue, mail server, corpora, browser, a clock that stands.

A test that asks for ``database`` or ``session`` runs on SQLite and on PostgreSQL, unless it is marked ``only_on`` one
of them; ``app`` alone is on SQLite, and on both when the test asks for ``database`` as well. ``settings`` names the
``queue`` and the ``smtp_sink`` when the test asks for them.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import structlog
import time_machine
from hypothesis import core as hypothesis_core
from pydantic import BaseModel
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.foundation import clock, keys
from listkeeper.settings import Settings
from tests.fakes import corpora as corpora_folder
from tests.fakes import (
    databases,
    postgres,
    queue_server,
    quick_folder,
    route_builders,
    short_run,
    statements,
    template_code,
)
from tests.fakes import fresh_worker as worker
from tests.fakes import smtp_sink as sink
from tests.fakes.corpora import Corpora
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

_RUN = "LISTKEEPER_TEST_RUN"
_SEED = "LISTKEEPER_TEST_SEED"
_DEFAULT_SEED = 20261123


# The run


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run: name it, agree on its seed, and stop what a killed run left behind."""
    if not _is_worker(config):
        os.environ[_RUN] = str(os.getpid())
        # A run in the background is deaf to these, and would hand its deafness down to every program it starts.
        for number in (signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        os.environ.setdefault(_SEED, str(_DEFAULT_SEED))
        quick_folder.use()
        postgres.sweep()
    route_builders.remember()
    statements.remember()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    hypothesis.settings.register_profile(
        "listkeeper",
        max_examples=short_run.ALL_EXAMPLES if _long() else short_run.EXAMPLES,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
    )
    hypothesis.settings.load_profile("listkeeper")
    hypothesis_core.global_force_seed = _seed()  # type: ignore[assignment]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Do not let Python look through all that was imported and collected for garbage, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run's PostgreSQL server."""
    if not _is_worker(config):
        postgres.stop(os.getpid())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was tested on what, and how much of each long test was run."""
    write = terminalreporter.write_line
    kinds = databases.chosen()
    write(f"databases: {', '.join(kinds)}" + ("" if len(kinds) > 1 else " ONLY, as LISTKEEPER_TEST_DATABASES says"))
    if not _long() and len(kinds) > 1:
        for line in short_run.SAYS:
            write(line)
    write(f"{'long' if _long() else 'short'} run, seed {_seed()} ({_SEED})")
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    said = {str(value) for report in reports for name, value in report.user_properties if name == "summary"}
    for line in sorted(said):
        write(f"  {line}")


def _long() -> bool:
    return os.environ.get("LISTKEEPER_LONG") == "1"


def _seed() -> int:
    return int(os.environ.get(_SEED, _DEFAULT_SEED))


@pytest.fixture
def chance() -> random.Random:
    """Chance that the seed of the run can repeat."""
    return random.Random(_seed())


@pytest.fixture
def summarise(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say a line in the summary of the run, as ``summarise("spf_rfc7208: 203 run, 203 agreed")``."""
    return lambda line: request.node.user_properties.append(("summary", line))


@pytest.fixture
def share(summarise: Callable[[str], None]) -> Callable[[str, int, int], int]:
    """How much of a long test to run, as ``share("recipients", full, short)``; the summary names it."""

    def count(what: str, full: int, short: int) -> int:
        chosen = full if _long() else min(short, full)
        summarise(f"{chosen:,} of {full:,} {what}")
        return chosen

    return count


# Settings and the application


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """The data folder of one test."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(request: pytest.FixtureRequest, data_folder: Path, _no_settings_from_outside: None) -> Settings:
    """Settings of an instance of this test's own, naming the real parts the test asked for.

    A question nobody planned for stays on this machine: port 1 of loopback answers no DNS, and no link is asked.
    """
    named: dict[str, object] = {
        "data": data_folder, "public_url": "http://localhost:8025", "dns_server": "127.0.0.1:1", "check_links": False,
        # Tests are quicker than people, and come from one network; what they send leaves at once.
        "check_mail_domains": False, "signup_least_seconds": 0, "signups_per_hour": 20, "signups_per_day": 1_000,
    } | {"hold_minutes": 0}  # fmt: skip
    if "queue" in request.fixturenames:
        named["redis_url"] = request.getfixturevalue("queue").url
    if "smtp_sink" in request.fixturenames:
        # A mail server on loopback, and no name server that knows the sender's domain.
        named |= {"smtp_url": request.getfixturevalue("smtp_sink").url, "domain_gate": "warn"}
    if "database" in request.fixturenames:
        named["database_url"] = request.getfixturevalue("database").setting
    elif "app" in request.fixturenames:
        request.getfixturevalue("_sqlite")
    # Checked like any others, but without a look at the environment, which holds none and takes milliseconds to search.
    BaseModel.__init__(made := Settings.__new__(Settings), **named)
    return made


@pytest.fixture
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LISTKEEPER_")]:
        if name not in {_RUN, _SEED, "LISTKEEPER_LONG", "LISTKEEPER_TEST_DATABASES", "LISTKEEPER_CORPORA"}:
            monkeypatch.delenv(name)


@pytest.fixture
def app(settings: Settings, _stopped_first: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application, wired as in life."""
    from listkeeper.app import create_app  # noqa: PLC0415 - tests of the domain need no web
    from listkeeper.jobs import pacing  # noqa: PLC0415
    from listkeeper.store import database as flask_database  # noqa: PLC0415
    from listkeeper.store import ring_no_more  # noqa: PLC0415

    worker.hurry(monkeypatch)
    application = create_app(settings)
    application.testing = True
    application.jinja_env.bytecode_cache = template_code.REMEMBERED
    yield application
    # A bell that rings in the next test would find no queue server, and say so there.
    ring_no_more()
    pacing.forget()
    with application.app_context():
        flask_database.session.remove()
        for engine in flask_database.engines.values():
            engine.dispose()


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """Give the log back as it was: a command run inside a test points it at that test's own standard error."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _no_line_left_open() -> Iterator[None]:
    """Let a test begin as a fresh worker would: a line to the mail server of the test before is nobody's line."""
    yield
    worker.rest()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A stranger's browser."""
    return app.test_client()


# Databases


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is for the other database and, in a short run, what need not be seen each time."""
    items[:] = [item for item in items if short_run.is_at_home(item)]
    if not _long() and len(databases.chosen()) > 1:
        items[:] = short_run.chosen(items, _seed())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that asks for a database on each kind."""
    if "database" in metafunc.fixturenames:
        metafunc.parametrize("database", databases.chosen(), indirect=True)


@pytest.fixture(scope="session")
def _templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def _sqlite(data_folder: Path, _templates: Path) -> Iterator[Database]:
    with databases.on_sqlite(data_folder, _templates) as made:
        yield made


@pytest.fixture
def database(request: pytest.FixtureRequest, data_folder: Path, _templates: Path) -> Iterator[Database]:
    """A migrated database of this test's own, on SQLite and then on PostgreSQL."""
    if request.param == "postgresql":
        with databases.on_postgresql(int(os.environ[_RUN])) as made:
            yield made
    else:
        with databases.on_sqlite(data_folder, _templates) as made:
            yield made


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Database]:
    """Make a database without tables: ``empty_database("postgresql")``."""

    def make(kind: str) -> Database:
        maker = databases.without_tables(kind, tmp_path / "empty", int(os.environ[_RUN]))
        made = maker.__enter__()
        request.addfinalizer(lambda: maker.__exit__(None, None, None))
        return made

    return make


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """The engine of the test's database."""
    opened = database.engine()
    yield opened
    opened.dispose()


@pytest.fixture
def session(engine: Engine, settings: Settings, _stopped_first: None) -> Iterator[Session]:
    """A session for the verbs of the domain, with the key folder open; commit what another connection must see."""
    keys.open_folder(settings.key_folder)
    with Session(engine) as opened:
        yield opened
        opened.rollback()


# The outside world


@pytest.fixture(scope="session")
def _queue_server() -> Iterator[QueueServer]:
    with queue_server.running() as server:
        yield server


@pytest.fixture
def queue(_queue_server: QueueServer) -> QueueServer:
    """A real queue server, empty."""
    _queue_server.client.flushall()
    return _queue_server


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A mail server on loopback that keeps what it gets and answers as scripted."""
    with sink.running() as running:
        yield running


@pytest.fixture(scope="session")
def corpora() -> Corpora:
    """Test data of other projects, read in place."""
    return corpora_folder.find()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser of the machine."""
    found = os.environ.get("LISTKEEPER_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.fail("Chromium is not on this machine. Install it with `apt-get install chromium` (bin/test does so).")
    return Path(found)


@pytest.fixture
def _stopped_first(request: pytest.FixtureRequest) -> None:
    """Stop the clock before the first row is written: a test that stops it later would run back in time."""
    if "frozen_clock" in request.fixturenames:
        request.getfixturevalue("frozen_clock")


@pytest.fixture
def clock_put_right() -> Iterator[None]:
    """Give the clock back to the machine, after a test that corrects it."""
    yield
    clock.go_by(now := clock.of_machine(), now)


@pytest.fixture
def frozen_clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands at Monday 23 November 2026, 08:00 UTC, until the test moves it."""
    with time_machine.travel(datetime(2026, 11, 23, 8, tzinfo=UTC), tick=False) as traveller:
        yield traveller
