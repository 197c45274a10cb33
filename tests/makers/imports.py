"""The import court, tried on small files: brought, judged, loaded and undone as the shells do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience.importing import court, undo
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.audience.importing.court import Claims
from listkeeper.audience.importing.judging import Decision
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Suppression
from listkeeper.foundation.table import Table
from tests.makers import cafe
from tests.makers.cafe import Cafe

PROVEN = Claims(
    basis="consent",
    origin="https://cafe.example/news",
    method="sign-up form with confirmation",
    text="We write to you once a month about what we bake.",
    attestation="Everybody in this file signed up on our own form.",
    last_letter_on="2026-11-01",
    no_opt_outs=True,
)


@dataclass
class Court:
    """A café, its list, and files to bring."""

    app: Flask
    folder: Path
    list_id: int

    def bring(self, file: Path, claims: Claims = PROVEN, opt_outs: Path | None = None) -> int:
        """Bring a file; return the number of its batch."""
        with self.app.app_context(), store.transaction() as session:
            house = self.house(session)
            made = court.bring(
                session, house.organisation, house.mailing_list, file, operator="cli", claims=claims, opt_outs=opt_outs
            )
            return made.id

    def judge(self, file: Path, claims: Claims = PROVEN) -> tuple[dict[str, int], list[tuple[str, str, str]]]:
        """Judge a file without a trace; return the counts and (address, outcome, reason) of each row."""
        lines: list[tuple[str, str, str]] = []

        def keep(_name: str, decisions: Sequence[Decision]) -> None:
            lines.extend((one.row.shown, one.outcome.value, one.reason) for one in decisions)

        with self.app.app_context():
            with store.transaction() as session:
                house = self.house(session)
                made = court.bring(session, house.organisation, house.mailing_list, file, operator="cli", claims=claims)
                task = court.task_of(made, court.plan_of(made), house.mailing_list, seals=False)
                session.rollback()
            return court.judge(store.reading, task, self.list_id, keep=keep), lines

    def load(self, file: Path, claims: Claims = PROVEN, opt_outs: Path | None = None, **options: Any) -> ImportBatch:  # noqa: ANN401 - court.load's own
        """Bring a file and load it; return its batch, or the earlier one that it repeats."""
        number = self.bring(file, claims, opt_outs)
        with self.app.app_context():
            with store.transaction() as session:
                made = session.get_one(ImportBatch, number)
                plan = court.plan_of(made)
                begun = court.begin(session, made, plan)
                task = court.task_of(begun, plan, self.house(session).mailing_list, seals=True)
                begun_id, again = begun.id, begun.id != number
            if not again:
                court.load(store.transaction, begun_id, task, "en", **options)
            return self.batch(begun_id)

    def go_on(self, number: int, rows: int = 4_000) -> None:
        """Go on with a batch that was stopped."""
        with self.app.app_context():
            with store.transaction() as session:
                made = session.get_one(ImportBatch, number)
                plan = court.plan_of(made)
                task = court.task_of(made, plan, self.house(session).mailing_list, seals=True)
            court.load(store.transaction, number, replace(task, rows=rows), "en")

    def undo(self, number: int, written_to: Sequence[int] = ()) -> None:
        """Take a batch back."""
        with self.app.app_context():
            with store.transaction() as session:
                undo.begin(session, session.get_one(ImportBatch, number), actor="cli")
            undo.take_back(store.transaction, number, lambda _session, people: set(people) & set(written_to))

    def batch(self, number: int) -> ImportBatch:
        """Return a batch as it is now."""
        with self.app.app_context(), store.reading() as session:
            found = session.get_one(ImportBatch, number)
            session.expunge(found)
            return found

    def states(self) -> dict[str, str]:
        """Return who is on the list, by address."""
        with self.app.app_context(), store.reading() as session:
            query = select(Subscriber.email_send, Subscription.state).join(
                Subscription, Subscription.subscriber_id == Subscriber.id
            )
            return {row[0]: row[1].value for row in session.execute(query.where(Subscription.list_id == self.list_id))}

    def profile(self, address: str) -> dict[str, Any]:
        """Return what is kept about somebody."""
        with self.app.app_context(), store.reading() as session:
            return dict(session.scalars(select(Subscriber.profile).where(Subscriber.email_key == address)).one())

    def suppressions(self) -> list[tuple[str, str]]:
        """Return scope and reason of every live suppression."""
        with self.app.app_context(), store.reading() as session:
            rows = session.execute(select(Suppression.scope, Suppression.reason).order_by(Suppression.id))
            return [(row[0], row[1].value) for row in rows]

    def rows(self, number: int) -> list[ImportRow]:
        """Return the rows of a batch in the file's order."""
        with self.app.app_context(), store.reading() as session:
            found = list(
                session.scalars(
                    select(ImportRow).where(ImportRow.batch_id == number).order_by(ImportRow.part, ImportRow.row)
                )
            )
            session.expunge_all()
            return found

    def everything(self, *left_out: str) -> dict[str, list[tuple[object, ...]]]:
        """Return every row of every table but those that only grow, or tell of the import itself."""
        growing = {"import_batch", "import_row", "fact", "ledger", "ledger_head", "ledger_tile", *left_out}
        with self.app.app_context(), store.reading() as session:
            return {
                table.name: sorted(map(tuple, session.execute(select(table)).all()), key=repr)
                for table in Table.metadata.sorted_tables
                if table.name not in growing
            }

    @staticmethod
    def house(session: Session) -> Cafe:
        """Return the café in this session."""
        from tests.makers import works  # noqa: PLC0415 - it knows the whole program

        return works.here(session)


def opened(app: Flask, folder: Path) -> Court:
    """Found the café and open its court."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        return Court(app, folder, house.mailing_list.id)
