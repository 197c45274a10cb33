"""Follow-ups in the studio: begun from a card, changed by buttons, switched on, and read; without a script."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState
from listkeeper.campaigns.follow_up_starter import Line
from listkeeper.sending import planning
from tests.fakes.databases import Database
from tests.makers import cafe, follow_ups, studio, works
from tests.makers.studio import StudioBrowser, words

_HERE = "/studio/follow-ups"


@pytest.fixture
def owner(app: Flask, database: Database) -> StudioBrowser:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def _list(owner: StudioBrowser) -> str:
    found = re.search(r'value="(lst_[0-9a-z]+)"', owner.get(_HERE).text)
    assert found is not None
    return found[1]


def _begun(owner: StudioBrowser, start: str = "welcome", name: str = "") -> str:
    answer = owner.post(_HERE, {"list": _list(owner), "start": start, "name": name})
    assert answer.status_code == 303, words(answer)
    return answer.headers["Location"]


def _steps(owner: StudioBrowser, at: str) -> list[str]:
    return re.findall(r'<li id="(fst_[0-9a-z]+)"', owner.get(at).text)


def test_the_page_is_reached_from_the_letters_and_offers_what_to_begin_with(owner: StudioBrowser) -> None:
    assert f'href="{_HERE}"' in owner.get("/studio/letters").text
    shown = words(owner.get(_HERE))
    for name in ("Welcome, in three letters", "Ask one more thing", "How is it going?", "Renew in time", "Empty line"):
        assert name in shown


@pytest.mark.parametrize("line", list(Line))
def test_every_line_to_begin_with_can_be_begun_and_stands_still(owner: StudioBrowser, app: Flask, line: Line) -> None:
    page = owner.get(_begun(owner, line))
    assert "Off" in words(page)
    with app.app_context(), store.reading() as session:
        made = session.scalars(select(FollowUp)).one()
        assert made.state is FollowUpState.DRAFT
        assert len(follow_ups.steps(session, made)) == {Line.WELCOME: 3, Line.RENEW: 2, Line.EMPTY: 0}.get(line, 1)


@pytest.mark.parametrize("line", [Line.WELCOME, Line.ASK_MORE, Line.HOW])
def test_a_line_to_begin_with_is_sound_as_it_is(owner: StudioBrowser, app: Flask, line: Line) -> None:
    at = _begun(owner, line)
    assert owner.post(f"{at}/switch", {"act": "on"}).status_code == 303, words(owner.get(at))
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(FollowUp)).one().state is FollowUpState.ON
        actions = session.scalars(select(AuditEntry.action))
        assert {"follow_up.created", "follow_up.switched_on"} <= set(actions)


def test_a_renewal_where_nothing_ends_is_refused_in_words(owner: StudioBrowser) -> None:
    at = _begun(owner, "renew")
    answer = owner.post(f"{at}/switch", {"act": "on"})
    assert answer.status_code == 422
    assert "so there is nothing to renew" in words(answer)


def test_steps_are_added_moved_changed_and_taken_out_by_buttons(owner: StudioBrowser) -> None:
    at = _begun(owner)
    first, second, third = _steps(owner, at)
    owner.post(f"{at}/steps/{third}", {"act": "up"})
    assert _steps(owner, at) == [first, third, second]
    owner.post(f"{at}/steps/{first}", {"act": "down"})
    assert _steps(owner, at) == [third, first, second]
    owner.post(f"{at}/steps/{second}", {"act": "remove"})
    assert _steps(owner, at) == [third, first]
    owner.post(f"{at}/steps/{first}", {"act": "change", "wait_days": "12", "at_hour": "17"})
    assert "12 days later, at 17:00" in words(owner.get(at))


def test_five_steps_are_the_most(owner: StudioBrowser) -> None:
    at = _begun(owner)
    for _ in range(2):
        owner.post(f"{at}/steps", {"kind": "letter", "wait_days": "3", "at_hour": ""})
    assert len(_steps(owner, at)) == 5
    assert owner.post(f"{at}/steps", {"kind": "letter", "wait_days": "3"}).status_code == 422


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/steps", {"kind": "birthday", "wait_days": "3"}),
        ("/steps", {"kind": "letter", "wait_days": "-1"}),
        ("/steps", {"kind": "letter", "wait_days": "9999"}),
        ("/steps", {"kind": "letter", "wait_days": "3", "at_hour": "24"}),
        ("/steps", {"kind": "letter", "wait_days": "١"}),
        ("/steps", {"kind": "letter", "wait_days": ""}),
        ("/rules", {"name": "", "trigger": "said_yes"}),
        ("/rules", {"name": "x" * 81, "trigger": "said_yes"}),
        ("/rules", {"name": "x", "trigger": "birthday"}),
        ("/rules", {"name": "x", "trigger": "event", "event_name": "an order!", "again_after": "9"}),
        ("/rules", {"name": "x", "trigger": "event", "event_name": "order", "again_after": "0"}),
        ("/rules", {"name": "x", "trigger": "consent_ends", "days_before": "91"}),
        ("/rules", {"name": "x", "trigger": "segment"}),
        ("/rules", {"name": "x", "trigger": "said_yes", "stop_event": "né"}),
    ],
)
def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(
    owner: StudioBrowser, path: str, form: dict[str, str]
) -> None:
    at = _begun(owner)
    before = words(owner.get(at))
    answer = owner.post(f"{at}{path}", form)
    assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    assert words(owner.get(at)) == before


def test_while_it_is_on_nothing_of_its_line_is_changed(owner: StudioBrowser) -> None:
    at = _begun(owner)
    owner.post(f"{at}/switch", {"act": "on"})
    (first, *_rest) = _steps(owner, at)
    assert "Take out" not in words(owner.get(at))
    assert owner.post(f"{at}/steps/{first}", {"act": "remove"}).status_code == 409
    assert owner.post(f"{at}/rules", {"name": "x", "trigger": "said_yes"}).status_code == 409
    owner.post(f"{at}/switch", {"act": "pause"})
    assert owner.post(f"{at}/steps/{first}", {"act": "remove"}).status_code == 303
    owner.post(f"{at}/switch", {"act": "off"})
    owner.post(f"{at}/switch", {"act": "archive"})
    assert "Put away" in words(owner.get(at))
    assert at not in owner.get(_HERE).text


def test_the_rules_are_kept_and_shown(owner: StudioBrowser) -> None:
    at = _begun(owner)
    form = {
        "name": "After an order", "trigger": "event", "event_name": "Order", "again_after": "60", "days_before": "30",
        "stop_on_click": "on", "stop_event": "refund", "each_zone": "on",
    }  # fmt: skip
    assert owner.post(f"{at}/rules", form).status_code == 303
    page = owner.get(at)
    assert "When your shop tells of “order”" in words(page)
    assert 'value="refund"' in page.text


@pytest.mark.parametrize(
    "form", [{"mails": "0", "days": "7"}, {"mails": "4", "days": "91"}, {"mails": "x", "days": "7"}]
)
def test_a_cap_that_cannot_be_is_refused(owner: StudioBrowser, form: dict[str, str]) -> None:
    assert owner.post(f"{_HERE}/cap", form).status_code == 422


def test_the_cap_is_kept_and_may_be_none(owner: StudioBrowser, app: Flask) -> None:
    owner.post(f"{_HERE}/cap", {"mails": "2", "days": "14", "letters": "on"})
    owner.post(f"{_HERE}/cap", {"mails": "", "days": "14"})
    with app.app_context(), store.reading() as session:
        business = organisation.only_one(session)
        assert (business.cap_mails, business.cap_days, business.cap_letters) == (None, 14, False)


def test_a_letter_of_a_step_is_written_like_any_and_never_sent_to_all(owner: StudioBrowser, app: Flask) -> None:
    at = _begun(owner)
    with app.app_context(), store.reading() as session:
        letter = session.scalars(select(Campaign).limit(1)).one()
        assert letter.state is CampaignState.DRAFT
        public_id = letter.public_id
    assert owner.get(f"/studio/letters/{public_id}").status_code == 200
    assert owner.get(f"/studio/letters/{public_id}/send").headers["Location"] == at
    assert public_id not in owner.get("/studio/letters").text


def test_who_was_left_out_of_a_letter_is_shown_and_gets_it_later(owner: StudioBrowser, app: Flask) -> None:
    with app.app_context(), store.transaction() as session:
        house = works.here(session)
        cafe.subscribe(session, house, "freja@guest.example")
        follow_ups.cap(house, 1, letters=True)
        first = cafe.draft(session, house)
        planning.send_campaign(session, house.organisation, first, site=follow_ups.SITE)
        cafe.subscribe(session, house, "karl@guest.example")
        second = cafe.draft(session, house, subject="Rye bread")
        assert planning.send_campaign(session, house.organisation, second, site=follow_ups.SITE) == 1
        public_id = second.public_id
    page = words(owner.get(f"/studio/letters/{public_id}/progress"))
    assert "1 person had as many letters as one person gets" in page
    assert owner.post(f"/studio/letters/{public_id}/left-out", {}).status_code == 303
    assert "had as many letters" not in words(owner.get(f"/studio/letters/{public_id}/progress"))


def test_a_follow_up_that_is_not_there_is_not_found(owner: StudioBrowser) -> None:
    assert owner.get(f"{_HERE}/fup_{'0' * 20}").status_code == 404
    at = _begun(owner)
    assert owner.post(f"{at}/steps/fst_{'0' * 20}", {"act": "up"}).status_code == 404
