"""While a list is loaded, others get their turn: somebody who signs up waits for a chunk at most, not for the file."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from flask import Flask

from listkeeper import parts, store
from listkeeper.audience import signup, signup_form
from listkeeper.audience.signup import Visit
from tests.fakes.databases import Database
from tests.makers import exports, imports, works

_LONGEST_SECONDS = 5.0


def test_somebody_signs_up_meanwhile(app: Flask, database: Database, tmp_path: Path) -> None:
    court = imports.opened(app, tmp_path)
    people = [f"person-{number}@crowd.example" for number in range(24_000)]
    file = exports.write(tmp_path / "subscribed.csv", exports.mailchimp("subscribed", people))
    waited: list[float] = []
    over = threading.Event()

    def sign_up() -> None:
        number = 0
        while not over.is_set():
            number += 1
            begun = time.monotonic()
            with works.writing(app) as session:
                shown = signup_form.shown(session, works.here(session).form.slug)
                signup.receive(
                    session, shown, f"new-{number}@guest.example", Visit(network="192.0.2.1"), parts.limits()
                )
            waited.append(time.monotonic() - begun)
            time.sleep(0.02)

    other = threading.Thread(target=sign_up)
    other.start()
    try:
        made = court.load(file, apart=True)
    finally:
        over.set()
        other.join(30)
    assert made.counts == {"new": 24_000}
    assert len(waited) >= 3
    assert max(waited) < _LONGEST_SECONDS
    with app.app_context(), store.reading():
        assert len(court.states()) == 24_000
