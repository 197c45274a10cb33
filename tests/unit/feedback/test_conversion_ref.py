"""The mark on a link to the shop: it names the letter for thirty days, and her only while she lets it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import event
from sqlalchemy.orm import Session

from listkeeper.audience import subscriber, tracking
from listkeeper.feedback import conversion_ref
from listkeeper.feedback.conversion_ref import Ref
from listkeeper.foundation import clock, signing
from listkeeper.sending.link_visit import Named
from tests.makers import visited
from tests.makers.visited import Visited


@pytest.fixture
def sent(session: Session) -> Visited:
    return visited.letter(session, as_number=0)


def _named(sent: Visited, name: str) -> Named:
    return Named(sent.delivery(name).id, sent.links[0])


def _read(sent: Visited, token: str) -> Ref | None:
    return conversion_ref.read(sent.session, [token]).get(token)


def test_it_names_the_letter_and_her(sent: Visited) -> None:
    token = conversion_ref.token(_named(sent, "name0"))
    assert _read(sent, token) == Ref(sent.letter.id, sent.people["name0"].id)


def test_of_a_number_it_names_the_letter_alone(sent: Visited) -> None:
    token = conversion_ref.token(Named(0, sent.links[0], visited.drawn()))
    assert _read(sent, token) == Ref(sent.letter.id, None)
    # The number itself does not stand in it.
    assert conversion_ref.token(Named(0, sent.links[0], 7)) == conversion_ref.token(Named(0, sent.links[0], 8))


def test_it_is_honoured_only_while_she_lets_it(sent: Visited) -> None:
    token = conversion_ref.token(_named(sent, "name0"))
    tracking.withdraw(sent.session, sent.people["name0"].id, sent.house.mailing_list.id)
    sent.session.flush()
    assert _read(sent, token) is None
    other = conversion_ref.token(_named(sent, "name1"))
    subscriber.restrict(sent.session, sent.people["name1"], actor="subscriber")
    sent.session.flush()
    assert _read(sent, other) is None
    assert _read(sent, conversion_ref.token(_named(sent, "nothing0"))) is None


def test_it_ends_after_thirty_days(sent: Visited) -> None:
    token = conversion_ref.token(_named(sent, "name0"))
    with time_machine.travel(clock.now() + timedelta(days=29, hours=23), tick=False):
        assert _read(sent, token) is not None
    with time_machine.travel(clock.now() + timedelta(days=30, seconds=2), tick=False):
        assert _read(sent, token) is None


def test_nothing_else_is_one(sent: Visited) -> None:
    number = sent.delivery("name0").id
    token = conversion_ref.token(_named(sent, "name0"))
    altered = f"{'A' if token[0] != 'A' else 'B'}{token[1:]}"
    for wrong in ("", "x", "ø", altered, token[:-2], token * 9, signing.token("unsubscribe", number)):
        assert _read(sent, wrong) is None
    gone = conversion_ref.token(Named(0, 10**12, 5))
    assert _read(sent, gone) is None
    assert _read(sent, conversion_ref.token(Named(10**12, 1))) is None


def test_many_are_read_in_two_queries(sent: Visited) -> None:
    named = {conversion_ref.token(_named(sent, f"name{number}")): sent.people[f"name{number}"].id for number in (0, 1)}
    unnamed = [conversion_ref.token(Named(0, each, 7)) for each in sent.links]
    wrong = [f"x{number}" for number in range(100)]
    asked: list[str] = []
    engine = sent.session.get_bind()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        found = conversion_ref.read(sent.session, [*named, *unnamed, *wrong])
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(asked) == 2
    assert found == {text: Ref(sent.letter.id, number) for text, number in named.items()} | {
        text: Ref(sent.letter.id, None) for text in unnamed
    }
    assert conversion_ref.read(sent.session, []) == {}
