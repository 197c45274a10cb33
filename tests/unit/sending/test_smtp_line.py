"""Opening a line to a mail server: greetings, encryption, passwords, and a plain sentence when it cannot be had."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from listkeeper.sending import smtp_relay
from listkeeper.sending.smtp_relay import Relay, SmtpRelay
from listkeeper.sending.transport import Accepted, Deferred, Outcome, TransportUnavailable
from tests.fakes import raw_server
from tests.fakes import smtp_sink as sink
from tests.fakes.raw_server import Caller
from tests.fakes.smtp_sink import SmtpSink
from tests.unit.sending.conftest import Seal


def _over(relay: SmtpRelay, seal: Seal, **envelope: object) -> Outcome:
    relay.connect()
    return relay.hand_over(seal(**envelope))


# Connecting


def _refused(relay: SmtpRelay) -> str:
    with pytest.raises(TransportUnavailable) as refused:
        relay.connect()
    return str(refused.value)


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert _refused(SmtpRelay(Relay("127.0.0.1", port), "relay.example")) == (
        f"The mail server at 127.0.0.1:{port} does not answer as it should."
    )


@pytest.mark.parametrize("banner", [b"554 go away\r\n", b"421 busy\r\n", b"", b"hello\r\n", b"SSH-2.0-x\r\n"])
def test_a_server_that_is_none(banner: bytes) -> None:
    with raw_server.running(lambda caller: caller.say(banner)) as server:
        assert "does not answer as it should" in _refused(SmtpRelay(Relay("127.0.0.1", server.port), "relay.example"))


def _silent(caller: Caller) -> None:
    caller.hear()


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_relay, "_CONNECT_SECONDS", 0.3)
    with raw_server.running(_silent) as server:
        assert "does not answer as it should" in _refused(SmtpRelay(Relay("127.0.0.1", server.port), "relay.example"))


def test_a_relay_that_could_not_connect_tries_again(smtp_sink: SmtpSink, seal: Seal) -> None:
    smtp_sink.script("BANNER", "421 busy", times=1)
    relay = SmtpRelay(Relay.from_url(smtp_sink.url), "relay.example")
    _refused(relay)
    assert isinstance(_over(relay, seal), Accepted)
    relay.close()


# Encryption and passwords


@pytest.fixture
def server_tls(tmp_path: Path) -> Callable[[], ssl.SSLContext]:
    """A server's side of TLS with a certificate of its own."""
    certificate, key = sink.certificate()
    (tmp_path / "cert.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(key)

    def make() -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        return context

    return make


@pytest.fixture
def trusted(tmp_path: Path, server_tls: Callable[[], ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts that certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
def test_a_trusted_server_gets_it_encrypted(server_tls: Callable[[], ssl.SSLContext], seal: Seal, scheme: str) -> None:
    with sink.running(tls=server_tls(), tls_from_the_start=scheme == "smtps") as server:
        relay = SmtpRelay(Relay.from_url(f"{scheme}://127.0.0.1:{server.port}"), "relay.example")
        assert isinstance(_over(relay, seal), Accepted)
        relay.close()
        assert [kept.encrypted for kept in server.messages] == [True]


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
def test_a_bad_certificate_stops_everything(server_tls: Callable[[], ssl.SSLContext], scheme: str) -> None:
    with sink.running(tls=server_tls(), tls_from_the_start=scheme == "smtps") as server:
        words = _refused(SmtpRelay(Relay.from_url(f"{scheme}://127.0.0.1:{server.port}"), "relay.example"))
        assert words.startswith("The mail server's certificate could not be verified")
        assert server.messages == []


def test_starttls_that_is_demanded_and_not_offered(smtp_sink: SmtpSink) -> None:
    relay = SmtpRelay(Relay.from_url(f"smtp+starttls://127.0.0.1:{smtp_sink.port}"), "relay.example")
    assert _refused(relay) == "The mail server offers no encryption; nothing is sent over an open line."


@pytest.mark.usefixtures("trusted")
def test_starttls_that_is_refused(server_tls: Callable[[], ssl.SSLContext]) -> None:
    with sink.running(tls=server_tls()) as server:
        server.script("STARTTLS", "454 4.7.0 not now")
        for scheme in ("smtp", "smtp+starttls"):
            relay = SmtpRelay(Relay.from_url(f"{scheme}://127.0.0.1:{server.port}"), "relay.example")
            assert "does not answer as it should" in _refused(relay)


def test_a_login_on_loopback(seal: Seal) -> None:
    with sink.running(login=("us er", "p@ss:w/rd")) as server:
        relay = SmtpRelay(Relay.from_url(f"smtp://us%20er:p%40ss%3Aw%2Frd@127.0.0.1:{server.port}"), "relay.example")
        assert isinstance(_over(relay, seal), Accepted)
        relay.close()
        assert [kept.login for kept in server.messages] == ["us er"]


@pytest.mark.parametrize("password", ["wrong", "wröng"])
def test_a_login_that_is_refused(password: str) -> None:
    with sink.running(login=("user", "right")) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port, user="user", password=password), "relay.example")
        assert password not in (words := _refused(relay))
        expected = "does not accept the user name or password" if password.isascii() else "does not answer as it should"
        assert expected in words
        assert server.messages == []


def test_a_login_that_is_not_offered(smtp_sink: SmtpSink) -> None:
    relay = SmtpRelay(Relay("127.0.0.1", smtp_sink.port, user="user", password="secret"), "relay.example")
    assert "secret" not in _refused(relay)


def test_no_password_over_an_open_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sink listens on loopback only, so its name is all that makes it look far away."""
    with sink.running(login=("user", "right")) as server:
        monkeypatch.setattr(socket, "create_connection", _to(server.port))
        relay = SmtpRelay(Relay("mail.far.example", 25, user="user", password="right"), "relay.example")
        assert _refused(relay) == "The mail server offers no encryption; the password is not sent over an open line."
        assert [said for step, said in server.commands if step == "AUTH"] == []


def _to(port: int) -> Callable[..., socket.socket]:
    real = socket.create_connection
    return lambda _address, timeout=None, source=None: real(("127.0.0.1", port), timeout, source)


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://mail.example", Relay("mail.example", 587)),
        ("smtp://mail.example:2525", Relay("mail.example", 2525)),
        ("smtps://mail.example", Relay("mail.example", 465, implicit_tls=True)),
        ("smtp+starttls://mail.example", Relay("mail.example", 587, require_starttls=True)),
        ("smtp://a%40b:c%2Fd@[::1]:25", Relay("::1", 25, user="a@b", password="c/d")),
    ],
)
def test_addresses_of_servers(url: str, relay: Relay) -> None:
    assert Relay.from_url(url) == relay


def test_closing_says_goodbye_and_may_be_said_twice(relay: SmtpRelay, seal: Seal) -> None:
    relay.close()
    relay.close()
    assert isinstance(relay.hand_over(seal()), Deferred)
    assert issubclass(smtplib.SMTPException, OSError), "the relay's except clauses rely on it"
