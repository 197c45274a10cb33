"""A mailbox elsewhere keeps checkpoints of the ledger, once a week; a ledger that is cut later is convicted by them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience.proof import checkpoint, ledger
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.standards import proof as verifier
from tests.fakes import databases
from tests.fakes.machine import Machine, machine
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.studio import signed_in, the_cafe, words
from tests.makers.works import Works

BOX = "keeper@elsewhere.example"
WEEK = timedelta(days=7)


def _weekly(works: Works, times: int = 2) -> None:
    """Let the timetable's job run more often than it has to, and the mail leave."""
    for _ in range(times):
        with works.app.app_context():
            housekeeping.mail_checkpoint()
    works.work(Lane.URGENT, 2)


def _kept(sink: SmtpSink) -> list[EmailMessage]:
    """Return what came into the mailbox; guests get receipts of their own."""
    return [kept.message for kept in sink.messages if kept.rcpt_tos == (BOX,)]


def _note(mail: EmailMessage) -> str:
    [file] = list(mail.iter_attachments())
    return str(file.get_content()).replace("\r\n", "\n")


def _grow(session: Session, _house: Cafe) -> None:
    cafe.subscribe(session, _house, f"guest-{ledger.size(session, 1)}@guest.example")


def test_once_a_week_when_the_ledger_has_grown(
    works: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    works.write(_grow)
    _weekly(works)
    assert _kept(smtp_sink) == [], "nobody asked for it"
    owner = signed_in(works.app)
    assert "plain letters" in words(
        owner.post("/studio/settings/witness", {"witness_address": "bøx@elsewhere.example"})
    )
    assert BOX in words(owner.post("/studio/settings/witness", {"witness_address": BOX}, follow_redirects=True))
    works.write(lambda _session, house: setattr(house.organisation, "language", "da"))
    _weekly(works)
    [first] = _kept(smtp_sink)
    assert first["To"] == BOX
    assert first["Auto-Submitted"] == "auto-generated"
    assert "Gem denne mail: bevis" in first["Subject"]
    assert _note(first) == works.read(lambda session: checkpoint.last_mailed(session, 1).note)  # type: ignore[union-attr]
    frozen_clock.shift(WEEK)
    _weekly(works)
    assert len(_kept(smtp_sink)) == 1, "it has not grown"
    works.write(_grow)
    _weekly(works)
    assert len(_kept(smtp_sink)) == 2
    rows = [row for row in works.deliveries() if row.message_class == "system"]
    assert [(row.state, row.typed_address) for row in rows] == [(DeliveryState.ACCEPTED, None)] * 2
    assert (
        works.read(lambda session: session.scalars(select(Subscriber).where(Subscriber.email_key == BOX)).all()) == []
    )
    assert owner.post("/studio/settings/witness", {"witness_address": " "}).status_code in {302, 303}
    frozen_clock.shift(WEEK)
    works.write(_grow)
    _weekly(works)
    assert len(_kept(smtp_sink)) == 2


def test_one_that_did_not_arrive_goes_again_though_nothing_has_grown(
    works: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    def lost(session: Session, _house: Cafe) -> None:
        [row] = session.scalars(select(Delivery).where(Delivery.message_class == "system"))
        row.state = DeliveryState.FAILED

    works.write(_grow)
    works.write(lambda _session, house: organisation.choose_witness(house.organisation, BOX))
    _weekly(works)
    works.write(lost)
    _weekly(works)
    assert len(_kept(smtp_sink)) == 1
    frozen_clock.shift(WEEK)
    _weekly(works)
    assert len(_kept(smtp_sink)) == 2


@pytest.fixture(params=databases.chosen())
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A café with two people."""
    with machine(request.param, tmp_path / "here") as made:
        words = ("--name", "Café Kardemomme", "--address", "Havnegade 1", "--from", "hello@cafe.example")
        assert made.type("init", *words, "--witness", BOX, "--json").code == 0
        assert made.type("list", "create", "--name", "News", "--json").code == 0
        assert made.type("form", "create", "--list", "news", "--json").code == 0
        with made.working() as session:
            cafe.subscribe(session, the_cafe(session), "anna@guest.example")
        yield made


def test_a_note_newer_than_the_ledger_means_that_it_was_cut(here: Machine, tmp_path: Path) -> None:
    assert here.type("consent", "witness", "--json").json == {"witness": BOX}
    kept, older = tmp_path / "checkpoint.txt", tmp_path / "older.txt"
    with here.working() as session:
        owner = organisation.only_one(session)
        older.write_text(checkpoint.make(session, owner).note)
        size = ledger.size(session, owner.id)
        cafe.subscribe(session, the_cafe(session), "bo@guest.example")
        # As a mail program writes it.
        kept.write_bytes(checkpoint.make(session, owner).note.replace("\n", "\r\n").encode())
    whole = tmp_path / "ledger.zip"
    assert here.type("consent", "ledger", "--out", str(whole), "--json").code == 0
    assert verifier.main([str(whole), "--witness", str(kept)]) == 0
    said = here.type("consent", "verify", "--witness", str(kept), "--witness", str(older), "--json")
    assert (said.code, said.json["witnessed"], said.json["findings"]) == (0, 2, [])
    with here.working() as session:
        _cut(session, size)
    found = here.type("consent", "verify", "--json")
    assert found.json["true"], "whoever cuts everything leaves nothing here that shows it"
    found = here.type("consent", "verify", "--witness", str(kept), "--json")
    assert found.code == 5
    assert [row["code"] for row in found.json["findings"]] == ["truncated_tail"]
    assert here.type("consent", "verify", "--witness", str(older), "--json").code == 0
    forged = tmp_path / "forged.txt"
    forged.write_text(older.read_text().replace(f"\n{size}\n", f"\n{size - 1}\n"))
    found = here.type("consent", "verify", "--witness", str(forged), "--json")
    assert [row["code"] for row in found.json["findings"]] == ["bad_checkpoint"]
    assert here.type("consent", "witness", "--stop", "--json").json == {"witness": None}


def _cut(session: Session, size: int) -> None:
    """Take the end of the ledger away, and every trace of it on this machine."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    session.execute(text("DROP TRIGGER ledger_no_delete" if on_sqlite else "ALTER TABLE ledger DISABLE TRIGGER USER"))
    session.execute(text("DELETE FROM checkpoint WHERE size > :size"), {"size": size})
    session.execute(text("DELETE FROM ledger WHERE seq > :size"), {"size": size})
    last = session.scalars(select(ledger.LedgerRow).order_by(ledger.LedgerRow.seq.desc()).limit(1)).one()
    head = session.scalars(select(ledger.LedgerHead)).one()
    head.seq, head.hash, head.at = last.seq, last.hash, last.at
