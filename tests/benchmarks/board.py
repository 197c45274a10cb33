"""Milliseconds for home, the board and the clean-up of a very long list, and seconds until the job has counted them.

``--full`` is a million people and twenty million deliveries. One person in twenty lets us see her clicks and never
reacted, one in twenty does and did. Pages are asked for as a browser does, in this process.
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
from tests.makers import cafe, multitude, studio

_PROMISED = 100
_LOOKS = 60
_LETTERS = 20
_AGO = {"sqlite": "datetime('now', '-400 days')", "postgresql": "now() - interval '400 days'"}

_STORY = (
    "UPDATE subscription SET since = AGO",
    "UPDATE subscription SET tracking_since = since WHERE id % 10 = 0",
    "UPDATE campaign SET state = 'finished', recipients = :people, started_at = AGO, finished_at = AGO",
    (
        "INSERT INTO latest_act (subscriber_id, list_id, kind, at) "
        "SELECT subscriber_id, list_id, 'clicked', since FROM subscription WHERE id % 20 = 0 OR id % 3 = 0"
    ),
)
_DELIVERIES = (
    "INSERT INTO delivery (organisation_id, message_class, lane, occasion, state, campaign_id, subscriber_id, list_id, "
    "letters_before, due_at, wave, attempts, created_at, handed_at, provider) "
    "SELECT CAST(:business AS bigint), 'marketing', 'sending', "
    "'campaign:' || CAST(:letter AS text) || ':' || subscriber_id, 'accepted', CAST(:letter AS bigint), subscriber_id, "
    "CAST(:list AS bigint), 0, since, 1, 1, since, since, 'gmail' FROM subscription"
)


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
            _settle(kind)
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
    house = cafe.found(session)
    multitude.gather(session, house, people)
    letters = [cafe.draft(session, house, subject=f"Letter {place}").id for place in range(_LETTERS)]
    session.flush()
    ago, list_id, business = _AGO[kind], house.mailing_list.id, house.organisation.id
    given = {"people": people, "list": list_id, "business": business}
    for said in _STORY:
        session.execute(text(said.replace("AGO", ago)), {name: given[name] for name in given if f":{name}" in said})
    for number in letters:
        session.execute(text(_DELIVERIES), {"list": list_id, "business": business, "letter": number})


def _settle(kind: str) -> None:
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if kind == "postgresql" else "ANALYZE"))
