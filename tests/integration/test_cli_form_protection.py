"""``listkeeper form protection``: what stands before a form, and the owner's switches without a browser."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fakes import running_up


def _said(data: Path, *words: str) -> dict[str, object]:
    done = running_up.command(*words, "--json", data=str(data))
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_an_owner_declares_an_attack_and_calls_it_off(data_folder: Path) -> None:
    _said(data_folder, "init", "--name", "Café", "--address", "Havnegade 1", "--from", "hello@cafe.example")
    _said(data_folder, "list", "create", "--name", "News")
    form = str(_said(data_folder, "form", "create", "--list", "news")["id"])
    calm = _said(data_folder, "form", "protection", form)
    assert (calm["stage"], calm["posts"], calm["held"]) == ("calm", 0, 0)
    attacked = _said(data_folder, "form", "protection", form, "--attack")
    assert (attacked["stage"], attacked["reason"]) == ("work", "owner")
    assert _said(data_folder, "form", "protection", form, "--end")["stage"] == "work"
    assert _said(data_folder, "form", "protection", form, "--no-attack")["stage"] == "calm"
