"""People who sign up while a large letter is on its way, and how long until the mail that asks them is handed over.

Two workers look at the urgent lane before each slice of the letter, as RQ lets them. The mail server takes its time
over each mail, so that the letter outlasts the measuring, and notes when each recipient is named to it.
``LISTKEEPER_TEST_DATABASES=postgresql`` measures there.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from listkeeper import store
from listkeeper.audience import signup, signup_form
from listkeeper.audience.signup import Visit
from listkeeper.cli import context
from listkeeper.sending import planning
from listkeeper.settings import Settings
from tests.benchmarks import instance, leaving
from tests.benchmarks.figure import Figure
from tests.fakes import smtp_sink
from tests.makers import cafe, multitude, works

_EVERY = 0.2
_PATIENCE = 60.0


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Post signups during a send; the figure is the 95th of a hundred, in seconds after the post was stored."""
    people, posts = (1_000_000, 300) if full else (20_000, 60)
    kinds = instance.kinds()
    kind = kinds[0]
    waits = sorted(wait for _ in range(repeats) for wait in _asked_meanwhile(people, posts, kind))
    ninety_fifth = waits[int(len(waits) * 0.95)]
    return Figure(
        name=name, figure=round(ninety_fifth, 2), unit="s until a confirmation is handed over, 95 %", limit=None,
        ratio=None, repeats=repeats, spread=round(waits[-1] - waits[0], 2), limit_is="the promise is 5 s",
        note=f"{kind}, a letter to {people} people under way by 2 workers, {posts} signups, one every {_EVERY} s:"
        f" median {statistics.median(waits):.2f} s, slowest {waits[-1]:.2f} s",
    )  # fmt: skip


def _asked_meanwhile(people: int, posts: int, kind: str) -> list[float]:
    with (
        tempfile.TemporaryDirectory(prefix="lk-bench-") as folder,
        smtp_sink.running() as sink,
        instance.settings(Path(folder), kind, sink.url) as settings,
    ):
        sink.commands = timed = leaving.Timed()
        with context.opened(settings, create=True):
            _prepare(settings, people)
            workers = leaving.started(settings, "lanes")
            posted = _post(posts)
            until = time.perf_counter() + _PATIENCE
            while not posted.keys() <= timed.named.keys() and time.perf_counter() < until:
                time.sleep(0.1)
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait(60)
    missing = posted.keys() - timed.named.keys()
    if missing:
        raise SystemExit(f"{len(missing)} of {posts} people were asked nothing within {_PATIENCE:.0f} s")
    return [timed.named[address] - moment for address, moment in posted.items()]


def _prepare(settings: Settings, people: int) -> None:
    with store.transaction() as session:
        made = cafe.found(session)
        multitude.gather(session, made, people)
    with store.transaction() as session:
        made = works.here(session)
        letter = cafe.draft(session, made)
        planning.send_campaign(session, made.organisation, letter, site=settings.site)


def _post(posts: int) -> dict[str, float]:
    posted: dict[str, float] = {}
    for number in range(posts):
        address = f"asked-{number}@guest-{number % 20}.example"
        with store.transaction() as session:
            shown = signup_form.shown(session, works.here(session).form.slug)
            visit = Visit(network=f"192.0.2.{number % 250}", browser="Test")
            signup.receive(session, shown, address, visit, cafe.NO_BRAKES)
        posted[address] = time.perf_counter()
        time.sleep(_EVERY)
    return posted
