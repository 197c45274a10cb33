"""A real authoritative DNS server on loopback, with a zone the test writes.

Speaks UDP and TCP on one port. Names can be made to misbehave: ``silent``
ones get no answer, ``refused`` ones SERVFAIL, ``garbage`` ones bytes that are
no DNS message. ``delay`` makes every answer late.
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from listkeeper.standards.dns import quoted_strings

_TTL = 300
_UDP_WITHOUT_EDNS = 512
_LARGEST = 65535

Records = Mapping[str, Mapping[str, Sequence[str]]]


class DnsServer:
    """The running server; ``address`` is what ``--nameserver`` takes, ``asked`` what was asked so far."""

    def __init__(self, records: Records) -> None:
        self.asked: list[tuple[str, str]] = []
        self.over_tcp = 0
        self.delay = 0.0
        self.silent: set[str] = set()
        self.refused: set[str] = set()
        self.garbage: set[str] = set()
        self.publish(records)

    def publish(self, records: Records) -> None:
        """Put other records in place of those that are there."""
        self._zone = {name.rstrip(".").lower(): dict(at) for name, at in records.items()}

    def open(self) -> None:
        """Listen on a free port."""
        while True:
            self._tcp = _TcpServer(("127.0.0.1", 0), _TcpHandler)
            self._tcp.owner = self
            try:
                self._udp = _UdpServer(self._tcp.server_address, _UdpHandler)
            except OSError:
                # The port is free for TCP and taken for UDP: try another.
                self._tcp.server_close()
                continue
            self._udp.owner = self
            break
        self.address = f"127.0.0.1:{self._tcp.server_address[1]}"
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            for server in (self._tcp, self._udp)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop listening."""
        for server in (self._tcp, self._udp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def answer(self, packet: bytes, *, over_tcp: bool) -> bytes | None:
        """Return the answer to one packet, None for silence."""
        question = dns.message.from_wire(packet)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name, kind))
        self.over_tcp += over_tcp
        time.sleep(self.delay)
        if self._is(name, self.silent):
            return None
        if self._is(name, self.garbage):
            return packet[:2] + b"\xff" * 20
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA
        if self._is(name, self.refused):
            reply.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(reply, name, kind)
        wire = reply.to_wire(max_size=_LARGEST)
        if not over_tcp and len(wire) > max(_UDP_WITHOUT_EDNS, question.payload):
            return self._truncated(question)
        return wire

    @staticmethod
    def _is(name: str, names: set[str]) -> bool:
        return "*" in names or name in names

    @staticmethod
    def _truncated(question: dns.message.Message) -> bytes:
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA | dns.flags.TC
        return reply.to_wire()

    def _fill(self, reply: dns.message.Message, name: str, kind: str) -> None:
        at = self._zone.get(name)
        if at is None:
            exists = any(other.endswith(f".{name}") for other in self._zone)
            reply.set_rcode(dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
            return
        if kind not in at and "CNAME" in at:
            [target] = at["CNAME"]
            self._add(reply, name, "CNAME", [target])
            inside = target.rstrip(".").lower()
            # A real server does not go round in a circle either: it says each alias once.
            told = {found.name.to_text(omit_final_dot=True).lower() for found in reply.answer}
            if inside in self._zone and inside not in told:
                self._fill(reply, inside, kind)
            return
        self._add(reply, name, kind, at.get(kind, ()))

    @staticmethod
    def _add(reply: dns.message.Message, name: str, kind: str, records: Sequence[str]) -> None:
        shown = {"TXT": quoted_strings}.get(kind, _absolute if kind in {"MX", "CNAME", "NS", "PTR"} else str)
        if records:
            texts = [shown(record) for record in records]
            reply.answer.append(dns.rrset.from_text_list(f"{name}.", _TTL, "IN", kind, texts))


def _absolute(record: str) -> str:
    return record if record.endswith(".") else f"{record}."


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    owner: DnsServer


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    owner: DnsServer


class _UdpHandler(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        packet, socket = self.request
        wire = self.server.owner.answer(packet, over_tcp=False)
        if wire is not None:
            with contextlib.suppress(OSError):
                socket.sendto(wire, self.client_address)


class _TcpHandler(socketserver.StreamRequestHandler):
    server: _TcpServer

    def handle(self) -> None:
        size = self.rfile.read(2)
        if len(size) < 2:
            return
        wire = self.server.owner.answer(self.rfile.read(int.from_bytes(size, "big")), over_tcp=True)
        if wire is not None:
            with contextlib.suppress(OSError):
                self.wfile.write(len(wire).to_bytes(2, "big") + wire)
        else:
            # A silent server holds the line until the one who asked gives up.
            with contextlib.suppress(OSError):
                self.request.settimeout(10)
                self.request.recv(1)


@contextmanager
def serving(records: Records) -> Iterator[DnsServer]:
    """Run a server with a zone: ``{"shop.example": {"TXT": ["v=spf1 -all"]}}``."""
    server = DnsServer(records)
    server.open()
    try:
        yield server
    finally:
        server.close()
