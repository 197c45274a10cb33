"""Who is asked to keep our letters in the first place: in which program, how often, and what ends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import case, literal, select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import CampaignKind
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.rendering import guidance, inbox_help
from listkeeper.sending import guided, planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.link_visit import Agent, LinkVisit
from tests.makers import cafe
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"
ADDRESSES = [
    *("a@gmail.com", "a@googlemail.com", "a@icloud.com", "a@me.com", "a@mac.com", "a@msn.com"),
    *(f"a@{name}.{end}" for name in ("outlook", "hotmail", "live") for end in ("com", "dk", "co.uk", "com.br")),
    *("a@outlook.example", "a@live.info", "a@hotmail.c", "a@shop.live.com", "a@notlive.com", "a@outlook.co.example"),
    *("a@gmail.com.example", "a@notgmail.com", "a@gmail.co", "a@cafe.example", "gmail.com@cafe.example", "a@me.dk"),
    *("a@live.xn--p1ai", "a@live.com.example", "a@outlookxcom.example", "a@mail.icloud.com", "a@aicloud.com"),
]


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café without readers."""
    return cafe.found(session)


@pytest.fixture
def send(session: Session, house: Cafe) -> Callable[[], dict[str, str | None]]:
    """Send one more letter, which everybody gets; return what each reader's copy is planned with."""

    def _send() -> dict[str, str | None]:
        letter = cafe.draft(session, house)
        planning.send_campaign(session, house.organisation, letter, site=SITE)
        query = select(Subscriber.email_key, Delivery).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        rows = [(row[0], row[1]) for row in session.execute(query.where(Delivery.campaign_id == letter.id))]
        for _key, row in rows:
            row.state = DeliveryState.ACCEPTED
        session.flush()
        return {key: row.guidance for key, row in rows}

    return _send


def test_the_database_knows_the_programs_as_the_page_does(session: Session) -> None:
    for address in ADDRESSES:
        said = session.scalar(select(case((guided.is_guided(session, literal(address)), 1), else_=0)))
        assert bool(said) is (guidance.read_in(address) is not None), address
        # The help page may guess a country more; it never calls another program.
        assert guidance.read_in(address) in {None, inbox_help.of_address(address)}


def test_each_reader_is_asked_for_her_own_program_in_three_letters(
    session: Session, house: Cafe, send: Callable[[], dict[str, str | None]]
) -> None:
    readers = {"a@gmail.com": "gmail", "b@me.com": "apple", "c@live.dk": "outlook", "d@guest.example": None}
    for address in readers:
        cafe.subscribe(session, house, address)
    found = [send() for _ in range(4)]
    assert found == [readers] * 3 + [dict.fromkeys(readers)]
    # Whoever joins later is asked in her first three.
    cafe.subscribe(session, house, "late@outlook.com")
    assert {key: planned for key, planned in send().items() if planned} == {"late@outlook.com": "outlook"}


@pytest.mark.parametrize(
    ("act", "ends"),
    [("followed", True), ("scanned", False), ("wrote", True), ("machine", False), ("done", True), ("nothing", False)],
)
def test_what_she_does_ends_it_for_her_alone(
    session: Session, house: Cafe, send: Callable[[], dict[str, str | None]], act: str, *, ends: bool
) -> None:
    anna = cafe.subscribe(session, house, "anna@gmail.com")
    cafe.subscribe(session, house, "bo@me.com")
    assert send() == {"anna@gmail.com": "gmail", "bo@me.com": "apple"}
    _do(session, house, anna, act)
    assert send() == {"anna@gmail.com": None if ends else "gmail", "bo@me.com": "apple"}


def _do(session: Session, house: Cafe, person: Subscriber, act: str) -> None:
    letter = session.scalars(select(Delivery.id).where(Delivery.subscriber_id == person.id)).one()
    match act:
        case "followed" | "scanned":
            agent = Agent.BROWSER if act == "followed" else Agent.PROGRAM
            session.add(LinkVisit(link_id=1, delivery_id=letter, agent=agent))
            # What nobody may be named for is nobody's.
            session.add(LinkVisit(link_id=1, delivery_id=None, agent=Agent.BROWSER))
        case "wrote" | "machine":
            state = ConversationState.OPEN if act == "wrote" else ConversationState.SET_ASIDE
            moment = clock.now()
            session.add(
                Conversation(
                    organisation_id=house.organisation.id, subscriber_id=person.id, state=state, opened_at=moment,
                    last_in_at=moment, waits_since=moment,
                )
            )  # fmt: skip
        case "done":
            guided.done(person)
    session.flush()


def test_a_notice_of_trouble_asks_nobody_and_is_no_letter(
    session: Session, house: Cafe, send: Callable[[], dict[str, str | None]]
) -> None:
    cafe.subscribe(session, house, "anna@gmail.com")
    for number in range(3):
        notice = cafe.draft(session, house, subject=f"Notice {number}")
        notice.kind, notice.notice_id = CampaignKind.NOTICE, 1
        planning.freeze(session, notice, campaigns.newest(session, notice))
        notice.started_at = clock.now()
        for row in session.scalars(select(Delivery).where(Delivery.campaign_id == notice.id)):
            assert (row.guidance, row.letters_before) == (None, 0)
            row.state = DeliveryState.ACCEPTED
    session.flush()
    assert send() == {"anna@gmail.com": "gmail"}


def test_a_single_letter_is_planned_by_the_same_rule(session: Session, house: Cafe) -> None:
    anna = cafe.subscribe(session, house, "anna@hotmail.com")
    planned = [guided.of_person(session, house.organisation, anna, before) for before in range(4)]
    assert planned == ["outlook", "outlook", "outlook", None]
    first = clock.now()
    anna.inbox_done_at = first
    guided.done(anna)
    session.flush()
    assert anna.inbox_done_at == first
    assert guided.of_person(session, house.organisation, anna, 0) is None


def test_a_program_that_is_switched_off_is_asked_nowhere(
    session: Session, house: Cafe, send: Callable[[], dict[str, str | None]]
) -> None:
    guided.choose(house.organisation, ["gmail", "outlook"], None)
    for address in ("a@gmail.com", "b@icloud.com"):
        cafe.subscribe(session, house, address)
    assert send() == {"a@gmail.com": "gmail", "b@icloud.com": None}
    letter = cafe.draft(session, house)
    assert guided.of_test(house.organisation, letter, "me@icloud.com") is None
    assert guided.of_test(house.organisation, letter, "me@GMail.com") == "gmail"
    guided.choose(house.organisation, [], None)
    assert set(send().values()) == {None}
    guided.choose(house.organisation, ["gmail", "apple", "outlook"], None)
    assert send() == {"a@gmail.com": "gmail", "b@icloud.com": "apple"}


def test_who_is_held_back_is_drawn_by_chance_and_stays_so(
    session: Session, house: Cafe, send: Callable[[], dict[str, str | None]]
) -> None:
    guided.choose(house.organisation, ["gmail", "apple", "outlook"], 3)
    # Not by signing up: sixty of them take long, and only the keyed hash of the address matters here.
    keys = [f"reader{number}@gmail.com" for number in range(600)]
    held = {key for key in keys if _is_drawn(house, key, 3)}
    assert 150 < len(held) < 250
    for key in [*sorted(held)[:2], *sorted(set(keys) - held)[:2]]:
        cafe.subscribe(session, house, key)
    first, second = send(), send()
    assert first == second
    assert first == {key: "gmail:held" if key in held else "gmail" for key in first}
    # Held back from a third is held back from a half as well, and nobody changes sides for a smaller share.
    guided.choose(house.organisation, ["gmail"], 2)
    assert {key for key, planned in send().items() if planned == "gmail:held"} >= {key for key in first if key in held}


def _is_drawn(house: Cafe, key: str, one_in: int) -> bool:
    return int(suppression.key_of(house.organisation.id, key)[-8:], 16) < 16**8 // one_in


@pytest.mark.parametrize(("on", "holdout"), [(["aol"], None), (["gmail"], 1), (["gmail"], 101), (["gmail"], -2)])
def test_a_choice_that_makes_no_sense_changes_nothing(
    session: Session, house: Cafe, on: list[str], holdout: int | None
) -> None:
    with pytest.raises(Invalid, match="Nothing was changed"):
        guided.choose(house.organisation, on, holdout)
    session.flush()
    assert (house.organisation.guidance_off, house.organisation.guidance_holdout) == ("", None)


def test_a_test_shows_what_somebody_new_at_its_address_would_see(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    planned = [
        planning.mail_test(session, house.organisation, letter, typed, site=SITE, per_hour=9).guidance
        for typed in ("me@gmail.com", "me@live.se", "me@cafe.example")
    ]
    assert planned == ["gmail", "outlook", None]
    letter.kind = CampaignKind.NOTICE
    assert guided.of_test(house.organisation, letter, "me@gmail.com") is None


def test_what_is_no_letter_carries_none(session: Session, house: Cafe) -> None:
    asked = cafe.sign_up(session, house, "new@gmail.com")
    made = planning.mail_confirmation(session, asked.id)
    assert made is not None
    assert (made.message_class, made.lane, made.guidance) == (MessageClass.DOI, Lane.URGENT, None)
