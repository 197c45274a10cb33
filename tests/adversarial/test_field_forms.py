"""F06, F07, F21, F22, F23 and F45: what a form asks, what a post of it may touch, and what becomes of it in trouble."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list, preferences, signup_form, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.forms import form_lint
from listkeeper.audience.proof import evidence
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import sending
from listkeeper.rendering import form_snapshot
from listkeeper.settings import Settings
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import attack, cafe, programs
from tests.makers.cafe import Cafe
from tests.makers.imports import Court
from tests.makers.own import Guest
from tests.makers.works import HER, Works, make_due

FORM = "/f/news"
LEFT = "bo@guest.example"
CHECKBOX = re.compile(r"<input\b[^>]*type=.checkbox[^>]*>")
INPUT = re.compile(r"<input\b[^>]*>")
SPAM = "Win https://elsewhere.example now"


@pytest.fixture
def proxies() -> int:
    """How many proxies the settings trust, unless a test says so."""
    return 0


@pytest.fixture
def settings(settings: Settings, proxies: int) -> Settings:
    """An instance behind so many proxies."""
    return settings.model_copy(update={"proxies": proxies})


def _ask_for_more(session: Session, house: Cafe) -> None:
    """Let the form have every box there is: the separate consent, and the age."""
    house.mailing_list.jurisdiction = "ru"
    mailing_list.ask_age(house.mailing_list, 18)
    words = signup_form.starter(house.organisation, house.mailing_list, "en")
    signup_form.publish_words(session, house.organisation, house.form, words, show=form_snapshot.page_of)


def test_field_f06_no_box_of_any_public_form_is_ticked(works: Works, client: FlaskClient, guest: Guest) -> None:
    guest.subscribe()
    letter, visit = guest.get_letter(), guest.enter()
    works.write(_ask_for_more)
    pages = [
        client.get(FORM),
        # The page that comes back because something is missing gives nothing away either.
        client.post(FORM, data={"email": "anna@guest.example"}),
        client.post(FORM, data={"email": "no address", "second_consent": "yes", "age_stated": "yes"}),
    ]
    for page in pages:
        boxes = CHECKBOX.findall(page.text)
        assert len(boxes) == 2
        assert not [box for box in boxes if re.search(r"\bchecked\b", box)]
        assert form_lint.check(page.text) == []
        assert form_lint.check(page.text.replace('type="checkbox"', 'type="checkbox" checked')) != []
    for path in (letter["p"], letter["u"], visit, "/me"):
        assert not [box for box in CHECKBOX.findall(client.get(path).text) if re.search(r"\bchecked\b", box)]


def _two_people(session: Session, house: Cafe) -> None:
    her, other = (cafe.subscribe(session, house, address) for address in (HER, LEFT))
    her.profile, other.profile, her.language = {"first_name": "Freja"}, {"first_name": "Bo"}, "da"
    preferences.snooze(session, her.id, house.mailing_list.id, 30)
    unsubscribe.leave(session, other.id, house.mailing_list.id, Method.PAGE)


def test_field_f07_a_post_that_nobody_confirms_alters_no_subscriber(works: Works, client: FlaskClient) -> None:
    works.write(_two_people)
    shop, form = programs.program(works.app), works.read(lambda session: Court.house(session).form.public_id)
    works.work(Lane.URGENT, 2)
    before = attack.state(works.app)
    for number, address in enumerate((HER, LEFT, HER.upper(), f" {LEFT}")):
        fields = {"email": address, "name": "Mallory", "first_name": "Mallory", "status": "confirmed", "language": "pl"}
        there = {"REMOTE_ADDR": f"198.51.100.{number}"}
        assert client.post(f"{FORM}?lang=pl", data=fields, environ_base=there).status_code == 200
        assert shop.post("/signups", {"form": form, "address": address.strip()}, environ_base=there).status_code == 202
    works.work(Lane.URGENT, 3)
    after = attack.state(works.app)
    for table in ("subscriber", "subscription", "suppression"):
        assert after[table] == before[table]
    assert attack.standing(works.app, works.list_id) == {HER: "confirmed", LEFT: "unsubscribed"}


def test_field_f21_what_a_stranger_types_never_reaches_the_mail_that_asks(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink
) -> None:
    names = ("name", "first_name", "company", "message", "source", "s", "utm_source", "utm_campaign", "key", "title")
    fields = dict.fromkeys(names, SPAM) | {"email": "win-at-elsewhere.example@guest.example"}
    headers = {"User-Agent": SPAM, "Referer": "https://elsewhere.example/now", "Origin": "https://elsewhere.example"}
    assert client.post(FORM, query_string={"s": SPAM}, data=fields, headers=headers).status_code == 200
    works.work(Lane.URGENT, 2)
    [mail] = smtp_sink.messages
    parts = [part.get_content() for part in mail.message.walk() if part.get_content_maintype() == "text"]
    assert len(parts) == 2
    told = [f"{name}: {value}" for name, value in mail.message.items() if name != "To"]
    # Not even the address itself is repeated, which somebody may have chosen for what it says.
    assert [said for said in (*parts, *told) if "elsewhere" in said or "Win " in said] == []


@pytest.mark.parametrize("proxies", [1])
def test_field_f22_the_recorded_network_is_the_trusted_hops_and_ipv6_stays_whole(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink
) -> None:
    hops = {
        "198.51.100.7": "203.0.113.66, 198.51.100.7",
        "2001:db8:1:2::/64": "203.0.113.66, 2001:db8:1:2:3:4:5:6",
        "2001:db8:a:b::/64": "2001:db8:bad::1, [2001:db8:a:b:3:4:5:6]:50123",
    }
    for number, (recorded, claimed) in enumerate(hops.items()):
        typed, headers = f"guest-{number}@guest.example", {"X-Forwarded-For": claimed, "X-Real-IP": "203.0.113.66"}
        client.post(FORM, data={"email": typed}, headers=headers)
        works.work(Lane.URGENT, 2)
        [secret] = set(re.findall(r"/c/([\w-]{22})", smtp_sink.to(typed)[0].message.as_string()))
        assert client.post(f"/c/{secret}", headers=headers).status_code == 200
        kept = works.read(lambda session, typed=typed: _networks(session, typed))  # type: ignore[misc]
        assert kept == [recorded, recorded]


def _networks(session: Session, typed: str) -> list[object]:
    person = session.scalars(select(Subscriber).where(Subscriber.email_key == typed)).one()
    opened = evidence.opened(session, person.organisation_id, person.subject_ref).values()
    return [piece.content["network"] for piece in opened if "network" in piece.content]


def test_field_f23_without_a_mail_server_the_page_is_the_usual_one_and_the_job_tries_again(
    works: Works, client: FlaskClient, smtp_sink: SmtpSink
) -> None:
    usual = client.post(FORM, data={"email": "anna@guest.example"})
    works.work(Lane.URGENT, 2)
    sending.hang_up()
    smtp_sink.script("BANNER", "421 4.3.2 not now")
    page = client.post(FORM, data={"email": "otto@guest.example"})
    for _ in range(2):
        works.write(make_due)
        works.work(Lane.URGENT)
    assert (page.status_code, len(page.data)) == (usual.status_code, len(usual.data)) == (200, len(usual.data))
    assert _anonymous(page.text) == _anonymous(usual.text)
    assert smtp_sink.to("otto@guest.example") == []
    smtp_sink.forget()
    works.write(make_due)
    works.work(Lane.URGENT, 2)
    assert len(smtp_sink.to("otto@guest.example")) == 1


def _anonymous(text: str) -> str:
    return re.sub(r'anna|otto|value="[^"]+"', "", text)


def test_field_f45_an_address_is_all_that_is_asked_and_no_name_is_invented(guest: Guest, client: FlaskClient) -> None:
    address = "freja.holm-kjaer@guest.example"
    page = client.get(FORM).text
    shown = [tag for tag in INPUT.findall(page) if 'type="hidden"' not in tag and 'tabindex="-1"' not in tag]
    [field] = shown
    assert 'name="email"' in field
    assert page.count("required") == 1
    assert not re.search(r"<(select|textarea)\b", page)
    her = Guest(guest.works, guest.sink, client, address)
    assert client.post(FORM, data={"email": address}).status_code == 200
    guest.works.work(Lane.URGENT, 2)
    assert client.post(her.links()["c"]).status_code == 200
    assert guest.works.read(lambda session: her.person(session).profile) == {}
    stored = guest.works.read(lambda session: [dict(row.utm) for row in session.scalars(select(Signup))])
    assert stored == [{}]
    her.get_letter()
    # So the letter greets her as its writer said, and by no word made of her address.
    body = her.sink.to(address)[-1].message.get_body(("plain",))
    assert body is not None
    assert "Dear friend," in body.get_content()
    assert "freja" not in body.get_content().lower()
