"""Case 24: two lists become one, and nobody has agreed to more than before."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation, user
from listkeeper.audience import complaint, mailing_list, signup_form, subscription, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.smtp_sink import SmtpSink
from tests.fakes.typed import Said
from tests.makers import attack, auditor, cafe
from tests.makers.cafe import Cafe
from tests.makers.works import SITE, Works, here, recipients, writing

OFFERS = "offers"
# Who says yes to which list; the name says what becomes of it.
NEWS = ("news", "both", "left-offers", "left-news", "spam")
DEALS = ("deals", "both", "left-offers", "left-news", "spam")


@dataclass
class Lists:
    """A café with two lists, news and offers, and a way to mail and to merge them."""

    works: Works
    settings: Settings
    sink: SmtpSink
    news: int
    deals: int

    def house(self, session: Session, list_id: int) -> Cafe:
        """Return the café with one of its lists."""
        on = session.get_one(MailingList, list_id)
        form = session.scalars(select(SignupForm).where(SignupForm.list_id == list_id)).first()
        assert form is not None
        return Cafe(organisation.only_one(session), user.first(session), on, form)

    def mail(self, list_id: int) -> set[str]:
        """Send a letter to a list; return who got it, by the part before the @."""
        self.sink.forget()
        with writing(self.works.app) as session:
            house = self.house(session, list_id)
            planned_for = subscription.mailable(house.mailing_list, practice=True)
            if session.scalar(planned_for.limit(1)) is not None:
                planning.send_campaign(session, house.organisation, cafe.draft(session, house), site=SITE)
        self.works.drain()
        return {to.partition("@")[0] for to in recipients(self.sink)}

    def merge(self, source: str, target: str) -> Said:
        """Merge as an owner does at the command line."""
        with pytest.MonkeyPatch.context() as patch:
            return typed.typing(patch, self.settings)("list", "merge", source, target, "--json")

    def agreed(self) -> dict[tuple[str, int], tuple[str, str, object, object]]:
        """Return purpose, basis, event and text of everybody who is on a list, by person and list."""

        def look(session: Session) -> dict[tuple[str, int], tuple[str, str, object, object]]:
            query = select(Subscriber.email_key, Subscription).join(
                Subscriber, Subscriber.id == Subscription.subscriber_id
            )
            return {
                (key, row.list_id): (row.purpose, row.basis.value, row.consent_event_id, row.consent_text_id)
                for key, row in session.execute(query.where(Subscription.state == "confirmed"))
            }

        return self.works.read(look)


@pytest.fixture
def purpose() -> str:
    """What the second list is for."""
    return OFFERS


BOTH = pytest.mark.parametrize("purpose", [OFFERS, "newsletter"])


@pytest.fixture
def lists(purpose: str, works: Works, settings: Settings, smtp_sink: SmtpSink) -> Lists:
    """Both lists with their people; some have left one of them, one has complained."""
    with writing(works.app) as session:
        news = here(session)
        second = mailing_list.create(session, news.organisation, name="Deals")
        second.purpose = purpose
        session.flush()
        deals = Cafe(news.organisation, news.owner, second, signup_form.create(session, news.organisation, second))
        for house, names in ((news, NEWS), (deals, DEALS)):
            for name in names:
                cafe.subscribe(session, house, f"{name}@guest.example")
        people = {row.email_key.partition("@")[0]: row.id for row in session.scalars(select(Subscriber))}
        unsubscribe.leave(session, people["left-offers"], second.id, Method.ONE_CLICK)
        unsubscribe.leave(session, people["left-news"], news.mailing_list.id, Method.ONE_CLICK)
        complaint.complain(session, people["spam"])
        return Lists(works, settings, smtp_sink, news.mailing_list.id, second.id)


def _purposes(lists: Lists) -> set[str]:
    return lists.works.read(lambda session: {row.purpose for row in session.scalars(select(MailingList))})


@BOTH
def test_case_24_merging_widens_nothing(lists: Lists) -> None:
    """Each who can be mailed after it could be mailed before, for the same purpose, on the very same event."""
    one_purpose = len(_purposes(lists)) == 1
    assert lists.mail(lists.news) == {"news", "both", "left-offers"}
    assert lists.mail(lists.deals) == {"deals", "both", "left-news"}
    before, given = lists.agreed(), attack.events(lists.works.app, "consent.given")
    assert lists.merge("news", "deals").code == 0
    after = lists.agreed()
    assert attack.events(lists.works.app, "consent.given") == given
    for (person, list_id), held in after.items():
        # The same consent stands, at its old place or moved with its purpose, its event and its text.
        assert held in {before.get((person, list_id)), before.get((person, lists.news))}, person
    assert {held[0] for (_, list_id), held in after.items() if list_id == lists.deals} == {
        "newsletter" if one_purpose else OFFERS
    }
    # Who left one of the two has left both; who agreed to news alone gets no offers, but still her news.
    assert lists.mail(lists.deals) == ({"news", "deals", "both"} if one_purpose else {"deals", "both"})
    assert lists.mail(lists.news) == (set() if one_purpose else {"news", "both"})


@pytest.mark.parametrize("purpose", ["newsletter"])
def test_case_24_back_and_forth_brings_nobody_back(lists: Lists) -> None:
    """Merged there, back, and there again: nobody who left or complained is on anything any more."""
    gone = {"left-offers@guest.example", "left-news@guest.example", "spam@guest.example"}
    widest = {name for name, _ in lists.agreed()}
    for source, target in (("news", "deals"), ("deals", "news"), ("news", "deals")):
        lists.merge(source, target)
        assert not gone & {name for name, _ in lists.agreed()}
        assert {name for name, _ in lists.agreed()} <= widest
    assert not {name.partition("@")[0] for name in gone} & (lists.mail(lists.news) | lists.mail(lists.deals))
    with writing(lists.works.app) as session:
        owner = session.get_one(MailingList, lists.news).organisation_id
        assert auditor.faults(session, owner) == []


def test_case_24_a_purpose_changed_to_fit_carries_no_old_consent(lists: Lists) -> None:
    """The owner renames the purpose of the list after it was filled: the gate asks what was agreed to."""
    lists.merge("news", "deals")
    with writing(lists.works.app) as session:
        session.get_one(MailingList, lists.deals).purpose = "partner-advertising"
    assert lists.mail(lists.deals) == set()
    rows = [row for row in lists.works.deliveries() if row.campaign_id is not None]
    assert {row.refusal_code for row in rows} == {RefusalCode.PURPOSE_MISMATCH}


def test_case_24_letters_that_wait_are_judged_by_what_holds_then(lists: Lists) -> None:
    """A letter is queued for both lists when they are merged: nobody gets it for a purpose she did not choose."""
    with writing(lists.works.app) as session:
        for number in (lists.news, lists.deals):
            house = lists.house(session, number)
            planning.send_campaign(session, house.organisation, cafe.draft(session, house), site=SITE)
    assert lists.merge("news", "deals").code == 0
    lists.works.drain()
    got = {(to.partition("@")[0], kept.message["List-Id"]) for kept in lists.sink.messages for to in kept.rcpt_tos}
    assert {name for name, _ in got} <= {"news", "deals", "both"}
    rows = lists.works.read(_outcomes)
    left = {name for name, state in rows if state is not DeliveryState.ACCEPTED}
    assert {"left-offers", "left-news"} <= left
    assert {state for _, state in rows} <= {DeliveryState.ACCEPTED, DeliveryState.REFUSED}


def _outcomes(session: Session) -> list[tuple[str, DeliveryState]]:
    query = select(Subscriber.email_key, Delivery.state).join(Delivery, Delivery.subscriber_id == Subscriber.id)
    found = session.execute(query.where(Delivery.campaign_id.is_not(None)))
    return [(row[0].partition("@")[0], row[1]) for row in found]
