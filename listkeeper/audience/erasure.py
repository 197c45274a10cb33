"""Erasure: everything about a person goes, and what keeps us from writing again stays (GDPR Art. 17).

The subscriber's row, her subscriptions, answers, signups, questions and links
are deleted, and the key of her evidence is destroyed. The ledger keeps its rows:
they hold a random reference and commitments that nobody can guess any more. A
keyed hash of the address stays on the suppression list, so that no import
brings her back. The journal outside the database remembers the reference, so
that a restored backup forgets her again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, delete, false, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience import posted_event, subscriber, suppression
from listkeeper.audience.access_link import AccessLink
from listkeeper.audience.access_wish import AccessWish
from listkeeper.audience.activity import Activity, LatestAct
from listkeeper.audience.address_change import AddressChange
from listkeeper.audience.confirmation import Confirmation, FurtherList
from listkeeper.audience.importing import undo
from listkeeper.audience.later_page import LaterPage
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import columns, outbox
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

ERASED = "subscriber.erased"
# What other chapters and the disk hold of a person; the shells know them (``sending.traces``).
ForgetCopies = Callable[[Session, Subscriber], None]


class Erasure(Table):
    """That somebody was erased, by a reference that points at nobody; never deleted."""

    __tablename__ = "erasure"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    subject_ref: Mapped[str] = mapped_column(String(32), unique=True)
    ledger_seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = columns.created_at()
    # Done only once the journal has it: then no restored backup brings her back.
    journaled: Mapped[bool] = mapped_column(default=False, server_default=false())
    # She wanted not even the keyed hash to stay; here it waits to be struck from the journal, and no longer.
    even_the_hash: Mapped[bool] = mapped_column(default=False, server_default=false())
    key: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index(
            "ix_erasure_not_journaled", "id", postgresql_where=journaled.is_(False), sqlite_where=journaled.is_(False)
        ),
    )


def erase(
    session: Session, subscriber_id: int, *, actor: str, forget_copies: ForgetCopies, even_the_hash: bool = False
) -> Erasure | None:
    """Erase a person in the caller's transaction; None when there is nobody (any more).

    ``forget_copies`` removes what other chapters and the practice inbox hold
    of her. It is called before she is locked, because a worker who hands her
    mail over takes the delivery first and then her, and once more after that
    for what was planned in between. With ``even_the_hash`` not even the keyed
    hash stays: then she can be written to again if she, or anybody with her
    address, signs up.
    """
    known = session.get(Subscriber, subscriber_id, populate_existing=True)
    if known is None:
        return None
    forget_copies(session, known)
    person = subscriber.hold(session, subscriber_id, to_delete=True)
    if person is None:
        return None
    forget_copies(session, person)
    made = _write_down(session, person, actor)
    made.even_the_hash, made.key = even_the_hash, person.suppression_key if even_the_hash else None
    _forget(session, person, even_the_hash=even_the_hash)
    outbox.write(session, ERASED, made.id, Lane.URGENT)
    return made


def _write_down(session: Session, person: Subscriber, actor: str) -> Erasure:
    told = Event(EventType.ERASED, subject=person.subject_ref, actor=actor)
    seq = ledger.append(session, person.organisation_id, [told])[-1].seq
    made = Erasure(organisation_id=person.organisation_id, subject_ref=person.subject_ref, ledger_seq=seq)
    session.add(made)
    session.flush()
    return made


def _forget(session: Session, person: Subscriber, *, even_the_hash: bool) -> None:
    organisation_id, key, number = person.organisation_id, person.suppression_key, person.id
    if even_the_hash:
        # Without the hash nothing remembers who she is; what she objected to is gone with her.
        session.execute(
            delete(Suppression).where(Suppression.organisation_id == organisation_id, Suppression.key == key)
        )
        undo.forget_key(session, person.subject_ref)
    else:
        suppression.add(session, organisation_id, key, scope=suppression.ALL, reason=Reason.ERASURE)
    evidence.destroy(session, person.subject_ref)
    posted_event.forget(session, number)
    asked = select(Confirmation.id).where(Confirmation.subscriber_id == number)
    steps = (
        delete(LaterPage).where(LaterPage.confirmation_id.in_(asked)),
        delete(FurtherList).where(FurtherList.confirmation_id.in_(asked)),
        delete(Confirmation).where(Confirmation.subscriber_id == number),
        delete(Signup).where((Signup.subscriber_id == number) | (func.lower(Signup.email_send) == person.email_key)),
        delete(AccessLink).where(AccessLink.subscriber_id == number),
        delete(AccessWish).where(AccessWish.email_key == person.email_key),
        delete(AddressChange).where(AddressChange.subscriber_id == number),
        delete(ProfileAnswer).where(ProfileAnswer.subscriber_id == number),
        delete(Activity).where(Activity.subscriber_id == number),
        delete(LatestAct).where(LatestAct.subscriber_id == number),
        delete(Subscription).where(Subscription.subscriber_id == number),
        delete(Subscriber).where(Subscriber.id == number),
    )
    for step in steps:
        session.execute(step, execution_options={"synchronize_session": False})
    session.expire_all()


def erase_again(
    session: Session,
    organisation_id: int,
    subject_ref: str,
    forget_copies: ForgetCopies,
    *,
    even_the_hash: bool = False,
) -> bool:
    """Erase somebody whom a restored backup has brought back; False when there is nobody of that reference."""
    query = select(Subscriber.id).where(
        Subscriber.organisation_id == organisation_id, Subscriber.subject_ref == subject_ref
    )
    number = session.scalar(query)
    if number is None:
        evidence.destroy(session, subject_ref)
        return False
    erase(session, number, actor="journal", forget_copies=forget_copies, even_the_hash=even_the_hash)
    return True


def is_done(session: Session, erasure_id: int) -> bool:
    """Return whether an erasure is also in the journal, so that it outlives any backup."""
    return bool(session.scalar(select(Erasure.journaled).where(Erasure.id == erasure_id)))


def mark_journaled(session: Session, ids: list[int]) -> None:
    """Note that these erasures are in the journal."""
    session.execute(update(Erasure).where(Erasure.id.in_(ids)).values(journaled=True))
