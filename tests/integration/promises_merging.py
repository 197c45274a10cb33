"""The merge of two lists, tried in every life of the promises' machine and taken back: it widens nothing."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import merging, subscription, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation.errors import Conflict
from tests.integration.promises_stage import Stage
from tests.makers import auditor
from tests.makers.promises import ADDRESSES, LISTS

LEFT = {SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED, SubscriptionState.REFUSED}


class Merging(Stage):
    """One step, which leaves no trace."""

    @rule(source=st.sampled_from(LISTS))
    def merge_and_take_back(self, source: int) -> None:
        """Merge the lists in a transaction that is rolled back: no permission gets wider, and old letters lead out."""
        target = 1 - source
        with self.writing() as session:
            before, old, new = self.granted_in(session), self.lists(session)[source], self.lists(session)[target]
            states = self.states(session)
            try:
                merging.merge(session, organisation.only_one(session), old, new, actor="user:1")
            except Conflict:
                assert self.world.lists[target] is not ListState.ACTIVE or old.state is ListState.TOMBSTONED
                session.rollback()
                return
            after = self.granted_in(session)
            assert after <= before | {(address, target) for address, on in before if on == source}
            for address, known in self.world.people.items():
                gone = {states.get((address, on)) for on in LISTS} & LEFT or known.left - known.yes.keys()
                assert not gone or not after & {(address, on) for on in LISTS}, "who left either list is on one still"
                stays = (address, target) in before or ((address, source) in before and (address, target) not in states)
                assert gone or not stays or (address, target) in after, "somebody was lost on the way"
            for address, _ in {one for one in after if one[1] == target and one not in before}:
                person = self.person(session, address)
                assert person is not None
                unsubscribe.leave(session, person.id, old.id, Method.ONE_CLICK)
                assert not self.granted_in(session) & {(address, on) for on in LISTS}
            assert auditor.faults(session, 1) == []
            session.rollback()

    def states(self, session: Session) -> dict[tuple[str, int], SubscriptionState]:
        """Return how everybody stands on each list."""
        numbers = {row.id: number for number, row in enumerate(self.lists(session))}
        people = [self.person(session, address) for address in ADDRESSES]
        return {
            (person.email_key, numbers[row.list_id]): row.state
            for person in people
            if person is not None
            for row, _ in subscription.all_of(session, person)
        }
