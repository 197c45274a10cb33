"""``/metrics``: what Prometheus reads is true, cheap, behind a key of its own, and says nothing of anybody."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts.api_key import Scope
from listkeeper.audience.handover import MessageClass
from listkeeper.foundation import clock, disk
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping, watching
from listkeeper.sending import tally
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import heap
from tests.makers.cafe import Cafe
from tests.makers.programs import Program, code_of, program
from tests.makers.works import Works

S = DeliveryState
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(who: Program) -> Figures:
    """Read the figures as Prometheus does, and see that it could."""
    answer = who.client.get("/metrics", headers=who.headers)
    assert (answer.status_code, answer.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    families = list(text_string_to_metric_families(answer.text))
    assert {family.type for family in families} == {"counter", "gauge"}
    assert all(family.documentation for family in families)
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def figure(figures: Figures, name: str, **labels: str) -> float:
    """Return one number, or the sum of those that have these labels and more."""
    wanted = set(labels.items())
    found = [number for (said, has), number in figures.items() if said == f"listkeeper_{name}" and wanted <= has]
    assert found, f"{name} {labels}"
    return sum(found)


def _named(figures: Figures, name: str) -> bool:
    return any(said == f"listkeeper_{name}" for said, _labels in figures)


def test_what_was_sent_stands_in_the_figures(works: Works, smtp_sink: SmtpSink, queue: QueueServer) -> None:
    works.gather(10)
    works.post("bo@guest.example")
    works.drain(Lane.URGENT)
    letter = works.start()
    smtp_sink.script("RCPT", "550 5.1.1 nobody", to="person-2@")
    smtp_sink.script("RCPT", "451 4.7.1 greylisted", to="person-4@", times=1)
    works.leave(7)
    who = program(works.app, Scope.METRICS)
    before = scrape(who)
    assert figure(before, "queue_oldest_due_seconds", lane="sending") > 0
    assert figure(before, "campaigns", state="sending") == 1
    works.drain()
    after, report = scrape(who), works.progress(letter)
    sent = {"lane": "sending", "message_class": "marketing"}
    assert figure(after, "deliveries_total", outcome="accepted", **sent) == report.sent == 7
    assert figure(after, "deliveries_total", outcome="failed", **sent) == report.failed == 1
    assert figure(after, "deliveries_total", outcome="refused", **sent) == report.skipped == 1
    assert figure(after, "deliveries_total", outcome="deferred", **sent) == report.deferred == 1
    assert figure(after, "deliveries_total", outcome="accepted", message_class="doi") == 1
    assert figure(after, "provider_deliveries_total", outcome="accepted", provider="other") == 8
    assert figure(after, "deliveries_put_off", provider="other") == 1
    assert figure(after, "queue_oldest_due_seconds", lane="sending") == 0
    grown = {key for key in before if key[0].endswith("_total") and after[key] < before[key]}
    assert grown == set(), "a counter went down"


def test_what_waits_is_counted_by_the_timetable_and_says_when(works: Works, queue: QueueServer) -> None:
    works.gather(4)
    works.start()
    who = program(works.app, Scope.METRICS)
    assert not _named(scrape(who), "queue_waiting"), "nobody has counted yet"
    with works.app.app_context():
        watching.count()
    figures = scrape(who)
    assert figure(figures, "queue_waiting", lane="sending") == 4
    assert abs(figure(figures, "queue_counted_timestamp_seconds") - clock.now().timestamp()) < 60
    assert figure(figures, "jobs_waiting") >= 1
    assert figure(figures, "queue_server_up") == 1
    assert figure(figures, "workers") == 0
    assert not _named(figures, "worker_oldest_heartbeat_seconds"), "nobody works, so nobody is silent"


def test_doubts_and_dead_hands_are_seen(works: Works) -> None:
    works.gather(4)
    works.start()

    def strand(session: Session, _house: Cafe) -> None:
        values = {"state": S.HANDED, "worker": "gone:1:1", "lease_until": clock.now() - timedelta(minutes=1)}
        session.execute(update(Delivery).where(Delivery.id <= 2).values(**values))

    works.write(strand)
    who = program(works.app, Scope.METRICS)
    assert figure(scrape(who), "deliveries_under_way", state="handed") == 2
    with works.app.app_context():
        housekeeping.settle_left_behind()
    figures = scrape(who)
    assert figure(figures, "deliveries_under_way", state="handed") == 0
    assert figure(figures, "deliveries_in_doubt") == 2
    assert figure(figures, "deliveries_total", outcome="in_doubt") == 2


def test_no_label_says_who(works: Works, queue: QueueServer, smtp_sink: SmtpSink) -> None:
    works.gather(3)
    works.start("Freja's letter")

    def name_providers(session: Session, _house: Cafe) -> None:
        session.execute(update(Delivery).values(provider="anna-jensen.example", state=S.DEFERRED))

    works.write(name_providers)
    smtp_sink.script("RCPT", "451 4.7.1 <person-1@crowd.example> greylisted")
    works.drain()
    who = program(works.app, Scope.METRICS, name="Freja's watch")
    answer = who.client.get("/metrics", headers=who.headers).text
    for word in ("@", "crowd.example", "anna", "freja", "kardemomme", "cafe.example", str(parts.settings().data)):
        assert word not in answer.lower(), word
    assert 'provider="other"' in answer


def test_there_is_no_end_of_mails_but_an_end_of_lines(works: Works) -> None:
    """Every label has few values: with all that can be counted the page stays small."""
    works.gather(1)

    def count_everything(session: Session, _house: Cafe) -> None:
        rows = [
            Delivery(state=state, lane=lane, message_class=kind, provider=f"host-{number}.example")
            for state in tally.COUNTED
            for lane in Lane
            for kind in MessageClass
            for number in range(3)
        ]
        tally.note(session, rows)

    works.write(count_everything)
    figures = scrape(program(works.app, Scope.METRICS))
    assert len(figures) < 250


def test_it_is_for_those_who_watch(app: Flask, house: None) -> None:
    others = program(app, *(scope for scope in Scope if scope is not Scope.METRICS))
    stranger = app.test_client()
    assert code_of(stranger.get("/metrics")) == "no_key"
    assert code_of(stranger.get("/metrics", headers={"Authorization": "Bearer lk_" + "a" * 32})) == "bad_key"
    assert code_of(others.client.get("/metrics", headers=others.headers)) == "scope_missing"
    watching_only = program(app, Scope.METRICS)
    assert watching_only.get("/lists").status_code == 403
    answer = watching_only.client.get("/metrics", headers=watching_only.headers)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "/metrics" not in app.test_client().get("/openapi.json").text


def test_what_is_not_known_is_left_out(app: Flask, house: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no queue server here, and the disk does not answer: the figures say that, and not nought."""
    monkeypatch.setattr(disk, "free", lambda _folder: None)
    figures = scrape(program(app, Scope.METRICS))
    assert figure(figures, "queue_server_up") == 0
    for name in ("workers", "timetables", "jobs_waiting", "queue_waiting", "disk_free_bytes"):
        assert not _named(figures, name), name
    assert figure(figures, "build_info", database="sqlite", migration=store.newest_revision()) == 1
    assert figure(figures, "ledger_forked") == 0


def test_it_stays_cheap_with_a_million_rows(
    works: Works, queue: QueueServer, share: Callable[[str, int, int], int], summarise: Callable[[str], None]
) -> None:
    works.gather(1)
    works.start()
    who = program(works.app, Scope.METRICS)
    rows = share("rows behind a scrape", 1_000_000, 20_000)
    works.write(lambda session, _house: heap.pile(session, rows))
    with works.app.app_context():
        watching.count()
        engine = store.database.engine
    figures = scrape(who)
    assert figure(figures, "queue_waiting", lane="sending") > rows / 2
    assert figure(figures, "deliveries_in_doubt") == rows // 1000
    whole, asking = _seconds(who, engine)
    took = f"{whole * 1000:.1f} ms, {asking * 1000:.1f} of them in the database"
    summarise(f"{engine.dialect.name}: a scrape over {rows:,} rows takes {took}")
    # What the rest takes depends on how busy the machine is with other things, and on no row.
    assert asking < 0.05


def _seconds(who: Program, engine: Engine) -> tuple[float, float]:
    """Return how long the quickest of some scrapes takes, and what of it the database does."""
    asked: list[float] = []

    def before(*_details: object) -> None:
        asked.append(-time.perf_counter())

    def after(*_details: object) -> None:
        asked[-1] += time.perf_counter()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    took = []
    for _ in range(10):
        asked.clear()
        begun = time.perf_counter()
        assert who.client.get("/metrics", headers=who.headers).status_code == 200
        took.append((time.perf_counter() - begun, sum(asked)))
    return min(whole for whole, _asking in took), min(asking for _whole, asking in took)
