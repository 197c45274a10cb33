"""Two spam filters on loopback with the same few rules: one speaks SpamAssassin's protocol, one rspamd's."""

from __future__ import annotations

import json
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer

BAR = 5.0


@dataclass(frozen=True)
class Rule:
    """One rule: what it is called, its points, its words, and whether a message breaks it."""

    name: str
    points: float
    words: str
    holds: Callable[[EmailMessage], bool]


RULES = (
    Rule("SUBJ_ALL_CAPS", 1.5, "Subject is all capitals", lambda letter: str(letter["Subject"]).isupper()),
    Rule("MISSING_DATE", 1.4, "Missing Date: header", lambda letter: not letter["Date"]),
    Rule("FREE_MONEY", 3.2, "BODY: Talks of free money, and of how quickly it can be yours if you only act today",
         lambda letter: "free money" in _text(letter)),
    Rule("HAS_UNSUBSCRIBE", -0.7, "Has a List-Unsubscribe header", lambda letter: bool(letter["List-Unsubscribe"])),
    Rule("MIME_GOOD", 0.0, "Known content-type", lambda letter: letter.get_content_maintype() != "application"),
)  # fmt: skip


@dataclass
class Filter:
    """Where it listens, and the messages it was asked about."""

    port: int
    asked: list[bytes] = field(default_factory=list)
    heads: list[Mapping[str, str]] = field(default_factory=list)


def _text(letter: EmailMessage) -> str:
    part = letter.get_body(("plain", "html"))
    return part.get_content().lower() if part is not None else ""


def _broken(raw: bytes) -> list[Rule]:
    letter = message_from_bytes(raw, policy=policy.default)
    return [rule for rule in RULES if rule.holds(letter)]


@contextmanager
def spamd() -> Iterator[Filter]:
    """Run a daemon that answers REPORT SPAMC/1.5, as SpamAssassin's does."""
    known = Filter(0)

    class Daemon(StreamRequestHandler):
        def handle(self) -> None:
            command = self.rfile.readline()
            heads = {}
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(":")
                heads[name.lower()] = value.strip()
            raw = self.rfile.read()
            if not command.startswith(b"REPORT SPAMC/1.") or heads.get("content-length") != str(len(raw)):
                self.wfile.write(b"SPAMD/1.0 76 Bad header line: (EX_PROTOCOL)\r\n")
                return
            known.asked.append(raw)
            known.heads.append(heads)
            self.wfile.write(_report(raw))

    with _served(ThreadingTCPServer(("127.0.0.1", 0), Daemon)) as port:
        known.port = port
        yield known


def _report(raw: bytes) -> bytes:
    broken = _broken(raw)
    points = sum(rule.points for rule in broken)
    body = _table(broken, points).encode()
    verdict = f"Spam: {points >= BAR} ; {points:.1f} / {BAR:.1f}"
    return f"SPAMD/1.1 0 EX_OK\r\nContent-length: {len(body)}\r\n{verdict}\r\n\r\n".encode() + body


def _table(broken: list[Rule], points: float) -> str:
    head = (
        'Spam detection software, running on the system "mail.example",\nhas looked at this incoming email.\n\n'
        "Content preview:  Dear reader, ---- ---------------------- --- [...]\n\n"
        f"Content analysis details:   ({points:.1f} points, {BAR:.1f} required)\n\n"
        " pts rule name              description\n"
        "---- ---------------------- --------------------------------------------------\n"
    )
    rows = []
    for rule in broken:
        first, *more = textwrap.wrap(f"{rule.words} [letter[at]example.com]", 50)
        rows += [f"{rule.points:4.1f} {rule.name:22} {first}", *(f"{'':28}{line}" for line in more)]
    return head + "\n".join(rows) + "\n\n"


@contextmanager
def rspamd(answer: Callable[[bytes], tuple[int, bytes]] | None = None) -> Iterator[Filter]:
    """Run a scanner that answers POST /checkv2, by its rules or with what ``answer`` makes of a message."""
    known = Filter(0)

    class Scanner(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            known.asked.append(raw)
            known.heads.append({name.lower(): value for name, value in self.headers.items()})
            status, body = (answer or _scan)(raw) if self.path == "/checkv2" else (404, b"")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Scanner)) as port:
        known.port = port
        yield known


@contextmanager
def _served(server: ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[int]:
    server.daemon_threads = True
    # A client that hangs up is part of the test and not of its output.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _scan(raw: bytes) -> tuple[int, bytes]:
    broken = _broken(raw)
    points = sum(rule.points for rule in broken)
    symbols = {
        rule.name: {
            "name": rule.name,
            "score": rule.points,
            "metric_score": rule.points,
            "description": rule.words,
            "options": ["letter@example.com"],
        }
        for rule in broken
    }
    said = {
        "is_skipped": False,
        "score": points,
        "required_score": 15.0,
        "action": "add header" if points >= BAR else "no action",
        "thresholds": {"reject": 15.0, "add header": BAR, "greylist": 4.0},
        "symbols": symbols,
        "messages": {},
        "message-id": "undef",
    }
    return 200, json.dumps(said).encode()
