"""Bringing an archive back, in one transaction: the rows, what the journal remembers, and nothing sent twice.

Before the transaction ends nobody else sees any of it, so nothing can be sent
that the journal forbids. Mail that waited when the archive was made may have
left since: it is in doubt, listed, and never sent again blindly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.erasure import ForgetCopies
from listkeeper.audience.proof import checkpoint, journal_replay, ledger, ledger_audit, witness
from listkeeper.audience.proof.journal_replay import Replayed
from listkeeper.audience.proof.ledger_audit import Fault
from listkeeper.campaigns import feed_letter, schedule
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import archive_filling, clock, key_mark, keys, language, numbering
from listkeeper.foundation.archive_reading import Archive
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.table import Table
from listkeeper.sending import exporting, incident
from listkeeper.sending.delivery import OPEN, Delivery, DeliveryState
from listkeeper.sending.following import follow_up_steering
from listkeeper.sending.incident import IncidentKind

Tell = Callable[[int], None]


@dataclass(frozen=True)
class Places:
    """What of an instance lies outside its database, and how somebody who is erased again is forgotten there."""

    journal: Path
    media: Path
    practice: Path
    forget: ForgetCopies


@dataclass(frozen=True)
class Restored:
    """What came back, and what did not come back as it was."""

    rows: int
    in_doubt: int
    replayed: Replayed
    forked: tuple[str, ...]
    # What is false in the ledger that came back, in the words of `listkeeper consent verify`.
    faults: tuple[Fault, ...]


def require_its_keys(archive: Archive, folder: Path) -> None:
    """Open the key folder; raises Invalid unless it is the one that the archive was made with."""
    if any(folder.glob("master-*.key")):
        keys.open_folder(folder, may_make=False)
        if keys.fingerprint() == archive.key_fingerprint:
            return
    raise Invalid(
        "keys_missing",
        f"This archive belongs to another key folder than {folder}. Put the copy of its key folder in place first; "
        "nothing was changed.",
    )


def require_empty(session: Session) -> None:
    """Raise Conflict when the database already belongs to a business."""
    owner = organisation.maybe_one(session)
    if owner is not None:
        raise Conflict(
            "not_empty",
            f"This database already belongs to “{owner.legal_name}”. Nothing was changed; restore into an empty one: "
            "name another data folder with --data, or another LISTKEEPER_DATABASE_URL.",
        )


def restore(  # noqa: PLR0913 - what, where to, and who migrates
    session: Session,
    archive: Archive,
    places: Places,
    *,
    migrate_to: Callable[[Session, str], None],
    newest: str,
    tell: Tell = lambda _rows: None,
) -> Restored:
    """Fill the empty database in the caller's transaction; raises Invalid and leaves nothing behind.

    ``migrate_to`` brings the database to a revision: first to the archive's, then to ``newest``.
    """
    require_empty(session)
    connection = session.connection()
    archive_filling.empty(connection, [table.name for table in Table.metadata.sorted_tables])
    migrate_to(session, archive.revision)
    known = exporting.words() if archive.revision == newest else {}
    archive_filling.fill(connection, archive, fillers=exporting.FILLERS, words=known, tell=tell)
    migrate_to(session, newest)
    session.expire_all()
    numbering.leap(connection, Table.metadata.sorted_tables)
    key_mark.keep(session)
    faults = [fault for owner in _owners(session) for fault in ledger_audit.check(session, owner).faults]
    doubted = hold_what_waited(session)
    replayed = journal_replay.replay(session, places.journal, places.forget)
    return Restored(archive.rows, doubted, replayed, tuple(compare(session, places.journal)), tuple(faults))


def _owners(session: Session) -> list[Organisation]:
    return list(session.scalars(select(Organisation).order_by(Organisation.id)))


def hold_what_waited(session: Session) -> int:
    """Call in doubt whatever had not reached its end when the archive was made; return how many.

    A letter that was ordered may have left at its time since: it is a draft again, for its owner to look at.
    """
    for letter in session.scalars(select(Campaign).where(Campaign.state.in_(schedule.ORDERED))).all():
        schedule.take_back(session, letter)
        letter.halted = {"code": "restored"}
    feed_letter.hold_all(session)
    held = session.execute(
        update(Delivery)
        .where(Delivery.state.in_(OPEN))
        .values(
            state=DeliveryState.IN_DOUBT,
            worker=None,
            lease_until=None,
            settled_at=clock.now(),
            typed_address=None,
            reply_text="it waited when the restored archive was made, and may have left since",
        )
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    ).all()
    # Only now: what a follow-up takes back stays home for certain, and of these nobody knows it.
    follow_up_steering.hold_all(session)
    return len(held)


def compare(session: Session, journal: Path) -> list[str]:
    """Stop sending where the ledger is not the one that was witnessed or signed; return whose ledgers those are.

    Once they agree again, or the owner has accepted it, the incident is over.
    """
    false = {owner.id for owner in witness.forked(session, journal)}
    false |= {owner.id for owner in _owners(session) if checkpoint.is_contradicted(session, owner.id)}
    for number in sorted(false):
        ledger.mark_forked(session, number)
    session.flush()
    stopped = [owner.public_id for owner in witness.stopped(session)]
    if stopped:
        incident.report(session, IncidentKind.LEDGER_FORKED, words_of_fork(session))
    else:
        incident.over(session, IncidentKind.LEDGER_FORKED)
    return stopped


def words_of_fork(session: Session) -> str:
    """Say what happened and what to do."""
    if any(checkpoint.is_contradicted(session, owner.id) for owner in witness.stopped(session)):
        return language.text(
            "The ledger of consents is not the one that was signed: rows of it were changed or removed in the "
            "database. Nothing is sent, because nobody can say who agreed and who left. Restore a backup from before, "
            "or run `listkeeper restore --accept` to go on behind the last checkpoint that is still true."
        )
    return language.text(
        "This database is older than the journal beside it: a copy of it was put back. Nothing is sent, because nobody "
        "can say who left in the meantime. Run `listkeeper restore --accept` to apply the journal and go on."
    )


def accept(
    session: Session, places: Places, *, actor: str
) -> tuple[Replayed, list[tuple[Organisation, witness.Witness]]]:
    """Replay the journal and begin a new epoch of every forked ledger, by the owner's decision.

    The caller writes ``witness.accepted`` of each into the journal once this is committed.
    """
    compare(session, places.journal)
    stopped = witness.stopped(session)
    good = [(owner, witness.last_good(session, places.journal, owner)) for owner in stopped]
    if stopped:
        # What was written since may have been read by people whom this copy does not know.
        numbering.leap(session.connection(), Table.metadata.sorted_tables)
    replayed = journal_replay.replay(session, places.journal, places.forget)
    for owner, last in good:
        checkpoint.begin_epoch(session, owner, actor=actor, size=last.size, root=last.root)
    incident.over(session, IncidentKind.LEDGER_FORKED)
    return replayed, good
