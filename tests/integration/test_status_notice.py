"""A status notice from the first word to the last: over real mail, to whom it is for, and honestly late."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import quiet_hours
from listkeeper.audience import mailing_list
from listkeeper.audience.handover import MessageClass, NoticeKind, RefusalCode
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.status_notice import News, StatusNotice, StatusUpdate, UpdateState
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import escalating
from listkeeper.sending import status_telling
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.status_telling import Instance
from listkeeper.sending.tally import DeliveryTally
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, trouble
from tests.makers.cafe import Cafe
from tests.makers.trouble import ABOUT
from tests.makers.works import SITE, Works

HOUR = timedelta(hours=1)
ANNA, BO, READER = "anna@guest.example", "bo@guest.example", "reader@guest.example"
HERE = Instance(SITE, practice=False, gate=Gate.WARN)


@pytest.fixture
def told(works: Works, frozen_clock: time_machine.Traveller) -> Works:
    """A café with a reader of its letters, and two people who want to hear of trouble."""

    def act(session: Session, house: Cafe) -> None:
        cafe.subscribe(session, house, READER)
        room = trouble.room(session, house)
        for address in (ANNA, BO):
            cafe.subscribe(session, room, address)

    works.write(act)
    works.drain(Lane.URGENT)
    return works


def _room(session: Session, house: Cafe) -> mailing_list.MailingList:
    return mailing_list.named(session, house.organisation, "trouble")


def _begin(works: Works, words: str = "We are looking for the cause.") -> None:
    def act(session: Session, house: Cafe) -> None:
        news = News(words, UpdateState.INVESTIGATING, clock.now() + HOUR)
        status_telling.begin(session, house.organisation, _room(session, house), ABOUT, news, HERE, actor="user:1")

    works.write(act)


def _update(works: Works, words: str, state: UpdateState, after: timedelta | None = None) -> None:
    def act(session: Session, house: Cafe) -> None:
        notice = session.scalars(select(StatusNotice)).one()
        news = News(words, state, clock.now() + after if after else None)
        status_telling.update(session, house.organisation, notice, news, HERE, actor="user:1")

    works.write(act)


def _mails(sink: SmtpSink, begins: str) -> dict[str, EmailMessage]:
    found = {}
    for kept in sink.messages:
        message = message_from_bytes(kept.content, policy=policy.default)
        if str(message["Subject"]).startswith(begins):
            assert kept.rcpt_tos[0] not in found, "told twice"
            found[kept.rcpt_tos[0]] = message
    return found


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def test_trouble_is_told_late_told_again_and_over(
    told: Works, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    _begin(told)
    told.drain()
    first = _mails(smtp_sink, "The till is out of order: We are looking")
    assert set(first) == {ANNA, BO}, "it goes to people on its list, and to no reader of letters"
    _carries_what_its_class_demands(first[ANNA])
    frozen_clock.shift(HOUR + timedelta(minutes=5))
    with told.app.app_context():
        escalating.look_at_notices()
        escalating.look_at_notices()
    told.drain(Lane.URGENT)
    alarm = _mails(smtp_sink, "The update you promised is due")
    assert set(alarm) == {"owner@cafe.example"}
    assert "due 5 minutes ago" in _text(alarm["owner@cafe.example"])
    assert f"{SITE}/studio/notices" in _text(alarm["owner@cafe.example"])
    _update(told, "The line was cut.", UpdateState.KNOWN, HOUR)
    _update(told, "You can pay by card again.", UpdateState.RESOLVED)
    told.drain()
    for begins in ("The till is out of order: We know", "The till is out of order: It is over"):
        assert set(_mails(smtp_sink, begins)) == {ANNA, BO}
    with told.app.app_context():
        escalating.look_at_notices()
    _is_written_down(told)


def _carries_what_its_class_demands(message: EmailMessage) -> None:
    assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert str(message["List-Unsubscribe"]).startswith(f"<{SITE}/u/")
    assert str(message["List-Id"]) == "Trouble <trouble.cafe.example>"
    assert str(message["Auto-Submitted"]) == "auto-generated"
    said = _text(message)
    for words in (
        "We are looking for the cause.",
        "Does it affect you? Yes. You cannot pay by card.",
        "Gerda",
        "Next update by",
    ):
        assert words in said
    assert "/status/ntc_" in said


def _is_written_down(told: Works) -> None:
    rows = [row for row in told.deliveries() if row.campaign_id is not None]
    assert {(row.message_class, row.notice, row.state) for row in rows} == {
        (MessageClass.SERVICE, NoticeKind.STATUS, DeliveryState.ACCEPTED)
    }
    assert len(rows) == 6
    assert {row.guidance for row in rows} == {None}, "nobody is asked to keep a notice anywhere"
    assert all(row.grant_event_id for row in rows), "each cites the yes that carries it"
    letters = told.read(lambda session: session.scalars(select(Campaign.state)).all())
    assert list(letters) == [CampaignState.FINISHED] * 3
    counted = told.read(lambda session: session.execute(select(DeliveryTally.message_class, DeliveryTally.lane)).all())
    assert (MessageClass.SERVICE, Lane.SENDING) in {tuple(row) for row in counted}
    assert MessageClass.MARKETING not in {row[0] for row in counted}


def test_who_left_the_list_or_complained_hears_no_more(told: Works, smtp_sink: SmtpSink) -> None:
    _begin(told)
    told.drain()
    leave = str(_mails(smtp_sink, "The till")[ANNA]["List-Unsubscribe"]).strip("<>").split(">")[0]
    answer = told.app.test_client().post(leave.removeprefix(SITE), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    _update(told, "The line was cut.", UpdateState.KNOWN)
    told.drain()
    assert set(_mails(smtp_sink, "The till is out of order: We know")) == {BO}
    assert told.read(lambda session: session.scalars(select(StatusNotice)).one().state.value) == "open"


def test_a_letter_never_goes_to_the_people_of_notices_though_somebody_forces_it(
    told: Works, smtp_sink: SmtpSink
) -> None:
    """The gate is the last word: what was planned past every check is refused at hand-over."""
    number = told.start("Cardamom buns")

    def act(session: Session, house: Cafe) -> None:
        room = _room(session, house)
        letter = session.get_one(Campaign, number)
        letter.mailing_list = room
        for row in session.scalars(select(Delivery).where(Delivery.campaign_id == number)):
            row.list_id = room.id
            row.subscriber_id = session.scalars(
                select(Delivery.subscriber_id).where(Delivery.list_id == room.id, Delivery.campaign_id.is_(None))
            ).first()

    told.write(act)
    told.drain()
    assert _mails(smtp_sink, "Cardamom") == {}
    codes = [row.refusal_code for row in told.deliveries() if row.campaign_id == number]
    assert codes == [RefusalCode.PURPOSE_MISMATCH]


def test_what_sells_or_is_for_readers_of_letters_is_not_told(told: Works) -> None:
    def to_readers(session: Session, house: Cafe) -> None:
        news = News("Down.", UpdateState.KNOWN)
        status_telling.begin(session, house.organisation, house.mailing_list, ABOUT, news, HERE, actor="user:1")

    with pytest.raises(Invalid, match="said yes to letters"):
        told.write(to_readers)
    with pytest.raises(Conflict, match="sell something"):
        _begin(told, "The line is down, and buns are 20 % off.")
    assert told.read(lambda session: session.scalars(select(StatusNotice)).all()) == []

    def sure(session: Session, house: Cafe) -> None:
        news = News("Our coupons do not work.", UpdateState.KNOWN)
        room = _room(session, house)
        status_telling.begin(session, house.organisation, room, ABOUT, news, HERE, actor="user:1", sure=True)

    told.write(sure)
    assert len([row for row in told.deliveries() if row.campaign_id]) == 2


def test_it_does_not_wait_for_the_end_of_quiet_hours(told: Works, smtp_sink: SmtpSink) -> None:
    told.write(lambda _session, house: quiet_hours.choose(house.organisation, "00:00", "23:59"))
    letter = told.start("Cardamom buns")
    _begin(told)
    told.work(Lane.SENDING, 3)
    assert set(_mails(smtp_sink, "The till")) == {ANNA, BO}
    assert told.progress(letter).waiting == 1


def test_an_empty_list_is_told_on_the_page_alone(works: Works, frozen_clock: time_machine.Traveller) -> None:
    works.write(trouble.room)
    _begin(works)
    assert works.read(lambda session: session.scalars(select(Campaign)).all()) == []
    told = works.read(lambda session: session.scalars(select(StatusUpdate.campaign_id)).all())
    assert list(told) == [None]
