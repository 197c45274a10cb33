"""The listener on real sockets and both databases: what it takes is kept before it says so, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.feedback import inbound
from listkeeper.feedback.inbound import Arrived, Inbound
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Fact
from listkeeper.mailroom import intake
from listkeeper.mailroom.dialogue import Dialogue
from listkeeper.mailroom.listener import Limits, network_of
from listkeeper.sending import return_path
from tests.fakes import own_listener
from tests.fakes.databases import Database
from tests.fakes.own_listener import Listening, Stranger

DOMAIN = "bounce.cafe.example"
BOUNCE = b"From: mailer@relay.example\r\nSubject: Undelivered\r\n\r\n.It is not there\r\nbare\nlf \xff\x00"


@pytest.fixture
def listening(app: Flask, database: Database, house: None, data_folder: Path) -> Iterator[Listening]:
    with own_listener.running(app.app_context, data_folder) as running:
        yield running


@pytest.fixture
def stranger(listening: Listening) -> Iterator[Stranger]:
    line = Stranger(listening.smtp)
    assert line.ask(b"EHLO relay.example").startswith("250")
    yield line
    line.close()


def _kept() -> list[Arrived]:
    with store.reading() as session:
        rows = session.scalars(select(Inbound.id).order_by(Inbound.id))
        return [found for number in rows if (found := inbound.opened(session, number)) is not None]


def _token(number: int = 7) -> str:
    return return_path.of_delivery(DOMAIN, number)


def test_a_bounce_is_kept_whole_with_its_envelope_before_it_is_answered(stranger: Stranger) -> None:
    assert stranger.bring(BOUNCE, _token()) == "250 2.0.0 Taken"
    [mail] = _kept()
    assert mail.content == BOUNCE + b"\r\n"
    assert (mail.way, mail.envelope_from, mail.envelope_to) == ("smtp", "", (_token(),))
    with store.reading() as session:
        assert session.scalars(select(Fact.name).where(Fact.name == inbound.CAME_IN)).all() == [inbound.CAME_IN]


def test_a_mail_that_comes_twice_is_kept_once(listening: Listening, stranger: Stranger) -> None:
    for _ in range(2):
        assert stranger.bring(BOUNCE, _token()).startswith("250")
    again = Stranger(listening.lmtp)
    again.ask(b"LHLO own.example")
    assert again.bring(BOUNCE, _token()).startswith("250")
    again.close()
    assert len(_kept()) == 1


def test_only_what_is_ours_is_taken(stranger: Stranger) -> None:
    forged = return_path.of_delivery(DOMAIN, 8).replace("b+8", "b+7")
    wrong = f"b+2n9c.{'a' * 16}@{DOMAIN}"
    stranger.ask(b"MAIL FROM:<anna@elsewhere.example>")
    said = {
        name: stranger.ask(f"RCPT TO:<{name}>".encode())[:9]
        for name in (
            wrong, forged, "anna@elsewhere.example", f"anna@{DOMAIN}", "hello@cafe.example", f"a%b.example@{DOMAIN}",
            _token(), return_path.leaving(DOMAIN, 9), f"DMARC@{DOMAIN.upper()}", f"tls@{DOMAIN}", f"reports@{DOMAIN}",
            "postmaster", f"Postmaster@{DOMAIN}",
        )
    }  # fmt: skip
    assert list(said.values()) == ["550 5.1.1"] * 6 + ["250 2.1.5"] * 7, said
    assert _kept() == []


def test_the_address_of_letters_is_ours_where_its_domain_leads_here(app: Flask, house: None, tmp_path: Path) -> None:
    with own_listener.running(app.app_context, tmp_path, return_path="bounces@cafe.example") as running:
        line = Stranger(running.smtp)
        line.ask(b"EHLO relay.example")
        line.ask(b"MAIL FROM:<anna@elsewhere.example>")
        names = ("Hello@Cafe.example", return_path.of_delivery("bounces@cafe.example", 3), "bounces@cafe.example")
        assert [line.ask(f"RCPT TO:<{name}>".encode())[:3] for name in names] == ["250", "250", "550"]
        line.close()


def test_before_the_first_run_nothing_is_taken_and_everything_comes_again(app: Flask, tmp_path: Path) -> None:
    with own_listener.running(app.app_context, tmp_path) as running:
        line = Stranger(running.smtp)
        line.ask(b"EHLO relay.example")
        line.ask(b"MAIL FROM:<>")
        assert line.ask(f"RCPT TO:<dmarc@{DOMAIN}>".encode()).startswith("451 4.3.0")
        line.close()


def test_a_database_that_is_away_is_no_loss(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise TryAgain("database_unavailable", f"secret of {_token()}")

    monkeypatch.setattr(intake, "keep", away)
    assert stranger.bring(BOUNCE, _token()) == "451 4.3.0 It cannot be taken just now; try again later"
    monkeypatch.undo()
    assert stranger.bring(BOUNCE, _token()).startswith("250")
    assert len(_kept()) == 1


@pytest.mark.only_on("sqlite")  # the other database is not laid anew for the next test
def test_a_table_that_is_gone_is_told_to_nobody(stranger: Stranger, app: Flask) -> None:
    with store.transaction() as session:
        Inbound.__table__.drop(session.connection())  # type: ignore[attr-defined]
    assert stranger.bring(BOUNCE, _token()) == "451 4.3.0 It cannot be taken just now; try again later"


def test_a_fault_of_ours_tells_nothing_and_harms_nobody_else(
    listening: Listening, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_dialogue: Dialogue, _said: bytes) -> bytes:
        raise RuntimeError("the secret")

    other = Stranger(listening.smtp)
    monkeypatch.setattr(Dialogue, "hear", breaks)
    assert other.ask(b"EHLO x") == "421 4.3.0 Something is wrong here; try again later"
    assert other.hear() == ""
    monkeypatch.undo()
    other.close()
    assert stranger.bring(BOUNCE, _token()).startswith("250")


def test_by_lmtp_every_recipient_is_answered(listening: Listening) -> None:
    line = Stranger(listening.lmtp)
    said = [line.ask(words.encode())[:3] for words in ("LHLO own.example", "MAIL FROM:<>")]
    said += [line.ask(f"RCPT TO:<{name}>".encode())[:3] for name in (_token(1), f"x@{DOMAIN}", f"dmarc@{DOMAIN}")]
    said += [
        line.ask(b"DATA")[:3],
        line.ask(BOUNCE + b"\r\n.")[:3],
        line.hear()[:3],
        line.ask(b"QUIT")[:3],
        line.hear(),
    ]
    line.close()
    assert said == ["250", "250", "250", "550", "250", "354", "250", "250", "221", ""]
    [mail] = _kept()
    assert (mail.way, mail.envelope_to) == ("lmtp", (_token(1), f"dmarc@{DOMAIN}"))


def test_many_at_once_are_all_kept(listening: Listening) -> None:
    answers: list[str] = []

    def bring(number: int) -> None:
        line = Stranger(listening.smtp)
        line.ask(b"EHLO relay.example")
        answers.extend(line.bring(b"Subject: %d-%d\r\n\r\n" % (number, one), _token(one)) for one in range(10))
        line.close()

    threads = [threading.Thread(target=bring, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer[:3] for answer in answers] == ["250"] * 80
    assert len({mail.content for mail in _kept()}) == 80


def test_who_proves_nothing_may_bring_little(listening: Listening, stranger: Stranger) -> None:
    listening.listener.allowance.mails_of_one_network = 2
    said = [stranger.bring(b"Subject: %d\r\n\r\n" % number, f"dmarc@{DOMAIN}")[:3] for number in range(3)]
    assert said == ["250", "250", "451"]
    # What we made comes back in any number.
    assert stranger.bring(BOUNCE, f"dmarc@{DOMAIN}", _token()).startswith("250")
    assert len(_kept()) == 3


def test_who_has_said_all_and_shuts_its_side_still_hears_the_answer(listening: Listening) -> None:
    line = Stranger(listening.smtp)
    line.say(f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{_token()}>\r\nDATA\r\n".encode() + BOUNCE + b"\r\n.\r\n")
    line.line.shutdown(1)
    assert [line.hear()[:3] for _ in range(6)] == ["250", "250", "250", "354", "250", ""]
    line.close()
    assert len(_kept()) == 1


def test_a_mail_that_is_cut_off_is_no_mail(listening: Listening) -> None:
    line = Stranger(listening.smtp)
    line.say(f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{_token()}>\r\nDATA\r\n".encode() + BOUNCE + b"\r\n.\r")
    assert [line.hear()[:3] for _ in range(4)] == ["250", "250", "250", "354"]
    line.close()
    _until(lambda: not listening.listener.lines)
    assert _kept() == []
    assert listening.listener.room.held == 0


def test_connections_are_bounded_in_all_and_of_one_network(app: Flask, house: None, tmp_path: Path) -> None:
    limits = Limits(connections=4, of_one_network=2)
    with own_listener.running(app.app_context, tmp_path, limits=limits) as running:
        first, second = Stranger(running.smtp), Stranger(running.smtp)
        third = Stranger(running.smtp, greeted=False)
        assert third.hear() == "421 4.3.2 Too many connections; try again later"
        assert third.hear() == ""
        # One's own mail server comes from one network with all it brings.
        own = [Stranger(running.lmtp) for _ in range(2)]
        fifth = Stranger(running.lmtp, greeted=False)
        assert fifth.hear().startswith("421 4.3.2")
        first.close()
        _until(lambda: len(running.listener.lines) == 3)
        for line in (second, third, fifth, *own, Stranger(running.smtp)):
            line.close()
        _until(lambda: not running.listener.lines)
        assert not running.listener.networks


@pytest.mark.parametrize("limits", [Limits(idle_seconds=0.3), Limits(total_seconds=0.3, idle_seconds=2)])
def test_who_is_silent_or_takes_for_ever_is_parted_with(
    app: Flask, house: None, tmp_path: Path, limits: Limits
) -> None:
    with own_listener.running(app.app_context, tmp_path, limits=limits) as running:
        line = Stranger(running.smtp)
        until = time.monotonic() + 20
        said = line.ask(b"EHLO x")
        while limits.idle_seconds > 1 and said.startswith("250") and time.monotonic() < until:
            said = line.ask(b"NOOP")
        if said.startswith("250"):
            said = line.hear()
        assert said == "421 4.4.2 This takes too long"
        _until(lambda: not running.listener.lines)
        line.close()


def test_who_does_not_read_is_not_read_to_for_ever(app: Flask, house: None, tmp_path: Path) -> None:
    """Commands without end, whose answers nobody takes: we stop hearing before they fill our memory."""
    with own_listener.running(app.app_context, tmp_path, limits=Limits(idle_seconds=2)) as running:
        line = Stranger(running.smtp)
        line.line.settimeout(1)
        with pytest.raises(OSError, match=r"timed out|reset|Broken pipe"):
            line.say(b"HELP\r\n" * 20_000_000)
        _until(lambda: not running.listener.lines)
        line.close()


def test_a_network_is_an_address_or_its_64() -> None:
    assert network_of(("192.0.2.7", 5)) == "192.0.2.7"
    assert network_of(("::ffff:192.0.2.7", 5, 0, 0)) == "192.0.2.7"
    assert network_of(("2001:db8:1:2:3::4%eth0", 5, 0, 0)) == "2001:db8:1:2::/64"
    assert network_of(None) == ""


def _until(true: object, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    assert callable(true)
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
