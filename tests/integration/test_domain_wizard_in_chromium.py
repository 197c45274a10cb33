"""A sending domain in the machine's Chromium: from no records to a green line, the zone changed while the page is open.

Nobody presses a button for the page to notice: it looks by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from listkeeper import parts, store
from listkeeper.accounts import sign_in_link, user
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.settings import Settings
from listkeeper.web.studio import domain_page
from tests.browser.served import served
from tests.browser.watched import DESK, PHONE, Watched, watched
from tests.fakes import dns_server
from tests.fakes.dns_server import DnsServer
from tests.makers import cafe

pytestmark = pytest.mark.whole_program

_IP = "192.0.2.7"
_BARE: dict[str, dict[str, list[str]]] = {
    "cafe.example": {"NS": ["ns01.one.com.", "ns02.one.com."], "MX": ["10 mx.cafe.example."]},
    "mx.cafe.example": {"A": ["192.0.2.25"]},
    "7.2.0.192.in-addr.arpa": {"PTR": ["out.cafe.example."]},
    "out.cafe.example": {"A": [_IP]},
}
_PATIENCE = 20_000


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server whose zone has mail and nothing about sending."""
    with dns_server.serving(_BARE) as server:
        yield server


@pytest.fixture
def enter(app: Flask, settings: Settings, names: DnsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The café's studio on loopback, and the way in; open pages look each second."""
    monkeypatch.setattr(domain_page, "PAUSE", "1s")
    known = settings.model_copy(update={"dns_server": names.address, "egress": (_IP,)})
    app.config["LISTKEEPER"] = known
    parts.open_all(known)
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
        token = sign_in_link.make(session, user.first(session))
    with served(app) as place:
        yield f"{place}/studio/enter/{token}"


def _keep(page: Page, pictures: Path, name: str) -> None:
    for size in (PHONE, DESK):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{name} at {size['width']} px"
        page.screenshot(path=pictures / f"{name}-{size['width']}.png", full_page=True)


def _copied(page: Page, start: str) -> str:
    """Return what a copy button of the page puts on the clipboard, by how it begins."""
    texts: list[str] = page.locator("lk-copy").evaluate_all("all => all.map(each => each.getAttribute('text'))")
    return next(text for text in texts if text.startswith(start))


def _begin(page: Page, enter: str) -> None:
    page.goto(enter)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{enter.partition('/studio')[0]}/studio/domains")
    # The keyboard is enough: the domain stands in the field, and Enter sends it.
    page.get_by_label("What stands after the @ of your address").press("Enter")
    expect(page.get_by_text("You can send: no, 3 problems.")).to_be_visible()


def _open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")


@pytest.mark.timeout(240)
def test_from_no_records_to_green_while_the_page_is_open(
    chromium: Path, enter: str, names: DnsServer, tmp_path: Path
) -> None:
    with watched(chromium) as people, people.context(size=DESK) as owner:
        page = owner.new_page()
        _begin(page, enter)
        expect(page.get_by_text("The records of cafe.example are kept by one.com.")).to_be_visible()
        expect(page.get_by_text("This page looks by itself")).to_be_visible()
        _look_closely(people, page, tmp_path, "nothing")
        _publish_as_shown(page, names)
        expect(page.get_by_text("You can send: yes.")).to_be_visible(timeout=_PATIENCE)
        expect(page.get_by_text("This page looks by itself")).to_have_count(0)
        page.get_by_role("button", name="Sign my letters").click()
        expect(page.get_by_text("Letters are signed", exact=True)).to_be_visible()
        _look_closely(people, page, tmp_path, "green")
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text("You can send: yes.")).to_be_visible()
        people.demand_calm()


def _publish_as_shown(page: Page, names: DnsServer) -> None:
    """Do what the page asks for, as a careful web person would."""
    apex = {**_BARE["cafe.example"], "TXT": [_copied(page, "v=spf1")]}
    names.publish({
        **_BARE,
        "cafe.example": apex,
        "lk1._domainkey.cafe.example": {"TXT": [_copied(page, "v=DKIM1")]},
        "_dmarc.cafe.example": {"TXT": [_copied(page, "v=DMARC1")]},
    })  # fmt: skip


def _look_closely(people: Watched, page: Page, pictures: Path, name: str) -> None:
    _keep(page, pictures, f"{name}-folded")
    _open_all(page)
    people.inspect(page, name)
    _keep(page, pictures, name)
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


@pytest.mark.timeout(240)
def test_a_record_is_tried_and_a_key_changed(
    chromium: Path, app: Flask, enter: str, names: DnsServer, tmp_path: Path
) -> None:
    with watched(chromium) as people, people.context() as owner:
        page = owner.new_page()
        _begin(page, enter)
        _publish_as_shown(page, names)
        expect(page.get_by_text("You can send: yes.")).to_be_visible(timeout=_PATIENCE)
        page.get_by_role("button", name="Sign my letters").click()
        page.get_by_text("SPF: who may send").click()
        page.get_by_label("Record").fill("v=spf1 +all")
        page.get_by_label("Record").press("Enter")
        expect(page.get_by_text("Do not publish it")).to_be_visible()
        expect(page.get_by_label("Record")).to_have_value("v=spf1 +all")
        page.get_by_text("DKIM: the signature").click()
        page.get_by_role("button", name="Make the next key").click()
        expect(page.get_by_text("The key is being changed")).to_be_visible()
        people.inspect(page, "a key that changes")
        _keep(page, tmp_path, "rotating")
        assert _copied(page, "lk2._domainkey")
        people.demand_calm()
    with app.app_context(), store.reading() as session:
        # Nothing signs with it before the DNS shows it, and nothing that was tried was published.
        assert session.scalars(select(SendingDomain)).one().selector == "lk1"


@pytest.mark.timeout(240)
def test_a_silent_dns_is_one_calm_sentence(chromium: Path, enter: str, names: DnsServer, tmp_path: Path) -> None:
    with watched(chromium) as people, people.context() as owner:
        page = owner.new_page()
        _begin(page, enter)
        names.refused = {"*"}
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text("You can send: not known, because the DNS gave no answer.")).to_be_visible()
        expect(page.get_by_text("checks could not be made. That does not mean")).to_be_visible()
        # The single checks are there for whoever asks, and for nobody else.
        single = page.get_by_text("Unknown whether there is a DMARC record").first
        expect(single).to_be_hidden()
        _keep(page, tmp_path, "silent-at-first")
        page.get_by_text("Show all", exact=True).click()
        expect(single).to_be_visible()
        _look_closely(people, page, tmp_path, "silent")
        names.refused = set()
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text("You can send: no, 3 problems.")).to_be_visible()
        people.demand_calm()


def test_without_script_the_page_says_all_the_same(chromium: Path, enter: str, names: DnsServer) -> None:
    with watched(chromium) as people, people.context(javascript=False) as owner:
        page = owner.new_page()
        _begin(page, enter)
        names.publish({**_BARE, "_dmarc.cafe.example": {"TXT": ["v=DMARC1; p=reject"]}})
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text("You can send: no, 2 problems.")).to_be_visible()
        page.get_by_text("SPF: who may send").click()
        page.get_by_label("Record").fill("v=spf1 ip4:192.0.2.7 -all")
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_text("Nothing speaks against it")).to_be_visible()
        people.demand_calm()
