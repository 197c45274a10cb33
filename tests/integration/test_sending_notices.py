"""The mails about a subscription itself, as they reach a mail server: the question and its copy, receipt, link."""

from __future__ import annotations

import base64
from datetime import timedelta
from email.message import EmailMessage

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.audience import access_link, address_change, answering, asking, confirmation, erasure
from listkeeper.audience.answering import Answer
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.mail_template import MailTemplate
from listkeeper.audience.proof import evidence
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.feedback import traces
from listkeeper.foundation import keys
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping
from listkeeper.standards import signed_note
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.cafe import Cafe
from tests.makers.works import HER, Works, make_due

NEW = "freja.new@guest.example"


def _confirm(works: Works) -> None:
    def act(session: Session, _house: Cafe) -> None:
        asked = session.scalars(select(Confirmation)).one()
        assert answering.confirm(session, confirmation.token_of(asked)).answer is Answer.CONFIRMED

    works.write(act)


def _rows(session: Session) -> list[str]:
    return [row.type for row in session.scalars(select(LedgerRow).order_by(LedgerRow.seq)) if row.subject]


def _mails(sink: SmtpSink) -> list[EmailMessage]:
    return [kept.message for kept in sink.messages]


def test_the_mail_that_asked_is_kept_whole_as_proof(works: Works, smtp_sink: SmtpSink) -> None:
    works.post()
    works.work(Lane.URGENT, 2)

    def look(session: Session) -> tuple[list[str], list[evidence.Opened], str, str]:
        person = session.scalars(select(Subscriber)).one()
        kept = evidence.opened(session, person.organisation_id, person.subject_ref)
        taken = session.scalars(select(LedgerRow).where(LedgerRow.type == EventType.DOI_ACCEPTED.value)).one()
        return _rows(session), [kept[taken.id]], taken.record, session.scalars(select(MailTemplate)).one().sha256

    types, opened, record, template = works.read(look)
    assert types == ["consent.requested", "doi.handed", "doi.accepted"]
    raw = base64.b64decode(str(opened[0].content["mail"]))
    assert raw.replace(b"\r\n", b"\n") == smtp_sink.messages[0].content.replace(b"\r\n", b"\n")
    assert str(opened[0].content["reply"]).startswith("250")
    assert template in record
    assert HER not in record


def test_who_does_not_answer_is_asked_once_more_in_the_same_thread(
    works: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    works.post()
    works.work(Lane.URGENT, 2)
    for hours in (23, 2, 30, 30):
        frozen_clock.shift(timedelta(hours=hours))
        with works.app.app_context():
            housekeeping.look_at_clocks()
        works.work(Lane.URGENT, 2)
    first, again = _mails(smtp_sink)
    assert again["References"] == again["In-Reply-To"] == first["Message-ID"]
    assert again["Message-ID"] != first["Message-ID"]
    assert again.get_body(("plain",)).get_content() == first.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "doi.reminded" in works.read(_rows)


def test_a_reminder_counts_for_the_brakes(works: Works, frozen_clock: time_machine.Traveller) -> None:
    works.post()
    works.work(Lane.URGENT, 2)
    frozen_clock.shift(timedelta(hours=25))
    with works.app.app_context(), store.transaction() as session:
        assert asking.remind_due(session, parts.limits()) == 1
    # The reminder was the mail of this day: whoever types the address again gets none.
    works.post()
    works.work(Lane.URGENT, 2)
    assert works.read(lambda session: len(session.scalars(select(Confirmation)).all())) == 1


def test_the_receipt_travels_as_a_file_that_anybody_can_check(
    works: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    works.post()
    works.work(Lane.URGENT, 2)
    _confirm(works)
    works.work(Lane.URGENT)
    assert len(smtp_sink.messages) == 1
    frozen_clock.shift(timedelta(minutes=2))
    works.work(Lane.URGENT, 2)
    receipt = _mails(smtp_sink)[1]
    attached = next(receipt.iter_attachments())
    file = str(attached.get_content()).replace("\r\n", "\n")
    signed = file[: file.index("\n", file.index("\u2014")) + 1]
    with works.app.app_context(), store.reading() as session:
        owner = organisation.only_one(session)
        public = keys.ledger(owner.public_id)[0].public_key()
        given = session.scalars(select(LedgerRow).where(LedgerRow.type == EventType.GIVEN.value)).one()
        said = signed_note.verify(signed, f"listkeeper/{owner.public_id}", public).split("\n")
        assert said[:4] == ["listkeeper/receipt/v1", owner.public_id, given.id, str(given.seq)]
        assert said[4] == base64.b64encode(bytes.fromhex(given.hash)).decode()
    assert attached.get_filename() == "receipt.txt"
    assert receipt["List-Unsubscribe"] is None


def test_a_fresh_link_goes_to_the_address_on_record_and_no_further_than_three_a_day(
    works: Works, smtp_sink: SmtpSink
) -> None:
    works.gather(1)

    def ask(session: Session, _house: Cafe) -> None:
        access_link.ask(session, session.scalars(select(Subscriber)).one())

    for _ in range(5):
        works.write(ask)
    works.work(Lane.URGENT, 2)
    assert [kept.rcpt_tos for kept in smtp_sink.messages] == [("person-1@crowd.example",)] * 3
    assert "/me/" in smtp_sink.messages[0].content.decode()


def test_a_new_address_is_asked_and_the_old_one_told(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(1)

    def ask(session: Session, _house: Cafe) -> None:
        address_change.ask(session, session.scalars(select(Subscriber)).one(), NEW)

    def confirm(session: Session, _house: Cafe) -> None:
        change = session.scalars(select(address_change.AddressChange)).one()
        outcome = address_change.confirm(session, address_change.token_of(change)).outcome
        assert outcome is address_change.ChangeOutcome.CHANGED

    works.write(ask)
    works.work(Lane.URGENT, 2)
    works.write(confirm)
    works.work(Lane.URGENT, 2)
    assert [kept.rcpt_tos for kept in smtp_sink.messages] == [(NEW,), ("person-1@crowd.example",)]
    bodies = [kept.content.decode() for kept in smtp_sink.messages]
    assert "person-1" not in bodies[0].partition("\r\n\r\n")[2]
    assert NEW not in bodies[1]


@pytest.mark.parametrize("change", ["left", "erased"])
def test_nothing_is_mailed_about_a_subscription_that_has_ended(
    works: Works, smtp_sink: SmtpSink, change: str, frozen_clock: time_machine.Traveller
) -> None:
    works.post()
    works.work(Lane.URGENT, 2)
    _confirm(works)
    works.work(Lane.URGENT)
    if change == "left":
        works.leave(works.read(lambda session: session.scalars(select(Subscriber.id)).one()))
    else:
        works.write(_erase)
    frozen_clock.shift(timedelta(minutes=2))
    works.write(make_due)
    works.work(Lane.URGENT, 2)
    assert len(smtp_sink.messages) == 1


def _erase(session: Session, _house: Cafe) -> None:
    person = session.scalars(select(Subscriber)).one()
    erasure.erase(session, person.id, actor="subscriber", forget_copies=traces.forgetter(parts.practice_folder()))
