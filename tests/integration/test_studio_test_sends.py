"""Test sends: to the seed list whole or not at all, and into the studio's own inbox as they would have left."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import parts, store
from listkeeper.accounts import organisation, seed_address
from listkeeper.audience import erasure
from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns import campaign as campaigns
from listkeeper.deliverability import dkim_key, sending_domain
from listkeeper.deliverability.dkim_key import DkimKey, KeyState
from listkeeper.foundation import caught_mail
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import claim, inbox_test, traces
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

HER = "anna@people.example"


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with a reader."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, HER)
    return studio.signed_in(app)


@pytest.fixture
def letter(app: Flask, browser: StudioBrowser) -> str:
    """The address of a draft."""
    del browser
    with app.app_context(), store.transaction() as session:
        return f"/studio/letters/{cafe.draft(session, studio.the_cafe(session)).public_id}"


@pytest.fixture
def for_real(app: Flask, settings: Settings) -> Settings:
    """Settings with a way that leads to a mail server; none listens there."""
    real = settings.model_copy(update={"smtp_url": "smtp://192.0.2.25:25", "tests_per_hour": 5})
    app.config["LISTKEEPER"] = real
    return real


def _tests(app: Flask) -> list[Delivery]:
    with app.app_context(), store.reading() as session:
        found = session.scalars(
            select(Delivery).where(Delivery.message_class == MessageClass.TEST).order_by(Delivery.id)
        )
        rows = list(found)
        session.expunge_all()
        return rows


def _seed(browser: StudioBrowser, *addresses: str) -> None:
    for address in addresses:
        assert browser.post("/studio/settings/seeds", {"address": address}).status_code == 303


# The seed list


def test_the_list_is_kept_by_hand_and_says_what_is_wrong(app: Flask, browser: StudioBrowser) -> None:
    assert "No mailbox yet." in words(browser.get("/studio/settings/seeds"))
    added = {"address": " Me@Post.example ", "label": " the  Outlook\tof the shop "}
    assert browser.post("/studio/settings/seeds", added).status_code == 303
    page = browser.get("/studio/settings/seeds")
    assert "Me@post.example the Outlook of the shop" in words(page)
    for wrong, sentence in (
        ({"address": "me@POST.example"}, "on your seed list already"),
        ({"address": "nobody"}, "An address has an @ in it"),
        ({"address": "you@post.example", "label": "x" * 81}, "Nothing was changed."),
        ({"address": "you@post.example", "label": "x\x07y"}, "Nothing was changed."),
        ({}, "type your mail address"),
    ):
        answer = browser.post("/studio/settings/seeds", wrong)
        assert answer.status_code == 422
        assert sentence in words(answer)
    place = re.search(r'action="(/studio/settings/seeds/\d+/remove)"', page.text)
    assert place
    assert "No test goes there any more." in words(browser.post(place.group(1), follow_redirects=True))
    assert browser.post(place.group(1)).status_code == 404
    with app.app_context(), store.reading() as session:
        assert seed_address.every(session, organisation.only_one(session)) == []


def test_it_ends_at_twenty(app: Flask, browser: StudioBrowser, database: Database) -> None:
    del database
    with app.app_context(), store.transaction() as session:
        owner = organisation.only_one(session)
        for number in range(seed_address.MOST):
            seed_address.add(session, owner, f"box{number}@post.example")
    answer = browser.post("/studio/settings/seeds", {"address": "more@post.example"})
    assert answer.status_code == 422
    assert "up to 20 addresses" in words(answer)
    assert "Add a mailbox" not in words(browser.get("/studio/settings/seeds"))


def test_a_test_goes_to_every_seed(app: Flask, browser: StudioBrowser, letter: str, for_real: Settings) -> None:
    del for_real
    answer = browser.post(f"{letter}/test", {"where": "seeds"}, follow_redirects=True)
    assert "Your seed list is empty." in words(answer)
    _seed(browser, "one@gmail.com", "two@post.example")
    answer = browser.post(f"{letter}/test", {"where": "seeds"}, follow_redirects=True)
    assert "on its way to 2 seed addresses" in words(answer)
    found = [(row.typed_address, row.guidance, row.campaign_id, row.state) for row in _tests(app)]
    assert found == [
        ("one@gmail.com", "gmail", None, DeliveryState.QUEUED),
        ("two@post.example", None, None, DeliveryState.QUEUED),
    ]


def test_a_list_that_the_hour_cannot_hold_gets_none_at_all(
    app: Flask, browser: StudioBrowser, letter: str, for_real: Settings
) -> None:
    del for_real
    _seed(browser, *(f"box{number}@post.example" for number in range(4)))
    browser.post(f"{letter}/test", {"where": "seeds"})
    assert len(_tests(app)) == 4
    said = words(browser.post(f"{letter}/test", {"where": "seeds"}, follow_redirects=True))
    assert "Nothing was sent: the seed list needs 4 test mails, and this hour has fewer left of its 5." in said
    assert len(_tests(app)) == 4
    # What was refused was not counted either: one is left.
    for refused in (False, True):
        answer = words(browser.post(f"{letter}/test", {"to": "me@cafe.example"}, follow_redirects=True))
        assert ("this hour" in answer) is refused
    assert len(_tests(app)) == 5


def test_who_is_erased_leaves_the_seed_list_as_well(app: Flask, browser: StudioBrowser, tmp_path: Path) -> None:
    _seed(browser, HER.title(), "two@post.example")
    with app.app_context(), store.transaction() as session:
        person = cafe.subscribe(session, studio.the_cafe(session), HER)
        erasure.erase(session, person.id, actor="subscriber", forget_copies=traces.forgetter(tmp_path))
    with app.app_context(), store.reading() as session:
        left = [row.address for row in seed_address.every(session, organisation.only_one(session))]
    assert left == ["two@post.example"]


# The inbox of the studio


def _signing(app: Flask) -> None:
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        domain = sending_domain.add(session, made.organisation.id, "cafe.example")
        domain.signing = True
        for key in session.scalars(select(DkimKey)):
            dkim_key.move(key, KeyState.SIGNING)


def test_the_very_message_lies_in_the_inbox_and_nothing_leaves(
    app: Flask, browser: StudioBrowser, letter: str, for_real: Settings, database: Database
) -> None:
    del for_real, database
    _signing(app)
    answer = browser.post(f"{letter}/test", {"where": "inbox", "to": "me@gmail.com"})
    assert answer.status_code == 303
    key = str(answer.location).rpartition("/")[2]
    page = browser.get(str(answer.location))
    assert "[TEST] Cardamom buns" in words(page)
    assert "Inbox of this studio" in words(page)
    assert "Inbox of this studio Tests that you put here" in words(browser.get("/studio/inbox"))
    with app.app_context():
        kept = caught_mail.read(parts.practice_folder(), key)
    message = message_from_bytes(kept.raw, policy=SMTP)
    assert message["subject"] == "[TEST] Cardamom buns"
    assert message["to"] == "me@gmail.com"
    assert kept.envelope.rcpt_tos == ("me@gmail.com",)
    assert "d=cafe.example" in str(message["dkim-signature"])
    assert {"list-unsubscribe", "list-unsubscribe-post", "list-id", "message-id"} <= {name.lower() for name in message}
    body = message.get_body(("plain",))
    assert body is not None
    assert "Reading this in Gmail?" in body.get_content()
    [row] = _tests(app)
    assert (row.state, row.way, row.message_id) == (DeliveryState.ACCEPTED, "practice", message["message-id"])
    assert row.typed_address is None, "a settled test forgets whom it went to"
    assert (row.worker, row.attempts, row.campaign_id) == (None, 1, None)


def test_the_page_offers_what_is_possible(app: Flask, browser: StudioBrowser, letter: str, settings: Settings) -> None:
    # In practice mode every test lands there, so it is no choice.
    assert "Put it into the inbox of this studio" not in browser.get(letter).text
    assert "Make a seed list" in words(browser.get(letter))
    app.config["LISTKEEPER"] = settings.model_copy(update={"smtp_url": "smtp://192.0.2.25:25"})
    _seed(browser, "one@post.example")
    shown = words(browser.get(letter))
    assert "Put it into the inbox of this studio" in shown
    assert "Send test to the seed list (1 address)" in shown


def test_it_counts_among_the_tests_of_the_hour(
    app: Flask, browser: StudioBrowser, letter: str, for_real: Settings
) -> None:
    del for_real
    said = [browser.post(f"{letter}/test", {"where": "inbox", "to": "me@cafe.example"}) for _ in range(6)]
    assert ["/inbox/" in str(answer.location) for answer in said] == [True] * 5 + [False]
    assert len(_tests(app)) == 5


def test_what_cannot_be_kept_is_said_and_settled(
    app: Flask, browser: StudioBrowser, letter: str, for_real: Settings, settings: Settings
) -> None:
    del for_real
    # A file stands where the folder should be.
    (settings.data_folder / "practice").write_text("")
    answer = browser.post(f"{letter}/test", {"where": "inbox", "to": "me@cafe.example"}, follow_redirects=True)
    assert "The inbox of the studio cannot be written to" in words(answer)
    assert [row.state for row in _tests(app)] == [DeliveryState.FAILED]
    answer = browser.post(f"{letter}/test", {"where": "inbox", "to": "nobody"}, follow_redirects=True)
    assert "An address has an @ in it" in words(answer)
    assert len(_tests(app)) == 1


def test_an_address_nobody_may_write_to_gets_no_test_here_either(
    app: Flask, browser: StudioBrowser, letter: str, for_real: Settings, tmp_path: Path
) -> None:
    del for_real
    with app.app_context(), store.transaction() as session:
        person = cafe.subscribe(session, studio.the_cafe(session), HER)
        erasure.erase(session, person.id, actor="subscriber", forget_copies=traces.forgetter(tmp_path))
    answer = browser.post(f"{letter}/test", {"where": "inbox", "to": HER}, follow_redirects=True)
    assert "No mail may go to this address" in words(answer)
    assert _tests(app) == []
    with app.app_context():
        assert caught_mail.count(parts.practice_folder()) == 0


def test_a_worker_that_looks_meanwhile_does_not_take_it(
    app: Flask, browser: StudioBrowser, letter: str, for_real: Settings
) -> None:
    del browser
    with app.app_context():
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = campaigns.identified(session, owner, letter.rpartition("/")[2])
            ready = inbox_test.begin(session, owner, found, "me@cafe.example", site=for_real.site, per_hour=5)
        with store.transaction() as session:
            assert ready.delivery_id not in claim.lease(session, Lane.URGENT, "host:1:0", 32)
        kept = inbox_test.keep(ready, parts.practice_folder())
        with store.transaction() as session:
            inbox_test.end(session, ready, kept)
    assert [row.state for row in _tests(app)] == [DeliveryState.ACCEPTED]
