"""`listkeeper probe` as on another machine: real pages, a real name server, a log that goes on and can be checked."""

from __future__ import annotations

import fcntl
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from listkeeper.settings import Settings
from tests.fakes import dns_server, running_up, typed
from tests.fakes.dns_server import DnsServer
from tests.fakes.typed import Said, Type

_ZONE = {"shop.example": {"TXT": ["v=spf1 -all"]}, "_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none"]}}


class _Pages(BaseHTTPRequestHandler):
    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(self.command)
        self.send_response(410 if self.path == "/gone" else 200)
        self.end_headers()

    def do_POST(self) -> None:
        self.asked.append(self.command)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[tuple[str, list[str]]]:
    """A web server: its address, and by which methods it was asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Pages", (_Pages,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server."""
    with dns_server.serving(_ZONE) as server:
        yield server


@dataclass(frozen=True)
class Probe:
    """A probe's folder, and the way to type its command."""

    folder: Path
    type_: Type
    site: str

    @property
    def log(self) -> Path:
        """Its log."""
        return self.folder / "probe.jsonl"

    def words(self, *more: str) -> list[str]:
        """Return its command line."""
        pages = [f"--{what}={self.site}/{what}" for what in ("form", "confirm", "unsubscribe", "tracking")]
        return ["probe", "--domain", "shop.example", *pages, f"--log={self.log}", f"--key={self.folder / 'key'}", *more]

    def run(self, *more: str) -> Said:
        """Let it look once."""
        return self.type_(*self.words("--count=1", *more))

    def verify(self, public: str) -> Said:
        """Check the log."""
        return self.type_("probe", "verify", str(self.log), "--public-key", public, "--json")


@pytest.fixture
def probe(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    web: tuple[str, list[str]],
    names: DnsServer,
    _no_settings_from_outside: None,
) -> Probe:
    """A probe where there is no instance."""
    typing = typed.typing(monkeypatch, Settings(data=tmp_path / "nothing"))
    monkeypatch.setenv("LISTKEEPER_DNS_SERVER", names.address)
    monkeypatch.setenv("LISTKEEPER_PRIVATE_HOSTS", "127.0.0.1")
    return Probe(tmp_path, typing, web[0])


def _public(said: Said) -> str:
    return said.out.splitlines()[0].removeprefix("Public key: ")


def test_each_look_is_a_line_and_the_log_goes_on_after_a_restart(probe: Probe, web: tuple[str, list[str]]) -> None:
    first = probe.run()
    assert first.code == 0, first.out + first.err
    assert (probe.folder / "key").stat().st_mode & 0o777 == 0o600
    assert not (probe.folder / "nothing").exists()
    again = probe.type_(*probe.words("--count=2", "--every=1"))
    assert (again.code, _public(again)) == (0, _public(first))
    rows = [json.loads(line) for line in probe.log.read_bytes().splitlines()]
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert {page["what"]: page["status"] for page in rows[0]["pages"]} == {
        "form": 200,
        "confirm": 200,
        "unsubscribe": 200,
        "tracking": 200,
    }
    assert rows[0]["records"] == {"spf": "present", "dmarc": "present"}
    assert rows[0]["records_sha256"] == rows[2]["records_sha256"]
    assert set(web[1]) == {"HEAD"}
    checked = probe.verify(_public(first))
    assert (checked.code, checked.json["true"], checked.json["lines"]) == (0, True, 3)


def test_what_is_wrong_outside_is_the_exit_code(probe: Probe, names: DnsServer) -> None:
    assert probe.run(f"--form={probe.site}/gone").code == 5
    assert probe.run("--selector=lk1").code == 5
    names.refused.add("*")
    assert probe.run().code == 3


def test_whoever_touches_the_log_is_found_out(probe: Probe) -> None:
    said = probe.type_(*probe.words("--count=3", "--every=1"))
    whole = probe.log.read_bytes()
    lines = whole.splitlines(keepends=True)
    for touched in (
        whole.replace(b'"status":200', b'"status":500', 1),
        lines[0] + lines[2],
        lines[1] + lines[0] + lines[2],
    ):
        probe.log.write_bytes(touched)
        found = probe.verify(_public(said))
        assert (found.code, found.json["true"]) == (5, False)
        assert found.json["findings"]
    probe.log.write_bytes(whole)
    assert probe.verify("A" * 43 + "=").code == 5
    assert probe.verify("no key").error == "public_key"


def test_half_a_line_of_a_killed_probe_is_cut_off_and_a_file_of_somebody_else_is_left_alone(probe: Probe) -> None:
    first = probe.run()
    with probe.log.open("ab") as log:
        log.write(b'{"at":"2026-11-23T0')
    assert probe.run().code == 0
    assert probe.verify(_public(first)).json["lines"] == 2
    for foreign in (b"notes of mine", b"notes\nof mine\n"):
        probe.log.write_bytes(foreign)
        assert probe.run().code == 10
        assert probe.log.read_bytes() == foreign
    probe.log.unlink()
    (probe.folder / "key").write_bytes(b"no key")
    assert probe.run().code == 10
    (probe.folder / "key").unlink()
    assert probe.run().code == 0
    (probe.folder / "key").unlink()
    # Another key does not go on with this log.
    assert probe.run().code == 10


def test_two_probes_do_not_write_one_log(probe: Probe) -> None:
    probe.run()
    with probe.log.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert probe.run().code == 12


@pytest.mark.parametrize(
    "words", [("--count=1",), ("--domain=no domain",), ("--domain=shop.example", "--selector=a b"), ("--every=0",)]
)
def test_what_cannot_be_watched_is_said(probe: Probe, words: tuple[str, ...]) -> None:
    assert probe.type_("probe", *words).code in {2, 10}
    assert not probe.log.exists()


def test_a_probe_ends_at_sigterm_with_its_last_line_whole(probe: Probe, names: DnsServer, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "listkeeper.cli.main", *probe.words("--every=3600")]
    told = running_up.environment(dns_server=names.address, private_hosts="127.0.0.1")
    process = running_up.begun(words, tmp_path / "said", told)
    until = time.monotonic() + 30
    while not probe.log.exists() or not probe.log.read_bytes().endswith(b"\n"):
        assert time.monotonic() < until, (tmp_path / "said").read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    public = (tmp_path / "said").read_text().splitlines()[0].removeprefix("Public key: ")
    assert probe.verify(public).json["true"] is True
