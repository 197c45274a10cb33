"""The trust account: the balance is the sum of the tags, per list and per person, and a floor asks once more."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import String, event, insert, literal, select, text
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list
from listkeeper.audience.segments import segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import stance as stances
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.stance import Stance
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.insight import trust_account
from listkeeper.insight.trust_account import Balance
from listkeeper.rendering.document import Mode, OfferBlock, PollBlock, QuestionBlock, SponsoredBlock, TextBlock
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe, multitude
from tests.makers.cafe import Cafe
from tests.unit.insight.trust_stage import reached, sent

S = DeliveryState


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café with one reader."""
    made = cafe.found(session)
    cafe.subscribe(session, made, "freja@guest.example")
    return made


def _freja(session: Session) -> Subscriber:
    return session.scalars(select(Subscriber)).one()


# What a letter is


def test_each_stance_either_gives_or_asks_and_has_a_word() -> None:
    assert set(stances.GIVING) | set(stances.ASKING) == set(Stance)
    assert not set(stances.GIVING) & set(stances.ASKING)
    assert {stances.weight(each) for each in stances.GIVING} == {1}
    assert {stances.weight(each) for each in stances.ASKING} == {-1}
    assert len({stances.word(each) for each in Stance}) == len(Stance)


@pytest.mark.parametrize(
    ("kinds", "stance"),
    [
        ((TextBlock,), Stance.NEWS), ((TextBlock, OfferBlock), Stance.OFFER), ((SponsoredBlock,), Stance.OFFER),
        ((PollBlock,), Stance.SURVEY), ((QuestionBlock,), Stance.DATA_REQUEST), ((PollBlock, OfferBlock), Stance.OFFER),
    ],
)  # fmt: skip
def test_the_blocks_of_a_letter_suggest_what_it_is(kinds: tuple[type[TextBlock], ...], stance: Stance) -> None:
    blocks = tuple(kind.model_construct(id=f"b{place}") for place, kind in enumerate(kinds))
    assert stances.suggested(Draft("Buns", "", mode=Mode.BLOCKS, blocks=blocks)) is stance


def test_letters_in_markdown_are_news_until_somebody_says_otherwise() -> None:
    assert stances.suggested(Draft("Buns", "", "Warm.")) is Stance.NEWS


@pytest.mark.parametrize("typed", ["", "gift", "help; drop", "ask"])
def test_other_words_are_no_stance(typed: str) -> None:
    with pytest.raises(Invalid):
        stances.named(typed)


@pytest.mark.parametrize(
    ("step", "stance"),
    [
        ("welcome", Stance.HELP), ("ask_one_more", Stance.DATA_REQUEST), ("how_is_it_going", Stance.HELP),
        ("renewal", Stance.DATA_REQUEST), ("letter", Stance.NEWS),
    ],
)  # fmt: skip
def test_steps_of_a_series_have_one_too(step: str, stance: Stance) -> None:
    assert stances.of_step(step, Draft("Buns", "", "Warm.")) is stance


# The balance


def test_the_balance_of_a_list_is_the_sum_of_its_tags(session: Session, house: Cafe) -> None:
    chance = random.Random(20261201)
    chosen = [chance.choice(list(Stance)) for _ in range(30)]
    for number, stance in enumerate(chosen):
        sent(session, house, stance, ago=timedelta(days=10 * number))
    balance = trust_account.balance_of_list(session, house.mailing_list.id)
    assert balance.total == sum(stances.weight(each) for each in chosen)
    assert balance.gave + balance.asked == 30
    assert trust_account.by_month(session, house.mailing_list.id)[-1].total == balance.total
    assert len(trust_account.entries(session, house.mailing_list.id)) == 30


def test_only_letters_that_left_or_will_of_this_list_and_this_year_count(session: Session, house: Cafe) -> None:
    there = mailing_list.create(session, house.organisation, name="Offers")
    sent(session, house, Stance.HELP)
    sent(session, house, Stance.OFFER, ago=timedelta(days=367))
    sent(session, house, None)
    other = campaigns.create(session, house.organisation, there, Draft("Rye", "", "Dark."))
    other.stance, other.started_at, other.state = Stance.OFFER.value, clock.now(), CampaignState.FINISHED
    draft = cafe.draft(session, house)
    draft.stance = Stance.OFFER.value
    stopped = cafe.draft(session, house)
    stopped.stance, stopped.state = Stance.OFFER.value, CampaignState.CANCELLED
    welcome = campaigns.create(
        session, house.organisation, house.mailing_list, Draft("Hi", "", "Hi."), kind=CampaignKind.FOLLOW_UP
    )
    welcome.stance, welcome.started_at = Stance.OFFER.value, clock.now()
    session.flush()
    assert trust_account.balance_of_list(session, house.mailing_list.id) == Balance(1, 0)
    ordered = cafe.draft(session, house)
    ordered.stance, ordered.state = Stance.SURVEY.value, CampaignState.SCHEDULED
    session.flush()
    assert trust_account.balance_of_list(session, house.mailing_list.id) == Balance(1, 1)
    assert trust_account.balance_of_list(session, house.mailing_list.id, without=ordered.id) == Balance(1, 0)
    assert trust_account.entries(session, house.mailing_list.id)[0].campaign is ordered


def test_the_balance_of_a_person_is_the_sum_of_what_arrived(session: Session, house: Cafe) -> None:
    freja = _freja(session)
    chance = random.Random(20261202)
    expected = 0
    for _ in range(40):
        stance, state = chance.choice(list(Stance)), chance.choice(list(DeliveryState))
        reached(session, sent(session, house, stance), freja, state)
        expected += stances.weight(stance) if state is S.ACCEPTED else 0
    reached(session, sent(session, house, None), freja)
    assert trust_account.balance_of_person(session, freja.id).total == expected
    found = trust_account.given_to(session, freja.id)
    assert sum(stances.weight(each.stance) for each in found) == expected
    assert [each.number for each in found] == sorted((each.number for each in found), reverse=True)
    assert trust_account.given_to(session, freja.id, before=found[1].number, limit=3) == found[2:5]
    house_list = house.mailing_list.id
    assert trust_account.balance_of_person(session, freja.id, list_id=house_list).total == expected
    assert trust_account.balance_of_person(session, freja.id, list_id=house_list + 1) == Balance()


def test_a_welcome_letter_helps_though_nobody_said_so(session: Session, house: Cafe) -> None:
    freja = _freja(session)
    letter = campaigns.create(
        session, house.organisation, house.mailing_list, Draft("Welcome", "", "Hi."), kind=CampaignKind.WELCOME
    )
    reached(session, letter, freja, campaign=False)
    assert trust_account.balance_of_person(session, freja.id) == Balance(1, 0)
    [given] = trust_account.given_to(session, freja.id)
    assert (given.subject, given.stance) == ("Welcome", Stance.HELP)


def test_what_is_a_year_old_is_forgotten(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    freja = _freja(session)
    reached(session, sent(session, house, Stance.OFFER), freja)
    assert trust_account.balance_of_person(session, freja.id) == Balance(0, 1)
    frozen_clock.shift(timedelta(days=366))
    assert trust_account.balance_of_person(session, freja.id) == Balance()
    assert trust_account.balance_of_list(session, house.mailing_list.id) == Balance()
    assert {(each.gave, each.asked, each.total) for each in trust_account.by_month(session, house.mailing_list.id)} == {
        (0, 0, 0)
    }


def test_a_person_is_found_by_the_index_of_her_deliveries(session: Session, house: Cafe) -> None:
    freja = _freja(session)
    letter = sent(session, house, Stance.HELP)
    multitude.gather(session, house, 2_000, domain="many.example")
    rows = select(
        *(literal(value) for value in (letter.organisation_id, "marketing", "sending")),
        literal("test:").concat(Subscriber.id.cast(String)), literal("accepted"), literal(letter.id),
        literal(campaigns.newest(session, letter).id), Subscriber.id, literal(letter.list_id), literal(0), literal(1),
        literal(clock.now(), Delivery.handed_at.type), literal(clock.now(), Delivery.handed_at.type),
        literal(clock.now(), Delivery.handed_at.type), literal(1),
    )  # fmt: skip
    names = (
        "organisation_id", "message_class", "lane", "occasion", "state", "campaign_id", "revision_id", "subscriber_id",
        "list_id", "letters_before", "attempts", "handed_at", "due_at", "created_at", "wave",
    )  # fmt: skip
    session.execute(insert(Delivery).from_select(list(names), rows, include_defaults=False))
    session.execute(text("ANALYZE"))
    heard: list[tuple[str, Any]] = []
    engine = session.get_bind()

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:  # noqa: ANN401
        heard.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    assert trust_account.balance_of_person(session, freja.id) == Balance(1, 0)
    event.remove(engine, "before_cursor_execute", hear)
    [(statement, parameters)] = heard
    explain = "EXPLAIN " if session.get_bind().dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    plan = "\n".join(str(row) for row in session.connection().exec_driver_sql(explain + statement, parameters))
    assert "uq_delivery_subscriber_campaign" in plan, plan
    assert "Seq Scan on delivery" not in plan
    assert "SCAN delivery" not in plan


# Letters to some


def test_a_letter_to_a_segment_is_in_the_account_of_its_readers_and_not_of_the_list(
    session: Session, house: Cafe
) -> None:
    """A gift to three people opens no account with fifty thousand, and an ask of three closes none."""
    freja = _freja(session)
    for stance in (Stance.HELP, Stance.OFFER):
        letter = sent(session, house, stance)
        letter.segment_id = segment.create(
            session, house.organisation, house.mailing_list, stance.value, "language is da"
        ).id
        session.flush()
        reached(session, letter, freja)
    assert trust_account.balance_of_list(session, house.mailing_list.id) == Balance()
    assert trust_account.entries(session, house.mailing_list.id) == []
    assert trust_account.balance_of_person(session, freja.id) == Balance(1, 1)


def test_a_letter_about_a_topic_goes_to_all_who_did_not_choose_otherwise_and_counts(
    session: Session, house: Cafe
) -> None:
    letter = sent(session, house, Stance.OFFER)
    letter.topic = "top_bread"
    session.flush()
    assert trust_account.balance_of_list(session, house.mailing_list.id) == Balance(0, 1)


def test_an_ask_of_some_takes_no_list_below_its_floor(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    some = segment.create(session, house.organisation, house.mailing_list, "Danes", "language is da")
    assert trust_account.why_asked(session, letter, Stance.OFFER) != ""
    letter.segment_id = some.id
    assert trust_account.why_asked(session, letter, Stance.OFFER) == ""
    trust_account.declare(session, letter, Stance.OFFER)
    assert letter.stance == "offer"
    # It was to go to some, and goes to all as chosen now.
    assert trust_account.why_asked(session, letter, Stance.OFFER, to_all=True) != ""


# The floor


def _ask(session: Session, house: Cafe, stance: Stance = Stance.OFFER, *, below: bool = False) -> Campaign:
    letter = cafe.draft(session, house)
    trust_account.declare(session, letter, stance, below_floor=below)
    return letter


def test_an_ask_below_the_floor_is_asked_once_more_and_says_why(session: Session, house: Cafe) -> None:
    for stance in (Stance.HELP, Stance.NEWS, Stance.OFFER, Stance.OFFER, Stance.SURVEY):
        sent(session, house, stance)
    with pytest.raises(Conflict) as refused:
        _ask(session, house)
    assert refused.value.code == "below_floor"
    assert refused.value.message == (
        "This letter asks. In twelve months this list got letters that gave: 2, and letters that asked: 3. One more "
        "that asks makes the balance −2, below your floor of 0. Nothing was sent."
    )
    assert _ask(session, house, below=True).stance == "offer"
    # Whoever gives is never asked.
    assert _ask(session, house, Stance.HELP).stance == "help"


@pytest.mark.parametrize(("gave", "floor", "passes"), [(0, 0, False), (1, 0, True), (0, -1, True), (2, 2, False)])
def test_the_floor_is_the_lowest_that_may_be(
    session: Session, house: Cafe, gave: int, floor: int, *, passes: bool
) -> None:
    trust_account.set_floor(house.mailing_list, floor)
    for _ in range(gave):
        sent(session, house, Stance.HELP)
    letter = cafe.draft(session, house)
    assert (trust_account.why_asked(session, letter, Stance.SURVEY) == "") is passes


@pytest.mark.parametrize("floor", [-101, 101, 10**9])
def test_no_floor_is_out_of_reach(session: Session, house: Cafe, floor: int) -> None:
    with pytest.raises(Invalid):
        trust_account.set_floor(house.mailing_list, floor)
    assert house.mailing_list.trust_floor == 0


def test_a_letter_ordered_again_was_judged_before(session: Session, house: Cafe) -> None:
    letter = _ask(session, house, below=True)
    # A draft that was taken back waits for nothing, and is judged like any other.
    assert trust_account.judged(letter) is None
    letter.state = CampaignState.SCHEDULED
    session.flush()
    before = trust_account.judged(letter)
    trust_account.declare(session, letter, Stance.OFFER, before=before)
    with pytest.raises(Conflict):
        trust_account.declare(session, letter, Stance.SURVEY, before=before)


def test_what_was_judged_for_some_does_not_hold_for_all(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    some = segment.create(session, house.organisation, house.mailing_list, "Danes", "language is da")
    letter.segment_id = some.id
    trust_account.declare(session, letter, Stance.OFFER)
    letter.state = CampaignState.SCHEDULED
    session.flush()
    before = trust_account.judged(letter)
    trust_account.declare(session, letter, Stance.OFFER, before=before)
    letter.segment_id = None
    session.flush()
    with pytest.raises(Conflict) as refused:
        trust_account.declare(session, letter, Stance.OFFER, before=before)
    assert refused.value.code == "below_floor"
    trust_account.declare(session, letter, Stance.OFFER, before=before, below_floor=True)
    # Judged for all, it may go to fewer.
    before = trust_account.judged(letter)
    letter.segment_id = some.id
    trust_account.declare(session, letter, Stance.OFFER, before=before)


def test_ordered_asks_count_before_they_leave(session: Session, house: Cafe) -> None:
    sent(session, house, Stance.HELP)
    first = _ask(session, house)
    first.state = CampaignState.SCHEDULED
    session.flush()
    with pytest.raises(Conflict):
        _ask(session, house)


def test_deliveries_without_a_letter_are_in_no_account(session: Session, house: Cafe) -> None:
    freja = _freja(session)
    assert session.scalars(select(Delivery).where(Delivery.subscriber_id == freja.id)).all() is not None
    assert trust_account.balance_of_person(session, freja.id) == Balance()
    assert trust_account.given_to(session, freja.id) == []
