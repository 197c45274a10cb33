"""Cases 15 to 17: machines that fill in forms."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import signup_form
from listkeeper.audience.proof import evidence
from listkeeper.audience.signup import Signup, SignupDecision
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.settings import Settings
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, proof_of_work
from tests.makers.cafe import Cafe
from tests.makers.works import HER, Works

FORM = "/f/news"
HIDDEN = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"')


def _rows(works: Works) -> list[Signup]:
    def look(session: Session) -> list[Signup]:
        rows = list(session.scalars(select(Signup).order_by(Signup.id)))
        session.expunge_all()
        return rows

    return works.read(look)


# Case 15: proof of work, by the published protocol of altcha (challenge, salt, number; the answer is base64 JSON).


def _taken(works: Works, client: FlaskClient, typed: str, form: str = FORM, **fields: str) -> bool:
    """Whether a post with this proof led to a question."""
    client.post(form, data={"email": typed, **fields})
    works.work(Lane.URGENT, 2)
    return works.read(lambda session: _known(session, typed))


def _known(session: Session, typed: str) -> bool:
    return session.scalars(select(Subscriber.id).where(Subscriber.email_key == typed)).first() is not None


def test_case_15_a_proof_of_work_counts_once_in_time_and_for_its_form(
    works: Works, client: FlaskClient, frozen_clock: time_machine.Traveller
) -> None:
    works.write(_another_form)
    proof_of_work.raise_risk(client)
    assert not _taken(works, client, "none@guest.example"), "a risky network is asked for no proof of work"
    proof = proof_of_work.solved(proof_of_work.challenge(client))
    assert _taken(works, client, "first@guest.example", altcha=proof)
    assert not _taken(works, client, "replayed@guest.example", altcha=proof)
    assert not _taken(
        works,
        client,
        "elsewhere@guest.example",
        form="/f/news-2",
        altcha=proof_of_work.solved(proof_of_work.challenge(client)),
    )
    assert not _taken(works, client, "forged@guest.example", altcha=base64.b64encode(b'{"number":1}').decode())
    late = proof_of_work.solved(proof_of_work.challenge(client))
    frozen_clock.shift(timedelta(hours=2))
    proof_of_work.raise_risk(client)
    assert not _taken(works, client, "late@guest.example", altcha=late)


def _another_form(session: Session, house: Cafe) -> None:
    signup_form.create(session, house.organisation, house.mailing_list)


def test_case_15_without_scripts_one_more_button_is_enough(works: Works, client: FlaskClient) -> None:
    """Whoever has no JavaScript presses a second button on a page in between, and her address is kept there."""
    proof_of_work.raise_risk(client)
    between = client.post(FORM, data={"email": HER})
    assert not works.read(lambda session: _known(session, HER))
    fields = dict(HIDDEN.findall(between.text))
    assert HER in fields.values(), "there is no page in between"
    client.post(FORM, data=fields)
    works.work(Lane.URGENT, 2)
    assert works.read(lambda session: _known(session, HER))


# Case 16


def test_case_16_a_filled_trap_gets_the_same_page_and_no_mail(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink
) -> None:
    page = client.get(FORM).text
    [trap] = re.findall(r'<p class="elsewhere" aria-hidden="true">.*?<input ([^>]*)>', page)
    # A real field that people neither see nor reach, and no machine can tell by its type.
    assert 'type="hidden"' not in trap
    assert 'tabindex="-1"' in trap
    [name] = re.findall(r'name="([a-z]+)"', trap)
    fields = dict(HIDDEN.findall(page))
    # Each of these posts takes a page of its own in life; here they come without its ticket.
    del fields["ticket"]
    for number, filled in enumerate(("https://spam.example", " ", "0", "on", "\x00")):
        honest = client.post(FORM, data=fields | {"email": f"person-{number}@guest.example", "key": f"a{number}"})
        caught = client.post(
            FORM, data=fields | {"email": f"robots-{number}@guest.example", "key": f"b{number}", name: filled}
        )
        assert (honest.status_code, len(honest.data), sorted(honest.headers.keys())) == (
            caught.status_code, len(caught.data), sorted(caught.headers.keys())
        )  # fmt: skip
        assert _anonymous(honest.text) == _anonymous(caught.text)
    works.work(Lane.URGENT, 2)
    assert {kept.rcpt_tos[0][:6] for kept in smtp_sink.messages} == {"person"}
    decisions = [row.decision for row in _rows(works)]
    assert (decisions.count(SignupDecision.TRAPPED), decisions.count(SignupDecision.ASKED)) == (5, 5)
    assert all(address.startswith("person") for address in attack.standing(works.app, works.list_id))
    for number in range(5):
        visit = dict(
            HIDDEN.findall(client.post(FORM, data={"email": f"robots-{number}@guest.example", name: "x"}).text)
        )
        assert client.post(f"{FORM}/code", data={"visit": visit["visit"], "code": "000000"}).status_code == 422


def _anonymous(text: str) -> str:
    return re.sub(r'(person|robots)-|value="[^"]+"', "", text)


def test_case_16_whoever_is_too_quick_or_comes_again_with_one_ticket_gets_no_mail(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    """Rung 3 beside the trap: nobody reads and types within two seconds, and a page's ticket serves once."""
    fields = dict(HIDDEN.findall(client.get(FORM).text))
    frozen_clock.shift(timedelta(seconds=1))
    quick = client.post(FORM, data=fields | {"email": "quick@guest.example"})
    fields = dict(HIDDEN.findall(client.get(FORM).text))
    frozen_clock.shift(timedelta(seconds=10))
    faces = [
        client.post(FORM, data=fields | {"email": f"{name}@guest.example", "key": name}) for name in ("first", "again")
    ]
    assert {answer.status_code for answer in (quick, *faces)} == {200}
    works.work(Lane.URGENT, 2)
    assert [kept.rcpt_tos for kept in smtp_sink.messages] == [("first@guest.example",)]


# Case 17


@pytest.fixture
def proxies() -> int:
    """How many proxies the settings trust; the tests below say it."""
    return 0


@pytest.fixture
def settings(settings: Settings, proxies: int) -> Settings:
    """An instance behind so many proxies, with the limits as they are delivered."""
    return settings.model_copy(
        update={"proxies": proxies, "signups_per_hour": 5, "signups_per_day": 20, "signup_least_seconds": 2}
    )


V6 = "2001:db8:1:2:3:4:5:6"
# By how many proxies are trusted: who calls, what the header claims, and what must be recorded.
HOPS: dict[int, list[tuple[str, str, str]]] = {
    0: [
        ("198.51.100.7", "203.0.113.66", "198.51.100.7"),
        ("198.51.100.8", "127.0.0.1, ::1", "198.51.100.8"),
        (V6, "2001:db8:bad::1", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.9", "203.0.113.66", "198.51.100.9"),
    ],
    1: [
        ("127.0.0.1", "203.0.113.66, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", f"2001:db8:bad::1,{V6}", "2001:db8:1:2::/64"),
        ("::1", f"203.0.113.66, [{V6}]:50123", "2001:db8:1:2::/64"),
        ("127.0.0.1", "203.0.113.66, 198.51.100.8:4711", "198.51.100.8"),
        ("127.0.0.1", f"203.0.113.66, {V6}%eth0", "2001:db8:1:2::/64"),
        ("127.0.0.1", "203.0.113.66, unknown", ""),
        ("127.0.0.1", "203.0.113.66, <script>", ""),
    ],
    2: [
        ("127.0.0.1", "203.0.113.66, 198.51.100.7, 192.0.2.33", "198.51.100.7"),
        ("127.0.0.1", f"203.0.113.66, {V6}, 2001:db8:ffff::1", "2001:db8:1:2::/64"),
    ],
}
FORGED = ("X-Real-IP", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP", "X-Originating-IP", "X-Remote-Addr")


@pytest.mark.parametrize("proxies", HOPS)
def test_case_17_the_recorded_network_is_the_trusted_hops(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink, proxies: int
) -> None:
    """Of the post and of the button, in the evidence that a court would see; a brake counts the same network."""
    for number, (caller, claimed, recorded) in enumerate(HOPS[proxies]):
        typed, there = f"guest-{number}@guest.example", {"REMOTE_ADDR": caller}
        headers = dict.fromkeys(FORGED, "203.0.113.66") | {"Forwarded": "for=203.0.113.66", "X-Forwarded-For": claimed}
        assert client.post(FORM, data={"email": typed}, headers=headers, environ_base=there).status_code == 200
        assert _rows(works)[-1].network == (recorded or None)
        works.work(Lane.URGENT, 2)
        [asked] = smtp_sink.to(typed)
        [secret] = set(re.findall(r"/c/([\w-]{22})", asked.content.decode().replace("=\r\n", "")))
        assert client.post(f"/c/{secret}", headers=headers, environ_base=there).status_code == 200
        kept = works.read(lambda session, typed=typed: list(_evidence(session, typed)))  # type: ignore[misc]
        assert [piece["network"] for piece in kept] == [recorded, recorded]
        assert "203.0.113.66" not in repr(kept)
        assert "bad" not in repr(kept)


def _evidence(session: Session, typed: str) -> Iterator[dict[str, Any]]:
    person = session.scalars(select(Subscriber).where(Subscriber.email_key == typed)).one()
    for piece in evidence.opened(session, person.organisation_id, person.subject_ref).values():
        if "network" in piece.content:
            yield dict(piece.content)
