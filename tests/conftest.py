"""What every test may ask for: settings, app, databases, queue, mail server, corpora, browser, a clock that stands.

A test that asks for ``database`` or ``session`` runs on SQLite and on PostgreSQL; ``app`` alone is on SQLite, and on
both when the test asks for ``database`` as well. ``settings`` names the ``queue`` and the ``smtp_sink`` when the test
asks for them.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import shutil
import signal
from collections import defaultdict
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

from listkeeper.foundation import keys
from listkeeper.settings import Settings
from tests.fakes import corpora as corpora_folder
from tests.fakes import databases, postgres, queue_server, quick_folder, route_builders, statements, template_code
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
# A short run: how many rows of a table of cases, and which share of the tests PostgreSQL sees.
_ROWS = {"sqlite": 2, "postgresql": 1}
# Of the tests marked ``whole_program``, one in so many.
_PROGRAMS = 8
_ON_POSTGRESQL = {
    "tests/integration/test_killed_anywhere": 1,
    "tests/adversarial/test_link_scanner": 0,
    "tests/adversarial/test_field_": 0.1,
    "tests/adversarial/": 0.5,
    "tests/integration/": 0.08,
    "tests/unit/": 0.08,
}


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
        max_examples=1000 if _long() else 30,
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
        write(
            "SQLite: every test, two rows of each table; PostgreSQL: half of the numbered cases, a share of the others"
        )
        write(f"one in {_PROGRAMS} of the tests that start and stop whole programs")
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
        named["smtp_url"] = request.getfixturevalue("smtp_sink").url
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
    from listkeeper.store import database as flask_database  # noqa: PLC0415

    worker.hurry(monkeypatch)
    application = create_app(settings)
    application.testing = True
    application.jinja_env.bytecode_cache = template_code.REMEMBERED
    yield application
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
    """Leave out, in a short run, what need not be seen each time; ``--long`` runs everything on both databases.

    SQLite runs every test, and of one with a table of cases two rows. PostgreSQL runs half of the numbered cases that
    are to be green, every twelfth journey and unit test, one row of each, the kills, and leaves the scanner to SQLite.
    Of the tests that start and stop whole programs every eighth runs. What is drawn depends on the seed and the test's
    name.
    """
    if _long() or len(databases.chosen()) == 1:
        return
    tables: dict[tuple[str, str], list[pytest.Item]] = defaultdict(list)
    for item in items:
        kind = _database_of(item)
        if kind:
            tables[kind, item.nodeid.partition("[")[0]].append(item)
    kept = {id(item) for (kind, name), rows in tables.items() for item in _share_of(kind, name, rows)}
    gone = {id(item) for rows in tables.values() for item in rows} - kept
    marked = [item for item in items if item.get_closest_marker("whole_program") and id(item) not in gone]
    gone |= _programs_left_out(marked)
    items[:] = [item for item in items if id(item) not in gone]


def _programs_left_out(marked: list[pytest.Item]) -> set[int]:
    """Draw among all of them together: one in so many of every file would be one of every file, and too many."""
    drawn = random.Random(f"{_seed()}:programs").sample(marked, -(-len(marked) // _PROGRAMS))
    return {id(item) for item in marked} - {id(item) for item in drawn}


def _share_of(kind: str, name: str, rows: list[pytest.Item]) -> list[pytest.Item]:
    draw = random.Random(f"{_seed()}:{kind}:{name}")
    chances = (chance for folder, chance in _ON_POSTGRESQL.items() if name.startswith(folder))
    later = rows[0].get_closest_marker("xfail") is not None
    drawn = kind == "sqlite" or draw.random() < next(chances, 0 if later else 1)
    return draw.sample(rows, min(_ROWS[kind], len(rows))) if drawn else []


def _database_of(item: pytest.Item) -> str | None:
    case = getattr(item, "callspec", None)
    return next((kind for kind in databases.KINDS if case is not None and kind in case.params.values()), None)


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
def frozen_clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands at Monday 23 November 2026, 08:00 UTC, until the test moves it."""
    with time_machine.travel(datetime(2026, 11, 23, 8, tzinfo=UTC), tick=False) as traveller:
        yield traveller
