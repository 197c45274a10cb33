"""Figures of what came back: each mail once, by provider and reason, of a time or of a letter, found by an index."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.orm import Session

from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.reply_class import CAMPAIGN_FAULT, SENDER_FAULT, ReplyClass
from listkeeper.feedback import bounce_figures
from listkeeper.feedback.bounce_figures import Whose
from listkeeper.feedback.event import FeedbackKind, Proof
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.came_back import Postman

R, K = ReplyClass, FeedbackKind


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


@pytest.fixture
def postman(session: Session, house: Cafe) -> Postman:
    return Postman(session, house, cafe.subscribe(session, house, "freja@guest.example"))


def _mail(postman: Postman, provider: str | None, campaign_id: int | None = None) -> Delivery:
    mail = postman.letter()
    mail.provider, mail.campaign_id = provider, campaign_id
    if campaign_id is not None:
        # One person gets a letter once; who it went to plays no part here.
        mail.subscriber_id = None
    postman.session.flush()
    return mail


def test_each_class_lies_at_somebody() -> None:
    assert {found for found in R if bounce_figures.whose(found) is Whose.SENDER} == SENDER_FAULT
    assert {found for found in R if bounce_figures.whose(found) is Whose.LETTER} == CAMPAIGN_FAULT
    assert {found for found in R if bounce_figures.whose(found) is Whose.LATER} == {
        R.MAILBOX_FULL, R.TEMPORARY, R.RATE,
    }  # fmt: skip


def test_a_mail_counts_once_however_often_it_is_told(postman: Postman, house: Cafe) -> None:
    mail = _mail(postman, "gmail")
    postman.told(K.BOUNCED, mail, found=R.MAILBOX_FULL)
    postman.told(K.BOUNCED, mail, found=R.MAILBOX_FULL, again="again")
    postman.told(K.BOUNCED, _mail(postman, "gmail"), found=R.SPAM)
    postman.told(K.BOUNCED, _mail(postman, "yahoo"), found=R.INVALID_ADDRESS)
    postman.told(K.BOUNCED, _mail(postman, None), found=R.TOO_BIG)
    postman.told(K.COMPLAINED, _mail(postman, "yahoo"))
    postman.told(K.BOUNCED, _mail(postman, "gmail"), found=R.INVALID_ADDRESS, permanent=True, proof=Proof.NONE)
    postman.told(K.DELIVERED, _mail(postman, "gmail"))
    found = bounce_figures.of_days(postman.session, house.organisation.id)
    assert [(each.provider, dict(each.bounced), each.complained) for each in found.receivers] == [
        ("gmail", {Whose.LATER: 1, Whose.SENDER: 1}, 0),
        ("yahoo", {Whose.ADDRESS: 1}, 1),
        (None, {Whose.LETTER: 1}, 0),
    ]
    assert dict(found.classes) == {R.MAILBOX_FULL: 1, R.SPAM: 1, R.INVALID_ADDRESS: 1, R.TOO_BIG: 1}
    assert (found.total, found.unproven, found.cut) == (4, 1, False)
    assert bounce_figures.of_days(postman.session, house.organisation.id + 1).receivers == []


def test_what_is_older_is_not_counted(postman: Postman, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    postman.told(K.BOUNCED, _mail(postman, "gmail"), found=R.SPAM)
    frozen_clock.shift(timedelta(days=30, seconds=1))
    found = bounce_figures.of_days(postman.session, house.organisation.id)
    assert (found.receivers, found.classes, found.total) == ([], [], 0)


def test_many_receivers_and_small_ones_are_one_without_a_name(postman: Postman, house: Cafe) -> None:
    names = sorted(mail_provider.TABLE)[: bounce_figures.SHOWN + 2]
    # A host in no table is kept as a digest.
    for provider in (*names, names[3], ".0123456789", ".9876543210", None):
        postman.told(K.BOUNCED, _mail(postman, provider), found=R.MAILBOX_FULL)
    found = bounce_figures.of_days(postman.session, house.organisation.id).receivers
    assert (found[0].provider, found[0].total) == (names[3], 2)
    assert (found[-1].provider, found[-1].total, len(found)) == (None, 5, bounce_figures.SHOWN + 1)


def test_of_a_letter_who_left_and_who_complained_is_told_too(session: Session, house: Cafe) -> None:
    letter, other = cafe.draft(session, house), cafe.draft(session, house)
    readers = [
        Postman(session, house, cafe.subscribe(session, house, f"reader{place}@guest.example")) for place in range(3)
    ]
    for place, each in enumerate(readers):
        mail = each.letter()
        mail.provider, mail.campaign_id = ("gmail", "gmail", "yahoo")[place], letter.id
        session.flush()
        if place == 0:
            each.told(K.COMPLAINED, mail)
        else:
            unsubscribe.leave(session, each.person.id, house.mailing_list.id, Method.ONE_CLICK, mail.id)
    readers[0].told(K.BOUNCED, _mail(readers[0], "gmail", other.id), found=R.SPAM)
    found = bounce_figures.of_letter(session, letter)
    told = sorted((each.provider, each.total, each.complained, each.left) for each in found.receivers)
    assert told == [("gmail", 0, 1, 1), ("yahoo", 0, 0, 1)]
    assert [(each.total, each.left) for each in bounce_figures.of_letter(session, other).receivers] == [(1, 0)]


def test_what_a_letter_did_long_ago_is_not_known(
    session: Session, house: Cafe, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = cafe.draft(session, house)
    postman.told(K.BOUNCED, _mail(postman, "gmail", letter.id), found=R.SPAM)
    monkeypatch.setattr(bounce_figures, "_NEWEST_CONSENT", 0)
    assert [each.left for each in bounce_figures.of_letter(session, letter).receivers] == [None]


def test_only_the_newest_are_counted(postman: Postman, house: Cafe, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        postman.told(K.BOUNCED, _mail(postman, "gmail"), found=R.SPAM)
    monkeypatch.setattr(bounce_figures, "NEWEST", 3)
    found = bounce_figures.of_days(postman.session, house.organisation.id)
    assert (found.total, found.cut) == (3, True)


def test_an_index_finds_them(session: Session) -> None:
    if session.get_bind().dialect.name != "sqlite":
        # PostgreSQL reads a small table whole, whatever its indexes.
        session.execute(text("SET LOCAL enable_seqscan = off"))
    explain = "EXPLAIN " if session.get_bind().dialect.name != "sqlite" else "EXPLAIN QUERY PLAN "
    for condition, index in (
        ("received_at > '2026-01-01' ORDER BY received_at DESC", "ix_feedback_event_received_at"),
        ("campaign_id = 1 AND kind IN ('bounced', 'complained')", "ix_feedback_event_campaign"),
    ):
        plan = session.execute(text(f"{explain} SELECT kind, provider FROM feedback_event WHERE {condition} LIMIT 9"))  # noqa: S608
        assert index in " ".join(str(row) for row in plan)
