"""Posts over a kept-open line, against real servers on loopback: what is known of a post that met trouble."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from listkeeper.foundation.fetch import Answer, Line, LiveFetcher, NotSent, Refused, Unanswered, Unreachable
from tests.fakes import provider, raw_server, running_up, smtp_sink
from tests.fakes.provider import Provider, babbles, drips, hangs_up_after, resets, says
from tests.fakes.raw_server import Caller

_OK = says(200, b"taken", X_Kind="good")


@pytest.fixture
def shop() -> Iterator[Provider]:
    with provider.running(_OK) as open_shop:
        yield open_shop


@pytest.fixture
def line(shop: Provider) -> Iterator[Line]:
    made = _line(shop.origin)
    yield made
    made.close()


def _line(origin: str, seconds: float = 1.0) -> Line:
    return LiveFetcher(["127.0.0.1"]).line(origin, seconds=seconds)


def _post(line: Line, body: bytes = b"hello") -> Answer | NotSent | Unanswered:
    return line.post("/in", body, {"content-type": "text/plain"})


def test_a_post_arrives_as_it_is_and_the_answer_comes_back(shop: Provider, line: Line) -> None:
    answer = _post(line)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"taken", "good")
    (asked,) = shop.asked
    assert (asked.path, asked.body, asked.headers["content-type"]) == ("/in", b"hello", "text/plain")


def test_many_posts_take_one_connection(shop: Provider, line: Line) -> None:
    shop.then(_OK, says(400, b"no"), says(500, b"trouble"), _OK)
    assert [answer.status for _ in range(4) if isinstance(answer := _post(line), Answer)] == [200, 400, 500, 200]
    assert shop.connections == 1


def test_a_server_that_hung_up_meanwhile_is_called_again_before_anything_is_in_doubt(
    shop: Provider, line: Line
) -> None:
    shop.then(hangs_up_after(_OK), _OK)
    assert isinstance(_post(line), Answer)
    time.sleep(0.2)
    assert isinstance(_post(line), Answer)
    assert (shop.connections, len(shop.asked)) == (2, 2)


@pytest.mark.parametrize("act", [resets, drips, babbles])
def test_without_an_answer_nobody_knows(shop: Provider, line: Line, act: provider.Act) -> None:
    shop.then(act)
    before = time.monotonic()
    assert isinstance(_post(line), Unanswered)
    assert time.monotonic() - before < 3
    # It was asked once, and the next post begins anew.
    assert len(shop.asked) == 1
    assert isinstance(_post(line), Answer)


def test_what_did_not_leave_whole_was_not_taken() -> None:
    def act(caller: Caller) -> None:
        caller.take(1)
        caller.reset()

    with raw_server.running(act) as server:
        line = _line(f"http://127.0.0.1:{server.port}", seconds=5)
        assert isinstance(_post(line, b"x" * 20_000_000), NotSent)
        line.close()


def test_a_server_that_reads_nothing_more_ends_the_post_in_time() -> None:
    def act(caller: Caller) -> None:
        caller.take(1)
        time.sleep(2)

    with raw_server.running(act) as server:
        line, before = _line(f"http://127.0.0.1:{server.port}", seconds=0.5), time.monotonic()
        assert isinstance(_post(line, b"x" * 20_000_000), NotSent)
        assert time.monotonic() - before < 2
        line.close()


def test_of_an_endless_answer_the_beginning_is_enough(shop: Provider, line: Line) -> None:
    shop.then(says(200, b"y" * 3_000_000))
    answer = _post(line)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"y" * 65_536)
    assert isinstance(_post(line), Answer)
    assert shop.connections == 2


def test_a_status_counts_although_the_words_after_it_are_lost(shop: Provider, line: Line) -> None:
    def breaks_off(door: provider.Door) -> None:
        door.wfile.write(b"HTTP/1.1 429 Slower\r\nContent-Length: 100\r\n\r\nhalf")
        door.close_connection = True

    shop.then(breaks_off)
    answer = _post(line)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body in {b"", b"half"}) == (429, True)
    assert isinstance(_post(line), Answer)


def test_a_post_is_not_sent_on(shop: Provider, line: Line) -> None:
    with provider.running(_OK) as elsewhere:
        shop.then(says(307, b"", Location=f"{elsewhere.origin}/in"))
        answer = _post(line)
        assert isinstance(answer, Answer)
        assert answer.status == 307
        assert elsewhere.asked == []


def test_nobody_there_is_said_before_anything_is_posted() -> None:
    line = _line(f"http://127.0.0.1:{running_up.free_port()}")
    assert line.open() == Unreachable("the web server refuses connections")
    assert _post(line) == NotSent("the web server refuses connections")


def test_a_private_network_is_not_asked_unless_it_is_named(shop: Provider) -> None:
    line = LiveFetcher().line(shop.origin)
    assert line.open() == Refused("127.0.0.1 lies in a private network")
    assert isinstance(_post(line), NotSent)
    assert shop.asked == []


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    pem, key = smtp_sink.certificate()
    both = tmp_path / "both.pem"
    both.write_bytes(pem + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    with provider.running(_OK, context) as shop:
        stranger = _line(shop.origin).open()
        assert isinstance(stranger, Unreachable)
        assert "certificate is not valid" in stranger.reason
        (tmp_path / "ca.pem").write_bytes(pem)
        known = LiveFetcher(["127.0.0.1"], authorities=str(tmp_path / "ca.pem")).line(shop.origin, seconds=5)
        assert [type(_post(known)) for _ in range(3)] == [Answer] * 3
        # One connection of ours, after the one that was broken off.
        assert (len(shop.asked), shop.connections) == (3, 1)
        known.close()
