"""Asking the DNS about new addresses: before the decision, never in practice, and not again and again into silence."""

from __future__ import annotations

import pytest
from flask import Flask

from listkeeper import parts, store
from listkeeper.audience.signup import SignupDecision
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import domains, lanes, sending
from listkeeper.settings import Settings
from listkeeper.standards.dns import NxDomain, Outcome, TempFail
from tests.fakes.databases import Database
from tests.makers import cafe, signups
from tests.makers.works import here


class _Gone:
    def __init__(self, *, silent: bool = False) -> None:
        self.asked: list[str] = []
        self.silent = silent

    def query(self, name: str, kind: str, /) -> Outcome:
        self.asked.append(f"{name} {kind}")
        return TempFail(name, kind, "", "nobody answers") if self.silent else NxDomain(name, kind, "")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An instance that asks, with a mail server out in the world."""
    return settings.model_copy(update={"check_mail_domains": True, "smtp_url": "smtp://mail.example:2525"})


@pytest.fixture(autouse=True)
def _not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "_asked_again_at", 0.0)


def _post(app: Flask, *addresses: str) -> list[int]:
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session) if not here_is(app) else here(session)
        return [signups.post(session, house, typed)[0].id for typed in addresses]


def here_is(app: Flask) -> bool:
    """Return whether the café stands already."""
    from listkeeper.accounts import organisation  # noqa: PLC0415 - only here

    with app.app_context(), store.reading() as session:
        return organisation.maybe_one(session) is not None


def _decided(app: Flask, number: int) -> SignupDecision:
    with app.app_context(), store.reading() as session:
        return session.get_one(signups.Signup, number).decision


def test_a_domain_that_is_not_there_gets_no_mail_and_is_asked_about_once(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = _Gone()
    monkeypatch.setattr(parts, "resolver", lambda: zone)
    numbers = _post(app, "a@gone.example", "b@gone.example", "c@away.example")
    with app.app_context():
        lanes.work(Lane.URGENT.value)
    assert sorted(zone.asked) == ["away.example MX", "gone.example MX"]
    assert {_decided(app, number) for number in numbers} == {SignupDecision.NO_MAIL}


def test_silence_turns_nobody_away_and_is_not_asked_again_at_once(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = _Gone(silent=True)
    monkeypatch.setattr(parts, "resolver", lambda: zone)
    monkeypatch.setattr(sending, "deliver", lambda _lane, _until: False)
    first = _post(app, "a@one.example")
    with app.app_context():
        lanes.work(Lane.URGENT.value)
    second = _post(app, "b@two.example")
    with app.app_context():
        lanes.work(Lane.URGENT.value)
    assert zone.asked == ["one.example MX"]
    assert {_decided(app, number) for number in (*first, *second)} == {SignupDecision.ASKED}


def test_in_practice_nobody_is_asked(app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    zone, practice = _Gone(), parts.settings().model_copy(update={"smtp_url": None})
    monkeypatch.setattr(parts, "resolver", lambda: zone)
    monkeypatch.setattr(parts, "settings", lambda: practice)
    with app.app_context():
        domains.ask(_post(app, "a@gone.example"))
    assert zone.asked == []
