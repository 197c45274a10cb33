"""Proof by a real mail, on the page of the studio and by command: whose word it is, and that the mail is not kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.deliverability import round_trip, sending_domain
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.settings import Settings
from tests.fakes import dns_server, typed
from tests.fakes.databases import Database
from tests.fakes.dns_server import DnsServer
from tests.fakes.typed import Type
from tests.makers import cafe, studio
from tests.makers.received_mail import GMAIL, OUR_IP, SMALL_HOST
from tests.makers.studio import StudioBrowser, words

_UNSIGNED = GMAIL.replace("dkim=pass header.i=@shop.example header.s=lk1 header.b=AbCd1234", "dkim=none")


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server that knows the shop's policy."""
    with dns_server.serving({"_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none"]}}) as server:
        yield server


@pytest.fixture
def page(app: Flask, settings: Settings, names: DnsServer) -> tuple[StudioBrowser, str]:
    """The owner of a shop, and the address of the page."""
    parts.open_all(settings.model_copy(update={"dns_server": names.address}))
    with app.app_context(), store.transaction() as session:
        owner = cafe.found(session).organisation
        public_id = sending_domain.add(session, owner.id, "shop.example").public_id
    return studio.signed_in(app), f"/studio/domains/{public_id}/proof"


def test_pasted_headers_are_compared_and_shown_again(app: Flask, page: tuple[StudioBrowser, str]) -> None:
    browser, address = page
    assert "What they saw" not in words(browser.get(address)).replace("See what they saw", "")
    answer = browser.post(address, {"headers": GMAIL}, follow_redirects=True)
    assert answer.status_code == 200
    for shown in (words(answer), words(browser.get(address))):
        assert "This is the word of mx.google.com" in shown
        assert "The signature of shop.example passed at mx.google.com." in shown
        assert f"set LISTKEEPER_EGRESS={OUR_IP}" in shown
    with app.app_context(), store.reading() as session:
        domain = session.scalars(select(SendingDomain)).one()
        assert "anna.reader" not in str(domain.proof)
        acts = list(session.scalars(select(AuditEntry.action).where(AuditEntry.action == "domain.proof_kept")))
        assert len(acts) == 1


def test_a_file_is_read_as_well_and_its_faults_are_said(page: tuple[StudioBrowser, str]) -> None:
    browser, address = page
    file = (io.BytesIO(_UNSIGNED.encode()), "original_msg.eml")
    answer = browser.post(address, {"headers": "", "file": file}, follow_redirects=True)
    assert "Switch signing on for shop.example." in words(answer)
    assert "Wrong" in words(answer)


def test_what_is_forged_is_unknown_and_never_right(page: tuple[StudioBrowser, str]) -> None:
    browser, address = page
    shown = words(browser.post(address, {"headers": SMALL_HOST}, follow_redirects=True))
    assert "Whose word this is cannot be told" in shown
    assert "Unknown" in shown
    assert "As expected" not in shown


@pytest.mark.parametrize("headers", ["", " \n "])
def test_nothing_brought_is_said(page: tuple[StudioBrowser, str], headers: str) -> None:
    browser, address = page
    answer = browser.post(address, {"headers": headers})
    assert answer.status_code == 422
    assert "Paste the headers of a mail" in words(answer)


def test_more_than_a_megabyte_is_refused_and_markup_is_shown_as_text(page: tuple[StudioBrowser, str]) -> None:
    browser, address = page
    large = (io.BytesIO(GMAIL.encode() + b"x" * round_trip.MOST_BYTES), "mail.eml")
    answer = browser.post(address, {"headers": "", "file": large})
    answer.request.environ["wsgi.input"].close()
    assert answer.status_code == 422
    assert "larger than 1 MB" in words(answer)
    assert browser.post(address, {"headers": "x" * (round_trip.MOST_BYTES + 1)}).status_code == 422
    wicked = GMAIL.replace("header.s=lk1", "header.s=<script>alert")
    answer = browser.post(address, {"headers": wicked}, follow_redirects=True)
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


def test_a_domain_that_is_not_there(page: tuple[StudioBrowser, str]) -> None:
    browser, _ = page
    assert browser.get("/studio/domains/dom_nothing/proof").status_code == 404
    assert browser.post("/studio/domains/dom_nothing/proof", {"headers": GMAIL}).status_code == 404


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, names: DnsServer) -> Type:
    """Type command lines for a founded instance on each database."""
    monkeypatch.setenv("LISTKEEPER_DNS_SERVER", names.address)
    typing = typed.typing(monkeypatch, settings)
    monkeypatch.setenv("LISTKEEPER_DNS_SERVER", names.address)
    assert typing("init", "--name", "Shop", "--address", "A", "--from", "a@shop.example").code == 0
    return typing


def test_a_file_proves_by_command_what_it_proves_on_the_page(
    type_: Type, tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mail.eml"
    file.write_text(GMAIL, encoding="utf-8")
    assert type_("domain", "proof", "shop.example", str(file), "--json").error == "no_domain"
    type_("domain", "add", "shop.example")
    said = type_("domain", "proof", "Shop.example", str(file), "--json")
    assert said.code == 0, said.out
    assert (said.json["server"], said.json["believed"], said.json["egress"]) == ("mx.google.com", True, OUR_IP)
    kept = session.scalars(select(SendingDomain)).one()
    assert kept.proof == said.json
    file.write_text(_UNSIGNED, encoding="utf-8")
    assert type_("domain", "proof", "shop.example", str(file)).code == 6
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SMALL_HOST.encode())))
    forged = type_("domain", "proof", "shop.example")
    assert forged.code == 3
    assert "Whose word this is cannot be told" in forged.out
    file.write_bytes(b"x" * (round_trip.MOST_BYTES + 1))
    assert type_("domain", "proof", "shop.example", str(file), "--json").error == "mail_too_large"
