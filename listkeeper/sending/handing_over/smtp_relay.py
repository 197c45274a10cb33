"""Handing mail to a submission server by SMTP (RFC 5321, 3207, 4954, 6152, 6531).

One connection is kept over many messages, one recipient a transaction. What
matters is when a line breaks: before the final dot nothing was taken, after it
only the server knows, and the delivery is in doubt.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote, urlsplit

from listkeeper.foundation import language
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.smtp_conversation import Conversation, Patience, Speed
from listkeeper.sending.handing_over.smtp_line import LineLost, SmtpLine
from listkeeper.sending.handing_over.smtp_login import LoginRefused, log_in
from listkeeper.sending.handing_over.smtp_turn import Turn
from listkeeper.sending.handing_over.smtp_window import Window
from listkeeper.sending.handing_over.transport import Deferred, Outcome, Reply, TransportUnavailable

_READY = 220
_DONE = 250
_GOOD = range(200, 300)
_NEVER = range(500, 600)


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

    def __init__(self, relay: Relay, ehlo_name: str, patience: Patience | None = None, *, chunks: bool = False) -> None:
        self._relay = relay
        self._ehlo_name = ehlo_name
        self._patience = patience or Patience()
        self._chunks = chunks
        self._speed = Speed()
        self._conversation: Conversation | None = None
        self._used_at = 0.0

    @property
    def carries_smtputf8(self) -> bool:
        """Whether the connected server offers SMTPUTF8."""
        return self._conversation is not None and "smtputf8" in self._conversation.abilities

    @property
    def is_open(self) -> bool:
        """Whether there is a line, as far as anybody knows."""
        return self._conversation is not None and self._conversation.open

    @property
    def is_quick(self) -> bool:
        """Whether the server has answered, and quickly of late."""
        return self._speed.lately is not None and self._speed.lately <= self._patience.of_the_quick

    def connect(self) -> None:
        """Open the line if there is none. Raises TransportUnavailable in plain words."""
        self._connected()

    def _connected(self) -> Conversation:
        talk = self._conversation
        if talk is not None and not self._still_there(talk):
            self._drop()
        elif talk is not None and talk.carried < self._patience.messages:
            return talk
        self.close()
        try:
            self._conversation = self._open()
        except LoginRefused as problem:
            raise TransportUnavailable(
                language.text("The mail server does not accept the user name or password.")
            ) from problem
        except ssl.SSLCertVerificationError as problem:
            raise TransportUnavailable(
                language.text(
                    "The mail server's certificate could not be verified; nothing is sent over an unsafe line."
                )
            ) from problem
        except (OSError, LineLost, ValueError) as problem:
            raise TransportUnavailable(
                language.text(
                    "The mail server at %(host)s does not answer as it should.",
                    host=f"{self._relay.host}:{self._relay.port}",
                )
            ) from problem
        self._used_at = time.monotonic()
        return self._conversation

    def _still_there(self, talk: Conversation) -> bool:
        # A farewell that came unasked is waiting already; a line that broke far away shows only when it is used.
        if not talk.open or not talk.line.quiet:
            return False
        if time.monotonic() - self._used_at < self._patience.on_an_idle_line:
            return True
        self._used_at = time.monotonic()
        try:
            talk.line.wait(self._patience.to_connect)
            answered = talk.line.ask(b"NOOP").code in _GOOD
            talk.line.wait(self._patience.for_a_reply)
        except LineLost:
            return False
        return answered

    def _open(self) -> Conversation:
        relay = self._relay
        connected = socket.create_connection((relay.host, relay.port), self._patience.to_connect)
        try:
            if relay.implicit_tls:
                connected = self._trust.wrap_socket(connected, server_hostname=relay.host)
            line = SmtpLine(connected, self._patience.to_connect)
        except BaseException:
            connected.close()
            raise
        try:
            abilities = self._greet(line)
        except BaseException:
            line.hang_up()
            raise
        line.wait(self._patience.for_a_reply)
        return Conversation(line, abilities, self._patience, self._speed, chunks=self._chunks)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Whose certificates this machine believes: read once, for it takes as long as a thousand messages."""
        return ssl.create_default_context()

    def _greet(self, line: SmtpLine) -> dict[str, str]:
        relay = self._relay
        if line.hear().code != _READY:
            raise LineLost("the server does not greet")
        abilities = self._introduce(line)
        if relay.require_starttls and "starttls" not in abilities:
            raise TransportUnavailable(
                language.text("The mail server offers no encryption; nothing is sent over an open line.")
            )
        if not relay.implicit_tls and "starttls" in abilities:
            if line.ask(b"STARTTLS").code != _READY:
                raise LineLost("the server offers encryption and does not begin it")
            line.secure(self._trust, relay.host)
            # What was offered in the clear may have been offered by anybody (RFC 3207 section 4.2).
            abilities = self._introduce(line)
        if relay.user is not None and relay.password is not None:
            if not line.encrypted and not _is_loopback(relay.host):
                raise TransportUnavailable(
                    language.text("The mail server offers no encryption; the password is not sent over an open line.")
                )
            log_in(line, abilities.get("auth", ""), relay.user, relay.password)
        if line.spoke_ahead:
            raise LineLost("the server says more than it is asked")
        return abilities

    def _introduce(self, line: SmtpLine) -> dict[str, str]:
        """Say who calls; return what the server offers, by keyword in lower case."""
        if not self._ehlo_name.isprintable():
            raise ValueError("the name of this machine cannot be said in SMTP")
        name = self._ehlo_name.encode("ascii")
        reply = line.ask(b"EHLO " + name)
        if reply.code == _DONE:
            # Some servers say AUTH=LOGIN as well, as a draft of RFC 4954 had it; what comes first counts.
            offers = [offer.replace("=", " ", 1).partition(" ") for offer in reply.text.split("\n")[1:]]
            return {keyword.lower(): more.strip() for keyword, _, more in reversed(offers)}
        if reply.code not in _NEVER or line.ask(b"HELO " + name).code != _DONE:
            raise LineLost("the server does not take our greeting")
        return {}

    def hand_over(self, envelope: Envelope) -> Outcome:
        """Hand one message over; says what came of it and never raises."""
        talk = self._conversation
        if talk is None or not talk.open:
            return Deferred(Reply(0, "no connection"))
        turn = Turn(envelope)
        with self._hanging_up_when_torn_away():
            talk.word(turn)
            if not turn.settled:
                talk.announce(turn)
                talk.hear_answer(turn)
            if not turn.settled and turn.announced:
                talk.say(turn, None)
            if not turn.settled and turn.announced:
                talk.hear_result(turn, None)
        return turn.outcome or Deferred(Reply(0, "connection lost before the message: the server hung up"))

    def hand_over_each(self, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
        """Hand over one message after another, as many at once as the server is quick enough for."""
        with contextlib.closing(self.steps(sealed)) as steps:
            yield from (said for said in steps if said is not None)

    def steps(self, sealed: Iterator[Envelope]) -> Generator[tuple[int, Outcome | None] | None]:
        """Do the same, and yield None wherever the server is waited for."""
        with self._hanging_up_when_torn_away():
            yield from Window(sealed, self._connected, self._patience).steps()

    @contextlib.contextmanager
    def _hanging_up_when_torn_away(self) -> Iterator[None]:
        """Keep the line only when whatever was begun on it came to its end: nobody else could go on with it."""
        try:
            yield
        except BaseException:
            self._drop()
            raise
        self._used_at = time.monotonic()

    def _drop(self) -> None:
        if self._conversation is not None:
            self._conversation.hang_up()
        self._conversation = None

    def close(self) -> None:
        """Say QUIT and hang up."""
        talk = self._conversation
        if talk is not None and talk.open:
            with contextlib.suppress(LineLost):
                talk.line.wait(self._patience.for_a_goodbye)
                talk.line.ask(b"QUIT")
        self._drop()


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}
