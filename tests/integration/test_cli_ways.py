"""``listkeeper way``: by which ways mail leaves and how each stands, and one mail by the one that is named."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import complaint
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import lines
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.handing_over import way_address
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.provider import says
from tests.fakes.smtp_sink import DROP
from tests.fakes.typed import Type
from tests.integration.test_sending_ways import Roads, roads
from tests.makers import cafe
from tests.makers.providers import SECRET
from tests.makers.works import Works

__all__ = ["roads"]
ME = "me@home.example"


@pytest.fixture
def settings(settings: Settings, roads: Roads, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with two mail servers, one with a password, and a provider for a domain of its own."""
    first = roads.first.url.replace("smtp://", "smtp://cafe:Hyggelig2026@")
    mailgun = f"mailgun://{SECRET}@eu/mg.cafe.example?endpoint={roads.mailgun.origin}&domains=shop.example"
    roads.written = f"{roads.second.url}?weight=3 {first}?name=spare&weight=0 {mailgun}"
    monkeypatch.setenv("LISTKEEPER_WAYS", roads.written)
    monkeypatch.setenv("LISTKEEPER_PRIVATE_HOSTS", "127.0.0.1")
    ways = way_address.read_all(roads.written)
    return settings.model_copy(update={"smtp_url": None, "ways": ways, "private_hosts": ("127.0.0.1",)})


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


def _keeps_secrets(*said: typed.Said) -> None:
    for each in said:
        assert "Hyggelig2026" not in each.out + each.err
        assert SECRET not in each.out + each.err


def test_the_ways_are_listed_with_their_state_and_without_their_secrets(
    type_: Type, works: Works, roads: Roads
) -> None:
    second = f"smtp:127.0.0.1:{roads.second.port}"
    before = type_("way", "list", "--json")
    assert [(row["name"], row["state"], row["share"]) for row in before.json["ways"]] == [
        (second, "unknown", "100% of the mail from other domains"),
        ("spare", "unknown", "Only while no other way can carry it"),
        ("mailgun:mg.cafe.example", "unknown", "100% of the mail from shop.example"),
    ]
    roads.first.script("BANNER", "421 4.3.2 gone")
    with works.app.app_context():
        lines.look()
    listed = type_("way", "list")
    rows = {row["name"]: row for row in type_("way", "list", "--json").json["ways"]}
    assert (rows[second]["state"], rows["spare"]["state"]) == ("works", "trouble")
    assert "does not answer as it should" in rows["spare"]["words"]
    assert "in trouble since" in listed.out
    assert f"{second}  100% of the mail from other domains; works, last seen at" in listed.out
    shown = type_("way", "show", "mailgun:mg.cafe.example")
    assert "for shop.example" in shown.out
    assert type_("way", "show", "pigeon", "--json").error == "no_way"
    _keeps_secrets(before, listed, shown)


def test_a_test_goes_by_the_very_way_that_is_named(type_: Type, works: Works, roads: Roads) -> None:
    """A spare, or a way for other domains, carries it as well as any."""
    second = f"smtp:127.0.0.1:{roads.second.port}"
    said = type_("way", "test", second, "--to", ME, "--json")
    assert (said.code, said.json["state"], said.json["code"]) == (0, "accepted", 250)
    [kept] = roads.second.messages
    assert kept.rcpt_tos == (ME,)
    assert kept.message["Subject"] == f"[TEST] A mail by {second}"
    assert kept.message["Message-ID"] == said.json["message_id"]
    assert roads.first.messages == []
    by_mailgun = type_("way", "test", "mailgun:mg.cafe.example", "--to", ME)
    assert (by_mailgun.code, len(roads.mailgun.asked)) == (0, 1)
    assert by_mailgun.out.startswith("It was taken: 250 2.0.0 Mailgun")
    assert {(row.state, row.typed_address, row.way) for row in works.deliveries()} == {
        (DeliveryState.ACCEPTED, None, second), (DeliveryState.ACCEPTED, None, "mailgun:mg.cafe.example"),
    }  # fmt: skip
    acts = works.read(lambda session: session.scalars(select(AuditEntry.action)).all())
    assert list(acts).count("way.tested") == 2
    _keeps_secrets(said, by_mailgun)


def test_what_is_not_taken_is_said_in_words_and_not_tried_by_another_way(
    type_: Type, works: Works, roads: Roads
) -> None:
    name = f"smtp:127.0.0.1:{roads.second.port}"
    roads.second.script("RCPT", "450 4.2.1 me@home.example is busy", times=1)
    later = type_("way", "test", name, "--to", ME)
    assert (later.code, later.out) == (
        5, "Not now, says the server, and it is not tried again: 450 4.2.1 <address> is busy\n",
    )  # fmt: skip
    roads.second.script("RCPT", "550 5.7.1 not from you", times=1)
    never = type_("way", "test", name, "--to", ME)
    assert (never.code, never.out) == (5, "It was refused for good: 550 5.7.1 not from you\n")
    roads.second.script("CONTENT", DROP, times=1)
    doubt = type_("way", "test", name, "--to", ME, "--json")
    assert (doubt.code, doubt.json["state"]) == (3, "in_doubt")
    roads.mailgun.then(says(401, {"message": "Forbidden"}))
    works.drain(Lane.URGENT)
    assert roads.first.messages == roads.second.messages == []
    assert {row.state for row in works.deliveries()} == {
        DeliveryState.CANCELLED, DeliveryState.FAILED, DeliveryState.IN_DOUBT,
    }  # fmt: skip


def test_a_way_that_is_away_and_an_address_that_wants_nothing(type_: Type, works: Works, roads: Roads) -> None:
    name = f"smtp:127.0.0.1:{roads.second.port}"

    def complain(session: Session, house: cafe.Cafe) -> None:
        complaint.complain(session, cafe.subscribe(session, house, ME).id)

    works.write(complain)
    refused = type_("way", "test", name, "--to", ME)
    assert (refused.code, refused.out) == (5, "It may not be sent to this address: suppressed\n")
    assert type_("way", "test", name, "--to", "nobody", "--json").code == 10
    roads.second.script("BANNER", "421 4.3.2 gone")
    away = type_("way", "test", name, "--to", ME, "--json")
    assert (away.code, away.error) == (14, "way_away")
    assert type_("way", "list", "--json").json["ways"][0]["state"] == "trouble"
    assert roads.second.messages == []
