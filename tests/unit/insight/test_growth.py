"""Growth: what the database adds up, against a slow count of every person in Python; months, cohorts, shares."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import followers, source, unsubscribe
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.importing.batch import ImportBatch, ImportState
from listkeeper.audience.signup import Signup
from listkeeper.audience.source import Channel
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, language
from listkeeper.insight import growth, growth_count, month
from listkeeper.insight.growth_count import Count
from tests.makers import cafe
from tests.makers.cafe import Cafe

S = SubscriptionState
_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ZONES = ("UTC", "Europe/Copenhagen", "America/St_Johns", "Pacific/Kiritimati", "Europe/Moscow")


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


def _moment(draw: random.Random) -> datetime:
    """Return a moment of the last years, often close to a month's end, where clocks disagree about the month."""
    if draw.random() < 0.5:
        midnight = datetime(draw.choice((2024, 2025, 2026)), draw.randrange(1, 11), 1, tzinfo=UTC)
        return midnight + timedelta(minutes=draw.randrange(-15 * 60, 15 * 60), microseconds=draw.randrange(10**6))
    return _NOW - timedelta(minutes=draw.randrange(1_200_000))


def _fill(session: Session, house: Cafe, draw: random.Random, number: int) -> None:
    """Put people on the list in all states there are: with and without a sign-up, an event, a file, a source."""
    batch = ImportBatch(
        organisation_id=house.organisation.id, list_id=house.mailing_list.id, operator="test", file_sha256="0" * 64,
        file_name="a.csv", state=ImportState.FINISHED, finished_at=_moment(draw),
    )  # fmt: skip
    session.add(batch)
    bio = source.create(session, house.form, name="Bio", channel=Channel.INSTAGRAM)
    cafe.subscribe(session, house, "first@people.example")
    version = session.scalars(select(Signup.form_version_id)).first()
    session.flush()
    for each in range(number):
        person = Subscriber(
            organisation_id=house.organisation.id, subject_ref=f"ref-{each}", email_send=f"p{each}@people.example",
            email_key=f"p{each}@people.example", suppression_key=f"key-{each}", language="en",
        )  # fmt: skip
        session.add(person)
        session.flush()
        state, came = draw.choice(list(S)), draw.choice(("signup", "event", "renewed", "file", "file renewed", "bare"))
        row = Subscription(
            subscriber_id=person.id, list_id=house.mailing_list.id, state=state, since=_moment(draw),
            source_id=draw.choice((None, bio.id)), import_id=batch.id if "file" in came else None,
        )  # fmt: skip
        if came in {"signup", "bare"} and draw.random() < 0.8:
            asked = Signup(
                form_version_id=version, email_send="", visit_digest=f"v{each}", idempotency_key=f"k{each}",
                subscriber_id=person.id, received_at=_moment(draw),
            )  # fmt: skip
            session.add(asked)
            session.flush()
            row.first_signup_id = asked.id
        _say_yes(session, house, person, row, came, draw)
        session.add(row)
    session.flush()


def _say_yes(  # noqa: PLR0917 - who, to what, how
    session: Session, house: Cafe, person: Subscriber, row: Subscription, came: str, draw: random.Random
) -> None:
    kinds = {"renewed": ("given", "renewed"), "file renewed": ("renewed",), "bare": (), "file": ()}.get(
        came, ("given",)
    )
    for kind in kinds:
        event = ConsentEvent(
            organisation_id=house.organisation.id, subject_ref=person.subject_ref, list_id=house.mailing_list.id,
            kind=EventKind(f"consent.{kind}"), method=Method.BUTTON, at=_moment(draw),
        )  # fmt: skip
        session.add(event)
        session.flush()
        row.consent_event_id = event.id


def _slowly(session: Session, zone: str) -> Counter[tuple[object, ...]]:
    """Count person by person, as the rules say it."""

    def told(moment: datetime | None) -> str:
        return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m") if moment is not None else ""

    found: Counter[tuple[object, ...]] = Counter()
    for row in session.scalars(select(Subscription)).all():
        event = session.get(ConsentEvent, row.consent_event_id) if row.consent_event_id else None
        asked = session.get(Signup, row.first_signup_id) if row.first_signup_id else None
        batch = session.get(ImportBatch, row.import_id) if row.import_id else None
        by_file = batch is not None and (event is None or event.kind is EventKind.RENEWED)
        joined = event.at if event else None
        if by_file:
            joined = batch.finished_at if batch and row.state in {S.CONFIRMED, *growth_count.ENDS} else joined
        elif event is not None and event.kind is EventKind.RENEWED:
            [first] = session.scalars(
                select(ConsentEvent).where(
                    ConsentEvent.subject_ref == event.subject_ref, ConsentEvent.kind == EventKind.GIVEN
                )
            )
            joined = first.at
        when = asked.received_at if asked else batch.finished_at if batch else event.at if event else row.since
        ended = row.since if row.state in growth_count.ENDS else None
        found[row.source_id or 0, by_file, told(when), told(joined), row.state, told(ended)] += 1
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_the_database_counts_as_a_slow_look_at_every_person_does(
    session: Session, house: Cafe, chance: random.Random, zone: str
) -> None:
    with time_machine.travel(_NOW, tick=False):
        _fill(session, house, chance, 150)
        on_sqlite = session.get_bind().dialect.name != "postgresql"
        query = growth_count._question(house.mailing_list, zone, on_sqlite=on_sqlite)  # noqa: SLF001
        quickly = {tuple(row[:-1]): row[-1] for row in session.execute(query)}
    assert quickly == dict(_slowly(session, zone))


def test_what_the_page_shows_adds_up(session: Session, house: Cafe, chance: random.Random) -> None:
    with time_machine.travel(_NOW, tick=False):
        _fill(session, house, chance, 120)
        shown = growth.of(session, house.organisation, [house.mailing_list])
    for tally in (shown.total, shown.by_file, *(tally for _source, tally in shown.sources)):
        assert tally.joined == tally.here + tally.left + tally.complained + tally.bounced + tally.lapsed
        assert tally is shown.by_file or tally.asked >= tally.joined or tally is shown.total
    assert sum(tally.joined for _source, tally in shown.sources) + shown.by_file.joined == shown.total.joined
    assert sum(tally.asked for _source, tally in shown.sources) == shown.total.asked
    # Who is there is what the last month's end says.
    assert shown.months[-1].size == shown.total.here
    assert [row.month for row in shown.months] == month.from_to(shown.months[0].month, "2026-11")
    for cohort in shown.cohorts:
        assert list(cohort.still) == sorted(cohort.still, reverse=True)
        assert cohort.joined >= cohort.still[0]


def _told(asked: str, joined: str, state: SubscriptionState, ended: str = "", people: int = 1) -> Count:
    return Count(0, False, asked, joined, state, ended, people)


def test_a_cohort_loses_whoever_left_in_the_month_in_which_they_left() -> None:
    counts = [
        _told("2026-08", "2026-08", S.CONFIRMED, people=6),
        _told("2026-08", "2026-08", S.UNSUBSCRIBED, "2026-08"),
        _told("2026-08", "2026-08", S.BOUNCED, "2026-10", people=2),
        _told("2026-09", "2026-10", S.CONFIRMED, people=3),
        # Asked and never answered, and joined too long ago to be shown.
        _told("2026-09", "", S.PENDING, people=9),
        _told("2020-01", "2020-01", S.CONFIRMED, people=50),
    ]
    found = growth.cohorts(counts, "2026-11")
    assert [(one.month, one.joined, list(one.still)) for one in found] == [
        ("2026-08", 9, [8, 8, 6, 6]),
        ("2026-10", 3, [3, 3]),
    ]


def test_a_persons_way_is_seen_at_once(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    frozen_clock.move_to(datetime(2026, 9, 30, 23, 30, tzinfo=UTC))
    anna = cafe.subscribe(session, house, "anna@people.example")
    cafe.sign_up(session, house, "bo@people.example")
    followers.note(session, house.organisation, Channel.INSTAGRAM, "200", date(2026, 9, 12))
    frozen_clock.move_to(datetime(2026, 11, 2, 9, tzinfo=UTC))
    unsubscribe.leave(session, anna.id, house.mailing_list.id, Method.PAGE)
    cafe.subscribe(session, house, "cy@people.example")
    followers.note(session, house.organisation, Channel.INSTAGRAM, "400", date(2026, 11, 2))
    session.flush()
    shown = growth.of(session, house.organisation, [house.mailing_list])
    rows = [(row.month, row.came.asked, row.came.joined, row.joined, row.lost, row.size) for row in shown.months]
    # Half past eleven in the evening in Greenwich was October in Copenhagen.
    assert rows == [("2026-10", 2, 1, 1, 0, 1), ("2026-11", 1, 1, 1, 1, 1)]
    owned = [(row.month, row.size, row.followers, row.per_mille) for row in shown.owned]
    assert owned == [("2026-10", 1, 200, 5), ("2026-11", 1, 400, 3)]
    assert growth.of(session, house.organisation, []).total.asked == 0


def test_the_counts_of_a_long_list_are_kept_and_those_of_a_short_one_are_fresh(
    session: Session, house: Cafe, monkeypatch: pytest.MonkeyPatch, frozen_clock: time_machine.Traveller
) -> None:
    monkeypatch.setattr(growth_count, "COUNTED_AT_ONCE", 2)
    lists = [house.mailing_list]
    for name in ("a", "b", "c"):
        cafe.subscribe(session, house, f"{name}@people.example")
    session.flush()
    growth_count.keep(session, lists[0], growth_count.look(session, house.organisation, lists[0]))
    then = clock.now()
    frozen_clock.shift(600)
    cafe.subscribe(session, house, "d@people.example")
    session.flush()
    kept = growth.of(session, house.organisation, lists)
    assert (kept.total.joined, kept.counted_at) == (3, then)
    growth_count.keep(session, lists[0], growth_count.look(session, house.organisation, lists[0]))
    assert growth.of(session, house.organisation, lists).total.joined == 4
    monkeypatch.setattr(growth_count, "COUNTED_AT_ONCE", 100)
    growth_count.keep(session, lists[0], growth_count.look(session, house.organisation, lists[0]))
    assert session.scalar(select(func.count()).select_from(growth_count.GrowthCount)) == 0
    monkeypatch.setattr(growth_count, "COUNTED_AT_ONCE", 2)
    growth_count.keep(session, lists[0], growth_count.look(session, house.organisation, lists[0]))
    growth_count.forget_gone(session, [lists[0].id])
    assert session.scalar(select(func.count()).select_from(growth_count.GrowthCount)) == 1
    growth_count.forget_gone(session, [])
    assert session.scalar(select(func.count()).select_from(growth_count.GrowthCount)) == 0
    monkeypatch.setattr(growth_count, "COUNTED_AT_ONCE", 100)
    assert growth.of(session, house.organisation, lists).counted_at == clock.now()


def test_few_people_are_told_by_number_and_many_by_share() -> None:
    with language.using("en"):
        assert growth.share_said(3, 4) == "3 of 4"
        assert growth.share_said(19, 19) == "19 of 19"
        assert growth.share_said(1, 3000) == "0%"
        assert growth.share_said(15, 20) == "75%"
        assert growth.share_said(0, 0) == ""


def test_months_are_counted_on_and_named() -> None:
    assert month.later("2026-11", 3) == "2027-02"
    assert month.later("2026-01", -1) == "2025-12"
    assert month.from_to("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]
    with language.using("da"):
        assert (month.name("2026-11"), month.name("2026-05", short=True)) == ("november 2026", "maj 2026")
