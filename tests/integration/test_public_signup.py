"""The sign-up form as a stranger's browser meets it: one address in, the same answer out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.audience import answering, confirmation, signup, signup_form, subscription
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.signup import Signup, SignupDecision
from listkeeper.audience.signup_form import FormState, SignupForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock
from listkeeper.settings import Settings
from listkeeper.web.public import form_view
from tests.makers import cafe

pytestmark = pytest.mark.usefixtures("house")
FORM = "/f/news"


def _rows() -> list[Signup]:
    with store.reading() as session:
        rows = list(session.scalars(select(Signup).order_by(Signup.id)))
        session.expunge_all()
        return rows


def _hidden(page: TestResponse) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page.text))


def _decide_all(settings: Settings) -> None:
    with store.transaction() as session:
        for row in session.scalars(select(Signup)).all():
            signup.decide(session, row.id, cafe.NO_BRAKES)


def test_the_field_is_made_for_phones(client: FlaskClient) -> None:
    page = client.get(FORM)
    assert page.status_code == 200
    [field] = re.findall(r'<input type="email"[^>]*>', page.text)
    for attribute in (
        'name="email"',
        'inputmode="email"',
        'autocomplete="email"',
        'autocapitalize="off"',
        'autocorrect="off"',
        'spellcheck="false"',
        'enterkeyhint="send"',
        "required",
    ):
        assert attribute in field
    assert '<label for="email">' in page.text
    assert "autofocus" not in field
    assert "placeholder" not in field


def test_the_full_text_stands_between_the_field_and_the_button_that_names_the_act(client: FlaskClient) -> None:
    with store.reading() as session:
        shown = signup_form.shown(session, "news")
        parts = [shown.version.title, 'type="email"', shown.text.body, shown.text.withdrawal, shown.text.button_label]
    text = client.get(FORM).text
    places = [text.rindex(part) for part in parts]
    assert places == sorted(places)


def test_a_page_weighs_little_and_asks_nobody_else(client: FlaskClient) -> None:
    page = client.get(FORM)
    weight = len(page.data)
    for address in re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]+)"', page.text):
        if not address.startswith("data:"):
            assert address.startswith("/")
            part = client.get(address, buffered=True)
            assert part.status_code == 200
            assert "immutable" in part.headers["Cache-Control"]
            weight += len(part.data)
    assert weight <= 15 * 1024
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_no_page_sets_a_cookie(client: FlaskClient) -> None:
    answers = [client.get("/"), client.get(FORM), client.post(FORM, data={"email": "anna@shop.example"})]
    answers += [client.post(FORM, data={"email": "no"}), client.get("/f/nowhere"), client.get("/health")]
    assert [answer.headers.getlist("Set-Cookie") for answer in answers] == [[]] * len(answers)


def test_a_bare_post_of_an_address_is_taken(client: FlaskClient) -> None:
    answer = client.post(FORM, data={"email": " Anna@Shop.example "})
    assert answer.status_code == 200
    assert 'inputmode="numeric" autocomplete="one-time-code"' in answer.text
    [row] = _rows()
    assert row.email_send == "Anna@shop.example"
    assert row.decision is SignupDecision.WAITING


def test_where_it_came_from_is_kept(client: FlaskClient) -> None:
    page = client.get(f"{FORM}?s=ig-bio&utm_source=instagram&utm_campaign=%3Cb%3E&other=1")
    fields = _hidden(page)
    assert fields["s"] == "ig-bio"
    assert "other" not in fields
    assert "<b>" not in page.text
    client.post(
        FORM,
        data=fields | {"email": "anna@shop.example", "utm_campaign": "spring"},
        headers={"Origin": "https://shop.example", "User-Agent": "Phone"},
        environ_overrides={"REMOTE_ADDR": "2001:db8:1:2::3"},
    )
    [row] = _rows()
    assert (row.source, row.origin, row.browser, row.network) == (
        "ig-bio",
        "https://shop.example",
        "Phone",
        "2001:db8:1:2::/64",
    )
    assert row.utm == {"utm_source": "instagram", "utm_campaign": "spring"}


@pytest.mark.parametrize(
    "typed", ["", "anna", "anna@", "a b@shop.example", "x@y.example,z@y.example", "<b>@shop.example", "ø@shop.example"]
)
def test_a_wrong_address_is_kept_and_the_sentence_stands_beside_the_field(client: FlaskClient, typed: str) -> None:
    answer = client.post(FORM, data={"email": typed})
    assert answer.status_code == 422
    [field] = re.findall(r'<input type="email"[^>]*>', answer.text)
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="email-wrong"' in field
    assert "autofocus" in field
    assert re.search(r'<p class="wrong" id="email-wrong">[^<]{10,}</p>', answer.text)
    assert typed == "" or f'value="{typed.replace("<", "&lt;").replace(">", "&gt;")}"' in field
    assert _rows() == []


def test_a_slip_of_the_finger_is_named_and_never_mended_by_itself(client: FlaskClient) -> None:
    answer = client.post(FORM, data={"email": "anna@gmial.com"})
    assert answer.status_code == 200
    assert "Did you mean anna@gmail.com?" in answer.text
    assert [row.email_send for row in _rows()] == ["anna@gmial.com"]
    assert "Did you mean" not in client.post(FORM, data={"email": "anna@gmail.com"}).text


@pytest.mark.parametrize("line_break", ["\r\nBcc: x@y.example", "\n", "\x00", "%0a"])
def test_no_header_gets_in_by_the_address(client: FlaskClient, line_break: str) -> None:
    assert client.post(FORM, data={"email": f"anna@shop.example{line_break}x"}).status_code == 422
    assert _rows() == []


def test_the_answer_is_the_same_whoever_the_address_belongs_to(
    client: FlaskClient, session_of: Callable[[str, SubscriptionState], None], settings: Settings
) -> None:
    for state in (SubscriptionState.CONFIRMED, SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED):
        session_of(f"{state.value}@shop.example", state)
    with store.transaction() as session:
        asked = cafe.sign_up(session, _cafe(session), "notme@shop.example")
        answering.refuse(session, confirmation.token_of(asked))
        cafe.sign_up(session, _cafe(session), "pending@shop.example")
    people = ["new", "pending", "confirmed", "unsubscribed", "complained", "notme", "x", "a-much-longer-name-than-all"]
    answers = [client.post(FORM, data={"email": f"{person}@shop.example"}) for person in people]
    answers.append(client.post(FORM, data={"email": "trapped@shop.example", "homepage": "http://spam.example"}))
    assert {answer.status_code for answer in answers} == {200}
    assert len({len(answer.data) for answer in answers}) == 1
    said = {re.sub(r"[\w.-]+@shop\.example|value=\"[^\"]+\"|\s+", " ", answer.text).strip() for answer in answers}
    assert len(said) == 1
    names = {row.id: row.email_send.split("@")[0] for row in _rows()}
    _decide_all(settings)
    decisions = {names[row.id]: row.decision for row in _rows()}
    assert decisions["trapped"] is SignupDecision.TRAPPED
    assert decisions["notme"] is SignupDecision.SUPPRESSED


def test_the_work_before_the_answer_is_the_same_too(
    client: FlaskClient, session_of: Callable[[str, SubscriptionState], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The form is looked up once in a while, whoever posts then: here each time.
    monkeypatch.setattr(form_view, "_LOOKED_AGAIN", 0.0)
    session_of("confirmed@shop.example", SubscriptionState.CONFIRMED)
    session_of("left-long-ago@shop.example", SubscriptionState.UNSUBSCRIBED)
    client.post(FORM, data={"email": "warm@shop.example"})
    asked = {
        person: _statements(lambda person=person: client.post(FORM, data={"email": f"{person}@shop.example"}))  # type: ignore[misc]
        for person in ("confirmed", "left-long-ago", "new")
    }
    assert asked["confirmed"] == asked["left-long-ago"] == asked["new"]


def _statements(act: Callable[[], object]) -> list[str]:
    """Return the SQL of an act: what takes time is alike when this is."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    engine = store.database.engine
    event.listen(engine, "before_cursor_execute", note)
    act()
    event.remove(engine, "before_cursor_execute", note)
    return seen


@pytest.fixture
def session_of(app: Flask) -> Callable[[str, SubscriptionState], None]:
    """Somebody on the list, in a state."""

    def make(address: str, state: SubscriptionState) -> None:
        with store.transaction() as session:
            made = _cafe(session)
            person = cafe.subscribe(session, made, address)
            current = subscription.of(session, person.id, made.mailing_list.id)
            assert current is not None
            subscription.move(current, state)

    return make


def _cafe(session: Session) -> cafe.Cafe:
    form = session.scalars(select(SignupForm)).one()
    shown = signup_form.shown(session, form.slug)
    return cafe.Cafe(shown.organisation, None, shown.mailing_list, form)  # type: ignore[arg-type]


def test_a_retry_with_the_same_key_is_one_signup_but_a_mended_address_is_another(client: FlaskClient) -> None:
    fields = _hidden(client.get(FORM))
    first = client.post(FORM, data=fields | {"email": "anna@shop.exmple"})
    again = client.post(FORM, data=fields | {"email": "anna@shop.exmple"})
    assert _hidden(first)["visit"] == _hidden(again)["visit"]
    # The ticket of the page was used: whoever went back to mend the address presses once more, and is no retry.
    between = client.post(FORM, data=fields | {"email": "anna@shop.example"})
    client.post(FORM, data=_hidden(between))
    assert [row.email_send for row in _rows()] == ["anna@shop.exmple", "anna@shop.example"]


def test_a_pasted_form_that_is_reloaded_or_pressed_twice_is_one_signup(client: FlaskClient) -> None:
    with time_machine.travel(clock.now().replace(minute=2), tick=False) as moment:
        for _ in range(3):
            assert client.post(FORM, data={"email": "anna@shop.example"}).status_code == 200
        assert len(_rows()) == 1
        client.post(FORM, data={"email": "anna@shop.example"}, headers={"User-Agent": "another"})
        assert len(_rows()) == 2
        moment.shift(timedelta(minutes=10))
        client.post(FORM, data={"email": "anna@shop.example"})
        assert len(_rows()) == 3


def test_a_network_that_posts_too_much_is_asked_for_one_more_step(client: FlaskClient, settings: Settings) -> None:
    answers = [
        client.post(FORM, data={"email": f"person-{number:04}@shop.example"})
        for number in range(settings.signups_per_hour + 3)
    ]
    assert {answer.status_code for answer in answers} == {200}
    taken, asked = answers[: settings.signups_per_hour], answers[settings.signups_per_hour :]
    assert len({len(answer.data) for answer in taken}) == 1
    assert len({len(answer.data) for answer in asked}) == 1
    assert all("person-" in _hidden(answer)["email"] for answer in asked), "what was typed is lost"
    assert [row.decision for row in _rows()] == [SignupDecision.WAITING] * settings.signups_per_hour
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    client.post(FORM, data={"email": "other@shop.example"}, environ_overrides=elsewhere)
    assert _rows()[-1].email_send == "other@shop.example"


def test_a_forged_forwarding_header_does_not_escape_the_brake(client: FlaskClient, settings: Settings) -> None:
    answers = [
        client.post(
            FORM, data={"email": f"person-{number}@shop.example"}, headers={"X-Forwarded-For": f"203.0.113.{number}"}
        )
        for number in range(settings.signups_per_hour + 1)
    ]
    assert ["one-more-step" in answer.text for answer in answers] == [False] * settings.signups_per_hour + [True]
    assert len(_rows()) == settings.signups_per_hour


def test_too_many_bytes_are_refused(client: FlaskClient) -> None:
    answer = client.post(FORM, data={"email": "a@shop.example", "utm_source": "x" * 20_000})
    assert answer.status_code == 413
    assert _rows() == []


def test_another_text_than_the_one_shown_is_read_first(client: FlaskClient) -> None:
    fields = _hidden(client.get(FORM))
    with store.transaction() as session:
        shown = signup_form.shown(session, "news")
        signup_form.publish(session, shown.form, shown.text, title="Fresh news", thank_you="Thanks.")
    answer = client.post(FORM, data=fields | {"email": "anna@shop.example"})
    assert answer.status_code == 409
    assert "Fresh news" in answer.text
    assert 'value="anna@shop.example"' in answer.text
    assert _rows() == []
    assert client.post(FORM, data=_hidden(answer) | {"email": "anna@shop.example"}).status_code == 200
    assert len(_rows()) == 1


def test_a_page_left_open_for_two_days_is_renewed_and_a_forged_ticket_too(client: FlaskClient) -> None:
    fields = _hidden(client.get(FORM))
    assert client.post(FORM, data=fields | {"email": "a@shop.example", "ticket": "forged"}).status_code == 409
    with time_machine.travel(timedelta(days=2)):
        assert client.post(FORM, data=fields | {"email": "a@shop.example"}).status_code == 409
    assert _rows() == []


def test_a_closed_or_unknown_form_takes_nothing_and_says_so(client: FlaskClient) -> None:
    with store.transaction() as session:
        session.execute(update(SignupForm).values(state=FormState.CLOSED))
    for slug in ("news", "nowhere", "..%2f", "%00"):
        assert client.get(f"/f/{slug}").status_code == 404
        assert client.post(f"/f/{slug}", data={"email": "a@shop.example"}).status_code == 404
    assert _rows() == []


def _code_page(client: FlaskClient) -> tuple[str, str]:
    answer = client.post(FORM, data={"email": "anna@shop.example"})
    visit = _hidden(answer)["visit"]
    with store.transaction() as session:
        for row in session.scalars(select(Signup)).all():
            signup.decide(session, row.id, cafe.NO_BRAKES)
        code = confirmation.code_of(session.scalars(select(Confirmation)).one())
    return visit, code


def _state() -> SubscriptionState:
    with store.reading() as session:
        made = _cafe(session)
        person = session.scalars(select(Subscriber)).one()
        current = subscription.of(session, person.id, made.mailing_list.id)
        assert current is not None
        return current.state


def test_the_six_digits_confirm_on_the_page_that_is_still_open(client: FlaskClient) -> None:
    visit, code = _code_page(client)
    wrong = client.post(f"{FORM}/code", data={"visit": visit, "code": f"{(int(code) + 1) % 1_000_000:06}"})
    assert wrong.status_code == 422
    assert 'aria-describedby="code-wrong"' in wrong.text
    assert _state() is SubscriptionState.PENDING
    right = client.post(f"{FORM}/code", data={"visit": visit, "code": f" {code[:3]} {code[3:]} "})
    assert right.status_code == 200
    assert "Welcome to" in right.text
    assert _state() is SubscriptionState.CONFIRMED
    again = client.post(f"{FORM}/code", data={"visit": visit, "code": code})
    assert again.status_code == 200
    assert "You are on the list already" in again.text


def test_five_tries_then_the_code_is_dead_but_the_link_still_works(client: FlaskClient) -> None:
    visit, code = _code_page(client)
    for number in range(5):
        guess = f"{(int(code) + 1 + number) % 1_000_000:06}"
        assert client.post(f"{FORM}/code", data={"visit": visit, "code": guess}).status_code == 422
    assert client.post(f"{FORM}/code", data={"visit": visit, "code": code}).status_code == 422
    assert _state() is SubscriptionState.PENDING


@pytest.mark.parametrize("visit", ["", "forged", "%00", "æ" * 100])
def test_a_code_without_its_visit_confirms_nothing(client: FlaskClient, visit: str) -> None:
    _, code = _code_page(client)
    assert client.post(f"{FORM}/code", data={"visit": visit, "code": code}).status_code == 422
    assert _state() is SubscriptionState.PENDING
