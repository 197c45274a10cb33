"""Each mail with a return path of its own, over real SMTP and on both databases; without the setting, none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import dkim as dkimpy
import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.deliverability import dkim_key, second_key, sending_domain
from listkeeper.deliverability.dkim_key import DkimKey, KeyState
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import way_testing
from listkeeper.rendering import mime_slots
from listkeeper.sending import composing, house, planning, return_path
from listkeeper.sending.counted_copy import CountedCopy
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.letter_copy import Copy
from listkeeper.sending.prepared import Prepared
from listkeeper.sending.return_path import Token
from listkeeper.settings import Settings
from tests.fakes.smtp_sink import Received, SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.works import SITE, Works

_DOMAIN, _MAILBOX = "bounce.cafe.example", "bounces@cafe.example"
_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def coming_back(works: Works) -> Callable[[str | None], Settings]:
    """Set where what cannot be delivered comes back to."""

    def to(pattern: str | None) -> Settings:
        known: Settings = works.app.config["LISTKEEPER"].model_copy(update={"return_path": pattern})
        works.app.config["LISTKEEPER"] = known
        parts.open_all(known)
        return known

    return to


def _sign(session: Session, made: Cafe) -> None:
    """Let the café sign with both of its keys, as if the DNS had shown them."""
    domain = sending_domain.add(session, made.organisation.id, "cafe.example")
    second_key.add(session, domain)
    for key in session.scalars(select(DkimKey)):
        dkim_key.move(key, KeyState.SIGNING)
    domain.signing = True


def _published(works: Works) -> dict[str, bytes]:
    keys = works.read(lambda session: [(key.selector, key.record) for key in session.scalars(select(DkimKey))])
    return {f"{selector}._domainkey.cafe.example.": record.encode() for selector, record in keys}


def _by_name(works: Works, sink: SmtpSink) -> dict[int, Received]:
    """Return what arrived by the number of its delivery, as its Message-ID has it."""
    numbers = {row.message_id: row.id for row in works.deliveries()}
    return {numbers[str(kept.message["Message-ID"])]: kept for kept in sink.messages}


@pytest.mark.parametrize("pattern", [_DOMAIN, _MAILBOX])
def test_every_letter_comes_back_to_its_own_address_and_can_be_left_by_mail(
    works: Works, smtp_sink: SmtpSink, coming_back: Callable[[str], Settings], pattern: str
) -> None:
    coming_back(pattern)
    works.write(_sign)
    works.gather(40)
    works.start()
    works.drain()
    arrived = _by_name(works, smtp_sink)
    assert len(arrived) == 40 == len({kept.mail_from for kept in arrived.values()})
    published = _published(works)
    for number, kept in arrived.items():
        assert kept.mail_from == return_path.of_delivery(pattern, number)
        assert return_path.delivery_of(kept.mail_from) == Token("bounce", number)
        header = str(kept.message["List-Unsubscribe"])
        found = re.fullmatch(r"<(http[^>]+)>, <mailto:([^?>]+)\?subject=unsubscribe>", header)
        assert found is not None, header
        assert found[1].startswith(f"{SITE}/u/")
        assert return_path.delivery_of(found[2]) == Token("unsubscribe", number)
        assert kept.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    signed = next(iter(arrived.values())).content
    for each in range(2):
        assert dkimpy.DKIM(signed).verify(each, dnsfunc=lambda asked, **_: published[asked.decode()])
        # The address to leave at by mail is under the signature.
        forged = dkimpy.DKIM(signed.replace(b"<mailto:", b"<mailto:x"))
        assert not forged.verify(each, dnsfunc=lambda asked, **_: published[asked.decode()])


def test_mails_that_are_no_letters_have_one_too(
    works: Works, smtp_sink: SmtpSink, coming_back: Callable[[str], Settings]
) -> None:
    known = coming_back(_DOMAIN)
    works.post()
    works.work(Lane.URGENT)

    def test(session: Session, made: Cafe) -> None:
        letter = cafe.draft(session, made)
        planning.mail_test(session, made.organisation, letter, "owner@cafe.example", site=SITE, per_hour=20)

    works.write(test)
    works.work(Lane.URGENT)
    with works.app.app_context():
        way_testing.test(known.sending_ways[0], "owner@cafe.example")
    arrived = _by_name(works, smtp_sink)
    assert sorted(arrived) == [row.id for row in works.deliveries()]
    assert len(arrived) == 3
    for number, kept in arrived.items():
        assert kept.mail_from == return_path.of_delivery(_DOMAIN, number)
    # Only letters can be left.
    assert [str(kept.message["List-Unsubscribe"] or "").count("mailto:u+") for kept in arrived.values()] == [0, 1, 0]


def test_without_the_setting_the_sender_is_in_the_envelope_and_no_mail_is_asked_for(
    works: Works, smtp_sink: SmtpSink
) -> None:
    works.post()
    works.work(Lane.URGENT)
    works.gather(3)
    works.start()
    works.drain()
    assert {kept.mail_from for kept in smtp_sink.messages} == {"hello@cafe.example"}
    assert len(smtp_sink.messages) == 4
    assert not any("mailto" in str(kept.message["List-Unsubscribe"] or "") for kept in smtp_sink.messages)


@pytest.mark.parametrize("pattern", [None, _DOMAIN, _MAILBOX])
def test_a_copy_written_quickly_is_the_message_byte_for_byte(works: Works, pattern: str | None) -> None:
    works.write(_sign)
    works.gather(3)
    works.start()
    copies: dict[int, Copy] = {}
    prepared = Copy.prepared

    def beside(self: Copy, counted: CountedCopy | None = None) -> Prepared:
        copies[self._number] = self
        return prepared(self, counted)

    with works.app.app_context(), store.reading() as session, time_machine.travel(_NOON, tick=False):
        rows = {row.id: row for row in session.scalars(select(Delivery))}
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Copy, "prepared", beside)
            quick = composing.letters(session, sorted(rows), SITE, pattern)
        assert len(quick) == len(copies) == 3
        for number, (_, message) in quick.items():
            assert isinstance(message, Prepared)
            written, slow = message.compose("ida@guest.example"), _slowly(copies[number], message, "ida@guest.example")
            assert written == slow
            assert (b"mailto:" in written.partition(b"\r\n\r\n")[0]) is (pattern is not None)
            usual = _usually(rows[number], copies[number])
            assert message.mail_from == usual.mail_from
            assert message.mail_from == (
                "hello@cafe.example" if pattern is None else return_path.of_delivery(pattern, number)
            )


def _slowly(copy: Copy, message: Prepared, recipient: str) -> bytes:
    """Write it as one message is written, with the headers of one that is no copy."""
    edition, headers = copy._edition, copy.filled(recipient)[1]  # noqa: SLF001 - both ways start from it
    return mime_slots.whole(
        edition.compiled,
        copy.reader(recipient),
        sender=edition.ours.sender,
        headers=headers,
        recipient=recipient,
        message_id=message.message_id,
        date=clock.now(),
        keys=edition.keys,
    )


def _usually(row: Delivery, copy: Copy) -> Prepared:
    """Prepare it as letters with a receipt are prepared."""
    edition = copy._edition  # noqa: SLF001 - both ways start from it
    return house.prepared(row, edition.ours, edition.compiled.sha256, edition.purpose, copy.filled)
