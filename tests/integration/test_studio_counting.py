"""The studio's page about counting: what readers chose, and the mark on links to the shop, from there to an order."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select, update

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience.subscription import Subscription
from listkeeper.feedback import conversion_ref
from listkeeper.sending import link_visit
from tests.fakes.databases import Database
from tests.makers import studio, visited
from tests.makers.studio import StudioBrowser, words

PAGE = "/studio/settings/counting"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def sent(app: Flask, database: Database) -> dict[str, str]:
    """A letter that went out; the paths of a link of hers, by name and as a number, and of one who took it back."""
    del database
    with app.app_context(), store.transaction() as session:
        made = visited.letter(session)
        number = made.links[0]
        return {
            "name": f"/l/{link_visit.token_of(made.delivery('name0').id, number)}",
            "number": f"/l/{link_visit.unnamed_token(visited.drawn(), number)}",
            "letter": str(made.letter.id),
            "her": str(made.people["name0"].id),
        }


@pytest.fixture
def browser(app: Flask, sent: dict[str, str]) -> StudioBrowser:
    del sent
    return studio.signed_in(app)


def _chosen(app: Flask) -> tuple[str, bool]:
    with app.app_context(), store.reading() as session:
        owner = organisation.only_one(session)
        return owner.shop_hosts, owner.marks_shop_links


def test_it_says_what_readers_chose(browser: StudioBrowser) -> None:
    said = words(browser.get(PAGE))
    assert "Nobody can choose for her" in said
    # One chose nothing, one a number, two by name.
    assert "News 1 Nothing 1 As numbers 2 By name" in said
    assert "by links alone" not in said


def test_it_says_whose_yes_is_for_links_alone(app: Flask, browser: StudioBrowser, sent: dict[str, str]) -> None:
    with app.app_context(), store.transaction() as session:
        of_before = update(Subscription).where(Subscription.subscriber_id == int(sent["her"]))
        session.execute(of_before.values(opens_since=None))
    assert "2 By name of these 1 by links alone" in words(browser.get(PAGE))


def test_the_shop_is_named_and_links_carry_a_mark(app: Flask, browser: StudioBrowser, sent: dict[str, str]) -> None:
    stranger = app.test_client()
    assert stranger.get(sent["name"], headers=BROWSER).headers["Location"] == "https://cafe.example/0"
    answer = browser.post(PAGE, {"hosts": "https://Cafe.example/shop", "marks": "1"})
    assert answer.status_code == 303
    assert _chosen(app) == ("cafe.example", True)
    for how, whose in (("name", int(sent["her"])), ("number", None)):
        led = urlsplit(stranger.get(sent[how], headers=BROWSER).headers["Location"])
        assert (led.netloc, led.path) == ("cafe.example", "/0")
        [token] = parse_qs(led.query)[conversion_ref.PARAMETER]
        with app.app_context(), store.reading() as session:
            assert conversion_ref.read(session, [token])[token] == (int(sent["letter"]), whose)
    # A program buys nothing.
    plain = stranger.get(sent["name"], headers={"User-Agent": "curl/8.0"})
    assert plain.headers["Location"] == "https://cafe.example/0"
    browser.post(PAGE, {"hosts": "cafe.example"})
    assert stranger.get(sent["name"], headers=BROWSER).headers["Location"] == "https://cafe.example/0"
    with app.app_context(), store.reading() as session:
        actions = session.scalars(select(AuditEntry.action)).all()
    assert actions.count("organisation.shop_hosts_chosen") == 2


@pytest.mark.parametrize("typed", ["shop", "javascript:alert(1)", "<script>alert(1)</script>", "", "a b " * 900])
def test_what_is_no_host_is_said_and_changes_nothing(app: Flask, browser: StudioBrowser, typed: str) -> None:
    answer = browser.post(PAGE, {"hosts": typed, "marks": "1"})
    assert answer.status_code == 422
    assert "<script>alert(1)" not in answer.text
    assert _chosen(app) == ("", False)


def test_another_shop_gets_no_mark(app: Flask, browser: StudioBrowser, sent: dict[str, str]) -> None:
    browser.post(PAGE, {"hosts": "shop.example\nevil-cafe.example", "marks": "1"})
    led = app.test_client().get(sent["name"], headers=BROWSER).headers["Location"]
    assert led == "https://cafe.example/0"
