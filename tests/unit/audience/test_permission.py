"""The gate: every clause, every refusal, and a yes that works once, for one delivery, for a second."""

from __future__ import annotations

import copy
import pickle
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper.audience import permission, subscription
from listkeeper.audience.address_change import AddressChange
from listkeeper.audience.gate_clauses import Granted
from listkeeper.audience.handover import Handover, MessageClass, NoticeKind, Refusal, RefusalCode
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.permission import Grant
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Forbidden
from listkeeper.sending import envelope
from listkeeper.sending.envelope import Envelope
from tests.makers import cafe
from tests.unit.audience import gate_scene
from tests.unit.audience.gate_cases import CASES, PLIGHTS
from tests.unit.audience.gate_scene import DELIVERY, HER, TEMPLATE, Case, Scene


@pytest.fixture
def scene(session: Session, frozen_clock: time_machine.Traveller) -> Scene:
    """Somebody whom the gate grants."""
    return gate_scene.prepare(session)


def test_every_case_gets_its_verdict(scene: Scene) -> None:
    wrong = []
    for case in CASES:
        with gate_scene.played(scene, case):
            said = scene.verdict(permission)
        if said != case.expected:
            wrong.append(f"{case.id}: {said}, not {case.expected}")
    assert wrong == []


def test_every_refusal_and_every_class_has_its_case() -> None:
    # A grant that grew old is refused by the envelope, not by the gate: the row waits for another.
    assert {case.expected for case in CASES} >= set(RefusalCode) - {RefusalCode.GRANT_EXPIRED}
    assert {case.message_class for case in CASES} == set(MessageClass)
    assert len({case.id for case in CASES}) == len(CASES)


def test_the_gate_sees_what_another_connection_changed(scene: Scene) -> None:
    """A row that this session has read before is read again."""
    scene.session.commit()
    assert scene.person.erased_at is None
    with Session(scene.session.get_bind()) as other:
        other.get_one(type(scene.person), scene.person.id).restricted_at = clock.now()
        scene.session.commit()
        other.commit()
    with gate_scene.played(scene, CASES[0]):
        assert scene.verdict(permission) == "restricted"


@pytest.mark.parametrize("what", ["link", "change", "old address", "list", "question", "subscription", "ledger"])
def test_the_gate_reads_everything_afresh(scene: Scene, what: str) -> None:
    """What this session has in its memory is as old as the moment it was read."""
    message_class, row_of, columns, expected = _STALE[what]
    session = scene.session
    with gate_scene.played(scene, Case(what, message_class, expected, gate_scene.nothing)):
        row = row_of(scene)
        session.flush()
        # Behind the session's back, as another connection would, but in this transaction, which is taken back.
        table = type(row).__table__
        key = [column == getattr(row, column.name) for column in table.primary_key]
        session.connection().execute(update(table).where(*key).values(columns()))
        assert scene.verdict(permission) == expected


def _moved(scene: Scene) -> AddressChange:
    change = scene.change()
    change.confirmed_at = clock.now()
    scene.handover["notice"] = NoticeKind.OLD_ADDRESS
    return change


_STALE: dict[str, tuple[str, Callable[[Scene], Any], Callable[[], dict[str, object]], str]] = {
    "link": (
        "service", Scene.link, lambda: {"used_at": clock.now()}, "expired",
    ),
    "change": (
        "doi", Scene.change, lambda: {"cancelled_at": clock.now()}, "expired",
    ),
    "old address": ("service", _moved, lambda: {"cancelled_at": clock.now()}, "no_basis"),
    "question": (
        "doi", Scene.ask, lambda: {"refused_at": clock.now()}, "withdrawn",
    ),
    "list": (
        "marketing", lambda scene: scene.house.mailing_list,
        lambda: {"state": ListState.ARCHIVED}, "list_inactive",
    ),
    "subscription": (
        "marketing", lambda scene: scene.current,
        lambda: {"state": SubscriptionState.LAPSED}, "lapsed",
    ),
    "ledger": (
        "marketing", lambda scene: scene.head, lambda: {"forked_at": clock.now()}, "ledger_forked",
    ),
}  # fmt: skip


def test_all_at_once_is_what_one_by_one_would_be(scene: Scene, chance: random.Random) -> None:
    """A window of people, each in a random plight: together, in any order, as alone."""
    session, house = scene.session, scene.house
    handovers = []
    for number in range(1, 33):
        person = cafe.subscribe(session, house, f"guest-{number}@guest.example")
        current = subscription.of(session, person.id, house.mailing_list.id)
        assert current is not None
        window = Scene(session, house, person, current, scene.note)
        window.handover = {"subscriber_id": person.id, "list_id": house.mailing_list.id, "purpose": "newsletter"}
        chance.choice(PLIGHTS).arrange(window)
        session.flush()
        words = window.handover | {"delivery_id": number, "organisation_id": 1, "template_sha256": TEMPLATE}
        handovers.append(Handover(**words | {"message_class": MessageClass.MARKETING}))
    alone = {one.delivery_id: _shape(permission.grant(session, one)) for one in handovers}
    assert len(set(alone.values())) > 3, "every plight is the same, so nothing is proven"
    for _ in range(3):
        chance.shuffle(handovers)
        together = permission.grant_all(session, handovers)
        assert {number: _shape(said) for number, said in together.items()} == alone


def _shape(said: Grant | Refusal) -> tuple[str, int | None]:
    if isinstance(said, Refusal):
        return said.code, None
    return "granted", said.event_id


def test_an_empty_window_is_no_fault(scene: Scene) -> None:
    assert permission.grant_all(scene.session, []) == {}


# The grant


def _granted(scene: Scene) -> Grant:
    with gate_scene.played(scene, CASES[0]):
        scene.session.flush()
        words = scene.handover | {"message_class": MessageClass.MARKETING}
        said = permission.grant(scene.session, Handover(**words))
    assert isinstance(said, Grant)
    return said


def test_a_grant_works_once(scene: Scene) -> None:
    granted = _granted(scene)
    assert granted.fresh
    assert granted.open(DELIVERY, TEMPLATE) == HER
    assert not granted.fresh
    with pytest.raises(Forbidden):
        granted.open(DELIVERY, TEMPLATE)


@pytest.mark.parametrize(("delivery", "template"), [(DELIVERY + 1, TEMPLATE), (DELIVERY, "u" * 64), (0, "")])
def test_a_grant_is_for_one_delivery_and_one_template(scene: Scene, delivery: int, template: str) -> None:
    granted = _granted(scene)
    with pytest.raises(Forbidden):
        granted.open(delivery, template)
    assert granted.open(DELIVERY, TEMPLATE) == HER


def test_a_grant_lives_a_second_whatever_the_clock_on_the_wall_says(
    scene: Scene, frozen_clock: time_machine.Traveller
) -> None:
    granted, late = _granted(scene), _granted(scene)
    frozen_clock.shift(timedelta(days=1))
    assert granted.fresh
    assert granted.open(DELIVERY, TEMPLATE) == HER
    frozen_clock.shift(timedelta(days=-2))
    time.sleep(permission.GRANT_SECONDS + 0.05)
    assert not late.fresh
    with pytest.raises(Forbidden) as refused:
        late.open(DELIVERY, TEMPLATE)
    assert refused.value.code == "grant_expired"


def test_the_second_is_a_second() -> None:
    assert permission.GRANT_SECONDS == 1.0


def test_a_grant_is_neither_forged_nor_copied(scene: Scene) -> None:
    handover = Handover(DELIVERY, 1, MessageClass.MARKETING, TEMPLATE)
    for maker in (None, object(), permission):
        with pytest.raises(Forbidden):
            Grant(maker, handover, Granted(HER))
    granted = _granted(scene)
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(Forbidden):
            duplicate(granted)
    assert HER not in repr(granted)


# The envelope


def test_only_a_grant_seals_an_envelope(scene: Scene) -> None:
    granted = _granted(scene)
    sealed = envelope.seal(granted, DELIVERY, TEMPLATE, "hello@cafe.example", lambda to: f"To: {to}".encode())
    assert (sealed.mail_from, sealed.rcpt_to, sealed.content) == ("hello@cafe.example", HER, f"To: {HER}".encode())
    assert sealed.delivery_id == DELIVERY
    written = []
    with pytest.raises(Forbidden):
        envelope.seal(granted, DELIVERY, TEMPLATE, "hello@cafe.example", lambda to: written.append(to) or b"")  # type: ignore[func-returns-value]
    assert written == [], "a message was written for an address that nobody granted"
    with pytest.raises(Forbidden):
        Envelope(None, DELIVERY, "hello@cafe.example", HER, b"", 0.0)


def test_what_cannot_be_written_spends_the_grant(scene: Scene) -> None:
    granted = _granted(scene)

    def broken(_to: str) -> bytes:
        raise ValueError("no words")

    with pytest.raises(ValueError, match="no words"):
        envelope.seal(granted, DELIVERY, TEMPLATE, "hello@cafe.example", broken)
    assert not granted.fresh
