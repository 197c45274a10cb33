"""A signup: one post of one form, stored before anything is decided about it.

The page answers the same whoever the address belongs to; a job decides later.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from sqlalchemy import ForeignKey, String, UniqueConstraint, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from listkeeper.audience import confirmation, consent, signup_form, source, subscriber, subscription
from listkeeper.audience.confirmation import Ask, AskKind, Tell
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.forms import form_boxes
from listkeeper.audience.guard import address_check, first_look, judging, mailbox
from listkeeper.audience.guard.defence import Stage
from listkeeper.audience.guard.first_look import Look, Post, Step
from listkeeper.audience.guard.judging import Verdict
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.signup_form import ShownForm, SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.deliverability import mail_host
from listkeeper.foundation import clock, columns, language, outbox, signing
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
    NO_MAIL = "no_mail"


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
    # The site that the person came from to the form, as an origin; ``origin`` is the page that posted.
    referrer: Mapped[str | None] = mapped_column(String(_PLACE_LIMIT))
    utm: Mapped[dict[str, str]] = mapped_column(columns.Json, default=dict)
    network: Mapped[str | None] = mapped_column(String(64))
    browser: Mapped[str | None] = mapped_column(String(_PLACE_LIMIT))
    decision: Mapped[SignupDecision] = columns.enum(SignupDecision, default=SignupDecision.WAITING)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"), index=True)
    received_at: Mapped[datetime] = columns.created_at()
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    age_ok: Mapped[bool | None] = mapped_column()
    # What made it look like a machine's, and what it did about it.
    marks: Mapped[list[str]] = mapped_column(columns.Json, default=list, server_default="[]")
    # Which of the form's shapes was used, and in which app's own browser.
    shape: Mapped[str | None] = mapped_column(String(20))
    in_app: Mapped[str | None] = mapped_column(String(20))
    # The lists whose boxes were ticked; None where the button was the act.
    list_ids: Mapped[list[int] | None] = mapped_column(columns.Json)

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
    # The ticket of the page it was posted from, and the one more step, if one was taken: by work or by a press.
    ticket: str | None = None
    work: str = ""
    step: str = ""
    # Where the words were shown: on our own page or frame, or on a page of somebody else's.
    shape: str | None = None
    # The boxes some forms have: one for each purpose by its name, the separate consent, and the stated age.
    ticked: Collection[str] = ()
    second_consent: bool = False
    age_stated: bool = False
    # Who carried it here, when it was not the person's own browser.
    actor: str = "subscriber"
    # The site that led to the form.
    referrer: str | None = None


@dataclass(frozen=True)
class SignupReceipt:
    """What the page gets back: a secret that binds the code field to this signup, or one more step to ask for."""

    visit: str
    step: Step | None = None


@dataclass(frozen=True)
class Wish:
    """A post that has been read: whose address, by which form, and the two names under which it will be stored."""

    shown: ShownForm
    parsed: address.Address
    visit: Visit
    stage: Stage
    key: str
    secret: str
    # The lists whose boxes were ticked; None where the button is the act.
    list_ids: list[int] | None = None


def read(session: Session, shown: ShownForm, typed: str, visit: Visit, *, carries_smtputf8: bool = False) -> Wish:
    """Look at a post; nothing is stored, so that nobody who writes is kept waiting.

    Raises Invalid with a friendly sentence when ``typed`` is no address, or none that takes mail, and while
    the form takes nothing. In every other case the answer is the same, whoever the address belongs to.
    """
    parsed = address.parse(typed)
    if parsed.needs_smtputf8 and not carries_smtputf8:
        raise Invalid(
            "address_not_ascii",
            language.text("We cannot write to addresses with such letters before the @ yet. Do you have another one?"),
        )
    address_check.refuse(session, parsed)
    chosen = form_boxes.ticked(shown, visit.ticked)
    form_boxes.refuse_without(shown, second=visit.second_consent, age=visit.age_stated)
    key = _cut(visit.idempotency_key, _KEY_LIMIT) or secrets.token_hex(16)
    secret = signing.derived("visit", f"{shown.version.id}:{key}:{parsed.key}")
    return Wish(shown, parsed, visit, first_look.stage_of(session, shown), key, secret, chosen)


def store(session: Session, wish: Wish, limits: Limits) -> SignupReceipt:
    """Store a post and leave the rest to a job, or say which step a risky one lacks; then nothing is stored."""
    shown, parsed = wish.shown, wish.parsed
    if _stands(session, wish):
        # The same post again (a retry on a bad line): the first one stands.
        return SignupReceipt(wish.secret)
    post = _as_post(wish.visit)
    seen = first_look.look(session, shown, parsed, post, limits, wish.stage)
    if seen.verdict is first_look.Verdict.STEP:
        # Posted twice at once, the second one finds its ticket used by the first.
        if _stands(session, wish):
            return SignupReceipt(wish.secret)
        return SignupReceipt("", first_look.step(shown, parsed, post, limits))
    row = _row(wish, seen)
    number = session.connection().execute(_storing(session.get_bind().dialect.name), row).scalar_one_or_none()
    if number is not None and row["decision"] is SignupDecision.WAITING:
        outbox.write(session, RECEIVED, number, Lane.URGENT)
    return SignupReceipt(wish.secret)


def receive(  # noqa: PLR0913 - one post, and what our mail server can carry
    session: Session, shown: ShownForm, typed: str, visit: Visit, limits: Limits, *, carries_smtputf8: bool = False
) -> SignupReceipt:
    """Read a post and store it (``read``, ``store``)."""
    return store(session, read(session, shown, typed, visit, carries_smtputf8=carries_smtputf8), limits)


@cache
def _storing(dialect: str) -> ReturningInsert[int]:
    """Return the statement that stores a post; one that stands already is left as it is, and no number comes back."""
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    return insert(Signup).on_conflict_do_nothing().returning(Signup.id)


def _cut(value: str | None, limit: int) -> str | None:
    # PostgreSQL stores no NUL, and nothing a stranger sends may break the post.
    return "".join(char for char in value if char.isprintable())[:limit] or None if value else None


def _row(wish: Wish, seen: Look) -> dict[str, object]:
    shown, parsed, visit = wish.shown, wish.parsed, wish.visit
    return {
        "form_version_id": shown.version.id,
        "email_send": parsed.send,
        "visit_digest": signing.digest(wish.secret),
        "idempotency_key": wish.key,
        "source": _cut(visit.source, 80),
        "origin": _cut(visit.origin, _PLACE_LIMIT),
        "referrer": _cut(visit.referrer, _PLACE_LIMIT),
        "utm": {name: said for name in _UTM if (said := _cut(visit.utm.get(name), _PLACE_LIMIT))},
        "network": _cut(visit.network, 64),
        "browser": _cut(visit.browser, _PLACE_LIMIT),
        "decision": _first_decision(seen),
        "marks": [mark.value for mark in seen.marks],
        "age_ok": True if shown.version.least_age else None,
        "shape": _cut(visit.shape, 20),
        "in_app": in_app_browser.name_of(visit.browser),
        **({"list_ids": wish.list_ids} if wish.list_ids is not None else {}),
    }


_STANDING = select(Signup.id).where(
    Signup.form_version_id == bindparam("version"), Signup.idempotency_key == bindparam("key")
)


def _stands(session: Session, wish: Wish) -> bool:
    about = {"version": wish.shown.version.id, "key": wish.key}
    return session.connection().scalar(_STANDING, about) is not None


def _as_post(visit: Visit) -> Post:
    return Post(
        network=visit.network,
        browser=visit.browser,
        origin=visit.origin,
        trap=visit.trap,
        ticket=visit.ticket,
        work=visit.work,
        step=visit.step,
        actor=visit.actor,
    )


def _first_decision(seen: Look) -> SignupDecision:
    match seen.verdict:
        case first_look.Verdict.TRAPPED:
            return SignupDecision.TRAPPED
        case first_look.Verdict.BRAKED:
            return SignupDecision.BRAKED
        case _:
            return SignupDecision.WAITING


def unknown_domains(session: Session, ids: Iterable[int]) -> set[str]:
    """Return the mail domains of stored signups that the DNS was not asked about; the job does so, and then decides."""
    query = select(Signup.email_send).where(Signup.id.in_(list(ids)), Signup.decision == SignupDecision.WAITING)
    return mail_host.unknown(session, {typed.rpartition("@")[2] for typed in session.scalars(query)})


def decide(session: Session, signup_id: int, limits: Limits) -> SignupDecision:
    """Decide about one stored signup; deciding twice changes nothing."""
    decide_all(session, [signup_id], limits)
    return session.get_one(Signup, signup_id).decision


def decide_all(session: Session, ids: Iterable[int], limits: Limits, tell: Tell | None = None) -> None:
    """Decide about stored signups together, oldest first; deciding twice changes nothing.

    ``tell`` is told at once of the questions this led to, where it is given; otherwise each is a fact.
    """
    query = select(Signup).where(Signup.id.in_(list(ids)), Signup.decision == SignupDecision.WAITING)
    rows = session.scalars(query.order_by(Signup.id).with_for_update().execution_options(populate_existing=True)).all()
    addresses = {row.id: address.parse(row.email_send) for row in rows}
    # All turns before the first decision, and in one order: two workers must not wait for each other.
    mailbox.take_turns(session, [mailbox.brake_key(parsed) for parsed in addresses.values()])
    by_version: dict[int, list[Signup]] = {}
    for row in rows:
        by_version.setdefault(row.form_version_id, []).append(row)
    for number, of_it in by_version.items():
        shown = signup_form.describe(session, session.get_one(SignupFormVersion, number))
        _decide(session, shown, of_it, addresses, limits, tell)
    session.flush()


_BECOMES = {
    Verdict.SUPPRESSED: SignupDecision.SUPPRESSED,
    Verdict.NO_MAIL: SignupDecision.NO_MAIL,
    Verdict.BRAKED: SignupDecision.BRAKED,
}


def _decide(  # noqa: PLR0913, PLR0917 - of which form, which posts, by which brakes
    session: Session,
    shown: ShownForm,
    rows: list[Signup],
    addresses: dict[int, address.Address],
    limits: Limits,
    tell: Tell | None,
) -> None:
    verdicts = judging.judge_all(session, shown.organisation, [addresses[row.id] for row in rows], limits)
    asked = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict is Verdict.ASK]
    _ask(session, shown, asked, addresses, tell)
    for row, verdict in zip(rows, verdicts, strict=True):
        row.decided_at = clock.now()
        if verdict is not Verdict.ASK:
            row.decision = _BECOMES[verdict]
        if verdict is Verdict.BRAKED:
            _wait_for_earlier_mail(session, row, shown, addresses[row.id])
        _empty(row)


def _evidence(row: Signup) -> dict[str, object]:
    """Return what the vault keeps of a post: how it was typed, from where, on which page."""
    return {name: said for name, said in (("shape", row.shape), ("in_app", row.in_app)) if said} | {
        "address": row.email_send,
        "received_at": clock.in_milliseconds(row.received_at),
        "network": row.network or "",
        "browser": row.browser or "",
        "origin": row.origin or "",
        "referrer": row.referrer or "",
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
        confirmation.open_later_page(session, person.id, _lists(shown, row), row.visit_digest)


def _lists(shown: ShownForm, row: Signup) -> list[int]:
    """Return the lists that somebody signed up to: whose boxes she ticked, or the form's own."""
    return row.list_ids or [shown.mailing_list.id]


def _ask(
    session: Session, shown: ShownForm, rows: list[Signup], addresses: dict[int, address.Address], tell: Tell | None
) -> None:
    """Ask the people of these posts, or tell those on the list already that they are."""
    if not rows:
        return
    typed = [addresses[row.id] for row in rows]
    people = subscriber.ensure_all(session, shown.organisation, typed, shown.form.language)
    texts = {offer.mailing_list.id: offer.text.id for offer in shown.purposes}
    joining: dict[int, list[Subscriber]] = {}
    for row in rows:
        for number in _lists(shown, row):
            joining.setdefault(number, []).append(people[addresses[row.id].key])
    current = subscription.begin_each(session, joining)
    new: dict[int, list[tuple[Subscriber, Circumstances]]] = {}
    asks = []
    for row in rows:
        person = people[addresses[row.id].key]
        held = {number: current[number, person.id] for number in _lists(shown, row)}
        waiting = [number for number, one in held.items() if one.state is not SubscriptionState.CONFIRMED]
        row.subscriber_id = person.id
        for one in held.values():
            source.touch(session, one, row.id, row.source)
        row.decision = SignupDecision.ASKED if waiting else SignupDecision.ALREADY_SUBSCRIBED
        for number in waiting:
            new.setdefault(number, []).append((person, _circumstances(texts[number], shown, row)))
        asks.append(
            Ask(
                person,
                row.id,
                AskKind.CONFIRM if waiting else AskKind.ALREADY,
                mailbox.brake_key(addresses[row.id]),
                row.visit_digest,
                tuple(waiting or held),
                row.age_ok,
            )
        )
    for number, of_it in new.items():
        consent.record_all(session, number, EventKind.REQUESTED, Method.FORM, of_it)
    confirmation.ask_all(session, shown, asks, tell)


def _circumstances(text_id: int, shown: ShownForm, row: Signup) -> Circumstances:
    return Circumstances(text_id, shown.version.id, row.id, at=row.received_at, evidence=_evidence(row))
