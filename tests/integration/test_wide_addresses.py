"""Addresses with letters beyond ASCII before the @: taken where our mail server carries them, else kindly refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.audience import answering, confirmation
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import caught_mail
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping, sending
from listkeeper.sending import relay_offer
from listkeeper.sending.delivery import DeliveryState
from tests.fakes import smtp_sink as sink
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.cafe import Cafe
from tests.makers.works import Works

WIDE = "jörg@økologi.example"
SENT = "jörg@xn--kologi-9xa.example"


@pytest.fixture(params=["smtputf8"])
def smtp_sink(request: pytest.FixtureRequest) -> Iterator[SmtpSink]:
    """A mail server that carries such addresses, or (by parameter) one that does not."""
    with sink.running(smtputf8=request.param == "smtputf8") as running:
        yield running


_OLD_SERVER = pytest.mark.parametrize("smtp_sink", ["ascii only"], indirect=True)


def _post(works: Works, typed: str = WIDE) -> tuple[int, str]:
    answer = works.app.test_client().post("/f/news", data={"email": typed})
    return answer.status_code, answer.text


def _look(works: Works) -> None:
    with works.app.app_context():
        housekeeping.look_at_relay()


def test_what_nobody_has_asked_yet_counts_as_no(works: Works) -> None:
    status, page = _post(works)
    assert (status, works.read(lambda session: session.scalars(select(Signup)).all())) == (422, [])
    assert "We cannot write to addresses with such letters before the @ yet." in page
    # Nothing is lost: the address stays in the field.
    assert WIDE in page


@_OLD_SERVER
def test_a_server_that_does_not_carry_it_is_not_given_it(works: Works) -> None:
    _look(works)
    assert _post(works)[0] == 422
    assert _post(works, "plain@økologi.example")[0] == 200


def test_it_is_asked_confirmed_and_written_to(works: Works, smtp_sink: SmtpSink) -> None:
    _look(works)
    assert _post(works)[0] == 200
    works.work(Lane.URGENT, 3)
    (asked,) = smtp_sink.messages
    assert asked.rcpt_tos == (SENT,)
    assert any("SMTPUTF8" in argument for step, argument in smtp_sink.commands if step == "MAIL")

    def say_yes(session: Session, _house: Cafe) -> None:
        row = session.scalars(select(Confirmation)).one()
        answering.confirm(session, confirmation.token_of(row))

    works.write(say_yes)
    person = works.read(lambda session: session.scalars(select(Subscriber)).one().email_send)
    assert person == SENT
    works.start()
    works.drain()
    letter = smtp_sink.messages[-1]
    read = BytesParser(policy=policy.SMTPUTF8).parsebytes(letter.content)
    assert isinstance(read, EmailMessage)
    assert str(read["To"]) == SENT
    # UTF-8 stands where nothing else can say the address, and nowhere else (RFC 6532).
    head = letter.content.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    assert [line for line in head if not line.isascii()] == [f"To: {SENT}".encode()]
    assert str(read["Message-ID"]).isascii()
    assert str(read["Subject"]) == "Cardamom buns"
    assert works.deliveries()[-1].state is DeliveryState.ACCEPTED


def test_a_server_that_changes_its_mind_is_believed(works: Works, smtp_sink: SmtpSink) -> None:
    _look(works)
    with works.app.app_context():
        sending.hang_up()
        (name,) = parts.relay_names()
    works.write(lambda session, _house: relay_offer.note(session, name, smtputf8=False))
    assert _post(works)[0] == 422


def test_what_was_seen_days_ago_is_not_known_any_more(works: Works, frozen_clock: time_machine.Traveller) -> None:
    _look(works)
    frozen_clock.shift(timedelta(days=2, minutes=1))
    assert _post(works)[0] == 422


def test_the_first_mail_that_leaves_tells_as_well(works: Works) -> None:
    works.post("plain@guest.example")
    works.work(Lane.URGENT, 2)
    assert _post(works)[0] == 200


def test_a_server_that_is_away_says_nothing(works: Works, smtp_sink: SmtpSink) -> None:
    smtp_sink.script("BANNER", "421 4.3.2 closing")
    _look(works)
    assert _post(works)[0] == 422


def test_letters_that_look_alike_when_folded_are_two_people(works: Works) -> None:
    _look(works)
    for typed in ("straße@guest.example", "strasse@guest.example", "STRAßE@guest.example"):
        assert _post(works, typed)[0] == 200
    works.work(Lane.URGENT, 3)
    keys = works.read(lambda session: sorted(session.scalars(select(Subscriber.email_key))))
    assert keys == ["strasse@guest.example", "straße@guest.example"]


@pytest.mark.parametrize("typed", ["jö\u200brg@guest.example", "jö\u202erg@guest.example", "jö\rrg@guest.example"])
def test_what_hides_in_an_address_is_refused_all_the_same(works: Works, typed: str) -> None:
    _look(works)
    assert _post(works, typed)[0] == 422


def test_the_practice_inbox_takes_no_two_mailboxes_for_one(tmp_path: Path) -> None:
    raw = f"From: a@cafe.example\r\nTo: {SENT}\r\nSubject: Hej\r\n\r\nHej\r\n".encode()
    caught_mail.write(tmp_path, raw, "a@cafe.example", [SENT])
    caught_mail.write(tmp_path, raw, "a@cafe.example", ["strasse@guest.example"])
    assert [entry.subject for entry in caught_mail.entries(tmp_path, to=SENT)] == ["Hej"]
    assert caught_mail.remove_all_of(tmp_path, "straße@guest.example") == 0
