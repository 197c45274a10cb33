"""Milliseconds for home, the board and the clean-up of a very long list, and seconds until the job has counted them.

``--full`` is a million people with the twenty million events of ``history``. Pages are asked for as a browser does,
in this process.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import mailing_list
from listkeeper.cli import context
from listkeeper.insight import board_value, clean_up
from listkeeper.insight.board_number import NumberKind
from listkeeper.jobs import boarding
from tests.benchmarks import instance
from tests.benchmarks.figure import Figure
from tests.makers import history, studio

_PROMISED = 100
_LOOKS = 60
# Both letters went out two days ago, so that a board has numbers to show of them.
_SENT = {"sqlite": "datetime('now', '-2 days')", "postgresql": "now() - interval '2 days'"}


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Look at each page of the board, on each database."""
    del repeats
    people = 1_000_000 if full else 20_000
    return [found for kind in instance.kinds() for found in _measure(name, kind, people)]


def _measure(name: str, kind: str, people: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, instance.database(kind) as url:
        settings = settings_file.read(data=Path(folder), smtp_url="smtp://127.0.0.1:9", database_url=url)
        with context.opened(settings, create=True, pages=True) as app:
            with store.transaction() as session:
                _fill(session, kind, people)
            history.settle(kind)
            counted, slowest = _count()
            browser = studio.signed_in(app)
            listed = re.search(r"/studio/lists/lst_[0-9a-z]+", browser.get("/studio/lists").text)
            pages = {
                "home": "/studio/",
                "board": "/studio/board",
                "clean-up": f"{listed[0]}/clean-up" if listed else "",
            }
            found = [
                _looked(f"{name} {kind}: {page}", people, _asks(app, browser, path)) for page, path in pages.items()
            ]
    job = Figure(
        name=f"{name} {kind}: the job", figure=round(counted, 2), unit=f"seconds, {people} people", limit=None,
        ratio=None, repeats=1, spread=0, limit_is="nothing is promised: pages read what it kept",
        note="every number once, and the groups of the clean-up", profile=slowest,
    )  # fmt: skip
    return [*found, job]


def _asks(app: Flask, browser: studio.StudioBrowser, path: str) -> Callable[[], None]:
    del app

    def ask() -> None:
        if browser.get(path).status_code != 200:
            raise SystemExit(f"{path} is no page")

    return ask


def _looked(name: str, people: int, ask: Callable[[], None]) -> Figure:
    lasted = []
    for _ in range(_LOOKS):
        start = time.perf_counter()
        ask()
        lasted.append((time.perf_counter() - start) * 1000)
    lasted.sort()
    return Figure(
        name=name, figure=round(lasted[int(_LOOKS * 0.95)], 1), unit=f"ms, 95 %, of {people} people", limit=None,
        ratio=None, repeats=_LOOKS, spread=round((lasted[-1] - lasted[0]) / statistics.median(lasted), 3),
        limit_is=f"the promise is {_PROMISED} ms for 1,000,000",
        note=f"median {round(statistics.median(lasted), 1)} ms",
    )  # fmt: skip


def _count() -> tuple[float, dict[str, float]]:
    start = time.perf_counter()
    boarding.look()
    lasted = time.perf_counter() - start
    with store.reading() as session:
        owner = organisation.only_one(session)
        took = {kind.value: row.took_ms / 1000 for kind, row in board_value.newest(session, owner).items()}
        begun = time.perf_counter()
        for listed in mailing_list.all_of(session, owner):
            clean_up.count(session, listed)
        took["clean_up"] = round(time.perf_counter() - begun, 2)
        if set(board_value.newest(session, owner)) != set(NumberKind):
            raise SystemExit("not every number was counted")
    return lasted, took


def _fill(session: Session, kind: str, people: int) -> None:
    history.lived(session, people)
    went = "UPDATE campaign SET state = 'finished', recipients = :people, started_at = WHEN, finished_at = WHEN"
    session.execute(text(went.replace("WHEN", _SENT[kind])), {"people": people})
