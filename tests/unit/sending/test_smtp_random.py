"""Whatever a server does, at whichever step of whichever message: each message has one outcome, and it is true."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from listkeeper.sending.handing_over.smtp_conversation import Patience
from listkeeper.sending.handing_over.smtp_relay import Relay, SmtpRelay
from listkeeper.sending.handing_over.transport import Accepted, InDoubt, Outcome, TransportUnavailable
from tests.fakes import raw_server
from tests.fakes.scripted_smtp import Fault, ScriptedServer
from tests.unit.sending.conftest import Pulled, letter

_ENDS = ("goes on", "close", "reset")
_COUNT = 6

_nos = st.sampled_from(
    [b"450 4.2.0 later\r\n", b"550 5.1.1 nobody\r\n", b"503 5.5.1 sequence\r\n", b"530 5.7.0 who\r\n",
     b"550-5.7.1 no\r\n550 5.7.1 never\r\n"]
)  # fmt: skip
_noise = st.sampled_from([b"250 fine\r\n", b"354 go\r\n", b"hello\r\n", b"999 x\r\n", b"250-a\r\n550 b\r\n", b"25"])
_closing = st.just(Fault(b"421 4.3.2 closing\r\n", "close"))
_silence = st.sampled_from([Fault(b"", "close"), Fault(b"", "reset")])


def _said(words: st.SearchStrategy[bytes]) -> st.SearchStrategy[Fault]:
    return st.builds(Fault, words, st.sampled_from(_ENDS))


# A reply that is not finished, on a line that stands, would only be waited for.
_envelope = st.one_of(_said(_nos), _said(_noise.filter(lambda said: said.endswith(b"\n"))), _closing, _silence)
_content = st.one_of(
    _said(_nos),
    _closing,
    st.builds(Fault, _noise, st.sampled_from(_ENDS[1:]), st.just(value=True)),
    st.builds(Fault, st.just(b""), st.sampled_from(_ENDS[1:]), st.booleans()),
    st.builds(Fault, st.just(b"250 2.0.0 kept\r\n"), st.sampled_from(_ENDS)),
)
_step = st.one_of(
    st.tuples(st.sampled_from(["MAIL", "RCPT", "DATA"]), _envelope),
    st.tuples(st.just("CONTENT"), _content),
    st.tuples(st.just("BODY"), _silence),
    st.tuples(st.just("NEXT"), st.one_of(_closing, _silence)),
)
_faults = st.lists(st.tuples(st.integers(0, _COUNT - 1), _step), max_size=5)
_abilities = st.sampled_from(
    [("PIPELINING", "8BITMIME"), ("8BITMIME", "SIZE"), ("PIPELINING", "CHUNKING", "SIZE 9999")]
)
_servers = st.builds(
    lambda faults, abilities, replies, nobody, away: ScriptedServer(
        {(step, number): fault for number, (step, fault) in faults}
        | {("BANNER", number): Fault(b"554 go away\r\n", "close") for number in range(away, 40)},
        abilities,
        replies,
        asks_for_nobody=nobody,
    ),
    _faults,
    _abilities,
    st.sampled_from(["whole", "odd", "bytes"]),
    st.booleans(),
    st.sampled_from([1, 2, 3, 40, 40, 40]),
)


def _hand_over(server: ScriptedServer, window: Pulled) -> list[tuple[int, Outcome | None]]:
    outcomes: list[tuple[int, Outcome | None]] = []
    with raw_server.running(server.serve) as raw:
        patience = Patience(to_connect=5, for_a_reply=5, of_a_grant=5)
        relay = SmtpRelay(Relay("127.0.0.1", raw.port), "relay.example", patience, chunks=True)
        relay._speed.note(0)  # noqa: SLF001 - known to be quick, so that as much as possible is announced ahead
        try:
            outcomes.extend(relay.hand_over_each(iter(window)))
        except TransportUnavailable:
            server.said.append(b"unavailable")
        relay.close()
    return outcomes


@given(_servers)
def test_each_message_has_one_outcome_and_it_is_true(server: ScriptedServer) -> None:
    window = Pulled(_COUNT)
    outcomes = _hand_over(server, window)
    assert [number for number, _ in outcomes] == window.numbers
    if b"unavailable" not in server.said:
        assert len(window.numbers) == _COUNT
    by_number = dict(outcomes)
    accepted = {number for number, outcome in outcomes if isinstance(outcome, Accepted)}
    doubted = {number for number, outcome in outcomes if isinstance(outcome, InDoubt)}
    # Nothing is doubled and nothing altered.
    assert set(Counter(server.numbers).values()) <= {1}
    assert all(content == letter(number) for number, content in server.taken)
    # What the server has is known or doubted, and what is called sent it has.
    assert set(server.numbers) <= accepted | doubted, (server.numbers, by_number)
    assert accepted <= set(server.numbers), (server.numbers, by_number)
    assert len(doubted) <= server.connections


@given(
    st.integers(0, _COUNT - 1),
    st.sampled_from(["MAIL", "RCPT", "DATA", "CONTENT"]),
    _abilities,
    st.sampled_from([b"250 2.0.0 kept\r\n", b"451 4.3.0 later\r\n", b"554 5.7.1 no\r\n"]),
)
def test_a_server_that_answers_too_much_is_not_believed(
    number: int, step: str, abilities: tuple[str, ...], answer: bytes
) -> None:
    """One more reply than was asked for, at once: the next one would be taken for an answer it is not."""
    usual = {"DATA": b"354 go\r\n", "CONTENT": answer}.get(step, b"250 ok\r\n")
    script = {("CONTENT", number): Fault(answer)} | {(step, number): Fault(usual + b"250 and more\r\n")}
    server, window = ScriptedServer(script, abilities), Pulled(_COUNT)
    outcomes = _hand_over(server, window)
    assert [number for number, _ in outcomes] == list(range(_COUNT))
    accepted = {number for number, outcome in outcomes if isinstance(outcome, Accepted)}
    assert accepted == set(server.numbers)
    assert set(Counter(server.numbers).values()) <= {1}
    assert not [outcome for _, outcome in outcomes if isinstance(outcome, InDoubt)]
