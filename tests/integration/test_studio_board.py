"""Home and the board in the studio: three numbers, one button each, targets, a log, and the clean-up of a list."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import user
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.user import Role, User
from listkeeper.audience import subscription
from listkeeper.audience.subscription import Subscription
from listkeeper.insight import board_action, board_pick, board_trust
from listkeeper.insight.board_log import BoardLog
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_pick import Pick
from listkeeper.insight.board_reading import Reading
from tests.fakes.databases import Database
from tests.makers import cafe, silent, studio
from tests.makers.studio import StudioBrowser, words


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """The owner of a café with two people who never reacted, and one whose clicks may not be seen."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        quiet = silent.people(session, house, "anna bo")
        silent.letters(session, house, 5, [*quiet, *silent.people(session, house, "carl", seen=None)])
    return studio.signed_in(app)


def _list(browser: StudioBrowser) -> str:
    return "/studio/lists/lst_" + browser.get("/studio/lists").text.split("/studio/lists/lst_")[1].split('"')[0]


def _picked(*kinds: NumberKind | str, **more: list[str]) -> dict[str, list[str]]:
    number = len(kinds)
    return {"kind": list(kinds), "target": [""] * number, "user": [""] * number, **more}


def _rows(browser: StudioBrowser) -> list[BoardLog]:
    with browser.app.app_context(), store.reading() as session:
        found = list(session.scalars(select(BoardLog).order_by(BoardLog.id)))
        session.expunge_all()
        return found


def test_home_holds_three_numbers_and_nothing_is_green_before_it_was_counted(browser: StudioBrowser) -> None:
    before = browser.get("/studio/")
    assert before.text.count('class="board-number"') == 3
    assert words(before).count("Not counted yet") == 3
    assert 'class="badge good"' not in before.text.split('class="cards"')[1]
    answer = browser.post("/studio/board/count", {"from": "home"})
    assert answer.location == "/studio/"
    after = words(browser.get("/studio/"))
    assert "New this week 3 Not there yet Target: at least 10" in after
    assert "Clicked the last letter Not measured" in after
    assert "Complaints: not known" in after
    for gone in ("Confirmed people", "Last letter"):
        assert gone not in after


def test_each_number_has_one_button_that_leads_to_its_page_and_is_written_down_once_a_day(
    browser: StudioBrowser,
) -> None:
    browser.post("/studio/board/count")
    for _ in range(2):
        answer = browser.post("/studio/board/new_confirmed/act")
        assert answer.status_code == 303
        assert browser.get(str(answer.location)).status_code == 200
    [row] = _rows(browser)
    assert (row.did, row.value_then, row.days) == ("Share the sign-up link", 3, 7)
    assert "Share the sign-up link New this week" in words(browser.get("/studio/board"))


def test_every_action_there_is_leads_to_a_page_that_exists(browser: StudioBrowser) -> None:
    form = re.search(r"/studio/forms/(frm_[0-9a-z]+)", browser.get(_list(browser)).text)
    assert form is not None
    letter = re.search(r"letters/(cmp_[0-9a-z]+)", browser.get("/studio/letters").text)
    assert letter is not None
    facts = {"form": form[1], "first_form": form[1], "letter": letter[1], "list": _list(browser).rpartition("/")[2]}
    readings = [Reading(None), Reading(None, None, facts), Reading(None, None, {**facts, "confirmed_of_1000": 1})]
    readings += [Reading(1, None, {"first": part.value, "subject": ""}) for part in board_trust.Part]
    seen = set()
    for kind in NumberKind:
        for reading in readings:
            seen.add(board_action.of(kind, reading).path)
    assert len(seen) > 10
    for path in sorted(seen):
        assert browser.get(path).status_code == 200, path


def test_a_get_of_any_of_it_changes_nothing(browser: StudioBrowser) -> None:
    for path in ("/studio/", "/studio/board", f"{_list(browser)}/clean-up"):
        assert browser.get(path).status_code == 200
    with browser.app.app_context(), store.reading() as session:
        assert session.scalars(select(BoardLog)).all() == []
        assert [pick.target for pick in board_pick.of(session, studio.the_cafe(session).organisation)] == [10, 30, 0]


def test_numbers_targets_and_owners_are_chosen(browser: StudioBrowser) -> None:
    with browser.app.app_context(), store.reading() as session:
        owner = studio.the_cafe(session).owner.public_id
    typed = {"kind": ["left", "", "cost_of_one"], "target": ["5", "", "12,50"], "user": [owner, "", ""]}
    assert browser.post("/studio/board/picks", typed).status_code == 303
    with browser.app.app_context(), store.reading() as session:
        house = studio.the_cafe(session)
        expected = [Pick(NumberKind.LEFT, 5, owner), Pick(NumberKind.COST_OF_ONE, 1250)]
        assert board_pick.of(session, house.organisation) == expected
        done = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("board."))).all()
    assert done == ["board.picked"]
    page = browser.get("/studio/board")
    assert 'value="12.50"' in page.text
    assert page.text.count('class="board-number"') == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (_picked("left", "reach", "orders", "trust"), "The board holds three numbers"),
        (_picked(), "at least one number"),
        (_picked("left", "left"), "each number once"),
        (_picked("nonsense"), "no number “nonsense”"),
        (_picked("left", target=["-1"]), "from 0 on"),
        (_picked("clicked_last", target=["101"]), "0 to 100"),
        (_picked("left", user=["usr_nobody"]), "no user"),
    ],
)
def test_a_fourth_number_and_bad_input_are_refused_in_a_sentence(
    browser: StudioBrowser, typed: dict[str, list[str]], said: str
) -> None:
    answer = browser.post("/studio/board/picks", typed)
    assert answer.status_code == 422
    assert said in words(answer)
    with browser.app.app_context(), store.reading() as session:
        kinds = [pick.kind for pick in board_pick.of(session, studio.the_cafe(session).organisation)]
    assert kinds == [NumberKind.NEW_CONFIRMED, NumberKind.CLICKED_LAST, NumberKind.TRUST]


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"kind": "left", "did": "Wrote a letter", "days": "14"}, 303),
        ({"kind": "left", "did": "", "days": "14"}, 422),
        ({"kind": "left", "did": "x" * 501, "days": "14"}, 422),
        ({"kind": "left", "did": "Wrote", "days": "15"}, 422),
        ({"kind": "left", "did": "Wrote", "days": "٧"}, 422),
        ({"kind": "all", "did": "Wrote", "days": "7"}, 422),
        ({}, 422),
    ],
)
def test_what_was_done_is_noted_or_refused(browser: StudioBrowser, typed: dict[str, str], status: int) -> None:
    assert browser.post("/studio/board/log", typed).status_code == status
    assert len(_rows(browser)) == (status == 303)


def test_an_owner_deletes_a_note_and_that_is_written_down(app: Flask, browser: StudioBrowser) -> None:
    browser.post("/studio/board/log", {"kind": "left", "did": "Rwote a letter", "days": "7"})
    place = f"/studio/board/log/{_rows(browser)[0].public_id}/delete"
    page = browser.get("/studio/board").text
    # The button stands behind a word that opens it.
    assert f'action="{place}"' in page.split("<details><summary>")[1].split("</details>")[0]
    with app.app_context(), store.transaction() as session:
        _make_editor(session)
    assert place not in browser.get("/studio/board").text
    assert browser.post(place).status_code == 403
    with app.app_context(), store.transaction() as session:
        session.scalars(select(User)).one().role = Role.OWNER
    assert "The note is deleted." in words(browser.post(place, follow_redirects=True))
    assert _rows(browser) == []
    again = browser.post(place)
    assert (again.status_code, "There is no such note" in words(again)) == (422, True)
    with app.app_context(), store.reading() as session:
        done = session.scalars(select(AuditEntry).where(AuditEntry.action == "board.note_deleted")).all()
        assert [(each.subject, each.actor[:5]) for each in done] == [(place.split("/")[-2], "user:")]


def test_a_number_that_does_not_exist_has_no_action(browser: StudioBrowser) -> None:
    assert browser.post("/studio/board/nonsense/act").status_code == 404


def test_the_weekly_mail_is_switched_off_and_on_by_each_user(browser: StudioBrowser) -> None:
    for wanted, said in (("off", "You do not get it"), ("on", "You get it")):
        browser.post("/studio/board/mail", {"board_mail": wanted})
        assert said in words(browser.get("/studio/board"))
        with browser.app.app_context(), store.reading() as session:
            assert [row.board_mail for row in session.scalars(select(User))] == [wanted == "on"]


def _make_editor(session: Session) -> None:
    user.first(session).role = Role.EDITOR


def test_an_editor_acts_on_numbers_and_chooses_none(app: Flask, browser: StudioBrowser) -> None:
    browser.post("/studio/board/count")
    with app.app_context(), store.transaction() as session:
        _make_editor(session)
    page = browser.get("/studio/board")
    assert page.status_code == 200
    assert 'id="pick"' not in page.text
    # The button of a page that is shut is no button.
    assert "/board/new_confirmed/act" not in page.text
    assert "/board/clicked_last/act" in page.text
    assert browser.post("/studio/board/picks", _picked("left")).status_code == 403
    assert browser.post("/studio/board/new_confirmed/act").status_code == 404
    assert browser.post("/studio/board/log", {"kind": "left", "did": "Wrote", "days": "7"}).status_code == 303
    assert browser.get(f"{_list(browser)}/clean-up").status_code == 403


# The clean-up


def _mailable(browser: StudioBrowser) -> int:
    with browser.app.app_context(), store.reading() as session:
        house = studio.the_cafe(session)
        return len(session.scalars(subscription.mailable(house.mailing_list, practice=True)).all())


def test_silent_people_are_proposed_put_to_rest_shown_everywhere_and_woken(browser: StudioBrowser) -> None:
    address = f"{_list(browser)}/clean-up"
    assert "Nobody has counted yet" in words(browser.get(address))
    browser.post(f"{address}/count", {"months": "6", "letters": "5"})
    shown = words(browser.get(address))
    assert "2 of 3 confirmed people who do not rest" in shown
    assert "Cannot be judged: you may not see their clicks, or not for long enough 1" in shown
    assert "What it does to complaints is not known" in shown
    assert "What it saves in money is not known here" in shown
    assert "Let 2 people rest" in shown
    done = browser.post(f"{address}/rest", {"months": "6", "letters": "5"}, follow_redirects=True)
    assert "2 people rest now. Their yes stands" in words(done)
    assert _mailable(browser) == 1
    assert "2 · Rest: never reacted" in words(browser.get(_list(browser)))
    person = re.search(r"/studio/people/sub_[0-9a-z]+", browser.get(f"{_list(browser)}?search=anna").text)
    assert person is not None
    assert "Rest: never reacted" in words(browser.get(person[0]))
    undo = re.search(rf'action="({address}/rst_[0-9a-z]+/undo)"', browser.get(address).text)
    assert undo is not None
    assert "2 people are awake again" in words(browser.post(undo[1], follow_redirects=True))
    assert _mailable(browser) == 3
    assert "2 of 3 confirmed people who do not rest" in words(browser.get(address))
    again = browser.post(undo[1])
    assert (again.status_code, "woken already" in words(again)) == (422, True)
    with browser.app.app_context(), store.reading() as session:
        assert session.scalars(select(Subscription.rest_batch_id).distinct()).all() == [None]
        done_by = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("rest."))).all()
    assert done_by == ["rest.begun", "rest.undone"]


def test_the_send_page_names_who_rests(browser: StudioBrowser) -> None:
    browser.post(f"{_list(browser)}/clean-up/rest", {"months": "6", "letters": "5"})
    with browser.app.app_context(), store.transaction() as session:
        letter = cafe.draft(session, studio.the_cafe(session)).public_id
    assert "2 Rest: never reacted" in words(browser.get(f"/studio/letters/{letter}/send"))


@pytest.mark.parametrize("typed", [{"months": "0", "letters": "5"}, {"months": "6", "letters": "x"}, {}])
def test_a_rule_that_is_none_is_refused_in_a_sentence(browser: StudioBrowser, typed: dict[str, str]) -> None:
    for what in ("count", "rest"):
        answer = browser.post(f"{_list(browser)}/clean-up/{what}", typed)
        assert answer.status_code == 422
        assert "1 to 60 months" in words(answer)


def test_nobody_to_let_rest_is_said(browser: StudioBrowser) -> None:
    answer = browser.post(f"{_list(browser)}/clean-up/rest", {"months": "60", "letters": "5"})
    assert (answer.status_code, "nobody to let rest" in words(answer)) == (422, True)
    assert browser.post(f"{_list(browser)}/clean-up/rst_nothing/undo").status_code == 404
