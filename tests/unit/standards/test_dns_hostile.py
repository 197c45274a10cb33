"""DNS servers that lie, loop, cut off, flood or answer 64 kB: nothing is believed, and nothing raises."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listkeeper.standards import dkim_verify, spf
from listkeeper.standards.dns import Answer, LiveResolver, NoData, NxDomain, TempFail
from tests.fakes.dns_server import DnsServer, Records

_ZONE: Records = {
    "shop.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"], "A": ["192.0.2.7"], "MX": ["10 mx.shop.example"]},
    "other.example": {"TXT": ["v=spf1 +all"], "A": ["198.51.100.1"]},
    "long.example": {"TXT": ["v=spf1 " + "ip4:192.0.2.1 " * 4000 + "-all"]},
    "wide.example": {"TXT": [f"v=spf1 {number} -all" + " " * 200 for number in range(250)]},
    "here.example": {"CNAME": ["there.example"]},
    "there.example": {"CNAME": ["here.example"]},
    **{f"a{number}.example": {"CNAME": [f"a{number + 1}.example"]} for number in range(40)},
}
_NOW = datetime(2026, 11, 23, tzinfo=UTC)
Lie = Callable[[dns.message.Message, bytes, bool], bytes | None]


class _Liar(DnsServer):
    """Answers with what a function makes of the question, the honest answer, and whether it was asked over TCP."""

    def __init__(self, lie: Lie) -> None:
        super().__init__(_ZONE)
        self._lie = lie

    def answer(self, packet: bytes, *, over_tcp: bool) -> bytes | None:
        honest = super().answer(packet, over_tcp=over_tcp)
        return None if honest is None else self._lie(dns.message.from_wire(packet), honest, over_tcp)


@contextmanager
def _lying(lie: Lie, timeout: float = 0.2) -> Iterator[LiveResolver]:
    server = _Liar(lie)
    server.open()
    try:
        yield LiveResolver(server.address, timeout=timeout)
    finally:
        server.close()


def _other_id(_asked: dns.message.Message, honest: bytes, _over_tcp: bool) -> bytes:
    return bytes([honest[0] ^ 1]) + honest[1:]


def _other_question(asked: dns.message.Message, _honest: bytes, _over_tcp: bool) -> bytes:
    forged = dns.message.make_query("other.example", asked.question[0].rdtype)
    forged.id = asked.id
    reply = dns.message.make_response(forged)
    reply.answer.append(dns.rrset.from_text("other.example.", 300, "IN", "TXT", '"v=spf1 +all"'))
    return reply.to_wire()


def _no_response(_asked: dns.message.Message, honest: bytes, _over_tcp: bool) -> bytes:
    return honest[:2] + bytes([honest[2] & 0x7F]) + honest[3:]


def _nothing_but_the_head(_asked: dns.message.Message, honest: bytes, _over_tcp: bool) -> bytes:
    return honest[:12]


def _two_bytes(_asked: dns.message.Message, honest: bytes, _over_tcp: bool) -> bytes:
    return honest[:2]


def _address_of_five_bytes(asked: dns.message.Message, _honest: bytes, _over_tcp: bool) -> bytes:
    reply = dns.message.make_response(asked)
    wire = bytearray(reply.to_wire())
    wire[7] = 1
    return bytes(wire) + b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x01\x00\x05\xff12"


@pytest.mark.parametrize(
    "lie", [_other_id, _other_question, _no_response, _nothing_but_the_head, _two_bytes, _address_of_five_bytes]
)
def test_a_lie_is_a_temporary_failure_in_bounded_time(lie: Lie) -> None:
    with _lying(lie) as resolver:
        began = time.monotonic()
        said = resolver.query("shop.example", "TXT")
        assert isinstance(said, TempFail)
        assert said.reason
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("lie", [_other_id, _other_question, _no_response, _two_bytes])
def test_what_lies_over_udp_may_be_right_over_tcp(lie: Lie) -> None:
    with _lying(lambda asked, honest, over_tcp: honest if over_tcp else lie(asked, honest, over_tcp)) as resolver:
        said = resolver.query("shop.example", "TXT")
        assert isinstance(said, Answer)
        assert said.records == ("v=spf1 ip4:192.0.2.1 -all",)


def test_forged_answers_that_come_first_are_not_taken() -> None:
    """As somebody does who guesses: many answers with wrong numbers, before the right one."""

    def flood(listening: socket.socket) -> None:
        packet, client = listening.recvfrom(4096)
        asked = dns.message.from_wire(packet)
        for number in range(200):
            forged = dns.message.make_response(asked)
            forged.id = (asked.id + 1 + number) % 65536
            forged.answer.append(dns.rrset.from_text("shop.example.", 300, "IN", "TXT", '"v=spf1 +all"'))
            listening.sendto(forged.to_wire(), client)
        honest = dns.message.make_response(asked)
        honest.answer.append(dns.rrset.from_text("shop.example.", 300, "IN", "TXT", '"v=spf1 -all"'))
        listening.sendto(honest.to_wire(), client)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        flooding = threading.Thread(target=flood, args=(listening,), daemon=True)
        flooding.start()
        said = LiveResolver(f"127.0.0.1:{listening.getsockname()[1]}", timeout=5).query("shop.example", "TXT")
        flooding.join()
    assert isinstance(said, Answer)
    assert said.records == ("v=spf1 -all",)


def test_records_of_another_name_are_not_an_answer() -> None:
    def beside(asked: dns.message.Message, _honest: bytes, _over_tcp: bool) -> bytes:
        reply = dns.message.make_response(asked)
        for section in (reply.answer, reply.authority, reply.additional):
            section.append(dns.rrset.from_text("other.example.", 300, "IN", "TXT", '"v=spf1 +all"'))
        return reply.to_wire()

    with _lying(beside) as resolver:
        assert isinstance(resolver.query("shop.example", "TXT"), NoData)


@pytest.mark.parametrize("name", ["here.example", "there.example", "a0.example"])
def test_aliases_without_an_end_are_a_temporary_failure(name: str) -> None:
    with _lying(lambda _asked, honest, _over_tcp: honest) as resolver:
        said = resolver.query(name, "TXT")
        assert isinstance(said, TempFail)
        assert said.reason == "its aliases (CNAME) lead round in a circle"
        assert spf.check_host("192.0.2.1", name, f"a@{name}", name, resolver).result is spf.Result.TEMPERROR


def test_an_answer_of_64_kb_is_read_and_judged() -> None:
    with _lying(lambda _asked, honest, _over_tcp: honest, timeout=5) as resolver:
        began = time.monotonic()
        long, wide = resolver.query("long.example", "TXT"), resolver.query("wide.example", "TXT")
        assert isinstance(long, Answer)
        assert len(long.records[0]) > 50_000
        assert isinstance(wide, Answer)
        assert len(wide.records) == 250
        found = [spf.check_host("192.0.2.9", name, f"a@{name}", name, resolver) for name in (long.name, wide.name)]
        assert [said.result for said in found] == [spf.Result.FAIL, spf.Result.PERMERROR]
        assert time.monotonic() - began < 5


def test_an_answer_that_is_cut_off_everywhere_is_a_temporary_failure() -> None:
    def cut(asked: dns.message.Message, _honest: bytes, over_tcp: bool) -> bytes:
        reply = dns.message.make_response(asked)
        reply.flags |= dns.flags.TC
        return reply.to_wire() if not over_tcp else b""

    with _lying(cut) as resolver:
        assert isinstance(resolver.query("shop.example", "TXT"), TempFail)


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[list[bytes], LiveResolver]]:
    """A server that says over TCP what the test puts into a list, behind the number of the question."""
    words = [b""]

    def say(asked: dns.message.Message, _honest: bytes, over_tcp: bool) -> bytes:
        if over_tcp:
            return asked.id.to_bytes(2, "big") + words[0]
        reply = dns.message.make_response(asked)
        reply.flags |= dns.flags.TC
        return reply.to_wire()

    with _lying(say, timeout=1) as resolver:
        yield words, resolver


_KINDS = ["TXT", "A", "AAAA", "MX", "PTR", "NS"]
# A reply to one question, then one record whose end is left to chance.
_REPLY = b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00\x04shop\x07example\x00\x00\x10\x00\x01\xc0\x0c\x00\x10\x00\x01"


@given(st.binary(max_size=120), st.sampled_from([b"", _REPLY, _REPLY[:12]]), st.sampled_from(_KINDS))
@example(b"\x00\x00\x01\x2c\x00\x05\x04\xff\xfe\xfd\xfc", _REPLY, "TXT")
@example(b"\x00\x00\x01\x2c\x00\x02\xc0\x0c", _REPLY, "MX")
@example(b"\x00\x00\x01\x2c\xff\xff", _REPLY, "TXT")
def test_no_bytes_of_a_server_raise(
    told: tuple[list[bytes], LiveResolver], raw: bytes, start: bytes, kind: str
) -> None:
    words, resolver = told
    words[0] = start + raw
    assert isinstance(resolver.query("shop.example", kind), Answer | NoData | NxDomain | TempFail)


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=4))
def test_any_strings_of_a_record_come_back_byte_for_byte(
    told: tuple[list[bytes], LiveResolver], strings: list[bytes]
) -> None:
    data = b"".join(bytes([len(string)]) + string for string in strings)
    words, resolver = told
    words[0] = _REPLY + b"\x00\x00\x01\x2c" + len(data).to_bytes(2, "big") + data
    said = resolver.query("shop.example", "TXT")
    assert isinstance(said, Answer)
    assert [record.encode("latin-1") for record in said.records] == [b"".join(strings)]
    assert isinstance(spf.check_host("192.0.2.1", "shop.example", "a@shop.example", "x.example", resolver).result, str)


def test_a_server_that_lies_makes_a_signature_unknown() -> None:
    signed = (
        b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=a; h=from; "
        b"bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\nFrom: a@shop.example\r\n\r\n"
    )
    with _lying(_other_question) as resolver:
        (verdict,) = dkim_verify.verify(signed, resolver, _NOW)
    assert verdict.result is dkim_verify.Result.TEMPERROR
