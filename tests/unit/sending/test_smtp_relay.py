"""Handing over by SMTP: whatever the server does, the answer is one of four, and the right one."""

from __future__ import annotations

import time

import pytest

from listkeeper.sending.handing_over.smtp_conversation import Patience
from listkeeper.sending.handing_over.smtp_relay import Relay, SmtpRelay
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected
from tests.fakes import raw_server
from tests.fakes import smtp_sink as sink
from tests.fakes.raw_server import Caller
from tests.fakes.smtp_sink import DROP, SmtpSink
from tests.unit.sending.conftest import LETTER, Seal


def _over(relay: SmtpRelay, seal: Seal, **envelope: object) -> Outcome:
    relay.connect()
    return relay.hand_over(seal(**envelope))


# A friendly server


def test_a_message_arrives_byte_for_byte(relay: SmtpRelay, smtp_sink: SmtpSink, seal: Seal) -> None:
    outcome = _over(relay, seal)
    assert isinstance(outcome, Accepted)
    assert (outcome.reply.code, outcome.reply.text) == (250, "2.0.0 kept")
    (kept,) = smtp_sink.messages
    assert (kept.mail_from, kept.rcpt_tos, kept.hello) == (
        "hello@cafe.example",
        ("freja@guest.example",),
        "relay.example",
    )
    assert kept.content == LETTER


@pytest.mark.parametrize(
    ("content", "arrives"),
    [
        (b".\r\n", b".\r\n"),
        (b"..\r\n.\r\n...\r\n", b"..\r\n.\r\n...\r\n"),
        (b"a\r\n.b\r\n..c\r\n.\r\nd.\r\n", b"a\r\n.b\r\n..c\r\n.\r\nd.\r\n"),
        (b"no end", b"no end\r\n"),
        (b"ends in a dot\r\n.", b"ends in a dot\r\n.\r\n"),
        (b"", b"\r\n"),
        ("bj\u00f8rn \u0444\r\n".encode(), "bj\u00f8rn \u0444\r\n".encode()),
        # Bare line ends are how a second message is smuggled behind the first.
        (b"a\n.\nMAIL FROM:<x@y.example>\n", b"a\r\n.\r\nMAIL FROM:<x@y.example>\r\n"),
        (b"a\r.\r\nb\n.\r\nc\r", b"a\r\n.\r\nb\r\n.\r\nc\r\n"),
        (b"\r\n.\r\n" * 50, b"\r\n.\r\n" * 50),
    ],
)
def test_dots_and_line_ends(relay: SmtpRelay, smtp_sink: SmtpSink, seal: Seal, content: bytes, arrives: bytes) -> None:
    assert isinstance(_over(relay, seal, content=content), Accepted)
    assert [kept.content for kept in smtp_sink.messages] == [arrives]
    assert isinstance(_over(relay, seal), Accepted)
    assert len(smtp_sink.messages) == 2


def test_what_the_server_can_do_is_said_and_nothing_else(relay: SmtpRelay, smtp_sink: SmtpSink, seal: Seal) -> None:
    assert relay.carries_smtputf8
    _over(relay, seal)
    _over(relay, seal, to="frøja@guest.example")
    _over(relay, seal)
    options = [said.upper().split(">")[1].split() for step, said in smtp_sink.commands if step == "MAIL"]
    size = f"SIZE={len(LETTER)}"
    assert options == [[size, "BODY=8BITMIME"], [size, "BODY=8BITMIME", "SMTPUTF8"], [size, "BODY=8BITMIME"]]
    assert smtp_sink.messages[1].rcpt_tos == ("frøja@guest.example",)


def test_a_plain_server_is_told_no_options(seal: Seal) -> None:
    def serve(caller: Caller) -> None:
        caller.greet()
        caller.take_message()

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example")
        relay.connect()
        assert not relay.carries_smtputf8
        assert isinstance(relay.hand_over(seal()), Accepted)
        relay.close()
        assert server.callers[0].heard[1] == b"MAIL FROM:<hello@cafe.example>"


def test_one_line_carries_five_hundred_messages(smtp_sink: SmtpSink, seal: Seal) -> None:
    assert Patience().messages == 500, "the promise, without 500 messages"
    relay = SmtpRelay(Relay.from_url(smtp_sink.url), "relay.example", Patience(messages=5))
    for _ in range(12):
        assert isinstance(_over(relay, seal), Accepted)
    assert (len(smtp_sink.messages), smtp_sink.connections) == (12, 3)
    relay.close()


# Servers that say no


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "CONTENT"])
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("450 4.2.0 later", Deferred), ("451 4.7.1 greylisted", Deferred), ("452 4.2.2 full", Deferred),
        ("550 5.1.1 nobody", Rejected), ("552 5.3.4 too big", Rejected), ("554 5.7.1 policy", Rejected),
        ("500 5.5.1 what", Rejected), ("421 4.3.2 closing", Deferred), ("530 5.7.0 log in first", Deferred),
        ("535 5.7.8 who", Deferred),
    ],
)  # fmt: skip
def test_a_no_at_any_step_ends_in_its_outcome(
    smtp_sink: SmtpSink, seal: Seal, *, step: str, reply: str, kind: type[Outcome]
) -> None:
    relay = SmtpRelay(Relay.from_url(smtp_sink.url), "relay.example")
    smtp_sink.script(step, reply, times=1)
    outcome = _over(relay, seal)
    assert type(outcome) is kind
    assert not isinstance(outcome, InDoubt)
    assert outcome.reply.code == int(reply[:3])
    assert outcome.reply.text == reply[4:]
    # The line, or a new one, is clean for the next message.
    assert isinstance(_over(relay, seal, to="karl@guest.example"), Accepted)
    assert [kept.rcpt_tos for kept in smtp_sink.messages] == [("karl@guest.example",)]
    relay.close()


def test_a_no_keeps_the_line_and_goodbye_ends_it(relay: SmtpRelay, smtp_sink: SmtpSink, seal: Seal) -> None:
    smtp_sink.script("RCPT", "550 5.1.1 nobody", times=1)
    _over(relay, seal)
    _over(relay, seal)
    assert smtp_sink.connections == 1
    smtp_sink.script("RCPT", "421 4.3.2 closing", times=1)
    _over(relay, seal)
    _over(relay, seal)
    assert smtp_sink.connections == 2


def test_the_size_that_the_server_takes_is_respected(seal: Seal) -> None:
    with sink.running(size_limit=1_000) as small:
        relay = SmtpRelay(Relay.from_url(small.url), "relay.example")
        outcome = _over(relay, seal, content=b"x" * 990 + b"\r\n" + b"y" * 990)
        assert isinstance(outcome, Rejected)
        assert outcome.reply.code == 552
        assert isinstance(_over(relay, seal), Accepted)
        relay.close()


# Lines that break


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_line_lost_before_the_message_took_nothing(
    relay: SmtpRelay, smtp_sink: SmtpSink, seal: Seal, step: str
) -> None:
    smtp_sink.script(step, DROP, times=1)
    assert isinstance(_over(relay, seal), Deferred)
    assert isinstance(_over(relay, seal), Accepted)
    assert (len(smtp_sink.messages), len(smtp_sink.unanswered), smtp_sink.connections) == (1, 0, 2)


def test_a_line_lost_after_the_final_dot_is_a_doubt(relay: SmtpRelay, smtp_sink: SmtpSink, seal: Seal) -> None:
    smtp_sink.script("CONTENT", DROP, times=1)
    outcome = _over(relay, seal)
    assert isinstance(outcome, InDoubt)
    assert outcome.reason.startswith("connection lost after the message")
    assert len(smtp_sink.unanswered) == 1
    assert isinstance(_over(relay, seal), Accepted)


def test_a_line_lost_within_the_message_took_nothing(seal: Seal) -> None:
    """The server hangs up while the letter is being said, long before its end."""

    def serve(caller: Caller) -> None:
        caller.greet("SIZE 90000000")
        caller.expect((b"MAIL", b"250 ok\r\n"), (b"RCPT", b"250 ok\r\n"), (b"DATA", b"354 go\r\n"))
        caller.take(1_000)
        caller.reset()

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example")
        relay.connect()
        # More than any buffer between the two holds.
        outcome = relay.hand_over(seal(content=b"x" * 76 + b"\r\n" * 40_000_00))
        assert isinstance(outcome, Deferred)
        assert outcome.reply.text.startswith("connection lost during the message")
        relay.close()


def test_no_line_at_all_is_no_outcome_of_a_message(seal: Seal) -> None:
    relay = SmtpRelay(Relay("127.0.0.1", 1), "relay.example")
    assert isinstance(relay.hand_over(seal()), Deferred)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "CONTENT"])
@pytest.mark.parametrize("noise", [b"hello there\r\n", b"\r\n", b"999 what\r\n", b"150 hm\r\n", b"334 aGk=\r\n",
                                   b"\xff\xfe\r\n", b"250" + b"x" * 9_000 + b"\r\n", b"25"])  # fmt: skip
def test_noise_is_never_success(seal: Seal, step: str, noise: bytes) -> None:
    calm = {"MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go\r\n", "CONTENT": b"250 ok\r\n"}

    def serve(caller: Caller) -> None:
        caller.greet()
        first = not server.callers[1:]
        replies = calm | ({step: noise} if first else {})
        for command in ("MAIL", "RCPT", "DATA"):
            caller.expect((command.encode(), replies[command]))
            if first and command == step:
                return
        while caller.hear() != b".":
            pass
        caller.say(replies["CONTENT"])

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example")
        outcome = _over(relay, seal)
        assert isinstance(outcome, InDoubt if step == "CONTENT" else Deferred), outcome
        # What else such a server says cannot be told apart: the next message gets a line of its own.
        assert isinstance(_over(relay, seal), Accepted)
        relay.close()


def test_a_slow_server_is_waited_for_and_then_not(relay: SmtpRelay, smtp_sink: SmtpSink, seal: Seal) -> None:
    smtp_sink.script("CONTENT", "250 at last", delay=0.6, times=1)
    assert isinstance(_over(relay, seal), Accepted)
    relay.close()
    relay = SmtpRelay(Relay.from_url(smtp_sink.url), "relay.example", Patience(for_a_reply=0.3))
    smtp_sink.script("RCPT", "250 at last", delay=0.9, times=1)
    assert isinstance(_over(relay, seal), Deferred)
    smtp_sink.script("CONTENT", "250 at last", delay=0.9, times=1)
    assert isinstance(_over(relay, seal), InDoubt)
    assert isinstance(_over(relay, seal), Accepted)
    relay.close()


def test_a_server_that_hung_up_while_nothing_was_said_costs_no_attempt(seal: Seal) -> None:
    """Servers close idle lines; the first message after a pause must not be put off for that."""
    farewells = [b"", b"421 4.4.2 idle for too long\r\n"]

    def serve(caller: Caller) -> None:
        caller.greet()
        caller.take_message()
        caller.say(farewells.pop())
        if not farewells:
            caller.hear()

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example")
        assert isinstance(_over(relay, seal), Accepted)
        time.sleep(0.1)
        assert isinstance(_over(relay, seal), Accepted)
        assert len(server.callers) == 2
        relay.close()


def test_an_idle_line_is_asked_before_it_is_trusted(seal: Seal) -> None:
    """A line that broke far away looks like one that is merely still."""

    def serve(caller: Caller) -> None:
        caller.greet()
        if server.callers[1:]:
            return
        caller.take_message()
        caller.expect((b"NOOP", b"250 still here\r\n"))
        caller.take_message()
        caller.expect((b"NOOP", b"502 what\r\n"))

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example", Patience(on_an_idle_line=0))
        assert isinstance(_over(relay, seal), Accepted)
        assert isinstance(_over(relay, seal), Accepted)
        assert len(server.callers) == 1
        relay.connect()
        assert len(server.callers) == 2
        relay.close()


# Addresses that cannot be said


@pytest.mark.parametrize(
    ("to", "mail_from"),
    [
        ("freja@guest.example\r\nRCPT TO:<x@y.example>", "hello@cafe.example"),
        ("freja@guest.example", "hello@cafe.example>\r\nDATA"),
        ("freja@guest.example", "håkon@cafe.example"),
        ("<freja@guest.example>", "hello@cafe.example"),
        ("freja@guest.example SIZE=1", "hello@cafe.example"),
    ],
)
def test_an_address_that_no_command_can_hold_fails_alone(
    relay: SmtpRelay, smtp_sink: SmtpSink, seal: Seal, to: str, mail_from: str
) -> None:
    outcome = _over(relay, seal, to=to, mail_from=mail_from)
    assert isinstance(outcome, Rejected)
    assert "@" not in outcome.reply.text
    assert [said for step, said in smtp_sink.commands if step == "RCPT"] == []
    assert isinstance(_over(relay, seal), Accepted)
    assert len(smtp_sink.messages) == 1


def test_smtputf8_is_not_said_to_a_server_that_does_not_know_it(seal: Seal) -> None:
    def serve(caller: Caller) -> None:
        caller.greet("8BITMIME")
        caller.hear()

    with raw_server.running(serve) as server:
        relay = SmtpRelay(Relay("127.0.0.1", server.port), "relay.example")
        relay.connect()
        assert isinstance(relay.hand_over(seal(to="frøja@guest.example")), Rejected)
        relay.close()
        assert server.callers[0].heard[1:] == [b"QUIT"]
