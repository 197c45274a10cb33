"""Cases 7 and 8: a GET changes nothing, however often, however dressed, and whatever scripts the visitor runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import sync_playwright

from listkeeper.foundation.outbox import Lane
from tests.architecture import routes
from tests.browser.served import served
from tests.fakes.databases import Database
from tests.makers import attack
from tests.makers.own import Guest
from tests.makers.works import HER

# How a request pretends to be another one, in the words of the frameworks that believe it.
DISGUISES: tuple[dict[str, str], ...] = (
    {"Content-Type": "application/x-www-form-urlencoded", "Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"},
    {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST", "X-Method-Override": "POST"},
)
ODD_WORDS = ("POSTS", "PROPFIND", "PUT", "PATCH", "DELETE", "QUERY", "TRACE")
QUERY = "confirm=true&_method=POST&List-Unsubscribe=One-Click&email=thief@elsewhere.example&how=everything&sure=yes"
# What a script can do on a page short of a click: it fires every event that the page might listen to.
RESTLESS = """() => {
    for (const element of document.querySelectorAll("*"))
        for (const name of ["mouseover", "mousemove", "pointerenter", "focus", "touchstart", "visibilitychange"])
            element.dispatchEvent(new Event(name, {bubbles: true}));
    window.dispatchEvent(new Event("beforeunload")); window.dispatchEvent(new Event("pagehide"));
}"""


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on loopback, for a real browser."""
    with served(app) as place:
        yield place


def _scan(client: FlaskClient, links: list[str], times: int) -> None:
    for link in links:
        answers = {client.open(link, method=method).status_code for method in routes.SAFE for _ in range(times)}
        assert answers == {200}, link


def _scan_with_scripts(chromium: Path, site: str, links: list[str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for link in links:
            page = browser.new_page()
            page.goto(f"{site}{link}")
            page.mouse.move(200, 200)
            page.keyboard.press("Tab")
            page.evaluate(RESTLESS)
            # Time enough for whatever the page might do by itself.
            page.wait_for_timeout(100)
            page.close()
        browser.close()


@pytest.mark.timeout(300)
def test_case_07_scanners_confirm_nobody_and_take_nobody_off(
    guest: Guest, chromium: Path, site: str, share: Callable[[str, int, int], int]
) -> None:
    """Every link of the mail that asks, and of a letter: 50 visits each, then a browser that runs scripts."""
    times, works, client = share("visits of each link of each mail", 50, 5), guest.works, guest.client
    works.post()
    works.work(Lane.URGENT, 2)
    asked = guest.links()
    assert set(asked) == {"c", "n"}
    before = attack.state(works.app)
    _scan(client, list(asked.values()), times)
    _scan_with_scripts(chromium, site, list(asked.values()))
    assert attack.changed(before, attack.state(works.app)) == set()

    assert client.post(asked["c"]).status_code == 200
    assert attack.standing(works.app, works.list_id) == {HER: "confirmed"}
    works.work(Lane.URGENT, 2)
    letter = guest.get_letter()
    assert set(letter) == {"u", "p", "w", "y"}
    before = attack.state(works.app)
    _scan(client, [*letter.values(), asked["c"]], times)
    _scan_with_scripts(chromium, site, list(letter.values()))
    assert attack.changed(before, attack.state(works.app)) == set()

    assert client.post(letter["u"]).status_code == 200
    assert attack.standing(works.app, works.list_id) == {HER: "unsubscribed"}


def test_case_08_no_get_passes_for_a_post(app: Flask, client: FlaskClient, database: Database) -> None:
    """Each page of the public door, with a live token: in the query, in a body, in a header."""
    filled = routes.fill(app)
    before, tried = attack.state(app), 0
    public = [
        rule for rule, _ in routes.rules(app, "OPTIONS") if not rule.rule.startswith(("/studio", "/api", "/static"))
    ]
    for rule in public:
        for method in set(routes.SAFE) & (rule.methods or set()):
            for headers in DISGUISES:
                answer = client.open(
                    f"{filled.address(rule)}?{QUERY}", method=method, headers=headers, data=QUERY, buffered=True
                )
                # /ready says 503 where something is missing, as it is here.
                told = (rule.rule, answer.status_code)
                assert answer.status_code < 500 or told == ("/ready", 503), f"{method} {told}"
                assert "Set-Cookie" not in answer.headers
                tried += 1
        # A word that is no POST is none, though a server may read it generously.
        for method in set(ODD_WORDS) - (rule.methods or set()):
            # A locked door turns a stranger away before it looks at the word.
            refused = 401 if rule.rule == "/metrics" else 405
            assert client.open(filled.address(rule), method=method, data=QUERY).status_code == refused, rule.rule
            tried += 1
    assert tried > 400
    assert attack.changed(before, attack.state(app)) == set()
