"""Two lines to one mail server: each message once, by whichever is ready, and what happens when one of them fails."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from listkeeper.foundation.errors import Conflict
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over import smtp_lines
from listkeeper.sending.handing_over.smtp_conversation import Patience
from listkeeper.sending.handing_over.smtp_lines import SmtpLines
from listkeeper.sending.handing_over.smtp_relay import Relay, SmtpRelay
from listkeeper.sending.handing_over.transport import (
    Accepted,
    Deferred,
    InDoubt,
    Outcome,
    Rejected,
    TransportUnavailable,
)
from tests.fakes import scripted_smtp
from tests.fakes.scripted_smtp import Fault, Script, ScriptedServer
from tests.unit.sending.conftest import Pulled, letter, sealed

_PATIENT = Patience(to_connect=5, for_a_reply=5, of_the_quick=60, of_a_grant=60)


def _lines(server: ScriptedServer, patience: Patience = _PATIENT, count: int = 2) -> SmtpLines:
    return SmtpLines([SmtpRelay(Relay("127.0.0.1", server.port), "relay.example", patience) for _ in range(count)])


def _window(lines: SmtpLines, first: int, count: int) -> dict[int, Outcome | None]:
    lines.connect()
    numbers = range(first, first + count)
    messages = (sealed(f"p{n}@guest.example", letter(n), f"b+{n}@cafe.example", n) for n in numbers)
    told = list(lines.hand_over_each(messages))
    # Each is told of once.
    assert len(dict(told)) == len(told)
    return dict(told)


def test_who_has_much_to_send_gets_another_line_and_each_message_leaves_once() -> None:
    with scripted_smtp.running() as server:
        lines = _lines(server)
        for first in range(0, 96, 32):
            assert {type(said) for said in _window(lines, first, 32).values()} == {Accepted}
            assert server.connections == (1 if first == 0 else 2)
        lines.close()
    assert sorted(server.numbers) == list(range(96))
    assert server.said.count(b"QUIT") == 2
    # The two took turns.
    assert max(abs(number - place) for place, number in enumerate(server.numbers)) < 8


def test_a_single_mail_needs_no_further_line() -> None:
    with scripted_smtp.running() as server:
        lines = _lines(server)
        for first in range(3):
            _window(lines, first, 1)
        lines.close()
    assert server.connections == 1


@pytest.mark.parametrize("greeting", [b"421 4.7.0 too many lines from you\r\n", b""])
def test_a_server_that_takes_one_line_only_gets_all_by_that_one(greeting: bytes) -> None:
    with scripted_smtp.running({("BANNER", 1): Fault(greeting, "close")}) as server:
        lines = _lines(server)
        told: dict[int, Outcome | None] = {}
        for first in range(0, 64, 16):
            told |= _window(lines, first, 16)
        lines.close()
    assert {type(said) for said in told.values()} == {Accepted}
    assert sorted(server.numbers) == list(range(64))
    # It is not asked at every window.
    assert server.connections == 2


def test_a_server_that_has_become_slow_gets_one_message_at_a_time() -> None:
    with scripted_smtp.running() as server:
        lines = _lines(server, Patience(of_the_quick=1, of_a_grant=60))
        _window(lines, 0, 16)
        lines._first._speed.note(4)  # noqa: SLF001 - in place of four seconds
        pulled: list[int] = []

        def messages() -> Iterator[Envelope]:
            for number in range(16, 20):
                pulled.append(number)
                yield sealed(f"p{number}@guest.example", letter(number), f"b+{number}@cafe.example", number)

        lines.connect()
        for number, _ in lines.hand_over_each(messages()):
            assert pulled[-1] == number
        lines.close()
    assert server.connections == 1


def test_one_line_that_is_lost_leaves_one_doubt_and_the_other_goes_on() -> None:
    with scripted_smtp.running({("CONTENT", 24): Fault(b"", "close", taken=True)}) as server:
        lines = _lines(server)
        told = _window(lines, 0, 16) | _window(lines, 16, 32)
        lines.close()
    kinds = Counter(type(said) for said in told.values())
    assert isinstance(told[24], InDoubt)
    assert kinds[InDoubt] == 1
    # One that was only announced behind it may wait again.
    assert kinds[type(None)] <= 1
    assert kinds[Accepted] == 48 - 1 - kinds[type(None)]
    assert sorted(server.numbers) == sorted(number for number, said in told.items() if said is not None)


def test_when_no_line_is_left_what_is_known_is_told_first() -> None:
    script: Script = {("CONTENT", 20): Fault(b"421 4.3.2 going down\r\n", "close"),
                      ("CONTENT", 21): Fault(b"421 4.3.2 going down\r\n", "close"),
                      **{("BANNER", number): Fault(b"", "close") for number in range(2, 60)}}  # fmt: skip
    with scripted_smtp.running(script) as server:
        lines = _lines(server)
        _window(lines, 0, 16)
        lines.connect()
        window = (sealed(f"p{n}@guest.example", letter(n), f"b+{n}@cafe.example", n) for n in range(16, 48))
        told: dict[int, Outcome | None] = {}

        def hear() -> None:
            for number, said in lines.hand_over_each(window):
                assert number not in told
                told[number] = said

        with pytest.raises(TransportUnavailable):
            hear()
        lines.close()
    assert {number for number, said in told.items() if isinstance(said, Accepted)} == set(range(16, 20))
    assert {number for number, said in told.items() if isinstance(said, Deferred)} == {20, 21}
    # Messages that were let go on a line that ended wait again, and so do all that were not pulled.
    assert set(server.numbers) - set(range(16)) <= set(range(16, 24))


def test_a_fault_of_ours_is_raised_once_the_answers_were_heard() -> None:
    def messages() -> Iterator[Envelope]:
        yield from Pulled(5)
        raise Conflict("ours", "no")

    told: dict[int, Outcome | None] = {}
    with scripted_smtp.running() as server:
        lines = _lines(server)
        _window(lines, 100, 16)
        lines.connect()
        going = lines.hand_over_each(messages())
        told.update(next(going) for _ in range(5))
        with pytest.raises(Conflict):
            next(going)
        lines.close()
    assert told.keys() == set(range(5))
    assert {type(said) for said in told.values()} == {Accepted}


def test_whoever_is_torn_away_hangs_up_both() -> None:
    with scripted_smtp.running() as server:
        lines = _lines(server)
        _window(lines, 100, 16)
        lines.connect()
        going = lines.hand_over_each(iter(Pulled(20)))
        next(going)
        going.close()  # type: ignore[attr-defined]
        assert not any(relay.is_open for relay in (lines._first, *lines._others))  # noqa: SLF001 - what is open is its own
        assert {type(said) for said in _window(lines, 50, 4).values()} == {Accepted}
        lines.close()


@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_server_does_each_message_has_its_one_end(seed: int) -> None:
    chance = random.Random(seed)
    refusals = (b"421 4.3.2 bye\r\n", b"451 4.3.0 later\r\n", b"550 5.1.1 nobody\r\n")
    # Honest servers: what they refuse they have not taken, and whoever says nothing hangs up.
    script = {
        (step, chance.randrange(100)): chance.choice([
            *([Fault(said) for said in refusals] if step not in {"BODY", "NEXT"} else []),
            Fault(b"", "close"),
            Fault(b"", "reset"),
        ])
        for step in chance.choices(("MAIL", "RCPT", "DATA", "CONTENT", "BODY", "NEXT"), k=8)
    }  # fmt: skip
    told: dict[int, Outcome | None] = {}
    patience = Patience(to_connect=5, for_a_reply=0.5, of_the_quick=60, of_a_grant=60)
    with scripted_smtp.running(script) as server:
        lines = _lines(server, patience, chance.choice([1, 2, 3]))
        for first in range(0, 96, 32):
            told |= _window(lines, first, 32)
        lines.close()
    assert told.keys() == set(range(96))
    times = Counter(server.numbers)
    assert max(times.values()) == 1
    for number, said in told.items():
        match said:
            case Accepted():
                assert times[number] == 1
            case Deferred() | Rejected() | None:
                assert times[number] == 0, said
            case InDoubt():
                pass
    assert sum(isinstance(said, InDoubt) for said in told.values()) <= len(script)
    assert smtp_lines._MUCH <= 32  # noqa: SLF001 - or no window here was worth a second line
