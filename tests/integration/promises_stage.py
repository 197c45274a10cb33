"""The stage of the promises' machine: a database, a clock, the model beside it, backups, and what must always hold."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import permission, signup_form, subscriber, subscription, suppression
from listkeeper.audience.handover import Handover, MessageClass, RefusalCode
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.permission import Grant
from listkeeper.audience.proof import checkpoint, fold, journal, ledger, witness
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.feedback import traces
from listkeeper.foundation import clock, journal_file, keys
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.sending import restoring
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.prepared import Prepared
from listkeeper.sending.restoring import Places
from tests.fakes import postgres
from tests.fakes.databases import Database
from tests.makers import auditor
from tests.makers.cafe import Cafe
from tests.makers.promises import ADDRESSES, LISTS, Known, Question, Undo, World, Yes

# Two years, and a leap day's worth of doubt on either side.
_SURELY_FRESH, _SURELY_STALE = timedelta(days=725), timedelta(days=735)


class Stage(RuleBasedStateMachine):
    """Everything but what people and owners do."""

    opened: Callable[[Path], AbstractContextManager[Database]]
    key_folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="listkeeper-promises-"))
        self.stack = type(self).opened(self.folder)
        self.database = self.stack.__enter__()
        self.engine: Engine = self.database.engine()
        self.time = time_machine.travel(datetime(2026, 11, 23, 8, tzinfo=UTC), tick=False)
        self.clock = self.time.start()
        self.world = World()
        self.questions: list[Question] = []
        self.undos: list[Undo] = []
        self.imports: list[int] = []
        self.saved: World | None = None
        self.said_no_since: dict[str, set[int]] = {}
        self.forgotten_since: set[str] = set()
        self.refusals: dict[tuple[str, int], RefusalCode] = {}
        self.number = 0
        keys.open_folder(type(self).key_folder)

    def teardown(self) -> None:
        """Put the machine's things away."""
        self.engine.dispose()
        if self.database.kind == "postgresql":
            postgres.of_run(int(os.environ["LISTKEEPER_TEST_RUN"])).drop(self.kept)
        self.time.stop()
        self.stack.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction as the shells do."""
        with Session(self.engine.execution_options(listkeeper_writes=True)) as session:
            yield session
            session.commit()

    @property
    def places(self) -> Places:
        """What lies outside the database."""
        practice = self.folder / "practice"
        return Places(self.folder / "journal", self.folder / "media", practice, traces.forgetter(practice))

    def lists(self, session: Session) -> list[MailingList]:
        """Return the lists, in the order of the model's numbers."""
        return list(session.scalars(select(MailingList).order_by(MailingList.id)))

    def house(self, session: Session, number: int) -> Cafe:
        """Return the café as the makers know it, with one of its lists."""
        on = self.lists(session)[number]
        owner = organisation.only_one(session)
        return Cafe(owner, None, on, signup_form.all_of(session, on)[0])  # type: ignore[arg-type]

    def person(self, session: Session, address: str) -> Subscriber | None:
        """Return somebody, if the program knows her."""
        return subscriber.with_address(session, 1, address)

    def known(self, address: str) -> Known:
        """Return what the model knows."""
        return self.world.people[address]

    @staticmethod
    def written_to(session: Session, ids: object) -> set[int]:
        """Return who has a delivery."""
        return set(session.scalars(select(Delivery.subscriber_id).where(Delivery.subscriber_id.in_(ids))))  # type: ignore[arg-type]

    def prepared(self, session: Session, rows: Sequence[Delivery]) -> dict[int, Prepared | ListkeeperError]:
        """Describe letters that need not be written here."""
        lists = {row.id: row for row in self.lists(session)}
        return {
            row.id: Prepared("t" * 64, "hello@cafe.example", f"{row.id}@x", lists[row.list_id or 0].purpose, str.encode)
            for row in rows
        }

    # What the model learns

    def says_yes(self, address: str, on: int) -> None:
        """Note a person's own yes: it lifts what stood against this list, and nothing on another."""
        known = self.known(address)
        known.yes[on] = Yes(clock.now())
        known.paused.pop(on, None)
        known.left.discard(on)
        known.stopped = False
        known.met.add(on)
        known.unproven.discard(on)

    def says_no(self, address: str, *lists: int) -> None:
        """Note a person's no."""
        self.known(address).no(*lists)
        self.said_no_since.setdefault(address, set()).update(lists)

    def doubt(self, address: str, *, kill: bool = False) -> None:
        """Let the questions put to somebody so far be of no effect, or of none that the model is sure of."""
        for asked in self.questions:
            if asked.address == address:
                asked.doubtful = not kill
                asked.dead = asked.dead or kill

    def relearn(self) -> None:
        """Read anew with whom the program has a history, after an undo: that decides what a later file may add."""
        with self.writing() as session:
            numbers = {row.id: number for number, row in enumerate(self.lists(session))}
            for address, known in self.world.people.items():
                person = self.person(session, address)
                held = [] if person is None else [row for row, _ in subscription.all_of(session, person)]
                known.met = {numbers[row.list_id] for row in held}
                known.unproven = {numbers[row.list_id] for row in held if row.state == "imported_unverified"}
                if person is None:
                    known.restricted, known.paused = False, {}

    def reread_standing(self) -> None:
        """Read from the suppression list what stands after a restore; that it only grew is what the model checked."""
        for address, known in self.world.people.items():
            scopes = self.scopes(address)
            # Who asked that not even her hash be kept is forgotten in an old copy, too.
            forgotten = address in self.forgotten_since
            assert known.stopped <= bool(scopes & {suppression.ALL, suppression.MARKETING}) or forgotten
            known.stopped = bool(scopes & {suppression.ALL, suppression.MARKETING})
            known.left = {on for on in LISTS if suppression.list_scope(on + 1) in scopes}
            if known.stopped:
                known.no(*LISTS)
        self.relearn()

    def scopes(self, address: str) -> set[str]:
        """Return what is closed to an address."""
        with self.writing() as session:
            return {row.scope for row in suppression.reasons(session, 1, suppression.key_of(1, address))}

    # A backup, and what is put back later

    @rule()
    def back_up(self) -> None:
        with self.writing() as session:
            journal.write_down(session, self.places.journal)
        self.copy_database(self.place, self.kept)
        self.saved, self.said_no_since, self.forgotten_since = deepcopy(self.world), {}, set()

    @property
    def place(self) -> str:
        """Where the database is: a folder, or a name on the server."""
        return str(self.folder) if self.database.kind == "sqlite" else self.database.url.rpartition("/")[2]

    @property
    def kept(self) -> str:
        """Where its copy is."""
        return f"{self.place}/copy" if self.database.kind == "sqlite" else f"{self.place}_kept"

    def copy_database(self, source: str, target: str) -> None:
        """Put a copy of the database in the place of another, as by hand."""
        self.engine.dispose()
        if self.database.kind == "postgresql":
            postgres.of_run(int(os.environ["LISTKEEPER_TEST_RUN"])).copy(source, target)
            return
        Path(target).mkdir(exist_ok=True)
        for file in Path(target).glob("listkeeper.db*"):
            file.unlink()
        for file in Path(source).glob("listkeeper.db*"):
            shutil.copy(file, Path(target) / file.name)

    @precondition(lambda self: self.saved)
    @rule(signed=st.booleans())
    def put_back(self, signed: bool) -> None:
        """Put an old copy back by hand: nothing goes out until the journal was replayed, and no leaver comes back."""
        assert self.saved is not None
        before, then = self.references(), self.world
        with self.writing() as session:
            if signed:
                checkpoint.make(session, organisation.only_one(session))
            journal.write_down(session, self.places.journal)
            gone_on = ledger.size(session, 1)
        self.copy_database(self.kept, self.place)
        with self.writing() as session:
            went_back = ledger.size(session, 1) < gone_on
            stopped = restoring.compare(session, self.places.journal)
        # Without a checkpoint the journal knows how far the ledger was at the last no, and of no yes since.
        assert bool(stopped) is went_back or (went_back and not signed)
        if stopped:
            assert self.granted() == set(), "a forked ledger sends nothing"
            with self.writing() as session:
                _, good = restoring.accept(session, self.places, actor="user:1")
                lines = [witness.accepted(owner, last) for owner, last in good]
                lines += [journal.end_of(session, owner.id, owner.public_id) for owner, _ in good]
            journal_file.append(self.places.journal, lines)
        self.world = deepcopy(self.saved)
        for address, lists in self.said_no_since.items():
            known = self.world.people[address]
            known.no(*lists)
            known.left |= lists
        self.questions, self.undos, self.imports = [], [], []
        self.reread_standing()
        self.stays_narrow(then, before)

    def references(self) -> dict[str, str]:
        """Return under which reference the program knows each address."""
        with self.writing() as session:
            return dict(session.execute(select(Subscriber.email_key, Subscriber.subject_ref)).all())

    def stays_narrow(self, then: World, before: dict[str, str]) -> None:
        """Demand that what was restricted, paused or deleted since the backup is so still, for whoever is the same."""
        deleted = {on: state for on, state in then.lists.items() if state is ListState.TOMBSTONED}
        self.world.lists |= deleted
        after = self.references()
        for address, known in self.world.people.items():
            since = then.people[address]
            if address in after and before.get(address) == after[address]:
                known.restricted |= since.restricted
                for on in since.paused.keys() & known.met:
                    known.paused[on] = max(since.paused[on], known.paused.get(on, since.paused[on]))

    # What must hold after each step

    def is_stale(self, known: Known, on: int) -> bool:
        """Whether a yes may have run out by silence."""
        return on in known.yes and self.latest() - known.yes[on].at > _SURELY_FRESH

    def latest(self) -> datetime:
        """Return how far any clock has come."""
        now = clock.now()
        self.world.seen = max(now, self.world.seen or now)
        return self.world.seen

    def may(self, address: str, on: int) -> bool:
        """Whether the model would write to somebody about a list."""
        known = self.known(address)
        paused = on in known.paused and known.paused[on] > clock.now()
        fresh = on in known.yes and self.latest() - known.yes[on].at < _SURELY_STALE
        return fresh and not known.restricted and not paused and self.world.lists[on] is ListState.ACTIVE

    def uncertain(self, on: int) -> set[str]:
        """Return whose yes is about to run out, so that either answer is right."""
        return {address for address in ADDRESSES if self.is_stale(self.known(address), on)}

    def granted(self) -> set[tuple[str, int]]:
        """Return whom the gate would let through now."""
        with self.writing() as session:
            return self.granted_in(session)

    def granted_in(self, session: Session) -> set[tuple[str, int]]:
        """Return the same of a transaction that may be taken back."""
        found = set()
        self.refusals = {}
        for person in session.scalars(select(Subscriber)).all():
            for number, row in enumerate(self.lists(session)):
                asked = Handover(1, 1, MessageClass.MARKETING, "t", person.id, row.id, row.purpose)
                verdict = permission.grant(session, asked)
                if isinstance(verdict, Grant):
                    found.add((person.email_key, number))
                else:
                    self.refusals[person.email_key, number] = verdict.code
        return found

    @invariant()
    def the_gate_grants_whom_the_model_would_write_to(self) -> None:
        granted = self.granted()
        for on in LISTS:
            theirs = {address for address, number in granted if number == on}
            ours = {address for address in ADDRESSES if self.may(address, on)}
            assert theirs <= ours, f"granted, and said no: {theirs - ours}"
            missed = {address: self.refusals.get((address, on)) for address in ours - theirs - self.uncertain(on)}
            assert not missed, f"said yes, and not granted: {missed}"

    @invariant()
    def the_ledger_is_whole(self) -> None:
        with self.writing() as session:
            assert auditor.faults(session, 1) == []
            told = "\n".join(session.scalars(select(ledger.LedgerRow.record)))
            assert "guest" not in told, "an address stands in the ledger"

    @invariant()
    def the_subscriptions_are_what_the_ledger_says(self) -> None:
        with self.writing() as session:
            query = (
                select(Subscriber.subject_ref, MailingList.public_id, Subscription.state)
                .join(Subscription, Subscription.subscriber_id == Subscriber.id)
                .join(MailingList, MailingList.id == Subscription.list_id)
            )
            held = {(row[0], row[1]): row[2] for row in session.execute(query)}
            said = {key: word.state for key, word in fold.of(session, organisation.only_one(session)).items()}
            # A file that was taken back leaves no row behind of somebody whom nobody knew.
            known = {key: state for key, state in said.items() if key in held or state != "imported_unverified"}
            assert known == held
            assert fold.heal(session, organisation.only_one(session)) == []

    @invariant()
    def every_no_stands(self) -> None:
        for address, known in self.world.people.items():
            if known.stopped or known.left:
                scopes = self.scopes(address)
                assert not known.stopped or scopes & {suppression.ALL, suppression.MARKETING}
                closed = {suppression.list_scope(on + 1) for on in known.left if on not in known.yes}
                assert closed <= scopes
