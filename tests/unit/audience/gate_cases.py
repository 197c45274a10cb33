"""What the gate must say, case by case: each clause has a case on either side of it.

A case starts from somebody whom the gate grants, changes one thing, and names the verdict. The cases know the gate's
module only through their scene, so that a gate with one clause turned round can be put in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import confirmation, mailing_list, signup, subscription, suppression
from listkeeper.audience.confirmation import LIFETIME, AskKind, Confirmation
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock
from tests.makers import cafe, signups
from tests.makers.cafe import NO_BRAKES, Cafe

HER = "freja@guest.example"
CITED, UNCITED = f"{HER} cited", f"{HER} uncited"
DELIVERY, TEMPLATE = 5, "t" * 64
_MOMENT = timedelta(milliseconds=1)


@dataclass
class Scene:
    """The rows a case may change, and the hand-over it describes."""

    session: Session
    house: Cafe
    person: Subscriber
    current: Subscription
    note: Confirmation
    handover: dict[str, Any] = field(default_factory=dict)

    def suppress(self, scope: str, reason: Reason = Reason.UNSUBSCRIBED, **more: object) -> None:
        """Suppress her."""
        key = self.person.suppression_key
        self.session.add(Suppression(organisation_id=1, key=key, scope=scope, reason=reason, **more))

    def other_list(self) -> MailingList:
        """Return another list of the house."""
        return mailing_list.create(self.session, self.house.organisation, name="Bread club")

    def ask(self) -> Confirmation:
        """Return a live question put to her."""
        asked = confirmation.ask(
            self.session,
            self.person,
            confirmation.shown_by(self.session, self.note),
            signup_id=self.note.signup_id,
            kind=AskKind.CONFIRM,
            brake_key="b",
            visit_digest="v",
        )
        self.handover["confirmation_id"] = asked.id
        return asked

    def verdict(self, gate: ModuleType) -> str:
        """Return a refusal's code, or the address that was granted and whether an event is cited."""
        self.session.flush()
        words = self.handover | {"message_class": gate.MessageClass(self.handover["message_class"])}
        said = gate.grant(self.session, gate.Handover(**words))
        if isinstance(said, gate.Refusal):
            return str(said.code)
        address = said.open(DELIVERY, TEMPLATE)
        if said.event_id is None:
            return f"{address} uncited"
        return f"{address} {'cited' if said.event_id == self.current.consent_event_id else 'cites another'}"


@dataclass(frozen=True)
class Case:
    """One change, and what the gate must say to it."""

    name: str
    message_class: str
    expected: str
    arrange: Callable[[Scene], object]

    @property
    def id(self) -> str:
        """How the test is called."""
        return f"{self.message_class}: {self.name}"


def prepare(session: Session) -> Scene:
    """Make somebody who is on the list and has just been told so."""
    house = cafe.found(session)
    person = cafe.subscribe(session, house, HER)
    row, _receipt = signups.post(session, house, HER)
    signup.decide(session, row.id, NO_BRAKES)
    note = session.scalars(select(Confirmation).where(Confirmation.kind == AskKind.ALREADY)).one()
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    session.flush()
    return Scene(session, house, person, current, note)


@contextmanager
def played(scene: Scene, case: Case) -> Iterator[Scene]:
    """Arrange a case, and put everything back afterwards."""
    point = scene.session.begin_nested()
    scene.handover = {
        "delivery_id": DELIVERY,
        "organisation_id": scene.house.organisation.id,
        "message_class": case.message_class,
        "template_sha256": TEMPLATE,
        "subscriber_id": scene.person.id,
        "list_id": scene.house.mailing_list.id,
        "purpose": scene.house.mailing_list.purpose,
        "confirmation_id": scene.note.id,
    }
    try:
        case.arrange(scene)
        yield scene
    finally:
        point.rollback()


def _put(what: str, **values: object) -> Callable[[Scene], None]:
    """Change columns of one of the rows, given by a path such as ``house.mailing_list``."""

    def arrange(scene: Scene) -> None:
        row: Any = scene
        for name in what.split("."):
            row = getattr(row, name)
        for name, value in values.items():
            setattr(row, name, value() if callable(value) else value)

    return arrange


def _said(**values: object) -> Callable[[Scene], None]:
    """Describe the hand-over otherwise."""
    return lambda scene: scene.handover.update(values)


def _both(*steps: Callable[[Scene], object]) -> Callable[[Scene], None]:
    def arrange(scene: Scene) -> None:
        for step in steps:
            step(scene)

    return arrange


def _nothing(_scene: Scene) -> None:
    """Leave it as it is."""


def _on_another_list(scene: Scene) -> None:
    scene.handover["list_id"] = scene.other_list().id


def _another_person(scene: Scene) -> Subscriber:
    return cafe.subscribe(scene.session, scene.house, "karl@guest.example")


def _of_another_person(scene: Scene) -> None:
    scene.handover["subscriber_id"] = _another_person(scene).id


def _for_the_list(scene: Scene) -> None:
    scene.suppress(suppression.list_scope(scene.house.mailing_list.id))


def _for_another_list(scene: Scene) -> None:
    scene.suppress(suppression.list_scope(scene.house.mailing_list.id + 1))


def _somebody_else(scene: Scene) -> None:
    key = _another_person(scene).suppression_key
    suppression.add(scene.session, 1, key, scope=suppression.ALL, reason=Reason.LEGAL)


def _suppressed(
    scope: str, reason: Reason = Reason.UNSUBSCRIBED, **more: Callable[[], datetime]
) -> Callable[[Scene], None]:
    return lambda scene: scene.suppress(scope, reason, **{name: value() for name, value in more.items()})


def _with_text_of(moment: Callable[[], datetime]) -> Callable[[Scene], None]:
    def arrange(scene: Scene) -> None:
        confirmation.shown_by(scene.session, scene.note).text.published_at = moment()

    return arrange


def _question(**values: Callable[[], datetime]) -> Callable[[Scene], None]:
    """Put a question to her, live but for these columns."""

    def arrange(scene: Scene) -> None:
        asked = scene.ask()
        for name, value in values.items():
            setattr(asked, name, value())

    return arrange


def _ago(span: timedelta) -> Callable[[], datetime]:
    return lambda: clock.now() - span


_now = clock.now
_later = _ago(-_MOMENT)
_before = _ago(_MOMENT)
_NORDIC = {"email_send": "frøja@guest.example"}

_WHY = {
    SubscriptionState.PENDING: "pending",
    SubscriptionState.EXPIRED: "expired",
    SubscriptionState.UNSUBSCRIBED: "withdrawn",
    SubscriptionState.REFUSED: "withdrawn",
    SubscriptionState.COMPLAINED: "withdrawn",
    SubscriptionState.BOUNCED: "suppressed",
}

_Row = tuple[str, str, Callable[[Scene], object]]

_MARKETING: tuple[_Row, ...] = (
    ("somebody on the list", CITED, _nothing),
    ("no end of validity", CITED, _put("current", valid_until=None)),
    ("valid for a moment", CITED, _put("current", valid_until=_later)),
    ("valid until now", "expired", _put("current", valid_until=_now)),
    ("no longer valid", "expired", _put("current", valid_until=_before)),
    ("never on this list", "no_basis", _on_another_list),
    ("without a basis", "no_basis", _put("current", basis=Basis.NONE)),
    ("without an event", "no_basis", _put("current", consent_event_id=None)),
    ("without a text", "text_unpublished", _put("current", consent_text_id=None)),
    ("under a text of tomorrow", "text_unpublished",
     _with_text_of(_later)),
    ("under a text of this moment", CITED, _with_text_of(_now)),
    ("erased", "erased", _put("person", erased_at=_now)),
    ("restricted", "restricted", _put("person", restricted_at=_now)),
    ("restricted, then erased", "erased", _put("person", restricted_at=_now, erased_at=_now)),
    ("erased, and off the list", "erased",
     _both(_put("person", erased_at=_now), _put("current", state=SubscriptionState.UNSUBSCRIBED))),
    ("erased, and never on this list", "erased", _both(_on_another_list, _put("person", erased_at=_now))),
    ("suppressed altogether", "suppressed", _suppressed(suppression.ALL)),
    ("suppressed for marketing", "suppressed", _suppressed(suppression.MARKETING)),
    ("suppressed for the purpose", "suppressed", _suppressed("purpose:newsletter")),
    ("suppressed for the list", "suppressed", _for_the_list),
    ("suppressed for another list", CITED, _for_another_list),
    ("suppressed for another purpose", CITED, _suppressed("purpose:bread")),
    ("suppressed for confirmations", CITED, _suppressed(suppression.CONFIRMATIONS)),
    ("suppression still running", "suppressed", _suppressed(suppression.ALL, until=_later)),
    ("suppression over", CITED, _suppressed(suppression.ALL, until=_now)),
    ("suppression lifted", CITED, _suppressed(suppression.ALL, lifted_at=_now)),
    ("somebody else is suppressed", CITED, _somebody_else),
    ("list archived", "list_inactive", _put("house.mailing_list", state=ListState.ARCHIVED)),
    ("list deleted", "list_inactive", _put("house.mailing_list", state=ListState.TOMBSTONED)),
    ("another purpose", "purpose_mismatch", _said(purpose="bread")),
    ("no purpose", "purpose_mismatch", _said(purpose=None)),
    ("nobody named", "erased", _said(subscriber_id=None)),
    ("nobody there", "erased", _said(subscriber_id=10**6)),
    ("no list named", "list_inactive", _said(list_id=None)),
    ("no such list", "list_inactive", _said(list_id=10**6)),
    ("nothing named at all", "list_inactive", _said(list_id=None, subscriber_id=None)),
    ("invented for the demo", "invented", _put("person", demo=True)),
    ("invented, in practice", CITED, _both(_put("person", demo=True), _said(practice=True))),
    ("real, in practice", CITED, _said(practice=True)),
    ("beyond ASCII", "transport_no_smtputf8", _put("person", **_NORDIC)),
    ("beyond ASCII, and carried", "frøja@guest.example cited",
     _both(_put("person", **_NORDIC), _said(carries_smtputf8=True))),
    ("plain, on a line that carries more", CITED, _said(carries_smtputf8=True)),
    *((f"{state}", code, _put("current", state=state)) for state, code in _WHY.items()),
)  # fmt: skip

_ASKED = (
    ("no question named", "no_basis", _said(confirmation_id=None)),
    ("no such question", "no_basis", _said(confirmation_id=10**6)),
    ("nobody named", "no_basis", _said(subscriber_id=None)),
    ("somebody else's question", "no_basis", _of_another_person),
    ("about another list", "no_basis", _on_another_list),
    ("no list named", "no_basis", _said(list_id=None)),
)

_DOI: tuple[_Row, ...] = (
    ("a live question", UNCITED, _question()),
    ("nearly too old", UNCITED, _question(created_at=_ago(LIFETIME - _MOMENT))),
    ("too old", "expired", _question(created_at=_ago(LIFETIME))),
    ("answered with yes", "no_basis", _question(used_at=_now)),
    ("answered with no", "withdrawn", _question(refused_at=_now)),
    ("no question but a note", "no_basis", _nothing),
    ("an old note", "no_basis", _put("note", created_at=_ago(LIFETIME * 2))),
    ("erased", "erased", _both(_question(), _put("person", erased_at=_now))),
    ("restricted", "restricted", _both(_question(), _put("person", restricted_at=_now))),
    ("who said not me", "suppressed", _both(_question(), _suppressed(suppression.CONFIRMATIONS))),
    ("who left", UNCITED, _both(_question(), _suppressed(suppression.ALL), _for_the_list)),
    ("list archived", "list_inactive",
     _both(_question(), _put("house.mailing_list", state=ListState.ARCHIVED))),
    ("invented", "invented", _both(_question(), _put("person", demo=True))),
    *((name, code, _both(_question(), arrange)) for name, code, arrange in _ASKED[2:]),
    *_ASKED[:2],
)  # fmt: skip

_SERVICE: tuple[_Row, ...] = (
    ("you are on the list already", CITED, _nothing),
    ("no note but a question", "no_basis", _question()),
    ("never on this list", "no_basis", lambda scene: scene.session.delete(scene.current)),
    ("erased", "erased", _put("person", erased_at=_now)),
    ("restricted", "restricted", _put("person", restricted_at=_now)),
    ("suppressed altogether", "suppressed", _suppressed(suppression.ALL)),
    ("who said not me", "suppressed", _suppressed(suppression.CONFIRMATIONS)),
    ("suppressed for marketing", CITED, _suppressed(suppression.MARKETING)),
    *((f"{state}", code, _put("current", state=state)) for state, code in _WHY.items()),
    *_ASKED,
)

_NEVER_TESTED_ON = {Reason.COMPLAINT, Reason.OBJECTION, Reason.ERASURE, Reason.LEGAL}
_TYPED = _said(typed_address=HER, subscriber_id=None, confirmation_id=None)

_TEST: tuple[_Row, ...] = (
    ("a typed address", UNCITED, _TYPED),
    ("as it was typed", "Freja@guest.example uncited", _both(_TYPED, _said(typed_address="Freja@Guest.example"))),
    ("nothing typed", "no_basis", _both(_TYPED, _said(typed_address=None))),
    ("no address typed", "gate_error", _both(_TYPED, _said(typed_address="freja"))),
    ("beyond ASCII", "transport_no_smtputf8", _both(_TYPED, _said(typed_address="frøja@guest.example"))),
    ("in other letters", "suppressed",
     _both(_TYPED, _said(typed_address="FREJA@GUEST.EXAMPLE"), _suppressed("all", Reason.COMPLAINT))),
    ("complaint lifted", UNCITED, _both(_TYPED, _suppressed("all", Reason.COMPLAINT, lifted_at=_now))),
    *(
        (f"suppressed: {reason}", "suppressed" if reason in _NEVER_TESTED_ON else UNCITED,
         _both(_TYPED, _suppressed("list:1", reason)))
        for reason in Reason
    ),
)  # fmt: skip


CASES: tuple[Case, ...] = (
    *(Case(name, "marketing", code, arrange) for name, code, arrange in _MARKETING),
    *(Case(name, "doi", code, arrange) for name, code, arrange in _DOI),
    *(Case(name, "service", code, arrange) for name, code, arrange in _SERVICE),
    *(Case(name, "test", code, arrange) for name, code, arrange in _TEST),
    *(Case("nobody wrote its clause", kind, "gate_error", _TYPED) for kind in ("transactional", "reply", "system")),
)
