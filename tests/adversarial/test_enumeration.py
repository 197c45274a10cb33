"""Case 18: nobody learns from us who is on a list: not by a word, a length, a statement of SQL, or the time."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from listkeeper.audience import answering, complaint, confirmation, erasure, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.foundation.outbox import Lane
from listkeeper.settings import Settings
from listkeeper.web.public import form_view
from tests.makers import attack, cafe, programs, stopwatch
from tests.makers.cafe import Cafe
from tests.makers.imports import Court
from tests.makers.works import Works

# All as long as each other, so that what differs is no matter of length.
PEOPLE = ("stranger", "pending_", "on__list", "departed", "spam_said", "not__me_", "erased__")
ADDRESSES = {name: f"{name:_<9}@guest.example" for name in PEOPLE}
Ask = Callable[[str], TestResponse]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An instance whose form is never busy, or the many posts of this test would change its face halfway."""
    return settings.model_copy(update={"signups_per_form_hour": 1_000_000})


def _people(session: Session, house: Cafe) -> None:
    cafe.sign_up(session, house, ADDRESSES["pending_"])
    answering.refuse(session, confirmation.token_of(cafe.sign_up(session, house, ADDRESSES["not__me_"])))
    cafe.subscribe(session, house, ADDRESSES["on__list"])
    gone = {name: cafe.subscribe(session, house, ADDRESSES[name]).id for name in ("departed", "spam_said", "erased__")}
    unsubscribe.leave(session, gone["departed"], house.mailing_list.id, Method.PAGE)
    complaint.complain(session, gone["spam_said"])
    erasure.erase(session, gone["erased__"], actor="subscriber", forget_copies=lambda _session, _person: None)


@pytest.fixture
def peopled(works: Works) -> Works:
    """A café with somebody in every state."""
    works.write(_people)
    works.work(Lane.URGENT, 3)
    return works


def _networks() -> Callable[[], dict[str, str]]:
    numbers = count(1)
    return lambda: {"REMOTE_ADDR": f"2001:db8:{next(numbers):x}::1"}


def _doors(works: Works, client: FlaskClient) -> dict[str, Ask]:
    """Return every door at which a stranger may name an address, each post from a network of its own."""
    elsewhere, shop = _networks(), programs.program(works.app)
    form = works.read(lambda session: Court.house(session).form.public_id)
    return {
        "form": lambda typed: client.post("/f/news", data={"email": typed}, environ_base=elsewhere()),
        "entry": lambda typed: client.post("/me", data={"email": typed}, environ_base=elsewhere()),
        "signup by a program": lambda typed: shop.post(
            "/signups", {"form": form, "address": typed}, environ_base=elsewhere()
        ),
        "capitals": lambda typed: client.post("/f/news", data={"email": typed.upper()}, environ_base=elsewhere()),
        "component": lambda typed: client.post(
            "/f/news/embed", data={"email": typed}, environ_base=elsewhere(), headers={"Origin": "https://shop.example"}
        ),
        "frame": lambda typed: client.post("/f/news/frame", data={"email": typed}, environ_base=elsewhere()),
        "a trap": lambda typed: client.post(
            "/f/news", data={"email": typed, "homepage": "x"}, environ_base=elsewhere()
        ),
    }


def _anonymous(answer: TestResponse) -> tuple[int, int, str, tuple[str, ...]]:
    names = "|".join(re.escape(typed) for typed in ADDRESSES.values())
    text = re.sub(rf'(?i){names}|value="[^"]+"|"visit":"[^"]+"', "", answer.text)
    return answer.status_code, len(answer.data), text, tuple(sorted(answer.headers.keys()))


def test_case_18_every_door_says_the_same_and_does_the_same_work(
    peopled: Works, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The form is looked up once in a while, whoever posts then: here each time.
    monkeypatch.setattr(form_view, "_LOOKED_AGAIN", 0.0)
    for name, ask in _doors(peopled, client).items():
        # The first request of a door prepares it.
        ask("warm_up__@guest.example")
        faces, works = {}, {}
        for person, typed in ADDRESSES.items():
            seen: list[TestResponse] = []
            works[person] = attack.statements(peopled.app, lambda: seen.append(ask(typed)))  # noqa: B023 - called here
            faces[person] = _anonymous(seen[0])
        assert len(set(faces.values())) == 1, name
        assert faces["stranger"][0] in {200, 202}, name
        assert {tuple(work) for work in works.values()} == {tuple(works["stranger"])}, name


def _pages(peopled: Works, client: FlaskClient) -> dict[str, str]:
    """Post every address and let the jobs decide; return the secret of each page that stays open."""
    ask, pages = _doors(peopled, client)["form"], {}
    for person, typed in ADDRESSES.items():
        [pages[person]] = re.findall(r'name="visit" value="([^"]+)"', ask(typed).text)
    peopled.work(Lane.URGENT, 3)
    return pages


def test_case_18_the_page_with_the_code_does_not_tell_either(peopled: Works, client: FlaskClient) -> None:
    """A wrong code is wrong for everybody, and as much is written down for who got no mail as for who did."""
    pages, rounds = _pages(peopled, client), {}
    for attempt in range(7):
        for person, visit in pages.items():
            seen: list[TestResponse] = []

            def guess(visit: str = visit, seen: list[TestResponse] = seen) -> None:
                seen.append(client.post("/f/news/code", data={"visit": visit, "code": "123456"}))

            work = attack.statements(peopled.app, guess)
            rounds[person] = (*_anonymous(seen[0]), tuple(work))
        assert len(set(rounds.values())) == 1, f"try {attempt + 1}"
        assert rounds["stranger"][0] == 422


@pytest.mark.timeout(900)
def test_case_18_no_clock_tells_who_is_who(
    peopled: Works, client: FlaskClient, share: Callable[[str, int, int], int]
) -> None:
    """Posts of each state in turn, by the form and with a code: no pair is told apart in two trials (p < 0.001)."""
    rounds = share("timed posts of each state", 500, 10)
    pages, ask = _pages(peopled, client), _doors(peopled, client)["form"]
    ask("warm_up__@guest.example")

    def post(person: str) -> Callable[[int], object]:
        return lambda _number: ask(ADDRESSES[person])

    def guess(person: str) -> Callable[[int], object]:
        return lambda _number: client.post("/f/news/code", data={"visit": pages[person], "code": "123456"})

    # The one code in a million that is right would end this; it cannot be drawn, or the test before fails too.
    assert stopwatch.told_apart({person: post(person) for person in PEOPLE}, rounds) == set()
    assert stopwatch.told_apart({person: guess(person) for person in PEOPLE}, rounds) == set()
