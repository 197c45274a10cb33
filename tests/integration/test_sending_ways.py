"""Several ways to send: who carries what, and what a way that dies, closes or leaves a doubt does to the mail.

Every test runs on both databases, through the real jobs, with real servers on loopback.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import lines
from listkeeper.sending import incident
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.handing_over import way_address, way_trouble, ways
from listkeeper.settings import Settings
from tests.fakes import provider, smtp_sink
from tests.fakes.provider import Provider, resets, says
from tests.fakes.smtp_sink import DROP, SmtpSink
from tests.makers.cafe import Cafe
from tests.makers.providers import SECRET, TAKEN
from tests.makers.works import Works, make_due, recipients

S = DeliveryState


@dataclass
class Roads:
    """Two mail servers and a provider."""

    first: SmtpSink
    second: SmtpSink
    mailgun: Provider
    written: str = ""

    @property
    def names(self) -> tuple[str, str]:
        return f"smtp:127.0.0.1:{self.first.port}", f"smtp:127.0.0.1:{self.second.port}"


@pytest.fixture
def roads() -> Iterator[Roads]:
    """Servers; the second of the two carries ASCII alone."""
    with (
        smtp_sink.running() as first,
        smtp_sink.running(smtputf8=False) as second,
        provider.running(TAKEN["mailgun"]) as there,
    ):
        yield Roads(first, second, there)


@pytest.fixture
def settings(settings: Settings, roads: Roads, request: pytest.FixtureRequest) -> Settings:
    """Settings with two mail servers, or with what a test writes instead."""
    wanted = getattr(request, "param", "{first} {second}")
    written = wanted.format(
        first=roads.first.url,
        second=roads.second.url,
        mailgun=f"mailgun://{SECRET}@eu/mg.cafe.example?endpoint={roads.mailgun.origin}",
    )
    found = way_address.read_all(written)
    return settings.model_copy(update={"smtp_url": None, "ways": found, "private_hosts": ("127.0.0.1",)})


def _drawn(works: Works) -> dict[str, list[int]]:
    """Return by the names of the ways which deliveries would take them now."""
    with works.app.app_context(), store.reading() as session:
        numbers = list(session.scalars(select(Delivery.id).order_by(Delivery.id)))
        mails = ways.waiting(session, numbers)
        return {way.name: ids for way, ids in parts.ways().assign(mails).items()}


def _address(works: Works, number: int) -> str:
    def look(session: Session) -> str:
        query = select(Subscriber.email_send).join(Delivery, Delivery.subscriber_id == Subscriber.id)
        return str(session.scalar(query.where(Delivery.id == number)))

    return works.read(look)


def _sent_by(works: Works) -> Counter[str | None]:
    return Counter(row.way for row in works.deliveries() if row.state is S.ACCEPTED)


def _troubles(works: Works, *names: str) -> dict[str, str]:
    return works.read(lambda session: {row.way: row.words for row in way_trouble.of(session, names).values()})


def test_two_ways_share_the_mail_and_each_row_says_which(works: Works, roads: Roads) -> None:
    works.gather(40)
    works.start()
    drawn = _drawn(works)
    works.drain()
    assert {row.id: row.way for row in works.deliveries()} == {
        number: name for name, numbers in drawn.items() for number in numbers
    }
    kept = [recipients(roads.first), recipients(roads.second)]
    assert [found.total() for found in kept] == [len(drawn[name]) for name in roads.names]
    assert set((kept[0] + kept[1]).values()) == {1}


def test_a_way_that_dies_in_mid_window_loses_doubles_and_doubts_nothing_but_what_was_in_flight(
    works: Works, roads: Roads
) -> None:
    works.gather(60)
    works.start()
    mine = _drawn(works)[roads.names[0]]
    # The last message that this server takes, and never answers about: three of its share before, the rest after it.
    in_flight = mine[3]
    hers = _address(works, in_flight)
    with works.app.app_context():
        lines.look()  # it dies later, and is there at first
    roads.first.script("CONTENT", DROP, to=hers)
    roads.first.script("BANNER", "421 4.3.2 gone")
    works.drain()
    rows = {row.id: row for row in works.deliveries()}
    assert Counter(row.state for row in rows.values()) == {S.ACCEPTED: 59, S.IN_DOUBT: 1}
    assert rows[in_flight].state is S.IN_DOUBT
    assert _sent_by(works) == {roads.names[0]: 3, roads.names[1]: 56}
    kept = recipients(roads.first) + recipients(roads.second)
    assert (len(kept), set(kept.values()), hers in kept) == (59, {1}, False)
    assert [message.rcpt_tos for message in roads.first.unanswered] == [(hers,)]
    # Who was marked as handed and not begun has used up no try.
    assert {row.attempts for row in rows.values()} == {1}
    assert _troubles(works, *roads.names) == {
        roads.names[0]: f"The mail server at 127.0.0.1:{roads.first.port} does not answer as it should."
    }
    assert works.read(incident.standing) == []


def test_only_when_both_are_away_mail_stands_still_and_both_are_named(works: Works, roads: Roads) -> None:
    works.gather(5)
    letter = works.start()
    for road in (roads.first, roads.second):
        road.script("BANNER", "421 4.3.2 gone")
    works.work(Lane.SENDING, times=2)
    (words,) = works.progress(letter).standing_still
    assert all(
        f"{name}: The mail server at {name.removeprefix('smtp:')} does not answer" in words for name in roads.names
    )
    assert {(row.state, row.attempts) for row in works.deliveries()} == {(S.QUEUED, 0)}
    roads.first.forget()
    for _ in range(3):
        works.write(make_due)
        works.drain()
    assert works.progress(letter).sent == 5
    assert recipients(roads.first).total() == 5
    assert works.read(incident.standing) == []


def test_what_is_put_off_twice_by_one_way_goes_by_the_other(works: Works, roads: Roads) -> None:
    works.gather(10)
    works.start()
    number = _drawn(works)[roads.names[0]][0]
    roads.first.script("RCPT", "451 4.7.1 not from here", to=_address(works, number))
    for tries in (1, 2):
        works.drain()
        row = next(row for row in works.deliveries() if row.id == number)
        assert (row.state, row.attempts, row.way) == (S.DEFERRED, tries, roads.names[0])
        works.write(make_due)
    works.drain()
    row = next(row for row in works.deliveries() if row.id == number)
    assert (row.state, row.attempts, row.way) == (S.ACCEPTED, 3, roads.names[1])


def test_an_address_beyond_ascii_goes_where_it_can_be_said(works: Works, roads: Roads) -> None:
    works.gather(30)

    def widen(session: Session, _house: Cafe) -> None:
        for person in session.scalars(select(Subscriber)):
            person.email_send = (person.email_send or "").replace("person", "pérson")

    works.write(widen)
    works.start()
    assert len(_drawn(works)[roads.names[1]]) > 5
    works.drain()
    assert _sent_by(works) == {roads.names[0]: 30}


@pytest.mark.parametrize("settings", ["{mailgun} {second}"], indirect=True)
def test_a_provider_that_refuses_the_key_leaves_its_mail_to_the_other(works: Works, roads: Roads) -> None:
    refusal = says(401, b"Forbidden " + SECRET.encode())
    roads.mailgun.usual = refusal
    works.gather(20)
    works.start()
    assert len(_drawn(works)["mailgun:mg.cafe.example"]) > 3
    works.drain()
    works.write(make_due)
    works.drain()
    assert _sent_by(works) == {roads.names[1]: 20}
    assert set(recipients(roads.second).values()) == {1}
    assert len(roads.mailgun.asked) < 4
    (words,) = _troubles(works, "mailgun:mg.cafe.example").values()
    assert words.startswith("Mailgun does not accept the key it was given: 401")
    assert SECRET not in words


@pytest.mark.parametrize("settings", ["{mailgun}&weight=1000 {second}"], indirect=True)
def test_what_a_provider_may_have_taken_is_tried_by_no_other_way(works: Works, roads: Roads) -> None:
    roads.mailgun.then(TAKEN["mailgun"], resets)
    works.gather(12)
    works.start()
    for _ in range(3):
        works.drain()
        works.write(make_due)
    states = Counter(row.state for row in works.deliveries())
    assert states == {S.ACCEPTED: 11, S.IN_DOUBT: 1}
    (doubtful,) = (row for row in works.deliveries() if row.state is S.IN_DOUBT)
    assert doubtful.way == "mailgun:mg.cafe.example"
    posted = Counter(dict(asked.form())["to"].decode() for asked in roads.mailgun.asked)
    both = posted + recipients(roads.second)
    assert (len(both), set(both.values())) == (12, {1})
    assert posted[_address(works, doubtful.id)] == 1
    first = next(row for row in works.deliveries() if row.way == "mailgun:mg.cafe.example" and row.state is S.ACCEPTED)
    assert first.reply_text is not None
    assert first.reply_text.startswith("2.0.0 Mailgun: ")


@pytest.mark.parametrize("settings", ["{first}?domains=cafe.example {second}"], indirect=True)
def test_a_domain_takes_the_way_that_names_it(works: Works, roads: Roads) -> None:
    works.gather(6)
    works.start()
    works.drain()
    assert _sent_by(works) == {roads.names[0]: 6}
    works.write(_move)
    works.post("new@guest.example")
    works.drain(Lane.URGENT)
    assert _sent_by(works) == {roads.names[0]: 6, roads.names[1]: 1}


def _move(_session: Session, house: Cafe) -> None:
    house.organisation.from_address = "hello@bakery.example"
