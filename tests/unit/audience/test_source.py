"""Sources: how they are named, where they lead, and who is counted to which."""

from __future__ import annotations

from dataclasses import replace

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import (
    arrival,
    erasure,
    mailing_list,
    signup,
    signup_form,
    source,
    subscription,
    unsubscribe,
    visit,
)
from listkeeper.audience.consent import Method
from listkeeper.audience.signup import Signup
from listkeeper.audience.source import SOCIAL, Channel, Source
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from tests.makers import cafe, signups
from tests.makers.cafe import Cafe


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


@pytest.fixture
def bio(session: Session, house: Cafe) -> Source:
    return source.create(session, house.form, name="Instagram bio", channel=Channel.INSTAGRAM, slug="ig-bio")


def _sign_up(session: Session, house: Cafe, typed: str, came_by: str | None, **visit_: str) -> Signup:
    here = replace(signups.HER, source=came_by, **visit_)  # type: ignore[arg-type]
    row, _receipt = signups.post(session, house, typed, here)
    signup.decide(session, row.id, cafe.NO_BRAKES)
    return row


def _confirm(session: Session, row: Signup) -> None:
    asked = signups.question(session, row)
    assert asked is not None
    signups.press(session, asked)
    session.flush()


def _subscription(session: Session, row: Signup, house: Cafe) -> Subscription:
    found = subscription.of(session, row.subscriber_id or 0, house.mailing_list.id)
    assert found is not None
    return found


def test_a_slug_is_made_of_the_name_and_counted_on(session: Session, house: Cafe) -> None:
    made = [source.create(session, house.form, name="Plakat på torvet", channel=Channel.POSTER).slug for _ in range(3)]
    assert made == ["plakat-pa-torvet", "plakat-pa-torvet-2", "plakat-pa-torvet-3"]


def test_a_taken_slug_is_a_conflict_however_it_is_typed(session: Session, house: Cafe, bio: Source) -> None:
    with pytest.raises(Conflict) as refused:
        source.create(session, house.form, name="Another", channel=Channel.OTHER, slug=" IG-Bio ")
    assert refused.value.code == "source_exists"


@pytest.mark.parametrize("slug", ["ig bio", "ig_bio", "-ig", "ig-", "ig--bio", "æble", "a/b", "x" * 41, ".."])
def test_a_slug_that_cannot_be_typed_is_refused(session: Session, house: Cafe, slug: str) -> None:
    with pytest.raises(Invalid) as refused:
        source.create(session, house.form, name="Till", channel=Channel.TILL, slug=slug)
    assert refused.value.code == "slug"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "bell\x07"])
def test_a_name_is_one_short_line(session: Session, house: Cafe, name: str) -> None:
    with pytest.raises(Invalid):
        source.create(session, house.form, name=name, channel=Channel.TILL)


def test_the_ready_set_is_made_once(session: Session, house: Cafe) -> None:
    first = source.ready_set(session, house.form)
    assert [each.channel for each in first] == list(SOCIAL)
    assert [each.slug for each in first] == list(SOCIAL.values())
    assert source.ready_set(session, house.form) == []
    source.archive(first[0])
    again = source.ready_set(session, house.form)
    assert [(each.channel, each.slug) for each in again] == [(Channel.INSTAGRAM, "ig-bio-2")]


def test_it_leads_to_another_form_of_its_list_but_not_of_another_list(
    session: Session, house: Cafe, bio: Source
) -> None:
    danish = signup_form.create(session, house.organisation, house.mailing_list, spoken="da")
    source.change(bio, danish, name="Bio", channel=Channel.INSTAGRAM, utm={"utm_source": "ig", "evil": "x"})
    assert source.destination(session, bio) == danish
    assert bio.utm == {"utm_source": "ig"}
    events = mailing_list.create(session, house.organisation, name="Events")
    foreign = signup_form.create(session, house.organisation, events)
    with pytest.raises(Conflict):
        source.change(bio, foreign, name="Bio", channel=Channel.INSTAGRAM, utm={})


def test_when_its_form_is_closed_another_open_one_in_its_language_takes_its_place(
    session: Session, house: Cafe, bio: Source
) -> None:
    signup_form.create(session, house.organisation, house.mailing_list, spoken="da")
    english = signup_form.create(session, house.organisation, house.mailing_list, spoken="en")
    signup_form.close(house.form)
    assert source.destination(session, bio) == english
    for form in signup_form.all_of(session, house.mailing_list):
        signup_form.close(form)
    assert source.destination(session, bio) == house.form


@pytest.mark.parametrize("typed", ["ig-bio", "IG-BIO", "ig-bio.", " ig-bio,"])
def test_it_is_found_as_people_type_it(session: Session, bio: Source, typed: str) -> None:
    assert source.with_slug(session, typed) == bio


@pytest.mark.parametrize("typed", ["", "ig", "ig-bio\x00", "%", "ig_bio", "x" * 5000])
def test_what_is_no_slug_is_nobodys(session: Session, bio: Source, typed: str) -> None:
    assert source.with_slug(session, typed) is None


def test_somebody_elses_or_unknown_source_is_not_found(session: Session, house: Cafe, bio: Source) -> None:
    assert source.named(session, house.organisation, bio.public_id) == bio
    with pytest.raises(NotFound):
        source.named(session, house.organisation, "nothing")


def test_the_first_touch_is_stored_and_stays(session: Session, house: Cafe, bio: Source) -> None:
    till = source.create(session, house.form, name="Till", channel=Channel.TILL)
    first = _sign_up(
        session, house, "anna@guest.example", "IG-bio", referrer="https://l.instagram.com", browser="Phone"
    )
    # Before she has confirmed, and after: the later places take nothing away from the first.
    _sign_up(session, house, "anna@guest.example", "till")
    _confirm(session, first)
    _sign_up(session, house, "anna@guest.example", "till")
    held = _subscription(session, first, house)
    assert (held.source_id, held.first_signup_id) == (bio.id, first.id)
    assert held.source_id != till.id
    [came] = arrival.of(session, session.get_one(Subscriber, first.subscriber_id))
    assert (came.source, came.typed, came.referrer) == (bio, "", "https://l.instagram.com")
    assert came.at == first.received_at


def test_who_left_and_comes_back_by_another_place_is_counted_where_she_came_first(
    session: Session, house: Cafe, bio: Source
) -> None:
    source.create(session, house.form, name="Till", channel=Channel.TILL)
    first = _sign_up(session, house, "anna@guest.example", "ig-bio")
    _confirm(session, first)
    unsubscribe.leave(session, first.subscriber_id or 0, house.mailing_list.id, Method.PAGE)
    _confirm(session, _sign_up(session, house, "anna@guest.example", "till"))
    held = _subscription(session, first, house)
    assert (held.state, held.source_id) == (SubscriptionState.CONFIRMED, bio.id)


def test_an_unknown_place_is_kept_as_typed_and_counts_nowhere(session: Session, house: Cafe, bio: Source) -> None:
    row = _sign_up(session, house, "bo@guest.example", "flyer-xyz")
    held = _subscription(session, row, house)
    assert (row.source, held.source_id, held.first_signup_id) == ("flyer-xyz", None, row.id)
    [came] = arrival.of(session, session.get_one(Subscriber, row.subscriber_id))
    assert (came.source, came.typed) == (None, "flyer-xyz")
    # Who came by no link at all does not become somebody's when she signs up once more.
    _sign_up(session, house, "bo@guest.example", "ig-bio")
    assert held.source_id is None


def test_whoever_was_confirmed_before_there_were_sources_came_by_none(
    session: Session, house: Cafe, bio: Source
) -> None:
    person = cafe.subscribe(session, house, "cleo@guest.example")
    held = subscription.of(session, person.id, house.mailing_list.id)
    assert held is not None
    held.first_signup_id = held.source_id = None
    row = _sign_up(session, house, "cleo@guest.example", "ig-bio")
    assert row.subscriber_id == person.id
    assert (held.first_signup_id, held.source_id) == (None, None)


def test_an_archived_source_still_counts(session: Session, house: Cafe, bio: Source) -> None:
    source.archive(bio)
    row = _sign_up(session, house, "anna@guest.example", "ig-bio")
    assert _subscription(session, row, house).source_id == bio.id
    assert source.all_of(session, house.mailing_list) == [bio]


def test_nothing_of_the_first_touch_outlives_an_erasure(session: Session, house: Cafe, bio: Source) -> None:
    row = _sign_up(session, house, "anna@guest.example", "ig-bio", referrer="https://l.instagram.com")
    _confirm(session, row)
    erasure.erase(session, row.subscriber_id or 0, actor="subscriber", forget_copies=lambda _session, _person: None)
    assert session.scalars(select(Signup)).all() == []
    assert session.scalars(select(Subscription)).all() == []


def test_visits_are_added_up_by_day_and_kind(session: Session, bio: Source) -> None:
    with time_machine.travel("2026-05-01T23:59:00Z", tick=False) as clock:
        visit.count(session, bio.id)
        visit.count(session, bio.id, by_machine=True)
        clock.shift(120)
        visit.count(session, bio.id)
        visit.count(session, bio.id)
    rows = session.execute(select(visit.SourceVisit.day, visit.SourceVisit.people, visit.SourceVisit.machines)).all()
    assert sorted((row[0].isoformat(), row[1], row[2]) for row in rows) == [("2026-05-01", 1, 1), ("2026-05-02", 2, 0)]
    assert visit.totals(session) == {bio.id: visit.Visits(3, 1)}


def test_asking_is_what_a_signup_is_counted_for(session: Session, house: Cafe, bio: Source) -> None:
    """A post that a brake kept back has asked nobody, and nobody has come by it."""
    braked = signups.decided(session, house, "anna@guest.example", signups.LIMITS, source="ig-bio")
    again = signups.decided(session, house, "anna@guest.example", signups.LIMITS, source="ig-bio")
    assert (braked.value, again.value) == ("asked", "braked")
    assert len(session.scalars(select(Subscription)).all()) == 1
