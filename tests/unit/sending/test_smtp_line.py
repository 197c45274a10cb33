"""Opening a line to a mail server: greetings, encryption, passwords, and a plain sentence when it cannot be had."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from listkeeper.sending.handing_over.smtp_conversation import Patience
from listkeeper.sending.handing_over.smtp_relay import Relay, SmtpRelay
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, TransportUnavailable
from tests.fakes import raw_server
from tests.fakes import smtp_sink as sink
from tests.fakes.raw_server import HELLO, Caller
from tests.fakes.smtp_sink import DROP, SmtpSink
from tests.unit.sending.conftest import Pulled, Seal


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


def test_a_server_that_says_nothing() -> None:
    with raw_server.running(_silent) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example", Patience(to_connect=0.3))
        assert "does not answer as it should" in _refused(relay)


def _drips(caller: Caller) -> None:
    for octet in b"220-a very slow server\r\n" * 10:
        caller.say(bytes([octet]))
        time.sleep(0.05)


def _says_hello_for_ever(caller: Caller) -> None:
    caller.say(b"220-hello\r\n" * 10_000)


def _offers_for_ever(caller: Caller) -> None:
    caller.say(HELLO)
    caller.hear()
    caller.say(b"250-MORE\r\n" * 10_000)


def _greets_twice(caller: Caller) -> None:
    caller.say(HELLO * 2)
    caller.greet("SIZE")


def _answers_twice(caller: Caller) -> None:
    caller.say(HELLO)
    caller.hear()
    caller.say(b"250-raw.example\r\n250 SIZE\r\n250 again\r\n")


@pytest.mark.parametrize("act", [_drips, _says_hello_for_ever, _offers_for_ever, _greets_twice, _answers_twice])
def test_a_server_that_greets_without_end(act: Callable[[Caller], None]) -> None:
    with raw_server.running(act) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example", Patience(to_connect=0.3))
        began = time.monotonic()
        assert "does not answer as it should" in _refused(relay)
        assert time.monotonic() - began < 5
        assert b"MAIL" not in b"".join(server.callers[0].heard)


def test_a_server_of_the_old_school_is_greeted_its_way(seal: Seal) -> None:
    def serve(caller: Caller) -> None:
        caller.say(HELLO)
        caller.expect((b"EHLO RELAY.EXAMPLE", b"502 what\r\n"), (b"HELO RELAY.EXAMPLE", b"250 hello\r\n"))
        caller.take_message()

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example")
        assert isinstance(_over(relay, seal), Accepted)
        relay.close()


@pytest.mark.parametrize("name", ["relay.example\r\nMAIL FROM:<x@y.example>", "sm\u00f8rrebr\u00f8d"])
def test_a_name_of_ours_that_no_command_can_hold(name: str) -> None:
    with raw_server.running(lambda caller: caller.greet()) as server:
        assert "does not answer as it should" in _refused(SmtpRelay(Relay("127.0.0.1", server.port), name))
        assert server.callers[0].heard in ([], [b""])


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


@pytest.mark.parametrize(
    "reply", [b"454 4.7.0 not now\r\n", b"501 what\r\n", b"250 ok\r\n", b"220 go\r\nnot TLS\r\n", b""]
)
def test_encryption_that_was_offered_and_does_not_begin(reply: bytes) -> None:
    def serve(caller: Caller) -> None:
        caller.greet("STARTTLS")
        caller.expect((b"STARTTLS", reply))

    with raw_server.running(serve) as server:
        assert "does not answer as it should" in _refused(SmtpRelay(Relay("127.0.0.1", server.port), "relay.example"))
        assert server.callers[0].heard == [b"EHLO relay.example", b"STARTTLS"]


@pytest.mark.usefixtures("trusted")
def test_what_was_said_before_encryption_is_not_taken_for_a_reply_after_it(
    server_tls: Callable[[], ssl.SSLContext],
) -> None:
    """Somebody between us and the server appends to its last words in the clear."""

    def serve(caller: Caller) -> None:
        caller.greet("STARTTLS")
        caller.expect((b"STARTTLS", b"220 go\r\n250-evil.example\r\n250 AUTH PLAIN\r\n"))
        with contextlib.suppress(OSError):
            caller.line = server_tls().wrap_socket(caller.line, server_side=True)
            caller.hear()

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port, user="user", password="secret"), "relay.example")
        assert "does not answer as it should" in _refused(relay)
        assert server.callers[0].heard == [b"EHLO relay.example", b"STARTTLS"]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_window_over_an_encrypted_line(server_tls: Callable[[], ssl.SSLContext], scheme: str) -> None:
    with sink.running(tls=server_tls(), tls_from_the_start=scheme == "smtps") as server:
        relay = SmtpRelay(
            Relay.from_url(f"{scheme}://127.0.0.1:{server.port}"), "relay.example", Patience(of_the_quick=60)
        )
        assert [type(outcome) for _, outcome in relay.hand_over_each(iter(Pulled(6)))] == [Accepted] * 6
        server.script("CONTENT", DROP, to="p3@", times=1)
        outcomes = [outcome for _, outcome in relay.hand_over_each(iter(Pulled(6)))]
        relay.close()
    assert [type(outcome) for outcome in outcomes[:4]] == [Accepted] * 3 + [InDoubt]
    assert outcomes[4] is None
    assert isinstance(outcomes[5], Accepted)
    assert [kept.encrypted for kept in server.messages] == [True] * 10
    assert server.connections == 2


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
        assert "does not accept the user name or password" in words
        assert server.messages == []


@pytest.mark.parametrize(
    ("offered", "conversation"),
    [
        ("AUTH CRAM-MD5", [(b"AUTH CRAM-MD5", b"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n"),
                           (b"DGLTIGI5MTNHNJAYYZDLZGE3YTQ5NWI0ZTZLNZMZNGQZODKW", b"235 ok\r\n")]),
        ("AUTH=LOGIN", [(b"AUTH LOGIN", b"334 VXNlcm5hbWU6\r\n"), (b"DGLT", b"334 UGFzc3dvcmQ6\r\n"),
                        (b"DGFUC3RHYWZ0YW5ZDGFHZG==", b"235 ok\r\n")]),
        ("AUTH LOGIN PLAIN", [(b"AUTH PLAIN AHRPBQB0YW5ZDGFHZNRHBNN0YWFM", b"504 not this way\r\n"),
                              (b"AUTH LOGIN", b"334 VXNlcm5hbWU6\r\n"), (b"DGLT", b"334 UGFzc3dvcmQ6\r\n"),
                              (b"DGFUC3RHYWZ0YW5ZDGFHZG==", b"235 ok\r\n")]),
    ],
)  # fmt: skip
def test_ways_to_log_in(offered: str, conversation: list[tuple[bytes, bytes]], seal: Seal) -> None:
    """The user and the password are those of RFC 2195's own example."""

    def serve(caller: Caller) -> None:
        caller.greet(offered)
        caller.expect(*conversation)
        caller.take_message()

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port, user="tim", password="tanstaaftanstaaf"), "relay.example")
        assert isinstance(_over(relay, seal), Accepted)
        relay.close()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"535 5.7.8 who\r\n", "does not accept the user name or password"),
        (b"534 5.7.9 too weak\r\n", "does not accept the user name or password"),
        (b"454 4.7.0 later\r\n", "does not answer as it should"),
        (b"250 hm\r\n", "does not answer as it should"),
        (b"", "does not answer as it should"),
    ],
)
def test_a_login_that_fails(reply: bytes, words: str) -> None:
    def serve(caller: Caller) -> None:
        caller.greet("AUTH PLAIN")
        caller.expect((b"AUTH PLAIN", reply))

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port, user="user", password="secret"), "relay.example")
        assert words in _refused(relay)
        assert not [said for said in server.callers[0].heard if said.startswith(b"MAIL")]


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
