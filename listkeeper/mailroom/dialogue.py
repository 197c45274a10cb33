"""The conversation with whoever brings mail, by SMTP (RFC 5321) or by LMTP (RFC 2033): bytes in, answers out.

Nothing here knows a socket, a clock or a database, so that every byte can be
tried. A mail ends with CRLF, a dot and CRLF and with nothing else, and a
command with CRLF: whatever is read differently here than by the server that
passed it on would let one mail hide another in it (SMTP smuggling).

aiosmtpd, which practice mode uses on loopback, is not for strangers: it keeps
each line as an object of its own (a mail of 30 MB of empty lines takes a GB),
takes commands that end with a bare LF, and answers LMTP once for all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from listkeeper.feedback.inbound import Way
from listkeeper.mailroom.brought import SIZE_LIMIT, Brought

RECIPIENT_LIMIT = 100
# A command has 512 octets, and with SMTPUTF8 and a sender rewritten twice on its way some more.
COMMAND_LIMIT = 2048
MISTAKE_LIMIT = 50
_END = b"\r\n.\r\n"
# What stands in brackets after FROM: or TO:, a route before it (RFC 5321, appendix C) left out, and the parameters.
_PATH = re.compile(r"""[ ]*<(?:@[^:<>"]*:)?((?:"(?:[^"\\]|\\.)*"|[^<>"\s])*)>(?:[ ]+(.*))?""")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")
_NOT_OFFERED = frozenset({"STARTTLS", "AUTH", "BDAT", "ETRN", "TURN", "EXPN", "ATRN", "XCLIENT", "XFORWARD"})


class Door(Enum):
    """What the door says to a recipient."""

    OURS = "ours"
    NOBODY = "nobody"
    # Who is ours cannot be said just now.
    CLOSED = "closed"


_OF_THE_DOOR: Mapping[Door, str] = {
    Door.OURS: "250 2.1.5 Go on",
    Door.NOBODY: "550 5.1.1 Nobody here has this address",
    Door.CLOSED: "451 4.3.0 Nothing can be taken just now; try again later",
}


class Kept(Enum):
    """What became of a mail that was brought whole."""

    KEPT = "kept"
    LATER = "later"


@dataclass
class Room:
    """How many octets all conversations of this process may hold at the same time, and do."""

    most: int
    held: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no more fits."""
        return self.held > self.most


@dataclass(frozen=True)
class House:
    """What all conversations at one place have in common."""

    name: str
    way: Way
    door: Callable[[str], Door]
    room: Room
    size_limit: int = SIZE_LIMIT

    @property
    def is_lmtp(self) -> bool:
        """Whether each recipient gets an answer of its own."""
        return self.way is Way.LMTP


class Dialogue:
    """One conversation. ``mail`` is one that waits to be kept; until ``answer`` nothing more is heard."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.mail: Brought | None = None
        # Whoever holds the line hangs up when what was said has left.
        self.over = False
        self._heard = bytearray()
        self._greeted = False
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._reads_mail = False
        # Up to where the end of a mail was looked for, and what is wrong with that mail already.
        self._looked = 0
        self._trouble = ""
        self._thrown_away = 0
        self._held = 0
        self._mistakes = 0

    def greeting(self) -> bytes:
        """Return the first word, which is ours."""
        return f"220 {self.house.name} {'LMTP' if self.house.is_lmtp else 'ESMTP'}\r\n".encode()

    def hear(self, said: bytes) -> bytes:
        """Take what came over the line, in whatever pieces; return what is answered."""
        if self.over:
            return b""
        self._heard += said
        return self._go_on()

    def answer(self, kept: Kept) -> bytes:
        """Say what became of the mail; return that, and what is answered to whatever had come after it."""
        self.mail = None
        self._hold(0)
        words = "250 2.0.0 Taken" if kept is Kept.KEPT else "451 4.3.0 It cannot be taken just now; try again later"
        return self._for_each(words) + self._go_on()

    def close(self) -> None:
        """Let go of what is held."""
        self.over = True
        self._heard.clear()
        self._hold(0)

    def _go_on(self) -> bytes:
        answers: list[bytes] = []
        while not self.over and self.mail is None:
            answered = self._mail_read() if self._reads_mail else self._command_read()
            if answered is None:
                break
            answers.append(answered)
        self._hold(len(self._heard) + (len(self.mail.content) if self.mail else 0))
        return b"".join(answers)

    def _hold(self, octets: int) -> None:
        self.house.room.held += octets - self._held
        self._held = octets

    # Commands

    def _command_read(self) -> bytes | None:
        end = self._heard.find(b"\n", 0, COMMAND_LIMIT + 1)
        if end < 0:
            if len(self._heard) <= COMMAND_LIMIT:
                return None
            return self._hang_up("500 5.5.2 This line is too long")
        line = bytes(self._heard[: end + 1])
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            return self._hang_up("521 5.5.2 A line ends with CR and LF")
        del self._heard[: end + 1]
        try:
            text = line[:-2].decode()
        except UnicodeDecodeError:
            return self._said("500 5.5.2 This is neither ASCII nor UTF-8")
        if not text.isprintable():
            return self._said("500 5.5.2 This holds characters that are none")
        word, _, rest = text.partition(" ")
        return self._obey(word.upper(), rest.strip(" "))

    def _obey(self, word: str, rest: str) -> bytes:
        if word in _NOT_OFFERED:
            return self._said("502 5.5.1 This is not offered here")
        act = _COMMANDS.get(word)
        if act is None:
            return self._said("500 5.5.1 This command is not known here")
        return self._said(act(self, rest))

    def _said(self, words: str) -> bytes:
        self._mistakes += words.startswith("5")
        if self._mistakes >= MISTAKE_LIMIT:
            return self._hang_up("421 4.7.0 Too many mistakes")
        return f"{words}\r\n".encode()

    def _hang_up(self, words: str) -> bytes:
        self.close()
        return f"{words}\r\n".encode()

    def _helo(self, rest: str) -> str:
        if self.house.is_lmtp:
            return "500 5.5.1 This is LMTP: say LHLO"
        return self._met(rest) or f"250 {self.house.name}"

    def _ehlo(self, rest: str) -> str:
        if self.house.is_lmtp:
            return "500 5.5.1 This is LMTP: say LHLO"
        return self._met(rest) or self._abilities()

    def _lhlo(self, rest: str) -> str:
        if not self.house.is_lmtp:
            return "500 5.5.1 This command is not known here"
        return self._met(rest) or self._abilities()

    def _met(self, rest: str) -> str:
        if not rest:
            return "501 5.5.4 Say your name"
        self._forget()
        self._greeted = True
        return ""

    def _abilities(self) -> str:
        size = f"SIZE {self.house.size_limit}"
        offered = (self.house.name, "PIPELINING", size, "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
        return "\r\n".join(f"250{' ' if one is offered[-1] else '-'}{one}" for one in offered)

    def _mail(self, rest: str) -> str:
        if not self._greeted or self._sender is not None:
            return "503 5.5.1 Not now"
        matched = _PATH.fullmatch(rest[5:]) if rest[:5].upper() == "FROM:" else None
        if matched is None:
            return "501 5.5.4 Say MAIL FROM:<address>"
        asked = _parameters(matched[2] or "")
        if asked is None:
            return "501 5.5.4 These parameters cannot be read"
        wrong = self._wrong_of(asked)
        if not wrong:
            self._sender = matched[1]
        return wrong or "250 2.1.0 Go on"

    def _wrong_of(self, asked: Mapping[str, str]) -> str:
        """Return what is wrong with the parameters of a mail (RFC 1870, 6152, 6531)."""
        size, body = asked.get("SIZE", "0"), asked.get("BODY", "7BIT").upper()
        if set(asked) - {"SIZE", "BODY", "SMTPUTF8"}:
            return "555 5.5.4 Such a parameter is not known here"
        if not size.isdigit() or body not in {"7BIT", "8BITMIME"} or asked.get("SMTPUTF8"):
            return "501 5.5.4 These parameters cannot be read"
        if int(size) > self.house.size_limit:
            return "552 5.3.4 This is more than is taken here"
        return "452 4.3.1 There is no room just now; try again later" if self.house.room.is_full else ""

    def _rcpt(self, rest: str) -> str:
        if self._sender is None:
            return "503 5.5.1 Not now"
        matched = _PATH.fullmatch(rest[3:]) if rest[:3].upper() == "TO:" else None
        if matched is None or not matched[1]:
            return "501 5.1.3 Say RCPT TO:<address>"
        if matched[2]:
            return "555 5.5.4 Such a parameter is not known here"
        if len(self._recipients) >= RECIPIENT_LIMIT:
            return "452 4.5.3 That are enough recipients for one mail"
        said = self.house.door(matched[1])
        if said is Door.OURS:
            self._recipients.append(matched[1])
        return _OF_THE_DOOR[said]

    def _data(self, rest: str) -> str:
        if self._sender is None or not self._recipients:
            return "503 5.5.1 Not now: nobody to bring it to"
        if rest:
            return "501 5.5.4 Say DATA"
        self._reads_mail, self._looked, self._thrown_away, self._trouble = True, 0, 0, ""
        return "354 Go on; end with a dot on a line of its own"

    def _rset(self, _rest: str) -> str:
        self._forget()
        return "250 2.0.0 Forgotten"

    def _noop(self, _rest: str) -> str:
        return "250 2.0.0 Well"

    def _vrfy(self, rest: str) -> str:
        # RFC 5321, 3.5.3: whoever wants to know has to try.
        return "252 2.1.5 Try" if rest else "501 5.5.4 Say VRFY address"

    def _help(self, _rest: str) -> str:
        return "214 2.0.0 See RFC 5321"

    def _quit(self, _rest: str) -> str:
        self.close()
        return "221 2.0.0 Goodbye"

    def _forget(self) -> None:
        self._sender, self._recipients = None, []

    # The mail itself

    def _mail_read(self) -> bytes | None:
        """Return the answer to a mail that cannot be kept, or nothing and ``mail``; None while it has not ended."""
        end = self._end_of_mail()
        if end is None:
            self._throw_away_what_is_too_much()
            return None
        content = bytes(self._heard[:end])
        del self._heard[: end + 3]
        self._reads_mail = False
        if not self._trouble and end > self.house.size_limit:
            self._trouble = "552 5.3.4 This is more than is taken here"
        if self._trouble:
            return self._for_each(self._trouble)
        # A line that begins with a dot was given one more (RFC 5321, 4.5.2).
        content = content.removeprefix(b".").replace(b"\r\n.", b"\r\n")
        self.mail = Brought(self.house.way, content, self._sender or "", tuple(self._recipients))
        return b""

    def _end_of_mail(self) -> int | None:
        """Return where the last line of the mail ends; what follows there is the dot and CRLF."""
        if not self._thrown_away and self._heard.startswith(b".\r\n"):
            return 0
        found = self._heard.find(_END, max(self._looked - len(_END), 0))
        self._looked = len(self._heard)
        return None if found < 0 else found + 2

    def _throw_away_what_is_too_much(self) -> None:
        if len(self._heard) > self.house.size_limit:
            self._trouble = "552 5.3.4 This is more than is taken here"
        elif self.house.room.held - self._held + len(self._heard) > self.house.room.most:
            self._trouble = self._trouble or "452 4.3.1 There is no room just now; try again later"
        if self._trouble:
            # Who sends reads no answer before it has sent all (RFC 5321, 4.2.5), within reason.
            gone = max(len(self._heard) - len(_END), 0)
            del self._heard[:gone]
            self._looked, self._thrown_away = 0, self._thrown_away + gone
            self.over = self._thrown_away > 4 * self.house.size_limit

    def _for_each(self, words: str) -> bytes:
        """Return one answer, or by LMTP one for each recipient (RFC 2033, 4.2), and be ready for the next mail."""
        times = len(self._recipients) if self.house.is_lmtp else 1
        self._forget()
        return f"{words}\r\n".encode() * times


def _parameters(text: str) -> dict[str, str] | None:
    """Return the parameters of a command, names in capitals; None when they cannot be read."""
    matched = [_PARAMETER.fullmatch(part) for part in text.split()]
    found = {one[1].upper(): one[2] or "" for one in matched if one}
    return found if len(found) == len(matched) else None


_COMMANDS: Mapping[str, Callable[[Dialogue, str], str]] = {
    "HELO": Dialogue._helo,  # noqa: SLF001 - the table of this very class
    "EHLO": Dialogue._ehlo,  # noqa: SLF001
    "LHLO": Dialogue._lhlo,  # noqa: SLF001
    "MAIL": Dialogue._mail,  # noqa: SLF001
    "RCPT": Dialogue._rcpt,  # noqa: SLF001
    "DATA": Dialogue._data,  # noqa: SLF001
    "RSET": Dialogue._rset,  # noqa: SLF001
    "NOOP": Dialogue._noop,  # noqa: SLF001
    "VRFY": Dialogue._vrfy,  # noqa: SLF001
    "HELP": Dialogue._help,  # noqa: SLF001
    "QUIT": Dialogue._quit,  # noqa: SLF001
}
