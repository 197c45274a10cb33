"""The stage of the gate's cases: somebody whom the gate grants, and verbs that change one thing about her.

The cases know the gate's module only through ``Scene.verdict``, so that a gate with one clause turned round can be
put in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import invitation
from listkeeper.accounts.invitation import Invitation
from listkeeper.accounts.user import Role
from listkeeper.audience import (
    access_link,
    address_change,
    confirmation,
    consent,
    jurisdiction,
    mailing_list,
    signup,
    subscription,
    suppression,
)
from listkeeper.audience.access_link import AccessLink
from listkeeper.audience.address_change import AddressChange
from listkeeper.audience.confirmation import Ask, AskKind, Confirmation
from listkeeper.audience.guard import defence
from listkeeper.audience.guard.defence import SignupDefence
from listkeeper.audience.handover import Handover, MessageClass, NoticeKind, Refusal
from listkeeper.audience.jurisdiction import Profile
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import LedgerHead
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock
from tests.makers import cafe, signups
from tests.makers.cafe import NO_BRAKES, Cafe

HER, NEW, INVITED = "freja@guest.example", "freja@new.example", "gerd@cafe.example"
OWNER = "owner@cafe.example"
# The verdicts that are no refusals: whether what was granted cites the very event and the very row that carry it.
CITED, UNCITED, CLAIMED = f"{HER} cited", f"{HER} uncited", f"{HER} claimed"
DELIVERY, TEMPLATE = 5, "t" * 64
MOMENT = timedelta(milliseconds=1)


@dataclass
class Scene:
    """The rows a case may change, and the hand-over it describes."""

    session: Session
    house: Cafe
    person: Subscriber
    current: Subscription
    note: Confirmation
    handover: dict[str, Any] = field(default_factory=dict)

    @property
    def head(self) -> LedgerHead:
        """Where the ledger ends."""
        return self.session.get_one(LedgerHead, self.house.organisation.id)

    def suppress(self, scope: str, reason: Reason = Reason.UNSUBSCRIBED, **more: object) -> None:
        """Suppress her."""
        key = self.person.suppression_key
        self.session.add(Suppression(organisation_id=1, key=key, scope=scope, reason=reason, **more))

    def other_list(self) -> MailingList:
        """Return another list of the house."""
        return mailing_list.create(self.session, self.house.organisation, name="Bread club")

    def another(self) -> Subscriber:
        """Return another person on the list."""
        return cafe.subscribe(self.session, self.house, "karl@guest.example")

    def ask(self) -> Confirmation:
        """Return a live question put to her."""
        shown = confirmation.shown_by(self.session, self.note)
        asked = confirmation.ask(
            self.session, shown, Ask(self.person, self.note.signup_id, AskKind.CONFIRM, "b", "v", (self.note.list_id,))
        )
        self.handover["confirmation_id"] = asked.id
        return asked

    def link(self) -> AccessLink:
        """Return a fresh link to her own page."""
        made = access_link.ask(self.session, self.person)
        assert made is not None
        self.handover |= {"notice": NoticeKind.ACCESS, "notice_id": made.id}
        return made

    def change(self) -> AddressChange:
        """Return her wish to move to another address."""
        made = address_change.ask(self.session, self.person, NEW)
        self.handover |= {"notice": NoticeKind.NEW_ADDRESS, "notice_id": made.id}
        return made

    def invite(self) -> Invitation:
        """Invite somebody to the studio; no subscriber and no list is part of it."""
        made = invitation.invite(self.session, self.house.organisation, INVITED, Role.EDITOR, actor="user:1")
        nobody = {"subscriber_id": None, "list_id": None, "confirmation_id": None}
        self.handover |= nobody | {"notice": NoticeKind.INVITATION, "notice_id": made.id}
        return made

    def defend(self) -> SignupDefence:
        """Defend the house's form, and tell its owner."""
        made = defence.raise_step(self.session, self.house.form, defence.Reason.BOUNCES)
        nobody = {"subscriber_id": None, "list_id": None, "confirmation_id": None}
        self.handover |= nobody | {"notice": NoticeKind.DEFENCE, "notice_id": made.id, "typed_address": OWNER}
        return made

    def verdict(self, gate: ModuleType) -> str:
        """Return a refusal's code, or the address that was granted and what is cited for it."""
        self.session.flush()
        words = self.handover | {"message_class": MessageClass(self.handover["message_class"])}
        said = gate.grant(self.session, Handover(**words))
        if isinstance(said, Refusal):
            return str(said.code)
        address = said.open(DELIVERY, TEMPLATE)
        head = ledger.head(self.session, self.house.organisation.id)
        if said.head_seq != (head.seq if head else 0):
            return f"{address} under another ledger"
        return f"{address} {self._cited(said.event_id, said.ledger_seq)}"

    def _cited(self, event_id: int | None, ledger_seq: int | None) -> str:
        if event_id is None and ledger_seq is None:
            return "uncited"
        if (event_id, ledger_seq) != (self.current.consent_event_id, self.current.ledger_seq):
            return "cites another"
        return "claimed" if event_id is None else "cited"


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
    _count_on(session, house)
    person = cafe.subscribe(session, house, HER)
    row, _receipt = signups.post(session, house, HER)
    signup.decide(session, row.id, NO_BRAKES)
    note = session.scalars(select(Confirmation).where(Confirmation.kind == AskKind.ALREADY)).one()
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    session.flush()
    return Scene(session, house, person, current, note)


def _count_on(session: Session, house: Cafe) -> None:
    """Let rows have large numbers: Python takes equal small ones for the same, and a gate may not rest on that."""
    crowd = {"organisation_id": house.organisation.id, "email_send": "x", "email_key": "x", "language": "en"}
    session.add(Subscriber(id=1_000, suppression_key="x", **crowd))
    told = {"organisation_id": house.organisation.id, "list_id": house.mailing_list.id, "subject_ref": "f" * 32}
    kinds = {"kind": consent.EventKind.REQUESTED, "method": consent.Method.FORM, "at": clock.now()}
    session.add(consent.ConsentEvent(id=1_000, **told, **kinds))
    session.flush()


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
    law = jurisdiction.profile
    try:
        case.arrange(scene)
        yield scene
    finally:
        jurisdiction.profile = law
        point.rollback()
        # What another gate may have left in memory is read again.
        scene.session.expire_all()


# Verbs that arrange a case

Arrange = Callable[[Scene], object]


def put(what: str, **values: object) -> Arrange:
    """Change columns of one of the rows, given by a path such as ``house.mailing_list``."""

    def arrange(scene: Scene) -> None:
        row: Any = scene
        for name in what.split("."):
            row = getattr(row, name)
        for name, value in values.items():
            setattr(row, name, value() if callable(value) else value)

    return arrange


def said(**values: object) -> Arrange:
    """Describe the hand-over otherwise."""
    return lambda scene: scene.handover.update(values)


def both(*steps: Arrange) -> Arrange:
    """Take several steps."""

    def arrange(scene: Scene) -> None:
        for step in steps:
            step(scene)

    return arrange


def nothing(_scene: Scene) -> None:
    """Leave it as it is."""


def on_another_list(scene: Scene) -> None:
    """Hand it over for a list she never joined."""
    scene.handover["list_id"] = scene.other_list().id


def off_the_list(scene: Scene) -> None:
    """Leave her without a word about this list: what she said was about another one."""
    scene.current.list_id = scene.other_list().id


def of_another_person(scene: Scene) -> None:
    """Hand it over to somebody else."""
    scene.handover["subscriber_id"] = scene.another().id


def suppressed(scope: str, reason: Reason = Reason.UNSUBSCRIBED, **more: Callable[[], datetime]) -> Arrange:
    """Suppress her; ``list:+0`` is this list and ``list:+1`` one that is not."""

    def arrange(scene: Scene) -> None:
        kind, _, step = scope.partition(":+")
        named = suppression.list_scope(scene.house.mailing_list.id + int(step)) if step else kind
        scene.suppress(named, reason, **{name: value() for name, value in more.items()})

    return arrange


def anothers(verb: Callable[[Scene], object]) -> Arrange:
    """Hand over to her what is another person's: her question, her link, her wish."""

    def arrange(scene: Scene) -> None:
        other = scene.another()
        theirs = replace(scene, person=other)
        theirs.handover = scene.handover
        verb(theirs)

    return arrange


def somebody_else_suppressed(scene: Scene) -> None:
    """Suppress somebody else altogether."""
    key = scene.another().suppression_key
    suppression.add(scene.session, 1, key, scope=suppression.ALL, reason=Reason.LEGAL)


def with_text(**values: object) -> Arrange:
    """Change the text she agreed to."""

    def arrange(scene: Scene) -> None:
        text = confirmation.shown_by(scene.session, scene.note).text
        for name, value in values.items():
            setattr(text, name, value() if callable(value) else value)

    return arrange


def seen_by_ledger(ahead: timedelta) -> Arrange:
    """Let the ledger have seen a later moment than the clock tells, because the clock was set back."""

    def arrange(scene: Scene) -> None:
        scene.head.at = clock.in_milliseconds(clock.now() + ahead)

    return arrange


def ledger_row(beyond_head: int) -> Arrange:
    """Let her subscription cite a row so far beyond the ledger's end."""

    def arrange(scene: Scene) -> None:
        scene.current.ledger_seq = scene.head.seq + beyond_head

    return arrange


def no_ledger(scene: Scene) -> None:
    """Take the ledger's end away."""
    scene.session.delete(scene.head)


def under_law(code: str, **rules: Any) -> Arrange:  # noqa: ANN401 - a profile's own fields
    """Put the list under a country's rules, with some of them changed."""

    def arrange(scene: Scene) -> None:
        scene.house.mailing_list.jurisdiction = code
        if rules:
            real = jurisdiction.profile

            def changed(wanted: str, on: Any) -> Profile:  # noqa: ANN401 - a day, as there
                return replace(real(wanted, on), **rules)

            jurisdiction.profile = changed  # type: ignore[assignment]

    return arrange


def question(**values: object) -> Arrange:
    """Put a question to her, live but for these columns."""
    return _made(Scene.ask, values)


def link(**values: object) -> Arrange:
    """Mail her a link to her own page, live but for these columns; an ``id`` of 1 is what a careless gate looks for."""
    return _made(Scene.link, values)


def change(**values: object) -> Arrange:
    """Let her wish for another address, live but for these columns."""
    return _made(Scene.change, values)


def defended(**values: object) -> Arrange:
    """Let the form be defended and its owner told."""
    return _made(Scene.defend, values)


def invited(**values: object) -> Arrange:
    """Let somebody be invited to the studio, live but for these columns."""
    return _made(Scene.invite, values)


def _made(verb: Callable[[Scene], object], values: dict[str, Any]) -> Arrange:
    def arrange(scene: Scene) -> None:
        row = verb(scene)
        for name, value in values.items():
            setattr(row, name, value() if callable(value) else value)

    return arrange


def receipt(scene: Scene) -> None:
    """Describe the receipt of the consent that carries her subscription."""
    scene.handover |= {"notice": NoticeKind.RECEIPT, "notice_id": scene.current.consent_event_id}


def receipt_of_another(scene: Scene) -> None:
    """Describe the receipt of an older event of hers."""
    history = consent.history(scene.session, scene.person)
    scene.handover |= {"notice": NoticeKind.RECEIPT, "notice_id": history[0].id}


def ago(span: timedelta) -> Callable[[], datetime]:
    """Return a moment before now."""
    return lambda: clock.now() - span


now = clock.now
later = ago(-MOMENT)
before = ago(MOMENT)
