"""A link scanner with a real Chromium, scripts and all, opens every link of every mail; nobody joins or leaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.fakes import databases, headless
from tests.fakes.headless import Instance
from tests.fakes.running_up import until
from tests.fakes.smtp_sink import Received, SmtpSink

HER = "freja@guest.example"
_LETTER = "# Buns\n\nDear {{ subscriber.first_name | default: 'friend' }}, the oven is warm.\n"
_LINK = re.compile(r"https?://localhost[^\s<>\"']+")
# Everything that a visit could change of somebody's permission.
_TELLING = ("confirmation", "subscriber", "subscription", "consent_event", "suppression", "ledger", "access_link")


@pytest.fixture(params=databases.chosen())
def place(request: pytest.FixtureRequest, smtp_sink: SmtpSink) -> Iterator[Instance]:
    with headless.instance(request.param, smtp_sink.url) as instance:
        yield instance


@pytest.fixture
def scanner(chromium: Path) -> Iterator[Browser]:
    """A machine's browser: it renders pages, runs their scripts and follows what they do by themselves."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


def _links(mail: Received) -> list[str]:
    whole = "\n".join(headless.text_of(mail, kind) for kind in ("plain", "html"))
    header = re.findall(r"<(http[^>]+)>", str(mail.message["List-Unsubscribe"] or ""))
    found = {link.replace("&amp;", "&").rstrip(".,)") for link in _LINK.findall(whole)} | set(header)
    return sorted(found)


def _open_all(scanner: Browser, place: Instance, mail: Received, times: int) -> int:
    opened = 0
    for link in _links(mail):
        for _ in range(times):
            context = scanner.new_context()
            page = context.new_page()
            try:
                page.goto(link, wait_until="networkidle")
                page.mouse.move(100, 100)
                page.keyboard.press("Tab")
            except Error as problem:
                pytest.fail(f"{link}: {problem}")
            opened += 1
            context.close()
    assert place.running.process.poll() is None
    return opened


def _state(place: Instance) -> dict[str, list[str]]:
    return {name: sorted(map(repr, place.ask(f'SELECT * FROM "{name}"'))) for name in _TELLING}  # noqa: S608


def _press(scanner: Browser, link: str) -> None:
    """Do what the person does: open the link and press its button."""
    context = scanner.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_load_state("networkidle")
    context.close()


def _settled(place: Instance) -> None:
    until(lambda: not place.ask("SELECT id FROM delivery WHERE state IN ('queued', 'leased', 'handed', 'deferred')"))


@pytest.mark.whole_program
def test_a_scanner_confirms_nobody_and_takes_nobody_off(
    place: Instance, smtp_sink: SmtpSink, scanner: Browser, tmp_path: Path, share: Callable[[str, int, int], int]
) -> None:
    times = share("openings of each link by a scanner with Chromium", 20, 1)
    place.type("init", "--name", "Café Ø", "--address", "Havnegade 1\n1058 København", "--from", "hello@cafe.example")
    place.type("list", "create", "--name", "News")
    place.post(place.type("form", "create", "--list", "news")["url"], email=HER)
    until(lambda: len(smtp_sink.to(HER)) == 1)
    _settled(place)
    asked = smtp_sink.to(HER)[0]
    before = _state(place)
    assert _open_all(scanner, place, asked, times) >= 2 * times
    assert _state(place) == before

    _press(scanner, headless.link_in(asked, "/c/"))
    assert place.type("subscriber", "show", HER)["subscriptions"][0]["state"] == "confirmed"

    place.hurry_receipt()
    letter = tmp_path / "letter.md"
    letter.write_text(_LETTER, encoding="utf-8")
    made = place.type("campaign", "create", "--list", "news", "--subject", "Buns", "--from", str(letter))["id"]
    place.type("campaign", "send", made, "--yes")
    # The question, the receipt and the letter.
    until(lambda: len(smtp_sink.to(HER)) == 3)
    _settled(place)
    [sent] = [mail for mail in smtp_sink.to(HER) if mail.message["Subject"] == "Buns"]
    before = _state(place)
    opened = [_open_all(scanner, place, mail, times) for mail in smtp_sink.to(HER)]
    assert min(opened) >= times
    assert sum(opened) >= 6 * times
    assert _state(place) == before

    [leave] = {link for link in _links(sent) if "/u/" in link}
    _press(scanner, leave)
    assert place.type("subscriber", "show", HER)["subscriptions"][0]["state"] == "unsubscribed"
