"""After an erasure nobody finds the address: not in database, queue, logs or inbox, nor after a backup's replay."""

from __future__ import annotations

import base64
import quopri
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import create_engine

from listkeeper.foundation import caught_mail
from tests.fakes import databases, headless, running_up
from tests.fakes.headless import Instance
from tests.fakes.running_up import until

LOCAL, DOMAIN = "zoe.quux7719", "canary-guest.example"
HER = f"{LOCAL}@{DOMAIN}"
NETWORK_MARK = "Canary-Browser/77.19"
_LETTER = (
    "# Buns\n\nDear {{ subscriber.first_name | default: 'friend' }}, the oven is warm. [Menu](https://cafe.example)\n"
)


@pytest.fixture(params=databases.chosen())
def place(request: pytest.FixtureRequest) -> Iterator[Instance]:
    """A running instance in practice mode: its inbox lies on the same disk."""
    with headless.instance(request.param) as instance:
        yield instance


def _traces() -> list[bytes]:
    """Return how an address could lie about in bytes."""
    plain = [LOCAL, HER, LOCAL.upper(), DOMAIN, LOCAL.replace(".", "=2E"), HER.replace("@", "%40")]
    encoded = [base64.b64encode(HER.encode()[skip:]).rstrip(b"=")[2:-2] for skip in range(3)]
    return [form.encode() for form in plain] + encoded + [quopri.encodestring(HER.encode())] + [NETWORK_MARK.encode()]


def _found(folder: Path) -> list[str]:
    return [
        f"{path.relative_to(folder)}: {trace!r}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in [path.read_bytes()]
        for trace in _traces()
        if trace in content
    ]


def _subscribed(place: Instance) -> None:
    place.type("init", "--name", "Café Ø", "--address", "Havnegade 1\n1058 København", "--from", "hello@cafe.example")
    place.type("list", "create", "--name", "News")
    form = place.type("form", "create", "--list", "news")["url"]
    _posted(form, email=HER)
    inbox = place.running.data / "practice"
    until(lambda: caught_mail.count(inbox) > 0)
    [asked] = caught_mail.entries(inbox, to=HER)
    raw = caught_mail.read(inbox, asked.key).raw.decode()
    token = raw.replace("=\r\n", "").split("/c/")[1].split()[0].strip('"<>=')[:22]
    _posted(f"http://localhost:{place.running.port}/c/{token}")
    until(lambda: place.ask("SELECT id FROM subscription WHERE state = 'confirmed'") != [])


def _posted(url: str, **fields: str) -> None:
    """Send a form from a browser that can be told from all others."""
    here = url.replace("//localhost:", "//127.0.0.1:", 1)
    asked = Request(here, urlencode(fields).encode(), {"User-Agent": NETWORK_MARK}, method="POST")  # noqa: S310 - loopback
    with urlopen(asked, timeout=30) as answer:  # noqa: S310 - loopback
        assert answer.status == 200


def _mailed(place: Instance, tmp_path: Path) -> None:
    letter = tmp_path / "letter.md"
    letter.write_text(_LETTER, encoding="utf-8")
    made = place.type("campaign", "create", "--list", "news", "--subject", "Buns", "--from", str(letter))["id"]
    place.type("campaign", "test", made, "--to", HER)
    place.type("campaign", "send", made, "--yes")
    until(lambda: not place.ask("SELECT id FROM campaign WHERE state = 'sending'"))
    until(
        lambda: not place.ask("SELECT id FROM delivery WHERE state IN ('queued','leased','handed') AND lane='sending'")
    )


def _compacted(place: Instance) -> Path:
    """Compact the database and return the folder where all its bytes lie."""
    if place.database.kind == "sqlite":
        _vacuum(place.running.data / "listkeeper.db")
        return place.running.data
    engine = create_engine(place.database.url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM FULL")
    engine.dispose()
    return place.running.data


def _dumped(place: Instance, tmp_path: Path) -> Path:
    """Write every row of a PostgreSQL database as text, as pg_dump would."""
    folder = tmp_path / "rows"
    folder.mkdir(exist_ok=True)
    names = place.ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    for (name,) in names:
        (folder / name).write_text("\n".join(map(repr, place.ask(f'SELECT * FROM "{name}"'))))  # noqa: S608
    return folder


@pytest.mark.whole_program
def test_no_byte_of_her_is_left_nor_comes_back_with_a_backup(place: Instance, tmp_path: Path) -> None:
    _subscribed(place)
    _mailed(place, tmp_path)
    backup = tmp_path / "before.zip"
    place.type("backup", "--out", str(backup))
    assert _found(place.running.data) != [] or _found(_dumped(place, tmp_path)) != []
    place.type("subscriber", "erase", HER, "--yes")
    until(lambda: place.ask("SELECT id FROM erasure WHERE journaled") != [])
    running = _compacted(place)
    # What the queue server would write on its disk, and every log line so far.
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "up.log").write_text(place.running.said())
    assert _found(running) == []
    assert _found(tmp_path / "log") == []
    if place.database.kind == "postgresql":
        assert _found(_dumped(place, tmp_path)) == []
    assert place.type("consent", "verify")["findings"] == []
    _restored_without_her(place, backup, tmp_path)


def _restored_without_her(place: Instance, backup: Path, tmp_path: Path) -> None:
    """Restore the backup from before on an empty machine: its replay finds no trace either, and the ledger is whole."""
    elsewhere = tmp_path / "again"
    elsewhere.mkdir()
    # The keys and the journal lie apart from the backup; both are put back in their places first.
    for part in ("keys", "journal"):
        shutil.copytree(place.running.data / part, elsewhere / part)
    said = running_up.command("restore", str(backup), "--accept", "--data", str(elsewhere), "--json")
    assert said.returncode == 0, said
    assert HER not in said.stdout
    _vacuum(elsewhere / "listkeeper.db")
    assert _found(elsewhere) == []
    checked = running_up.command("consent", "verify", "--data", str(elsewhere), "--json")
    assert checked.returncode == 0, checked


def _vacuum(file: Path) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in ("PRAGMA secure_delete=ON", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
        connection.execute(statement)
    connection.close()
