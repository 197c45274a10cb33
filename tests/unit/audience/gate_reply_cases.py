"""What the gate must say to answers: to those who wrote to us, and to nobody else."""

from __future__ import annotations

from listkeeper.audience import suppression
from listkeeper.audience.suppression import Reason
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.foundation import clock
from tests.unit.audience.gate_scene import (
    HER,
    MOMENT,
    NEW,
    UNCITED,
    Arrange,
    Case,
    Scene,
    ago,
    both,
    now,
    of_another_person,
    put,
    said,
    suppressed,
)

_NO_GUEST = 10**6


def _begin(scene: Scene) -> Conversation:
    moment = clock.now()
    made = Conversation(
        organisation_id=scene.house.organisation.id,
        subscriber_id=scene.person.id,
        sender_key=scene.person.suppression_key,
        own_address=True,
        opened_at=moment,
        last_in_at=moment,
        waits_since=moment,
    )
    scene.session.add(made)
    scene.session.flush()
    scene.handover |= {"notice_id": made.id, "list_id": None, "purpose": None, "confirmation_id": None}
    return made


def _begun(**values: object) -> Arrange:
    """Let her have written to us, but for these columns."""

    def arrange(scene: Scene) -> None:
        row = _begin(scene)
        for name, value in values.items():
            setattr(row, name, value() if callable(value) else value)

    return arrange


def _stranger(**values: object) -> Arrange:
    """Let somebody have written who is no subscriber."""

    def arrange(scene: Scene) -> None:
        _begun(subscriber_id=None, sender_key=suppression.key_of(1, NEW), own_address=False)(scene)
        scene.handover |= {"subscriber_id": None, "typed_address": NEW} | values

    return arrange


def _elsewhere(**values: object) -> Arrange:
    """Let her have written from an address that we do not know her by."""
    return both(
        _begun(sender_key=lambda: suppression.key_of(1, NEW), own_address=False, **values), said(typed_address=NEW)
    )


def _stranger_suppressed(reason: Reason) -> Arrange:
    return lambda scene: suppression.add(
        scene.session, 1, suppression.key_of(1, NEW), scope=suppression.ALL, reason=reason
    )


def _in_other_state(state: ConversationState, expected: str) -> tuple[str, str, Arrange]:
    return (f"a conversation {state}", expected, _begun(state=state))


_HERS = (
    ("who wrote to us", UNCITED, _begun()),
    _in_other_state(ConversationState.ANSWERED, UNCITED),
    _in_other_state(ConversationState.DONE, UNCITED),
    _in_other_state(ConversationState.SET_ASIDE, "no_basis"),
    ("none named", "no_basis", both(_begun(id=1), said(notice_id=None))),
    ("no such conversation", "no_basis", both(_begun(), said(notice_id=_NO_GUEST))),
    ("a conversation of another business", "no_basis", both(_stranger(), said(organisation_id=2))),
    ("a conversation with somebody else", "no_basis", both(_begun(), of_another_person)),
    ("a conversation with nobody any more", "no_basis", _begun(subscriber_id=None)),
    ("somebody forgotten", "erased", both(_begun(subscriber_id=None), said(subscriber_id=None))),
    ("erased", "erased", both(_begun(), put("person", erased_at=now))),
    ("restricted", "restricted", both(_begun(), put("person", restricted_at=now))),
    ("beyond ASCII", "transport_no_smtputf8", both(_begun(), put("person", email_send="frøja@guest.example"))),
    ("invented", "invented", both(_begun(), put("person", demo=True))),
    ("forked", "ledger_forked", both(_begun(), put("head", forked_at=now))),
    ("who complained before she wrote", UNCITED,
     both(_begun(), suppressed(suppression.ALL, Reason.COMPLAINT, created_at=ago(MOMENT)))),
    ("who complained when she wrote", "suppressed", both(_begun(), suppressed(suppression.ALL, Reason.COMPLAINT))),
    ("who complained since she wrote", "suppressed",
     both(_begun(last_in_at=ago(MOMENT)), suppressed(suppression.ALL, Reason.COMPLAINT))),
    ("who complained, and it was lifted", UNCITED,
     both(_begun(), suppressed(suppression.ALL, Reason.COMPLAINT, lifted_at=now))),
    *(
        (f"suppressed: {reason}", "suppressed" if reason in {Reason.ERASURE, Reason.LEGAL} else UNCITED,
         both(_begun(), suppressed(suppression.ALL, reason, created_at=ago(MOMENT))))
        for reason in Reason
    ),
    ("left for good since", UNCITED, both(_begun(), suppressed(suppression.ALL, Reason.OBJECTION))),
)  # fmt: skip
_OTHERS = (
    ("a stranger who wrote", f"{NEW} uncited", _stranger()),
    ("another than the stranger who wrote", "no_basis", _stranger(typed_address=HER)),
    ("a stranger without an address", "erased", _stranger(typed_address=None)),
    ("what is no address", "gate_error", _stranger(typed_address="freja")),
    ("a stranger who is suppressed", "suppressed", both(_stranger(), _stranger_suppressed(Reason.LEGAL))),
    ("a stranger who left", f"{NEW} uncited", both(_stranger(), _stranger_suppressed(Reason.UNSUBSCRIBED))),
    ("her other address", f"{NEW} uncited", _elsewhere()),
    ("her other address, restricted", "restricted", both(_elsewhere(), put("person", restricted_at=now))),
    ("her other address, erased", "erased", both(_elsewhere(), put("person", erased_at=now))),
    ("an address typed beside", "no_basis", both(_begun(), said(typed_address=NEW))),
    ("nobody wrote", "no_basis", said(list_id=None, confirmation_id=None)),
    ("nobody wrote, an address typed", "no_basis",
     said(typed_address=HER, subscriber_id=None, list_id=None, confirmation_id=None)),
)  # fmt: skip

REPLIES: tuple[Case, ...] = tuple(Case(name, "reply", code, arrange) for name, code, arrange in (*_HERS, *_OTHERS))
