"""``listkeeper form protection``: what stands before a form, and the owner's switches without a browser."""

from __future__ import annotations

from typing import Any

import pytest

from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines on an instance where nothing was made yet."""
    return typed.typing(monkeypatch, settings)


def _said(type_: Type, *words: str) -> dict[str, Any]:
    done = type_(*words, "--json")
    assert done.code == 0, done
    return done.json


def test_an_owner_declares_an_attack_and_calls_it_off(type_: Type) -> None:
    _said(type_, "init", "--name", "Café", "--address", "Havnegade 1", "--from", "hello@cafe.example")
    _said(type_, "list", "create", "--name", "News")
    form = str(_said(type_, "form", "create", "--list", "news")["id"])
    calm = _said(type_, "form", "protection", form)
    assert (calm["stage"], calm["posts"], calm["held"]) == ("calm", 0, 0)
    attacked = _said(type_, "form", "protection", form, "--attack")
    assert (attacked["stage"], attacked["reason"]) == ("work", "owner")
    assert _said(type_, "form", "protection", form, "--end")["stage"] == "work"
    assert _said(type_, "form", "protection", form, "--no-attack")["stage"] == "calm"
