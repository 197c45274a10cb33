"""Cases 13 and 14: nobody's mailbox is filled through our forms, by many spellings or from many networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import combinations, islice

import pytest
import time_machine
from flask.testing import FlaskClient

from listkeeper.audience.guard.limits import Limits
from listkeeper.settings import Settings
from listkeeper.standards import address
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, programs
from tests.makers.imports import Court
from tests.makers.own import Guest
from tests.makers.works import Works


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An instance with the network's limits as they are delivered."""
    return settings.model_copy(update={"signups_per_hour": 5, "signups_per_day": 20})


VICTIM = address.parse("frejaholm.k@gmail.com").canon
MONTH = (0, 1, 6, 18, 30, 24 * 4, 24 * 9, 24 * 15, 24 * 22, 24 * 29)


def _spellings(count: int) -> list[str]:
    """Return as many ways to write one mailbox at Gmail: dots, tags, capitals, and its other domain."""

    def all_of() -> Iterator[str]:
        letters = "frejaholmk"
        for dots in range(len(letters)):
            for places in combinations(range(1, len(letters)), dots):
                parts = [letters[start:end] for start, end in zip((0, *places), (*places, None), strict=True)]
                yield ".".join(parts) + "@gmail.com"
                yield ".".join(parts).upper() + f"+{dots}@googlemail.com"

    found = list(islice(all_of(), count))
    assert len(set(found)) == count
    assert {address.parse(typed).canon for typed in found} == {VICTIM}
    return found


def _network(number: int) -> dict[str, str]:
    """Return a network of its own for each number, every other one IPv6."""
    high, low = divmod(number, 250)
    return {"REMOTE_ADDR": f"2001:db8:{high:x}:{low:x}::{number + 1:x}" if number % 2 else f"10.66.{high}.{low + 1}"}


def _to_victim(sink: SmtpSink) -> int:
    return sum(address.parse(to).canon == VICTIM for kept in sink.messages for to in kept.rcpt_tos)


def test_case_13_a_thousand_spellings_get_one_mail_a_day_and_three_a_month(
    works: Works,
    client: FlaskClient,
    smtp_sink: SmtpSink,
    frozen_clock: time_machine.Traveller,
    share: Callable[[str, int, int], int],
) -> None:
    """By the form and by a program, each post from a network of its own, spread over a month."""
    spellings = _spellings(share("spellings of one mailbox", 1000, 40))
    shop = programs.program(works.app)
    form = works.read(lambda session: Court.house(session).form.public_id)
    began, mails_by_hour = 0, {}
    for step, hour in enumerate(MONTH):
        frozen_clock.shift(timedelta(hours=hour - began))
        began = hour
        for number in range(step, len(spellings), len(MONTH)):
            typed, here = spellings[number], _network(number)
            if number % 3:
                assert client.post("/f/news", data={"email": typed}, environ_base=here).status_code == 200
            else:
                answer = shop.post("/signups", {"form": form, "address": typed}, environ_base=here)
                assert answer.status_code == 202
        attack.settle(works)
        mails_by_hour[hour] = _to_victim(smtp_sink)
    assert mails_by_hour[18] == 1
    assert mails_by_hour[MONTH[-1]] == 3


def test_case_13_one_brake_stands_before_every_door(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    """A thief with a subscription of her own names the victim as her new address, day after day."""
    thief = Guest(works, smtp_sink, client, "thief@guest.example")
    thief.subscribe()
    for number, typed in enumerate(_spellings(5)):
        client.post("/f/news", data={"email": typed}, environ_base=_network(number))
        own = thief.enter()
        assert client.post(f"{own}/address", data={"email": typed}).status_code == 200
        attack.settle(works)
        frozen_clock.shift(timedelta(days=1))
    assert _to_victim(smtp_sink) <= 3


# Case 14


def test_case_14_one_mailbox_from_a_thousand_networks_gets_one_mail(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink, share: Callable[[str, int, int], int]
) -> None:
    for number in range(share("networks that post one address", 1000, 30)):
        posted = client.post("/f/news", data={"email": "frejaholm.k@gmail.com"}, environ_base=_network(number))
        assert posted.status_code == 200
    attack.settle(works)
    assert _to_victim(smtp_sink) == 1


def test_case_14_one_network_with_a_thousand_addresses_is_braked(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink, settings: Settings, share: Callable[[str, int, int], int]
) -> None:
    """Every device of one IPv6 /64 counts as the one network that it is; what is seen depends on no address."""
    faces: dict[str, list[int]] = {"198.51.100.7": [], "2001:db8:7:7": []}
    for number in range(share("addresses posted by one network", 1000, 25)):
        for which, (place, seen) in enumerate(faces.items()):
            here = place if "." in place else f"{place}:{number:x}:{number:x}:1:2"
            typed = f"person-{number:04}@guest-{which}.example"
            seen.append(len(client.post("/f/news", data={"email": typed}, environ_base={"REMOTE_ADDR": here}).data))
    attack.settle(works)
    free = settings.signups_per_hour
    for seen in faces.values():
        assert (len(set(seen[:free])), len(set(seen[free:]))) == (1, 1)
    assert faces["198.51.100.7"] == faces["2001:db8:7:7"]
    assert len(smtp_sink.messages) == 2 * free


def test_case_14_a_network_gets_five_an_hour_and_twenty_a_day(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    """Rung 2 of the ladder, with the limits as they are delivered."""
    delivered = Limits()
    assert (delivered.signups_per_hour, delivered.signups_per_day) == (5, 20)
    sent = []
    for hour in range(6):
        for number in range(6):
            typed = f"person-{hour}-{number}@guest-{hour}.example"
            assert client.post("/f/news", data={"email": typed}, environ_base=_network(0)).status_code == 200
        attack.settle(works)
        sent.append(len(smtp_sink.messages))
        frozen_clock.shift(timedelta(hours=1))
    assert sent[0] == 5
    assert sent[-1] == 20


def test_case_14_a_domain_gets_fifty_an_hour_from_however_many_networks(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink
) -> None:
    """Rung 2 of the ladder: a business with a hundred mailboxes is not bombed by asking each of them once."""
    for number in range(55):
        typed = f"person-{number}@authority.example"
        assert client.post("/f/news", data={"email": typed}, environ_base=_network(number)).status_code == 200
    attack.settle(works)
    assert len(smtp_sink.messages) == 50
