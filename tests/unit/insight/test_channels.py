"""What channels brought and cost, on an example whose every figure was worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
import time_machine
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from listkeeper.audience import (
    erasure,
    followers,
    mailing_list,
    signup,
    signup_form,
    source,
    source_cost,
    subscriber,
    subscription,
    suppression,
    unsubscribe,
    visit,
)
from listkeeper.audience.consent import Method
from listkeeper.audience.source import Channel, Source
from listkeeper.audience.source_cost import CostPer
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.audience.visit import Visits
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.insight import brought, channels
from listkeeper.insight.brought import Brought
from listkeeper.insight.channels import Ownership
from tests.makers import cafe, signups
from tests.makers.cafe import Cafe


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


def _come(session: Session, house: Cafe, names: str, came_by: str | None, *, confirm: bool = True) -> list[int]:
    """Let people of these names sign up by a link, and press the button of their mail."""
    found = []
    for name in names:
        row, _receipt = signups.post(session, house, f"{name}@guest.example", replace(signups.HER, source=came_by))
        signup.decide(session, row.id, cafe.NO_BRAKES)
        asked = signups.question(session, row)
        if confirm and asked is not None:
            signups.press(session, asked)
        found.append(row.subscriber_id or 0)
    session.flush()
    return found


def _become(session: Session, subscriber_id: int, house: Cafe, state: SubscriptionState) -> None:
    row = subscription.of(session, subscriber_id, house.mailing_list.id)
    assert row is not None
    subscription.move(row, state)


def _link(session: Session, house: Cafe, slug: str, channel: Channel) -> Source:
    return source.create(session, house.form, name=slug, channel=channel, slug=slug)


def _visited(session: Session, found: Source, people: int, machines: int) -> None:
    for number in range(people + machines):
        visit.count(session, found.id, by_machine=number >= people)


def _example(session: Session, house: Cafe) -> None:
    """Fill in the example.

    Instagram bio: 12 visits and 3 by programs; a to g asked, a to f confirmed; a left, b complained, c bounced,
    d's permission ran out, e and f are there, and f objects to all advertising. Stories: 5 visits; h and i
    asked, h confirmed. Till: k and l asked and confirmed, there. No link: m and n confirmed, there.
    """
    bio = _link(session, house, "ig-bio", Channel.INSTAGRAM)
    stories = _link(session, house, "ig-stories", Channel.INSTAGRAM)
    till = _link(session, house, "till", Channel.TILL)
    _link(session, house, "fb", Channel.FACEBOOK)
    _visited(session, bio, 12, 3)
    _visited(session, stories, 5, 0)
    a, b, c, d, _e, f = _come(session, house, "abcdef", "ig-bio")
    _come(session, house, "g", "ig-bio", confirm=False)
    unsubscribe.leave(session, a, house.mailing_list.id, Method.PAGE)
    _become(session, b, house, SubscriptionState.COMPLAINED)
    _become(session, c, house, SubscriptionState.BOUNCED)
    _become(session, d, house, SubscriptionState.LAPSED)
    key = session.get_one(Subscriber, f).suppression_key
    suppression.add(session, house.organisation.id, key, scope=suppression.MARKETING, reason=Reason.OBJECTION)
    _come(session, house, "h", "ig-stories")
    _come(session, house, "i", "ig-stories", confirm=False)
    _come(session, house, "kl", "till")
    _come(session, house, "mn", None)
    # h had a letter.
    session.execute(
        update(Subscription)
        .where(Subscription.source_id == stories.id, Subscription.consent_event_id.is_not(None))
        .values(last_contact_at=clock.now())
    )
    _pay(session, house, bio, "99,50", per=CostPer.MONTH, on=date(2026, 9, 15))
    _pay(session, house, stories, "300", per=CostPer.ONCE, on=date(2026, 10, 1))
    _pay(session, house, till, "1.000", per=CostPer.ONCE, on=date(2026, 12, 24))
    followers.note(session, house.organisation, Channel.INSTAGRAM, "900", date(2026, 10, 1))
    followers.note(session, house.organisation, Channel.INSTAGRAM, "1.000", date(2026, 11, 1))
    followers.note(session, house.organisation, Channel.TIKTOK, "600", date(2026, 11, 1))
    session.flush()


def _pay(session: Session, house: Cafe, found: Source, written: str, *, per: CostPer, on: date) -> None:
    source_cost.add(session, house.organisation, found, written=written, currency="DKK", per=per, starts_on=on)


def _owned(session: Session, house: Cafe) -> Ownership:
    return channels.ownership(session, house.organisation, practice=False)


def test_every_figure_of_the_example_is_right(session: Session, house: Cafe) -> None:
    with time_machine.travel("2026-11-23T08:00:00Z", tick=False):
        _example(session, house)
        owned = _owned(session, house)
    views = {view.channel: view for view in owned.channels}
    assert list(views) == [Channel.INSTAGRAM, Channel.TILL, Channel.FACEBOOK, Channel.TIKTOK]
    instagram = views[Channel.INSTAGRAM].brought
    # 15 September to 23 November: three months have begun, three times 99.50 is 298.50.
    assert instagram == Brought(
        visits=17, machines=3, asked=9, confirmed=7, here=3, left=1, complained=1, bounced=1, lapsed=1, mailed=1,
        cost=59850, currency="DKK",
    )  # fmt: skip
    assert instagram.confirmed == (
        instagram.here + instagram.left + instagram.complained + instagram.bounced + instagram.lapsed
    )
    # 7 of 9 is 77.77… %; 598.50 for 7 is 85.50 each.
    assert (instagram.confirm_rate, instagram.cost_of_one) == (778, 8550)
    # e and h: f is there, but no letter may reach her.
    assert [view.reach for view in owned.channels] == [2, 2, 0, 0]
    assert (owned.reach, owned.elsewhere) == (6, 2)
    # The till costs nothing before Christmas, so each of its two people cost nothing so far.
    assert (views[Channel.TILL].brought.cost, views[Channel.TILL].brought.cost_of_one) == (0, 0)
    # 2 of 1,000 followers; in all 6 people for 1,600 followers, 3.75 in a thousand.
    assert (views[Channel.INSTAGRAM].owned, owned.followers, owned.owned) == (2, 1600, 4)
    assert (views[Channel.TIKTOK].owned, views[Channel.TILL].owned) == (0, None)
    assert views[Channel.FACEBOOK].quiet
    assert not views[Channel.TIKTOK].quiet
    by_link = {each.slug: (its.asked, its.confirmed, its.cost_of_one) for each, its in views[Channel.INSTAGRAM].sources}
    assert by_link == {"ig-bio": (7, 6, 4975), "ig-stories": (2, 1, 30000)}


def test_nothing_is_divided_by_nothing(session: Session, house: Cafe) -> None:
    _link(session, house, "fb", Channel.FACEBOOK)
    [view] = _owned(session, house).channels
    assert view.brought == Brought()
    assert (view.brought.confirm_rate, view.brought.cost_of_one, view.owned) == (None, None, None)
    assert _owned(session, house).owned is None


def test_who_is_on_two_lists_is_reached_once(session: Session, house: Cafe) -> None:
    events = mailing_list.create(session, house.organisation, name="Events")
    other = Cafe(house.organisation, house.owner, events, signup_form.create(session, house.organisation, events))
    _link(session, house, "ig-bio", Channel.INSTAGRAM)
    _link(session, other, "till", Channel.TILL)
    _come(session, house, "ab", "ig-bio")
    _come(session, other, "bc", "till")
    reached, in_all = channels.reach(session, house.organisation, practice=False)
    assert (reached, in_all) == ({Channel.INSTAGRAM: 2, Channel.TILL: 2}, 3)
    mailing_list.archive(events)
    session.flush()
    assert channels.reach(session, house.organisation, practice=False) == ({Channel.INSTAGRAM: 2}, 2)


def test_reach_is_what_a_letter_is_planned_for(session: Session, house: Cafe) -> None:
    _example(session, house)
    planned = session.scalars(subscription.mailable(house.mailing_list, practice=False)).all()
    assert _owned(session, house).reach == len(planned) == 6


def test_a_person_who_is_erased_is_counted_no_more(session: Session, house: Cafe) -> None:
    _link(session, house, "till", Channel.TILL)
    _come(session, house, "ab", "till")
    gone = subscriber.named(session, house.organisation, "a@guest.example")
    erasure.erase(session, gone.id, actor="subscriber", forget_copies=lambda _session, _person: None)
    [found] = brought.by_source(session, source.every(session, house.organisation)).values()
    assert (found.asked, found.confirmed) == (1, 1)


@pytest.mark.parametrize(
    ("start", "end", "today", "months"),
    [
        ("2026-01-31", None, "2026-01-30", 0),
        ("2026-01-31", None, "2026-01-31", 1),
        ("2026-01-31", None, "2026-02-27", 1),
        ("2026-01-31", None, "2026-02-28", 2),
        ("2026-01-31", None, "2026-03-30", 2),
        ("2026-01-31", None, "2026-03-31", 3),
        ("2025-12-15", None, "2026-12-14", 12),
        ("2025-12-15", None, "2026-12-15", 13),
        ("2026-01-15", "2026-02-20", "2026-12-01", 2),
        ("2026-01-15", "2026-01-15", "2026-12-01", 1),
    ],
)
def test_a_month_that_has_begun_is_paid(
    session: Session, house: Cafe, *, start: str, end: str | None, today: str, months: int
) -> None:
    till = _link(session, house, "till", Channel.TILL)
    cost = source_cost.add(
        session, house.organisation, till, written="10", currency="EUR", per=CostPer.MONTH,
        starts_on=date.fromisoformat(start),
    )  # fmt: skip
    if end:
        source_cost.end(cost, date.fromisoformat(end))
    assert source_cost.so_far(cost, date.fromisoformat(today)) == months * 1000


def test_costs_keep_to_one_currency_and_to_sense(session: Session, house: Cafe) -> None:
    till = _link(session, house, "till", Channel.TILL)
    _pay(session, house, till, "10", per=CostPer.ONCE, on=date(2026, 1, 1))
    with pytest.raises(Conflict) as refused:
        source_cost.add(
            session,
            house.organisation,
            till,
            written="10",
            currency="EUR",
            per=CostPer.ONCE,
            starts_on=date(2026, 1, 1),
        )
    assert refused.value.code == "other_currency"
    [once] = source_cost.every(session, house.organisation)
    with pytest.raises(Conflict):
        source_cost.end(once, date(2026, 2, 1))
    source_cost.remove(session, source_cost.named(session, house.organisation, once.public_id))
    assert source_cost.every(session, house.organisation) == []
    monthly = source_cost.add(
        session, house.organisation, till, written="10", currency="EUR", per=CostPer.MONTH, starts_on=date(2026, 1, 1)
    )
    with pytest.raises(Invalid):
        source_cost.end(monthly, date(2025, 12, 31))


def test_followers_are_counted_once_a_day_and_never_ahead(session: Session, house: Cafe) -> None:
    today = clock.now().date()
    for written in ("2 450", "2.451", "2,452"):
        followers.note(session, house.organisation, Channel.INSTAGRAM, written, today)
    [row] = followers.history(session, house.organisation)[Channel.INSTAGRAM]
    assert row.number == 2452
    for written in ("", "many", "-3", "2.4k", "9" * 11):
        with pytest.raises(Invalid):
            followers.note(session, house.organisation, Channel.INSTAGRAM, written, today)
    with pytest.raises(Invalid):
        followers.note(session, house.organisation, Channel.INSTAGRAM, "5", date(9999, 1, 1))
    with pytest.raises(Invalid):
        followers.note(session, house.organisation, Channel.TILL, "5", today)
    followers.forget(session, house.organisation, Channel.INSTAGRAM, today)
    assert followers.history(session, house.organisation) == {}


def test_the_figures_of_a_source_come_from_its_index(session: Session, house: Cafe) -> None:
    """A million people are not looked through to count those who came by one link."""
    till = _link(session, house, "till", Channel.TILL)
    if session.get_bind().dialect.name == "sqlite":
        plan = "EXPLAIN QUERY PLAN"
    else:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "EXPLAIN"
    query = (
        f"{plan} SELECT source_id, state, count(*), count(consent_event_id) FROM subscription "  # noqa: S608
        f"WHERE source_id IN ({till.id}) GROUP BY source_id, state"
    )
    assert "ix_subscription_source" in " ".join(str(row) for row in session.execute(text(query)))
    assert visit.totals(session) == {}
    assert Visits() == Visits(0, 0)
    assert session.scalars(select(Subscription)).all() == []
