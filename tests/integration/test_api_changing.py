"""What a program may change: it asks people to subscribe, and it takes permission away. It never raises any."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.kept_answer import KeptAnswer
from listkeeper.audience import (
    answering,
    complaint,
    confirmation,
    mailing_list,
    signup,
    subscriber,
    subscription,
    unsubscribe,
)
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.signup import Signup, SignupDecision
from listkeeper.audience.signup_form import FormState, SignupForm
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.jobs import housekeeping
from listkeeper.settings import Settings
from tests.fakes.at_once import at_once
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.programs import Program, code_of, program

S = SubscriptionState


@pytest.fixture
def shop(app: Flask, database: Database) -> Program:
    """A program that may do everything, at a café with one person of each kind."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        mailing_list.create(session, made.organisation, name="Events")
        for name in ("confirmed", "left", "complained"):
            cafe.subscribe(session, made, f"{name}@shop.example")
        cafe.sign_up(session, made, "pending@shop.example")
        refused = cafe.sign_up(session, made, "notme@shop.example")
        answering.refuse(session, confirmation.token_of(refused))
        organisation = made.organisation.id
        left = subscriber.with_address(session, organisation, "left@shop.example")
        complained = subscriber.with_address(session, organisation, "complained@shop.example")
        assert left is not None
        assert complained is not None
        unsubscribe.leave(session, left.id, made.mailing_list.id, Method.PAGE)
        complaint.complain(session, complained.id)
    return program(app)


def _form(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return studio.the_cafe(session).form.public_id


def _list(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return studio.the_cafe(session).mailing_list.public_id


def _person(shop: Program, name: str) -> dict[str, Any]:
    answer = shop.post("/subscribers/lookup", {"address": f"{name}@shop.example"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json  # type: ignore[assignment]
    return found


def _states(app: Flask) -> dict[str, str]:
    with app.app_context(), store.reading() as session:
        rows = session.execute(
            select(subscriber.Subscriber.email_key, Subscription.state).join(
                Subscription, Subscription.subscriber_id == subscriber.Subscriber.id
            )
        )
        return {row[0].partition("@")[0]: row[1].value for row in rows}


def _signups(app: Flask) -> list[Signup]:
    with app.app_context(), store.reading() as session:
        rows = list(session.scalars(select(Signup).where(Signup.origin.startswith("api:")).order_by(Signup.id)))
        session.expunge_all()
        return rows


def _decide(app: Flask) -> Counter[SignupDecision]:
    with app.app_context(), store.transaction() as session:
        numbers = session.scalars(select(Signup.id).where(Signup.origin.startswith("api:"))).all()
        return Counter(signup.decide(session, number, cafe.NO_BRAKES) for number in numbers)


def _count(app: Flask, table: Any) -> int:  # noqa: ANN401 - any table
    with app.app_context(), store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# Asking to subscribe


def test_a_wish_is_stored_as_the_forms_own_and_the_person_is_asked(app: Flask, shop: Program) -> None:
    wish = {
        "form": _form(app),
        "address": "New@shop.example",
        "source": "till",
        "utm": {"utm_source": "instagram", "utm_term": "<b>"},
    }
    answer = shop.post("/signups", wish, headers={"User-Agent": "Till/1.0"})
    assert (answer.status_code, answer.json) == (202, {"status": "received"})
    [row] = _signups(app)
    assert (row.email_send, row.source, row.browser) == ("New@shop.example", "till", "Till/1.0")
    assert (row.origin, row.network) == (f"api:{shop.public_id}", "127.0.0.1")
    assert row.utm == {"utm_source": "instagram", "utm_term": "<b>"}
    assert _decide(app) == {SignupDecision.ASKED: 1}
    assert _states(app)["new"] == "pending"


def test_the_answer_is_the_same_whoever_the_address_belongs_to(app: Flask, shop: Program) -> None:
    form = _form(app)
    people = ["new", "pending", "confirmed", "left", "complained", "notme", "a-very-much-longer-name-than-the-others"]
    answers = [shop.post("/signups", {"form": form, "address": f"{name}@shop.example"}) for name in people]
    assert {(answer.status_code, answer.data) for answer in answers} == {(202, b'{"status":"received"}')}
    headers = [{name: value for name, value in answer.headers if name != "Date"} for answer in answers]
    assert all(each == headers[0] for each in headers)
    before = _states(app)
    decisions = _decide(app)
    assert decisions[SignupDecision.ALREADY_SUBSCRIBED] == 1
    assert decisions[SignupDecision.SUPPRESSED] == 1
    after = _states(app)
    # To ask is not to raise: nobody is confirmed who was not so before.
    assert {name: state for name, state in after.items() if name in before} == before
    assert {state for name, state in after.items() if name not in before} == {"pending"}


def test_the_work_before_the_answer_is_the_same_too(app: Flask, shop: Program) -> None:
    form = _form(app)
    shop.post("/signups", {"form": form, "address": "warm@shop.example"})

    def statements(name: str) -> list[str]:
        seen: list[str] = []
        with app.app_context():
            engine = store.database.engine
            note = lambda *said: seen.append(str(said[2]))  # noqa: E731
            event.listen(engine, "before_cursor_execute", note)
            try:
                shop.post("/signups", {"form": form, "address": f"{name}@shop.example"})
            finally:
                event.remove(engine, "before_cursor_execute", note)
        return seen

    asked = [statements(name) for name in ("new", "pending", "confirmed", "left", "complained", "notme")]
    assert len(asked[0]) > 5
    assert all(each == asked[0] for each in asked)


def test_the_brake_of_the_form_holds_here_too(app: Flask, shop: Program, settings: Settings) -> None:
    form = _form(app)
    limit = settings.signups_per_hour
    answers = [shop.post("/signups", {"form": form, "address": f"p{n}@shop.example"}) for n in range(limit + 3)]
    assert {answer.status_code for answer in answers} == {202}
    assert Counter(row.decision for row in _signups(app))[SignupDecision.BRAKED] == 3


def test_a_closed_form_accepts_nothing(app: Flask, shop: Program) -> None:
    form = _form(app)
    with app.app_context(), store.transaction() as session:
        session.scalars(select(SignupForm)).one().state = FormState.CLOSED
    answer = shop.post("/signups", {"form": form, "address": "new@shop.example"})
    assert (answer.status_code, code_of(answer)) == (404, "no_form")
    assert code_of(shop.post("/signups", {"form": "frm_" + "0" * 20, "address": "new@shop.example"})) == "no_form"
    assert _signups(app) == []


def test_what_is_no_address_is_refused_in_words(app: Flask, shop: Program) -> None:
    form = _form(app)
    for typed in (
        "anna",
        "anna@",
        "a b@shop.example",
        "x@y.example,z@y.example",
        "ø@shop.example",
        "a@b.example\r\nBcc: c",
    ):
        answer = shop.post("/signups", {"form": form, "address": typed})
        assert answer.status_code == 422
        assert code_of(answer) not in {"not_valid", "http_422"}
    assert _signups(app) == []


# The same request again


def test_the_same_request_again_gets_the_same_answer_and_changes_nothing(app: Flask, shop: Program) -> None:
    body = {"address": "who@shop.example", "reason": "manual"}
    first, again = (shop.post("/suppressions", body, name="order-1") for _ in range(2))
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert _count(app, AuditEntry) == 1


def test_a_name_belongs_to_one_request_and_one_key(app: Flask, shop: Program) -> None:
    body = {"address": "who@shop.example", "reason": "manual"}
    assert shop.post("/suppressions", body, name="n").status_code == 201
    other = shop.post("/suppressions", body | {"address": "other@shop.example"}, name="n")
    assert (other.status_code, code_of(other)) == (422, "idempotency_key_reused")
    path = f"/subscribers/{_person(shop, 'confirmed')['id']}/restriction"
    assert code_of(shop.post(path, {}, name="n")) == "idempotency_key_reused"
    assert not _person(shop, "confirmed")["restricted"]
    another = program(app)
    assert "Idempotent-Replayed" not in another.post("/suppressions", body, name="n").headers


def test_a_name_is_short_and_plain(shop: Program) -> None:
    for name in ("x" * 256, "é", "a\tb"):
        answer = shop.post("/suppressions", {"address": "a@b.example", "reason": "manual"}, name=name)
        assert (answer.status_code, code_of(answer)) == (422, "idempotency_key")


def test_a_change_that_failed_is_not_remembered(app: Flask, shop: Program) -> None:
    body = {"form": _form(app), "address": "new@shop.example"}
    with app.app_context(), store.transaction() as session:
        session.scalars(select(SignupForm)).one().state = FormState.CLOSED
    assert shop.post("/signups", body, name="n").status_code == 404
    with app.app_context(), store.transaction() as session:
        session.scalars(select(SignupForm)).one().state = FormState.OPEN
    answer = shop.post("/signups", body, name="n")
    assert answer.status_code == 202
    assert "Idempotent-Replayed" not in answer.headers


def test_answers_are_kept_for_a_day_and_hold_no_address(app: Flask, shop: Program, frozen_clock: Any) -> None:  # noqa: ANN401
    body = {"form": _form(app), "address": "canary@shop.example"}
    shop.post("/signups", body, name="canary@shop.example")
    with app.app_context(), store.reading() as session:
        row = session.scalars(select(KeptAnswer)).one()
        assert not any("canary" in str(getattr(row, column.key)) for column in KeptAnswer.__table__.columns)
    frozen_clock.shift(24 * 3600 - 1)
    assert "Idempotent-Replayed" in shop.post("/signups", body, name="canary@shop.example").headers
    frozen_clock.shift(2)
    assert "Idempotent-Replayed" not in shop.post("/signups", body, name="canary@shop.example").headers
    # Also after the day the same post of the form is one post.
    assert len(_signups(app)) == 1
    frozen_clock.shift(24 * 3600 + 1)
    with app.app_context():
        housekeeping.forget_past()
    assert _count(app, KeptAnswer) == 0


def test_twenty_at_once_are_one(app: Flask, shop: Program) -> None:
    body = {"form": _form(app), "address": "new@shop.example"}
    headers = shop.headers | {"Idempotency-Key": "same"}
    answers = at_once(20, lambda _n: app.test_client().post("/api/v1/signups", json=body, headers=headers))
    assert {(answer.status_code, answer.data) for answer in answers} == {(202, b'{"status":"received"}')}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert len(_signups(app)) == 1
    assert _count(app, AuditEntry) == 1


# Lowering


def test_a_person_is_taken_off_a_list_at_once(app: Flask, shop: Program) -> None:
    person, news = _person(shop, "confirmed"), _list(app)
    for _ in range(2):
        answer = shop.post(f"/subscribers/{person['id']}/unsubscriptions", {"list": news})
        assert (answer.status_code, answer.json) == (
            200,
            {"subscriber": person["id"], "list": news, "state": "unsubscribed"},
        )
    found = shop.post("/suppressions/lookup", {"address": "confirmed@shop.example"}).json
    assert found is not None
    assert [(each["scope"], each["reason"]) for each in found["suppressions"]] == [("list", "unsub")]
    with app.app_context(), store.reading() as session:
        gone = session.scalars(select(ConsentEvent).where(ConsentEvent.method == Method.API)).one()
        assert (gone.kind, gone.actor) == (EventKind.WITHDRAWN, f"api:{shop.public_id}")


def test_who_is_not_on_a_list_cannot_be_taken_off(app: Flask, shop: Program) -> None:
    with app.app_context(), store.reading() as session:
        events = mailing_list.all_of(session, studio.the_cafe(session).organisation)[1].public_id
    person = _person(shop, "confirmed")
    answer = shop.post(f"/subscribers/{person['id']}/unsubscriptions", {"list": events})
    assert (answer.status_code, code_of(answer)) == (404, "no_subscription")
    assert code_of(shop.post("/subscribers/sub_x/unsubscriptions", {"list": events})) == "no_subscriber"
    assert _person(shop, "confirmed") == person


def test_a_dispute_holds_everything_back(app: Flask, shop: Program) -> None:
    person = _person(shop, "confirmed")
    answer = shop.post(f"/subscribers/{person['id']}/restriction", {})
    assert (answer.status_code, answer.json) == (200, {"subscriber": person["id"], "restricted": True})
    after = _person(shop, "confirmed")
    assert after == person | {"restricted": True}
    with app.app_context(), store.reading() as session:
        news = mailing_list.named(session, studio.the_cafe(session).organisation, _list(app))
        assert list(session.scalars(subscription.mailable(news, practice=True))) == []


@pytest.mark.parametrize(
    ("reason", "state", "scope"),
    [
        ("unsub", "unsubscribed", "marketing"),
        ("objection", "unsubscribed", "marketing"),
        ("complaint", "complained", "marketing"),
        ("legal", "confirmed", "marketing"),
        ("manual", "confirmed", "marketing"),
    ],
)
def test_an_address_is_suppressed_for_a_reason(app: Flask, shop: Program, reason: str, state: str, scope: str) -> None:
    answer = shop.post("/suppressions", {"address": "Confirmed@Shop.example", "reason": reason})
    assert (answer.status_code, answer.json) == (201, {"scope": scope, "list": None, "reason": reason})
    assert _states(app)["confirmed"] == state
    found = shop.post("/suppressions/lookup", {"address": "confirmed@shop.example"}).json
    assert found is not None
    assert [(each["scope"], each["reason"]) for each in found["suppressions"]] == [(scope, reason)]
    with app.app_context(), store.reading() as session:
        news = mailing_list.named(session, studio.the_cafe(session).organisation, _list(app))
        assert list(session.scalars(subscription.mailable(news, practice=True))) == []


def test_the_answer_to_a_suppression_does_not_say_who_is_known(app: Flask, shop: Program) -> None:
    people = ("confirmed", "left", "complained", "pending", "stranger")
    answers = [shop.post("/suppressions", {"address": f"{name}@shop.example", "reason": "unsub"}) for name in people]
    assert len({(answer.status_code, answer.data) for answer in answers}) == 1


def test_one_list_alone_can_be_suppressed_for_some_reasons(app: Flask, shop: Program) -> None:
    news = _list(app)
    for reason in ("unsub", "manual"):
        answer = shop.post("/suppressions", {"address": "stranger@shop.example", "reason": reason, "list": news})
        assert answer.json == {"scope": "list", "list": news, "reason": reason}
    for reason in ("objection", "complaint", "legal"):
        answer = shop.post("/suppressions", {"address": "stranger@shop.example", "reason": reason, "list": news})
        assert (answer.status_code, code_of(answer)) == (422, "scope_too_narrow")
    for reason in ("erasure", "not_me", "hard_bounce", "", "happy"):
        answer = shop.post("/suppressions", {"address": "stranger@shop.example", "reason": reason})
        assert code_of(answer) == "not_valid"


def test_what_a_program_suppressed_no_program_lifts(app: Flask, shop: Program) -> None:
    shop.post("/suppressions", {"address": "confirmed@shop.example", "reason": "manual"})
    before = shop.post("/suppressions/lookup", {"address": "confirmed@shop.example"}).json
    shop.post("/signups", {"form": _form(app), "address": "confirmed@shop.example"})
    _decide(app)
    shop.client.delete("/api/v1/suppressions", headers=shop.headers)
    shop.post("/suppressions", {"address": "confirmed@shop.example", "reason": "manual", "lifted_at": "now"})
    assert shop.post("/suppressions/lookup", {"address": "confirmed@shop.example"}).json == before


def test_every_change_is_in_the_audit_log_with_the_key_and_without_an_address(app: Flask, shop: Program) -> None:
    person = _person(shop, "confirmed")["id"]
    shop.post("/signups", {"form": _form(app), "address": "new@shop.example"})
    shop.post(f"/subscribers/{person}/restriction", {})
    shop.post(f"/subscribers/{person}/unsubscriptions", {"list": _list(app)})
    shop.post("/suppressions", {"address": "new@shop.example", "reason": "manual"})
    with app.app_context(), store.reading() as session:
        rows = list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
        assert [row.action for row in rows] == [
            "signup.received",
            "subscriber.restricted",
            "subscription.left",
            "suppression.added",
        ]
        assert {row.actor for row in rows} == {f"api:{shop.public_id}"}
        assert not any("@" in row.subject for row in rows)


def test_a_key_may_only_do_what_it_was_made_for(app: Flask, shop: Program) -> None:
    reader = program(app, Scope.READ)
    before = _states(app)
    for path in ("/signups", "/suppressions", f"/subscribers/{_person(shop, 'confirmed')['id']}/restriction"):
        assert reader.post(path, {}).status_code == 403
    assert _states(app) == before
