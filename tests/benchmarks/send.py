"""Whole sends: claim, gate, fill, sign, hand over by SMTP and record, with two workers, beside e2e_limit.py.

The limit program has no gate, no retries, no leases and no links of a reader's own. A run counts only when the
mail server has counted every mail and the database has marked every one as accepted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.cli import context
from listkeeper.deliverability import dkim_key, sending_domain
from listkeeper.deliverability.dkim_key import KeyState
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.benchmarks import figure
from tests.benchmarks.figure import CHECKOUT, Figure
from tests.fakes import smtp_sink
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe

_WORKERS = 2
# About 13 kB with its frame, as in the limit program; the name stands where letters have it.
_LETTER = (
    "# Ugens nyheder\n\nHej {{ subscriber.first_name | default: 'ven' }}!\n\n"
    + "Ugens **nyhed** fra butikken: friske [boller](https://shop.example/boller) fra klokken syv.\n\n" * 17
    + "Vi ses, {{ subscriber.first_name | default: 'ven' }}.\n"
)


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Send to a crowd, in turns with the limit program."""
    count, signed = (20_000 if full else 4_000), name.endswith("signed")
    kind = "RSA-2048" if signed else "unsigned"
    program = _limit_program()
    if isinstance(program, str):
        note = f"{count} mails, {kind}; the mail server is the tests' own and slower than listkeeper may be"
        return figure.compare(
            name,
            "mails/s",
            lambda: _send(count, None, signed=signed),
            None,
            repeats=repeats,
            limit_is=program,
            note=note,
        )
    html = "<html><body>" + "<p style='margin:0'>Ugens nyhed fra butikken</p>\n" * 200 + "</body></html>"
    return figure.compare(
        name, "mails/s", partial(_send, count, program, signed=signed),
        lambda: float(program.once(html, count, _WORKERS, ("rsa",) if signed else ())[0]),
        repeats=repeats, limit_is=f"e2e_limit.py, {_WORKERS} processes, {kind}",
        note=f"{count} mails, {_WORKERS} workers, {kind}, SQLite, smtp-sink",
    )  # fmt: skip


def _limit_program() -> ModuleType | str:
    if shutil.which("smtp-sink") is None:
        return "smtp-sink is not on this machine (Debian's postfix); e2e_limit.py needs it"
    return figure.limit_program("e2e_limit")


def _send(count: int, program: ModuleType | None, *, signed: bool) -> float:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder:
        with _mail_server(program) as (port, counted):
            environment = _environment(Path(folder), port)
            settings = settings_file.read(data=Path(folder), smtp_url=environment["LISTKEEPER_SMTP_URL"])
            _prepare(settings, count, signed=signed)
            lasted = _work(environment)
            accepted = _accepted(settings)
        received = counted()
    if (accepted, received) != (count, count):
        raise SystemExit(f"{count} mails: {accepted} are marked as accepted, the mail server counted {received}")
    return count / lasted


@contextmanager
def _mail_server(program: ModuleType | None) -> Iterator[tuple[int, Callable[[], int]]]:
    """Run smtp-sink, or the tests' own server; what it counted can be asked when the block has ended."""
    if program is None:
        with smtp_sink.running() as sink:
            yield sink.port, lambda: len(sink.messages)
        return
    server, output = program.start_sink(program.PORT)
    seen: list[int] = []
    yield program.PORT, lambda: seen[0]
    seen.append(program.stop_sink(server, output))


def _environment(data: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LISTKEEPER_")}
    return kept | {
        "LISTKEEPER_DATA": str(data), "LISTKEEPER_SMTP_URL": f"smtp://127.0.0.1:{port}", "PYTHONPATH": str(CHECKOUT),
        "LISTKEEPER_LOG_LEVEL": "ERROR",
    }  # fmt: skip


def _prepare(settings: Settings, count: int, *, signed: bool) -> None:
    with context.opened(settings, create=True), store.transaction() as session:
        made = cafe.found(session)
        crowd.gather(session, made, count)
        if signed:
            _sign(session, made)
        letter = cafe.draft(session, made, markdown=_LETTER)
        planning.send_campaign(session, made.organisation, letter, site=settings.site)


def _sign(session: Session, made: Cafe) -> None:
    """Sign from now on, without asking the DNS whether the key is published: nobody here verifies."""
    domain = sending_domain.add(session, made.organisation.id, made.organisation.from_domain)
    session.flush()
    key = dkim_key.of(session, domain.id, domain.selector)
    assert key is not None
    dkim_key.move(key, KeyState.SIGNING)
    domain.signing = True


def _work(environment: dict[str, str]) -> float:
    words = [sys.executable, "-m", "tests.benchmarks.sender"]
    workers = [
        subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(_WORKERS)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    start = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    ended = [worker.wait() for worker in workers]
    lasted = time.perf_counter() - start
    for worker in workers:
        worker.communicate()
    if any(ended):
        raise SystemExit(f"workers ended with {ended}")
    return lasted


def _accepted(settings: Settings) -> int:
    with context.opened(settings), store.reading() as session:
        query = select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.ACCEPTED)
        return session.scalar(query) or 0
