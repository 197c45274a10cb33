"""A server that misbehaves in the middle of a window: what became of every message in it, by what the server has.

The fault stands at the fourth of seven messages, wherever the client has come by then: where commands go in groups, the
fourth is announced behind the content of the third, and the fifth behind its own.
"""

from __future__ import annotations

import pytest

from listkeeper.sending.handing_over.smtp_conversation import Patience
from listkeeper.sending.handing_over.smtp_relay import Relay, SmtpRelay
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected
from tests.fakes import scripted_smtp
from tests.fakes.scripted_smtp import Fault, Script, ScriptedServer
from tests.unit.sending.conftest import Pulled, letter

_COUNT = 7
_THIS, _NEXT = 3, 4
_GROUPS = ("PIPELINING", "8BITMIME")
_CHUNKS = ("PIPELINING", "CHUNKING")
_ONE_BY_ONE = ("8BITMIME",)
_LINE_OF_9000 = b"250 " + b"x" * 9_000 + b"\r\n"
_LINES_WITHOUT_END = b"250-and\r\n" * 5_000

Kind = type[Outcome] | None


def _relay(server: ScriptedServer, *, for_a_reply: float = 5) -> SmtpRelay:
    """Return a relay that finds every server quick, however busy the machine is that runs this test."""
    patience = Patience(to_connect=5, for_a_reply=for_a_reply, of_the_quick=60, of_a_grant=60)
    relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example", patience, chunks=True)
    relay._speed.note(0)  # noqa: SLF001 - known to be quick
    return relay


def _kinds(script: Script, *abilities: str, replies: str, for_a_reply: float = 5) -> list[Kind]:
    """Hand over a window; return what came of each message, having compared it with what the server has."""
    with scripted_smtp.running(script, *abilities, replies=replies) as server:
        relay = _relay(server, for_a_reply=for_a_reply)
        outcomes = list(relay.hand_over_each(iter(Pulled(_COUNT))))
        relay.close()
    assert [number for number, _ in outcomes] == list(range(_COUNT))
    kinds = [None if outcome is None else type(outcome) for _, outcome in outcomes]
    accepted = {number for number, kind in enumerate(kinds) if kind is Accepted}
    doubted = {number for number, kind in enumerate(kinds) if kind is InDoubt}
    assert accepted <= set(server.numbers) <= accepted | doubted
    assert sorted(server.taken) == [(number, letter(number)) for number in sorted(server.numbers)]
    return kinds


def _expected(this: Kind, following: Kind = Accepted) -> list[Kind]:
    return [Accepted] * _THIS + [this, following] + [Accepted] * (_COUNT - _NEXT - 1)


def _ways(fault: Fault) -> tuple[str, ...]:
    """In one packet, in pieces, octet by octet; the longest replies would take long that way, and show no more."""
    return ("whole", "odd", "bytes") if len(fault.says) < 1_000 else ("whole",)


# Before the content: what it means for a message that was announced ahead of an answer, and for one that stood alone.
_BEFORE: list[tuple[Fault, Kind, Kind]] = [
    (Fault(b"450 4.2.0 later\r\n"), Deferred, Deferred),
    (Fault(b"550-5.1.1 nobody\r\n550 5.1.1 here\r\n"), Rejected, Rejected),
    (Fault(b"421 4.3.2 closing\r\n", "close"), Deferred, Deferred),
    (Fault(b"421 4.3.2 closing\r\n"), Deferred, Deferred),
    (Fault(b"530 5.7.0 log in first\r\n"), Deferred, Deferred),
    (Fault(b"554 5.7.1 go away\r\n", "close"), Rejected, Rejected),
    # It may have had no part in these; alone it had, or would be tried for ever.
    (Fault(b"", "close"), None, Deferred),
    (Fault(b"", "reset"), None, Deferred),
    (Fault(b"25", "close"), None, Deferred),
    (Fault(b"hello there\r\n"), None, Deferred),
    (Fault(b"\xff\xfe\r\n"), None, Deferred),
    (Fault(b"150 hm\r\n"), None, Deferred),
    (Fault(b"250-two\r\n550 minds\r\n"), None, Deferred),
    (Fault(_LINE_OF_9000), None, Deferred),
    (Fault(_LINES_WITHOUT_END), None, Deferred),
]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("fault", "ahead", "alone"), _BEFORE)
def test_before_the_content(fault: Fault, ahead: Kind, alone: Kind, step: str) -> None:
    script = {(step, _THIS): fault}
    for way in _ways(fault):
        assert _kinds(script, *_GROUPS, replies=way) == _expected(ahead)
        assert _kinds(script, *_ONE_BY_ONE, replies=way) == _expected(alone)
        if step != "DATA":
            assert _kinds(script, *_CHUNKS, replies=way) == _expected(ahead)


# After it: what became of the message, and of the one that was announced behind it.
_AFTER: list[tuple[Fault, Kind, Kind]] = [
    (Fault(b"451 4.3.0 later\r\n"), Deferred, Accepted),
    (Fault(b"554-5.7.1 no\r\n554 5.7.1 never\r\n"), Rejected, Accepted),
    (Fault(b"421 4.3.2 closing\r\n", "close"), Deferred, None),
    (Fault(b"421 4.3.2 closing\r\n"), Deferred, None),
    (Fault(b"535 5.7.8 who are you\r\n"), Deferred, None),
    (Fault(b"", "close"), InDoubt, None),
    (Fault(b"", "reset"), InDoubt, None),
    (Fault(b"", "close", taken=False), InDoubt, None),
    (Fault(b"25", "close"), InDoubt, None),
    (Fault(b"354 go on\r\n"), InDoubt, None),
    (Fault(b"999 what\r\n"), InDoubt, None),
    (Fault(b"\x00\r\n"), InDoubt, None),
    (Fault(_LINE_OF_9000), InDoubt, None),
    (Fault(_LINES_WITHOUT_END), InDoubt, None),
    (Fault(b"250 2.0.0 kept\r\n", "close"), Accepted, None),
    (Fault(b"250 2.0.0 kept\r\n", "reset"), Accepted, None),
]


@pytest.mark.parametrize(("fault", "this", "following"), _AFTER)
def test_after_the_content(fault: Fault, this: Kind, following: Kind) -> None:
    script = {("CONTENT", _THIS): fault}
    for way in _ways(fault):
        assert _kinds(script, *_GROUPS, replies=way) == _expected(this, following)
        assert _kinds(script, *_CHUNKS, replies=way) == _expected(this, following)
        # Alone, the next one gets a line that stands.
        assert _kinds(script, *_ONE_BY_ONE, replies=way) == _expected(this)


def test_the_end_of_a_line_within_a_content() -> None:
    """The letter is small and has left whole: whether the server read its end only the server knows."""
    for abilities, following in ((_GROUPS, None), (_ONE_BY_ONE, Accepted)):
        script = {("BODY", _THIS): Fault(b"", "reset")}
        assert _kinds(script, *abilities, replies="whole") == _expected(InDoubt, following)


def test_a_reply_that_drips_is_waited_for_as_a_whole() -> None:
    """Each octet comes in time, the reply never does."""
    slow = Fault(b"250 2.0.0 kept at last\r\n", drip=0.1)
    script = {("CONTENT", _THIS): slow}
    assert _kinds(script, *_GROUPS, replies="whole", for_a_reply=0.4) == _expected(InDoubt, None)
    assert _kinds({("RCPT", 0): slow}, *_ONE_BY_ONE, replies="whole", for_a_reply=0.4) == [
        Deferred, *[Accepted] * (_COUNT - 1),
    ]  # fmt: skip


def test_a_farewell_between_messages() -> None:
    script = {("NEXT", _THIS): Fault(b"421 4.4.5 enough for today\r\n", "close")}
    # Behind an announcement it is the answer to that; else it is heard before the next one is begun.
    assert _kinds(script, *_GROUPS, replies="whole") == _expected(Accepted, Deferred)
    assert _kinds(script, *_ONE_BY_ONE, replies="whole") == _expected(Accepted)


@pytest.mark.parametrize("abilities", [_GROUPS, _CHUNKS, _ONE_BY_ONE])
@pytest.mark.parametrize("end", [Fault(b"", "close"), Fault(b"", "reset"), Fault(b"421 4.3.2 one only\r\n", "close")])
def test_a_server_that_closes_after_each_message_gets_them_all(abilities: tuple[str, ...], end: Fault) -> None:
    script = {("NEXT", number): end for number in range(_COUNT)}
    assert _kinds(script, *abilities, replies="whole") == [Accepted] * _COUNT


def test_a_transaction_that_failed_is_forgotten_before_the_next() -> None:
    script = {("RCPT", 2): Fault(b"550 5.1.1 nobody\r\n"), ("CONTENT", 6): Fault(b"451 4.3.0 later\r\n")}
    with scripted_smtp.running(script) as server:
        relay = _relay(server)
        outcomes = [outcome for _, outcome in relay.hand_over_each(iter(Pulled(_COUNT)))]
        list(relay.hand_over_each(iter(Pulled(1))))
        relay.close()
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [number not in {2, 6} for number in range(_COUNT)]
    assert server.connections == 1
    before = [server.said[at - 1] for at, said in enumerate(server.said) if said.startswith(b"MAIL")]
    assert [at for at, said in enumerate(before) if said == b"RSET"] == [3, _COUNT]


@pytest.mark.parametrize("answer", [b"554 5.5.1 for nobody\r\n", b"250 2.0.0 kept for nobody\r\n"])
def test_a_server_that_asks_for_a_content_for_nobody_gets_an_empty_one(answer: bytes) -> None:
    script = {("RCPT", _THIS): Fault(b"550 5.1.1 nobody\r\n"), ("NOBODY", _THIS): Fault(answer)}
    with scripted_smtp.running(script, asks_for_nobody=True) as server:
        relay = _relay(server)
        outcomes = [outcome for _, outcome in relay.hand_over_each(iter(Pulled(_COUNT)))]
        relay.close()
    assert [type(outcome) for outcome in outcomes] == _expected(Rejected)
    refused = outcomes[_THIS]
    assert isinstance(refused, Rejected)
    assert refused.reply.code == 550
    assert server.connections == 1


def test_a_no_that_speaks_of_an_earlier_message_is_not_this_ones() -> None:
    script = {("MAIL", _THIS): Fault(b"503 5.5.1 nested\r\n"), ("CONTENT", _THIS - 1): Fault(b"451 4.3.0 later\r\n")}
    expected = [Accepted, Accepted, Deferred, None, *[Accepted] * 3]
    assert _kinds(script, *_GROUPS, replies="whole") == expected
    assert _kinds(script, *_CHUNKS, replies="whole") == expected
    expected[_THIS] = Deferred
    assert _kinds(script, *_ONE_BY_ONE, replies="whole") == expected


def test_replies_that_cannot_be_to_these_commands_are_not_believed() -> None:
    """A no to the sender and a yes to the recipient: what is refused for good may be another message's."""
    script = {("MAIL", _THIS): Fault(b"250 ok\r\n550 5.1.1 nobody\r\n")}
    assert _kinds(script, *_GROUPS, replies="whole") == _expected(None)
