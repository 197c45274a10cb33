"""``listkeeper notice``: open, tell more, resolve, list."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import time_machine

from listkeeper.foundation import clock
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.fakes.typed import Type
from tests.makers import cafe, trouble
from tests.makers.works import Works


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


@pytest.fixture
def told(works: Works, frozen_clock: time_machine.Traveller) -> Works:
    """A café where one person wants to hear of trouble."""
    works.write(lambda session, house: cafe.subscribe(session, trouble.room(session, house), "anna@guest.example"))
    return works


def test_a_notice_is_opened_told_more_of_and_over(
    told: Works, type_: Type, smtp_sink: SmtpSink, frozen_clock: time_machine.Traveller
) -> None:
    soon = clock.as_text(clock.now() + timedelta(hours=1))
    opened = type_(
        "notice", "open", "--title", "The till is out of order", "--list", "trouble", "--owner", "Gerda",
        "--affected", "yes", "--words", "We look.", "--next", soon, "--json",
    ).json  # fmt: skip
    assert (opened["recipients"], opened["list"], opened["owner"]) == (1, "trouble", "Gerda")
    assert (opened["state"], opened["told"], opened["next_update_at"], opened["overdue"]) == (
        "open", "investigating", soon, False,
    )  # fmt: skip
    assert opened["page"].endswith(f"/status/{opened['id']}")
    told.drain()
    assert [kept.rcpt_tos for kept in smtp_sink.messages] == [("anna@guest.example",)]
    frozen_clock.shift(timedelta(hours=2))
    [row] = type_("notice", "list", "--json").json["notices"]
    assert row["overdue"] is True
    assert "next update was due" in type_("notice", "list").out
    more = type_("notice", "update", opened["id"], "--state", "known", "--words", "Cut.", "--page-only", "--json").json
    assert (more["campaign"], more["next_update_at"]) == (None, None)
    over = type_("notice", "resolve", opened["id"], "--words", "Works.").out
    assert "It goes to 1 people." in over
    assert "Nothing is told" in type_("notice", "list").out
    assert type_("notice", "list", "--all", "--json").json["notices"][0]["state"] == "resolved"


def test_words_may_come_on_standard_input(told: Works, type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("We look,\nand find."))
    said = type_("notice", "open", "--title", "Till").out
    assert "It stands on the page alone." in said
    assert "No next update was promised" in said


def test_what_cannot_be_is_said_in_a_sentence(told: Works, type_: Type) -> None:
    to_readers = ("notice", "open", "--title", "Till", "--words", "Down.", "--list", "news", "--json")
    assert type_(*to_readers).error == "list_for_letters"
    sells = ("notice", "open", "--title", "Till", "--words", "20 % off", "--list", "trouble", "--json")
    assert type_(*sells).error == "advertises"
    assert type_(*sells, "--yes").code == 0
    assert type_("notice", "resolve", "ntc_none", "--words", "Done.", "--json").error == "no_notice"
    assert type_("list", "create", "--name", "Outages", "--service", "--json").code == 0
    for_letters = ("campaign", "create", "--list", "outages", "--subject", "Buns", "--json")
    assert type_(*for_letters).code != 0
