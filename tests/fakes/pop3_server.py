"""A POP3 server (RFC 1939, 2449, 2595) of one mailbox: mails stay until they are deleted and QUIT is said."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.fakes import tls_server
from tests.fakes.tls_server import Certificate, Talk


@dataclass
class Pop3Server:
    """What lies in it by UIDL, who may come in, and what the clients said."""

    mails: dict[str, bytes] = field(default_factory=dict)
    user: str = "b"
    password: str = "secret"
    token: str = "token"
    heard: list[bytes] = field(default_factory=list)
    # Hangs up when this command is said.
    dies_at: bytes = b""
    implicit: bool = True
    port: int = 0
    sessions: int = 0

    def act(self, talk: Talk) -> None:
        """Serve one client."""
        self.sessions += 1
        talk.say(b"+OK pop.example")
        lying = list(self.mails.items())
        deleted: set[str] = set()
        inside, user = False, b""
        while True:
            said = talk.hear()
            self.heard.append(said)
            word, _, rest = said.partition(b" ")
            if self.dies_at and word == self.dies_at:
                talk.cut()
            match word:
                case b"STLS" if not talk.encrypted:
                    talk.say(b"+OK begin")
                    talk.encrypt()
                case b"USER" if talk.encrypted:
                    user = rest
                    talk.say(b"+OK")
                case b"PASS" if talk.encrypted:
                    inside = (user.decode(), rest.decode()) == (self.user, self.password)
                    talk.say(b"+OK" if inside else b"-ERR [AUTH] not " + rest)
                case b"AUTH" if rest == b"XOAUTH2" and talk.encrypted:
                    inside = self._knows_token(talk)
                case b"QUIT":
                    for key in deleted:
                        self.mails.pop(key, None)
                    talk.say(b"+OK")
                    return
                case _ if not inside:
                    talk.say(b"-ERR not now")
                case _:
                    self._inside(talk, word, rest, lying, deleted)

    def _knows_token(self, talk: Talk) -> bool:
        talk.say(b"+ ")
        said = base64.b64decode(talk.hear())
        if said == f"user={self.user}\x01auth=Bearer {self.token}\x01\x01".encode():
            talk.say(b"+OK")
            return True
        talk.say(b"+ " + base64.b64encode(b'{"status":"400"}'))
        assert talk.hear() == b""
        talk.say(b"-ERR")
        return False

    def _inside(self, talk: Talk, word: bytes, rest: bytes, lying: list[tuple[str, bytes]], deleted: set[str]) -> None:
        match word:
            case b"UIDL":
                talk.say(b"+OK")
                for number, (key, _) in enumerate(lying, 1):
                    talk.say(b"%d %s" % (number, key.encode()))
                talk.say(b".")
            case b"LIST":
                talk.say(b"+OK")
                for number, (_, content) in enumerate(lying, 1):
                    talk.say(b"%d %d" % (number, len(content)))
                talk.say(b".")
            case b"RETR" if lying[int(rest) - 1][0] in self.mails:
                stuffed = b"\r\n" + lying[int(rest) - 1][1]
                talk.say(b"+OK")
                talk.say(stuffed.replace(b"\r\n.", b"\r\n..")[2:])
                talk.say(b".")
            case b"DELE":
                deleted.add(lying[int(rest) - 1][0])
                talk.say(b"+OK")
            case _:
                talk.say(b"-ERR no such thing")


@contextmanager
def serving(shown: Certificate, *, implicit: bool = True) -> Iterator[Pop3Server]:
    """Serve an empty mailbox for the block."""
    server = Pop3Server(implicit=implicit)
    with tls_server.serving(server.act, shown, implicit=implicit) as running:
        server.port = running.port
        yield server
