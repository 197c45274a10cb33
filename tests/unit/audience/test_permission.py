"""The gate: every clause, every refusal, and a yes that works once, for one delivery, for a second."""

from __future__ import annotations

import copy
import pickle
import random
import time
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import permission
from listkeeper.audience.permission import Grant, Handover, MessageClass, Refusal, RefusalCode
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Forbidden
from listkeeper.sending import envelope
from listkeeper.sending.envelope import Envelope
from tests.unit.audience import gate_cases
from tests.unit.audience.gate_cases import CASES, DELIVERY, HER, TEMPLATE, Scene


@pytest.fixture
def scene(session: Session, frozen_clock: time_machine.Traveller) -> Scene:
    """Somebody whom the gate grants."""
    return gate_cases.prepare(session)


def test_every_case_gets_its_verdict(scene: Scene) -> None:
    wrong = []
    for case in CASES:
        with gate_cases.played(scene, case):
            said = scene.verdict(permission)
        if said != case.expected:
            wrong.append(f"{case.id}: {said}, not {case.expected}")
    assert wrong == []


def test_every_refusal_and_every_class_has_its_case() -> None:
    assert {case.expected for case in CASES} >= set(RefusalCode)
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
    with gate_cases.played(scene, CASES[0]):
        assert scene.verdict(permission) == "restricted"


def test_all_at_once_is_what_one_by_one_would_be(scene: Scene, chance: random.Random) -> None:
    """A window of people, each in a random plight: together, in any order, as alone."""
    session, house = scene.session, scene.house
    plights = [case for case in CASES if case.message_class == "marketing"]
    handovers = []
    for number in range(1, 33):
        person = gate_cases.cafe.subscribe(session, house, f"guest-{number}@guest.example")
        current = gate_cases.subscription.of(session, person.id, house.mailing_list.id)
        assert current is not None
        window = Scene(session, house, person, current, scene.note)
        window.handover = {"subscriber_id": person.id, "list_id": house.mailing_list.id, "purpose": "newsletter"}
        plight = chance.choice([case for case in plights if case.name not in _TOUCHES_ALL])
        plight.arrange(window)
        session.flush()
        words = window.handover | {"delivery_id": number, "organisation_id": 1, "template_sha256": TEMPLATE}
        handovers.append(Handover(**words | {"message_class": MessageClass.MARKETING}))
    alone = {one.delivery_id: _shape(permission.grant(session, one)) for one in handovers}
    assert len(set(alone.values())) > 3, "every plight is the same, so nothing is proven"
    for _ in range(3):
        chance.shuffle(handovers)
        together = permission.grant_all(session, handovers)
        assert {number: _shape(said) for number, said in together.items()} == alone


# Plights that befall the whole list, or make rows of one name.
_TOUCHES_ALL = {
    "list archived", "list deleted", "under a text of tomorrow", "never on this list", "somebody else is suppressed",
    "erased, and never on this list",
    "suppressed for another list", "beyond ASCII", "beyond ASCII, and carried",
}  # fmt: skip


def _shape(said: Grant | Refusal) -> tuple[str, int | None]:
    if isinstance(said, Refusal):
        return said.code, None
    return "granted", said.event_id


def test_an_empty_window_is_no_fault(scene: Scene) -> None:
    assert permission.grant_all(scene.session, []) == {}


# The grant


def _granted(scene: Scene) -> Grant:
    with gate_cases.played(scene, CASES[0]):
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
            Grant(maker, handover, HER, None)
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
        Envelope(None, DELIVERY, "hello@cafe.example", HER, b"")


def test_what_cannot_be_written_spends_the_grant(scene: Scene) -> None:
    granted = _granted(scene)

    def broken(_to: str) -> bytes:
        raise ValueError("no words")

    with pytest.raises(ValueError, match="no words"):
        envelope.seal(granted, DELIVERY, TEMPLATE, "hello@cafe.example", broken)
    assert not granted.fresh
