"""Mails about a subscription are no advertising: read by the linter as they leave, in every language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import (
    access_link,
    address_change,
    answering,
    confirmation,
    question_mail,
    signup,
    signup_form,
    subscription,
)
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.guard import defence
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.signup import Signup, Visit
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import language, signing
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.rendering import taken_apart
from listkeeper.rendering.mails import confirmation_mail
from listkeeper.rendering.words import doi_lint
from listkeeper.rendering.words.doi_lint import Published
from listkeeper.sending import batch, composing, house, incident, notices, question_lint
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import Incident, IncidentKind
from tests.makers import cafe
from tests.makers.cafe import NO_BRAKES, Cafe

SITE = "https://mail.cafe.example"
HER, NEW = "zuzanna@people.example", "zuzanna@new.example"
# Words that stand nowhere but in what a visitor sent.
CANARY = ("kanarienvogel", "buy-cheap-canaries", "canary-campaign")
# What makes a mail advertising, whatever else it is.
PROMOTION = {
    "picture", "tracking", "social_link", "welcome_words", "offer_words", "price_words", "support_words",
    "social_words", "promotional_footer", "typed_text",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _unread() -> Iterator[None]:
    """Let every test read its mails itself."""
    question_lint._read.clear()  # noqa: SLF001 - what one process has read already
    yield
    question_lint._read.clear()  # noqa: SLF001 - the same


def _cafe(session: Session, spoken: str) -> Cafe:
    return cafe.found(session, spoken=spoken, list_name="Nyt & mere")


def _asked(session: Session, made: Cafe) -> Confirmation:
    """Sign up with words that must not come back."""
    shown = signup_form.shown(session, made.form.slug)
    visit = Visit(network="192.0.2.1", source=CANARY[1], utm={"utm_campaign": CANARY[2], "utm_content": CANARY[0]})
    receipt = signup.receive(session, shown, HER, visit, NO_BRAKES)
    row = session.scalars(select(Signup).where(Signup.visit_digest == signing.digest(receipt.visit))).one()
    signup.decide(session, row.id, NO_BRAKES)
    session.flush()
    return session.scalars(select(Confirmation)).one()


def _delivery(session: Session, made: Cafe, asked: Confirmation, number: int = 1) -> Delivery:
    row = Delivery(
        organisation_id=made.organisation.id,
        message_class=MessageClass.DOI,
        lane=Lane.URGENT,
        list_id=made.mailing_list.id,
        subscriber_id=asked.subscriber_id,
        confirmation_id=asked.id,
        occasion=question_mail.occasion(asked, number),
    )
    session.add(row)
    session.flush()
    return row


def _published(made: Cafe, session: Session) -> Published:
    shown = signup_form.shown(session, made.form.slug)
    owner = made.organisation
    return Published(
        shown.agreed_to, made.mailing_list.name, owner.legal_name, owner.postal_address, owner.from_name,
        owner.from_address,
    )  # fmt: skip


@pytest.mark.parametrize("spoken", language.LANGUAGES)
@pytest.mark.parametrize("number", [1, 2])
def test_the_question_and_its_reminder_hold_nothing_but_the_question(
    session: Session, spoken: str, number: int
) -> None:
    made = _cafe(session, spoken)
    asked = _asked(session, made)
    ours = house.of(session, made.organisation.id, SITE)
    row = _delivery(session, made, asked, number)
    if number > 1:
        _delivery(session, made, asked, 1).message_id = "<first@cafe.example>"
        session.flush()
    prepared = notices.prepare(session, row, ours)
    assert prepared.lint == question_lint.CLEAN
    raw = prepared.compose(HER)
    assert doi_lint.check(raw, typed=(HER, *CANARY), site=SITE, published=_published(made, session)) == []
    assert not any(word.encode() in raw for word in CANARY)
    assert (b"\nReferences: " in raw) == (number == 2)


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_two_consents_are_both_repeated(session: Session, spoken: str) -> None:
    made = _cafe(session, spoken)
    made.mailing_list.jurisdiction = "ru"
    words = signup_form.starter(made.organisation, made.mailing_list, spoken)
    version = signup_form.publish_words(session, made.organisation, made.form, words)
    shown = signup_form.shown(session, made.form.slug)
    visit = Visit(network="192.0.2.1", second_consent=True)
    signup.receive(session, shown, HER, visit, NO_BRAKES)
    signup.decide(session, session.scalars(select(Signup)).one().id, NO_BRAKES)
    asked = session.scalars(select(Confirmation)).one()
    ours = house.of(session, made.organisation.id, SITE)
    raw = notices.prepare(session, _delivery(session, made, asked), ours).compose(HER)
    apart = taken_apart.take_apart(raw)
    assert version.second_text is not None
    for text in (version.consent_text, version.second_text):
        assert taken_apart.flat(text.whole) in apart.text
        assert taken_apart.flat(text.whole) in apart.page
    assert doi_lint.check(raw, typed=(HER,), site=SITE, published=_published(made, session)) == []


_TO_OWNERS = {NoticeKind.WITNESS, NoticeKind.INVITATION, NoticeKind.WAY_TEST, NoticeKind.RECORDS, NoticeKind.BOARD}


@pytest.mark.parametrize("spoken", language.LANGUAGES)
# The others go to the owner's people, or are letters, which may say what letters say.
@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - _TO_OWNERS - {NoticeKind.WELCOME, NoticeKind.STATUS}))
def test_notes_about_a_subscription_advertise_nothing(session: Session, spoken: str, kind: NoticeKind) -> None:
    made = _cafe(session, spoken)
    asked = _asked(session, made)
    confirmed = answering.confirm(session, confirmation.token_of(asked))
    assert confirmed.confirmation is asked
    person = session.get_one(Subscriber, asked.subscriber_id)
    about = {
        NoticeKind.RECEIPT: lambda: _event_of(session, person),
        NoticeKind.ACCESS: lambda: _id_of(access_link.ask(session, person)),
        NoticeKind.NEW_ADDRESS: lambda: address_change.ask(session, person, NEW).id,
        NoticeKind.OLD_ADDRESS: lambda: address_change.ask(session, person, NEW).id,
        NoticeKind.INCIDENT: lambda: _stuck(session).id,
        NoticeKind.DEFENCE: lambda: defence.raise_step(session, made.form, defence.Reason.COMPLAINT).id,
    }.get(kind, lambda: None)()
    row = _delivery(session, made, asked, 2)
    row.message_class, row.notice, row.notice_id = MessageClass.SERVICE, kind, about
    raw = notices.prepare(session, row, house.of(session, made.organisation.id, SITE)).compose(HER)
    found = doi_lint.check(raw, typed=CANARY, site=SITE, published=_published(made, session))
    assert [(each.code, each.evidence) for each in found if each.code in PROMOTION] == []


def _stuck(session: Session) -> Incident:
    facts = {"letters": ["Buns"], "minutes": 11}
    made = incident.report(session, IncidentKind.CAMPAIGN_STUCK, "It stands still.", facts)
    session.flush()
    return made


def _event_of(session: Session, person: Subscriber) -> int:
    (held, _), *_ = subscription.all_of(session, person)
    return held.consent_event_id or 0


def _id_of(link: access_link.AccessLink | None) -> int:
    assert link is not None
    return link.id


# What happens to one that is advertising


def test_a_question_that_advertises_is_not_sent_and_says_why(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _cafe(session, "en")
    row = _delivery(session, made, _asked(session, made))
    row.state, row.worker = DeliveryState.LEASED, "me"
    session.flush()
    compose = confirmation_mail.compose

    def tempting(**words: str) -> object:
        filled = compose(**words)
        return replace(filled, text=f"{filled.text}\n\n20 % off your first order!\n")

    monkeypatch.setattr(confirmation_mail, "compose", tempting)
    ready = batch.hand_out(session, [row.id], "me", prepare=composing.preparer(SITE), carries_smtputf8=False)
    assert ready == []
    assert row.state is DeliveryState.FAILED
    assert row.reply_text is not None
    assert "was not sent" in row.reply_text
    assert "discount" in row.reply_text
    with pytest.raises(Invalid) as refused:
        notices.prepare(session, row, house.of(session, made.organisation.id, SITE))
    assert refused.value.code == "question_not_clean"


def test_each_kind_is_read_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _cafe(session, "en")
    asked = _asked(session, made)
    ours = house.of(session, made.organisation.id, SITE)
    row = _delivery(session, made, asked)
    read: list[bytes] = []
    check = doi_lint.check

    def counted(raw: bytes, **about: object) -> object:
        read.append(raw)
        return check(raw, **about)  # type: ignore[arg-type]

    monkeypatch.setattr(doi_lint, "check", counted)
    for _ in range(3):
        notices.prepare(session, row, ours)
    assert len(read) == 1
    notices.prepare(session, row, replace(ours, site="https://other.cafe.example"))
    assert len(read) == 2
    text = signup_form.newest(session, made.form).consent_text
    version = signup_form.publish(session, made.form, text, title="New", thank_you="Thanks")
    asked.form_version_id = version.id
    session.flush()
    notices.prepare(session, row, ours)
    assert len(read) == 3


def test_what_is_only_doubtful_is_sent_and_noted(session: Session) -> None:
    made = cafe.found(session, list_name="Welcome offers")
    row = _delivery(session, made, _asked(session, made))
    prepared = notices.prepare(session, row, house.of(session, made.organisation.id, SITE))
    assert prepared.lint == "promotional_name"
