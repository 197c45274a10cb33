"""A mail server on loopback that keeps what it is given and answers as a test scripts it.

Steps, in the order of a conversation: ``BANNER``, ``EHLO``, ``STARTTLS``, ``AUTH``, ``MAIL``, ``RCPT``, ``DATA`` (the
command, before 354) and ``CONTENT`` (after the final dot). A step without a rule is answered as a friendly server
would.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

STEPS = ("BANNER", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "CONTENT")
# In place of a reply: the connection is closed, and the client learns nothing.
DROP = None


@dataclass(frozen=True)
class Received:
    """One message as it went over the wire, dots already unstuffed, and what the client was told about it."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    content: bytes
    hello: str
    encrypted: bool
    reply: str | None
    peer: tuple[str, int] = ("", 0)
    login: str | None = None

    @property
    def message(self) -> EmailMessage:
        """The message, parsed by the standard library."""
        parsed = BytesParser(policy=policy.SMTP).parsebytes(self.content)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class Rule:
    """Answer one step with ``reply`` while ``left`` is not zero and the argument fits."""

    step: str
    reply: str | None
    fits: Callable[[str], bool]
    left: int | None
    delay: float
    used: int = 0


@dataclass
class SmtpSink:
    """The server as a test sees it; ``running()`` starts and stops one."""

    messages: list[Received] = field(default_factory=list)
    unanswered: list[Received] = field(default_factory=list)
    refused: list[Received] = field(default_factory=list)
    commands: list[tuple[str, str]] = field(default_factory=list)
    connections: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    scheme: str = "smtp"
    login: tuple[str, str] | None = None
    _rules: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """The address for LISTKEEPER_SMTP_URL."""
        user = f"{self.login[0]}:{self.login[1]}@" if self.login else ""
        return f"{self.scheme}://{user}{self.host}:{self.port}"

    def script(
        self, step: str, reply: str | None, *, to: str | None = None, times: int | None = None, delay: float = 0
    ) -> Rule:
        """Answer ``step`` with ``reply`` (``DROP``: not at all).

        ``to``: only when the argument contains this; for ``CONTENT`` the argument is the recipients.
        ``times``: how often, for ever when not given. ``delay``: seconds before the answer.
        The rule scripted last wins.
        """
        if step not in STEPS:
            raise ValueError(f"no such step: {step}; one of {', '.join(STEPS)}")
        rule = Rule(step, reply, (lambda argument: to is None or to.lower() in argument.lower()), times, delay)
        with self._lock:
            self._rules.insert(0, rule)
        return rule

    def forget(self) -> None:
        """Drop all rules and all that was kept."""
        with self._lock:
            for kept in (self.messages, self.unanswered, self.refused, self.commands, self._rules):
                kept.clear()
            self.connections = 0

    def to(self, address: str) -> list[Received]:
        """Return the accepted messages to one address."""
        return [received for received in self.messages if address in received.rcpt_tos]

    def rule_for(self, step: str, argument: str) -> Rule | None:
        """Use up and return the rule that answers this step, if there is one."""
        with self._lock:
            self.commands.append((step, argument))
            for rule in self._rules:
                if rule.step == step and rule.left != 0 and rule.fits(argument):
                    rule.left = None if rule.left is None else rule.left - 1
                    rule.used += 1
                    return rule
        return None

    def keep(self, received: Received) -> None:
        """File a message by what its sender was told."""
        with self._lock:
            if received.reply is None:
                self.unanswered.append(received)
            elif received.reply.startswith("2"):
                self.messages.append(received)
            else:
                self.refused.append(received)


class _Handler:
    """What aiosmtpd calls when a message is complete."""

    def __init__(self, sink: SmtpSink) -> None:
        self.sink = sink

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_DATA(self, server: _Server, session: Session, envelope: Envelope) -> str:  # noqa: N802
        recipients = tuple(envelope.rcpt_tos)
        rule = self.sink.rule_for("CONTENT", " ".join(recipients))
        reply = rule.reply if rule else "250 2.0.0 kept"
        content = envelope.original_content or b""
        login = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None
        self.sink.keep(
            Received(
                mail_from=str(envelope.mail_from or ""),
                rcpt_tos=recipients,
                content=content,
                hello=str(session.host_name),
                encrypted=session.ssl is not None or self.sink.scheme == "smtps",
                reply=reply,
                peer=session.peer[:2] if isinstance(session.peer, tuple) else ("", 0),
                login=login,
            )
        )
        if rule and rule.delay:
            await asyncio.sleep(rule.delay)
        if reply is None:
            server.hang_up()
            return "421 4.0.0 never sent"
        return reply


class _Server(SMTP):
    """aiosmtpd's server, asking the script before every step."""

    def __init__(self, handler: _Handler, **options: Any) -> None:  # noqa: ANN401 - aiosmtpd's own options
        self.sink = handler.sink
        super().__init__(handler, **options)

    def hang_up(self) -> None:
        """Close the connection without a word."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    async def push(self, status: Any) -> None:  # noqa: ANN401 - aiosmtpd takes text or bytes
        """Answer, unless the connection is already gone."""
        if self.transport is not None and not self.transport.is_closing():
            await super().push(status)

    async def _scripted(self, step: str, argument: str | None) -> bool:
        rule = self.sink.rule_for(step, argument or "")
        if rule is None:
            return False
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.reply is None:
            self.hang_up()
        else:
            await self.push(rule.reply)
            if rule.reply.startswith("421") and self.transport is not None:
                self.transport.close()
        return True

    async def _handle_client(self) -> None:
        self.sink.connections += 1
        if await self._scripted("BANNER", ""):
            if self.transport is not None:
                self.transport.close()
            return
        await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's names, here and below
        """Greet."""
        if not await self._scripted("EHLO", hostname):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        """Begin encryption."""
        if not await self._scripted("STARTTLS", arg):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        """Log in."""
        if not await self._scripted("AUTH", arg.split(maxsplit=1)[0] if arg else ""):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        """Take the return path."""
        if not await self._scripted("MAIL", arg):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        """Take a recipient."""
        if not await self._scripted("RCPT", arg):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Take the content."""
        if not await self._scripted("DATA", arg):
            await super().smtp_DATA(arg)


class _Loop:
    """An event loop in a thread of its own that serves one sink and leaves nothing open behind it."""

    def __init__(self, sink: SmtpSink, server_options: dict[str, Any]) -> None:
        self._handler = _Handler(sink)
        self._options = server_options
        self._servers: list[_Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp-sink", daemon=True)
        self._listener: asyncio.Server | None = None

    def _connected(self) -> _Server:
        server = _Server(self._handler, loop=self._loop, **self._options)
        self._servers.append(server)
        return server

    def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen, and return the port."""
        self._thread.start()
        listening = self._loop.create_server(self._connected, host, port, ssl=tls, backlog=256)
        self._listener = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        return int(self._listener.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Stop listening, hang up on everybody and end the thread."""
        asyncio.run_coroutine_threadsafe(self._wind_down(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _wind_down(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for server in self._servers:
            server.hang_up()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _authenticator(login: tuple[str, str]) -> Callable[..., AuthResult]:
    def check(_server: object, _session: object, _envelope: object, _mechanism: str, given: object) -> AuthResult:
        expected = LoginPassword(login[0].encode(), login[1].encode())
        # handled=False lets aiosmtpd send its own 535.
        return AuthResult(success=given == expected, handled=False, auth_data=given)

    return check


@contextmanager
def running(
    *,
    login: tuple[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    tls_from_the_start: bool = False,
    size_limit: int = 33_554_432,
    port: int = 0,
    host: str = "127.0.0.1",
    smtputf8: bool = True,
) -> Iterator[SmtpSink]:
    """Run a sink; ``tls`` offers STARTTLS, or speaks TLS at once when asked to.

    ``host`` may be 127.0.0.2, which stands for a mail server on another machine. Without ``smtputf8`` it is one of the
    many that carry ASCII addresses only.
    """
    sink = SmtpSink(login=login, scheme="smtps" if tls and tls_from_the_start else "smtp", host=host)
    options: dict[str, Any] = {
        "hostname": "sink.example",
        "ident": "sink",
        "enable_SMTPUTF8": smtputf8,
        "data_size_limit": size_limit,
    }
    if tls and not tls_from_the_start:
        options["tls_context"] = tls
    if login:
        options |= {"authenticator": _authenticator(login), "auth_require_tls": False}
    loop = _Loop(sink, options)
    sink.port = loop.start(sink.host, port, tls if tls_from_the_start else None)
    try:
        yield sink
    finally:
        loop.stop()


def certificate(host: str = "127.0.0.1") -> tuple[bytes, bytes]:
    """Return a fresh self-signed certificate for loopback and its key, both PEM."""
    import ipaddress  # noqa: PLC0415 - only the tests of TLS need these
    from datetime import timedelta  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink.example")])
    names = [x509.DNSName("localhost"), x509.DNSName("sink.example"), x509.IPAddress(ipaddress.ip_address(host))]
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private
