"""What the profit calculator fills in by itself: what was counted, and where it comes from; the rest stays empty."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from listkeeper.audience import source, source_cost
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.source import Channel
from listkeeper.audience.source_cost import CostPer
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import letter_figures
from listkeeper.foundation import clock, language
from listkeeper.insight import own_figures
from listkeeper.insight.own_figures import Prefilled
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe, crowd, letter_story, visited
from tests.makers.letter_story import Mail
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
    # One order of the one who followed a link: nobody else's order could have named the letter.
    assert mail.value("conversion") == "100"
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
    # Three orders of one reader are more than all: nobody orders oftener than always.
    assert known.draft.channels[1].value("conversion") == "100"


def test_who_complained_and_left_is_lost_once(session: Session) -> None:
    house = cafe.found(session)
    crowd.gather(session, house, 10)
    letter = letter_story.leave(session, house)
    mails = [Mail("gmail", DeliveryState.ACCEPTED) for _ in range(10)]
    mails[0].withdrew = mails[0].complained = mails[1].withdrew = 1
    mails[2].state = DeliveryState.BOUNCED
    deliveries = letter_story.tell(session, house, letter, mails)
    deliveries[2].reply_class = ReplyClass.INVALID_ADDRESS
    session.flush()
    with language.using("en"):
        known = own_figures.prefilled(session, house.organisation, practice=False)
    # Two left, one of them by a complaint, and one address is gone.
    assert known.draft.channels[1].value("people") == "10"
    assert known.draft.channels[1].value("decay") == "30"


def test_a_letter_of_which_nobody_knows_whether_it_arrived_divides_by_nothing(session: Session) -> None:
    sent = _finished(session)
    _order(session, sent, 1, 20_000)
    session.execute(update(Delivery).values(state=DeliveryState.IN_DOUBT))
    session.expire_all()
    mail = _known(session, sent).draft.channels[1]
    assert (mail.value("response"), mail.value("conversion")) == ("33.3333", "100")


def test_a_large_letter_is_looked_up_and_counted_by_nobody_who_waits(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = _finished(session)
    _order(session, sent, 1, 20_000)
    sent.letter.recipients = 4
    monkeypatch.setattr(letter_figures, "COUNTED_AT_ONCE", 3)
    # Not counted yet: nothing is said of it.
    assert [name for name in _known(session, sent).said if name not in {"0.people", "1.people"}] == []
    figures = letter_figures.count(session, sent.letter)
    letter_figures.keep(session, sent.letter.id, figures)
    session.execute(delete(Delivery))
    mail = _known(session, sent).draft.channels[1]
    assert (mail.value("people"), mail.value("conversion")) == ("4", "100")


def test_before_the_first_letter_nothing_is_made_up(session: Session) -> None:
    house = cafe.found(session)
    with language.using("en"):
        known = own_figures.prefilled(session, house.organisation, practice=False)
    assert known.said == {}
    assert [channel.value("people") for channel in known.draft.channels] == ["", ""]
    assert [channel.open for channel in known.draft.channels] == [True, True]
