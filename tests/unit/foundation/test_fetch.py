"""Link checks against real web servers on loopback: what is asked, what is refused, and for how long."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation import public_network
from listkeeper.foundation.fetch import LiveFetcher, Reached, Refused, Unreachable

_NAMED = ("127.0.0.1", "named.example")


class _Shop(BaseHTTPRequestHandler):
    """Answers by path: /status/404, /to/<url>, /get-only, /endless."""

    seen: list[str]

    def do_HEAD(self) -> None:
        self.seen.append(f"HEAD {self.path} {self.headers['Host']}")
        if self.path.startswith(("/get-only", "/endless")):
            self._answer(405)
        elif self.path.startswith("/to/"):
            self._answer(302, self.path.removeprefix("/to/"))
        else:
            self._answer(int(self.path.rpartition("/")[2]) if "/status/" in self.path else 200)

    def do_GET(self) -> None:
        self.seen.append(f"GET {self.path}")
        self._answer(200)
        with suppress(OSError):
            while self.path.startswith("/endless"):
                self.wfile.write(b"x" * 65536)

    def _answer(self, status: int, location: str | None = None) -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _shop(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []
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
def shop() -> Iterator[tuple[str, list[str]]]:
    with _shop() as running:
        yield running


@pytest.fixture
def fetcher() -> LiveFetcher:
    return LiveFetcher(_NAMED, seconds=1.0)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and their addresses, in place of the system's; the first address of several is given once."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: int, **more: int) -> list[object]:
        with suppress(ValueError):
            ip_address(host)
            return real(host, port, *rest, **more)  # type: ignore[return-value]
        if host not in known:
            raise socket.gaierror(host)
        address = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return real(address, port, *rest, **more)  # type: ignore[return-value]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize("status", [200, 204, 404, 410, 500])
def test_a_server_that_answers_is_reached_whatever_it_says(
    shop: tuple[str, list[str]], fetcher: LiveFetcher, status: int
) -> None:
    url = f"{shop[0]}/status/{status}"
    assert fetcher.head(url) == Reached(status, url)


def test_the_host_and_an_address_with_other_letters_arrive_as_a_browser_sends_them(
    shop: tuple[str, list[str]], fetcher: LiveFetcher
) -> None:
    base, seen = shop
    assert isinstance(fetcher.head(f"{base}/smørrebrød?q=é%20x#part"), Reached)
    assert seen == [f"HEAD /sm%C3%B8rrebr%C3%B8d?q=%C3%A9%20x {base.removeprefix('http://')}"]


def test_redirects_are_followed_to_their_end(shop: tuple[str, list[str]], fetcher: LiveFetcher) -> None:
    base, _ = shop
    assert fetcher.head(f"{base}/to//to//to//status/404") == Reached(404, f"{base}/status/404")


def test_a_circle_of_redirects_ends(shop: tuple[str, list[str]], fetcher: LiveFetcher) -> None:
    base, seen = shop
    assert isinstance(fetcher.head(f"{base}/to//to//to//to//status/200"), Unreachable)
    assert len(seen) == 4


def test_where_head_is_not_known_get_is_asked_and_not_read_to_its_end(
    shop: tuple[str, list[str]], fetcher: LiveFetcher
) -> None:
    base, seen = shop
    assert fetcher.head(f"{base}/get-only") == Reached(200, f"{base}/get-only")
    assert seen[-1] == "GET /get-only"
    # Its deadline is far off: who read on would be stopped by it alone.
    patient, began = LiveFetcher(_NAMED, seconds=20), time.monotonic()
    assert patient.head(f"{base}/endless") == Reached(200, f"{base}/endless")
    assert time.monotonic() - began < 5


def test_private_networks_are_refused_unless_the_host_is_named(
    shop: tuple[str, list[str]], names: dict[str, list[str]]
) -> None:
    base, seen = shop
    port = base.rpartition(":")[2]
    names |= {"inside.example": ["127.0.0.1"], "named.example": ["127.0.0.1"]}
    fetcher = LiveFetcher(["named.example"], seconds=1.0)
    assert isinstance(fetcher.head(f"{base}/"), Refused)
    assert isinstance(fetcher.head(f"http://inside.example:{port}/"), Refused)
    assert isinstance(fetcher.head(f"http://2130706433:{port}/"), Refused | Unreachable)
    assert seen == []
    assert isinstance(fetcher.head(f"http://named.example:{port}/"), Reached)


def test_a_redirect_into_a_private_network_is_refused(shop: tuple[str, list[str]], names: dict[str, list[str]]) -> None:
    base, seen = shop
    names["named.example"] = ["127.0.0.1"]
    outside = f"http://named.example:{base.rpartition(':')[2]}"
    said = LiveFetcher(["named.example"], seconds=1.0).head(f"{outside}/to/{base}/status/200")
    assert said == Refused("127.0.0.1 lies in a private network")
    assert len(seen) == 1


def test_a_name_that_changes_its_mind_gains_nothing(shop: tuple[str, list[str]], names: dict[str, list[str]]) -> None:
    # Looked up a second time the name would lead to a port where nobody listens.
    names["named.example"] = ["127.0.0.1", "127.9.9.9"]
    said = LiveFetcher(["named.example"], seconds=1.0).head(f"http://named.example:{shop[0].rpartition(':')[2]}/")
    assert isinstance(said, Reached)
    assert names["named.example"] == ["127.9.9.9"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example/",
        "file:///etc/passwd",
        "ftp://shop.example/",
        "javascript:alert(1)",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "http://",
        "http:///path",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/ x",
        "http://127.0.0.1/\r\nX: y",
        "http://[::1/",
        "http://127.0.0.1/" + "x" * 5000,
    ],
)
def test_what_is_no_public_web_address_is_refused_unasked(fetcher: LiveFetcher, url: str) -> None:
    said = fetcher.head(url)
    assert isinstance(said, Refused)
    assert said.reason


def test_a_host_that_does_not_exist_is_named(names: dict[str, list[str]], fetcher: LiveFetcher) -> None:
    assert fetcher.head("https://nobody.example/") == Unreachable("there is no host nobody.example")


def test_a_port_where_nobody_listens(fetcher: LiveFetcher) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert fetcher.head(f"http://127.0.0.1:{port}/") == Unreachable("the web server refuses connections")


@contextmanager
def _speaking(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server that treats each connection as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def serve() -> None:
            with suppress(OSError):
                while not over.is_set():
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        speak(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(3)


def _say_nothing(connection: socket.socket) -> None:
    while connection.recv(1024):
        pass


def _drip(connection: socket.socket) -> None:
    for _ in range(100):
        connection.sendall(b"H")
        time.sleep(0.05)


def _continue_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


@pytest.mark.parametrize("speak", [_say_nothing, _drip, _continue_for_ever])
def test_a_server_that_never_gets_to_its_point_is_left_in_time(speak: Callable[[socket.socket], None]) -> None:
    with _speaking(speak) as url:
        began = time.monotonic()
        said = LiveFetcher(_NAMED, seconds=0.5).head(url)
        assert time.monotonic() - began < 3
    assert said == Unreachable("no answer in time")


@pytest.mark.parametrize(
    "answer",
    [b"", b"\0" * 100, b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200],
)
def test_an_answer_that_cannot_be_read_is_no_answer(fetcher: LiveFetcher, answer: bytes) -> None:
    def speak(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(answer)

    with _speaking(speak) as url:
        assert fetcher.head(url) == Unreachable("the web server gives no answer that can be read")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of our own for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "shop.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


def test_a_secure_server_is_reached_when_its_certificate_is_valid(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _shop(context) as (base, seen):
        reached = LiveFetcher(_NAMED, authorities=str(certificate)).head(f"{base}/")
        assert reached == Reached(200, f"{base}/")
        assert reached.certificate_ends == x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
        unknown = LiveFetcher(_NAMED).head(f"{base}/")
    assert isinstance(unknown, Unreachable)
    assert unknown.reason.startswith("its certificate is not valid")
    assert len(seen) == 1


def test_a_server_that_speaks_no_tls(shop: tuple[str, list[str]], fetcher: LiveFetcher) -> None:
    said = fetcher.head(shop[0].replace("http:", "https:"))
    assert said == Unreachable("no secure connection can be made")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.0.8", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2002:c0a8:101::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert public_network.is_public(address) is public


@given(st.text())
def test_no_text_raises(names: dict[str, list[str]], fetcher: LiveFetcher, text: str) -> None:
    for url in (text, f"http://{text}", f"https://nobody.example/{text}"):
        assert isinstance(fetcher.head(url), Refused | Unreachable)
