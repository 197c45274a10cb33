"""What receivers would refuse does not leave: by the command, in the studio, by a program and by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.deliverability import dkim_key, sending_domain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import domain_watch, steering
from listkeeper.sending import bulk_count, incident
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.incident import IncidentKind
from listkeeper.settings import Settings
from tests.fakes import dns_server, typed
from tests.fakes.dns_server import DnsServer
from tests.fakes.smtp_sink import SmtpSink
from tests.fakes.typed import Type
from tests.integration import test_studio_letters as of_letters
from tests.makers import cafe, crowd, studio
from tests.makers.cafe import Cafe
from tests.makers.programs import code_of, program
from tests.makers.studio import words
from tests.makers.works import Works, recipients

IP = "192.0.2.10"
RIGHT = f"v=spf1 ip4:{IP} -all"
TOO_DEAR = f"v=spf1 ip4:{IP} {' '.join(f'a:h{number}.cafe.example' for number in range(11))} -all"
REASON = "The record is mended tonight."
Zone = dict[str, dict[str, list[str]]]


@pytest.fixture
def zone_server() -> Iterator[DnsServer]:
    with dns_server.serving({}) as running:
        yield running


@pytest.fixture
def settings(settings: Settings, zone_server: DnsServer) -> Settings:
    """Mail leaves for real, and the domain is looked at in a zone of the test's own."""
    return settings.model_copy(
        update={"domain_gate": "stop", "dns_server": zone_server.address, "egress": (IP,), "hold_minutes": 0}
    )


@pytest.fixture
def publish(works: Works, zone_server: DnsServer) -> Publish:
    """Let the café's zone hold what it should, but for what the test changes."""
    works.gather(3)
    works.write(lambda session, house: sending_domain.add(session, house.organisation.id, "cafe.example"))
    return Publish(works, zone_server)


class Publish:
    """The owner of the zone."""

    def __init__(self, works: Works, server: DnsServer) -> None:
        self.works, self.server = works, server
        self.key = works.read(_record)

    def __call__(self, spf: str = RIGHT, *, dmarc: str = "v=DMARC1; p=none", silent: bool = False) -> None:
        hosts = {f"h{number}.cafe.example": {"A": ["192.0.2.1"]} for number in range(11)}
        hosts |= {"out.cafe.example": {"A": [IP]}, "10.2.0.192.in-addr.arpa": {"PTR": ["out.cafe.example"]}}
        self.server.publish({
            "cafe.example": {"TXT": [spf], "MX": ["10 mx.cafe.example"], "A": ["192.0.2.80"]},
            "mx.cafe.example": {"A": ["192.0.2.25"]},
            "lk1._domainkey.cafe.example": {"TXT": [self.key]},
            "_dmarc.cafe.example": {"TXT": [dmarc]},
            **hosts,
        })  # fmt: skip
        self.server.refused = (
            {"cafe.example", "_dmarc.cafe.example", "lk1._domainkey.cafe.example"} if silent else set()
        )


def _record(session: Session) -> str:
    owner = organisation.only_one(session)
    domain = sending_domain.by_name(session, owner.id, "cafe.example")
    assert domain is not None
    key = dkim_key.of(session, domain.id, domain.selector)
    assert key is not None
    return key.record


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, publish: Publish) -> Type:
    del publish
    return typed.typing(monkeypatch, settings)


def _draft(works: Works) -> str:
    works.write(cafe.draft)
    return str(
        works.read(lambda session: session.scalars(select(Campaign.public_id).order_by(Campaign.id.desc())).first())
    )


def _letter(works: Works) -> Campaign:
    def look(session: Session) -> Campaign:
        found = session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(1)).one()
        session.expunge_all()
        return found

    return works.read(look)


def _acts(works: Works) -> list[str]:
    return works.read(lambda session: list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))))


def test_a_right_domain_lets_a_letter_leave(type_: Type, works: Works, publish: Publish, smtp_sink: SmtpSink) -> None:
    publish()
    sent = type_("campaign", "send", _draft(works), "--yes", "--json")
    assert (sent.code, sent.json["recipients"]) == (0, 3)
    works.drain()
    assert recipients(smtp_sink).total() == 3


def test_what_blocks_stops_it_until_it_is_mended_or_a_reason_is_given(
    type_: Type, works: Works, publish: Publish, frozen_clock: time_machine.Traveller
) -> None:
    publish(TOO_DEAR)
    name = _draft(works)
    refused = type_("campaign", "send", name, "--yes", "--json")
    assert (refused.code, refused.error) == (12, "not_ready")
    assert "needs 11 DNS look-ups" in refused.json["error"]["message"]
    assert works.deliveries() == []
    assert type_("campaign", "check", name, "--json").code == 6
    # A reason that says nothing is none, and one for something else changes nothing.
    assert type_("campaign", "send", name, "--yes", "--override", "S2a=ok", "--json").error == "override_reason"
    assert type_("campaign", "send", name, "--yes", "--override", "S2a", "--json").error == "override_reason"
    assert type_("campaign", "send", name, "--yes", "--override", f"S4b={REASON}", "--json").error == "not_ready"
    assert _letter(works).overrides is None
    sent = type_("campaign", "send", name, "--yes", "--override", f"S2a={REASON}", "--json")
    assert (sent.code, sent.json["state"]) == (0, "sending")
    [(code, said)] = (_letter(works).overrides or {}).items()
    assert (code, said["reason"], said["by"]) == ("S2a", REASON, "command")
    assert _acts(works)[-2:] == ["campaign.overrode_S2a", "campaign.started"]
    # Mended, and read again within a moment by the command.
    publish()
    assert type_("domain", "check", "cafe.example", "--json").code < 6
    assert type_("campaign", "send", _draft(works), "--yes", "--json").code == 0


def test_a_check_older_than_an_hour_is_made_again(
    type_: Type, works: Works, publish: Publish, zone_server: DnsServer, frozen_clock: time_machine.Traveller
) -> None:
    publish()
    assert type_("campaign", "send", _draft(works), "--yes", "--json").code == 0
    publish(TOO_DEAR)
    asked = len(zone_server.asked)
    frozen_clock.shift(timedelta(minutes=59))
    assert type_("campaign", "send", _draft(works), "--yes", "--json").code == 0
    assert len(zone_server.asked) == asked
    frozen_clock.shift(timedelta(minutes=2))
    assert type_("campaign", "send", _draft(works), "--yes", "--json").error == "not_ready"


def test_what_is_unknown_is_asked_and_yes_answers(type_: Type, works: Works, publish: Publish) -> None:
    publish(silent=True)
    name = _draft(works)
    assert type_("campaign", "send", name, "--json").error == "needs_yes"
    assert type_("campaign", "check", name, "--json").code == 0
    assert type_("campaign", "send", name, "--yes", "--json").code == 0


def test_an_address_at_a_mailbox_provider_is_no_sender(type_: Type, works: Works) -> None:
    def become_free(_session: Session, house: Cafe) -> None:
        house.organisation.from_address = "cafe@gmail.com"

    works.write(become_free)
    refused = type_("campaign", "send", _draft(works), "--yes", "--json")
    assert (refused.error, "belongs to a mailbox provider" in refused.json["error"]["message"]) == ("not_ready", True)
    # The provider's own records are nobody's business here.
    assert works.read(lambda session: [row.name for row in session.scalars(select(sending_domain.SendingDomain))]) == [
        "cafe.example"
    ]


def test_the_studio_shows_it_asks_for_the_reason_and_keeps_it(
    app: Flask, works: Works, publish: Publish, smtp_sink: SmtpSink
) -> None:
    publish(TOO_DEAR)
    browser = studio.signed_in(app)
    address = of_letters.draft(browser)
    seen = {"sha256": of_letters.seen(browser, address)}
    refused = browser.post(f"{address}/send", seen)
    assert refused.status_code == 422
    assert "needs 11 DNS look-ups" in words(refused)
    assert 'name="reason_S2a"' in refused.text
    assert browser.post(f"{address}/send", {**seen, "reason_S2a": "  "}).status_code == 422
    assert browser.post(f"{address}/send", {**seen, "reason_S2a": REASON}).status_code == 303
    works.drain()
    assert recipients(smtp_sink).total() == 3
    assert REASON in words(browser.get(f"{address}/progress"))


def test_the_studio_asks_about_what_is_unknown(app: Flask, works: Works, publish: Publish) -> None:
    publish(silent=True)
    browser = studio.signed_in(app)
    address = of_letters.draft(browser)
    seen = {"sha256": of_letters.seen(browser, address)}
    asked = browser.post(f"{address}/send", seen)
    assert (asked.status_code, _letter(works).state) == (409, CampaignState.DRAFT)
    assert "could not be made" in words(asked)
    assert 'name="unknown"' in asked.text
    assert browser.post(f"{address}/send", {**seen, "unknown": "1"}).status_code == 303


def test_a_program_gives_reasons_too(app: Flask, works: Works, publish: Publish) -> None:
    publish(TOO_DEAR)
    who, name = program(app, Scope.CAMPAIGNS), _draft(works)
    start = f"/api/v1/campaigns/{name}/start"
    refused = who.client.post(start, json={}, headers=who.headers)
    assert code_of(refused) == "not_ready"
    sent = who.client.post(start, json={"overrides": {"S2a": REASON}}, headers=who.headers)
    assert sent.status_code == 200, sent.text
    publish(silent=True)
    with app.app_context(), store.transaction() as session:
        session.execute(sending_domain.SendingDomain.__table__.update().values(last_checked_at=None))  # type: ignore[attr-defined]
    again = f"/api/v1/campaigns/{_draft(works)}/start"
    assert code_of(who.client.post(again, json={}, headers=who.headers)) == "domain_unknown"
    assert who.client.post(again, json={"yes": True}, headers=who.headers).status_code == 200


def test_a_letter_whose_domain_broke_since_it_was_ordered_is_called_back(
    type_: Type, works: Works, publish: Publish, frozen_clock: time_machine.Traveller
) -> None:
    publish()
    name = _draft(works)
    assert type_("campaign", "send", name, "--yes", "--at", "2026-11-23 12:00", "--json").code == 0
    publish(TOO_DEAR)
    frozen_clock.shift(timedelta(hours=4))
    with works.app.app_context():
        steering.look_around()
    letter = _letter(works)
    assert (letter.state, (letter.halted or {})["code"]) == (CampaignState.DRAFT, "not_ready")
    # Only its owner is written to.
    assert {row.campaign_id for row in works.deliveries()} == {None}


def _look(works: Works) -> list[IncidentKind]:
    with works.app.app_context():
        domain_watch.look()
    return works.read(lambda session: [row.kind for row in incident.standing(session)])


def _told(works: Works) -> int:
    return len([row for row in works.deliveries() if row.notice_id is not None])


def test_the_owner_hears_of_what_became_worse_once_and_when_it_is_over(
    works: Works, publish: Publish, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    publish()
    assert _look(works) == []
    publish(TOO_DEAR)
    frozen_clock.shift(timedelta(days=1))
    assert _look(works) == [IncidentKind.DOMAIN_WORSE]
    assert _told(works) == 1
    frozen_clock.shift(timedelta(days=1))
    assert _look(works) == [IncidentKind.DOMAIN_WORSE]
    assert _told(works) == 1
    works.drain(Lane.URGENT)
    [mail] = [kept.message for kept in smtp_sink.messages]
    body = mail.get_body(("plain",))
    assert body is not None
    told = " ".join(body.get_content().split())
    assert "The records of cafe.example have changed for the worse: The SPF record needs 11 DNS" in told
    publish()
    frozen_clock.shift(timedelta(days=1))
    assert _look(works) == []


def test_what_a_person_finds_by_a_check_of_her_own_is_told_too(
    type_: Type, works: Works, publish: Publish, frozen_clock: time_machine.Traveller
) -> None:
    """Kept and not told it would be what the next check is compared with, and nobody would ever hear of it."""
    publish()
    assert type_("domain", "check", "cafe.example", "--json").code < 6
    assert _told(works) == 0
    publish(TOO_DEAR)
    assert type_("domain", "check", "cafe.example", "--json").code == 6
    frozen_clock.shift(timedelta(days=1))
    assert _look(works) == [IncidentKind.DOMAIN_WORSE]
    assert _told(works) == 1


def test_the_day_on_which_gmail_counts_a_domain_as_bulk_is_written_down(
    works: Works, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    def since(session: Session) -> object:
        return session.scalars(select(sending_domain.SendingDomain.bulk_since)).one()

    publish()
    monkeypatch.setattr(bulk_count, "BULK", 3)
    works.write(lambda session, house: crowd.gather(session, house, 3, domain="gmail.com"))
    works.start()
    _look(works)
    assert works.read(since) is None
    works.drain()
    works.write(
        lambda session, _house: session.execute(
            update(Delivery).where(Delivery.subscriber_id > 3).values(provider="gmail")
        )
    )
    _look(works)
    assert works.read(since) is not None


def test_a_silent_dns_is_asked_again_soon_and_is_no_change(
    works: Works, publish: Publish, zone_server: DnsServer, frozen_clock: time_machine.Traveller
) -> None:
    publish()
    assert _look(works) == []
    asked = len(zone_server.asked)
    frozen_clock.shift(timedelta(hours=22))
    assert _look(works) == []
    assert len(zone_server.asked) == asked, "a day has not passed"
    frozen_clock.shift(timedelta(hours=2))
    publish(silent=True)
    for _ in range(3):
        asked = len(zone_server.asked)
        assert _look(works) == []
        assert len(zone_server.asked) > asked
        frozen_clock.shift(timedelta(minutes=10))
    publish(TOO_DEAR)
    assert _look(works) == [IncidentKind.DOMAIN_WORSE]


def test_in_practice_nothing_is_asked_and_nothing_stops(
    type_: Type, works: Works, publish: Publish, zone_server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(TOO_DEAR)
    assert type_("domain", "check", "cafe.example", "--json").code == 6
    monkeypatch.delenv("LISTKEEPER_SMTP_URL")
    zone_server.asked.clear()
    name = _draft(works)
    found = type_("campaign", "check", name, "--json")
    assert (found.code, found.json["ready"]) == (0, True)
    assert {row["code"]: row["severity"] for row in found.json["findings"]}["S2a"] == "INFO"
    assert zone_server.asked == []


def test_a_test_rig_is_warned_and_says_so(app: Flask, works: Works, publish: Publish, settings: Settings) -> None:
    publish(TOO_DEAR)
    app.config["LISTKEEPER"] = rig = settings.model_copy(update={"domain_gate": "warn"})
    parts.open_all(rig)
    browser = studio.signed_in(app)
    address = of_letters.draft(browser)
    assert "Test rig" in words(browser.get(address))
    assert browser.post(f"{address}/send", {"sha256": of_letters.seen(browser, address)}).status_code == 303
