"""F01 to F05: whoever only looks, soon or late, with scripts or without, changes nothing and is no witness."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import time_machine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from listkeeper.audience import suppression
from listkeeper.audience.proof import evidence
from listkeeper.audience.suppression import Reason
from listkeeper.foundation.outbox import Lane
from tests.architecture.routes import SAFE
from tests.makers import attack
from tests.makers.own import Guest
from tests.makers.works import HER

QUERY = "confirm=true&show_optin_page=false&_method=POST&List-Unsubscribe=One-Click"
SCANNER, HUMAN = "203.0.113.66", "198.51.100.7"
_BY_ITSELF = re.compile(
    r"<script|\bon(?:load|focus|error|pageshow|toggle)\s*=|http-equiv=.?refresh|autofocus", re.IGNORECASE
)


def _acts_by_itself(answer: TestResponse) -> bool:
    """Whether a page could do anything without a press: it holds a script, or would let a foreign one run."""
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    return "'unsafe-" in policy or _BY_ITSELF.search(answer.text) is not None


def _asked(guest: Guest) -> dict[str, str]:
    """Let her sign up; return the links of the mail that asks."""
    guest.works.post(guest.address)
    guest.works.work(Lane.URGENT, 2)
    links = guest.links()
    assert set(links) == {"c", "n"}
    return links


def _look(guest: Guest, *paths: str, times: int = 1) -> None:
    """Open pages as a scanner does: every safe method, dressed up as the act itself."""
    for path in paths:
        for method in SAFE:
            for dressed in [path, f"{path}?{QUERY}"] * times:
                answer = guest.client.open(dressed, method=method, data=QUERY, environ_base={"REMOTE_ADDR": SCANNER})
                assert answer.status_code == 200, f"{method} {path}"


def test_field_f01_opening_a_confirm_link_changes_nothing_and_lifts_no_suppression(
    guest: Guest, frozen_clock: time_machine.Traveller
) -> None:
    guest.subscribe()
    guest.works.leave(guest.works.read(lambda session: guest.person(session).id))
    # The brake of the day on which she was asked the first time is over.
    frozen_clock.shift(timedelta(days=2))
    links = _asked(guest)
    before = attack.state(guest.works.app)
    assert guest.works.read(lambda session: _held(session, guest)) == {Reason.UNSUBSCRIBED}
    _look(guest, *links.values())
    assert attack.changed(before, attack.state(guest.works.app)) == set()
    assert attack.standing(guest.works.app, guest.works.list_id) == {HER: "unsubscribed"}
    # It is the button that does both.
    assert guest.client.post(links["c"]).status_code == 200
    assert attack.standing(guest.works.app, guest.works.list_id) == {HER: "confirmed"}
    assert guest.works.read(lambda session: _held(session, guest)) == set()


def _held(session: Session, guest: Guest) -> set[Reason]:
    person = guest.person(session)
    return {row.reason for row in suppression.reasons(session, person.organisation_id, person.suppression_key)}


def test_field_f02_three_seconds_minutes_and_days_later_looking_is_the_same(
    guest: Guest, frozen_clock: time_machine.Traveller
) -> None:
    guest.subscribe()
    letter = guest.get_letter()
    stranger = Guest(guest.works, guest.sink, guest.client, "bo@guest.example")
    links = [*_asked(stranger).values(), letter["u"], letter["p"], letter["w"], letter["y"]]
    before, faces = attack.state(guest.works.app), set()
    for later in (timedelta(seconds=3), timedelta(minutes=3), timedelta(days=3)):
        frozen_clock.shift(later)
        _look(guest, *links)
        pages = [guest.client.get(path) for path in links]
        assert not any(_acts_by_itself(page) for page in pages if b"<form" in page.data)
        faces.add(tuple(attack.face(page) for page in pages))
    assert len(faces) == 1
    assert attack.changed(before, attack.state(guest.works.app)) == set()


def test_field_f03_a_scanner_uses_nothing_up_and_the_human_succeeds_afterwards(
    guest: Guest, share: Callable[[str, int, int], int]
) -> None:
    times = share("looks of a scanner before the human comes (F03)", 50, 2)
    others = [Guest(guest.works, guest.sink, guest.client, f"guest-{number}@guest.example") for number in range(2)]
    for one in (guest, *others):
        one.works.post(one.address)
    guest.works.work(Lane.URGENT, 2)
    for one in (guest, *others):
        _look(one, *one.links().values(), times=times)
    # By the link, by the other link, and by the digits on the page that is still open.
    assert guest.client.post(guest.links()["c"]).status_code == 200
    assert guest.client.post(others[0].links()["n"]).status_code == 200
    page = guest.client.post("/f/news", data={"email": others[1].address})
    [visit] = re.findall(r'name="visit" value="([^"]+)"', page.text)
    guest.works.work(Lane.URGENT, 2)
    [code] = re.findall(r"^\d{6}", str(guest.sink.to(others[1].address)[0].message["Subject"]))
    assert guest.client.post("/f/news/code", data={"visit": visit, "code": code}).status_code == 200
    assert attack.standing(guest.works.app, guest.works.list_id) == {
        HER: "confirmed", others[0].address: "refused", others[1].address: "confirmed",
    }  # fmt: skip


def test_field_f04_the_evidence_is_of_the_humans_request_alone(guest: Guest) -> None:
    links = _asked(guest)
    scanner = {"User-Agent": "Link-Scanner/7", "X-Forwarded-For": SCANNER}
    for path in links.values():
        guest.client.get(path, headers=scanner, environ_base={"REMOTE_ADDR": SCANNER})
        guest.client.head(path, headers=scanner, environ_base={"REMOTE_ADDR": SCANNER})
    human = {"User-Agent": "Her-Phone/3"}
    assert guest.client.post(links["c"], headers=human, environ_base={"REMOTE_ADDR": HUMAN}).status_code == 200
    guest.client.post(links["c"], headers=scanner, environ_base={"REMOTE_ADDR": SCANNER})
    given = guest.works.read(lambda session: attack.newest(session, "consent.given"))
    kept = guest.works.read(lambda session: dict(_evidence(session, guest)))
    assert kept[str(given["id"])] == {"network": HUMAN, "browser": "Her-Phone/3"}
    assert SCANNER not in repr(kept)
    assert "Link-Scanner" not in repr(kept)
    assert not any(SCANNER in row for rows in attack.state(guest.works.app).values() for row in rows)


def _evidence(session: Session, guest: Guest) -> Iterator[tuple[str, dict[str, Any]]]:
    person = guest.person(session)
    for name, piece in evidence.opened(session, person.organisation_id, person.subject_ref).items():
        yield name, dict(piece.content)


def test_field_f05_opening_the_links_of_a_letter_takes_nobody_off(guest: Guest) -> None:
    guest.subscribe()
    letter = guest.get_letter()
    header = str(guest.sink.to(HER)[-1].message["List-Unsubscribe"])
    assert f"<http://localhost:8025{letter['u']}>" in header
    before = attack.state(guest.works.app)
    _look(guest, *letter.values())
    assert attack.changed(before, attack.state(guest.works.app)) == set()
    assert attack.standing(guest.works.app, guest.works.list_id) == {HER: "confirmed"}
    # What a script could do is nothing: there is none, and none would be let run.
    assert not any(_acts_by_itself(guest.client.get(letter[kind])) for kind in ("u", "p", "y"))
