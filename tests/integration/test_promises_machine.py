"""Promises 1 to 5, kept by whatever people, owners and clocks do in any order.

A machine takes random steps on a real database. Beside it stands a model that knows nothing of the program: for each
address, the lists it said yes to, and what stands against it. After every step the gate must grant exactly whom the
model would write to, the ledger must be whole, the subscriptions must be what the ledger says, and every no must
still stand.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, select

from listkeeper.audience import (
    answering,
    complaint,
    confirmation,
    erasure,
    lifecycle,
    mailing_list,
    preferences,
    signup,
    signup_form,
    subscriber,
    unsubscribe,
)
from listkeeper.audience.answering import Answer
from listkeeper.audience.consent import Method
from listkeeper.audience.guard.defence import SignupDefence
from listkeeper.audience.importing import court, undo
from listkeeper.audience.importing.batch import ImportBatch
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.proof import journal
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, claim, planning, traces
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.handing_over.transport import Accepted, Reply
from listkeeper.settings import Settings
from tests.fakes import databases
from tests.integration.promises_merging import Merging
from tests.makers import cafe, signups
from tests.makers.cafe import NO_BRAKES
from tests.makers.imports import PROVEN
from tests.makers.promises import ADDRESSES, LISTS, Known, Question, Undo, Yes

WEEK = timedelta(days=7)
WAITS = tuple(timedelta(**span) for span in ({"seconds": 1}, {"minutes": 20}, {"hours": 2}, {"days": 8}, {"days": 400}))


class Promises(Merging):
    """Steps that people, owners and clocks take."""

    @initialize()
    def found(self) -> None:
        with self.writing() as session:
            house = cafe.found(session)
            bread = mailing_list.create(session, house.organisation, name="Bread")
            signup_form.create(session, house.organisation, bread)
            journal.adopt(session, self.places.journal)

    # The subscriber's steps

    @rule(address=st.sampled_from(ADDRESSES), on=st.sampled_from(LISTS))
    def sign_up(self, address: str, on: int) -> None:
        with self.writing() as session:
            try:
                row, receipt = signups.post(session, self.house(session, on), address)
            except NotFound:
                assert self.world.lists[on] is not ListState.ACTIVE
                return
            decision = signup.decide(session, row.id, NO_BRAKES)
            asked = signups.question(session, row)
            if decision is signup.SignupDecision.ASKED and asked is not None:
                tokens = confirmation.token_of(asked), confirmation.code_of(asked), receipt.visit
                self.questions.append(Question(address, on, *tokens, clock.now()))
                self.known(address).met.add(on)

    @rule(address=st.sampled_from(ADDRESSES), on=st.sampled_from(LISTS), by_code=st.booleans())
    def join(self, address: str, on: int, by_code: bool) -> None:
        """Sign up and confirm twice, as most people do who want to be on a list."""
        before = len(self.questions)
        self.sign_up(address, on)
        for asked in self.questions[before:] * 2:
            self.answer(asked, by_code=by_code)

    @precondition(lambda self: self.questions)
    @rule(data=st.data(), by_code=st.booleans())
    def confirm(self, data: st.DataObject, by_code: bool) -> None:
        self.answer(data.draw(st.sampled_from(self.questions)), by_code=by_code)

    def answer(self, asked: Question, *, by_code: bool) -> None:
        """Press a question's button, or type its code."""
        known = self.known(asked.address)
        was_on = asked.list in known.yes
        age = clock.now() - asked.at
        with self.writing() as session:
            if by_code:
                answer = answering.confirm_by_code(session, asked.visit, asked.code).answer
            else:
                answer = answering.confirm(session, asked.token).answer
        may = not asked.dead and age < (timedelta(minutes=30) if by_code else WEEK)
        if answer is Answer.CONFIRMED:
            assert may or asked.doubtful, "a question that asks no more was answered"
            assert age < WEEK
            asked.dead = True
            self.says_yes(asked.address, asked.list)
        elif may and not asked.doubtful:
            assert answer is Answer.ALREADY_CONFIRMED, "a live question could not be answered"
            assert was_on or self.is_stale(known, asked.list)

    @precondition(lambda self: self.questions)
    @rule(data=st.data())
    def not_me(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(self.questions))
        with self.writing() as session:
            answering.refuse(session, asked.token)
        asked.dead = True
        # Who was only asked is off the list now, so that older questions ask no more either.
        self.doubt(asked.address)

    @rule(
        address=st.sampled_from(ADDRESSES),
        on=st.sampled_from(LISTS),
        method=st.sampled_from([Method.ONE_CLICK, Method.PAGE, Method.OPERATOR, Method.API]),
    )
    def leave(self, address: str, on: int, method: Method) -> None:
        with self.writing() as session:
            person = self.person(session, address)
            if person is None:
                return
            left = unsubscribe.leave(session, person.id, self.lists(session)[on].id, method)
        held = self.known(address).yes.get(on)
        assert held is None or left.leaving is unsubscribe.Leaving.LEFT
        if left.leaving is unsubscribe.Leaving.LEFT:
            if left.undo is not None:
                assert method in {Method.ONE_CLICK, Method.PAGE}
                self.undos.append(Undo(left.undo, address, on, clock.now(), held.batch if held else None))
            self.says_no(address, on)
            self.known(address).left.add(on)
        # Whoever had left says no to what she was asked since.
        for asked in self.questions:
            asked.dead = asked.dead or (asked.address, asked.list) == (address, on)

    @rule(address=st.sampled_from(ADDRESSES), how=st.sampled_from(["complaint", "objection", "page", "operator"]))
    def stop(self, address: str, how: str) -> None:
        with self.writing() as session:
            person = self.person(session, address)
            if person is None:
                return
            if how == "complaint":
                complaint.complain(session, person.id)
                # What it raises before the form asks more of those who sign up, and has tests of its own.
                session.execute(delete(SignupDefence))
            elif how == "objection":
                complaint.object_to_marketing(session, person.id, method=Method.PAGE)
            elif how == "operator":
                complaint.stop_everything(session, person.id, method=Method.OPERATOR, actor="user:1")
            else:
                unsubscribe.leave_everything(session, person.id)
        self.says_no(address, *LISTS)
        self.known(address).stopped = True
        self.doubt(address, kill=True)

    @precondition(lambda self: self.undos)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        self.take_back(data.draw(st.sampled_from(self.undos)))

    def take_back(self, said: Undo) -> None:
        """Press the button on the goodbye page."""
        known = self.known(said.address)
        with self.writing() as session:
            done = unsubscribe.undo(session, said.token)
        if done:
            assert clock.now() <= said.at + timedelta(hours=1)
            assert said.list not in known.yes
            assert not known.stopped, "an undo of one leave outvoted a later no"
            pause = {said.list: known.paused[said.list]} if said.list in known.paused else {}
            self.says_yes(said.address, said.list)
            # What stood before stands again and no more: a claim of the owner stays one, and ends with its import.
            known.yes[said.list].batch = said.batch
            known.paused |= pause
            self.undos.remove(said)

    @rule(address=st.sampled_from(ADDRESSES), on=st.sampled_from(LISTS), days=st.sampled_from([-5, 30, 90, 10**6]))
    def snooze(self, address: str, on: int, days: int) -> None:
        with self.writing() as session:
            person = self.person(session, address)
            if person is not None and preferences.snooze(session, person.id, self.lists(session)[on].id, days):
                self.known(address).paused[on] = clock.now() + timedelta(days=min(max(days, 30), 90))

    @rule(address=st.sampled_from(ADDRESSES), whole=st.booleans())
    def erase(self, address: str, whole: bool) -> None:
        with self.writing() as session:
            person = self.person(session, address)
            if person is None:
                return
            forget = traces.forgetter(self.places.practice)
            erasure.erase(session, person.id, actor="subscriber", forget_copies=forget, even_the_hash=whole)
            journal.write_down(session, self.places.journal)
        self.says_no(address, *LISTS)
        known = self.known(address)
        left = set() if whole else known.left
        self.world.people[address] = Known(left=left, stopped=not whole)
        self.forgotten_since |= {address} if whole else set()
        self.doubt(address, kill=True)

    # The owner's steps

    @rule(address=st.sampled_from(ADDRESSES), held=st.booleans())
    def restrict(self, address: str, held: bool) -> None:
        with self.writing() as session:
            person = self.person(session, address)
            if person is not None:
                act = subscriber.restrict if held else subscriber.unrestrict
                act(session, person, actor="user:1")
                self.known(address).restricted = held

    @rule(on=st.sampled_from(LISTS), wanted=st.sampled_from([ListState.ACTIVE, ListState.ACTIVE, *ListState]))
    def list_state(self, on: int, wanted: ListState) -> None:
        with self.writing() as session:
            row = self.lists(session)[on]
            if row.state is ListState.TOMBSTONED:
                return
            match wanted:
                case ListState.ACTIVE:
                    mailing_list.reopen(row)
                case ListState.ARCHIVED:
                    mailing_list.archive(row)
                case ListState.TOMBSTONED if on == 1:
                    mailing_list.tombstone(session, row, actor="user:1")
                case _:
                    return
            self.world.lists[on] = wanted

    @rule(rows=st.dictionaries(st.sampled_from(ADDRESSES), st.booleans(), min_size=1), on=st.sampled_from(LISTS))
    def bring_a_file(self, rows: dict[str, bool], on: int) -> None:
        self.number += 1
        file = self.folder / f"people-{self.number}.csv"
        day = (clock.now() - timedelta(days=10)).date().isoformat()
        lines = [f"{one},{day} 10:11:12,{f'{day} 10:15:40' if proven else ''}" for one, proven in rows.items()]
        file.write_text("\n".join(["Email,OPTIN_TIME,CONFIRM_TIME", *lines]) + "\n")
        with self.writing() as session:
            house = self.house(session, on)
            try:
                made = court.bring(session, house.organisation, house.mailing_list, file, operator="cli", claims=PROVEN)
            except Conflict:
                assert self.world.lists[on] is not ListState.ACTIVE
                return
            plan = court.plan_of(made)
            begun = court.begin(session, made, plan)
            task, begun_id, again = court.task_of(begun, plan, house.mailing_list, seals=True), begun.id, begun != made
        if again:
            return
        court.load(self.writing, begun_id, task, "en", apart=False)
        self.imports.append(begun_id)
        for address, proven in rows.items():
            self.is_brought(address, on, begun_id, proven=proven)

    def is_brought(self, address: str, on: int, batch_id: int, *, proven: bool) -> None:
        """Note what a row of a file may do: bring in who has no history here, and nothing else."""
        known = self.known(address)
        if known.stopped or on in known.left or (on in known.met and on not in known.unproven):
            return
        known.met.add(on)
        if proven:
            known.unproven.discard(on)
            known.yes[on] = Yes(clock.now(), batch_id)
        else:
            known.unproven.add(on)

    @precondition(lambda self: self.imports)
    @rule(data=st.data())
    def undo_a_file(self, data: st.DataObject) -> None:
        self.take_file_back(data.draw(st.sampled_from(self.imports)))

    def take_file_back(self, number: int) -> None:
        """Take back an import that went in."""
        with self.writing() as session:
            try:
                undo.begin(session, session.get_one(ImportBatch, number), actor="user:1")
            except Conflict:
                return
        undo.take_back(self.writing, number, self.written_to)
        for known in self.world.people.values():
            for on in [on for on, yes in known.yes.items() if yes.batch == number]:
                known.no(on)
        self.imports.remove(number)
        self.relearn()

    # Time

    @rule(wait=st.sampled_from(WAITS), jobs=st.booleans())
    def time_passes(self, wait: timedelta, jobs: bool) -> None:
        self.clock.shift(wait)
        if jobs:
            with self.writing() as session:
                lifecycle.end_due(session)
                journal.write_down(session, self.places.journal)

    @rule(back=st.sampled_from([timedelta(seconds=2), timedelta(hours=3)]))
    def clock_is_set_back(self, back: timedelta) -> None:
        self.clock.shift(-back)

    # Sending

    @rule(on=st.sampled_from(LISTS), meanwhile=st.sampled_from(["", *ADDRESSES]))
    def send(self, on: int, meanwhile: str) -> None:
        """Plan a letter; somebody may leave before it is handed over."""
        with self.writing() as session:
            house = self.house(session, on)
            letter = cafe.draft(session, house)
            try:
                planning.send_campaign(session, house.organisation, letter, site="https://cafe.example")
            except (Invalid, Conflict):
                session.rollback()
                return
        if meanwhile:
            self.leave(meanwhile, on, Method.ONE_CLICK)
        before = {address for address in ADDRESSES if self.may(address, on)}
        with self.writing() as session:
            ids = claim.lease(session, Lane.SENDING, "worker", 32)
            ready = batch.hand_out(session, ids, "worker", prepare=self.prepared, carries_smtputf8=False)
            given = {one.grant.open(one.delivery_id, one.prepared.template_sha256) for one in ready}
            said = {one.delivery_id: Accepted(Reply(250, "2.0.0 ok")) for one in ready}
            batch.record(session, said, worker="worker")
            for row in session.scalars(select(Delivery).where(Delivery.id.in_([one.delivery_id for one in ready]))):
                assert row.grant_seq is not None
                assert row.gate_head_seq is not None
                assert row.grant_seq <= row.gate_head_seq
        assert given <= before | self.uncertain(on)
        for address in given:
            self.known(address).yes[on].at = clock.now()


def test_a_leave_taken_back_rests_on_the_import_as_before(settings: Settings, tmp_path: Path) -> None:
    class OnSqlite(Promises):
        opened = staticmethod(lambda folder: databases.on_sqlite(folder, tmp_path))
        key_folder = settings.key_folder

    life, her = OnSqlite(), ADDRESSES[1]
    life.found()
    life.bring_a_file({her: True}, 0)
    life.leave(her, 0, Method.ONE_CLICK)
    life.take_back(life.undos[0])
    assert life.granted() == {(her, 0)}
    life.take_file_back(life.imports[0])
    assert life.granted() == set()
    life.the_gate_grants_whom_the_model_would_write_to()
    life.teardown()


def _run(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    # Steps cost tens of milliseconds: looking for a shorter life would take minutes, and the steps are printed anyway.
    settings = hypothesis.settings(
        max_examples=examples, stateful_step_count=steps, phases=[hypothesis.Phase.generate], report_multiple_bugs=False
    )
    run_state_machine_as_test(machine, settings=settings)


@pytest.mark.timeout(1800)
def test_promises_are_kept_on_sqlite(settings: Settings, tmp_path: Path, share: Callable[[str, int, int], int]) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()

    class OnSqlite(Promises):
        opened = staticmethod(lambda folder: databases.on_sqlite(folder, templates))
        key_folder = settings.key_folder

    _run(OnSqlite, share("random lives on SQLite", 250, 3), 40)


@pytest.mark.timeout(1800)
@pytest.mark.only_on("postgresql")
def test_promises_are_kept_on_postgresql(settings: Settings, share: Callable[[str, int, int], int]) -> None:
    class OnPostgresql(Promises):
        opened = staticmethod(lambda _folder: databases.on_postgresql(int(os.environ["LISTKEEPER_TEST_RUN"])))
        key_folder = settings.key_folder

    _run(OnPostgresql, share("random lives on PostgreSQL", 60, 2), 30)
