"""Handing mail to a submission server by SMTP (RFC 5321, 3207, 4954, 6152, 6531).

One connection is kept over many messages, one recipient a transaction. What
matters is when a line breaks: before the final dot nothing was taken, after it
only the server knows, and the delivery is in doubt.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from listkeeper.foundation import language
from listkeeper.sending import transport
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply, TransportUnavailable

_CONNECT_SECONDS = 15
_REPLY_SECONDS = 120
_MESSAGES_PER_CONNECTION = 500
# Servers hang up after some idle minutes: after a pause we ask before we trust the line.
_IDLE_SECONDS = 10.0
_GOOD = range(200, 300)
_NOT_NOW = range(400, 500)
_NEVER = range(500, 600)
_GO_ON = 354
_CLOSING = 421
# They say that we are not logged in (RFC 4954 section 6), which is no fault of this message.
_ABOUT_THE_LOGIN = frozenset({530, 534, 535, 538})
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Relay:
    """Where and how to submit mail."""

    host: str
    port: int
    implicit_tls: bool = False
    require_starttls: bool = False
    user: str | None = None
    password: str | None = None

    @classmethod
    def from_url(cls, url: str) -> Relay:
        """Read ``smtp://``, ``smtp+starttls://`` or ``smtps://`` with optional user and password."""
        parts = urlsplit(url)
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or (465 if implicit else 587),
            implicit_tls=implicit,
            require_starttls=parts.scheme == "smtp+starttls",
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class SmtpRelay:
    """A Transport over one kept-open SMTP connection."""

    def __init__(self, relay: Relay, ehlo_name: str) -> None:
        self._relay = relay
        self._ehlo_name = ehlo_name
        self._line: smtplib.SMTP | None = None
        self._carried = 0
        self._used_at = 0.0

    @property
    def carries_smtputf8(self) -> bool:
        """Whether the connected server offers SMTPUTF8."""
        return self._line is not None and self._line.has_extn("smtputf8")

    def connect(self) -> None:
        """Open the line if there is none. Raises TransportUnavailable in plain words."""
        if self._line is not None and not self._still_there(self._line):
            self._drop()
        if self._line is not None and self._carried < _MESSAGES_PER_CONNECTION:
            return
        self.close()
        try:
            self._line = self._open()
        except smtplib.SMTPAuthenticationError as problem:
            raise TransportUnavailable(
                language.text("The mail server does not accept the user name or password.")
            ) from problem
        except ssl.SSLCertVerificationError as problem:
            raise TransportUnavailable(
                language.text(
                    "The mail server's certificate could not be verified; nothing is sent over an unsafe line."
                )
            ) from problem
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            raise TransportUnavailable(
                language.text(
                    "The mail server at %(host)s does not answer as it should.",
                    host=f"{self._relay.host}:{self._relay.port}",
                )
            ) from problem
        self._carried = 0
        self._used_at = time.monotonic()

    def _still_there(self, line: smtplib.SMTP) -> bool:
        if time.monotonic() - self._used_at < _IDLE_SECONDS or line.sock is None:
            return line.sock is not None
        self._used_at = time.monotonic()
        try:
            line.sock.settimeout(_CONNECT_SECONDS)
            answered = line.noop()[0] in _GOOD
            line.sock.settimeout(_REPLY_SECONDS)
        except (OSError, smtplib.SMTPException):
            return False
        return answered

    def _open(self) -> smtplib.SMTP:
        relay, context = self._relay, ssl.create_default_context()
        line: smtplib.SMTP
        if relay.implicit_tls:
            line = smtplib.SMTP_SSL(
                relay.host, relay.port, local_hostname=self._ehlo_name, timeout=_CONNECT_SECONDS, context=context
            )
        else:
            line = smtplib.SMTP(relay.host, relay.port, local_hostname=self._ehlo_name, timeout=_CONNECT_SECONDS)
        try:
            self._greet(line, context)
        except BaseException:
            line.close()
            raise
        return line

    def _greet(self, line: smtplib.SMTP, context: ssl.SSLContext) -> None:
        relay = self._relay
        line.ehlo_or_helo_if_needed()
        if relay.require_starttls and not line.has_extn("starttls"):
            raise TransportUnavailable(
                language.text("The mail server offers no encryption; nothing is sent over an open line.")
            )
        if not relay.implicit_tls and line.has_extn("starttls"):
            line.starttls(context=context)
            line.ehlo()
        secured = isinstance(line.sock, ssl.SSLSocket)
        if relay.user is not None and relay.password is not None:
            if not secured and not _is_loopback(relay.host):
                raise TransportUnavailable(
                    language.text("The mail server offers no encryption; the password is not sent over an open line.")
                )
            line.login(relay.user, relay.password)
        if line.sock is not None:
            line.sock.settimeout(_REPLY_SECONDS)
            # The final dot is a write of its own; without this it would wait for an ACK.
            line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hand_over(self, envelope: Envelope) -> Outcome:
        """Hand one message over; says what came of it and never raises."""
        line = self._line
        if line is None:
            return Deferred(Reply(0, "no connection"))
        self._carried += 1
        self._used_at = time.monotonic()
        try:
            refused = self._announce(line, envelope)
        except (OSError, smtplib.SMTPException) as problem:
            self._drop()
            return Deferred(Reply(0, f"connection lost before the message: {problem}"))
        except ValueError:
            return Rejected(Reply(0, "the address cannot be said in SMTP"))
        outcome = self._say(line, envelope) if refused is None else self._after(line, refused)
        self._used_at = time.monotonic()
        return outcome

    def _announce(self, line: smtplib.SMTP, envelope: Envelope) -> Reply | None:
        options = ""
        if line.has_extn("size"):
            options += f" SIZE={len(envelope.content)}"
        if line.has_extn("8bitmime"):
            options += " BODY=8BITMIME"
        # The gate grants an address beyond ASCII only for a server that offers this.
        wide = not envelope.rcpt_to.isascii() and line.has_extn("smtputf8")
        line.command_encoding = "utf-8" if wide else "ascii"
        if wide:
            options += " SMTPUTF8"
        # Both are written before either is said; smtplib's own quoting would quietly repair a broken one.
        sender, recipient = _path(envelope.mail_from, line), _path(envelope.rcpt_to, line)
        code, text = line.docmd("MAIL", f"FROM:{sender}{options}")
        if code in _GOOD:
            code, text = line.docmd("RCPT", f"TO:{recipient}")
        if code in _GOOD:
            code, text = line.docmd("DATA")
            if code == _GO_ON:
                return None
        return Reply(code, _words(text))

    def _say(self, line: smtplib.SMTP, envelope: Envelope) -> Outcome:
        try:
            line.send(_stuffed(envelope.content))
        except OSError as problem:
            # Without the final dot the server must not take the message (RFC 5321 section 4.1.1.4).
            self._drop()
            return Deferred(Reply(0, f"connection lost during the message: {problem}"))
        try:
            line.send(b".\r\n")
            code, text = line.getreply()
        except (OSError, smtplib.SMTPException) as problem:
            self._drop()
            return InDoubt(f"connection lost after the message: {problem}")
        reply = Reply(code, _words(text))
        if code in _GOOD:
            return Accepted(reply)
        if code not in _NOT_NOW and code not in _NEVER:
            self._drop()
            return InDoubt(f"the server answered {code}, which means nothing here")
        return self._after(line, reply)

    def _after(self, line: smtplib.SMTP, reply: Reply) -> Outcome:
        understood = reply.code in _NOT_NOW or reply.code in _NEVER
        if reply.code == _CLOSING or reply.code in _ABOUT_THE_LOGIN or not understood:
            self._drop()
            return Deferred(reply)
        self._start_over(line)
        return Rejected(reply) if reply.code in _NEVER else Deferred(reply)

    def _start_over(self, line: smtplib.SMTP) -> None:
        """Forget the transaction that was begun, so that the next message finds a clean line; a broken one is left."""
        try:
            clean = line.rset()[0] in _GOOD
        except (OSError, smtplib.SMTPException):
            clean = False
        if not clean:
            self._drop()

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None

    def hand_over_each(self, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
        """Hand messages over one after another."""
        return transport.one_by_one(self, sealed)

    def close(self) -> None:
        """Say QUIT and hang up."""
        if self._line is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._line.quit()
        self._drop()


def _path(address: str, line: smtplib.SMTP) -> str:
    """Return an address as a path (RFC 5321 section 4.1.2). Raises ValueError when it cannot be said to this server."""
    address.encode(line.command_encoding)
    if not address.isprintable() or set(address) & set("<> "):
        raise ValueError("an address of one command cannot hold another")
    return f"<{address}>"


def _stuffed(content: bytes) -> bytes:
    """Return the content as it is said after 354: whole lines, a dot doubled where it begins one (section 4.5.2)."""
    # A bare CR or LF is no line end to one server and one to the next, which is how mail is smuggled.
    body = _LINE_END.sub(b"\r\n", content).replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def _words(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}
