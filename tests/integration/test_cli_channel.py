"""``listkeeper channel``: followers and costs typed in without a browser, by the rules of the page that takes them."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import source
from listkeeper.audience.source import Channel
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, session: Session) -> Type:
    made = cafe.found(session)
    source.create(session, made.form, name="Bio", channel=Channel.INSTAGRAM, slug="ig-bio")
    session.commit()
    return typed.typing(monkeypatch, settings)


def test_followers_and_costs_are_noted_shown_and_taken_away(type_: Type, session: Session) -> None:
    assert "instagram: unknown followers, 0 confirmed, 0 reached" in type_("channel", "show").out
    for day, number in (("2026-01-01", "2.100"), ("2026-02-01", "2000")):
        assert type_("channel", "followers", "instagram", number, "--on", day).code == 0
    noted = type_("channel", "followers", "instagram", "2450", "--on", "2026-02-01", "--json").json
    assert noted["counts"] == [{"on": "2026-01-01", "number": 2100}, {"on": "2026-02-01", "number": 2450}]
    once = type_("channel", "cost", "ig-bio", "1.250,50", "--currency", "dkk", "--on", "2026-01-01", "--json").json
    assert (once["amount"], once["currency"], once["per"], once["ends_on"]) == (125_050, "DKK", "once", None)
    words = ("channel", "cost", "ig-bio", "100", "--currency", "DKK", "--monthly", "--on", "2026-01-15")
    assert "DKK\u00a0100.00 every month from 2026-01-15 on" in type_(*words).out
    [row] = type_("channel", "show", "--json").json["channels"]
    assert (row["channel"], row["followers"], row["owned_per_mille"]) == ("instagram", 2450, 0)
    monthly = row["costs"][1]["id"]
    ended = type_("channel", "end", monthly, "--on", "2026-02-20", "--json").json
    assert (ended["ends_on"], ended["removed"]) == ("2026-02-20", False)
    # Paid once, and two months that had begun.
    [row] = type_("channel", "show", "--json").json["channels"]
    assert row["cost"] == "DKK\u00a01,450.50"
    assert type_("channel", "end", once["id"], "--remove").out == f"The cost {once['id']} is gone.\n"
    left = type_("channel", "followers", "instagram", "--forget", "--on", "2026-02-01", "--json").json["counts"]
    assert left == [{"on": "2026-01-01", "number": 2100}]
    [row] = type_("channel", "show", "--json").json["channels"]
    assert (row["cost"], row["followers"]) == ("DKK\u00a0200.00", 2100)
    done = session.scalars(select(AuditEntry.action).where(AuditEntry.actor == "command").order_by(AuditEntry.id)).all()
    assert done[-7:] == [
        "followers.noted", "followers.noted", "source_cost.added", "source_cost.added", "source_cost.ended",
        "source_cost.removed", "followers.forgotten",
    ]  # fmt: skip


def test_what_makes_no_sense_is_refused_and_nothing_is_noted(type_: Type) -> None:
    once = type_("channel", "cost", "ig-bio", "5", "--currency", "DKK", "--json").json["id"]
    before = type_("channel", "show", "--json").json
    for words, code, error in (
        (("followers", "till", "5"), 2, "usage"),
        (("followers", "instagram"), 2, "usage"),
        (("followers", "instagram", "5", "--forget"), 2, "usage"),
        (("followers", "instagram", "5", "--on", "tomorrow"), 2, "usage"),
        (("followers", "instagram", "many"), 10, "followers"),
        (("followers", "instagram", "5", "--on", "9999-01-01"), 10, "day"),
        (("cost", "nothing", "5", "--currency", "DKK"), 11, "no_source"),
        (("cost", "ig-bio", "five", "--currency", "DKK"), 10, "amount"),
        (("cost", "ig-bio", "5", "--currency", "EUR"), 12, "other_currency"),
        (("cost", "ig-bio", "5", "--currency", "XXX"), 2, "usage"),
        (("end", once), 12, "paid_once"),
        (("end", "cst_of_nobody"), 11, "no_cost"),
    ):
        said = type_("channel", *words, "--json")
        assert (said.code, said.error) == (code, error), words
    assert type_("channel", "show", "--json").json == before
