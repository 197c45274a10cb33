"""Envelopes sealed as in life, and a relay connected to the sink, for the tests of sending."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import permission
from listkeeper.audience.gate_clauses import Granted
from listkeeper.audience.handover import Handover, MessageClass
from listkeeper.audience.permission import Grant
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import keys
from listkeeper.sending import envelope
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.smtp_relay import Relay, SmtpRelay
from listkeeper.settings import Settings
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe

Seal = Callable[..., Envelope]
LETTER = b"From: hello@cafe.example\r\nSubject: Buns\r\n\r\nWarm from seven.\r\n"


@pytest.fixture
def key_folder(settings: Settings) -> Path:
    """The key folder, open: what names a delivery is proved by a key in it."""
    keys.open_folder(settings.key_folder)
    return settings.key_folder


def sealed(
    to: str = "freja@guest.example", content: bytes = LETTER, mail_from: str = "hello@cafe.example", number: int = 7
) -> Envelope:
    """Seal a message; the gate itself is tested elsewhere."""
    handover = Handover(number, 1, MessageClass.MARKETING, "t")
    granted = Grant(permission._MAKER, handover, Granted(to))  # noqa: SLF001 - stands in for the gate
    return envelope.seal(granted, number, "t", mail_from, lambda _to: content)


@pytest.fixture
def seal() -> Seal:
    """Seal a message: ``seal(to, content, mail_from=…)``."""
    return sealed


def letter(number: int) -> bytes:
    """Return the content of a numbered message."""
    return b"From: hello@cafe.example\r\nSubject: %d\r\n\r\n.Warm from seven.\r\n" % number


@dataclass
class Pulled:
    """A window of numbered messages that remembers which of them were pulled."""

    count: int
    numbers: list[int] = field(default_factory=list)
    # Seconds that each takes to be written and signed.
    each_takes: float = 0

    def __iter__(self) -> Iterator[Envelope]:
        """Seal one after another as it is asked for; each is known to the server by its return path."""
        for number in range(self.count):
            self.numbers.append(number)
            time.sleep(self.each_takes)
            yield sealed(f"p{number}@guest.example", letter(number), f"b+{number}@cafe.example", number)


@pytest.fixture
def relay(smtp_sink: SmtpSink) -> Iterator[SmtpRelay]:
    """A relay connected to the sink."""
    made = SmtpRelay(Relay.from_url(smtp_sink.url), "relay.example")
    made.connect()
    yield made
    made.close()


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with nobody on its list yet."""
    return cafe.found(session)


@pytest.fixture
def freja(session: Session, house: Cafe) -> Subscriber:
    """Somebody who has just said yes."""
    return cafe.subscribe(session, house, "freja@guest.example")
