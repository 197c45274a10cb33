"""Where each brake before the forms bites, posted at over HTTP: as delivered, and with its setting raised.

A real instance stands on loopback, its mail ends in a sink, and one trusted proxy before it names the network of each
post. Every limit of ``guard/limits.py`` is walked on a form of its own until its brake bites; then the instance is
started again with its setting raised, and the walk is walked again: with those raised that are not on the way to each
other's brake, or with ``--full`` each alone. ``LISTKEEPER_TEST_DATABASES=postgresql`` walks there. Nothing is posted
beyond a few posts past each number, no walk crosses the end of an hour, and without ``--full`` none begins when the
bench has had its three minutes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from math import inf
from pathlib import Path

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience import signup_form
from listkeeper.audience.guard.limits import Limits
from listkeeper.cli import context
from tests.benchmarks import flooded, ladder
from tests.benchmarks.ladder import Bite, Rung
from tests.fakes import databases, postgres, running_up, smtp_sink
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe

# A walk is over long before, also on a busy machine.
_LONGEST_WALK_SECONDS = 30.0
_LONGEST_SECONDS = 165.0


def measure(name: str, *, repeats: int, full: bool) -> list[dict[str, object]]:
    """Walk the ladder twice; a brake bites where its setting says, or it does not: repeats would say the same."""
    del repeats
    begun = time.monotonic()
    kinds = databases.chosen()
    kind = kinds[0] if len(kinds) == 1 else "sqlite"
    with running_up.short_folder() as data, _database(kind, data) as database, smtp_sink.running() as sink:
        rungs = in_order()
        forms = _forms(data, database, 2 * len(rungs))
        walker = _Walker(data, database, sink, forms, inf if full else begun + _LONGEST_SECONDS)
        shipped = walker.shipped(rungs)
        raised = walker.raised(rungs, alone=full)
    print(f"{name}: {kind}, {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return [_row(*each) for each in zip(rungs, shipped, raised, strict=True)]


def in_order() -> Sequence[Rung]:
    """Return one rung for each limit there is, in their order: a limit that nobody walks is a mistake."""
    known = {rung.limit: rung for rung in ladder.LADDER}
    return [known[limit.name] for limit in fields(Limits)]


def _row(rung: Rung, shipped: Bite, raised: Bite) -> dict[str, object]:
    answers = dict.fromkeys((shipped.answer, raised.answer))
    return {
        "limit": rung.limit,
        "setting": f"LISTKEEPER_{rung.limit.upper()}",
        "unit": rung.unit,
        "shipped": rung.shipped,
        "bit_after": shipped.after,
        "raised_to": rung.raised,
        "bit_after_raised": raised.after,
        "answer": "; raised: ".join(answers),
    } | ({"beside": rung.beside} if rung.beside else {})


class _Walker:
    """Starts the instance as each walk needs it, and gives every walk a form that nobody posted at before."""

    def __init__(self, data: Path, database: Database, sink: SmtpSink, forms: list[str], until: float) -> None:
        self._data, self._database, self._sink, self._forms = data, database, sink, iter(forms)
        self._port = running_up.free_port()
        self._until = until

    def shipped(self, rungs: Sequence[Rung]) -> list[Bite]:
        """Walk with the limits as they are delivered; one start serves all that need nothing else."""
        return self._walked(rungs, lambda rung: str(rung.beside), lambda rung: rung.beside, lambda rung: rung.shipped)

    def raised(self, rungs: Sequence[Rung], *, alone: bool) -> list[Bite]:
        """Walk with each limit raised."""
        return self._walked(
            rungs,
            lambda rung: rung.limit if alone else str(rung.start),
            lambda rung: rung.beside | {rung.limit: str(rung.raised)},
            lambda rung: rung.raised,
        )

    def _walked(
        self,
        rungs: Sequence[Rung],
        start: Callable[[Rung], str],
        settings: Callable[[Rung], dict[str, str]],
        number: Callable[[Rung], int],
    ) -> list[Bite]:
        """Walk rungs, those of one start in one start, with the settings of all of them."""
        found: dict[str, Bite] = {}
        for name in dict.fromkeys(map(start, rungs)):
            here = [rung for rung in rungs if start(rung) == name]
            told = {key: value for rung in here for key, value in settings(rung).items()}
            with flooded.running(self._data, self._database, self._sink, self._port, told) as instance:
                found |= {rung.limit: self._walk(instance, rung, number(rung)) for rung in here}
        return [found[rung.limit] for rung in rungs]

    def _walk(self, here: flooded.Flooded, rung: Rung, number: int) -> Bite:
        if time.monotonic() > self._until:
            return Bite(None, "not walked, the time was over")
        flooded.wait_for_a_whole_hour(_LONGEST_WALK_SECONDS)
        here.slug = next(self._forms)
        return rung.walk(here, number)


def _forms(data: Path, database: Database, count: int) -> list[str]:
    settings = settings_file.read(data=data, database_url=database.setting, log_level="ERROR")
    with context.opened(settings, create=True), store.transaction() as session:
        made = cafe.found(session)
        more = [signup_form.create(session, made.organisation, made.mailing_list) for _ in range(count)]
        return [form.slug for form in more]


@contextmanager
def _database(kind: str, data: Path) -> Iterator[Database]:
    with databases.without_tables(kind, data, os.getpid()) as made:
        yield made
    postgres.stop(os.getpid())
