"""Who keeps a domain's mail: by its name alone, by its MX hosts, from what is remembered, and asked ahead of time."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.campaigns.campaign import Campaign
from listkeeper.deliverability import mail_host, mail_provider
from listkeeper.deliverability.mail_host import Learned, MailHostState
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import domains, lanes, sending
from listkeeper.sending import planning
from listkeeper.standards.dns import Answer, Outcome, TempFail
from tests.fakes.databases import Database
from tests.makers import cafe
from tests.makers.works import SITE, here


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", "gmail"), ("GoogleMail.com", "gmail"), ("hotmail.co.uk", "microsoft"), ("live.dk", "microsoft"),
        ("outlook.com", "microsoft"), ("msn.com", "microsoft"), ("yahoo.de", "yahoo"), ("aol.com", "yahoo"),
        ("ymail.com", "yahoo"), ("icloud.com", "apple"), ("me.com", "apple"), ("web.de", "gmx"), ("wp.pl", "wp_pl"),
        ("o2.pl", "o2_pl"), ("op.pl", "onet"), ("interia.pl", "interia"), ("mail.ru", "mail_ru"), ("ya.ru", "yandex"),
        ("t-online.de", "t_online"), ("shop.dk", None), ("live.shop.dk", None), ("live.shop", None),
        ("notgmail.com", None), ("gmail.com.shop.dk", None),
    ],
)  # fmt: skip
def test_a_name_is_known_or_it_is_not(domain: str, provider: str | None) -> None:
    assert mail_provider.of_domain(domain) == provider


@pytest.mark.parametrize(
    ("hosts", "provider"),
    [
        (["aspmx.l.google.com", "alt1.aspmx.l.google.com"], "google_workspace"),
        # Somebody reads the mail before Google does: the owner may not be in Gmail at all.
        (["aspmx.l.google.com", "mx.backup.example"], "google.com"),
        (["shop-dk.mail.protection.outlook.com"], "microsoft365"),
        (["shop-dk.o-v1.mx.microsoft"], "microsoft365"),
        (["outlook-com.olc.protection.outlook.com"], "microsoft"),
        (["mta5.am0.yahoodns.net"], "yahoo"),
        (["mx01.mail.icloud.com"], "apple"),
        (["eu-smtp-inbound-1.mimecast.com"], "mimecast"),
        (["mxa-001.pphosted.com"], "proofpoint"),
        (["mx1.pub.mailpod7-cph3.one.com"], "one_com"),
        (["mx.simply.com"], "simply"),
        (["mx.hoster.dk", "mx2.hoster.dk"], "hoster.dk"),
        (["mx.hoster.co.uk"], "hoster.co.uk"),
        (["notgoogle.com"], "notgoogle.com"),
    ],
)  # fmt: skip
def test_mx_hosts_say_who_keeps_the_mail(hosts: list[str], provider: str) -> None:
    assert mail_provider.of_hosts(hosts) == provider


def test_names_fit_their_column_and_a_small_host_is_not_read_from_its_own(session: Session) -> None:
    assert [name for name in mail_provider.TABLE if "." in name or len(name) > mail_provider.LONGEST] == []
    small = {mail_host.small(domain) for domain in ("a.dk", "A.dk", "b.dk", "localhost", "x" * 60 + ".example")}
    assert len(small) == 4
    assert all(re.fullmatch(r"\.[0-9a-f]{20}", name) for name in small)
    assert [mail_provider.kind(name) for name in ("gmail", *small, None)] == ["gmail", *["other"] * 5]
    assert [mail_provider.name(name) for name in ("gmail", *small)] == ["Gmail", *[None] * 4]


def test_what_is_remembered_of_a_domain_and_for_how_long(
    session: Session, frozen_clock: time_machine.Traveller
) -> None:
    asked = {"gmail.com", "shop.dk", "new.dk"}
    learned = {"shop.dk": Learned(MailHostState.TAKES_MAIL, "google_workspace")}
    mail_host.remember(session, learned)
    assert mail_host.providers(session, asked) == {
        "gmail.com": "gmail", "shop.dk": "google_workspace", "new.dk": mail_host.small("new.dk"),
    }  # fmt: skip
    assert mail_host.without_provider(session, asked) == {"new.dk"}
    mail_host.remember(session, {"her-own.dk": Learned(MailHostState.TAKES_MAIL, "her-own.dk")})
    assert mail_host.providers(session, {"her-own.dk"}) == {"her-own.dk": mail_host.small("her-own.dk")}
    # The state is asked anew after a day, and silence takes back nothing; the provider stands for a week.
    frozen_clock.shift(timedelta(days=6))
    mail_host.remember(session, {"shop.dk": Learned(MailHostState.UNKNOWN)})
    frozen_clock.shift(timedelta(hours=1))
    mail_host.forget_past(session)
    assert mail_host.providers(session, {"shop.dk"}) == {"shop.dk": "google_workspace"}
    assert mail_host.unknown(session, {"shop.dk"}) == {"shop.dk"}
    frozen_clock.shift(timedelta(days=1))
    mail_host.forget_past(session)
    assert mail_host.providers(session, {"shop.dk"}) == {"shop.dk": mail_host.small("shop.dk")}


class _Zone:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.silent = False

    def query(self, name: str, kind: str, /) -> Outcome:
        self.asked.append(name)
        if self.silent:
            return TempFail(name, kind, "", "nobody answers")
        return Answer(name, kind, "", ("10 aspmx.l.google.com",), 300)


@pytest.fixture
def zone(app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> _Zone:
    """Name servers, for an instance that sends into the world."""
    made = _Zone()
    known = parts.settings().model_copy(update={"check_mail_domains": True, "smtp_url": "smtp://mail.example:25"})
    monkeypatch.setattr(parts, "settings", lambda: known)
    monkeypatch.setattr(parts, "resolver", lambda: made)
    monkeypatch.setattr(sending, "deliver", lambda _lane, _until: False)
    return made


def _letter(app: Flask, *emails: str) -> int:
    """Start a letter to people with these addresses."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        for email in emails:
            cafe.subscribe(session, house, email)
        letter = cafe.draft(session, house)
        planning.send_campaign(session, house.organisation, letter, site=SITE)
        return letter.id


def test_the_audience_of_a_letter_is_looked_at_ahead(app: Flask, zone: _Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[object, ...]] = []
    monkeypatch.setattr(parts, "enqueue", lambda *words: rung.append(words))
    number = _letter(app, "a@shop.dk", "b@shop.dk", "c@gmail.com", "d@old.dk")
    with app.app_context():
        with store.transaction() as session:
            mail_host.remember(session, {"old.dk": Learned(MailHostState.TAKES_MAIL, "one_com")})
        lanes.work(Lane.SENDING.value)
        assert (Lane.BACKGROUND, "listkeeper.jobs.domains.look_ahead", number) in rung
        rung.clear()
        domains.look_ahead_again()
        assert rung == [(Lane.BACKGROUND, "listkeeper.jobs.domains.look_ahead", number)]
        domains.look_ahead(number)
        domains.look_ahead(number)
        # Neither who is known by name, nor who was asked before, nor anybody twice.
        assert zone.asked == ["shop.dk"]
        with store.reading() as session:
            found = mail_host.providers(session, {"shop.dk", "gmail.com", "old.dk"})
            assert found == {"shop.dk": "google_workspace", "gmail.com": "gmail", "old.dk": "one_com"}
            assert session.get_one(Campaign, number).recipients == 4
        domains.look_ahead(number + 1)


def test_silent_name_servers_are_asked_for_one_handful_and_left_alone_for_a_while(
    app: Flask, zone: _Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domains, "_ASKED_AT_ONCE", 2)
    zone.silent = True
    number = _letter(app, *(f"a@shop{count}.dk" for count in range(5)))
    with app.app_context():
        domains.look_ahead(number)
        assert sorted(zone.asked) == ["shop0.dk", "shop1.dk"]
        domains.look_ahead(number)
        assert sorted(zone.asked) == ["shop0.dk", "shop1.dk", "shop2.dk", "shop3.dk"]
        with store.reading() as session:
            assert here(session).organisation is not None
            assert mail_host.providers(session, {"shop0.dk"}) == {"shop0.dk": mail_host.small("shop0.dk")}
