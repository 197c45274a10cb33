"""The send page: what the letter is, and two versions of it; the account of a list, and what she got from us."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.audience.segments import segment
from listkeeper.audience.segments.segment import Segment
from listkeeper.campaigns import archive
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.stance import Stance
from listkeeper.campaigns.trial import Arm, Figures, TrialState
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.trying import trial
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.integration import test_studio_letters as of_letters
from tests.makers import cafe, crowd, studio
from tests.makers.own import Guest
from tests.makers.own import words as her_words
from tests.makers.programs import Program, code_of, program
from tests.makers.studio import StudioBrowser, words
from tests.makers.works import Works, here
from tests.unit.insight.trust_stage import reached, sent

_PEOPLE = 60
TRIAL = {
    "trial": "1", "trial_subject": "Rye, still warm", "trial_measure": "replies", "trial_expected": "30",
    "trial_difference": "20", "trial_each": "20", "trial_hours": "2", "trial_rule": "ask",
}  # fmt: skip


@pytest.fixture
def browser(app: Flask, database: Database, frozen_clock: time_machine.Traveller) -> StudioBrowser:
    """The owner of a café with sixty people. On both databases."""
    with app.app_context(), store.transaction() as session:
        crowd.gather(session, cafe.found(session), _PEOPLE)
    return studio.signed_in(app)


def _letter(app: Flask) -> Campaign:
    with app.app_context(), store.reading() as session:
        found = session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(1)).one()
        session.expunge_all()
        return found


def _send(browser: StudioBrowser, **typed_in: str) -> tuple[str, int, str]:
    address = of_letters.draft(browser)
    answer = browser.post(f"{address}/send", {"sha256": of_letters.seen(browser, address), **typed_in})
    return address, answer.status_code, words(answer)


# What the letter is


def test_what_is_suggested_stands_chosen_and_is_kept(app: Flask, browser: StudioBrowser) -> None:
    address = of_letters.draft(browser)
    page = browser.get(f"{address}/send").text
    assert '<option value="news" selected>' in page
    assert "In twelve months this list: 0." in words(browser.get(f"{address}/send"))
    browser.post(f"{address}/send", {"sha256": of_letters.seen(browser, address), "stance": "help"})
    assert _letter(app).stance == "help"


def test_an_ask_below_the_floor_waits_for_a_tick_and_says_why(app: Flask, browser: StudioBrowser) -> None:
    address, status, said = _send(browser, stance="offer")
    assert status == 409
    assert "One more that asks makes the balance −1, below your floor of 0. Nothing was sent." in said
    assert _letter(app).state is CampaignState.DRAFT
    page = browser.get(f"{address}/send").text
    assert 'name="below_floor"' in page
    typed_in = {"sha256": of_letters.seen(browser, address), "stance": "offer", "below_floor": "1"}
    assert browser.post(f"{address}/send", typed_in).status_code == 303
    assert (_letter(app).stance, _letter(app).state) == ("offer", CampaignState.SENDING)


def test_an_ask_of_a_segment_needs_no_tick(app: Flask, browser: StudioBrowser) -> None:
    """Also where the letter was to go to the segment before: what is chosen on the page counts."""
    address = of_letters.draft(browser)
    with app.app_context(), store.transaction() as session:
        house = here(session)
        some = segment.create(session, house.organisation, house.mailing_list, "All", "language is en").public_id
    assert 'name="below_floor"' not in browser.get(f"{address}/send?segment={some}").text
    typed_in = {"sha256": of_letters.seen(browser, address), "stance": "offer"}
    with app.app_context(), store.transaction() as session:
        letter = session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(1)).one()
        letter.segment_id = session.scalars(select(Segment.id)).one()
    assert 'name="below_floor"' not in browser.get(f"{address}/send").text
    refused = browser.post(f"{address}/send", {**typed_in, "segment": ""})
    assert (refused.status_code, 'name="below_floor"' in refused.text) == (409, True)
    assert "below your floor" not in words(browser.post(f"{address}/send", {**typed_in, "segment": some}))


def test_nothing_chosen_nothing_sent(app: Flask, browser: StudioBrowser) -> None:
    address = of_letters.draft(browser)
    seen = of_letters.seen(browser, address)
    for stance in ("", "  ", "gift", "<script>"):
        answer = browser.post(f"{address}/send", {"sha256": seen, "stance": stance})
        assert (answer.status_code, "Nothing was sent." in words(answer)) == (422, True), stance
    assert _letter(app).state is CampaignState.DRAFT


# Two versions


def test_two_subjects_are_tried_and_the_page_says_how_it_stands(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    address, status, said = _send(browser, **TRIAL)
    assert status == 303, said
    shown = words(browser.get(f"{address}/progress"))
    assert "Two versions are tried: each goes to 20 people." in shown
    assert "Version B Rye, still warm Of 0 mails that arrived, 0 got a reply: 0%." in shown
    assert "It is too early to say which is better: the numbers still move." in shown
    with app.app_context(), store.transaction() as session:
        letter = session.scalars(select(Campaign)).one()
        for row in session.scalars(select(Delivery).where(Delivery.wave == 0)):
            row.state, row.handed_at = DeliveryState.ACCEPTED, clock.now()
        frozen_clock.shift(timedelta(hours=2))
        assert trial.look(session, letter, {Arm.A: Figures(20, 3), Arm.B: Figures(20, 15)}) is TrialState.ASKS
    shown = words(browser.get(f"{address}/progress"))
    assert "Version B better Rye, still warm Of 20 mails that arrived, 15 got a reply: 75%." in shown
    assert "Version B is better: chance alone makes such a difference in at most 0.1% of trials." in shown
    assert "the others wait for your word" in shown
    assert browser.post(f"{address}/version", {"version": "c"}).status_code == 303
    assert browser.post(f"{address}/version", {"version": "b"}).status_code == 303
    assert "The others get version B." in words(browser.get(f"{address}/progress"))
    found = trials.of(_letter(app))
    assert found is not None
    assert (found.state, found.chosen) == (TrialState.DECIDED, Arm.B)
    browser.post(f"{address}/version", {"version": "a"})
    again = trials.of(_letter(app))
    assert again == found


def test_it_is_worked_out_before_anything_leaves(app: Flask, browser: StudioBrowser) -> None:
    address = of_letters.draft(browser)
    page = words(browser.get(f"{address}/send"))
    assert "Your list is too small to find a difference under" in page
    typed_in = {**TRIAL, "trial_difference": "45", "trial_each": ""}
    worked = browser.post(f"{address}/send/trial", typed_in)
    assert worked.status_code == 200
    assert "Each version goes to 23 people. A difference of 44.4 points or more is then found" in words(worked), words(
        worked
    )
    assert 'value="Rye, still warm"' in worked.text
    assert _letter(app).state is CampaignState.DRAFT
    assert browser.post(f"{address}/send/trial", {**TRIAL, "trial_hours": "nan"}).status_code == 422


def test_version_b_may_be_another_draft_as_it_was_seen(app: Flask, browser: StudioBrowser) -> None:
    other = of_letters.draft(browser, subject="Sourdough")
    address = of_letters.draft(browser)
    page = browser.get(f"{address}/send").text
    [value] = re.findall(r'<option value="(cmp_[^"]+:[0-9a-f]{64})">Sourdough</option>', page)
    typed_in = {**TRIAL, "trial_subject": "", "trial_letter": value, "sha256": of_letters.seen(browser, address)}
    browser.post(other, {**of_letters.WORDS, "subject": "Sourdough, dark", "version": "2"})
    refused = browser.post(f"{address}/send", typed_in)
    assert refused.status_code == 412
    assert "Version B has changed since you looked at it." in words(refused)
    [value] = re.findall(r'<option value="(cmp_[^"]+)">Sourdough, dark</option>', refused.text)
    assert browser.post(f"{address}/send", {**typed_in, "trial_letter": value}).status_code == 303
    with app.app_context(), store.reading() as session:
        assert len(session.scalars(select(Delivery.id).where(Delivery.wave == 0)).all()) == 40


_WRONG: list[tuple[dict[str, str], str]] = [
    ({"trial_subject": "Rye bread"}, "Both versions are the same."),
    ({"trial_subject": ""}, "Please write the subject of version B."),
    ({"trial_hours": "0"}, "A trial waits from a minute to seven days."),
    ({"trial_hours": "-1"}, "A trial waits from a minute to seven days."),
    ({"trial_hours": "NaN"}, "Please write numbers such as 5 or 1.5."),
    ({"trial_hours": "1e400"}, "Please write numbers such as 5 or 1.5."),
    ({"trial_expected": "100"}, "What you expect is a share from 0 to 99 %."),
    ({"trial_difference": "0"}, "The difference is at least 0.1 points"),
    ({"trial_each": "5"}, "Each version goes to at least 10 people."),
    ({"trial_each": "40"}, "you would learn nothing. Send it without a trial."),
    ({"trial_measure": "opens"}, "Please choose what is offered."),
    ({"trial_measure": "clicks"}, "Of these people, 0 let clicks be counted."),
    ({"trial_rule": "random"}, "Please choose what is offered."),
    ({"trial_letter": "cmp_none:aa"}, "Version B is another subject or another letter"),
    ({"trial_letter": "cmp_none:aa", "trial_subject": ""}, "There is no letter with the id cmp_none."),
    ({"test": "1", "share": "50"}, "Choose a few first, or two versions."),
]


def test_what_cannot_be_a_trial_is_said_on_the_page(app: Flask, browser: StudioBrowser) -> None:
    address = of_letters.draft(browser)
    seen = of_letters.seen(browser, address)
    for changed, said in _WRONG:
        answer = browser.post(f"{address}/send", TRIAL | changed | {"sha256": seen})
        shown = words(answer)
        assert (answer.status_code, said in shown) == (422, True), (changed, shown)
        assert "Nothing was sent." in shown
    assert _letter(app).state is CampaignState.DRAFT


# The account of a list


def test_the_account_of_a_list_is_shown_and_its_floor_is_kept(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        house = here(session)
        for stance, days in ((Stance.HELP, 1), (Stance.HELP, 40), (Stance.OFFER, 70)):
            sent(session, house, stance, ago=timedelta(days=days), subject=f"{stance.value} {days}")
        place = f"/studio/lists/{house.mailing_list.public_id}/trust"
    shown = words(browser.get(place))
    assert "Balance: +1. In twelve months, letters that gave: 2, letters that asked: 1." in shown
    assert "help 40" in shown
    assert "−1 · An offer" in shown
    assert browser.post(place, {"floor": "−3"}).status_code == 303
    with app.app_context(), store.reading() as session:
        assert here(session).mailing_list.trust_floor == -3
    for wrong in ("", "x", "101", "-101", "1.5", "9" * 40, "--1", "²", "-+5", "+-5", "+", "- 5", "٣"):
        assert browser.post(place, {"floor": wrong}).status_code == 422, wrong
    with app.app_context(), store.reading() as session:
        assert here(session).mailing_list.trust_floor == -3
    assert browser.get("/studio/lists/lst_none/trust").status_code == 404


# The same for programs


@pytest.fixture
def shop(app: Flask, browser: StudioBrowser) -> Program:
    """A program that may do everything, at the same café with a draft."""
    of_letters.draft(browser)
    return program(app)


_BODY = {
    "subject": "Rye, still warm", "measure": "replies", "expected": 30, "difference": 20, "each": 20, "rule": "ask",
}  # fmt: skip


def test_a_program_orders_a_trial_reads_it_and_chooses(app: Flask, shop: Program) -> None:
    name = _letter(app).public_id
    assert code_of(shop.get(f"/campaigns/{name}/trial")) == "no_trial"
    started = shop.post(f"/campaigns/{name}/start", {"trial": _BODY, "stance": "help"})
    assert started.status_code == 200, started.text
    assert (started.get_json()["stance"], started.get_json()["tries"]) == ("help", True)
    tried = shop.get(f"/campaigns/{name}/trial").get_json()
    assert (tried["state"], tried["each"], tried["a"], tried["winner"]) == (
        "waiting",
        20,
        {"mails": 0, "acted": 0},
        None,
    )
    assert "It is too early to say which is better: the numbers still move." in tried["words"]
    assert shop.post(f"/campaigns/{name}/choice", {"version": "b"}).status_code == 200
    assert shop.get(f"/campaigns/{name}/trial").get_json()["chosen"] == "b"
    assert code_of(shop.post(f"/campaigns/{name}/choice", {"version": "a"})) == "no_trial"
    assert code_of(shop.get("/campaigns/cmp_none/trial")) == "no_campaign"


def test_a_program_reads_a_trial_that_waits_for_its_hour(app: Flask, shop: Program) -> None:
    name = _letter(app).public_id
    at = clock.as_text(clock.now() + timedelta(days=2))
    started = shop.post(f"/campaigns/{name}/start", {"at": at, "trial": _BODY, "stance": "help"})
    assert started.status_code == 200, started.text
    tried = shop.get(f"/campaigns/{name}/trial")
    assert tried.status_code == 200, tried.text
    assert (tried.get_json()["a"], tried.get_json()["b"]) == (None, None)


_REFUSED: list[tuple[dict[str, object], int]] = [
    ({"wait_minutes": 0}, 422), ({"wait_minutes": "x"}, 422), ({"each": 1}, 422), ({"expected": 100}, 422),
    ({"difference": 0}, 422), ({"measure": "opens"}, 422), ({"subject": ""}, 422), ({"subject": "x" * 501}, 422),
    ({"letter": "cmp_00000000000000000000", "subject": ""}, 422), ({"more": 1}, 422),
    ({"difference": 1, "each": None}, 422), ({"sha256": "0" * 64}, 409),
]  # fmt: skip


def test_a_program_is_refused_what_cannot_be_a_trial(app: Flask, shop: Program) -> None:
    name = _letter(app).public_id
    for changed, status in _REFUSED:
        answer = shop.post(f"/campaigns/{name}/start", {"trial": _BODY | changed})
        assert answer.status_code == status, (changed, answer.text)
    assert _letter(app).state is CampaignState.DRAFT


def test_a_program_is_asked_once_more_below_the_floor(app: Flask, shop: Program) -> None:
    name = _letter(app).public_id
    assert code_of(shop.post(f"/campaigns/{name}/start", {"stance": "survey"})) == "below_floor"
    started = shop.post(f"/campaigns/{name}/start", {"stance": "survey", "below_floor": True})
    assert (started.status_code, started.get_json()["stance"]) == (200, "survey")


def test_a_program_that_only_reads_chooses_nothing(app: Flask, shop: Program) -> None:
    name = _letter(app).public_id
    reader = program(app, Scope.READ, name="Reader")
    assert reader.post(f"/campaigns/{name}/choice", {"version": "a"}).status_code == 403


# What she got from us


def test_she_sees_what_gave_and_what_asked_and_where_it_can_be_read(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    her = Guest(works, smtp_sink, client)
    her.subscribe()
    visit = her.enter()
    shown = her_words(client.get(f"{visit}/got"))
    assert "no letter gave you anything, and none asked you for anything" in shown
    assert f"{visit}/got" in client.get(visit).text

    def act(session: Session, house: cafe.Cafe) -> None:
        house.mailing_list.archive_public = True
        person = her.person(session)
        for number in range(22):
            reached(session, sent(session, house, Stance.HELP, subject=f"Help {number}"), person)
        hidden = sent(session, house, Stance.OFFER, subject="Only {{ subscriber.first_name }} <b>today</b>")
        archive.take_out(hidden)
        reached(session, hidden, person)
        reached(session, sent(session, house, Stance.SURVEY, subject="Never came"), person, DeliveryState.BOUNCED)

    works.write(act)
    page = client.get(f"{visit}/got")
    shown = her_words(page)
    assert "letters that gave you something: 22. Letters that asked you for something: 1." in shown
    assert "We have given more than we asked." in shown
    assert "It asked: An offer" in shown
    assert "Never came" not in shown
    assert "<b>today" not in page.text
    assert page.text.count("/archive/news/") == 19
    assert len(page.data) < 15_000
    [older] = re.findall(r'href="([^"]+)">Earlier', page.text)
    rest = client.get(older.replace("&amp;", "&"))
    assert "Help 0" in rest.text
    assert "Earlier" not in rest.text
    for wrong in ("-1", "x", "9" * 30, "²"):
        assert client.get(f"{visit}/got?before={wrong}").status_code == 200
    assert client.get("/mine/nobody/got").status_code in {404, 410}


def test_she_reads_it_in_her_language(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> None:
    her = Guest(works, smtp_sink, client)
    her.subscribe()

    def act(session: Session, house: cafe.Cafe) -> None:
        del house
        her.person(session).language = "da"

    works.write(act)
    assert '<html lang="da"' in client.get(f"{her.enter()}/got").text


def test_the_newest_words_of_the_letter_are_not_version_b(app: Flask, browser: StudioBrowser) -> None:
    address, status, _said = _send(browser, **TRIAL)
    assert status == 303
    with app.app_context(), store.reading() as session:
        letter = session.scalars(select(Campaign)).one()
        assert campaigns.newest(session, letter).subject == "Rye bread"
    assert "Rye, still warm" not in browser.get(f"{address}/revisions").text
