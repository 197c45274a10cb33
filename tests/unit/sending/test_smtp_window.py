"""Many messages over one line: how far ahead one is pulled, what is said when, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from listkeeper import parts
from listkeeper.foundation.errors import Conflict
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over import transport, way_address
from listkeeper.sending.handing_over.smtp_conversation import Patience
from listkeeper.sending.handing_over.smtp_relay import Relay, SmtpRelay
from listkeeper.sending.handing_over.smtp_turn import Turn
from listkeeper.sending.handing_over.transport import (
    Accepted,
    Deferred,
    InDoubt,
    Outcome,
    Rejected,
    TransportUnavailable,
)
from tests.fakes import raw_server, scripted_smtp
from tests.fakes.raw_server import Caller
from tests.fakes.scripted_smtp import Fault, ScriptedServer
from tests.unit.sending.conftest import Pulled, letter, sealed

_COUNT = 8
_PATIENT = Patience(to_connect=5, for_a_reply=5, of_the_quick=60, of_a_grant=60)
_CHUNKS = ("PIPELINING", "CHUNKING")


def _relay(server: ScriptedServer, patience: Patience = _PATIENT, *, chunks: bool = False) -> SmtpRelay:
    return SmtpRelay(Relay("127.0.0.1", server.port), "relay.example", patience, chunks=chunks)


def _kinds(outcomes: list[tuple[int, Outcome | None]]) -> list[type | None]:
    return [None if outcome is None else type(outcome) for _, outcome in outcomes]


# What is said, and when


def test_a_quick_server_hears_of_the_next_message_with_the_content_of_this_one() -> None:
    """One turn a message: the server's replies to both are read together."""
    writes: list[bytes] = []

    def serve(caller: Caller) -> None:
        caller.greet("PIPELINING")
        while said := caller.line.recv(1_000_000):
            writes.append(said)
            replies = {b"DATA": b"354 go\r\n"} | dict.fromkeys((b"MAIL", b"RCPT", b".", b"QUIT"), b"250 ok\r\n")
            caller.say(b"".join(replies.get(line[:4], b"") for line in said.split(b"\r\n")))

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example", _PATIENT)
        outcomes = list(relay.hand_over_each(iter(Pulled(_COUNT))))
        relay.close()
    assert _kinds(outcomes) == [Accepted] * _COUNT
    said = [
        [line[:4] for line in write.split(b"\r\n") if line[:4] in {b"MAIL", b"RCPT", b"DATA", b"."}] for write in writes
    ]
    envelope, both = [b"MAIL", b"RCPT", b"DATA"], [b".", b"MAIL", b"RCPT", b"DATA"]
    # The first two show that the server is quick, and that the line outlasts one message.
    assert said[:-1] == [envelope, [b"."], envelope, *[both] * (_COUNT - 2), [b"."]]
    assert b"Warm" not in writes[-1]


@pytest.mark.parametrize(
    ("abilities", "patience"),
    [(("8BITMIME",), _PATIENT), (("PIPELINING",), Patience(of_the_quick=0)), (_CHUNKS, Patience(of_the_quick=0))],
)
def test_nobody_is_pulled_ahead_of_a_slow_or_a_simple_server(abilities: tuple[str, ...], patience: Patience) -> None:
    window = Pulled(_COUNT)
    with scripted_smtp.running({}, *abilities) as server:
        relay = _relay(server, patience, chunks=True)
        for number, outcome in relay.hand_over_each(iter(window)):
            assert isinstance(outcome, Accepted)
            assert window.numbers == list(range(number + 1))
        relay.close()
    assert server.taken == [(number, letter(number)) for number in range(_COUNT)]


def test_a_server_that_was_slow_is_trusted_again_after_a_while() -> None:
    window, ahead = Pulled(20), []
    with scripted_smtp.running() as server:
        relay = _relay(server, Patience(of_the_quick=1, of_a_grant=60))
        relay._speed.note(4)  # noqa: SLF001 - in place of four seconds
        for number, _ in relay.hand_over_each(iter(window)):
            ahead.append(len(window.numbers) - number - 1)
        relay.close()
    assert ahead[:3] == [0, 0, 0]
    assert ahead[10:] == [2] * 8 + [1, 0]


def test_bytes_are_sent_as_they_are_in_chunks_too() -> None:
    contents = [b".\r\n..\r\n", b"\r\n.\r\n", b"no end", b"a\nb\rc\r\n.", b"", b"x" * 200_000]
    arrives = [b".\r\n..\r\n", b"\r\n.\r\n", b"no end\r\n", b"a\r\nb\r\nc\r\n.\r\n", b"\r\n", b"x" * 200_000 + b"\r\n"]
    for abilities in (_CHUNKS, ("PIPELINING",)):
        with scripted_smtp.running({}, *abilities) as server:
            relay = _relay(server, chunks=True)
            window = (sealed(content=said, mail_from=f"b+{at}@cafe.example") for at, said in enumerate(contents))
            assert _kinds(list(relay.hand_over_each(window))) == [Accepted] * len(contents)
            relay.close()
        assert [content for _, content in server.taken] == arrives
        assert any(said.startswith(b"BDAT") for said in server.said) == (abilities == _CHUNKS)


def test_after_a_chunk_the_server_forgets_before_it_hears_of_another() -> None:
    """RFC 3030 section 2: what a refused chunk leaves behind is not known, and here it is not known yet."""
    with scripted_smtp.running({("CONTENT", 4): Fault(b"554 5.7.1 no\r\n")}, *_CHUNKS) as server:
        relay = _relay(server, chunks=True)
        list(relay.hand_over_each(iter(Pulled(_COUNT))))
        relay.close()
    assert server.numbers == [0, 1, 2, 3, 5, 6, 7]
    announced_behind = [at for at, said in enumerate(server.said) if said.startswith(b"MAIL")][2:]
    assert [server.said[at - 1] for at in announced_behind] == [b"RSET"] * (_COUNT - 2)


def test_how_much_of_a_message_must_have_left_before_it_can_have_been_taken() -> None:
    turn = Turn(sealed(content=b"a\r\n.\r\n"))
    turn.word_for({}, in_one_chunk=False)
    assert (turn.content[: turn.must], turn.content[turn.must :]) == (b"a\r\n..\r\n.", b"\r\n")
    turn.word_for({}, in_one_chunk=True)
    assert (turn.content, turn.must) == (b"BDAT 6 LAST\r\na\r\n.\r\n", len(turn.content))


@pytest.mark.parametrize("asked", ["", "?chunking=yes"])
def test_chunks_are_used_only_when_asked_for(asked: str) -> None:
    with scripted_smtp.running({}, *_CHUNKS) as server:
        relay = parts.transport(way_address.read(f"smtp://127.0.0.1:{server.port}{asked}"))
        assert _kinds(list(relay.hand_over_each(iter(Pulled(3))))) == [Accepted] * 3
        relay.close()
    assert server.numbers == [0, 1, 2]
    assert any(said.startswith(b"BDAT") for said in server.said) == bool(asked)


# Messages that cannot be said


def test_a_message_that_cannot_be_said_keeps_its_place() -> None:
    def window() -> Iterator[Envelope]:
        for number in range(_COUNT):
            to = "x@y.example>\r\nDATA" if number == 4 else f"p{number}@guest.example"
            content = b"x" * 2_000 if number == 6 else letter(number)
            yield sealed(to, content, f"b+{number}@cafe.example", number)

    with scripted_smtp.running({}, "PIPELINING", "SIZE 1000") as server:
        relay = _relay(server)
        outcomes = list(relay.hand_over_each(window()))
        relay.close()
    assert [number for number, _ in outcomes] == list(range(_COUNT))
    assert _kinds(outcomes) == [Rejected if number in {4, 6} else Accepted for number in range(_COUNT)]
    too_large = outcomes[6][1]
    assert isinstance(too_large, Rejected)
    assert (too_large.reply.code, str(too_large.reply.enhanced)) == (552, "5.3.4")
    assert not [said for said in server.said if b"b+4@" in said or b"b+6@" in said]
    assert server.connections == 1


# Time


def _grow_old(monkeypatch: pytest.MonkeyPatch, *, announced: set[int], pulled: set[int]) -> None:
    """Let time pass for some messages once they were announced, for others as soon as they were pulled."""

    def age(turn: Turn) -> float:
        number = turn.envelope.delivery_id
        return 2.0 if number in pulled or (turn.announced and number in announced) else 0.0

    monkeypatch.setattr(Turn, "age", property(age))


@pytest.mark.parametrize(("abilities", "connections"), [(("PIPELINING",), 2), (_CHUNKS, 1)])
def test_a_message_whose_grant_grew_old_while_another_was_answered_waits_again(
    abilities: tuple[str, ...], connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fifth was announced, the sixth only pulled; 354 obliges to send, so that line is dropped."""
    _grow_old(monkeypatch, announced={4}, pulled={5})
    with scripted_smtp.running({}, *abilities) as server:
        relay = _relay(server, Patience(of_the_quick=60), chunks=True)
        kinds = _kinds(list(relay.hand_over_each(iter(Pulled(_COUNT)))))
        relay.close()
    assert kinds == [None if number in {4, 5} else Accepted for number in range(_COUNT)]
    assert server.numbers == [0, 1, 2, 3, 6, 7]
    assert server.connections == connections


def test_a_slow_answer_to_a_message_that_stands_alone_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has begun with its announcement, in time; its content follows whenever the server is ready for it."""
    _grow_old(monkeypatch, announced={0, 1}, pulled=set())
    with scripted_smtp.running() as server:
        relay = _relay(server, Patience())
        assert _kinds(list(relay.hand_over_each(iter(Pulled(2))))) == [Accepted] * 2
        relay.close()


# Servers that cannot be had again


def test_a_server_that_is_gone_takes_nothing_and_nobody_is_pulled() -> None:
    window = Pulled(_COUNT)
    script = {("BANNER", 0): Fault(b"554 closed for today\r\n", "close")}
    with scripted_smtp.running(script) as server, pytest.raises(TransportUnavailable):
        list(_relay(server).hand_over_each(iter(window)))
    assert window.numbers == []


@pytest.mark.parametrize("abilities", [("PIPELINING",), ("8BITMIME",)])
def test_what_is_known_is_told_before_a_server_is_called_gone(abilities: tuple[str, ...]) -> None:
    script = {("CONTENT", 3): Fault(b"", "close"), ("BANNER", 1): Fault(b"421 busy\r\n", "close")}
    window, outcomes = Pulled(_COUNT), list[tuple[int, Outcome | None]]()
    gone = pytest.raises(TransportUnavailable, match="does not answer as it should")
    with scripted_smtp.running(script, *abilities) as server, gone:
        outcomes.extend(_relay(server).hand_over_each(iter(window)))
    assert [number for number, _ in outcomes] == window.numbers
    kinds = _kinds(outcomes)
    assert kinds[:4] == [Accepted, Accepted, Accepted, InDoubt]
    assert set(kinds[4:]) == {None}
    assert len(window.numbers) < _COUNT


def test_a_line_that_is_lost_with_the_last_message_is_nobodys_trouble() -> None:
    script = {("CONTENT", 3): Fault(b"", "close"), ("BANNER", 1): Fault(b"421 busy\r\n", "close")}
    with scripted_smtp.running(script) as server:
        outcomes = list(_relay(server).hand_over_each(iter(Pulled(4))))
    assert _kinds(outcomes) == [Accepted, Accepted, Accepted, InDoubt]


# Whoever asks for it stops, or fails


def test_nothing_is_left_on_a_line_whose_window_was_given_up() -> None:
    with scripted_smtp.running() as server:
        relay = _relay(server)
        window = relay.hand_over_each(iter(Pulled(_COUNT)))
        assert [next(window)[0] for _ in range(4)] == [0, 1, 2, 3]
        window.close()  # type: ignore[attr-defined]
        assert _kinds(list(relay.hand_over_each(iter(Pulled(2))))) == [Accepted] * 2
        relay.close()
    # The fifth was announced behind the fourth, and its content never left.
    assert server.numbers == [0, 1, 2, 3, 0, 1]
    assert server.connections == 2


def test_a_fault_of_the_one_who_seals_is_told_after_the_answers() -> None:
    def window() -> Iterator[Envelope]:
        yield from Pulled(5)
        raise Conflict("broken", "A fault.")

    outcomes: list[tuple[int, Outcome | None]] = []
    with scripted_smtp.running() as server:
        relay = _relay(server)
        with pytest.raises(Conflict):
            outcomes.extend(relay.hand_over_each(window()))
    assert _kinds(outcomes) == [Accepted] * 5
    assert server.numbers == list(range(5))


# A way to send that knows no windows


def test_one_by_one_asks_for_a_line_before_it_pulls() -> None:
    script = {("CONTENT", 1): Fault(b"421 4.3.2 closing\r\n", "close"), ("BANNER", 2): Fault(b"421 busy\r\n", "close"),
              ("CONTENT", 3): Fault(b"", "close")}  # fmt: skip
    window, outcomes, pulled = Pulled(_COUNT), list[tuple[int, Outcome | None]](), []

    def told(relay: SmtpRelay) -> Iterator[tuple[int, Outcome | None]]:
        for said in transport.one_by_one(relay, iter(window)):
            pulled.append(len(window.numbers))
            yield said

    with scripted_smtp.running(script) as server, pytest.raises(TransportUnavailable):
        outcomes.extend(told(_relay(server)))
    assert _kinds(outcomes) == [Accepted, Deferred, Accepted, InDoubt, None]
    assert pulled == [1, 2, 3, 4, 5]


def test_one_by_one_needs_no_line_for_nobody() -> None:
    script = {("CONTENT", 0): Fault(b"", "close"), ("BANNER", 1): Fault(b"421 busy\r\n", "close")}
    with scripted_smtp.running(script) as server:
        assert _kinds(list(transport.one_by_one(_relay(server), iter(Pulled(1))))) == [InDoubt]
