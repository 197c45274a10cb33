"""The first message of a letter is read as a receiver reads it, before the rest may leave."""

from __future__ import annotations

import socket
import subprocess
from datetime import UTC, datetime, timedelta

import dkim as dkimpy
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import process
from listkeeper.sending import first_message, planning, steering
from listkeeper.sending.first_message import First, Verdict
from listkeeper.standards import dkim, dkim_key_record, dns
from listkeeper.standards.dkim import SigningKey
from listkeeper.standards.dkim_verify import KnownKey
from tests.makers import cafe

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEY = rsa.generate_private_key(65537, 2048)
HEAD = (
    b"From: hello@cafe.example\r\nTo: a@guest.example\r\nSubject: Buns\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@cafe.example>\r\n"
)
ONE_CLICK = b"List-Unsubscribe: <https://cafe.example/u/1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
BODY = b"\r\nWarm from seven.\r\n"


class Silent:
    """Name servers that do not answer."""

    def query(self, name: str, kind: str, /) -> dns.Outcome:
        return dns.TempFail(name, kind, "192.0.2.1", "timed out")


def _signed(message: bytes) -> bytes:
    key = SigningKey("cafe.example", "lk1", KEY)
    return dkim.sign(message, "hello@cafe.example", "a@guest.example", key=key, now=NOW) + message


def _published(key: rsa.RSAPrivateKey = KEY) -> KnownKey:
    return KnownKey(dkim_key_record.record_for(key))


def _judge(message: bytes, resolver: dns.Resolver) -> First:
    return first_message.judge(message, resolver, NOW, signed=True).first


def test_what_a_first_message_is_worth() -> None:
    sound = _signed(HEAD + ONE_CLICK + BODY)
    assert _judge(sound, _published()) is First.RIGHT
    assert _judge(sound.replace(b"seven", b"eight"), _published()) is First.WRONG
    assert _judge(sound, _published(rsa.generate_private_key(65537, 2048))) is First.WRONG
    assert _judge(sound, Silent()) is First.UNKNOWN
    assert _judge(HEAD + ONE_CLICK + BODY, _published()) is First.WRONG
    assert first_message.judge(b"", Silent(), NOW, signed=False).first is First.UNSIGNED


def test_one_click_that_is_not_covered_is_wrong() -> None:
    """As dkimpy signs unless it is told otherwise: right for a verifier, and worth nothing for one-click."""
    message = HEAD + ONE_CLICK + BODY
    private = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    signed = dkimpy.sign(message, b"lk1", b"cafe.example", private, canonicalize=(b"relaxed", b"relaxed")) + message
    verdict = first_message.judge(signed, _published(), datetime.now(UTC), signed=True)
    assert verdict.first is First.WRONG
    assert "list-unsubscribe-post" in verdict.words


@pytest.fixture
def letter(session: Session) -> Campaign:
    made = cafe.found(session)
    cafe.subscribe(session, made, "freja@guest.example")
    letter = cafe.draft(session, made)
    planning.send_campaign(session, made.organisation, letter, site="http://localhost:8025")
    return letter


def test_one_worker_reads_it_and_another_follows_when_it_is_gone(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    assert first_message.unread(session, [letter.id]) == {letter.id}
    assert first_message.take_up(session, letter.id, "host:1:0")
    assert not first_message.take_up(session, letter.id, "host:2:0")
    # Torn away from it, it asks again itself.
    assert first_message.take_up(session, letter.id, "host:1:0")
    frozen_clock.shift(timedelta(seconds=61))
    assert first_message.take_up(session, letter.id, "host:2:0")
    first_message.let_go(session, letter.id)
    assert first_message.take_up(session, letter.id, "host:1:0")
    first_message.keep(session, letter.id, Verdict(First.UNKNOWN, "the name servers do not answer"))
    assert first_message.unread(session, [letter.id]) == set()
    assert not first_message.take_up(session, letter.id, "host:2:0")
    assert letter.state is CampaignState.SENDING


def test_nobody_waits_for_a_worker_of_this_machine_that_is_dead(session: Session, letter: Campaign) -> None:
    assert first_message.take_up(session, letter.id, process.me())
    assert not first_message.take_up(session, letter.id, "host:2:0")
    with subprocess.Popen(["true"]) as gone:
        name = f"{socket.gethostname()}:{gone.pid}:1"
    first_message.let_go(session, letter.id)
    assert first_message.take_up(session, letter.id, name)
    assert first_message.take_up(session, letter.id, "host:2:0")


def test_a_wrong_one_pauses_the_letter_and_is_read_again_when_it_goes_on(session: Session, letter: Campaign) -> None:
    first_message.take_up(session, letter.id, "host:1:0")
    first_message.keep(session, letter.id, Verdict(First.WRONG, "the signature does not fit."))
    assert letter.state is CampaignState.PAUSED
    assert letter.halted == {"code": "first_message", "words": "the signature does not fit."}
    steering.resume(session, letter)
    assert letter.halted is None
    assert first_message.unread(session, [letter.id]) == {letter.id}
    assert first_message.take_up(session, letter.id, "host:2:0")
