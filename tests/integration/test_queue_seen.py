"""The queue for humans: on a page and in a command, in words, the same figures in both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.accounts.user import Role
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.cli.main import main
from listkeeper.foundation import clock, language
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs.worker import LaneWorker
from listkeeper.sending import incident, watch_words
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import IncidentKind
from listkeeper.settings import Settings
from tests.browser.watched import DESK, PHONE, watched
from tests.fakes.queue_server import QueueServer
from tests.makers import shapes, studio
from tests.makers.cafe import Cafe
from tests.makers.works import Works

S = DeliveryState
FACTS = {"letters": ["Buns"], "minutes": 11}


def _stand(session: Session, _house: Cafe) -> None:
    """Let a letter wait, be put off, in doubt and in hands; one thing stands in the way, and another is over."""
    values = (
        {"state": S.DEFERRED, "provider": "gmail", "due_at": clock.now() + timedelta(minutes=5)},
        {"state": S.IN_DOUBT, "settled_at": clock.now()},
        {"state": S.HANDED, "worker": "w", "lease_until": clock.now() + timedelta(minutes=5)},
        {"state": S.LEASED, "worker": "w", "lease_until": clock.now() + timedelta(minutes=5)},
    )
    for number, each in enumerate(values, 1):
        session.execute(update(Delivery).where(Delivery.id == number).values(**each))
    incident.report(session, IncidentKind.TRANSPORT_UNAVAILABLE, "The mail server at mx.example is away.")
    session.flush()
    incident.over(session, IncidentKind.TRANSPORT_UNAVAILABLE)
    kind = IncidentKind.CAMPAIGN_STUCK
    incident.report(session, kind, watch_words.said(kind, FACTS), FACTS)


@pytest.fixture
def standing(works: Works) -> Works:
    """A letter to ten people in every state of waiting."""
    works.gather(10)
    works.start("Buns")
    works.write(_stand)
    return works


def _words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2]).split())


def _command(settings: Settings, *words: str) -> str:
    given = {"LISTKEEPER_REDIS_URL": settings.redis_url or "", "LISTKEEPER_DATABASE_URL": settings.database_url or ""}
    environment = {name: value for name, value in given.items() if value}
    ran = CliRunner().invoke(main, ["queue", "--data", str(settings.data_folder), *words], env=environment)
    assert ran.exit_code == 0, ran.output
    return ran.output


# The page


def test_the_page_says_what_waits_and_why(standing: Works, queue: QueueServer) -> None:
    LaneWorker((Lane.URGENT,), standing.app.app_context, queue.client).register_birth()
    said = _words(studio.signed_in(standing.app).get("/studio/queue").text)
    for words in (
        "A letter stands still: “Buns”. Mails of it are due, and none has come to its end for 11 minutes.",
        "Confirmations and single mails 0 mails wait to leave",
        "Letters 6 mails wait to leave The oldest has waited since",
        "Due later 1 At work on it nobody works on it",
        "Leaving right now 2 mails at this moment",
        "In doubt 1 handed over, the answer was lost",
        "Buns 7 of 10 wait",
        "Gmail 1 mail next try",
        "The mail server at mx.example is away.",
        "over",
    ):
        assert words in said, words


def test_a_quiet_page_says_that_nothing_is_known(works: Works, queue: QueueServer) -> None:
    said = _words(studio.signed_in(works.app).get("/studio/queue").text)
    for words in ("Nothing is known to stand in the way.", "none waits", "None.", "Nothing so far."):
        assert words in said
    assert "Put off by receivers" not in said


def test_without_a_queue_server_nobody_knows_who_works(works: Works) -> None:
    said = _words(studio.signed_in(works.app).get("/studio/queue").text)
    assert "not known: the queue server does not answer" in said
    assert "nobody works on it" not in said


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (CampaignState.PAUSED, "it was paused, and waits for somebody to let it go on"),
        (CampaignState.HELD, "it can still be stopped, and leaves then:"),
        (CampaignState.SCHEDULED, "it leaves later:"),
    ],
)
def test_why_a_letter_does_not_move_is_said(standing: Works, state: CampaignState, words: str) -> None:
    later = clock.now() + timedelta(hours=1)
    values = {"state": state, "held_until": later, "scheduled_for": later}
    standing.write(lambda session, _house: session.execute(update(Campaign).values(**values)))
    said = _words(studio.signed_in(standing.app).get("/studio/queue").text)
    # Nothing of what is ordered waits yet: who gets it is found out when it leaves.
    many = "7 of 10 wait" if state is CampaignState.PAUSED else "to 10 people"
    assert f"{many} · {words}" in said
    assert "none may leave now" in said


def test_what_has_no_name_is_called_something_and_a_command_looks_like_one(standing: Works, settings: Settings) -> None:
    def act(session: Session, _house: Cafe) -> None:
        session.execute(update(Delivery).where(Delivery.state == S.DEFERRED).values(provider=".208b3ec67b6faa806a94"))
        incident.report(session, IncidentKind.NO_WORKER, "", {"lanes": [lane.value for lane in Lane]})
        values = {"state": CampaignState.PAUSED, "halted": {"code": "permanent", "number": 6, "of": 10, "limit": 50}}
        session.execute(update(Campaign).values(**values))

    standing.write(act)
    page = studio.signed_in(standing.app).get("/studio/queue").text
    assert "a small mail server 1 mail next try" in _words(page)
    assert "Start <code>listkeeper up</code>, or <code>listkeeper work</code> on any machine." in page
    said = _command(settings)
    assert "1 at a small mail server, next at" in said
    # It stopped by itself, so its owner did not.
    assert "7 wait; It paused by itself: 6 addresses" in said
    assert "paused by its owner" not in said


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_it_speaks_the_language_of_whoever_reads(standing: Works, spoken: str) -> None:
    with standing.app.app_context(), store.transaction() as session:
        user.first(session).language = spoken
    page = studio.signed_in(standing.app).get("/studio/queue").text
    assert f'<html lang="{spoken}"' in page
    assert ("What is going out" in page) == (spoken == "en")
    assert ("stands still" in page) == (spoken == "en"), "an incident is said anew"
    with language.using(spoken):
        assert watch_words.said(IncidentKind.CAMPAIGN_STUCK, FACTS) in _words(page).replace("&#39;", "'")


def test_an_editor_sees_it_and_a_stranger_does_not(standing: Works) -> None:
    assert standing.app.test_client().get("/studio/queue").status_code == 303
    with standing.app.app_context(), store.transaction() as session:
        editor = user.create(session, organisation_id=1, written="editor@cafe.example", role=Role.EDITOR)
        link = sign_in_link.make(session, editor)
    browser = studio.StudioBrowser(standing.app)
    browser.post(f"/studio/enter/{link}")
    said = _words(browser.get("/studio/queue").text)
    assert "Letters 6 mails wait to leave" in said
    assert "@" not in said


def test_the_first_screen_and_the_letters_lead_there(standing: Works) -> None:
    browser = studio.signed_in(standing.app)
    home = browser.get("/studio/").text
    assert "It stands still: A letter stands still" in _words(home)
    assert 'href="/studio/queue"' in home
    assert 'href="/studio/queue"' in browser.get("/studio/letters").text


@pytest.fixture
def site(standing: Works) -> Iterator[str]:
    """The studio on loopback."""
    with shapes.serving(standing.app) as opened:
        yield opened.site


@pytest.mark.whole_program
@pytest.mark.parametrize(("spoken", "size"), [("de", PHONE), ("ru", DESK)])
def test_it_fits_a_telephone_and_a_desk_and_needs_no_script(
    standing: Works, site: str, chromium: Path, spoken: str, size: dict[str, int]
) -> None:
    with standing.app.app_context(), store.transaction() as session:
        user.first(session).language = spoken
    with watched(chromium) as people:
        for script in (False, True):
            with people.context(javascript=script, size=size) as browser:
                page = browser.new_page()
                page.goto(f"{site}/studio/enter/{studio.fresh_link(standing.app)}")
                page.locator("main form button").first.click()
                page.goto(f"{site}/studio/queue")
                assert page.locator("main .notice.bad").count() == 1
                assert page.locator("main .cards article").count() == 3
                assert page.locator("main time").first.inner_text().strip()
                if script:
                    people.inspect(page, "the queue")
                    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert people.faults == []


# The command


def test_the_command_says_the_same(standing: Works, queue: QueueServer, settings: Settings) -> None:
    LaneWorker((Lane.URGENT,), standing.app.app_context, queue.client).register_birth()
    answer = json.loads(_command(settings, "--json"))
    lanes = {lane["lane"]: lane for lane in answer["lanes"]}
    assert (lanes["sending"]["due"], lanes["sending"]["later"], lanes["sending"]["workers"]) == (6, 1, 0)
    assert lanes["sending"]["oldest_due_seconds"] >= 0
    assert (lanes["urgent"]["due"], lanes["urgent"]["oldest_due_seconds"], lanes["urgent"]["workers"]) == (0, None, 1)
    assert (answer["leased"], answer["handed"], answer["in_doubt"]) == (1, 1, 1)
    [letter] = answer["letters"]
    assert (letter["subject"], letter["state"], letter["due"], letter["why"]) == ("Buns", "sending", 6, None)
    assert [(row["provider"], row["number"]) for row in answer["put_off"]] == [("gmail", 1)]
    assert [(row["kind"], row["closed_at"] is None) for row in answer["incidents"]] == [
        ("campaign_stuck", True), ("transport_unavailable", False),
    ]  # fmt: skip
    [worker] = answer["workers"]
    assert worker["lanes"] == ["urgent"]
    assert worker["heard_at"]
    said = _command(settings)
    assert "sending     6 due, the oldest for" in said
    assert "A letter stands still" in said
    assert "mx.example" not in said, "what is over is in the JSON alone"


def test_without_a_queue_server_the_command_does_not_guess(standing: Works, settings: Settings) -> None:
    answer = json.loads(_command(settings, "--json"))
    assert answer["workers"] is None
    assert {lane["workers"] for lane in answer["lanes"]} == {None}
    assert "not known who works" in _command(settings)
