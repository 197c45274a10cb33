"""Cases 34, 35 and 38: time that runs out to the day, pauses that nobody can bend, clocks that jump."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import confirmation, jurisdiction, lifecycle, permission, preferences, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.proof import ledger_audit
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import lines
from listkeeper.sending.delivery import DeliveryState
from tests.fakes.smtp_sink import DROP, SmtpSink
from tests.makers import attack, auditor, cafe
from tests.makers.cafe import Cafe
from tests.makers.own import Guest
from tests.makers.works import HER, Works, here, make_due
from tests.unit.audience import gate_scene
from tests.unit.audience.gate_cases import CASES
from tests.unit.audience.gate_scene import CITED, Scene

S = DeliveryState
DAY, HOUR, INSTANT = timedelta(days=1), timedelta(hours=1), timedelta(milliseconds=1)


# Case 34: Canada's implied consent


@pytest.fixture
def canadian(session: Session, frozen_clock: time_machine.Traveller) -> Scene:
    """Somebody on a list under Canada's law, whose purchase is taken for a yes."""
    frozen_clock.move_to(datetime(2023, 1, 1, 12, tzinfo=UTC))
    scene = gate_scene.prepare(session)
    scene.house.mailing_list.jurisdiction = "ca"
    scene.current.basis = Basis.IMPLIED_CASL
    session.flush()
    return scene


# What the law's words give, counted by hand: the day of the act, the months, the last day that is good.
_LAST_DAYS = [
    (date(2025, 1, 1), 24, date(2027, 1, 1)),
    (date(2023, 3, 1), 24, date(2025, 2, 28)),
    # With a leap day inside, the calendar gives day 731; the stricter reading is day 730.
    (date(2024, 1, 15), 24, date(2026, 1, 14)),
    (date(2024, 2, 29), 24, date(2026, 2, 28)),
    (date(2026, 3, 7), 24, date(2028, 3, 6)),
    (date(2025, 8, 31), 6, date(2026, 2, 28)),
    (date(2023, 8, 31), 6, date(2024, 2, 29)),
    (date(2025, 9, 30), 6, date(2026, 3, 30)),
    (date(2025, 12, 31), 6, date(2026, 6, 30)),
]


def _bought(scene: Scene, moment: datetime, act: date, months: int) -> None:
    """Let her have bought something, and have heard from us since, so that only the law's own clock runs."""
    scene.current.since, scene.current.last_contact_at = moment, moment + 150 * DAY
    scene.current.first_use_deadline = None
    scene.current.valid_until = jurisdiction.implied_expiry(act, months)
    scene.session.flush()


def _verdict(scene: Scene) -> str:
    with gate_scene.played(scene, CASES[0]):
        return scene.verdict(permission)


def test_case_34_day_730_is_good_and_day_731_is_not(canadian: Scene, frozen_clock: time_machine.Traveller) -> None:
    for act, months, last in _LAST_DAYS:
        _bought(canadian, datetime.combine(act, datetime.min.time(), UTC), act, months)
        end = datetime.combine(last + DAY, datetime.min.time(), UTC)
        said = []
        for moment in (end - DAY, end - INSTANT, end, end + DAY):
            frozen_clock.move_to(moment)
            said.append(_verdict(canadian))
        assert said == [CITED, CITED, "expired", "expired"], (act, months)
        if months == 24:
            assert (last - act).days <= 730


@pytest.fixture(params=["Pacific/Kiritimati", "America/St_Johns", "America/Vancouver"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine whose owner set its own time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_case_34_no_zone_and_no_summer_time_makes_it_longer(
    machine_zone: str, canadian: Scene, frozen_clock: time_machine.Traveller
) -> None:
    """Bought in the night of the change to summer time, asked about around the last day there."""
    del machine_zone
    for zone in map(ZoneInfo, ("America/St_Johns", "America/Vancouver")):
        bought = datetime(2026, 3, 8, 1, 59, 59, tzinfo=zone)
        for months in (6, 24):
            act = jurisdiction.trigger_day(bought.astimezone(UTC))
            assert act <= bought.date()
            _bought(canadian, bought.astimezone(UTC), act, months)
            there = clock.months_later(bought.replace(hour=0, minute=0, second=0), months)
            for moment, good in ((there - 2 * DAY, True), (there + DAY, False), (there + DAY + HOUR, False)):
                frozen_clock.move_to(moment.astimezone(UTC))
                assert (_verdict(canadian) == CITED) is good, (zone, months, moment)


def test_case_34_a_permission_that_runs_out_while_the_letter_is_sent(works: Works, smtp_sink: SmtpSink) -> None:
    """The nightly job has not run; the gate looks at the clock itself."""
    works.gather(8)
    end = clock.now() + HOUR
    works.write(lambda session, _house: session.execute(update(Subscription).values(valid_until=end)))
    works.start()
    with works.app.app_context():
        lines.look()
    smtp_sink.script("RCPT", DROP, to="person-4@", times=1)
    smtp_sink.script("BANNER", "421 4.3.2 closing", times=1)
    works.work(Lane.SENDING)
    assert len(smtp_sink.messages) == 3
    with time_machine.travel(end + INSTANT, tick=True):
        works.write(make_due)
        works.drain()
    rows = [row for row in works.deliveries() if row.campaign_id]
    assert [row.state for row in rows].count(S.ACCEPTED) == len(smtp_sink.messages) == 3
    assert {row.refusal_code for row in rows if row.state is not S.ACCEPTED} == {RefusalCode.EXPIRED}
    assert set(attack.standing(works.app, works.list_id).values()) == {"confirmed"}


# Case 35: pauses


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    return guest


_BENT = [
    "-30",
    "0",
    "1",
    "-999999999999",
    "999999999999999999999",
    "1e9",
    "NaN",
    "Infinity",
    "",
    " 30 days",
    "³",
    "9" * 4000,
]


def test_case_35_a_pause_into_the_past_or_for_ever(her: Guest, client: FlaskClient) -> None:
    page = her.get_letter()["p"]
    for days in _BENT:
        assert client.post(f"{page}/pause", data={"days": days}).status_code == 200, days
        until = her.subscription().snooze_until
        assert until is not None, days
        assert clock.now() + 29 * DAY < until <= clock.now() + 90 * DAY, days
    for number in (-(10**18), -1, 0, 10**18):
        her.works.write(
            lambda session, house, number=number: preferences.snooze(  # type: ignore[misc]
                session, her.person(session).id, house.mailing_list.id, number
            )
        )
        until = her.subscription().snooze_until
        assert until is not None
        assert clock.now() + 29 * DAY < until <= clock.now() + 90 * DAY
    assert her.subscription().state is SubscriptionState.CONFIRMED


@pytest.mark.parametrize(
    ("until", "verdict"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), None),
        (datetime(1, 1, 1, tzinfo=UTC), None),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), RefusalCode.SNOOZED),
    ],
)
def test_case_35_a_pause_somebody_wrote_into_the_database(
    her: Guest, smtp_sink: SmtpSink, until: datetime, verdict: RefusalCode | None
) -> None:
    her.works.write(lambda session, _house: session.execute(update(Subscription).values(snooze_until=until)))
    mails = len(smtp_sink.messages)
    her.works.start()
    her.works.drain()
    assert her.works.deliveries()[-1].refusal_code is verdict
    assert len(smtp_sink.messages) == mails + (verdict is None)


def _pause(session: Session, house: Cafe) -> None:
    person = session.scalars(select(Subscription.subscriber_id)).one()
    assert preferences.snooze(session, person, house.mailing_list.id, 30)


def test_case_35_a_letter_that_waits_meets_a_pause(her: Guest, smtp_sink: SmtpSink) -> None:
    """Planned before the pause and due within it: none. Planned within it and due after it: one."""
    mails = len(smtp_sink.messages)
    her.works.start("Planned before")
    her.works.write(_pause)
    her.works.drain()
    assert her.works.deliveries()[-1].refusal_code is RefusalCode.SNOOZED
    assert len(smtp_sink.messages) == mails
    with time_machine.travel(clock.now() + 30 * DAY - HOUR, tick=True):
        within = her.works.start("Planned and due within")
        her.works.drain()
        later = her.works.start("Planned within, due after")
    with time_machine.travel(clock.now() + 30 * DAY + HOUR, tick=True):
        her.works.drain()
    assert [her.works.progress(letter).sent for letter in (within, later)] == [0, 1]
    assert len(smtp_sink.messages) == mails + 1


# Case 38: clocks that jump


def _ends(works: Works, end: datetime) -> None:
    works.write(lambda session, _house: session.execute(update(Subscription).values(valid_until=end)))


def _faults(works: Works) -> list[str]:
    def look(session: Session) -> list[str]:
        owner = here(session).organisation
        return auditor.faults(session, owner.id) + [f.sentence for f in ledger_audit.check(session, owner).faults]

    return works.read(look)


def _row_written(works: Works, who: str) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, who))


@pytest.mark.parametrize("back", [timedelta(minutes=10), DAY])
def test_case_38_a_step_back_revives_no_one(works: Works, smtp_sink: SmtpSink, back: timedelta) -> None:
    _row_written(works, HER)
    works.work(Lane.URGENT, 2)
    _ends(works, clock.now() + HOUR)
    with time_machine.travel(clock.now() + HOUR + timedelta(minutes=5), tick=True):
        # Something happens, so that the ledger has seen the moment.
        _row_written(works, "bo@guest.example")
        seen = works.read(lambda session: attack.newest(session, "consent.given"))["ts"]
    with time_machine.travel(clock.now() + HOUR + timedelta(minutes=5) - back, tick=True):
        works.start()
        works.drain()
        codes = {row.subscriber_id: row.refusal_code for row in works.deliveries() if row.campaign_id}
        freja = works.read(lambda session: Guest(works, smtp_sink, works.app.test_client()).person(session).id)
        assert codes[freja] is RefusalCode.EXPIRED
        assert smtp_sink.to(HER) == [] or all("buns" not in str(m.message["Subject"]) for m in smtp_sink.to(HER))
        # What is written meanwhile keeps the order, and the ledger tells of the jump.
        works.leave(freja)
        gone = works.read(lambda session: attack.newest(session, "consent.withdrawn"))
        assert isinstance(gone["ts"], int)
        assert isinstance(seen, int)
        assert gone["ts"] >= seen
        assert works.read(lambda session: attack.newest(session, "clock.skew"))["ts"] >= seen  # type: ignore[operator]
    assert _faults(works) == []


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_case_38_who_leaves_under_a_wrong_clock_has_left(works: Works, smtp_sink: SmtpSink, jump: timedelta) -> None:
    _row_written(works, HER)
    works.work(Lane.URGENT, 2)
    letter = works.start()
    mails = len(smtp_sink.messages)
    with time_machine.travel(clock.now() + jump, tick=True):
        number = works.read(lambda session: session.scalars(select(Subscription.subscriber_id)).one())
        works.leave(number)
        works.write(make_due)
        works.drain()
    # And when the clock is right again.
    works.write(make_due)
    works.drain()
    assert works.progress(letter).sent == 0
    assert len(smtp_sink.messages) == mails
    assert attack.standing(works.app, works.list_id) == {HER: "unsubscribed"}
    assert _faults(works) == []


def test_case_38_a_question_that_has_ended_is_not_asked_again_by_yesterday(works: Works) -> None:
    told: list[str] = []
    works.write(lambda session, house: told.append(confirmation.token_of(cafe.sign_up(session, house, HER))))
    with time_machine.travel(clock.now() + confirmation.LIFETIME + HOUR, tick=True):
        works.write(lambda session, _house: lifecycle.end_due(session))
    assert attack.standing(works.app, works.list_id) == {HER: "expired"}
    settled = attack.state(works.app)
    with time_machine.travel(clock.now() + confirmation.LIFETIME - HOUR, tick=True):
        works.app.test_client().post(f"/c/{told[0]}")
    assert attack.state(works.app) == settled


def test_case_38_rows_are_in_the_order_of_what_happened(works: Works) -> None:
    jumps = (DAY, -DAY, timedelta(0), timedelta(minutes=-3), DAY, -3 * DAY)
    for number, jump in enumerate(jumps):
        with time_machine.travel(clock.now() + jump, tick=True):
            _row_written(works, f"guest-{number}@guest.example")
            works.write(_leave_last)
    stamps = works.read(lambda session: list(session.scalars(select(LedgerRow.at).order_by(LedgerRow.seq))))
    assert stamps == sorted(stamps)
    assert attack.events(works.app)["clock.skew"] >= 2
    assert set(attack.standing(works.app, works.list_id).values()) == {"unsubscribed"}
    assert _faults(works) == []


def _leave_last(session: Session, house: Cafe) -> None:
    newest = session.scalars(select(Subscription.subscriber_id).order_by(Subscription.id.desc())).first()
    assert newest is not None
    unsubscribe.leave(session, newest, house.mailing_list.id, Method.ONE_CLICK)
