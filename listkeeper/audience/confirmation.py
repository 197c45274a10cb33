"""A confirmation: the question "was that you?", answered by a button or a six-digit code.

Link and code are derived from a random seed with the key folder, so the mail
can be rendered later while the database holds only digests. Looking at the
link changes nothing; only ``confirm`` and ``refuse``, both reached by POST, do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, Integer, String, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from listkeeper.audience import later_page, signup_form
from listkeeper.audience.gate_facts import Held
from listkeeper.audience.guard import mailbox
from listkeeper.audience.proof import ledger
from listkeeper.audience.signup_form import ShownForm, SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, columns, outbox, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

if TYPE_CHECKING:
    pass

ASKED = "confirmation.asked"
LIFETIME = timedelta(days=7)


class AskKind(StrEnum):
    """Which mail goes out: the question, or the note that the person is on the list already."""

    CONFIRM = "confirm"
    ALREADY = "already"


class Confirmation(Table):
    """One mail that asks (or tells), and what was answered."""

    __tablename__ = "confirmation"

    id: Mapped[int] = columns.row_id()
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("signup_form_version.id"))
    signup_id: Mapped[int] = mapped_column(columns.RowId, index=True)
    kind: Mapped[AskKind] = columns.enum(AskKind)
    seed: Mapped[str] = mapped_column(String(32))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    code_digest: Mapped[str] = mapped_column(String(64))
    code_tries: Mapped[int] = mapped_column(Integer, default=0)
    visit_digest: Mapped[str] = mapped_column(String(64), index=True)
    brake_key: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = columns.created_at()
    # How far the ledger had come: which of a question and a no came first is told by rows, not by clocks.
    asked_seq: Mapped[int | None] = mapped_column(BigInteger)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When the receiving server took the mail, and when it was asked once more.
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When a server said for good that there is no such mailbox.
    bounced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The box for the age, when the form had one.
    age_ok: Mapped[bool | None] = mapped_column()

    __table_args__ = (
        Index("ix_confirmation_brake_key", "brake_key", "created_at"),
        # What came of a form's last questions is asked every minute.
        Index("ix_confirmation_form_version", "form_version_id", "created_at"),
    )

    @property
    def too_late(self) -> bool:
        """Whether its time passed before anybody said yes."""
        return self.used_at is None and self.created_at + LIFETIME <= clock.now()

    @property
    def live(self) -> bool:
        """Whether the question can still be answered."""
        unanswered = self.used_at is None and self.refused_at is None
        return self.kind is AskKind.CONFIRM and unanswered and not self.too_late


class FurtherList(Table):
    """A list that one question asks about beside its own: somebody ticked more than one box."""

    __tablename__ = "confirmation_further_list"

    confirmation_id: Mapped[int] = mapped_column(ForeignKey("confirmation.id"), primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"), primary_key=True)


@dataclass(frozen=True)
class Ask:
    """What the mail must be able to say later, and whose it is; ``list_ids`` are those it asks about, in order."""

    subscriber: Subscriber
    signup_id: int
    kind: AskKind
    brake_key: str
    visit_digest: str
    list_ids: tuple[int, ...]
    age_ok: bool | None = None


def ask(session: Session, shown: ShownForm, asked: Ask) -> Confirmation:
    """Store the question and the fact that it waits to be mailed."""
    return ask_all(session, shown, [asked])[0]


# What becomes of questions at once, in place of a fact for each of them.
Tell = Callable[[Session, list[int]], object]


def ask_all(session: Session, shown: ShownForm, asked: Sequence[Ask], tell: Tell | None = None) -> list[Confirmation]:
    """Store the questions of several people about one form, in order; ``tell`` is told in this very transaction."""
    if not asked:
        return []
    size = ledger.size(session, shown.organisation.id)
    made = [_question(shown, one, size) for one in asked]
    session.add_all(made)
    mailbox.count_all(session, [one.brake_key for one in asked])
    session.flush()
    for row, one in zip(made, asked, strict=True):
        session.add_all(FurtherList(confirmation_id=row.id, list_id=number) for number in one.list_ids[1:])
    numbers = [one.id for one in made]
    if tell is None:
        outbox.write_all(session, ASKED, numbers, Lane.URGENT)
    else:
        tell(session, numbers)
    return made


def _question(shown: ShownForm, asked: Ask, size: int) -> Confirmation:
    seed = secrets.token_hex(16)
    return Confirmation(
        subscriber_id=asked.subscriber.id,
        list_id=asked.list_ids[0],
        form_version_id=shown.version.id,
        signup_id=asked.signup_id,
        kind=asked.kind,
        seed=seed,
        token_digest=signing.digest(_token(seed)),
        code_digest=signing.keyed_digest("code", f"{seed}:{_code(seed)}"),
        visit_digest=asked.visit_digest,
        brake_key=asked.brake_key,
        age_ok=asked.age_ok,
        asked_seq=size,
    )


def _token(seed: str) -> str:
    return signing.derived("confirmation", seed)


def _code(seed: str) -> str:
    return signing.derived_code("confirmation", seed)


def token_of(confirmation: Confirmation) -> str:
    """Return the secret of the link, made again from the key folder."""
    return signing.derived_as("confirmation", confirmation.seed, confirmation.token_digest)


def code_of(confirmation: Confirmation) -> str:
    """Return the six digits, made again from the key folder."""
    return signing.derived_code_as("confirmation", confirmation.seed, confirmation.code_digest)


def find(session: Session, token: str) -> Confirmation | None:
    """Return the confirmation of a link, whatever its state; changes nothing."""
    return session.scalars(select(Confirmation).where(Confirmation.token_digest == signing.digest(token))).first()


def shown_by(session: Session, confirmation: Confirmation) -> ShownForm:
    """Return the form version, sender, lists and texts the person answers to: of several, those she ticked."""
    return shown_by_each(session, [confirmation])[confirmation.id]


def shown_by_each(session: Session, confirmations: Iterable[Confirmation]) -> dict[int, ShownForm]:
    """Return the same for several questions by their numbers; a version that many answer to is read once."""
    versions: dict[int, ShownForm] = {}
    found = {}
    for asked in confirmations:
        number = asked.form_version_id
        if number not in versions:
            versions[number] = signup_form.describe(session, session.get_one(SignupFormVersion, number))
        shown = versions[number]
        found[asked.id] = shown.chosen(list_ids(session, asked)) if shown.further else shown
    return found


def list_ids(session: Session, confirmation: Confirmation) -> list[int]:
    """Return the lists that a question asks about."""
    further = select(FurtherList.list_id).where(FurtherList.confirmation_id == confirmation.id)
    return [confirmation.list_id, *session.scalars(further.order_by(FurtherList.list_id))]


def asks_about(list_id: int | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Return the condition that a question asks about a list, be it beside another."""
    beside = exists().where(FurtherList.confirmation_id == Confirmation.id, FurtherList.list_id == list_id)
    return (Confirmation.list_id == list_id) | beside


def open_later_page(session: Session, subscriber_id: int, list_ids: Collection[int], visit_digest: str) -> None:
    """Let the newest question to this person about any of these lists, if it is live, be answered on another page."""
    about = or_(*map(asks_about, list_ids))
    query = select(Confirmation).where(Confirmation.subscriber_id == subscriber_id, about)
    asked = session.scalars(query.order_by(Confirmation.id.desc()).limit(1)).first()
    if asked is not None and asked.live:
        later_page.open_for(session, visit_digest, asked.id)


def may_answer(asked: Confirmation, current: Subscription | Held) -> bool:
    """Whether this question can still be answered with yes.

    Who left, complained or said "not me" comes back by a new form only: a question
    from before that act still lies in the mailbox, but it asks no more.
    """
    if not asked.live or current.state is SubscriptionState.PENDING:
        return asked.live
    return asked.created_at >= current.since if asked.asked_seq is None else asked.asked_seq > current.turned_seq
