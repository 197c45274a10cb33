"""Envelopes sealed as in life, and a relay connected to the sink, for the tests of sending."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from listkeeper.audience import permission
from listkeeper.audience.gate_clauses import Granted
from listkeeper.audience.handover import Handover, MessageClass
from listkeeper.audience.permission import Grant
from listkeeper.sending import envelope
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.smtp_relay import Relay, SmtpRelay
from tests.fakes.smtp_sink import SmtpSink

Seal = Callable[..., Envelope]
LETTER = b"From: hello@cafe.example\r\nSubject: Buns\r\n\r\nWarm from seven.\r\n"


@pytest.fixture
def seal() -> Seal:
    """Seal a message: ``seal(to, content, mail_from=…)``; the gate itself is tested elsewhere."""

    def make(
        to: str = "freja@guest.example", content: bytes = LETTER, mail_from: str = "hello@cafe.example"
    ) -> Envelope:
        handover = Handover(7, 1, MessageClass.MARKETING, "t")
        granted = Grant(permission._MAKER, handover, Granted(to))  # noqa: SLF001 - stands in for the gate
        return envelope.seal(granted, 7, "t", mail_from, lambda _to: content)

    return make


@pytest.fixture
def relay(smtp_sink: SmtpSink) -> Iterator[SmtpRelay]:
    """A relay connected to the sink."""
    made = SmtpRelay(Relay.from_url(smtp_sink.url), "relay.example")
    made.connect()
    yield made
    made.close()
