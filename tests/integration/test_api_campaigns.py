"""A program sends and steers what was written: checked as in the studio, once under one name, never blindly again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Draft
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock
from listkeeper.jobs import steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.databases import Database
from tests.makers import cafe, crowd, studio
from tests.makers.programs import Program, code_of, program

S = DeliveryState


@pytest.fixture
def shop(app: Flask, database: Database, frozen_clock: time_machine.Traveller) -> Program:
    """A program that may do everything, at a café with three people and a draft."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        crowd.gather(session, house, 3)
        cafe.draft(session, house)
    return program(app)


def _name(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return session.scalars(select(Campaign.public_id).order_by(Campaign.id.desc()).limit(1)).one()


def _planned(app: Flask) -> int:
    with app.app_context(), store.reading() as session:
        return session.scalar(select(func.count()).select_from(Delivery).where(Delivery.campaign_id.is_not(None))) or 0


def _set(app: Flask, states: list[DeliveryState], **values: object) -> list[int]:
    """Let the letter's mails stand like this."""
    with app.app_context(), store.transaction() as session:
        query = select(Delivery).where(Delivery.campaign_id.is_not(None)).order_by(Delivery.id)
        rows = list(session.scalars(query))[: len(states)]
        for row, state in zip(rows, states, strict=True):
            row.state = state
            for name, value in values.items():
                setattr(row, name, value)
        return [row.id for row in rows]


def _done(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - werkzeug's own
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_a_letter_is_sent_once_under_one_name_and_looked_at(app: Flask, shop: Program) -> None:
    name = _name(app)
    [brief] = _done(shop.get("/campaigns"))["campaigns"]
    assert (brief["id"], brief["subject"], brief["state"]) == (name, "Cardamom buns", "draft")
    for _ in range(2):
        sent = _done(shop.post(f"/campaigns/{name}/start", {}, name="monday"))
        assert (sent["state"], sent["recipients"], sent["waiting"], sent["now"]) == (
            "sending",
            3,
            3,
            "It is going out.",
        )
    assert _planned(app) == 3
    assert code_of(shop.post(f"/campaigns/{name}/start", {})) == "campaign_state"
    shown = _done(shop.get(f"/campaigns/{name}"))
    assert (shown["rate_per_minute"], shown["seconds_left"], shown["in_doubt"], shown["test"]) == (None, None, 0, None)
    with app.app_context(), store.reading() as session:
        acts = session.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.subject)).all()
    assert [tuple(row) for row in acts] == [(f"api:{shop.public_id}", "campaign.started", name)]


def test_only_the_words_that_were_seen_are_sent(app: Flask, shop: Program) -> None:
    name = _name(app)
    with app.app_context(), store.transaction() as session:
        letter = session.scalars(select(Campaign)).one()
        seen = campaigns.newest(session, letter).sha256
        newer = campaigns.write(session, letter, Draft("Other", "", "Other words"), base=letter.version).sha256
    assert code_of(shop.post(f"/campaigns/{name}/start", {"sha256": seen})) == "changed_since_preview"
    assert _planned(app) == 0
    assert _done(shop.post(f"/campaigns/{name}/start", {"sha256": newer}))["state"] == "sending"


def test_what_blocks_sending_blocks_a_program_too(app: Flask, shop: Program) -> None:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        campaigns.create(session, house.organisation, house.mailing_list, Draft("", "", ""))
    answer = shop.post(f"/campaigns/{_name(app)}/start", {})
    assert code_of(answer) == "not_ready"
    assert "Nothing was sent." in answer.text
    assert _planned(app) == 0


def test_later_held_undone_and_late(app: Flask, shop: Program, frozen_clock: time_machine.Traveller) -> None:
    name = _name(app)
    held = _done(shop.post(f"/campaigns/{name}/start", {"hold_minutes": 5}))
    assert (held["state"], held["leaves_at"]) == ("held", clock.as_text(clock.now() + timedelta(minutes=5)))
    assert _done(shop.post(f"/campaigns/{name}/undo"))["state"] == "draft"
    assert code_of(shop.post(f"/campaigns/{name}/undo")) == "nothing_to_undo"
    ordered = _done(shop.post(f"/campaigns/{name}/start", {"at": "2026-11-23T11:00:00+02:00"}))
    assert (ordered["state"], ordered["leaves_at"], ordered["late"]) == ("scheduled", "2026-11-23T09:00:00.000Z", False)
    frozen_clock.shift(timedelta(hours=2))
    with app.app_context():
        steering.look_around()
    asks = _done(shop.get(f"/campaigns/{name}"))
    assert (asks["state"], asks["late"]) == ("scheduled", True)
    assert asks["now"].startswith("It should have left at this time")
    assert code_of(shop.post(f"/campaigns/{name}/start", {})) == "late"
    assert _planned(app) == 0
    assert _done(shop.post(f"/campaigns/{name}/start", {"late": True}))["state"] == "sending"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"at": "soon"}, "moment"),
        ({"at": "2020-01-01T09:00:00Z"}, "past"),
        ({"at": "2026-11-24T09:00:00Z", "hold_minutes": 5}, "at_or_hold"),
        ({"each_zone": True}, "zone_of_when"),
        ({"at": "2026-11-24T09:00:00Z", "each_zone": True}, "no_zones"),
        ({"topic": "Nothing of ours"}, "no_topic"),
        ({"test": {"share": 5}}, "pilot_too_small"),
        ({"test": {"share": 60}}, "not_valid"),
        ({"hold_minutes": -1}, "not_valid"),
        ({"when": "now"}, "not_valid"),
    ],
)
def test_what_cannot_be_leaves_a_draft(app: Flask, shop: Program, body: dict[str, object], code: str) -> None:
    name = _name(app)
    assert code_of(shop.post(f"/campaigns/{name}/start", body)) == code
    assert (_done(shop.get(f"/campaigns/{name}"))["state"], _planned(app)) == ("draft", 0)


def test_it_is_paused_goes_on_is_tried_again_and_stopped(app: Flask, shop: Program) -> None:
    name = _name(app)
    _done(shop.post(f"/campaigns/{name}/start", {}))
    assert _done(shop.post(f"/campaigns/{name}/pause"))["now"] == "It is paused: 3 people wait until you go on."
    assert code_of(shop.post(f"/campaigns/{name}/pause")) == "campaign_state"
    assert _done(shop.post(f"/campaigns/{name}/resume"))["state"] == "sending"
    _set(app, [S.FAILED, S.FAILED], reply_code=550, reply_class=ReplyClass.POLICY)
    _set(app, [S.FAILED], reply_class=ReplyClass.INVALID_ADDRESS)
    again = _done(shop.post(f"/campaigns/{name}/retry", {}))
    assert (again["queued"], again["left_alone"], again["campaign"]["failed"]) == (1, 1, 1)
    nobody = shop.post(f"/campaigns/{name}/retry", {"address": "nobody@crowd.example"})
    assert code_of(nobody) == "no_subscriber"
    one = _done(shop.post(f"/campaigns/{name}/retry", {"address": "person-1@crowd.example"}))
    assert (one["queued"], one["campaign"]["failed"]) == (1, 0)
    assert _done(shop.post(f"/campaigns/{name}/cancel"))["state"] == "cancelled"
    assert code_of(shop.post(f"/campaigns/{name}/retry", {})) == "stopped"


def test_what_is_in_doubt_is_shown_and_settled(app: Flask, shop: Program) -> None:
    name = _name(app)
    _done(shop.post(f"/campaigns/{name}/start", {}))
    numbers = _set(app, [S.IN_DOUBT] * 3, attempts=1, message_id="<x@cafe.example>", handed_at=clock.now())
    shown = _done(shop.get(f"/campaigns/{name}/doubts"))
    assert (shown["more"], [row["number"] for row in shown["in_doubt"]]) == (0, numbers)
    assert shown["in_doubt"][0]["address"] == "person-1@crowd.example"
    done = _done(shop.post(f"/campaigns/{name}/settlements", {"how": "sent", "numbers": [numbers[0]]}))
    assert (done["settled"], done["left"], done["campaign"]["in_doubt"]) == (1, 2, 2)
    same = shop.post(f"/campaigns/{name}/settlements", {"how": "again", "numbers": [numbers[0]]})
    assert code_of(same) == "nothing_in_doubt"
    for wrong in ({"how": "perhaps", "numbers": None}, {"how": "sent"}, {"how": "sent", "numbers": ["x"]}):
        assert code_of(shop.post(f"/campaigns/{name}/settlements", wrong)) == "not_valid"
    done = _done(shop.post(f"/campaigns/{name}/settlements", {"how": "not_sent", "numbers": None}))
    assert (done["settled"], done["left"], done["campaign"]["failed"]) == (2, 0, 2)
    with app.app_context(), store.reading() as session:
        acts = list(session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("delivery."))))
    assert acts == ["delivery.settled_sent", "delivery.settled_not_sent", "delivery.settled_not_sent"]


def test_a_few_first(app: Flask, shop: Program, frozen_clock: time_machine.Traveller) -> None:
    with app.app_context(), store.transaction() as session:
        crowd.gather(session, studio.the_cafe(session), 117, domain="more.example")
    name = _name(app)
    test = {"share": 5, "wait_minutes": 10, "bounces": 1, "clicks": 3}
    sent = _done(shop.post(f"/campaigns/{name}/start", {"test": test}))
    assert (sent["test"]["state"], sent["test"]["size"]) == ("waiting", 50)
    with app.app_context(), store.transaction() as session:
        for row in session.scalars(select(Delivery).where(Delivery.wave == 0)):
            row.state = S.ACCEPTED
    frozen_clock.shift(timedelta(minutes=10))
    with app.app_context():
        steering.look_around()
    shown = _done(shop.get(f"/campaigns/{name}"))["test"]
    assert shown["state"] == "asks"
    assert shown["results"] == [
        {"code": "clicks", "expected": 30, "measured": None}, {"code": "bounces", "expected": 10, "measured": 0},
    ]  # fmt: skip
    assert _done(shop.post(f"/campaigns/{name}/release"))["test"]["state"] == "released"
    assert code_of(shop.post(f"/campaigns/{name}/release")) == "no_pilot"


def test_each_scope_opens_its_own(app: Flask, shop: Program) -> None:
    name = _name(app)
    reader = program(app, Scope.READ, name="Reader")
    sender = program(app, Scope.CAMPAIGNS, name="Sender")
    for act in ("start", "undo", "pause", "resume", "release", "retry", "settlements", "cancel"):
        assert code_of(reader.post(f"/campaigns/{name}/{act}", {})) == "scope_missing"
    for path in ("/campaigns", f"/campaigns/{name}", f"/campaigns/{name}/doubts"):
        assert code_of(sender.get(path)) == "scope_missing"
        assert reader.get(path).status_code == 200
    assert _planned(app) == 0
    assert _done(sender.post(f"/campaigns/{name}/start", {}))["state"] == "sending"
    for path in ("/campaigns/cmp_nothing", "/campaigns/cmp_nothing/doubts"):
        assert reader.get(path).status_code == 404
    assert code_of(sender.post("/campaigns/cmp_nothing/start", {})) == "no_campaign"
