"""A domain is judged with the envelope that its mail really has: by the studio, the clock, a send and the command."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import parts, store
from listkeeper.deliverability import domain_check, proof_row, round_trip, sending_domain
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.jobs import domain_watch
from listkeeper.sending.handing_over import way_address
from listkeeper.settings import Settings
from listkeeper.web import domain_read
from listkeeper.web.studio import domain_page, domain_records
from tests.fakes import dns_server, typed
from tests.fakes.databases import Database
from tests.fakes.dns_server import DnsServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

_IP, _BACK = "192.0.2.7", "bounce.cafe.example"
_SPF = {"TXT": [f"v=spf1 ip4:{_IP} -all"]}
_ZONE: dict[str, dict[str, list[str]]] = {
    "cafe.example": {"NS": ["a.ns.cloudflare.com."], "MX": ["10 mx.cafe.example."], **_SPF},
    "mx.cafe.example": {"A": ["192.0.2.25"]},
    "_dmarc.cafe.example": {"TXT": ["v=DMARC1; p=reject"]},
    "7.2.0.192.in-addr.arpa": {"PTR": ["out.cafe.example."]},
    "out.cafe.example": {"A": [_IP]},
}
_COMES_BACK = _ZONE | {_BACK: {"MX": ["10 mx.cafe.example."], **_SPF}}


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server that knows the domain, and not yet the one its mail comes back to."""
    with dns_server.serving(_ZONE) as server:
        yield server


@pytest.fixture
def known(app: Flask, settings: Settings, database: Database, names: DnsServer, smtp_sink: SmtpSink) -> Settings:
    """A café whose mail leaves by SMTP, and comes back to a domain of its own."""
    del database
    way = way_address.read(smtp_sink.url)
    changed = {"dns_server": names.address, "egress": (_IP,), "return_path": _BACK, "practice": False}
    made = settings.model_copy(update=changed | {"sending_ways": (way,)})
    app.config["LISTKEEPER"] = made
    parts.open_all(made)
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        sending_domain.add(session, house.organisation.id, "cafe.example")
    return made


@pytest.fixture
def browser(app: Flask, known: Settings) -> StudioBrowser:
    del known
    return studio.signed_in(app)


def _findings(app: Flask) -> dict[tuple[str, str], Finding]:
    with app.app_context(), store.reading() as session:
        domain = session.scalars(select(SendingDomain)).one()
        return {(row.code, row.subject): row for row in domain.last_findings}


def _page(browser: StudioBrowser, app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        public_id = session.scalars(select(SendingDomain.public_id)).one()
    browser.post(f"/studio/domains/{public_id}/check")
    # Long names may be broken behind each dot.
    return words(browser.get(f"/studio/domains/{public_id}")).replace(". ", ".")


def test_the_page_shows_the_domain_of_the_envelope_and_what_it_needs(
    browser: StudioBrowser, app: Flask, names: DnsServer
) -> None:
    shown = _page(browser, app)
    found = _findings(app)
    assert found["F14", _BACK].severity is Severity.ERROR
    assert f"{_BACK} has neither an MX record nor an address" in shown
    # SPF is asked of the envelope's domain, which has no record to pass by.
    assert found["S1", _BACK].severity is Severity.BLOCK
    assert f"v=spf1 ip4:{_IP} ~all" in shown
    names.publish(_COMES_BACK)
    shown = _page(browser, app)
    found = _findings(app)
    assert found["F14", _BACK].severity is Severity.INFO
    assert found["G1", _BACK].severity is Severity.INFO
    assert found["G2", "cafe.example"].severity is Severity.INFO
    table = shown[shown.index("Does your mail speak for your domain?") :]
    assert f"MAIL FROM {_BACK} relaxed fits strict does not fit" in table


def test_the_record_that_its_own_takes_the_place_of_is_named(
    browser: StudioBrowser, app: Flask, names: DnsServer
) -> None:
    old = "v=spf1 ip4:198.51.100.1 -all"
    names.publish(_COMES_BACK | {_BACK: {"MX": ["10 mx.cafe.example."], "TXT": [old, "other=text"]}})
    _page(browser, app)
    with app.app_context(), store.reading() as session:
        domain = session.scalars(select(SendingDomain)).one()
        kept = domain_page.kept_of(domain_check.history(session, domain, 1))
        problems = domain_records.problems(domain.name, domain.last_findings, kept, (_IP,))
    (wanted,) = [one.wanted for one in problems if one.finding.subject == _BACK and one.wanted is not None]
    assert (wanted.shown.record.name, wanted.replaces) == (_BACK, (old,))
    assert f"ip4:{_IP}" in wanted.shown.record.value


def test_without_the_setting_the_envelope_is_of_the_domain_itself(
    browser: StudioBrowser, app: Flask, known: Settings
) -> None:
    app.config["LISTKEEPER"] = known.model_copy(update={"return_path": None})
    parts.open_all(app.config["LISTKEEPER"])
    shown = _page(browser, app)
    assert "MAIL FROM cafe.example relaxed fits strict fits" in shown
    assert not any(subject == _BACK or code == "F14" for code, subject in _findings(app))


@pytest.mark.parametrize("by", ["clock", "send"])
def test_the_clock_and_a_send_judge_it_as_well(app: Flask, known: Settings, names: DnsServer, by: str) -> None:
    names.publish(_COMES_BACK)
    with app.app_context():
        if by == "clock":
            domain_watch.look()
        else:
            domain_read.again(known)
    found = _findings(app)
    assert found["F14", _BACK].severity is Severity.INFO
    assert found["G1", _BACK].severity is Severity.INFO


def test_the_command_takes_it_from_the_settings_unless_another_is_named(
    monkeypatch: pytest.MonkeyPatch, known: Settings
) -> None:
    type_ = typed.typing(monkeypatch, known)
    monkeypatch.setenv("LISTKEEPER_RETURN_PATH", _BACK)
    rows = type_("domain", "check", "cafe.example", "--json").json["findings"]
    assert ("F14", _BACK) in {(row["code"], row["subject"]) for row in rows}
    rows = type_("domain", "check", "cafe.example", "--mail-from", "a@cafe.example", "--json").json["findings"]
    assert "F14" not in {row["code"] for row in rows}


def test_a_proof_expects_the_domain_of_the_envelope(app: Flask, known: Settings) -> None:
    with app.app_context(), store.reading() as session:
        domain = session.scalars(select(SendingDomain)).one()
        ours = round_trip.expected(session, domain, (), parts.envelope_sender(known))
        assert (ours.envelope, ours.mail_from) == (_BACK, _BACK)
        assert round_trip.expected(session, domain, ()).mail_from == "cafe.example"
    assert proof_row.Expected("cafe.example", ("lk1",), signing=True).mail_from == "cafe.example"


@pytest.mark.parametrize(
    ("back", "ways", "sender"),
    [
        (None, ["smtp://relay.example"], None),
        (_BACK, ["smtp://relay.example"], f"bounce@{_BACK}"),
        (_BACK, [], f"bounce@{_BACK}"),
        ("bounces@cafe.example", ["smtp://relay.example"], "bounces@cafe.example"),
        # Providers write the envelopes themselves.
        (_BACK, ["ses://K:s@eu-west-1", "mailgun://k@eu/cafe.example"], None),
        (_BACK, ["ses://K:s@eu-west-1", "smtp://relay.example"], f"bounce@{_BACK}"),
    ],
)
def test_which_envelope_is_judged(back: str | None, ways: list[str], sender: str | None) -> None:
    named: Any = SimpleNamespace(return_path=back, sending_ways=tuple(map(way_address.read, ways)))
    assert parts.envelope_sender(named) == sender
