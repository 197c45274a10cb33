"""How a question is answered: by the button of the mail or its six digits, or by "that was not me".

Looking at the link changes nothing; only ``confirm``, ``confirm_by_code`` and ``refuse``, all reached by POST, do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import confirmation, consent, jurisdiction, later_page, subscriber, subscription, suppression
from listkeeper.audience.confirmation import LIFETIME, AskKind, Confirmation
from listkeeper.audience.consent import Circumstances, ConsentEvent, EventKind, Method
from listkeeper.audience.guard import defence
from listkeeper.audience.guard.defence import Stage
from listkeeper.audience.proof import evidence
from listkeeper.audience.signup_form import ShownForm, SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock, outbox, signing, throttle
from listkeeper.foundation.outbox import Lane

GIVEN = "consent.given"
CODE_LIFETIME = timedelta(minutes=30)
CODE_TRIES = 5
NOT_ME_DAYS = 180


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


def confirm(session: Session, token: str, seen: Seen = NOTHING_SEEN, *, code: str = "") -> Answered:
    """Take the button's POST. A second one, or 20 at once, make one event.

    While its form is being abused, the digits of the mail are asked as well (``wants_code``): five tries.
    """
    asked = confirmation.find(session, token)
    if asked is None or asked.too_late:
        # A link that came too late and a forged one take the same time.
        return Answered(Answer.NO_EFFECT)
    if asked.used_at is None and wants_code(session, asked):
        _hold(session, asked)
        if not _counted(session, asked.id, clock.now() - LIFETIME) or not _fits(asked, code):
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
    waiting = _waiting_on(session, signing.digest(visit))
    fits = _fits(waiting, code)
    if fits:
        # Before the question's own row, as whoever writes down how its mail was taken does. A wrong code locks nobody:
        # that would take a moment longer where a question waits than where none does.
        subscriber.hold(session, waiting.subscriber_id)
    if not _counted(session, waiting.id, clock.now() - CODE_LIFETIME) or not fits:
        return Answered(Answer.WRONG_CODE)
    return _give(session, session.get_one(Confirmation, waiting.id), Method.CODE, seen)


def _counted(session: Session, number: int, oldest: datetime) -> bool:
    """Count a try on the code itself; False when it has had its tries, or is older than ``oldest``."""
    tried = update(Confirmation).where(
        Confirmation.id == number, Confirmation.code_tries < CODE_TRIES, Confirmation.created_at > oldest
    )
    counted = tried.values(code_tries=Confirmation.code_tries + 1).returning(Confirmation.id)
    return session.execute(counted).scalar_one_or_none() is not None


def _fits(waiting: Confirmation | _Waiting, code: str) -> bool:
    digits = "".join(char for char in code if char.isdigit())
    return signing.is_keyed_digest("code", f"{waiting.seed}:{digits}", waiting.code_digest)


class _Waiting(NamedTuple):
    """What of a question is needed to try a code on it: values alone, for reading a row takes longer than none."""

    id: int
    subscriber_id: int
    seed: str
    code_digest: str


# Where no question waits, the same is done with one that is nobody's and that no code fits.
_NONE_WAITS = _Waiting(0, 0, "0" * 32, "0" * 64)


def _waiting_on(session: Session, visit_digest: str) -> _Waiting:
    later = later_page.questions_on(visit_digest)
    query = select(
        Confirmation.id, Confirmation.subscriber_id, Confirmation.seed, Confirmation.code_digest, Confirmation.kind
    ).where((Confirmation.visit_digest == visit_digest) | Confirmation.id.in_(later))
    found = session.execute(query.order_by(Confirmation.id.desc()).limit(1)).first()
    return _Waiting(*found[:4]) if found is not None and found.kind is AskKind.CONFIRM else _NONE_WAITS


def _give(session: Session, asked: Confirmation, method: Method, seen: Seen) -> Answered:
    person = _hold(session, asked)
    found = [subscription.of(session, person.id, number) for number in confirmation.list_ids(session, asked)]
    current = [one for one in found if one is not None]
    confirmed = [one for one in current if one.state is SubscriptionState.CONFIRMED]
    if current and len(confirmed) == len(current) and asked.refused_at is None:
        return Answered(Answer.ALREADY_CONFIRMED, asked)
    wanted = [one for one in current if one not in confirmed and confirmation.may_answer(asked, one)]
    if not wanted or person.erased_at is not None:
        return Answered(Answer.NO_EFFECT, asked)
    asked.used_at = clock.now()
    shown = confirmation.shown_by(session, asked)
    complained = suppression.has_complained(session, person.organisation_id, person.suppression_key)
    for one in wanted:
        one.age_ok = asked.age_ok
        # A yes for each purpose, with an event and a text of its own.
        said = shown.chosen([one.list_id])
        _say_yes(session, person, one, said, method, _yes(asked, said, seen, after_complaint=complained))
    evidence.limit(session, person.subject_ref, None)
    return Answered(Answer.CONFIRMED, asked)


def _say_yes(  # noqa: PLR0913, PLR0917 - who, to what, by which act, under what
    session: Session, person: Subscriber, current: Subscription, shown: ShownForm, method: Method, under: Circumstances
) -> None:
    event = consent.record(session, person, current.list_id, EventKind.GIVEN, method, under)
    grant_basis(current, event)
    current.double_opt_in = True
    current.second_consent_event_id = event.id if shown.version.second_text_id else None
    current.first_use_deadline = _first_use(shown)
    current.snooze_until = current.valid_until = current.import_id = None
    subscription.move(current, SubscriptionState.CONFIRMED)
    scopes = suppression.marketing_scopes(current.list_id, shown.mailing_list.purpose)
    suppression.lift(
        session,
        person.organisation_id,
        person.suppression_key,
        scopes,
        suppression.LIFTED_BY_CONFIRMING,
        subject=person.subject_ref,
    )
    if event.ledger_id is not None:
        outbox.write(session, GIVEN, event.id, Lane.URGENT)


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


def grant_basis(current: Subscription, event: ConsentEvent) -> None:
    """Make the subscription cite the event that carries it; whoever says yes is heard of, and rests no longer."""
    subscription.wake(current)
    current.basis = Basis.CONSENT
    current.consent_event_id = event.id
    current.consent_text_id = event.consent_text_id
    current.ledger_seq = event.ledger_seq
    current.purpose = event.purpose


def refuse(session: Session, token: str) -> Answered:
    """Take the POST of "that was not me": no further confirmation mail for 180 days."""
    asked = confirmation.find(session, token)
    if asked is None or asked.kind is not AskKind.CONFIRM:
        return Answered(Answer.NO_EFFECT, asked)
    person = _hold(session, asked)
    if asked.used_at is not None:
        return Answered(Answer.NO_EFFECT, asked)
    if asked.refused_at is None:
        asked.refused_at = clock.now()
        under = Circumstances(form_version_id=asked.form_version_id, signup_id=asked.signup_id)
        for number in confirmation.list_ids(session, asked):
            consent.record(session, person, number, EventKind.REFUSED, Method.PAGE, under)
            current = subscription.of(session, person.id, number)
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
