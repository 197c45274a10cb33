"""Cases 31 and 32: an erasure meets a letter on its way, a backup from before, and the same person again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import erasure, subscriber, suppression
from listkeeper.audience.guard.mailbox import MailboxAsked
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.proof import evidence, ledger, ledger_audit
from listkeeper.audience.proof.evidence import SubjectKey
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason
from listkeeper.cli import context
from listkeeper.feedback import traces
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import journal
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes import databases
from tests.fakes.machine import Machine, machine
from tests.fakes.running_up import until
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, exports
from tests.makers.cafe import Cafe
from tests.makers.imports import PROVEN, Court
from tests.makers.own import Guest
from tests.makers.works import HER, Works, here, recipients

S = DeliveryState
# Longer than a grant lives.
STALE = 1.3


def _erase(session: Session, number: int, *, even_the_hash: bool = False) -> None:
    made = erasure.erase(
        session, number, actor="subscriber", forget_copies=traces.forgetter(Path("/nonexistent")),
        even_the_hash=even_the_hash,
    )  # fmt: skip
    assert made is not None


# Case 31


def test_case_31_erased_while_the_letter_is_on_its_way(works: Works, smtp_sink: SmtpSink) -> None:
    """The gate has said yes to a whole window; its first letter is on the line when two are erased."""
    works.gather(6)
    letter = works.start()
    smtp_sink.script("CONTENT", "250 after a long time", times=1, delay=STALE)
    sender = threading.Thread(target=works.drain)
    sender.start()
    until(lambda: len(smtp_sink.messages) == 1)
    people = [row.subscriber_id for row in works.deliveries()]
    assert [row.state for row in works.deliveries()] == [S.HANDED] * 6
    last = f"person-{len(people)}@crowd.example"
    for number in (people[0], people[-1]):
        assert number is not None
        works.write(lambda session, _house, number=number: _erase(session, number))  # type: ignore[misc]
    sender.join(60)
    rows = works.deliveries()
    assert smtp_sink.to(last) == []
    assert (rows[-1].state, rows[-1].refusal_code, rows[-1].subscriber_id) == (S.REFUSED, RefusalCode.ERASED, None)
    assert (rows[0].state, rows[0].subscriber_id) == (S.ACCEPTED, None)
    assert set(recipients(smtp_sink).values()) == {1}
    assert works.progress(letter).sent == 5
    assert works.read(lambda session: ledger_audit.check(session, here(session).organisation).faults) == []


def test_case_31_erased_while_it_waits_leaves_no_address_in_the_queue(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(3)
    works.start()

    def erase_all(session: Session, _house: Cafe) -> None:
        for number in session.scalars(select(Subscriber.id)).all():
            _erase(session, number)

    works.write(erase_all)
    works.drain()
    assert smtp_sink.messages == []
    assert {row.refusal_code for row in works.deliveries()} == {RefusalCode.ERASED}
    left = works.read(lambda session: [tuple(row) for row in session.execute(select(Delivery.__table__))])
    assert "crowd.example" not in repr(left)


@pytest.fixture(params=databases.chosen())
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A machine with two people on its list."""
    with machine(request.param, tmp_path / "here") as made:
        with made.working() as session:
            house = cafe.found(session)
            cafe.subscribe(session, house, HER)
            cafe.subscribe(session, house, "bo@guest.example")
        yield made


def test_case_31_a_backup_from_before_the_erasure(place: Machine, tmp_path: Path) -> None:
    backup = place.data / "yesterday.zip"
    assert place.type("backup", "--out", str(backup)).code == 0
    with place.working() as session:
        her = subscriber.named(session, organisation.only_one(session), HER)
        reference = her.subject_ref
        _erase(session, her.id)
    with context.opened(place.settings):
        journal.write_down()
    with machine(place.database.kind, tmp_path / "there") as there:
        there.takes_keys_of(place)
        there.takes_journal_of(place)
        said = there.type("restore", str(backup), "--accept", "--json")
        assert (said.code, said.json["erased_again"]) == (0, 1)
        with there.looking() as session:
            owner = organisation.only_one(session)
            assert list(session.scalars(select(Subscriber.email_send))) == ["bo@guest.example"]
            assert evidence.opened(session, owner.id, reference) == {}
            key = suppression.key_of(owner.id, HER)
            assert {row.reason for row in suppression.reasons(session, owner.id, key)} == {Reason.ERASURE}
            assert ledger.of_subject(session, owner.id, reference)[-1].type == "subscriber.erased"
            assert ledger_audit.check(session, owner).faults == []
        # A second time it changes nothing, and the archive of now holds nothing of her either.
        again = there.data / "now.zip"
        assert there.type("backup", "--out", str(again)).code == 0
        assert HER.encode() not in again.read_bytes()
        assert there.type("doctor", "--json").json is not None


# Case 32


@pytest.fixture
def gone(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody who was on the list, had a letter, and was erased."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    guest.get_letter()
    works.write(lambda session, _house: _erase(session, guest.person(session).id))
    works.work(Lane.URGENT, 2)
    return guest


def _held(session: Session) -> set[Reason]:
    owner = here(session).organisation.id
    return {row.reason for row in suppression.reasons(session, owner, suppression.key_of(owner, HER))}


def test_case_32_the_same_person_signs_up_again(gone: Guest, smtp_sink: SmtpSink, client: FlaskClient) -> None:
    works = gone.works
    old = works.read(lambda session: set(session.scalars(select(LedgerRow.subject))) - {""})
    old_events = works.read(lambda session: set(session.scalars(select(LedgerRow.id))))
    # The brake on her mailbox remembers by a keyed hash that it was asked today; tomorrow she may come back.
    works.write(lambda session, _house: session.execute(update(MailboxAsked).values(asked_at=_yesterday())))
    works.post(HER)
    works.work(Lane.URGENT, 2)
    # Asked, and no more than that: what keeps us from writing still stands.
    assert attack.standing(works.app, works.list_id) == {HER: "pending"}
    assert works.read(_held) == {Reason.ERASURE}
    mails = gone.mails()
    works.write(lambda session, house: cafe.subscribe(session, house, "bo@guest.example"))
    works.start("While she is asked")
    works.drain()
    assert gone.mails() == mails
    question = gone.links()["c"]
    assert client.post(question).status_code == 200
    assert works.read(_held) == set()
    assert attack.events(works.app, "suppression.lifted") == {"suppression.lifted": 1}
    works.start("After her yes")
    works.drain()
    assert "After her yes" in str(smtp_sink.to(HER)[-1].message["Subject"])
    # Nothing of now leads to what was.
    fresh = works.read(lambda session: gone.person(session).subject_ref)
    assert fresh not in old
    told = works.read(lambda session: [row.record for row in _rows(session, fresh)])
    # Her first row follows nothing, and none of hers names an event or a reference of before.
    assert '"supersedes":""' in told[0]
    assert not any(name in record for record in told for name in old | old_events)
    assert works.read(lambda session: [_opens(session, reference) for reference in old]) == [0] * len(old)
    assert works.read(lambda session: _opens(session, fresh)) > 0


def _yesterday() -> datetime:
    return clock.now() - timedelta(days=1)


def _rows(session: Session, reference: str) -> list[LedgerRow]:
    return ledger.of_subject(session, here(session).organisation.id, reference)


def _opens(session: Session, reference: str) -> int:
    key = session.get(SubjectKey, reference)
    held = evidence.opened(session, here(session).organisation.id, reference)
    assert key is None or (key.wrapped is not None) is bool(held)
    return len(held)


def test_case_32_nobody_else_brings_her_back(gone: Guest, tmp_path: Path) -> None:
    works = gone.works
    settled, mails = attack.state(works.app, "import_batch", "import_row", "ledger"), gone.mails()
    court = Court(works.app, tmp_path, works.list_id)
    row = f"{HER.upper()},active,{exports.ASKED},{exports.CONFIRMED}"
    file = exports.write(tmp_path / "again.csv", f"Email,Status,OPTIN_TIME,CONFIRM_TIME\n{row}\n")
    assert court.load(file, PROVEN).counts == {"suppressed": 1, "suppressed:erasure": 1}
    assert attack.state(works.app, "import_batch", "import_row", "ledger") == settled
    assert works.read(_held) == {Reason.ERASURE}
    assert gone.mails() == mails


def test_case_32_the_old_links_are_dead_for_the_new_person(gone: Guest, client: FlaskClient) -> None:
    """Every link of every mail from before the erasure, tried after she came back."""
    works = gone.works
    before = [
        path
        for kept in smtp_messages(gone)
        for path in _paths(kept)
        if path.split("/")[1] in {"c", "u", "p", "n", "me", "w", "a"}
    ]
    assert before
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    works.work(Lane.URGENT, 2)
    settled = attack.state(works.app)
    for path in before:
        client.post(path)
        client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert attack.state(works.app) == settled
    assert attack.standing(works.app, works.list_id) == {HER: "confirmed"}


def smtp_messages(guest: Guest) -> list[str]:
    """Return the text of every mail she ever got."""
    bodies = [kept.message.get_body(("plain",)) for kept in guest.sink.to(guest.address)]
    return [str(body.get_content()) for body in bodies if body is not None]


def _paths(words: str) -> list[str]:
    start = "http://localhost:8025"
    return [word.removeprefix(start).rstrip(").>,") for word in words.split() if word.startswith(start)]
