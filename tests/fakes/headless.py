"""A running instance that hands mail to a sink, driven as a script would: commands, HTTP, and the mail that arrives."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import text

from listkeeper.settings import Settings
from tests.fakes import databases, running_up, typed
from tests.fakes.databases import Database
from tests.fakes.running_up import Running
from tests.fakes.smtp_sink import Received
from tests.fakes.typed import Type

_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Page:
    """What a request got back."""

    status: int
    body: str

    def hidden(self, name: str) -> str:
        """Return the value of a hidden field."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', self.body)
        assert found, f"no field {name} in:\n{self.body}"
        return found[1]


@dataclass(frozen=True)
class Instance:
    """The instance, what it was told, and the database it writes to."""

    running: Running
    database: Database
    typing: Type

    def type(self, *words: str) -> dict[str, Any]:
        """Run a command that must succeed without a word on standard error; return its JSON."""
        said = self.typing(*words, "--json")
        assert (said.code, said.err) == (0, ""), said
        return said.json

    def ask(self, query: str) -> list[Any]:
        """Ask the database behind the program's back; cheaper than a command, for what is waited for."""
        engine = self.database.engine()
        with engine.begin() as connection:
            result = connection.execute(text(query))
            rows = list(result) if result.returns_rows else []
        engine.dispose()
        return rows

    def hurry_receipt(self) -> None:
        """Wait until a receipt is planned, and let it go now: it waits a minute for others to share its checkpoint."""
        running_up.until(lambda: bool(self.ask("SELECT id FROM delivery WHERE notice = 'receipt'")))
        self.ask("UPDATE delivery SET due_at = created_at WHERE notice = 'receipt' AND state = 'queued'")

    def get(self, url: str) -> Page:
        """Look at a page."""
        return _ask(Request(self._here(url)))  # noqa: S310 - loopback

    def post(self, url: str, **fields: str) -> Page:
        """Send a form, without a cookie and without a referrer."""
        return _ask(Request(self._here(url), data=urlencode(fields).encode(), method="POST"))  # noqa: S310 - loopback

    def _here(self, url: str) -> str:
        return url.replace("//localhost:", "//127.0.0.1:", 1)


def _ask(request: Request) -> Page:
    try:
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
            assert "Set-Cookie" not in answer.headers
            return Page(answer.status, answer.read().decode())
    except HTTPError as problem:
        with problem:
            return Page(problem.code, problem.read().decode())


@contextmanager
def instance(kind: str, smtp_url: str | None = None) -> Iterator[Instance]:
    """Start ``listkeeper up`` on an empty database of a kind; mail leaves for ``smtp_url``, or stays for practice."""
    run = int(os.environ["LISTKEEPER_TEST_RUN"])
    with (
        running_up.short_folder() as folder,
        databases.without_tables(kind, folder, run) as database,
        pytest.MonkeyPatch.context() as patch,
    ):
        named = {"check_links": "false", "workers": "1"} | ({"smtp_url": smtp_url} if smtp_url else {})
        named |= {"database_url": database.url} if database.setting else {}
        with running_up.up(folder, port=None, **named) as running:
            told = Settings(data=folder, smtp_url=smtp_url, database_url=database.setting)
            yield Instance(running, database, typed.typing(patch, told))


def text_of(mail: Received, kind: str = "plain") -> str:
    """Return the plain or the html part of a mail."""
    part = mail.message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def link_in(mail: Received, path: str) -> str:
    """Return the one address in the text part whose path begins so, as ``/c/``."""
    [found] = {url for url in _LINK.findall(text_of(mail)) if path in url}
    return str(found)


def code_in(mail: Received) -> str:
    """Return the six digits of a confirmation mail."""
    digits = {re.sub(r"\D", "", found) for found in re.findall(r"(?<!\d)\d{3} ?\d{3}(?!\d)", text_of(mail))}
    [code] = {found for found in digits if len(found) == 6}
    return str(code)
