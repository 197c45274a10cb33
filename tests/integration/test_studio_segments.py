"""The owner builds a segment by rows and by text, sees who fits, sends a letter to it, and archives it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import user
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.user import Role
from listkeeper.audience import topic
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.follow_up import Start, Trigger
from listkeeper.sending.delivery import Delivery
from tests.fakes.databases import Database
from tests.makers import cafe, follow_ups, studio
from tests.makers.studio import StudioBrowser, words

ANNA, BO = "anna@guest.example", "bo@guest.example"
DANES: dict[str, Any] = {
    "name": "Danes",
    "row-0-kind": "all",
    "row-0-level": "0",
    "row-1-kind": "condition",
    "row-1-level": "1",
    "row-1-phrase": "language_is",
    "row-1-value": "da",
}


@pytest.fixture
def owner(app: Flask, database: Database) -> StudioBrowser:
    """The browser of a café's owner, with Anna, who speaks Danish, and Bo on the list, and a letter."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        cafe.subscribe(session, house, ANNA).language = "da"
        cafe.subscribe(session, house, BO).language = "en"
        cafe.draft(session, house)
    return studio.signed_in(app)


def _home(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return f"/studio/lists/{studio.the_cafe(session).mailing_list.public_id}/segments"


def _only(app: Flask) -> tuple[str, str, str, bool]:
    with app.app_context(), store.reading() as session:
        found = session.scalars(select(Segment)).one()
        return found.public_id, found.name, found.source, found.archived_at is not None


def test_a_segment_from_first_row_to_archive(app: Flask, owner: StudioBrowser) -> None:
    home = _home(app)
    assert "There is none yet." in words(owner.get(home))
    assert "fit" in words(owner.get(f"{home}/new"))
    counted = owner.post(home, {**DANES, "act": "count"})
    assert counted.status_code == 200
    assert "1 person of 2 fits now" in words(counted)
    assert (ANNA in counted.text, BO in counted.text, "language is da" in counted.text) == (True, False, True)
    assert owner.post(home, {**DANES, "act": "save"}).status_code == 303
    number, name, source, archived = _only(app)
    assert (name, source, archived) == ("Danes", "language is da", False)
    assert "1 person of 2 fits now" in words(owner.get(f"/studio/segments/{number}"))
    assert "Danes" in words(owner.get(home))
    changed = {**DANES, "segment": number, "row-1-not": "1", "act": "save"}
    assert owner.post(home, changed).status_code == 303
    assert _only(app)[2] == "not language is da"
    assert owner.post(f"/studio/segments/{number}", {"act": "archive"}).status_code == 303
    assert _only(app)[3]
    assert owner.post(f"/studio/segments/{number}", {"act": "restore"}).status_code == 303
    assert owner.post(f"/studio/segments/{number}", {"act": "copy"}).status_code == 303
    with app.app_context(), store.reading() as session:
        assert {each.name for each in session.scalars(select(Segment))} == {"Danes", "Danes 2"}
        done = set(session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("segment."))))
    assert done == {f"segment.{word}" for word in ("created", "changed", "archived", "restored")}


def test_the_text_counts_when_it_was_changed(app: Flask, owner: StudioBrowser) -> None:
    home = _home(app)
    answer = owner.post(home, {**DANES, "text_was": "language is da", "text": "language is en", "act": "count"})
    assert (BO in answer.text, ANNA in answer.text) == (True, False)
    wrong = owner.post(home, {**DANES, "text_was": "", "text": "langage is en", "act": "save"})
    assert wrong.status_code == 422
    assert "Line 1, place 1: “langage” cannot stand here. Did you mean “language”?" in words(wrong)
    assert "langage is en" in wrong.text


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("add:0", "language is da and language is"),
        ("group:0", "language is da and (language is"),
        ("remove:1", "everybody"),
    ],
)
def test_buttons_change_the_rows_and_store_nothing(app: Flask, owner: StudioBrowser, act: str, said: str) -> None:
    answer = owner.post(_home(app), {**DANES, "act": act})
    # A new row is still to be filled in, which is said at the row.
    assert said == "everybody" or "Here something is missing." in words(answer)
    assert (said in answer.text) is (said == "everybody")
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Segment)).all() == []


def test_nobody_and_everybody_are_said_with_the_reason(app: Flask, owner: StudioBrowser) -> None:
    home = _home(app)

    def said(text: str) -> str:
        return words(owner.post(home, {**DANES, "text": text, "text_was": "", "act": "count"}))

    assert "because this alone is true of nobody: language is pl" in said("language is pl and not pauses")
    assert "all of them together of nobody" in said("language is da and language is en")
    assert "because this alone is true of all: not pauses" in said("not pauses or language is da")
    assert "this leaves nobody out" in said("not pauses")
    gone = said("source is ig-bio")
    assert "This speaks of a source that does not exist (ig-bio). That is true of nobody." in gone


@pytest.mark.parametrize(
    "typed",
    [
        {"row-1-phrase": "clicked_within", "row-1-days": "9" * 400},
        {"row-1-phrase": "clicked_within", "row-1-days": "-1"},
        {"row-1-phrase": "joined_before", "row-1-value": "0000-00-00"},
        {"row-1-value": ""},
        {"name": ""},
        {"name": "x" * 81},
        {"text": "(" * 9_000, "text_was": ""},
        {"text": "x" * 20_000, "text_was": ""},
        {"row-1-phrase": "in_segment", "row-1-value": "seg_none", "name": "\x00"},
    ],
)
def test_what_cannot_be_is_refused_in_words(app: Flask, owner: StudioBrowser, typed: dict[str, str]) -> None:
    answer = owner.post(_home(app), {**DANES, **typed, "act": "save"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Segment)).all() == []


def test_nonsense_rows_become_rows(app: Flask, owner: StudioBrowser) -> None:
    nonsense = {"row-0-kind": "condition", "row-0-level": "x", "row-1-kind": "?", "row-1-level": "999", "act": "up:99"}
    assert owner.post(_home(app), nonsense).status_code == 200
    assert owner.post(_home(app), {"act": "remove:0"}).status_code == 200


def test_a_letter_goes_to_whom_the_button_says(app: Flask, owner: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        made = segments.create(session, house.organisation, house.mailing_list, "Danes", "language is da")
        number = made.public_id
        letter = session.scalars(select(Campaign)).one().public_id
    page = owner.get(f"/studio/letters/{letter}/send?segment={number}")
    said = words(page)
    assert "To 1 confirmed person on" in said
    assert "Only who is in the segment “Danes” when it leaves gets it." in said
    assert "1 Not in the segment" in said
    everybody = words(owner.get(f"/studio/letters/{letter}/send"))
    assert ("To 2 confirmed people on" in everybody, "To whom?" in everybody) == (True, True)
    seen = re.search(r'name="sha256" value="([0-9a-f]+)"', page.text)
    assert seen is not None
    form = {"segment": number, "when": "now", "unknown": "1", "stance": "news", "sha256": seen[1]}
    assert owner.post(f"/studio/letters/{letter}/send", form).status_code == 303
    with app.app_context(), store.transaction() as session:
        to = select(Subscriber.email_send).join(Delivery, Delivery.subscriber_id == Subscriber.id)
        assert list(session.scalars(to.where(Delivery.campaign_id.is_not(None)))) == [ANNA]
        sent = session.scalars(select(Campaign)).one()
        assert (sent.recipients, sent.segment_text) == (1, "language is da")


def test_a_segment_that_was_archived_meanwhile_sends_nothing(app: Flask, owner: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        made = segments.create(session, house.organisation, house.mailing_list, "Danes", "language is da")
        segments.archive(made)
        number, letter = made.public_id, session.scalars(select(Campaign)).one().public_id
    form = {"segment": number, "when": "now", "unknown": "1", "stance": "news"}
    answer = owner.post(f"/studio/letters/{letter}/send", form)
    assert answer.status_code == 409
    assert "Nothing was sent." in words(answer)
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Delivery).where(Delivery.campaign_id.is_not(None))).all() == []


def _stored(app: Flask, said: str, name: str = "Danes") -> str:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        return segments.create(session, house.organisation, house.mailing_list, name, said).public_id


def _letter(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return session.scalars(select(Campaign)).one().public_id


def _archive(app: Flask, owner: StudioBrowser, number: str) -> None:
    assert owner.post(f"/studio/segments/{number}", {"act": "archive"}).status_code == 303


@pytest.mark.parametrize("chosen", [{"segment": "archived"}, {"segment": "seg_none"}, {"topic": "top_none"}])
def test_a_choice_that_is_gone_never_becomes_everybody(
    app: Flask, owner: StudioBrowser, chosen: dict[str, str]
) -> None:
    number, letter = _stored(app, "language is da"), f"/studio/letters/{_letter(app)}/send"
    _archive(app, owner, number)
    wanted = {name: number if value == "archived" else value for name, value in chosen.items()}
    refused = owner.post(letter, {**wanted, "when": "now", "unknown": "1", "stance": "news"})
    looked = owner.get(letter, query_string=wanted)
    for answer, status in ((refused, 409), (looked, 404)):
        assert answer.status_code == status
        assert "Please choose again to whom it goes." in words(answer)
        assert "confirmed people on" not in words(answer)
        # No form of this page sends anything, and no choice stands in it but the one that is asked for.
        assert 'name="sha256"' not in answer.text
        assert "selected disabled" in answer.text
    again = words(owner.get(letter, query_string={"segment": "", "topic": ""}))
    assert "To 2 confirmed people on" in again
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Delivery).where(Delivery.campaign_id.is_not(None))).all() == []


def test_a_letters_own_segment_stays_its_own_when_it_is_archived(app: Flask, owner: StudioBrowser) -> None:
    number, letter = _stored(app, "language is da"), f"/studio/letters/{_letter(app)}/send"
    with app.app_context(), store.transaction() as session:
        session.scalars(select(Campaign)).one().segment_id = session.scalars(select(Segment.id)).one()
    _archive(app, owner, number)
    page = owner.get(letter)
    said = words(page)
    assert ("To 1 confirmed person on" in said, "Danes (archived)" in said) == (True, True)
    assert re.search(rf'<option value="{number}" selected>', page.text)
    seen = re.search(r'name="sha256" value="([0-9a-f]+)"', page.text)
    assert seen is not None
    form = {"segment": number, "when": "now", "unknown": "1", "stance": "news", "sha256": seen[1]}
    assert owner.post(letter, form).status_code == 303
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Campaign)).one().recipients == 1


def test_a_letter_is_judged_by_whom_it_goes_to(app: Flask, owner: StudioBrowser) -> None:
    nobody, danes = _stored(app, "language is pl", "Poles"), _stored(app, "language is da")
    letter = f"/studio/letters/{_letter(app)}/send"
    with app.app_context(), store.transaction() as session:
        empty = session.scalars(select(Segment).where(Segment.public_id == nobody)).one()
        session.scalars(select(Campaign)).one().segment_id = empty.id
    own = owner.get(letter)
    assert 'name="sha256"' not in own.text
    assert "Nobody who may be mailed is in the segment “Poles” now." in words(own)
    other = owner.get(letter, query_string={"segment": danes})
    assert "1 person on this list gets nothing: not in the segment “Danes”, not confirmed, or has left." in words(other)
    seen = re.search(r'name="sha256" value="([0-9a-f]+)"', other.text)
    assert seen is not None
    form = {"segment": danes, "when": "now", "unknown": "1", "stance": "news", "sha256": seen[1]}
    assert owner.post(letter, {**form, "segment": nobody}).status_code == 422
    assert owner.post(letter, form).status_code == 303


def _fields(page: str) -> dict[str, str]:
    """Return what a browser would post of the builder: its text fields, hidden ones and chosen options."""
    inputs = [each for each in re.findall(r"<input[^>]*>", page) if "checkbox" not in each or " checked" in each]
    found = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', "".join(inputs)))
    for name, inside in re.findall(r'<select id="[^"]+" name="([^"]+)">(.*?)</select>', page, re.DOTALL):
        found[name] = "".join(re.findall(r'<option value="([^"]*)" selected>', inside))
    (text,) = re.findall(r'<textarea id="text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    return {name: html.unescape(value) for name, value in {**found, "text": text.strip("\n")}.items()}


@pytest.mark.parametrize(
    "typed",
    [
        " or ".join(["language is pl"] * 65),
        "(" * 9 + "pauses" + ")" * 9 + " and not (not (not (not (not (not (not (not (not pauses))))))))",
        "language is pl or " * 700 + "pauses",
        "langage is da",
    ],
)
def test_a_refused_text_stays_refused_and_no_older_rows_are_stored(
    app: Flask, owner: StudioBrowser, typed: str
) -> None:
    form = {**DANES, "text_was": "language is da", "text": typed, "act": "save"}
    for _ in range(3):
        answer = owner.post(_home(app), form)
        assert answer.status_code == 422
        fields = _fields(answer.text)
        assert fields["text"].split() == typed.split()
        assert fields["text_was"] == "language is da"
        form = {**fields, "act": "save"}
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Segment)).all() == []
    # Taken back to what the rows say, they count again.
    assert owner.post(_home(app), {**form, "text": form["text_was"]}).status_code == 303
    assert _only(app)[2] == "language is da"


def test_the_list_of_segments_is_shown_a_page_at_a_time(app: Flask, owner: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        for number in range(25):
            segments.create(session, house.organisation, house.mailing_list, f"No {number:02}", "language is da")
    first, second = words(owner.get(_home(app))), words(owner.get(f"{_home(app)}?page=2"))
    assert ("No 19" in first, "No 20" in first, "Later in the alphabet" in first) == (True, False, True)
    assert ("No 19" in second, "No 24" in second, "Earlier in the alphabet" in second) == (False, True, True)
    for wrong in ("0", "-3", "x", "9" * 30):
        assert owner.get(f"{_home(app)}?page={wrong}").status_code == 200


def test_topics_are_read_by_name_and_kept_by_id(app: Flask, owner: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        cakes = topic.add(session, studio.the_cafe(session).mailing_list, "Cakes").public_id
    counted = owner.post(_home(app), {**DANES, "row-1-phrase": "topic_is", "row-1-value": cakes, "act": "count"})
    assert _fields(counted.text)["text"] == _fields(counted.text)["text_was"] == "topic is Cakes"
    assert owner.post(_home(app), {**_fields(counted.text), "name": "Sweet", "act": "save"}).status_code == 303
    number, _, source, _ = _only(app)
    assert source == f"topic is {cakes}"
    assert _fields(owner.get(f"/studio/segments/{number}").text)["text"] == "topic is Cakes"
    assert "topic is Cakes" in owner.get(_home(app)).text


def test_what_uses_a_segment_is_led_to(app: Flask, owner: StudioBrowser) -> None:
    number = _stored(app, "language is da")
    with app.app_context(), store.transaction() as session:
        house, found = studio.the_cafe(session), session.scalars(select(Segment)).one()
        line = follow_ups.line(session, house, start=Start(Trigger.SEGMENT, segment_id=found.id), on=False).public_id
    _archive(app, owner, number)
    page = owner.get(f"/studio/segments/{number}")
    assert "Used by: A line" in words(page)
    assert f'href="/studio/follow-ups/{line}"' in page.text
    assert owner.get(f"/studio/follow-ups/{line}").status_code == 200


def test_words_that_would_drive_a_follow_up_round_are_refused_and_stay_as_typed(
    app: Flask, owner: StudioBrowser
) -> None:
    number = _stored(app, "language is da")
    with app.app_context(), store.transaction() as session:
        begins = Start(Trigger.SEGMENT, segment_id=session.scalars(select(Segment.id)).one())
        line = follow_ups.line(session, studio.the_cafe(session), start=begins)
        got = f"got letter {follow_ups.steps(session, line)[0].campaign.public_id}"
    form = {**DANES, "segment": number, "text_was": "language is da", "text": got, "act": "save"}
    refused = owner.post(_home(app), form)
    assert refused.status_code == 422
    assert "The follow-up “A line” is on, and with these words it would be driven round: A line." in words(refused)
    assert got in refused.text
    assert _only(app) == (number, "Danes", "language is da", False)
    assert owner.post(_home(app), {**form, "text": f"not {got}"}).status_code == 303


def test_an_editor_may_build_segments(app: Flask, owner: StudioBrowser) -> None:
    del owner
    with app.app_context(), store.transaction() as session:
        user.first(session).role = Role.EDITOR
    editor = studio.signed_in(app)
    assert editor.get(_home(app)).status_code == 200
    assert editor.post(_home(app), {**DANES, "act": "save"}).status_code == 303
