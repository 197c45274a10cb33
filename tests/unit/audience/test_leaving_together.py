"""Many leave at the same moment: what is written down together is, row by row, what each by itself would be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import consent, mailing_list, merging, signup_form, subscription, suppression, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.proof import fold, ledger, ledger_audit
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Entry, Reason
from listkeeper.audience.unsubscribe import Leaving, Wish
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Fact
from tests.makers import cafe
from tests.makers.cafe import Cafe

PEOPLE = ("anna@guest.example", "bo@guest.example", "cleo@guest.example", "dora@guest.example")
# What is another one each time: where in the chain, under which number, and when.
_OWN = {"seq", "id", "ts", "prev", "supersedes"}


@pytest.fixture
def bread(session: Session, house: Cafe) -> Cafe:
    """Another list of the house."""
    made = mailing_list.create(session, house.organisation, name="Bread club")
    return Cafe(house.organisation, house.owner, made, signup_form.create(session, house.organisation, made))


def _wishes(session: Session, house: Cafe, bread: Cafe) -> list[Wish]:
    """Everybody leaves: in several ways, twice, a list she is not on, having left before, without having confirmed."""
    anna, bo, cleo, dora = (cafe.subscribe(session, house, address) for address in PEOPLE)
    cafe.subscribe(session, bread, PEOPLE[0])
    asked = cafe.sign_up(session, house, "emil@guest.example")
    unsubscribe.leave(session, dora.id, house.mailing_list.id, Method.PAGE)
    session.flush()
    news, other = house.mailing_list.id, bread.mailing_list.id
    return [
        Wish(cleo.id, news, Method.ONE_CLICK, 3),
        Wish(anna.id, news, Method.ONE_CLICK, 1),
        Wish(anna.id, other, Method.PAGE, 5),
        Wish(anna.id, news, Method.ONE_CLICK, 6),
        Wish(bo.id, other, Method.ONE_CLICK, 2),
        Wish(bo.id, news, Method.OPERATOR, None, "user:1"),
        Wish(dora.id, news, Method.ONE_CLICK, 4),
        Wish(asked.subscriber_id, news, Method.ONE_CLICK),
        Wish(4711, news, Method.ONE_CLICK),
    ]


def _told(session: Session, house: Cafe) -> dict[str, list[Any]]:
    """Return what is known of each person, without what is another one each time."""
    session.flush()
    session.expire_all()
    found: dict[str, list[Any]] = {}
    for person in session.scalars(select(Subscriber).order_by(Subscriber.id)):
        rows = session.scalars(select(LedgerRow).where(LedgerRow.subject == person.subject_ref).order_by(LedgerRow.seq))
        said = [{name: value for name, value in ledger.fields_of(row).items() if name not in _OWN} for row in rows]
        events = [
            (event.kind, event.method, event.list_id, event.actor, event.delivery_id, event.consent_text_id)
            for event in consent.history(session, person)
        ]
        rests = suppression.reasons(session, house.organisation.id, person.suppression_key)
        kept = [(row.scope, row.reason, row.actor) for row in rests]
        stands = [
            (on.name, current.state, current.turned_seq > 0) for current, on in subscription.all_of(session, person)
        ]
        found[person.email_send] = [
            sorted((row["type"], row["list"], row["method"], row["actor"], str(row["details"])) for row in said),
            sorted(map(str, events)), sorted(kept), sorted(stands),
        ]  # fmt: skip
    assert ledger_audit.check(session, house.organisation).faults == []
    assert fold.heal(session, house.organisation) == []
    return found


@pytest.mark.parametrize("undoable", [True, False])
def test_together_is_each_by_itself(session: Session, house: Cafe, bread: Cafe, *, undoable: bool) -> None:
    wishes = _wishes(session, house, bread)
    before = _facts(session)
    nested = session.begin_nested()
    alone = [
        unsubscribe.leave(session, wish.subscriber_id, wish.list_id, wish.method, wish.delivery_id, wish.actor)
        for wish in wishes
    ]
    told = _told(session, house)
    assert _facts(session) == before + 5
    nested.rollback()
    session.expire_all()
    together = unsubscribe.leave_all(session, wishes, undoable=undoable)
    assert [one.leaving for one in together] == [one.leaving for one in alone]
    assert [one.undo is not None for one in together] == [undoable and one.undo is not None for one in alone]
    assert [one.leaving for one in together].count(Leaving.LEFT) == 5
    assert _told(session, house) == told
    # Whoever keeps the journal is told once.
    assert _facts(session) == before + 1


def _facts(session: Session) -> int:
    return len(session.scalars(select(Fact.id).where(Fact.name == suppression.ADDED)).all())


def test_each_gets_her_own_way_back(session: Session, house: Cafe) -> None:
    people = [cafe.subscribe(session, house, address) for address in PEOPLE]
    left = unsubscribe.leave_all(
        session, [Wish(person.id, house.mailing_list.id, Method.ONE_CLICK) for person in reversed(people)]
    )
    assert left[0].undo is not None
    assert unsubscribe.undo(session, left[0].undo)
    session.flush()
    states = {person.email_send: subscription.all_of(session, person)[0][0].state for person in people}
    assert states == dict.fromkeys(PEOPLE, SubscriptionState.UNSUBSCRIBED) | {PEOPLE[-1]: SubscriptionState.CONFIRMED}


def test_old_letters_lead_to_the_list_that_took_hers_over(session: Session, house: Cafe, bread: Cafe) -> None:
    people = [cafe.subscribe(session, bread, address) for address in PEOPLE[:2]]
    merging.merge(session, house.organisation, bread.mailing_list, house.mailing_list, actor="user:1")
    left = unsubscribe.leave_all(session, [Wish(one.id, bread.mailing_list.id, Method.ONE_CLICK) for one in people])
    assert {one.leaving for one in left} == {Leaving.LEFT}
    for person in people:
        current = subscription.of(session, person.id, house.mailing_list.id)
        assert current is not None
        assert current.state is SubscriptionState.UNSUBSCRIBED


def test_suppressions_together_are_stored_once_each(session: Session, house: Cafe) -> None:
    soon, late = clock.months_later(clock.now(), 1), clock.months_later(clock.now(), 2)
    owner = house.organisation.id

    def wanted(key: str, until: datetime | None = None) -> Entry:
        return Entry(key * 64, suppression.ALL, Reason.MANUAL, until)

    first = suppression.add_all(session, owner, [wanted("a", soon), wanted("b"), wanted("a", soon), wanted("a", late)])
    assert first == [wanted("a", soon), wanted("b"), wanted("a", late)]
    # What ends sooner, or is there for ever already, adds nothing; for ever is another than for a time.
    assert suppression.add_all(session, owner, [wanted("a", soon), wanted("b")]) == []
    assert suppression.add_all(session, owner, [wanted("b", soon), wanted("a")]) == [wanted("b", soon), wanted("a")]
    assert suppression.add_all(session, owner, []) == []
    assert len(suppression.reasons(session, owner, "a" * 64)) == 3
