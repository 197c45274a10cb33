"""An IMAP server (RFC 3501, 4315) of one folder: as much of it as a client needs that looks, reads and deletes."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.fakes import tls_server
from tests.fakes.tls_server import Certificate, Talk

_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\([^)]*\))|(\S+)')


@dataclass
class Stored:
    """One mail of the folder."""

    uid: int
    content: bytes
    arrived: datetime
    flags: set[str] = field(default_factory=set)


@dataclass
class ImapServer:
    """What lies in the folder, who may come in, what it can, and what the clients said."""

    mails: list[Stored] = field(default_factory=list)
    user: str = "b"
    password: str = "secret"
    token: str = "token"
    folder: bytes = b"INBOX"
    validity: int = 17
    abilities: str = "IMAP4rev1 UIDPLUS AUTH=PLAIN AUTH=XOAUTH2"
    heard: list[bytes] = field(default_factory=list)
    # Hangs up when this is said.
    dies_at: bytes = b""
    implicit: bool = True
    port: int = 0

    def put(self, content: bytes, arrived: datetime | None = None) -> Stored:
        """Lay a mail into the folder."""
        made = Stored(max((mail.uid for mail in self.mails), default=100) + 1, content, arrived or datetime.now(UTC))
        self.mails.append(made)
        return made

    def act(self, talk: Talk) -> None:
        """Serve one client."""
        talk.say(b"* OK imap.example")
        session = _Session(self, talk)
        while session.goes_on:
            said = talk.hear()
            self.heard.append(said)
            if self.dies_at and self.dies_at in said:
                talk.cut()
            tag, *words = [_plain(*parts) for parts in _WORD.findall(said)]
            word = words[0].upper() + (b" " + words.pop(1).upper() if words[0].upper() == b"UID" else b"")
            session.tag = tag
            session.obey(word, words[1:])


@dataclass
class _Session:
    server: ImapServer
    talk: Talk
    tag: bytes = b""
    inside: bool = False
    writes: bool = False
    goes_on: bool = True

    def obey(self, word: bytes, rest: list[bytes]) -> None:
        match word:
            case b"CAPABILITY":
                offered = self.server.abilities if self.talk.encrypted else "IMAP4rev1 STARTTLS LOGINDISABLED"
                self.talk.say(b"* CAPABILITY " + offered.encode())
                self._done()
            case b"STARTTLS" if not self.talk.encrypted:
                self._done()
                self.talk.encrypt()
            case b"LOGIN" if self.talk.encrypted:
                self.inside = [part.decode() for part in rest] == [self.server.user, self.server.password]
                self._done(self.inside)
            case b"AUTHENTICATE" if self.talk.encrypted:
                self._authenticate(rest[0].upper())
            case b"LOGOUT":
                self.talk.say(b"* BYE")
                self._done()
                self.goes_on = False
            case b"SELECT" | b"EXAMINE" if self.inside and rest[0] == self.server.folder:
                self.writes = word == b"SELECT"
                self.talk.say(b"* %d EXISTS" % len(self.server.mails))
                self.talk.say(b"* OK [UIDVALIDITY %d]" % self.server.validity)
                self._done()
            case _ if self.inside and word.startswith(b"UID "):
                self._uid(word[4:], rest)
            case _:
                self._done(well=False)

    def _authenticate(self, way: bytes) -> None:
        self.talk.say(b"+ ")
        said = base64.b64decode(self.talk.hear())
        user, password, token = self.server.user, self.server.password, self.server.token
        if way == b"PLAIN":
            self.inside = said == f"\0{user}\0{password}".encode()
        else:
            self.inside = said == f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
            if not self.inside:
                self.talk.say(b"+ " + base64.b64encode(b'{"status":"400"}'))
                assert self.talk.hear() == b""
        self._done(self.inside)

    def _uid(self, word: bytes, rest: list[bytes]) -> None:
        match word:
            case b"SEARCH":
                day = datetime.strptime(rest[1].decode(), "%d-%b-%Y").replace(tzinfo=UTC)
                wanted = [
                    b"%d" % mail.uid
                    for mail in self.server.mails
                    if mail.arrived >= day and not (b"UNDELETED" in rest and r"\Deleted" in mail.flags)
                ]
                # Servers need not keep an order.
                self.talk.say(b"* SEARCH " + b" ".join(reversed(wanted)))
            case b"FETCH":
                self._fetch(self._named(rest[0]), rest[1])
            case b"STORE" if self.writes:
                for mail in self._named(rest[0]):
                    mail.flags |= set(rest[2].decode().strip("()").split())
            case b"EXPUNGE" if self.writes and "UIDPLUS" in self.server.abilities:
                gone = [mail for mail in self._named(rest[0]) if r"\Deleted" in mail.flags]
                self.server.mails[:] = [mail for mail in self.server.mails if mail not in gone]
            case _:
                self._done(well=False)
                return
        self._done()

    def _named(self, numbers: bytes) -> list[Stored]:
        wanted = {int(number) for number in numbers.split(b",")}
        return [mail for mail in self.server.mails if mail.uid in wanted]

    def _fetch(self, mails: list[Stored], asked: bytes) -> None:
        for place, mail in enumerate(mails, 1):
            if b"BODY" in asked:
                # Somebody else reads another mail meanwhile.
                self.talk.say(rb"* 1 FETCH (FLAGS (\Recent))")
                self.talk.say(b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (place, mail.uid, len(mail.content)))
                self.talk.line.sendall(mail.content)
                self.talk.say(b")")
                if b"PEEK" not in asked:
                    mail.flags.add(r"\Seen")
            else:
                self.talk.say(b"* %d FETCH (RFC822.SIZE %d UID %d)" % (place, len(mail.content), mail.uid))

    def _done(self, well: bool = True) -> None:
        self.talk.say(self.tag + (b" OK done" if well else b" NO not that"))


def _plain(quoted: bytes, listed: bytes, bare: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", quoted) + listed + bare


@contextmanager
def serving(shown: Certificate, *, implicit: bool = True) -> Iterator[ImapServer]:
    """Serve an empty folder for the block."""
    server = ImapServer(implicit=implicit)
    with tls_server.serving(server.act, shown, implicit=implicit) as running:
        server.port = running.port
        yield server
