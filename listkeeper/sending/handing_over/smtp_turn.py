"""One message's turn on an SMTP line: the words it needs there, and what came of it."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Mapping
from functools import lru_cache

from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.transport import Deferred, Outcome, Rejected, Reply
from listkeeper.standards.plain_lines import PlainLines

_LINE_END = re.compile(rb"\r\n|\r|\n")
_NO_PART_OF_A_PATH = re.compile("[<> ]")
_TOO_LARGE = 552


class Turn:
    """A sealed message that was pulled, and how far it has come."""

    __slots__ = ("ahead", "announced", "commands", "content", "envelope", "must", "outcome", "settled", "worded_for")

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        # What is said before the content, each a line, and the content as it is said.
        self.commands: list[bytes] = []
        self.content = b""
        # So many octets of the content must have left before the server can have taken the message.
        self.must = 0
        # The line whose server these words fit; another may offer other things.
        self.worded_for: object = None
        self.announced = False
        # It was announced behind another's content, before that one's fate was known.
        self.ahead = False
        self.settled = False
        # None, once settled: its content never began to leave.
        self.outcome: Outcome | None = None

    @property
    def age(self) -> float:
        """Seconds since the gate let it go."""
        return time.monotonic() - self.envelope.granted_at

    def settle(self, outcome: Outcome | None) -> None:
        """Say what came of it."""
        self.outcome = outcome
        self.settled = True

    def lost_before_its_content(self, why: str) -> None:
        """Settle it when the line failed; one that was announced ahead may have had no part in that."""
        self.settle(None if self.ahead else Deferred(Reply(0, f"connection lost before the message: {why}")))

    def word_for(self, abilities: Mapping[str, str], *, in_one_chunk: bool) -> None:
        """Write down what is to be said to a server with these abilities, or settle it if that cannot be."""
        content = self.envelope.content
        lines = content if isinstance(content, PlainLines) else whole_lines(content)
        if (most := _most_octets(abilities.get("size", ""))) and len(lines) > most:
            # RFC 1870 section 6.2; to be told so by the server would cost the whole way there.
            self.settle(Rejected(Reply(_TOO_LARGE, f"5.3.4 the mail server takes messages of up to {most} octets")))
            return
        try:
            self.commands = _announcement(self.envelope, abilities, len(lines))
        except ValueError:
            self.settle(Rejected(Reply(0, "the address cannot be said in SMTP")))
            return
        if in_one_chunk:
            self.content = b"BDAT %d LAST\r\n%b" % (len(lines), lines)
            self.must = len(self.content)
        else:
            self.commands.append(b"DATA\r\n")
            self.content = (lines if isinstance(lines, PlainLines) else _stuffed(lines)) + b".\r\n"
            self.must = len(self.content) - 2


def _announcement(envelope: Envelope, abilities: Mapping[str, str], size: int) -> list[bytes]:
    # The gate grants an address beyond ASCII only for a server that offers this.
    wide = not envelope.rcpt_to.isascii() and "smtputf8" in abilities
    sender, recipient = _path(envelope.mail_from, wide=wide), _path(envelope.rcpt_to, wide=wide)
    options = b""
    if "size" in abilities:
        options += b" SIZE=%d" % size
    if "8bitmime" in abilities:
        options += b" BODY=8BITMIME"
    if wide:
        options += b" SMTPUTF8"
    return [b"MAIL FROM:%b%b\r\n" % (sender, options), b"RCPT TO:%b\r\n" % recipient]


def _path(address: str, *, wide: bool) -> bytes:
    """Return an address as a path (RFC 5321 section 4.1.2). Raises ValueError when it cannot be said to this server."""
    if not address.isprintable() or _NO_PART_OF_A_PATH.search(address):
        raise ValueError("an address of one command cannot hold another")
    return b"<%b>" % address.encode("utf-8" if wide else "ascii")


@lru_cache(maxsize=64)
def _most_octets(said: str) -> int:
    """Return the largest message that a server says it takes; 0 when it names none (RFC 1870 section 4)."""
    return int(said) if said.isdecimal() and said.isascii() else 0


def whole_lines(content: bytes) -> bytes:
    """Return the content in lines that end with CRLF, the last one too.

    A bare CR or LF is no line end to one server and one to the next, which is how mail is smuggled.
    """
    # The standard library's reader of text files tells in one pass which line ends it met.
    seen = io.IncrementalNewlineDecoder(None, translate=False)
    seen.decode(content.decode("latin-1"), final=True)
    if seen.newlines is not None and seen.newlines != "\r\n":
        content = _LINE_END.sub(b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _stuffed(lines: bytes) -> bytes:
    """Return whole lines as they are said after 354: a dot doubled where it begins a line (section 4.5.2)."""
    # Searching from the end takes half as long as from the front, and there is rarely one to find.
    if lines.rfind(b"\r\n.") >= 0:
        lines = lines.replace(b"\r\n.", b"\r\n..")
    return b"." + lines if lines.startswith(b".") else lines
