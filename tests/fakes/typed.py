"""Command lines run in this process, a second faster each than by ``running_up.command`` in one of their own."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from listkeeper.cli import main
from listkeeper.settings import Settings


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output, which must be one JSON document."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> str:
        """The code of the error document."""
        [(key, problem)] = self.json.items()
        assert key == "error", self.out
        assert set(problem) == {"code", "message"}
        return str(problem["code"])

    @property
    def sentence(self) -> str:
        """The one sentence a person was told on standard error; nothing stands beside it."""
        assert self.out == ""
        assert "Traceback" not in self.err
        [line] = self.err.splitlines()
        return line


Type = Callable[..., Said]


def typing(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Type:
    """Return a function that types a command line for one instance; link checks are off, nothing asks the world."""
    named = {"data": str(settings.data), "check_links": "false", "public_url": settings.public_url}
    named |= {
        "dns_server": settings.dns_server,
        "domain_gate": settings.domain_gate,
        "egress": ",".join(settings.egress),
    }
    named |= {"database_url": settings.database_url, "smtp_url": settings.smtp_url, "redis_url": settings.redis_url}
    for name, value in named.items():
        if value is not None:
            monkeypatch.setenv(f"LISTKEEPER_{name.upper()}", value)

    def run(*words: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.main.main(words, standalone_mode=False)
        assert isinstance(code, int)
        return Said(code, out.getvalue(), err.getvalue())

    return run
