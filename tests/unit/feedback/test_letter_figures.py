"""What became of a letter in numbers: the same as a slow count by hand, kept for large letters and counted anew."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from listkeeper.audience.thread import ConversationState
from listkeeper.campaigns.campaign import CampaignKind, CampaignState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import letter_figures
from listkeeper.feedback.letter_figures import AtProvider, LetterFigures
from listkeeper.insight import campaign_report
from listkeeper.sending import tally
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe, crowd, letter_story
from tests.makers.cafe import Cafe
from tests.makers.letter_story import Mail

S = DeliveryState
_PEOPLE = 60


@pytest.fixture
def house(session: Session) -> Cafe:
    made = cafe.found(session)
    crowd.gather(session, made, _PEOPLE)
    return made


def _by_hand(mails: list[Mail]) -> dict[str, AtProvider]:
    found: dict[str, Counter[str]] = {}
    for mail in mails:
        count = found.setdefault(tally.provider_kind(mail.provider), Counter())
        count["accepted"] += mail.state is S.ACCEPTED
        count["deferred"] += mail.state is S.DEFERRED
        count["bounced"] += mail.state in {S.BOUNCED, S.FAILED}
        count["left"] += bool(mail.withdrew or mail.complained)
        count["complained"] += bool(mail.complained)
    return {name: AtProvider(**count) for name, count in found.items() if sum(count.values())}


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_are_those_of_a_slow_count(session: Session, house: Cafe, seed: int) -> None:
    dice = random.Random(seed)
    for size in (_PEOPLE, 17):
        letter, mails = letter_story.leave(session, house), letter_story.drawn(dice, size)
        letter_story.tell(session, house, letter, mails)
        found = letter_figures.count(session, letter)
        assert found.providers == _by_hand(mails)
        set_aside = ConversationState.SET_ASIDE
        answered = [mail.reply for mail in mails if mail.reply is not None and mail.reply is not set_aside]
        assert found.replies == len(answered)
        assert letter_figures.waiting(session, letter, found) == answered.count(ConversationState.OPEN)
        named = letter_figures.newest_answers(session, letter, found, 3)
        assert len(named) == min(len(answered), 3)
        assert [each.state for each in named][: answered.count(ConversationState.OPEN)] == [
            ConversationState.OPEN
        ] * min(answered.count(ConversationState.OPEN), 3)
        assert found.whole.accepted == sum(mail.state is S.ACCEPTED for mail in mails)


def test_a_letter_that_reached_nobody_has_figures_of_nothing(session: Session, house: Cafe) -> None:
    letter = letter_story.leave(session, house)
    found = letter_figures.of(session, letter)
    assert (found.providers, found.replies, found.whole) == ({}, 0, AtProvider())
    assert letter_figures.waiting(session, letter, found) == 0


def test_a_large_letter_is_looked_up_and_a_small_one_counted(
    session: Session, house: Cafe, monkeypatch: pytest.MonkeyPatch, frozen_clock: time_machine.Traveller
) -> None:
    letter = letter_story.leave(session, house)
    letter_story.tell(session, house, letter, [Mail("gmail", S.ACCEPTED)] * 3)
    monkeypatch.setattr(letter_figures, "COUNTED_AT_ONCE", 2)
    assert letter_figures.quickly(session, letter) is None
    letter_figures.keep(session, letter.id, letter_figures.count(session, letter))
    session.execute(delete(Delivery).where(Delivery.campaign_id == letter.id))
    assert letter_figures.of(session, letter).whole.accepted == 3
    assert letter_figures.quickly(session, letter) == letter_figures.of(session, letter)
    letter_figures.keep(session, letter.id, letter_figures.count(session, letter))
    assert letter_figures.of(session, letter).whole.accepted == 0
    monkeypatch.setattr(letter_figures, "COUNTED_AT_ONCE", 3)
    assert letter_figures.quickly(session, letter) == letter_figures.count(session, letter)


def test_young_letters_are_counted_again_sooner_than_old_ones(
    session: Session, house: Cafe, monkeypatch: pytest.MonkeyPatch, frozen_clock: time_machine.Traveller
) -> None:
    monkeypatch.setattr(letter_figures, "COUNTED_AT_ONCE", 0)
    young, old = (letter_story.leave(session, house, days_ago=days) for days in (0.01, 10))
    small, draft = letter_story.leave(session, house), letter_story.leave(session, house)
    young.recipients = old.recipients = draft.recipients = 1
    small.recipients, draft.state = 0, CampaignState.DRAFT
    session.flush()
    assert sorted(letter_figures.due(session)) == sorted([young.id, old.id])
    for letter in (young, old):
        letter_figures.keep(session, letter.id, letter_figures.count(session, letter))
    assert list(letter_figures.due(session)) == []
    frozen_clock.shift(timedelta(seconds=61))
    assert list(letter_figures.due(session)) == [young.id]
    frozen_clock.shift(timedelta(hours=3))
    assert sorted(letter_figures.due(session)) == sorted([young.id, old.id])


@pytest.mark.parametrize("kind", [CampaignKind.WELCOME, CampaignKind.FOLLOW_UP])
def test_a_letter_that_leaves_one_by_one_is_kept_once_it_is_large(
    session: Session, house: Cafe, monkeypatch: pytest.MonkeyPatch, frozen_clock: time_machine.Traveller,
    kind: CampaignKind,
) -> None:  # fmt: skip
    letter = letter_story.leave(session, house)
    letter_story.tell(session, house, letter, [Mail("gmail", S.ACCEPTED)] * 3)
    # Nobody planned it for so many: it has no number of recipients of its own, and no beginning.
    letter.kind, letter.recipients, letter.started_at, letter.state = kind, 0, None, CampaignState.SENDING
    session.flush()
    assert letter_figures.of(session, letter).recipients == 3
    assert campaign_report.of(session, letter).recipients == 3
    monkeypatch.setattr(letter_figures, "COUNTED_AT_ONCE", 2)
    assert letter_figures.quickly(session, letter) is None
    assert list(letter_figures.due(session)) == [letter.id]
    letter_figures.keep(session, letter.id, letter_figures.count(session, letter))
    kept = letter_figures.of(session, letter)
    frozen_clock.shift(timedelta(minutes=50))
    assert (letter_figures.of(session, letter), list(letter_figures.due(session))) == (kept, [])
    frozen_clock.shift(timedelta(minutes=11))
    assert list(letter_figures.due(session)) == [letter.id]


def test_whose_address_takes_no_mail_is_told_apart(session: Session, house: Cafe) -> None:
    letter = letter_story.leave(session, house)
    mails = [Mail("gmail", S.BOUNCED), Mail("gmail", S.FAILED), Mail("gmail", S.BOUNCED), Mail("gmail", S.ACCEPTED)]
    classes = (ReplyClass.INVALID_ADDRESS, ReplyClass.INACTIVE, ReplyClass.POLICY, None)
    for row, found in zip(letter_story.tell(session, house, letter, mails), classes, strict=True):
        row.reply_class = found
    session.flush()
    found_of = letter_figures.count(session, letter)
    assert (found_of.whole.bounced, found_of.gone) == (3, 2)
    letter_figures.keep(session, letter.id, found_of)
    assert letter_figures._kept(session, letter.id) == found_of  # noqa: SLF001


def test_who_left_and_who_answered_is_found_by_an_index(session: Session, house: Cafe) -> None:
    letter = letter_story.leave(session, house)
    if session.get_bind().dialect.name != "sqlite":
        pytest.skip("a small table is read whole there")
    for query, index in (
        (letter_figures._left(letter, 1, 9), "ix_consent_event_left_by"),  # noqa: SLF001
        (letter_figures._answers(letter, 1, 9), "ix_conversation_delivery"),  # noqa: SLF001
    ):
        written = str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
        plan = "\n".join(str(row) for row in session.execute(text(f"EXPLAIN QUERY PLAN {written}")))
        assert index in plan, plan
    assert LetterFigures.__tablename__ == "letter_figures"
