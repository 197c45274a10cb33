"""What the profit calculator fills in by itself: what was counted, and where it comes from; the rest stays empty."""

from __future__ import annotations

from datetime import date, timedelta

import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import source, source_cost
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.source import Channel
from listkeeper.audience.source_cost import CostPer
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.feedback import engagement_reach
from listkeeper.foundation import clock, language
from listkeeper.insight import own_figures
from listkeeper.insight.own_figures import Prefilled
from tests.makers import cafe, visited
from tests.makers.visited import Visited


def _known(session: Session, sent: Visited) -> Prefilled:
    with language.using("en"):
        return own_figures.prefilled(session, sent.house.organisation, practice=False)


def _order(session: Session, sent: Visited, number: int, amount: int | None, currency: str | None = "DKK") -> None:
    session.add(
        PostedEvent(
            organisation_id=sent.house.organisation.id,
            subscriber_id=sent.people["name0"].id,
            name="order",
            external_id=str(number),
            at=clock.now(),
            amount=amount,
            currency=currency,
            campaign_id=sent.letter.id,
        )
    )
    session.flush()


def _finished(session: Session) -> Visited:
    sent = visited.letter(session)
    sent.letter.state = CampaignState.FINISHED
    engagement_reach.count(session, sent.letter.id)
    with time_machine.travel(sent.handed_at + timedelta(hours=1), tick=False):
        sent.follow("name0")
        sent.judge()
    return sent


def test_the_last_letters_say_what_is_known_of_e_mail(session: Session) -> None:
    sent = _finished(session)
    _order(session, sent, 1, 20_000)
    till = source.create(session, sent.house.form, name="Till", channel=Channel.TILL)
    source_cost.add(
        session, sent.house.organisation, till, written="99,50", currency="DKK", per=CostPer.ONCE,
        starts_on=date(2020, 1, 1),
    )  # fmt: skip
    known = _known(session, sent)
    printed, mail = known.draft.channels
    assert known.draft.currency == "DKK"
    # Four got the letter, three are counted, and one of them followed a link.
    assert mail.value("people") == printed.value("people") == "4"
    assert mail.value("response") == "33.3333"
    # One order of the four thirds who follow a link, as the counted ones stand for all.
    assert mail.value("conversion") == "75"
    assert mail.value("fixed_cost") == "99.5"
    assert mail.value("contribution") == mail.value("piece_cost") == printed.value("piece_cost") == ""
    assert known.said == {
        "0.people": "As many as your letters go to, so that the two can be compared.",
        "1.people": "What your last letter went to.",
        "1.response": "Mails whose links are counted: 3. Of these, with a link that a person followed: 1.",
        "1.conversion": "One order came by these letters.",
        "1.contribution": (
            "An order was worth DKK\u00a0200.00 on average. Write what is left of it once the goods are paid."
        ),
        "1.fixed_cost": "What your links have cost so far.",
    }


def test_orders_in_two_currencies_or_without_an_amount_say_no_turnover(session: Session) -> None:
    sent = _finished(session)
    _order(session, sent, 1, 20_000)
    _order(session, sent, 2, 20_000, "SEK")
    _order(session, sent, 3, None, None)
    known = _known(session, sent)
    assert "1.contribution" not in known.said
    assert known.said["1.conversion"] == "3 orders came by these letters."
    # Three orders by four thirds of people are more than all: nobody orders oftener than always.
    assert known.draft.channels[1].value("conversion") == "100"


def test_before_the_first_letter_nothing_is_made_up(session: Session) -> None:
    house = cafe.found(session)
    with language.using("en"):
        known = own_figures.prefilled(session, house.organisation, practice=False)
    assert known.said == {}
    assert [channel.value("people") for channel in known.draft.channels] == ["", ""]
    assert [channel.open for channel in known.draft.channels] == [True, True]
