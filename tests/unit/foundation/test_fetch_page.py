"""Small pages read from a real web server with TLS on loopback: what is read, what is refused, and for how long."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation import fetch
from listkeeper.foundation.fetch import Answer, LiveFetcher, Refused, Unreachable
from tests.fakes import smtp_sink

_NAMED = ("127.0.0.1",)
_POLICY = b"version: STSv1\nmode: enforce\nmx: mail.shop.example\nmax_age: 604800\n"


@dataclass
class Site:
    """A web server that answers each request with the same octets, over TLS."""

    url: str
    authorities: str
    asked: list[bytes] = field(default_factory=list)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of our own for 127.0.0.1, with its key."""
    public, private = smtp_sink.certificate("127.0.0.1")
    file = tmp_path_factory.mktemp("certificate") / "site.pem"
    file.write_bytes(private + public)
    return file


@contextmanager
def _site(certificate: Path, answer: bytes | Callable[[ssl.SSLSocket], None]) -> Iterator[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        site = Site(f"https://127.0.0.1:{listening.getsockname()[1]}/", str(certificate))

        def serve() -> None:
            with suppress(OSError):
                while True:
                    plain, _ = listening.accept()
                    with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                        site.asked.append(connection.recv(65536))
                        if callable(answer):
                            answer(connection)
                        else:
                            connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield site
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(3)


def _reader(site: Site, seconds: float = 2.0) -> LiveFetcher:
    return LiveFetcher(_NAMED, seconds=seconds, authorities=site.authorities)


def _page(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: text/plain", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def test_a_page_is_read_as_it_stands_there(certificate: Path) -> None:
    with _site(certificate, _page("200 OK", _POLICY)) as site:
        said = _reader(site).get(f"{site.url}.well-known/mta-sts.txt?x=1#part")
    assert said == Answer(200, {"content-length": str(len(_POLICY)), "content-type": "text/plain"}, _POLICY)
    [asked] = site.asked
    assert asked.startswith(b"GET /.well-known/mta-sts.txt?x=1 HTTP/1.1\r\n")
    assert b"cookie" not in asked.lower()
    assert f"Host: {site.url[8:-1]}".encode() in asked


def test_a_redirect_is_an_answer_and_is_not_followed(certificate: Path) -> None:
    with _site(certificate, _page("301 Moved", b"", "Location: https://elsewhere.example/")) as site:
        said = _reader(site).get(site.url)
        assert isinstance(said, Answer)
        assert (said.status, said.headers["location"]) == (301, "https://elsewhere.example/")
        assert len(site.asked) == 1


@pytest.mark.parametrize("size", [0, 1, fetch.LARGEST_PAGE - 1, fetch.LARGEST_PAGE, fetch.LARGEST_PAGE + 1, 200_000])
@pytest.mark.parametrize("announced", [True, False])
def test_of_a_page_that_is_too_large_there_is_one_octet_too_many(certificate: Path, size: int, announced: bool) -> None:
    body = b"x" * size
    whole = _page("200 OK", body) if announced else b"HTTP/1.1 200 OK\r\n\r\n" + body
    with _site(certificate, whole) as site:
        said = _reader(site, 10).get(site.url)
    assert isinstance(said, Answer)
    assert len(said.body) == min(size, fetch.LARGEST_PAGE + 1)


def test_a_certificate_that_nobody_vouches_for_is_named_and_nothing_is_asked(certificate: Path) -> None:
    with _site(certificate, _page("200 OK", _POLICY)) as site:
        said = LiveFetcher(_NAMED).get(site.url)
        elsewhere = _reader(site).get(site.url.replace("127.0.0.1", "127.0.0.2"))
    assert isinstance(said, Unreachable)
    assert said.reason.startswith("its certificate is not valid")
    assert isinstance(elsewhere, Refused | Unreachable)
    assert site.asked == []


def test_a_certificate_for_another_name_is_not_good_enough(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **more: real("127.0.0.1", *rest, **more))
    with _site(certificate, _page("200 OK", _POLICY)) as site:
        reader = LiveFetcher(["other.example", "sink.example"], seconds=2.0, authorities=site.authorities)
        other = reader.get(site.url.replace("127.0.0.1", "other.example"))
        own = reader.get(site.url.replace("127.0.0.1", "sink.example"))
    assert isinstance(other, Unreachable)
    assert other.reason.startswith("its certificate is not valid")
    assert isinstance(own, Answer)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "ftp://127.0.0.1/", "mailto:a@b.example", "", "https://a:b@127.0.0.1/", "https://"]
)
def test_only_https_addresses_are_read(url: str) -> None:
    said = LiveFetcher(_NAMED, seconds=1.0).get(url)
    assert isinstance(said, Refused)
    assert said.reason


def test_a_private_network_is_refused_unless_it_is_named(certificate: Path) -> None:
    with _site(certificate, _page("200 OK", _POLICY)) as site:
        said = LiveFetcher(seconds=1.0, authorities=site.authorities).get(site.url)
    assert said == Refused("127.0.0.1 lies in a private network")
    assert site.asked == []


def _drip(connection: ssl.SSLSocket) -> None:
    for _ in range(100):
        connection.sendall(b"H")
        time.sleep(0.05)


def _drip_the_body(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"mode: none\n")
        time.sleep(0.05)


def _say_nothing(connection: ssl.SSLSocket) -> None:
    while connection.recv(1024):
        pass


@pytest.mark.parametrize("speak", [_drip, _drip_the_body, _say_nothing])
def test_a_server_that_never_gets_to_its_end_is_left_in_time(
    certificate: Path, speak: Callable[[ssl.SSLSocket], None]
) -> None:
    with _site(certificate, speak) as site:
        began = time.monotonic()
        said = _reader(site, 0.5).get(site.url)
        assert time.monotonic() - began < 3
    assert said == Unreachable("no answer in time")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 100,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nversion: STSv1",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_half_a_page_is_no_page(certificate: Path, answer: bytes) -> None:
    with _site(certificate, answer) as site:
        assert _reader(site).get(site.url) == Unreachable("the web server gives no answer that can be read")


@given(st.binary(max_size=300))
def test_no_octets_raise(certificate: Path, octets: bytes) -> None:
    with _site(certificate, b"HTTP/1.1 200 OK\r\n" + octets) as site:
        said = _reader(site, 1.0).get(site.url)
    assert isinstance(said, Answer | Unreachable)
    assert not isinstance(said, Answer) or octets.endswith(said.body)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    reader = LiveFetcher(seconds=0.5)
    for url in (text, f"https://127.0.0.1/{text}"):
        assert isinstance(reader.get(url), Refused | Unreachable)
