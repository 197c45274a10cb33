"""A newer master key: what the older ones made still opens, and the ledger tells of the new signature."""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import access_link, answering, confirmation, subscriber, suppression
from listkeeper.audience.answering import Answer
from listkeeper.audience.proof import checkpoint, ledger
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.foundation import keys
from listkeeper.settings import Settings
from listkeeper.standards import address
from tests.makers import cafe
from tests.makers.cafe import Cafe

HER = "freja@guest.example"


def _rotate(settings: Settings) -> None:
    keys.add(settings.key_folder)
    keys.open_folder(settings.key_folder, may_make=False)


def test_a_question_asked_before_is_answered_after(session: Session, house: Cafe, settings: Settings) -> None:
    asked = cafe.sign_up(session, house, HER)
    token, code = confirmation.token_of(asked), confirmation.code_of(asked)
    _rotate(settings)
    assert (confirmation.token_of(asked), confirmation.code_of(asked)) == (token, code)
    assert answering.confirm(session, token).answer is Answer.CONFIRMED


def test_a_link_asked_for_before_works_after(session: Session, house: Cafe, settings: Settings) -> None:
    person = cafe.subscribe(session, house, HER)
    link = access_link.ask(session, person)
    assert link is not None
    token = access_link.token_of(link)
    _rotate(settings)
    assert access_link.token_of(link) == token
    assert access_link.use(session, token) is not None


def test_who_left_is_known_under_the_old_pepper(session: Session, house: Cafe, settings: Settings) -> None:
    person = cafe.subscribe(session, house, HER)
    before = suppression.key_of(house.organisation.id, address.parse(HER).key)
    _rotate(settings)
    assert suppression.key_of(house.organisation.id, address.parse(HER).key) == before == person.suppression_key
    assert subscriber.with_address(session, house.organisation.id, HER) is person


def test_the_old_key_signs_for_the_new_one(session: Session, house: Cafe, settings: Settings) -> None:
    cafe.subscribe(session, house, HER)
    first = checkpoint.make(session, house.organisation)
    _rotate(settings)
    second = checkpoint.make(session, house.organisation)
    assert second.public_key != first.public_key
    rows = session.scalars(select(LedgerRow).where(LedgerRow.type == EventType.KEY_ROTATED.value)).all()
    details = json.loads(rows[0].record)["details"]
    assert (len(rows), details["old_key"], details["new_key"]) == (1, first.public_key, second.public_key)
    # Told once, however many checkpoints follow.
    cafe.subscribe(session, house, "sofus@guest.example")
    checkpoint.make(session, house.organisation)
    assert len(session.scalars(select(LedgerRow).where(LedgerRow.type == EventType.KEY_ROTATED.value)).all()) == 1
    assert ledger.size(session, house.organisation.id) > second.size
