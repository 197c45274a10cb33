"""The stand-ins themselves: what a test believes must be true."""

from __future__ import annotations

import smtplib
import socket

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import subscription
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.settings import Settings
from tests.fakes import smtp_sink as sinks
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, crowd

MESSAGE = b"Subject: Buns\r\n\r\nWarm.\r\n.\r\n"


def _hand_over(sink: SmtpSink, to: str) -> None:
    with smtplib.SMTP(sink.host, sink.port, timeout=5) as client:
        client.sendmail("b@cafe.example", [to], MESSAGE)


def test_the_sink_keeps_bytes_as_they_were_meant(smtp_sink: SmtpSink) -> None:
    _hand_over(smtp_sink, "anna@example.example")
    (kept,) = smtp_sink.messages
    assert (kept.mail_from, kept.rcpt_tos, kept.content) == ("b@cafe.example", ("anna@example.example",), MESSAGE)
    assert kept.message["Subject"] == "Buns"
    assert smtp_sink.to("anna@example.example") == [kept]


def test_the_sink_answers_as_scripted(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("RCPT", "550 5.1.1 nobody here", to="gone@", times=1)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        _hand_over(smtp_sink, "gone@example.example")
    _hand_over(smtp_sink, "gone@example.example")
    smtp_sink.script("CONTENT", "451 4.7.1 later")
    with pytest.raises(smtplib.SMTPDataError, match="later"):
        _hand_over(smtp_sink, "anna@example.example")
    assert (len(smtp_sink.messages), len(smtp_sink.refused)) == (1, 1)


def test_a_dropped_answer_is_no_answer(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("CONTENT", sinks.DROP)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        _hand_over(smtp_sink, "anna@example.example")
    assert (smtp_sink.messages, len(smtp_sink.unanswered)) == ([], 1)


def test_the_sink_can_refuse_at_the_door(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("BANNER", "554 go away", times=1)
    with pytest.raises(smtplib.SMTPConnectError, match="go away"):
        _hand_over(smtp_sink, "anna@example.example")


def test_settings_name_the_parts_a_test_asks_for(settings: Settings, smtp_sink: SmtpSink, queue: QueueServer) -> None:
    assert (settings.smtp_url, settings.redis_url) == (smtp_sink.url, queue.url)
    assert queue.client.ping()


def test_no_test_reaches_another_machine() -> None:
    with pytest.warns(UserWarning, match="A test tried"), pytest.raises(RuntimeError, match="allowed"):
        socket.create_connection(("192.0.2.1", 80), 0.1)


def test_both_databases_are_migrated_and_strict(session: Session, database: Database) -> None:
    assert session.get_bind().dialect.name == database.kind
    assert session.scalar(text("SELECT version_num FROM alembic_version"))
    with pytest.raises(IntegrityError):
        session.execute(insert(AuditEntry).values(organisation_id=9, actor="a", action="b.c", subject="d"))


def test_a_crowd_may_be_mailed(session: Session) -> None:
    made = cafe.found(session)
    crowd.gather(session, made, 12)
    assert subscription.counts(session, made.mailing_list)[SubscriptionState.CONFIRMED] == 12
    assert len(session.scalars(subscription.mailable(made.mailing_list, practice=False)).all()) == 12
