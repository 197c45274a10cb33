"""F18, F19, F20 and F24: floods of posts at every door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list, signup_form
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.guard import defence
from listkeeper.audience.guard.defence import Stage
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping
from listkeeper.settings import Settings
from tests.architecture import source
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, crowd, programs, proof_of_work
from tests.makers.cafe import Cafe
from tests.makers.imports import Court
from tests.makers.own import Guest
from tests.makers.works import HER, Works, here

OWNER = "owner@cafe.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An instance with a small brake on networks, so that few posts reach it."""
    return settings.model_copy(update={"signups_per_hour": 8})


def _there(number: int) -> dict[str, str]:
    """Return a network of its own for each number."""
    return {"REMOTE_ADDR": f"10.{number // 60_000}.{number // 250 % 240}.{number % 250 + 1}"}


def _more_forms(works: Works, count: int) -> list[str]:
    """Make many forms for many lists; return all addresses at which a form is."""

    def make(session: Session, house: Cafe) -> None:
        for number in range(count - 1):
            lists = mailing_list.all_of(session, house.organisation)
            if number % 5 == 0:
                lists.append(mailing_list.create(session, house.organisation, name=f"List {number}"))
            signup_form.create(session, house.organisation, lists[-1])

    works.write(make)
    return works.read(lambda session: [f"/f/{slug}" for slug in session.scalars(select(signup_form.SignupForm.slug))])


def _flood(guest: Guest, frozen_clock: time_machine.Traveller, posts: int, forms: int) -> dict[int, int]:
    """Post one address at every form and by a program, over a month; return the mails to it by the day."""
    works, shop = guest.works, programs.program(guest.works.app)
    doors, named = _more_forms(works, forms), works.read(lambda session: Court.house(session).form.public_id)
    days, mails, today = (0, 1, 2, 12, 20, 28), {}, 0
    for step, day in enumerate(days):
        frozen_clock.shift(timedelta(days=day - today))
        today = day
        for number in range(step, posts, len(days)):
            if number % 4:
                typed, door = HER if number % 3 else HER.upper(), doors[number % len(doors)]
                assert guest.client.post(door, data={"email": typed}, environ_base=_there(number)).status_code == 200
            else:
                body = {"form": named, "address": HER}
                assert shop.post("/signups", body, environ_base=_there(number)).status_code == 202
        attack.settle(works)
        mails[day] = guest.mails()
    return mails


def test_field_f18_all_doors_together_mail_one_address_once_a_day_and_three_times_a_month(
    guest: Guest, frozen_clock: time_machine.Traveller
) -> None:
    """The doors are forms, programs, and the page on which a subscriber names a new address."""
    thief = Guest(guest.works, guest.sink, guest.client, "thief@guest.example")
    thief.subscribe()
    for number in range(4):
        own = thief.enter()
        assert guest.client.post(f"{own}/address", data={"email": HER}).status_code == 200
        assert guest.client.post("/f/news", data={"email": HER}, environ_base=_there(number)).status_code == 200
        attack.settle(guest.works)
        assert guest.mails() <= number + 1
        frozen_clock.shift(timedelta(days=1))
    assert guest.mails() <= 3


def test_all_forms_and_programs_together_mail_one_address_once_a_day_and_three_times_a_month(
    guest: Guest, frozen_clock: time_machine.Traveller, share: Callable[[str, int, int], int]
) -> None:
    """What of F18 holds already."""
    posts = share("posts of one address over all forms (F18)", 10_000, 24)
    mails = _flood(guest, frozen_clock, posts, share("forms that one address is posted to (F18)", 50, 4))
    assert mails[0] == 1
    assert mails[28] == 3


def test_field_f19_programs_and_scripts_meet_the_brakes_of_the_form_and_a_shut_form_takes_nothing(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink, settings: Settings
) -> None:
    shop, form = programs.program(works.app), works.read(lambda session: Court.house(session).form.public_id)
    spot = _there(1)
    for number in range(settings.signups_per_hour):
        typed = f"guest-{number}@guest.example"
        if number % 2:
            client.post("/f/news", data={"email": typed}, environ_base=spot)
        else:
            shop.post("/signups", {"form": form, "address": typed}, environ_base=spot)
    # One count for all doors: now each of them takes the post, and nothing comes of it.
    assert client.post("/f/news", data={"email": "late@guest.example"}, environ_base=spot).status_code == 200
    assert shop.post("/signups", {"form": form, "address": "late@guest.example"}, environ_base=spot).status_code == 202
    # A script finds no third door beside them.
    assert client.post("/f/news", json={"email": HER}).status_code == 422
    attack.settle(works)
    assert len(smtp_sink.messages) == settings.signups_per_hour
    assert smtp_sink.to("late@guest.example") == []
    before = attack.state(works.app)
    for shut in (lambda house: signup_form.close(house.form), lambda house: mailing_list.archive(house.mailing_list)):
        works.write(lambda _session, house: signup_form.reopen(house.form))
        works.write(lambda _session, house, shut=shut: shut(house))  # type: ignore[misc]
        settled = attack.state(works.app, "mailing_list")
        assert client.post("/f/news", data={"email": HER}, environ_base=_there(2)).status_code == 404
        assert shop.post("/signups", {"form": form, "address": HER}, environ_base=_there(3)).status_code == 404
        attack.settle(works)
        assert attack.state(works.app, "mailing_list") == settled
    assert attack.state(works.app)["signup"] == before["signup"]


def test_field_f20_the_answer_to_a_challenge_works_once(works: Works, client: FlaskClient) -> None:
    proof_of_work.raise_risk(client)
    proof = proof_of_work.solved(proof_of_work.challenge(client))
    for typed in ("first@guest.example", "second@guest.example"):
        client.post("/f/news", data={"email": typed, "altcha": proof})
    works.work(Lane.URGENT, 2)
    known = works.read(lambda session: set(session.scalars(select(Subscriber.email_key))))
    assert ("first@guest.example" in known, "second@guest.example" in known) == (True, False)


# The keys that hCaptcha, Turnstile and reCAPTCHA publish for tests: each of them lets everybody pass.
_TEST_KEYS = (
    "10000000-ffff-ffff-ffff-000000000001", "0x0000000000000000000000000000000000000000", "1x00000000000000000000aa",
    "1x0000000000000000000000000000000aa", "2x00000000000000000000ab", "6leixactaaaaa",
)  # fmt: skip


def test_no_published_test_key_of_a_challenge_stands_in_the_program() -> None:
    """What of F20 holds already: nothing can fall back to a key that lets everybody pass."""
    found = [file.name for file in source.package() for key in _TEST_KEYS if key in file.text.lower()]
    assert found == []


def _wave(domain: str) -> Callable[[Session, Cafe], None]:
    return lambda session, house: crowd.ask(session, house, 60, domain=domain)


def test_field_f24_a_wave_of_abuse_pauses_the_form_and_tells_the_owner_within_the_hour(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    """Two hundred posts from as many networks, and nobody confirms; machines that work do not get past it either."""

    def form_now() -> Stage:
        return works.read(lambda session: defence.stage(session, here(session).form))

    stages = [form_now()]
    for minutes in range(0, 48, 16):
        frozen_clock.shift(timedelta(seconds=1))
        works.write(_wave(f"wave-{minutes}.example"))
        frozen_clock.shift(timedelta(minutes=16))
        with works.app.app_context():
            housekeeping.watch_forms()
        works.work(Lane.URGENT)
        stages.append(form_now())
    assert stages == [Stage.CALM, Stage.WORK, Stage.CODE, Stage.PAUSED]
    assert len(smtp_sink.to(OWNER)) == 3, "the owner was not told of each step"
    refused = client.post("/f/news", data={"email": HER}, environ_base=_there(5_000))
    assert (refused.status_code, HER in refused.text) == (503, True)
    assert not works.read(lambda session: session.scalars(select(Signup.id).where(Signup.email_send == HER)).all())
    # It ends by itself.
    frozen_clock.shift(timedelta(days=1))
    assert form_now() is Stage.CALM


def test_a_form_whose_people_confirm_is_left_alone(works: Works, frozen_clock: time_machine.Traveller) -> None:
    def some_confirm(session: Session, house: Cafe) -> None:
        crowd.ask(session, house, 60)
        rows = session.scalars(select(Confirmation).limit(6)).all()
        for row in rows:
            row.used_at = clock.now()

    works.write(some_confirm)
    frozen_clock.shift(timedelta(minutes=16))
    with works.app.app_context():
        housekeeping.watch_forms()
    assert works.read(lambda session: defence.stage(session, here(session).form)) is Stage.CALM
