"""A signup: one post of one form, stored before anything is decided about it.

The page answers the same whoever the address belongs to; a job decides later.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import confirmation, consent, signup_form, signup_guard, subscriber, subscription
from listkeeper.audience.confirmation import AskKind
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.signup_form import ShownForm, SignupFormVersion
from listkeeper.audience.signup_guard import Limits, Verdict
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock, columns, language, outbox, signing, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.standards import address, in_app_browser

RECEIVED = "signup.received"
_KEY_LIMIT = 120
_PLACE_LIMIT = 300
_KEPT = timedelta(days=30)
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


class SignupDecision(StrEnum):
    """What became of a post."""

    WAITING = "waiting"
    ASKED = "asked"
    ALREADY_SUBSCRIBED = "already_subscribed"
    BRAKED = "braked"
    SUPPRESSED = "suppressed"
    TRAPPED = "trapped"


class Signup(Table):
    """One post, with what is needed to prove where and how it happened."""

    __tablename__ = "signup"

    id: Mapped[int] = columns.row_id()
    form_version_id: Mapped[int] = mapped_column(ForeignKey("signup_form_version.id"), index=True)
    email_send: Mapped[str] = mapped_column(String(320))
    visit_digest: Mapped[str] = mapped_column(String(64), unique=True)
    idempotency_key: Mapped[str] = mapped_column(String(_KEY_LIMIT))
    source: Mapped[str | None] = mapped_column(String(80))
    origin: Mapped[str | None] = mapped_column(String(_PLACE_LIMIT))
    utm: Mapped[dict[str, str]] = mapped_column(columns.Json, default=dict)
    network: Mapped[str | None] = mapped_column(String(64))
    browser: Mapped[str | None] = mapped_column(String(_PLACE_LIMIT))
    decision: Mapped[SignupDecision] = columns.enum(SignupDecision, default=SignupDecision.WAITING)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"), index=True)
    received_at: Mapped[datetime] = columns.created_at()
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    age_ok: Mapped[bool | None] = mapped_column()
    # Which of the form's shapes was used, and in which app's own browser.
    shape: Mapped[str | None] = mapped_column(String(20))
    in_app: Mapped[str | None] = mapped_column(String(20))

    __table_args__ = (UniqueConstraint("form_version_id", "idempotency_key"),)


@dataclass(frozen=True)
class Visit:
    """What the shell knows of a post besides the address."""

    network: str | None = None
    browser: str | None = None
    origin: str | None = None
    source: str | None = None
    utm: dict[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    trap: str = ""
    # Where the words were shown: on our own page or frame, or on a page of somebody else's.
    shape: str | None = None
    # The boxes some forms have: the separate consent, and the stated age.
    second_consent: bool = False
    age_stated: bool = False
    # Who carried it here, when it was not the person's own browser.
    actor: str = "subscriber"


@dataclass(frozen=True)
class SignupReceipt:
    """What the page gets back: a secret that binds the code field to this signup."""

    visit: str


def receive(session: Session, shown: ShownForm, typed: str, visit: Visit, limits: Limits) -> SignupReceipt:
    """Store a post and leave the rest to a job.

    Raises Invalid with a friendly sentence when ``typed`` is no address. In
    every other case the answer is the same, whoever the address belongs to.
    """
    parsed = address.parse(typed)
    if parsed.needs_smtputf8:
        raise Invalid(
            "address_not_ascii",
            language.text("We cannot write to addresses with such letters before the @ yet. Do you have another one?"),
        )
    _refuse_without_boxes(shown, visit)
    key = _cut(visit.idempotency_key, _KEY_LIMIT) or secrets.token_hex(16)
    secret = signing.derived("visit", f"{shown.version.id}:{key}:{parsed.key}")
    row = Signup(
        form_version_id=shown.version.id,
        email_send=parsed.send,
        visit_digest=signing.digest(secret),
        idempotency_key=key,
        source=_cut(visit.source, 80),
        origin=_cut(visit.origin, _PLACE_LIMIT),
        utm={name: said for name in _UTM if (said := _cut(visit.utm.get(name), _PLACE_LIMIT))},
        network=_cut(visit.network, 64),
        browser=_cut(visit.browser, _PLACE_LIMIT),
        decision=_first_look(session, visit, limits),
        age_ok=True if shown.version.least_age else None,
        shape=_cut(visit.shape, 20),
        in_app=in_app_browser.name_of(visit.browser),
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # The same post again (a retry on a bad line): the first one stands.
        return SignupReceipt(secret)
    if row.decision is SignupDecision.WAITING:
        outbox.write(session, RECEIVED, row.id, Lane.URGENT)
    return SignupReceipt(secret)


def _refuse_without_boxes(shown: ShownForm, visit: Visit) -> None:
    if shown.version.second_text_id is not None and not visit.second_consent:
        raise Invalid("second_consent_missing", language.text("Please tick the box about your personal data as well."))
    if shown.version.least_age and not visit.age_stated:
        raise Invalid(
            "age_missing",
            language.text("Please tick the box that says you are %(age)s or older.", age=shown.version.least_age),
        )


def _cut(value: str | None, limit: int) -> str | None:
    # PostgreSQL stores no NUL, and nothing a stranger sends may break the post.
    return "".join(char for char in value if char.isprintable())[:limit] or None if value else None


def _first_look(session: Session, visit: Visit, limits: Limits) -> SignupDecision:
    if visit.trap:
        return SignupDecision.TRAPPED
    network = visit.network or "unknown"
    if not throttle.allow(session, "signup", network, limits.signups_per_hour, timedelta(hours=1)):
        return SignupDecision.BRAKED
    return SignupDecision.WAITING


def decide(session: Session, signup_id: int, limits: Limits) -> SignupDecision:
    """Decide about one stored signup; deciding twice changes nothing."""
    row = session.scalars(select(Signup).where(Signup.id == signup_id).with_for_update()).one()
    if row.decision is not SignupDecision.WAITING:
        return row.decision
    shown = signup_form.describe(session, session.get_one(SignupFormVersion, row.form_version_id))
    parsed = address.parse(row.email_send)
    row.decided_at = clock.now()
    match signup_guard.judge(session, shown.organisation, parsed, limits):
        case Verdict.SUPPRESSED:
            row.decision = SignupDecision.SUPPRESSED
        case Verdict.BRAKED:
            row.decision = SignupDecision.BRAKED
            _wait_for_earlier_mail(session, row, shown, parsed)
        case Verdict.ASK:
            row.decision = _ask(session, row, shown, shown.organisation, parsed)
    _empty(row)
    return row.decision


def _evidence(row: Signup) -> dict[str, object]:
    """Return what the vault keeps of a post: how it was typed, from where, on which page."""
    return {name: said for name, said in (("shape", row.shape), ("in_app", row.in_app)) if said} | {
        "address": row.email_send,
        "received_at": clock.in_milliseconds(row.received_at),
        "network": row.network or "",
        "browser": row.browser or "",
        "origin": row.origin or "",
        "source": row.source or "",
        "utm": dict(sorted(row.utm.items())),
    }


def _empty(row: Signup) -> None:
    """Keep of a decided post what was decided, no more: what proves it lies in the vault by now."""
    row.email_send = ""
    row.network = row.browser = None


def forget_past(session: Session) -> None:
    """Delete posts older than 30 days that became nothing; the timetable calls this."""
    old = delete(Signup).where(Signup.subscriber_id.is_(None), Signup.received_at < clock.now() - _KEPT)
    session.execute(old)


def _wait_for_earlier_mail(session: Session, row: Signup, shown: ShownForm, parsed: address.Address) -> None:
    """Let the code of the mail that went out before be typed into this page: no second mail will come."""
    person = subscriber.with_address(session, shown.organisation.id, parsed.key)
    if person is not None:
        confirmation.open_later_page(session, person.id, shown.mailing_list.id, row.visit_digest)


def _ask(
    session: Session, row: Signup, shown: ShownForm, organisation: Organisation, parsed: address.Address
) -> SignupDecision:
    person = subscriber.ensure(session, organisation, parsed, shown.form.language)
    row.subscriber_id = person.id
    current = subscription.begin(session, person, shown.mailing_list)
    already = current.state is SubscriptionState.CONFIRMED
    if not already:
        consent.record(
            session,
            person,
            shown.mailing_list.id,
            EventKind.REQUESTED,
            Method.FORM,
            Circumstances(shown.text.id, shown.version.id, row.id, at=row.received_at, evidence=_evidence(row)),
        )
    confirmation.ask(
        session,
        person,
        shown,
        signup_id=row.id,
        kind=AskKind.ALREADY if already else AskKind.CONFIRM,
        brake_key=signup_guard.brake_key(parsed),
        visit_digest=row.visit_digest,
        age_ok=row.age_ok,
    )
    return SignupDecision.ALREADY_SUBSCRIBED if already else SignupDecision.ASKED
