"""A confirmation: the question "was that you?", answered by a button or a six-digit code.

Link and code are derived from a random seed with the key folder, so the mail
can be rendered later while the database holds only digests. Looking at the
link changes nothing; only ``confirm`` and ``refuse``, both reached by POST, do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience import consent, jurisdiction, later_page, signup_form, subscriber, subscription, suppression
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.guard import defence, mailbox
from listkeeper.audience.guard.defence import Stage
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.signup_form import ShownForm, SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock, columns, outbox, signing, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

if TYPE_CHECKING:
    from listkeeper.audience.consent import ConsentEvent

ASKED = "confirmation.asked"
GIVEN = "consent.given"
LIFETIME = timedelta(days=7)
CODE_LIFETIME = timedelta(minutes=30)
CODE_TRIES = 5
NOT_ME_DAYS = 180


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


@dataclass(frozen=True)
class Seen:
    """What the shell saw of the person who answers: evidence, never a rule."""

    network: str = ""
    browser: str = ""

    def as_evidence(self) -> dict[str, object]:
        """Return what goes into the vault."""
        return {"network": self.network, "browser": self.browser}


NOTHING_SEEN = Seen()


class Answer(StrEnum):
    """What an attempt to confirm came to."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    ALREADY_CONFIRMED = "already_confirmed"
    NO_EFFECT = "no_effect"
    WRONG_CODE = "wrong_code"


@dataclass(frozen=True)
class Answered:
    """The outcome, with the form to show it on (None when the token is nobody's)."""

    answer: Answer
    confirmation: Confirmation | None = None


@dataclass(frozen=True)
class Ask:
    """What the mail must be able to say later, and whose it is."""

    subscriber: Subscriber
    signup_id: int
    kind: AskKind
    brake_key: str
    visit_digest: str
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
        list_id=shown.mailing_list.id,
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
    """Return the form version, text, list and sender the person answers to."""
    return signup_form.describe(session, session.get_one(SignupFormVersion, confirmation.form_version_id))


def confirm(session: Session, token: str, seen: Seen = NOTHING_SEEN, *, code: str = "") -> Answered:
    """Take the button's POST. A second one, or 20 at once, make one event.

    While its form is being abused, the digits of the mail are asked as well (``wants_code``): five tries.
    """
    asked = find(session, token)
    if asked is None or asked.too_late:
        # A link that came too late and a forged one take the same time.
        return Answered(Answer.NO_EFFECT)
    if asked.used_at is None and wants_code(session, asked):
        _hold(session, asked)
        if not _counted(session, asked.id, clock.now() - LIFETIME) or not _is_code(asked, code):
            return Answered(Answer.WRONG_CODE, asked)
    return _give(session, asked, Method.BUTTON, seen)


def wants_code(session: Session, asked: Confirmation) -> bool:
    """Return whether the button alone is not enough now: something that opens links by itself would press it, too."""
    version = session.get_one(SignupFormVersion, asked.form_version_id)
    return defence.stage(session, version.form) in {Stage.CODE, Stage.PAUSED}


def confirm_by_code(session: Session, visit: str, code: str, seen: Seen = NOTHING_SEEN) -> Answered:
    """Take the code typed on the page that is still open; five tries, counted on the code itself."""
    # Counted for every page alike, so that the work tells nobody whether a mail went out for the address on it.
    throttle.allow(session, "code", visit, CODE_TRIES, CODE_LIFETIME)
    asked = _asked_on(session, signing.digest(visit))
    # Before the question's own row, as whoever writes down how its mail was taken does; asked also when she is nobody.
    subscriber.hold_all(session, select(Subscriber).where(Subscriber.id == (asked.subscriber_id if asked else 0)))
    number = asked.id if asked is not None and asked.kind is AskKind.CONFIRM else 0
    counted = _counted(session, number, clock.now() - CODE_LIFETIME)
    if asked is None or not counted or not _is_code(asked, code):
        return Answered(Answer.WRONG_CODE)
    return _give(session, asked, Method.CODE, seen)


def _counted(session: Session, number: int, oldest: datetime) -> bool:
    """Count a try on the code itself; False when it has had its tries, or is older than ``oldest``."""
    tried = update(Confirmation).where(
        Confirmation.id == number, Confirmation.code_tries < CODE_TRIES, Confirmation.created_at > oldest
    )
    counted = tried.values(code_tries=Confirmation.code_tries + 1).returning(Confirmation.id)
    return session.execute(counted).scalar_one_or_none() is not None


def _is_code(asked: Confirmation, code: str) -> bool:
    digits = "".join(char for char in code if char.isdigit())
    return signing.is_keyed_digest("code", f"{asked.seed}:{digits}", asked.code_digest)


def _asked_on(session: Session, visit_digest: str) -> Confirmation | None:
    later = later_page.questions_on(visit_digest)
    query = select(Confirmation).where((Confirmation.visit_digest == visit_digest) | Confirmation.id.in_(later))
    return session.scalars(query.order_by(Confirmation.id.desc()).limit(1)).first()


def open_later_page(session: Session, subscriber_id: int, list_id: int, visit_digest: str) -> None:
    """Let the newest live question to this person about this list be answered on another page as well."""
    query = select(Confirmation).where(Confirmation.subscriber_id == subscriber_id, Confirmation.list_id == list_id)
    asked = session.scalars(query.order_by(Confirmation.id.desc()).limit(1)).first()
    if asked is not None and asked.live:
        later_page.open_for(session, visit_digest, asked.id)


def _give(session: Session, asked: Confirmation, method: Method, seen: Seen) -> Answered:
    person = _hold(session, asked)
    current = subscription.of(session, person.id, asked.list_id)
    if current is not None and current.state is SubscriptionState.CONFIRMED and asked.refused_at is None:
        return Answered(Answer.ALREADY_CONFIRMED, asked)
    if current is None or person.erased_at is not None or not may_answer(asked, current):
        return Answered(Answer.NO_EFFECT, asked)
    asked.used_at = clock.now()
    shown = shown_by(session, asked)
    under = _yes(
        asked,
        shown,
        seen,
        after_complaint=suppression.has_complained(session, person.organisation_id, person.suppression_key),
    )
    event = consent.record(session, person, asked.list_id, EventKind.GIVEN, method, under)
    grant_basis(current, event)
    current.double_opt_in = True
    current.age_ok = asked.age_ok
    current.second_consent_event_id = event.id if shown.version.second_text_id else None
    current.first_use_deadline = _first_use(shown)
    current.snooze_until = current.valid_until = current.import_id = None
    subscription.move(current, SubscriptionState.CONFIRMED)
    scopes = suppression.marketing_scopes(asked.list_id, shown.mailing_list.purpose)
    suppression.lift(
        session,
        person.organisation_id,
        person.suppression_key,
        scopes,
        suppression.LIFTED_BY_CONFIRMING,
        subject=person.subject_ref,
    )
    evidence.limit(session, person.subject_ref, None)
    if event.ledger_id is not None:
        outbox.write(session, GIVEN, event.id, Lane.URGENT)
    return Answered(Answer.CONFIRMED, asked)


def _yes(asked: Confirmation, shown: ShownForm, seen: Seen, *, after_complaint: bool) -> Circumstances:
    second = shown.version.second_text
    details: dict[str, str | int] = {"asked_at": clock.in_milliseconds(asked.created_at)}
    if second is not None:
        details["second_text_sha256"] = second.sha256
    if after_complaint:
        # The page said so, and so did its button: she knew what she came back from.
        details["after_complaint"] = 1
    return Circumstances(
        shown.text.id,
        asked.form_version_id,
        asked.signup_id,
        basis=Basis.CONSENT.value,
        purpose=shown.text.purpose,
        details=details,
        evidence=seen.as_evidence(),
    )


def _first_use(shown: ShownForm) -> datetime | None:
    months = jurisdiction.profile(shown.mailing_list.jurisdiction, clock.now().date()).first_use_months
    return clock.months_later(clock.now(), months) if months else None


def _hold(session: Session, asked: Confirmation) -> Subscriber:
    """Lock the person, as the gate and a withdrawal do, and read the question again: others may have answered it."""
    (person,) = subscriber.hold_all(session, select(Subscriber).where(Subscriber.id == asked.subscriber_id))
    session.refresh(asked)
    return person


def may_answer(asked: Confirmation, current: Subscription) -> bool:
    """Whether this question can still be answered with yes.

    Who left, complained or said "not me" comes back by a new form only: a question
    from before that act still lies in the mailbox, but it asks no more.
    """
    if not asked.live or current.state is SubscriptionState.PENDING:
        return asked.live
    return asked.created_at >= current.since if asked.asked_seq is None else asked.asked_seq > current.turned_seq


def grant_basis(current: Subscription, event: ConsentEvent) -> None:
    """Make the subscription cite the event that carries it."""
    current.basis = Basis.CONSENT
    current.consent_event_id = event.id
    current.consent_text_id = event.consent_text_id
    current.ledger_seq = event.ledger_seq
    current.purpose = event.purpose


def refuse(session: Session, token: str) -> Answered:
    """Take the POST of "that was not me": no further confirmation mail for 180 days."""
    asked = find(session, token)
    if asked is None or asked.kind is not AskKind.CONFIRM:
        return Answered(Answer.NO_EFFECT, asked)
    person = _hold(session, asked)
    if asked.used_at is not None:
        return Answered(Answer.NO_EFFECT, asked)
    if asked.refused_at is None:
        asked.refused_at = clock.now()
        under = Circumstances(form_version_id=asked.form_version_id, signup_id=asked.signup_id)
        consent.record(session, person, asked.list_id, EventKind.REFUSED, Method.PAGE, under)
        current = subscription.of(session, person.id, asked.list_id)
        if current is not None and current.state is SubscriptionState.PENDING:
            subscription.move(current, SubscriptionState.REFUSED)
        suppression.add(
            session,
            person.organisation_id,
            person.suppression_key,
            scope=suppression.CONFIRMATIONS,
            reason=Reason.NOT_ME,
            until=clock.now() + timedelta(days=NOT_ME_DAYS),
            subject=person.subject_ref,
        )
    return Answered(Answer.REFUSED, asked)
