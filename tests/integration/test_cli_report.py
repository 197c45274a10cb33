"""Events and reports from the command line: what scripts read, and what a person at a terminal does."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from listkeeper.audience.posted_event import PostedEvent
from listkeeper.campaigns.campaign import Campaign
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.typed import Type
from tests.makers import cafe, letter_story
from tests.makers.works import Works


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, works: Works) -> Type:
    """Type command lines at a café with Anna on its list."""
    works.write(lambda session, house: cafe.subscribe(session, house, "anna@shop.example"))
    return typed.typing(monkeypatch, settings)


def test_an_order_is_told_once(works: Works, type_: Type) -> None:
    line = ("subscriber", "event", "anna@shop.example", "order", "--amount", "249.00", "--currency", "dkk", "--id", "A")
    first, again = type_(*line, "--json"), type_(*line, "--json")
    assert (first.code, first.json) == (0, {"name": "order", "outcome": "stored"})
    assert (again.code, again.json["outcome"]) == (0, "known")
    stored = select(PostedEvent.amount, PostedEvent.currency, PostedEvent.external_id)
    assert works.read(lambda session: tuple(session.execute(stored).one())) == (24900, "DKK", "A")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("bo@shop.example", "order"), 11),
        (("anna@shop.example", "An order"), 10),
        (("", "order", "--id", "x"), 10),
        (("anna@shop.example", "order", "--amount", "1"), 10),
        (("anna@shop.example", "order", "--amount", "-1", "--currency", "DKK"), 10),
        (("anna@shop.example", "order", "--currency", "DKK"), 10),
        (("anna@shop.example", "order", "--at", "tomorrow"), 10),
    ],
)
def test_what_cannot_be_an_event_is_a_sentence(type_: Type, line: tuple[str, ...], code: int) -> None:
    answer = type_("subscriber", "event", *line, "--json")
    assert answer.code == code
    assert answer.json["error"]["message"]


def test_a_report_is_told_in_words_and_in_keys(works: Works, type_: Type) -> None:
    works.write(letter_story.leave)
    name = works.read(lambda session: session.scalars(select(Campaign.public_id)).one())
    told = type_("campaign", "report", name, "--json")
    assert (told.code, told.json["id"], told.json["clicked"]) == (
        0,
        name,
        {"readers": 0, "of": 0, "share": None, "usual": None},
    )
    assert "It has reached nobody yet." in type_("campaign", "report", name).out
    assert type_("campaign", "report", "cmp_7k2v9m4c0x8q3w6n1t5z", "--json").code == 11


def test_a_belief_is_written_down_when_a_letter_is_sent(works: Works, type_: Type) -> None:
    works.write(cafe.draft)
    name = works.read(lambda session: session.scalars(select(Campaign.public_id)).one())
    assert type_("campaign", "send", name, "--yes", "--expect", "lots", "--json").code == 10
    assert type_("campaign", "send", name, "--yes", "--expect", "clicks 3%", "--json").code == 0
    assert works.read(lambda session: session.scalars(select(Campaign.assumption)).one()) == {
        "measure": "clicks", "value": 3000, "words": "",
    }  # fmt: skip
