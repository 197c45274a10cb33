"""What must outlive a restored backup reaches the journal first and is marked after that; replaying it heals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience import answering, confirmation, consent, erasure, subscription, suppression, unsubscribe
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.erasure import Erasure
from listkeeper.audience.proof import checkpoint, journal, journal_replay, ledger
from listkeeper.audience.proof.journal_replay import Replayed
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock, journal_file, key_mark
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe
from tests.makers.cafe import Cafe

S = SubscriptionState
_KEY = "ab" * 32


def _nothing(_session: Session, _person: Subscriber) -> None:
    """No other chapter holds anything of her in these tests."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def _suppress(session: Session, house: Cafe, person: Subscriber, scope: str, reason: Reason) -> None:
    suppression.add(session, house.organisation.id, person.suppression_key, scope=scope, reason=reason)


def _replay(session: Session, folder: Path) -> Replayed:
    session.expire_all()
    return journal_replay.replay(session, folder, _nothing)


def _kinds(folder: Path) -> list[object]:
    return [line["kind"] for line in journal_file.read(folder)]


def test_all_that_matters_is_written_down_once(session: Session, house: Cafe, folder: Path) -> None:
    assert journal.write_down(session, folder) == 0
    assert journal_file.identity(folder) is None
    anna = cafe.subscribe(session, house, "anna@guest.example")
    bo = cafe.subscribe(session, house, "bo@guest.example")
    unsubscribe.leave(session, anna.id, house.mailing_list.id, Method.PAGE)
    gone = erasure.erase(session, bo.id, actor="subscriber", forget_copies=_nothing)
    assert gone is not None
    signed = checkpoint.make(session, house.organisation)
    assert not erasure.is_done(session, gone.id)
    assert journal.write_down(session, folder) == 5
    assert erasure.is_done(session, gone.id)
    assert (journal.write_down(session, folder), journal.is_waiting(session)) == (0, False)
    _, erased, left, never, check, head = journal_file.read(folder)
    owner, end = house.organisation.public_id, ledger.head(session, house.organisation.id)
    assert end is not None
    assert erased == {
        "kind": "erased",
        "org": owner,
        "subject": gone.subject_ref,
        "seq": gone.ledger_seq,
        "at": clock.in_milliseconds(gone.at),
    }
    assert (left["key"], left["reason"], left["until"]) == (anna.suppression_key, "unsub", 0)
    assert (left["scope"], never["scope"]) == (suppression.list_scope(house.mailing_list.id), "all")
    assert never["reason"] == "erasure"
    assert (check["size"], check["root"], check["note"]) == (signed.size, signed.root, signed.note)
    assert (head["size"], head["hash"]) == (end.seq, end.hash)
    text = journal_file.path_in(folder).read_text()
    assert "guest.example" not in text
    assert "anna" not in text


def test_more_than_fits_at_once_is_written_in_pieces(session: Session, house: Cafe, folder: Path) -> None:
    person = cafe.subscribe(session, house, "anna@guest.example")
    for number in range(5):
        _suppress(session, house, person, f"list:{number + 100}", Reason.MANUAL)
    assert [journal.write_down(session, folder, limit=2) for _ in range(4)] == [3, 3, 2, 0]
    scopes = [line["scope"] for line in journal_file.read(folder, having='"scope"')]
    assert scopes == [f"list:{number + 100}" for number in range(5)]


def test_a_crash_between_disk_and_mark_leaves_a_line_twice_and_nothing_else(
    engine: Engine, session: Session, house: Cafe, folder: Path
) -> None:
    person = cafe.subscribe(session, house, "anna@guest.example")
    _suppress(session, house, person, "all", Reason.OBJECTION)
    session.commit()
    journal.write_down(session, folder)
    session.rollback()
    journal.write_down(session, folder)
    session.commit()
    assert _kinds(folder).count("suppressed") == 2
    session.execute(delete(Suppression))
    assert _replay(session, folder).suppressed == 1
    assert session.scalar(select(func.count()).select_from(Suppression)) == 1


def test_only_the_machine_that_keeps_the_journal_writes_it(
    session: Session, house: Cafe, folder: Path, tmp_path: Path
) -> None:
    person = cafe.subscribe(session, house, "anna@guest.example")
    _suppress(session, house, person, "all", Reason.OBJECTION)
    assert journal.write_down(session, folder) == 2
    _suppress(session, house, person, "all", Reason.COMPLAINT)
    journal_file.begin(tmp_path / "foreign")
    for elsewhere in (tmp_path / "elsewhere", tmp_path / "foreign"):
        assert journal.write_down(session, elsewhere) == 0
    assert not (tmp_path / "elsewhere").exists()
    assert journal.is_waiting(session)
    journal.adopt(session, tmp_path / "elsewhere")
    assert key_mark.keep(session).journal == journal_file.identity(tmp_path / "elsewhere")
    assert journal.write_down(session, tmp_path / "elsewhere") == 3
    assert journal.write_down(session, folder) == 0
    assert _kinds(tmp_path / "elsewhere") == ["journal", "suppressed", "suppressed", "head"]


@pytest.mark.parametrize(
    ("scope", "reason", "becomes"),
    [
        ("all", Reason.OBJECTION, S.UNSUBSCRIBED),
        ("marketing", Reason.COMPLAINT, S.COMPLAINED),
        ("purpose:newsletter", Reason.LEGAL, S.UNSUBSCRIBED),
        ("list", Reason.UNSUBSCRIBED, S.UNSUBSCRIBED),
        ("all", Reason.HARD_BOUNCE, S.BOUNCED),
        ("purpose:parties", Reason.UNSUBSCRIBED, S.CONFIRMED),
        ("list:999", Reason.UNSUBSCRIBED, S.CONFIRMED),
        ("doi", Reason.NOT_ME, S.CONFIRMED),
    ],
)
def test_a_forgotten_leave_is_left_again(  # noqa: PLR0917 - fixtures and cases
    session: Session, house: Cafe, folder: Path, scope: str, reason: Reason, becomes: SubscriptionState
) -> None:
    person = cafe.subscribe(session, house, "anna@guest.example")
    if scope == "list":
        scope = suppression.list_scope(house.mailing_list.id)
    _suppress(session, house, person, scope, reason)
    at = session.scalars(select(Suppression)).one().created_at
    journal.write_down(session, folder)
    # Yesterday's backup knows of no suppression; its subscription is alive.
    session.execute(delete(Suppression))
    size = ledger.size(session, house.organisation.id)
    replayed = _replay(session, folder)
    ended = int(becomes is not S.CONFIRMED)
    assert replayed == Replayed(erased=0, suppressed=1, unsubscribed=ended)
    row = session.scalars(select(Suppression)).one()
    assert (row.key, row.scope, row.reason, row.journaled) == (person.suppression_key, scope, reason, True)
    assert clock.in_milliseconds(row.created_at) == clock.in_milliseconds(at)
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    assert current.state is becomes
    events = session.scalars(select(LedgerRow.type).where(LedgerRow.seq > size).order_by(LedgerRow.seq)).all()
    assert events[0] == "suppression.added"
    proven = session.scalars(select(ConsentEvent).where(ConsentEvent.method == Method.JOURNAL)).all()
    assert len(events) == 1 + len(proven)
    assert len(proven) == (ended if reason is not Reason.HARD_BOUNCE else 0)
    assert _replay(session, folder) == Replayed()


def test_what_she_lifted_herself_stays_lifted(session: Session, house: Cafe, folder: Path) -> None:
    person = cafe.subscribe(session, house, "anna@guest.example")
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)
    journal.write_down(session, folder)
    again = cafe.sign_up(session, house, "anna@guest.example")
    answering.confirm(session, confirmation.token_of(again))
    assert _replay(session, folder) == Replayed()
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    assert current.state is S.CONFIRMED


def test_a_suppression_whose_time_is_over_ends_nothing(session: Session, house: Cafe, folder: Path) -> None:
    person = cafe.subscribe(session, house, "anna@guest.example")
    until = clock.now() - timedelta(days=1)
    journal_file.begin(folder)
    line: dict[str, str | int] = {
        "kind": "suppressed",
        "org": house.organisation.public_id,
        "key": person.suppression_key,
        "scope": "all",
    }
    at = clock.in_milliseconds(until - timedelta(days=9))
    journal_file.append(folder, [line | {"reason": "manual", "until": clock.in_milliseconds(until), "at": at}])
    assert _replay(session, folder) == Replayed(erased=0, suppressed=1, unsubscribed=0)


def test_an_erased_person_is_erased_again(session: Session, house: Cafe, folder: Path) -> None:
    person = cafe.subscribe(session, house, "anna@guest.example")
    stays = cafe.subscribe(session, house, "bo@guest.example")
    reference, key = person.subject_ref, person.suppression_key
    journal_file.begin(folder)
    owner = house.organisation.public_id
    erased: dict[str, str | int] = {"kind": "erased", "org": owner, "subject": reference, "seq": 9, "at": 1}
    journal_file.append(folder, [erased, erased, erased | {"org": "org_somebody_else", "subject": stays.subject_ref}])
    forgotten: list[str] = []
    replayed = journal_replay.replay(session, folder, lambda _session, row: forgotten.append(row.subject_ref))
    assert replayed.erased == 1
    assert set(forgotten) == {reference}
    assert [row.email_send for row in session.scalars(select(Subscriber))] == ["bo@guest.example"]
    assert [row.scope for row in suppression.reasons(session, house.organisation.id, key)] == ["all"]
    assert session.scalars(select(Erasure.subject_ref)).all() == [reference]
    assert [row.type for row in ledger.of_subject(session, house.organisation.id, reference)][-1] == "subscriber.erased"
    assert consent.history(session, stays)


def test_who_wants_to_be_forgotten_altogether_is_forgotten_by_the_journal_too(
    session: Session, house: Cafe, folder: Path
) -> None:
    person = cafe.subscribe(session, house, "anna@guest.example")
    stays = cafe.subscribe(session, house, "bo@guest.example")
    key, reference = person.suppression_key, person.subject_ref
    _suppress(session, house, stays, "all", Reason.OBJECTION)
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)
    journal.write_down(session, folder)
    assert key in journal_file.path_in(folder).read_text()
    erasure.erase(session, person.id, actor="subscriber", forget_copies=_nothing, even_the_hash=True)
    journal.write_down(session, folder)
    assert key not in journal_file.path_in(folder).read_text()
    assert stays.suppression_key in journal_file.path_in(folder).read_text()
    session.flush()
    assert session.scalars(select(Erasure.key)).all() == [None]
    # A backup from before knows her and her hash; replaying forgets both.
    session.execute(delete(Erasure))
    again = cafe.subscribe(session, house, "anna@guest.example")
    again.subject_ref = reference
    _suppress(session, house, again, "all", Reason.MANUAL)
    assert _replay(session, folder).erased == 1
    assert session.scalars(select(Suppression.key)).all() == [stays.suppression_key]


@pytest.mark.parametrize("bad", [{"reason": "whim"}, {"at": "noon"}, {"until": 10**20}, {"until": ""}])
def test_a_line_without_sense_changes_nothing(
    session: Session, house: Cafe, folder: Path, bad: dict[str, str | int]
) -> None:
    journal_file.begin(folder)
    line: dict[str, str | int] = {
        "kind": "suppressed",
        "org": house.organisation.public_id,
        "key": _KEY,
        "scope": "all",
    }
    journal_file.append(folder, [line | {"reason": "manual", "until": 0, "at": 1} | bad])
    with pytest.raises(Invalid, match="journal"):
        _replay(session, folder)
    assert session.scalar(select(func.count()).select_from(Suppression)) == 0


def test_no_journal_is_nothing_to_replay(session: Session, house: Cafe, folder: Path) -> None:
    session.execute(update(Suppression).values(journaled=True))
    assert house.organisation.id
    assert _replay(session, folder) == Replayed()
