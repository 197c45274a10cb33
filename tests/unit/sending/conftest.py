"""Envelopes for the tests of sending, sealed as in life."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from listkeeper.audience import permission
from listkeeper.audience.permission import Grant, Handover, MessageClass
from listkeeper.sending import envelope
from listkeeper.sending.envelope import Envelope

Seal = Callable[..., Envelope]
LETTER = b"From: hello@cafe.example\r\nSubject: Buns\r\n\r\nWarm from seven.\r\n"


@pytest.fixture
def seal() -> Seal:
    """Seal a message: ``seal(to, content, mail_from=…)``; the gate itself is tested elsewhere."""

    def make(
        to: str = "freja@guest.example", content: bytes = LETTER, mail_from: str = "hello@cafe.example"
    ) -> Envelope:
        handover = Handover(7, 1, MessageClass.MARKETING, "t")
        granted = Grant(permission._MAKER, handover, to, None)  # noqa: SLF001 - stands in for the gate
        return envelope.seal(granted, 7, "t", mail_from, lambda _to: content)

    return make
