"""Reports laid beside our own send log: whose mail each source sends, by address and day, worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.deliverability import sending_domain
from listkeeper.insight import own_name, own_name_words
from listkeeper.insight.own_name import OwnName, Source, Who
from listkeeper.sending import left_by_day
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.handing_over.way import PRACTICE
from tests.makers import cafe, kept_reports
from tests.makers.kept_reports import DOMAIN, Mail

# The clock stands at Monday 23 November 2026.
OURS, OURS_6, RELAY, LIST, STRANGER = "192.0.2.1", "2001:db8::1", "192.0.2.50", "192.0.2.60", "192.0.2.90"
EGRESS = (OURS, "2001:DB8:0::1")


def _day(number: int) -> date:
    return date(2026, 11, number)


def _at(number: int, hour: int = 10) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=UTC)


@pytest.fixture
def owner(session: Session, frozen_clock: time_machine.Traveller) -> Organisation:
    made = kept_reports.owner(session)
    sending_domain.add(session, made.id, DOMAIN)
    return made


def _look(session: Session, owner: Organisation, *, days: int = 30) -> OwnName:
    return own_name.look(session, owner.id, DOMAIN, egress=EGRESS, days=days)


def _whose(seen: OwnName) -> dict[tuple[str, Who], tuple[int, int]]:
    return {(source.address, source.who): (source.count, source.failing) for source in seen.sources}


def test_every_source_is_put_where_it_belongs(session: Session, owner: Organisation) -> None:
    kept_reports.left(session, owner, _at(20), 5)
    mails = (
        Mail(OURS, 40, selector="lk1"),
        Mail(OURS_6, 10, spf="fail", selector="lk1"),
        Mail(OURS, 3, dkim="fail", spf="fail"),
        # Our own signature from elsewhere; a receiver that names no key; a key that is not of ours.
        Mail(LIST, 6, spf="fail", selector="LK1"),
        Mail(LIST, 1, spf="fail"),
        Mail(RELAY, 8, spf="fail", selector="other"),
        Mail(RELAY, 2, dkim="fail", spf="pass"),
        # Nothing passes: a receiver may know that it was passed on, or not.
        Mail(LIST, 4, dkim="fail", spf="fail", reason="forwarded"),
        Mail(LIST, 5, dkim="fail", spf="fail", reason="local_policy"),
        Mail(STRANGER, 9, dkim="fail", spf="fail"),
    )
    kept_reports.bring(session, owner, kept_reports.xml(_day(20), *mails))
    seen = _look(session, owner)
    assert _whose(seen) == {
        (OURS, Who.OURS): (43, 3),
        (OURS_6, Who.OURS): (10, 0),
        (LIST, Who.FORWARDER): (11, 4),
        (LIST, Who.OTHER): (5, 5),
        (RELAY, Who.ALLOWED): (10, 0),
        (STRANGER, Who.OTHER): (9, 9),
    }
    assert (seen.messages, seen.failing, seen.share(seen.failing)) == (88, 21, 239)
    assert [source.address for source in seen.others] == [STRANGER, LIST]
    assert [source.own_address for source in seen.sources if source.who is Who.OURS] == [True, True]
    (ours,) = (source for source in seen.sources if source.address == OURS)
    assert (ours.without_dkim, ours.without_spf, ours.ways) == (3, 3, ("smtp",))
    assert seen.fix_first == ours


@pytest.mark.parametrize(
    ("left_on", "is_ours"),
    [
        (_at(17, 23), False),
        # The evening before counts: it arrived on the day that the report is about.
        (_at(18, 0), True),
        (_at(19), True),
        (_at(20, 23), True),
        (_at(21, 0), False),
    ],
)
def test_our_address_is_ours_on_days_when_something_left(
    session: Session, owner: Organisation, left_on: datetime, is_ours: bool
) -> None:
    kept_reports.left(session, owner, left_on, 1)
    mails = (Mail(OURS, 2), Mail(OURS, 3, dkim="fail", spf="fail"))
    kept_reports.bring(session, owner, kept_reports.xml(_day(19), *mails, days=2))
    whose = {(OURS, Who.OURS): (5, 3)} if is_ours else {(OURS, Who.ALLOWED): (2, 0), (OURS, Who.OTHER): (3, 3)}
    seen = _look(session, owner)
    assert _whose(seen) == whose
    assert all(source.own_address for source in seen.sources)


def test_what_fails_is_laid_to_the_ways_of_those_days(session: Session, owner: Organisation) -> None:
    kept_reports.left(session, owner, _at(10), 3, way="relay")
    kept_reports.left(session, owner, _at(10), 5, way="ses")
    kept_reports.left(session, owner, _at(15), 9, way="postmark")
    failing = Mail(OURS, 2, dkim="fail", spf="fail")
    reports = [
        kept_reports.xml(_day(10), failing), kept_reports.xml(_day(15), Mail(OURS, 7)),
        kept_reports.xml(_day(11), failing, sender="Another"),
    ]  # fmt: skip
    kept_reports.bring(session, owner, *reports)
    seen = _look(session, owner)
    assert [source.ways for source in seen.sources] == [("ses", "relay")]
    assert "ses and relay" in own_name_words.advice(seen.sources[0])
    assert seen.receivers == {"Receiver", "Another"}
    assert {day.day.day: (day.aligned, day.failing, day.left) for day in seen.days if day.aligned or day.left} == {
        10: (0, 2, 8), 15: (7, 0, 9),
    }  # fmt: skip
    assert len(seen.days) == 30
    assert (seen.days[0].day, seen.days[-1].day) == (date(2026, 10, 25), _day(23))


def test_only_mail_under_the_domain_and_of_the_days_counts(session: Session, owner: Organisation) -> None:
    sending_domain.add(session, owner.id, "other.example")
    names = (DOMAIN, "news.shop.example", "xshop.example", "other.example")
    reports = [
        kept_reports.xml(_day(20), *(Mail(STRANGER, 2**place, author=name) for place, name in enumerate(names))),
        kept_reports.xml(date(2026, 10, 24), Mail(STRANGER, 64)),
        kept_reports.xml(_day(16), Mail(STRANGER, 128)),
        kept_reports.xml(_day(17), Mail(STRANGER, 256)),
    ]
    kept_reports.bring(session, owner, *reports)
    assert _look(session, owner).messages == 1 + 2 + 128 + 256
    assert _look(session, owner, days=own_name.WEEK).messages == 1 + 2 + 256
    assert own_name.look(session, owner.id, "other.example").messages == 8


def test_the_send_log_is_counted_by_day_way_and_domain(session: Session, owner: Organisation) -> None:
    kept_reports.left(session, owner, _at(20, 0), 2)
    kept_reports.left(session, owner, _at(20, 23), 1, state=DeliveryState.BOUNCED)
    kept_reports.left(session, owner, _at(20), 4, domain="news.shop.example", way="ses")
    for number in (
        {"domain": "xshop.example"}, {"domain": "shop.example.net"}, {"way": PRACTICE.name}, {"way": None},
        {"state": DeliveryState.FAILED}, {"state": DeliveryState.IN_DOUBT}, {"state": DeliveryState.HANDED},
    ):  # fmt: skip
        kept_reports.left(session, owner, _at(20), 8, **number)
    kept_reports.left(session, owner, _at(19, 23), 16)
    kept_reports.left(session, owner, _at(21, 0), 32)
    assert left_by_day.of(session, owner.id, DOMAIN, _day(20), _day(20)) == {_day(20): {"smtp": 3, "ses": 4}}
    assert left_by_day.of(session, owner.id, DOMAIN, _day(19), _day(21)) == {
        _day(19): {"smtp": 16}, _day(20): {"smtp": 3, "ses": 4}, _day(21): {"smtp": 32},
    }  # fmt: skip
    assert left_by_day.of(session, owner.id + 1, DOMAIN, _day(19), _day(21)) == {}


def test_letters_count_while_they_are_under_way_and_when_they_came_back_later(
    session: Session, frozen_clock: time_machine.Traveller
) -> None:
    made = cafe.found(session)
    old, recent, going = (cafe.draft(session, made, subject=name) for name in ("old", "recent", "going"))
    old.started_at, old.finished_at = _at(1), _at(2)
    recent.started_at, recent.finished_at = _at(18), _at(20)
    going.started_at = _at(21)
    for place, letter in enumerate((old, recent, going)):
        at = letter.started_at or _at(1)
        kept_reports.left(session, made.organisation, at, 2**place, domain="cafe.example", campaign_id=letter.id)
    found = left_by_day.of(session, made.organisation.id, "cafe.example", _day(15), _day(23))
    assert found == {_day(18): {"smtp": 2}, _day(21): {"smtp": 4}}


def test_without_our_addresses_nothing_is_called_ours(session: Session, owner: Organisation) -> None:
    kept_reports.left(session, owner, _at(20), 5)
    kept_reports.bring(
        session, owner, kept_reports.xml(_day(20), Mail(OURS, 5, selector="lk1"), Mail(STRANGER, 1, "fail", "fail"))
    )
    seen = own_name.look(session, owner.id, DOMAIN)
    assert not seen.knows_addresses
    assert _whose(seen) == {(OURS, Who.ALLOWED): (5, 0), (STRANGER, Who.OTHER): (1, 1)}


def test_who_to_look_at_first(session: Session, owner: Organisation) -> None:
    assert _look(session, owner).fix_first is None
    kept_reports.left(session, owner, _at(20), 1)
    passed_on = Mail(LIST, 99, "fail", "fail", reason="forwarded")
    kept_reports.bring(session, owner, kept_reports.xml(_day(20), Mail(OURS, 50), passed_on, Mail(RELAY, 70)))
    assert _look(session, owner).fix_first is None
    others = (Mail(STRANGER, 5, "fail", "fail"), Mail("192.0.2.91", 6, "fail", "fail"))
    kept_reports.bring(session, owner, kept_reports.xml(_day(20), *others, number="2"))
    first = _look(session, owner).fix_first
    assert first is not None
    assert first.address == "192.0.2.91"
    kept_reports.bring(session, owner, kept_reports.xml(_day(20), Mail(OURS, 1, "fail", "fail"), number="3"))
    first = _look(session, owner).fix_first
    assert first is not None
    assert (first.address, first.who, first.failing) == (OURS, Who.OURS, 1)


STRANGERS = tuple(Mail(f"192.0.2.{90 + place}", number, "fail", "fail") for place, number in enumerate((9, 5, 3)))


@pytest.mark.parametrize(
    ("mails", "said"),
    [
        (
            (),
            (
                "In the last 7 days no receiver has reported about mail under shop.example, so it is not known who "
                "sends under your name."
            ),
        ),
        (
            (Mail(OURS, 1200),),
            "In the last 7 days receivers saw 1,200 mails under shop.example, and none that was not yours.",
        ),
        ((Mail(OURS, 1),), "In the last 7 days receivers saw 1 mail under shop.example, and none that was not yours."),
        (
            (Mail(OURS, 83), *STRANGERS),
            "17% of the mail under shop.example in the last 7 days was not yours: 3 sources.",
        ),
        (
            (Mail(OURS, 100_000), STRANGERS[0]),
            "0.1% of the mail under shop.example in the last 7 days was not yours: 1 source.",
        ),
        (
            (Mail(OURS, 90), Mail(OURS, 1, "fail", "fail"), STRANGERS[0]),
            "9% of the mail under shop.example in the last 7 days was not yours: 1 source. 1 mail of your own failed.",
        ),
    ],
)
def test_the_sentence_of_the_week(session: Session, owner: Organisation, mails: tuple[Mail, ...], said: str) -> None:
    kept_reports.left(session, owner, _at(20), 1)
    long_ago = kept_reports.xml(_day(16), Mail(STRANGER, 1000, "fail", "fail"))
    kept_reports.bring(session, owner, long_ago, *([kept_reports.xml(_day(20), *mails)] if mails else []))
    assert own_name_words.weekly(session, owner.id, DOMAIN, egress=EGRESS) == said


@pytest.mark.parametrize("who", Who)
def test_every_source_is_said_in_words(who: Who) -> None:
    for failing, without_dkim, without_spf in ((0, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (2, 2, 2)):
        for own_address in (False, True):
            source = Source(OURS, who, own_address, 2, failing, without_dkim, without_spf, ("smtp",) * (failing > 0))
            assert own_name_words.who(source)
            assert own_name_words.fails(source).startswith("Nothing") is not (failing > 0)
            assert own_name_words.advice(source).endswith(".")
            assert "by  " not in own_name_words.advice(source)


def test_a_report_of_a_far_time_zone_is_of_the_day_in_its_middle(session: Session, owner: Organisation) -> None:
    data = kept_reports.xml(_day(20), Mail(OURS, 5))
    begin = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
    later = timedelta(hours=8).total_seconds()
    data = data.replace(str(begin).encode(), str(int(begin + later)).encode())
    data = data.replace(str(begin + 86_399).encode(), str(int(begin + 86_399 + later)).encode())
    kept_reports.bring(session, owner, data)
    assert [day.day for day in _look(session, owner).days if day.aligned] == [_day(20)]
