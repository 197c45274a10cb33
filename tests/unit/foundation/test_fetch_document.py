"""Documents read from real web servers on loopback: how much is read, where redirects lead, and for how long."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from listkeeper.foundation.fetch_address import Refused, Unreachable
from listkeeper.foundation.fetch_document import Document, LiveDocuments
from tests.fakes import smtp_sink

_BODY = b"x" * 3000


class _Shop(BaseHTTPRequestHandler):
    """Answers by path: /to/<url>, /half, /slow, /status/404; else 3,000 octets."""

    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        location = self.path.removeprefix("/to/") if self.path.startswith("/to/") else None
        status = int(self.path.rpartition("/")[2]) if "/status/" in self.path else 302 if location is not None else 200
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(_BODY) + (self.path == "/half")))
        self.end_headers()
        with suppress(OSError):
            for _ in range(50 if self.path == "/slow" else 0):
                self.wfile.write(b"x")
                time.sleep(0.05)
            self.wfile.write(_BODY)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _serving(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[dict[str, str]]]]:
    seen: list[dict[str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Shop", (_Shop,), {"seen": seen}))
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    # A client that refuses our certificate is part of the test and not of its output.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def shop() -> Iterator[tuple[str, list[dict[str, str]]]]:
    with _serving() as running:
        yield running


@pytest.fixture
def reader() -> LiveDocuments:
    return LiveDocuments(("127.0.0.1",), seconds=0.6)


@pytest.mark.parametrize("most", [0, 2999, 3000, 3001, 100_000])
def test_no_more_than_asked_for_is_read_and_one_octet_more_tells(
    shop: tuple[str, list[dict[str, str]]], reader: LiveDocuments, most: int
) -> None:
    said = reader.read(f"{shop[0]}/feed?a=1", most=most)
    assert isinstance(said, Document)
    assert (said.status, said.headers["etag"], said.url) == (200, '"v1"', f"{shop[0]}/feed?a=1")
    assert said.body == _BODY[: most + 1]


def test_what_is_sent_along_arrives(shop: tuple[str, list[dict[str, str]]], reader: LiveDocuments) -> None:
    said = reader.read(f"{shop[0]}/status/404", most=9, headers={"If-None-Match": '"v1"', "Accept": "text/xml"})
    assert isinstance(said, Document)
    assert said.status == 404
    [asked] = shop[1]
    assert (asked["if-none-match"], asked["accept"], asked["accept-encoding"]) == ('"v1"', "text/xml", "identity")


def test_redirects_are_followed_a_few_times(shop: tuple[str, list[dict[str, str]]], reader: LiveDocuments) -> None:
    site = shop[0]
    said = reader.read(f"{site}/to//to//feed", most=9)
    assert isinstance(said, Document)
    assert said.url == f"{site}/feed"
    assert isinstance(reader.read(f"{site}/to//to//to//to//feed", most=9), Unreachable)
    for bad in ("file:///etc/passwd", "http://[::1", "http://10.0.0.1/", "http://user@127.0.0.1/"):
        assert isinstance(reader.read(f"{site}/to/{bad}", most=9), Refused)
    nowhere = reader.read(f"{site}/to/", most=9)
    assert isinstance(nowhere, Document)
    assert nowhere.status == 302


def test_half_a_document_is_none(shop: tuple[str, list[dict[str, str]]], reader: LiveDocuments) -> None:
    assert isinstance(reader.read(f"{shop[0]}/half", most=100_000), Unreachable)
    assert isinstance(reader.read(f"{shop[0]}/half", most=100), Document)


def test_a_server_that_drips_is_left(shop: tuple[str, list[dict[str, str]]], reader: LiveDocuments) -> None:
    begun = time.monotonic()
    assert isinstance(reader.read(f"{shop[0]}/slow", most=100_000), Unreachable)
    assert time.monotonic() - begun < 2


def test_private_networks_and_strange_headers_are_refused(
    shop: tuple[str, list[dict[str, str]]], reader: LiveDocuments
) -> None:
    assert isinstance(LiveDocuments().read(f"{shop[0]}/feed", most=9), Refused)
    assert isinstance(reader.read(f"{shop[0]}/feed", most=9, headers={"If-None-Match": "a\r\nX: b"}), Unreachable)
    assert shop[1] == []


def test_from_an_encrypted_address_nothing_leads_into_the_clear(
    shop: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    public, private = smtp_sink.certificate("127.0.0.1")
    file = tmp_path / "site.pem"
    file.write_bytes(private + public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with _serving(context) as (site, _):
        trusting = LiveDocuments(("127.0.0.1",), seconds=2.0, authorities=str(file))
        said = trusting.read(f"{site}/to//feed", most=9)
        assert isinstance(said, Document)
        assert said.status == 200
        assert isinstance(trusting.read(f"{site}/to/{shop[0]}/feed", most=9), Refused)
        strange = LiveDocuments(("127.0.0.1",), seconds=2.0).read(f"{site}/feed", most=9)
        assert isinstance(strange, Unreachable)
        assert strange.distrusted
    assert shop[1] == []
