"""Yesterday's backup comes back without bringing back who left or was erased since, and nothing is sent twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import erasure, mailing_list, preferences, subscriber, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.proof import checkpoint, ledger, ledger_audit, witness
from listkeeper.audience.proof import journal as journals
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, Subscription, SubscriptionState
from listkeeper.cli import context
from listkeeper.foundation import journal_file
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import journal
from listkeeper.sending import claim, delivery, incident, traces
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import IncidentKind
from tests.fakes import databases
from tests.fakes.machine import Machine, machine
from tests.makers import archives, cafe

KINDS = databases.chosen()
_PEOPLE = ("anna", "bo", "cleo", "dora")


@pytest.fixture(params=KINDS)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A café with four subscribers and a letter, backed up; then one leaves, one is erased and one comes."""
    with machine(request.param, tmp_path / "here") as made:
        with made.working() as session:
            house = cafe.found(session)
            for name in _PEOPLE:
                cafe.subscribe(session, house, f"{name}@guest.example")
            checkpoint.make(session, house.organisation)
        with context.opened(made.settings):
            journal.write_down()
        yield made


@pytest.fixture
def there(request: pytest.FixtureRequest, here: Machine, tmp_path: Path) -> Iterator[Machine]:
    """An empty machine on the other kind of database, with the café's keys."""
    kind = next((kind for kind in KINDS if kind != here.database.kind), here.database.kind)
    with machine(kind, tmp_path / "there") as made:
        made.takes_keys_of(here)
        yield made


def _backup(here: Machine, name: str = "yesterday.zip") -> Path:
    path = here.data / name
    assert here.type("backup", "--out", str(path), "--json").code == 0
    return path


def _a_day_passes(here: Machine) -> str:
    """Anna leaves, Bo is erased; the jobs write it down. Return Bo's reference."""
    with here.working() as session:
        owner = organisation.only_one(session)
        anna = subscriber.named(session, owner, "anna@guest.example")
        bo = subscriber.named(session, owner, "bo@guest.example")
        reference = bo.subject_ref
        unsubscribe.leave(
            session, anna.id, session.scalars(select(Subscription.list_id)).first() or 0, Method.ONE_CLICK
        )
        erasure.erase(session, bo.id, actor="subscriber", forget_copies=traces.forgetter(here.data / "practice"))
        checkpoint.make(session, owner)
    with context.opened(here.settings):
        journal.write_down()
    return reference


def _states(machine_: Machine) -> dict[str, SubscriptionState]:
    with machine_.looking() as session:
        query = select(Subscriber.email_send, Subscription.state).join(
            Subscription, Subscription.subscriber_id == Subscriber.id
        )
        return {row[0].partition("@")[0]: row[1] for row in session.execute(query)}


def test_who_left_and_who_was_erased_since_stay_gone(here: Machine, there: Machine) -> None:
    yesterday = _backup(here)
    reference = _a_day_passes(here)
    there.takes_journal_of(here)
    said = there.type("restore", str(yesterday), "--json")
    answer = said.json
    assert (answer["erased_again"], answer["unsubscribed_again"], answer["findings"]) == (1, 1, [])
    assert answer["suppressed_again"] == 2
    S = SubscriptionState  # noqa: N806 - as in the chapter
    assert _states(there) == {"anna": S.UNSUBSCRIBED, "cleo": S.CONFIRMED, "dora": S.CONFIRMED}
    with there.looking() as session:
        owner = organisation.only_one(session)
        assert ledger_audit.check(session, owner).faults == []
        assert ledger.of_subject(session, owner.id, reference)[-1].type == "subscriber.erased"
        # The ledger of the backup is older than its witnesses: loud, and nothing leaves.
        assert said.code == 6
        assert answer["forked"] == [owner.public_id]
        assert witness.is_stopped(session)
        assert [row.kind for row in incident.standing(session)] == [IncidentKind.LEDGER_FORKED]


def _hold_back(session: Session, name: str, *words: str) -> None:
    """Let one of the four be restricted or free, paused or not, or choose how often."""
    person = subscriber.named(session, organisation.only_one(session), f"{name}@guest.example")
    on = session.scalars(select(Subscription.list_id).where(Subscription.subscriber_id == person.id)).one()
    for word in words:
        match word:
            case "restricted":
                subscriber.restrict(session, person, actor="subscriber")
            case "free":
                subscriber.unrestrict(session, person, actor="cli")
            case "pause":
                assert preferences.snooze(session, person.id, on, 90)
            case "resume":
                assert preferences.resume(session, person.id, on)
            case _:
                assert preferences.choose_frequency(session, person.id, on, Frequency(word))


def _held_back(machine_: Machine) -> dict[str, tuple[bool, bool, str]]:
    """Return of each whether she is restricted and paused, and how often she wants letters."""
    with machine_.looking() as session:
        query = select(Subscriber, Subscription).join(Subscription, Subscription.subscriber_id == Subscriber.id)
        return {
            row[0].email_send.partition("@")[0]: (
                row[0].restricted_at is not None,
                preferences.paused_until(row[1]) is not None,
                row[1].frequency.value,
            )
            for row in session.execute(query)
        }


def _narrowed_since_a_backup(here: Machine) -> Path:
    """Narrow and widen what people allow, before a backup and after it; return the backup."""
    with here.working() as session:
        mailing_list.create(session, organisation.only_one(session), name="Bread")
        _hold_back(session, "bo", "restricted")
        _hold_back(session, "dora", "pause", "important")
    yesterday = _backup(here)
    with here.working() as session:
        _hold_back(session, "anna", "restricted", "free", "restricted", "weekly")
        _hold_back(session, "cleo", "pause", "monthly", "restricted", "free")
        # These two get back what they had given up before the backup.
        _hold_back(session, "bo", "free")
        _hold_back(session, "dora", "resume", "all")
        bread = mailing_list.named(session, organisation.only_one(session), "bread")
        mailing_list.tombstone(session, bread, actor="cli")
    with context.opened(here.settings):
        journal.write_down()
    told = journal_file.path_in(here.settings.journal_folder).read_text()
    assert "guest" not in told
    assert "Bread" not in told
    return yesterday


def test_what_was_narrowed_since_stays_so_and_what_was_widened_does_not_widen(here: Machine, there: Machine) -> None:
    yesterday = _narrowed_since_a_backup(here)
    there.takes_journal_of(here)
    said = there.type("restore", str(yesterday), "--accept", "--json").json
    assert (said["restricted_again"], said["narrowed_again"], said["deleted_again"]) == (1, 3, 1)
    as_now = {
        "anna": (True, False, "weekly"),
        # The backup knows a restriction that ended since; nobody can free her but who looks at it again.
        "bo": (True, False, "all"),
        "cleo": (False, True, "monthly"),
        "dora": (False, True, "important"),
    }
    assert _held_back(there) == as_now
    with there.working() as session:
        owner = organisation.only_one(session)
        assert [row.state for row in mailing_list.every(session, owner) if row.slug == "bread"] == ["tombstoned"]
        assert ledger_audit.check(session, owner).faults == []
        # What is said from now on is the last word, however often the journal is replayed.
        _hold_back(session, "anna", "free", "all")
        _hold_back(session, "cleo", "resume")
    with context.opened(there.settings):
        journal.write_down()
    again = there.type("restore", "--accept", "--json").json
    assert [again[name] for name in ("restricted_again", "narrowed_again", "deleted_again")] == [0, 0, 0]
    assert _held_back(there) == as_now | {"anna": (False, False, "all"), "cleo": (False, False, "monthly")}


def test_nothing_is_sent_until_the_owner_has_accepted(here: Machine, there: Machine) -> None:
    yesterday = _backup(here)
    _a_day_passes(here)
    there.takes_journal_of(here)
    assert there.type("restore", str(yesterday)).code == 6
    with there.working() as session:
        owner = organisation.only_one(session)
        name = owner.public_id
        session.add(_waiting(owner.id))
        session.flush()
        assert claim.lease(session, Lane.SENDING, "worker", 10) == []
        assert not claim.anything_due(session, Lane.SENDING)
    with context.opened(there.settings):
        journal.compare()
    doctor = there.type("doctor", "--json").json
    [found] = [row for row in doctor["findings"] if row["code"] == "ledger_forked"]
    assert (found["verdict"], found["severity"]) == ("wrong", "BLOCK")
    said = there.type("restore", "--accept", "--json")
    assert (said.code, said.err) == (0, "")
    assert [row["organisation"] for row in said.json["accepted"]] == [name]
    with context.opened(there.settings):
        journal.compare()
    with there.working() as session:
        assert not witness.is_stopped(session)
        assert incident.standing(session) == []
        assert len(claim.lease(session, Lane.SENDING, "worker", 10)) == 1
        last = session.scalars(select(ledger.LedgerRow).where(ledger.LedgerRow.type == "ledger.forked")).one()
        cited = ledger.fields_of(last)["details"]
        good = next(journal_file.read(there.settings.journal_folder, having='"checkpoint"'))
        assert (cited["good_size"], cited["good_root"]) == (good["size"], good["root"])
        assert ledger_audit.check(session, organisation.only_one(session)).faults == []
    assert there.type("restore", "--accept", "--json").json["accepted"] == []
    assert all(row["code"] != "ledger_forked" for row in there.type("doctor", "--json").json["findings"])


def _waiting(owner: int, **values: object) -> Delivery:
    return Delivery(
        organisation_id=owner, message_class="marketing", lane=Lane.SENDING, occasion=f"test:{values}", **values
    )


def test_accepting_can_be_said_at_once(here: Machine, there: Machine) -> None:
    yesterday = _backup(here)
    _a_day_passes(here)
    there.takes_journal_of(here)
    said = there.type("restore", str(yesterday), "--accept", "--json")
    assert (said.code, said.json["forked"]) == (0, [])
    with there.looking() as session:
        assert not witness.is_stopped(session)
    with context.opened(there.settings):
        journal.compare()
    with there.looking() as session:
        assert not witness.is_stopped(session)


@pytest.mark.only_on("sqlite")
def test_a_database_copied_back_by_hand_is_noticed(tmp_path: Path) -> None:
    with machine("sqlite", tmp_path / "data") as here:
        with here.working() as session:
            house = cafe.found(session)
            for name in _PEOPLE:
                cafe.subscribe(session, house, f"{name}@guest.example")
        with context.opened(here.settings), here.database.engine().connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        shutil.copyfile(here.data / "listkeeper.db", tmp_path / "yesterday.db")
        _a_day_passes(here)
        assert _states(here)["anna"] is SubscriptionState.UNSUBSCRIBED
        for name in ("listkeeper.db", "listkeeper.db-wal", "listkeeper.db-shm"):
            (here.data / name).unlink(missing_ok=True)
        shutil.copyfile(tmp_path / "yesterday.db", here.data / "listkeeper.db")
        assert _states(here)["anna"] is SubscriptionState.CONFIRMED
        with context.opened(here.settings):
            journal.compare()
        with here.looking() as session:
            assert witness.is_stopped(session)
        assert here.type("restore", "--accept").code == 0
        states = _states(here)
        assert (states["anna"], "bo" in states) == (SubscriptionState.UNSUBSCRIBED, False)
        with here.looking() as session:
            assert not witness.is_stopped(session)
            assert not journals.is_waiting(session)


def test_what_waited_is_in_doubt_and_not_sent_again(here: Machine, there: Machine) -> None:
    with here.working() as session:
        owner = organisation.only_one(session)
        for state in DeliveryState:
            session.add(_waiting(owner.id, state=state))
    said = there.type("restore", str(_backup(here)), "--json")
    assert (said.code, said.json["in_doubt"]) == (0, len(delivery.OPEN))
    with there.working() as session:
        assert claim.lease(session, Lane.SENDING, "worker", 10) == []
        counted = {
            row[0]: row[1] for row in session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
        }
    assert counted.pop(DeliveryState.IN_DOUBT) == 1 + len(delivery.OPEN)
    assert counted == dict.fromkeys(set(DeliveryState) - delivery.OPEN - {DeliveryState.IN_DOUBT}, 1)


def test_a_new_journal_gets_all_that_was_ever_written_down(here: Machine, there: Machine) -> None:
    _a_day_passes(here)
    assert there.type("restore", str(_backup(here)), "--json").json["forked"] == []
    old, new = (
        sorted(
            str(line)
            for line in journal_file.read(each.settings.journal_folder)
            if line["kind"] not in {"journal", "head"}
        )
        for each in (here, there)
    )
    assert old == new
    with there.looking() as session:
        assert not journals.is_waiting(session)


def test_a_ledger_that_was_changed_in_the_archive_is_named(here: Machine, there: Machine, tmp_path: Path) -> None:
    def change(files: archives.Files) -> None:
        before = files["tables/ledger.jsonl"]
        files["tables/ledger.jsonl"] = before.replace(b'\\"method\\":\\"button\\"', b'\\"method\\":\\"import\\"')
        assert before != files["tables/ledger.jsonl"]

    said = there.type("restore", str(archives.changed(_backup(here), tmp_path / "changed.zip", change)), "--json")
    assert said.code == 5
    assert {found["code"] for found in said.json["findings"]} >= {"edited_record"}


def test_a_damaged_journal_stops_the_restore(here: Machine, there: Machine) -> None:
    yesterday = _backup(here)
    _a_day_passes(here)
    there.takes_journal_of(here)
    file = journal_file.path_in(there.settings.journal_folder)
    file.write_bytes(file.read_bytes().replace(b'"erased"', b'"erased', 1))
    assert there.type("restore", str(yesterday), "--json").error == "journal_damaged"
    file.chmod(0o644)
    assert there.type("restore", str(yesterday), "--json").error == "journal_readable"
    engine = there.database.engine()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM organisation")) == 0
    engine.dispose()
