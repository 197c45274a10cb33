"""Whole sends: claim, gate, fill, sign, hand over by SMTP and record, with two workers, beside e2e_limit.py.

The limit program has no gate, no retries, no leases and no links of a reader's own. A run counts only when the
mail server has counted every mail and the database has marked every one as accepted.
"""

from __future__ import annotations

import json
import shutil
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.cli import context
from listkeeper.deliverability import dkim_key, second_key, sending_domain
from listkeeper.deliverability.dkim_key import DkimKey, KeyState
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.benchmarks import figure, instance, plan
from tests.benchmarks.figure import Figure
from tests.fakes import dns_server, smtp_sink
from tests.fakes.dns_server import Records
from tests.makers import cafe, multitude, works
from tests.makers.cafe import Cafe

_WORKERS = 2
# About 13 kB with its frame, as in the limit program; the name stands where letters have it.
_LETTER = (
    "# Ugens nyheder\n\nHej {{ subscriber.first_name | default: 'ven' }}!\n\n"
    + "Ugens **nyhed** fra butikken: friske [boller](https://shop.example/boller) fra klokken syv.\n\n" * 17
    + "Vi ses, {{ subscriber.first_name | default: 'ven' }}.\n"
)
# How a letter is signed: what the limit program calls it, and how much of its rate must be reached.
_SIGNED = {"unsigned": ((), 0.5), "signed": (("rsa",), 0.75), "both": (("ed25519", "rsa"), 0.75)}
_AUDIENCES = (10_000, 100_000, 1_000_000)
_PAIRS = 5


def measure(name: str, *, repeats: int, full: bool) -> Figure | list[Figure]:
    """Send to a crowd, in turns with the limit program; ``send`` alone prints the whole table."""
    one: dict[str, Callable[..., Figure | list[Figure]]] = {
        f"send-{kind}": partial(_against_limit, kind) for kind in _SIGNED
    }
    one |= {"send-postgresql": _postgresql, "send-growth": _growth}
    if name in one:
        return one[name](name, repeats=repeats, full=full)
    found: list[Figure] = []
    for each, measured in one.items():
        more = measured(each, repeats=repeats, full=full)
        found += more if isinstance(more, list) else [more]
    return found + plan.measure("plan", repeats=1, full=full)


def _against_limit(kind: str, name: str, *, repeats: int, full: bool) -> Figure:
    count, (keys, demanded) = (20_000 if full else 4_000), _SIGNED[kind]
    program = _limit_program()
    ours = partial(_rate, _Run(count, kind=kind))
    if isinstance(program, str):
        note = f"{count} mails; the mail server is the tests' own and slower than listkeeper may be"
        return figure.compare(name, "mails/s", ours, None, repeats=repeats, limit_is=program, note=note)
    html = "<html><body>" + "<p style='margin:0'>Ugens nyhed fra butikken</p>\n" * 200 + "</body></html>"
    return figure.compare(
        name, "mails/s", ours, lambda: float(program.once(html, count, _WORKERS, keys)[0]),
        repeats=repeats, limit_is=f"e2e_limit.py, {_WORKERS} processes, {'+'.join(keys) or 'unsigned'}",
        note=f"{count} mails, {_WORKERS} workers, {kind}, SQLite, smtp-sink; a ratio of {demanded} is demanded",
    )  # fmt: skip


def _postgresql(name: str, *, repeats: int, full: bool) -> Figure:
    """Send on both databases in turns; the ratio is PostgreSQL's rate to SQLite's."""
    count, pairs = (20_000 if full else 4_000), max(repeats, _PAIRS)
    if instance.kinds() != instance.KINDS:
        raise SystemExit("this compares the two databases, and one of them is left out")
    return figure.compare(
        name, "mails/s", partial(_rate, _Run(count, kind="signed", database="postgresql")),
        partial(_rate, _Run(count, kind="signed")), repeats=pairs, limit_is="the same on SQLite, in turns",
        note=f"{count} mails, {_WORKERS} workers, RSA-2048; a ratio of 0.85 is demanded",
    )  # fmt: skip


def _growth(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Send the same number of mails out of ever larger audiences; the figure is the processor's time for each."""
    count, audiences = (20_000, _AUDIENCES) if full else (2_000, (2_000, 20_000))
    found = [
        (kind, audience, [_send(_Run(count, audience=audience, database=kind)) for _ in range(repeats)])
        for kind in instance.kinds()
        for audience in audiences
    ]
    first = {kind: _per_mail(runs) for kind, audience, runs in reversed(found) if audience == audiences[0]}
    return [
        Figure(
            name=f"{name} {kind} {audience}", figure=round(_per_mail(runs), 1), unit="µs of processor a mail",
            limit=round(first[kind], 1), ratio=round(_per_mail(runs) / first[kind], 3), repeats=repeats,
            spread=round((max(costs) - min(costs)) / statistics.median(costs), 3),
            limit_is=f"the same out of {audiences[0]}; a ratio of at most 1.15 is demanded",
            note=f"{count} mails, unsigned; at most {max(run.rss for run in runs):.0f} MB a worker",
        )
        for kind, audience, runs in found
        if (costs := [run.cpu for run in runs])
    ]  # fmt: skip


@dataclass(frozen=True)
class _Run:
    """What is sent: how many mails, how signed, out of how large an audience, from which database."""

    count: int
    kind: str = "unsigned"
    audience: int | None = None
    database: str = "sqlite"


@dataclass(frozen=True)
class _Used:
    """What came of it: mails a second, µs of processor a mail, MB of the larger worker."""

    rate: float
    cpu: float
    rss: float


def _rate(run: _Run) -> float:
    return _send(run).rate


def _per_mail(runs: list[_Used]) -> float:
    return statistics.median(run.cpu for run in runs)


def _limit_program() -> ModuleType | str:
    if shutil.which("smtp-sink") is None:
        return "smtp-sink is not on this machine (Debian's postfix); e2e_limit.py needs it"
    return figure.limit_program("e2e_limit")


def _send(run: _Run) -> _Used:
    program = _limit_program()
    with (
        tempfile.TemporaryDirectory(prefix="lk-bench-") as folder,
        _mail_server(program if isinstance(program, ModuleType) else None) as (port, counted),
        dns_server.serving({}) as names,
        instance.settings(Path(folder), run.database, f"smtp://127.0.0.1:{port}", names.address) as settings,
    ):
        names.publish(_prepare(settings, run))
        used, lasted = _work(instance.environment(settings), run)
        accepted = _accepted(settings)
    received = counted()
    wanted = run.count if run.audience is None else accepted
    if (accepted, received) != (wanted, wanted) or accepted < run.count:
        raise SystemExit(f"{wanted} mails: {accepted} are marked as accepted, the mail server counted {received}")
    cpu = sum(one["cpu"] for one in used) / accepted * 1e6
    return _Used(accepted / lasted, cpu, max(one["rss"] for one in used))


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
    # It says what it counted when a session ends, and not twice within a second.
    time.sleep(1.1)
    with smtplib.SMTP("127.0.0.1", program.PORT, local_hostname="bench.example") as last:
        last.ehlo()
    seen.append(program.stop_sink(server, output))


def _prepare(settings: Settings, run: _Run) -> Records:
    """Write the letters; return what the DNS says of who sends them."""
    people = run.audience or run.count
    with context.opened(settings, create=True):
        with store.transaction() as session:
            made = cafe.found(session)
            multitude.gather(session, made, people)
            _sign(session, made, run.kind)
        for _letter in range(-(-run.count // people)):
            with store.transaction() as session:
                made = works.here(session)
                letter = cafe.draft(session, made, markdown=_LETTER)
                planning.send_campaign(session, made.organisation, letter, site=settings.site)
        if run.database == "postgresql":
            with store.transaction() as session:
                session.connection().exec_driver_sql("ANALYZE delivery")
        with store.reading() as session:
            keys = session.execute(select(DkimKey.selector, SendingDomain.name, DkimKey.record).join(SendingDomain))
            return {f"{selector}._domainkey.{domain}": {"TXT": [record]} for selector, domain, record in keys}


def _sign(session: Session, made: Cafe, kind: str) -> None:
    """Sign from now on; the first message of each letter is verified against what the DNS says then."""
    if kind == "unsigned":
        return
    domain = sending_domain.add(session, made.organisation.id, made.organisation.from_domain)
    session.flush()
    key = dkim_key.of(session, domain.id, domain.selector)
    assert key is not None
    dkim_key.move(key, KeyState.SIGNING)
    domain.signing = True
    if kind == "both":
        dkim_key.move(second_key.add(session, domain), KeyState.SIGNING)


def _work(environment: dict[str, str], run: _Run) -> tuple[list[dict[str, float]], float]:
    words = [sys.executable, "-m", "tests.benchmarks.sender"]
    words += [] if run.audience is None else [str(-(-run.count // _WORKERS))]
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
    said = []
    for worker in workers:
        assert worker.stdout is not None
        said.append(worker.stdout.readline())
    lasted = time.perf_counter() - start
    for worker in workers:
        worker.communicate()
    if any(worker.returncode for worker in workers):
        raise SystemExit(f"workers ended with {[worker.returncode for worker in workers]}")
    return [json.loads(one) for one in said], lasted


def _accepted(settings: Settings) -> int:
    with context.opened(settings), store.reading() as session:
        query = select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.ACCEPTED)
        return session.scalar(query) or 0
