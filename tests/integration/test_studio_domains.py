"""Domains: typed, read live from a name server, and said in three words, never green by default."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import parts, store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.deliverability import dkim_key
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.settings import Settings
from tests.fakes import dns_server
from tests.fakes.dns_server import DnsServer
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server that knows one half-finished domain."""
    zone = {
        "cafe.example": {"MX": ["10 mx.cafe.example."], "TXT": ["v=spf1 -all"]},
        "mx.cafe.example": {"A": ["192.0.2.25"]},
    }
    with dns_server.serving(zone) as server:
        yield server


@pytest.fixture
def browser(app: Flask, settings: Settings, names: DnsServer) -> StudioBrowser:
    """The owner of a café on a machine that asks that name server."""
    parts.open_all(settings.model_copy(update={"dns_server": names.address}))
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def add(browser: StudioBrowser, name: str = "cafe.example") -> str:
    answer = browser.post("/studio/domains", {"name": name})
    assert answer.status_code == 303, words(answer)
    return str(answer.location)


def test_the_field_knows_the_domain_letters_come_from(browser: StudioBrowser) -> None:
    assert 'name="name" value="cafe.example"' in browser.get("/studio/domains").text


def test_typing_a_domain_reads_its_records(browser: StudioBrowser, names: DnsServer) -> None:
    shown = words(browser.get(add(browser)))
    assert ("cafe.example", "TXT") in names.asked
    assert "Right" in shown
    assert "Wrong" in shown
    assert "Publish this" in shown
    assert "v=DMARC1; p=none" in shown
    assert "checked" in shown


def test_what_to_publish_can_be_copied(browser: StudioBrowser) -> None:
    page = browser.get(add(browser)).text
    assert '<lk-copy text="v=DMARC1; p=none"' in page


def test_a_mended_record_is_right_after_another_look(app: Flask, browser: StudioBrowser, names: DnsServer) -> None:
    address = add(browser)
    with app.app_context(), store.reading() as session:
        domain = session.scalars(select(SendingDomain)).one()
        key = dkim_key.of(session, domain.id, domain.selector)
        assert key is not None
        name, record = f"{domain.selector}._domainkey.cafe.example", key.record
    assert "Sign my letters" not in words(browser.get(address))
    names.publish({"cafe.example": {"MX": ["10 mx.cafe.example."]}, name: {"TXT": [record]}})
    answer = browser.post(f"{address}/check", follow_redirects=True)
    assert "Checked just now." in words(answer)
    assert "Sign my letters" in words(answer)
    answer = browser.post(f"{address}/signing", {"sign": "yes"}, follow_redirects=True)
    assert "Letters are signed" in words(answer)
    answer = browser.post(f"{address}/signing", {"sign": "no"}, follow_redirects=True)
    assert "unsigned from now on" in words(answer)


def test_signing_without_a_published_key_is_refused(browser: StudioBrowser) -> None:
    address = add(browser)
    answer = browser.post(f"{address}/signing", {"sign": "yes"}, follow_redirects=True)
    assert 'class="notice bad"' in answer.text
    assert "Letters are signed" not in words(answer)


def test_a_silent_name_server_makes_it_unknown_and_never_right(browser: StudioBrowser, names: DnsServer) -> None:
    names.refused.add("cafe.example")
    shown = words(browser.get(add(browser)))
    assert "Unknown" in shown
    assert "because" in shown
    assert "Right" not in shown


def test_a_domain_that_does_not_exist_is_said_plainly(browser: StudioBrowser) -> None:
    shown = words(browser.get(add(browser, "nowhere.example")))
    assert "does not exist" in shown


@pytest.mark.parametrize("name", ["", "not a domain", "a@b@c", "-.-", "x" * 400])
def test_what_is_no_domain_is_refused_and_kept_in_the_field(browser: StudioBrowser, name: str) -> None:
    answer = browser.post("/studio/domains", {"name": name})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_domain_is_added_once(browser: StudioBrowser) -> None:
    add(browser)
    answer = browser.post("/studio/domains", {"name": "CAFE.example."})
    assert answer.status_code == 422
    assert "already" in words(answer)


def test_the_list_says_how_each_stands(browser: StudioBrowser) -> None:
    add(browser)
    shown = words(browser.get("/studio/domains"))
    assert "cafe.example Wrong" in shown


def test_a_new_domain_is_warmed_up_and_as_easily_no_more(app: Flask, browser: StudioBrowser) -> None:
    page = add(browser)
    assert "Warm this domain up" in words(browser.get(page))
    shown = words(browser.post(f"{page}/warm-up", {"on": "yes"}, follow_redirects=True))
    assert "It sends few mails a day from now on" in shown
    assert "Warming up, day 1: 50 mails today. It has just begun. 0 of 50 have left today." in shown
    shown = words(browser.post(f"{page}/warm-up", {"on": "no"}, follow_redirects=True))
    assert "It sends as many mails as it may from now on." in shown
    assert "Warm this domain up" in shown
    with app.app_context(), store.reading() as session:
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("domain.warmup")))
        assert list(acts) == ["domain.warmup_started", "domain.warmup_stopped"]
