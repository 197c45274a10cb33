"""What the gate must say to mails that are no letters: questions, notes, receipts, links, tests."""

from __future__ import annotations

from listkeeper.accounts.invitation import LIFETIME as INVITATION_LIFETIME
from listkeeper.accounts.user import Role
from listkeeper.audience import suppression
from listkeeper.audience.access_link import LIFETIME as LINK_LIFETIME
from listkeeper.audience.address_change import LIFETIME as CHANGE_LIFETIME
from listkeeper.audience.confirmation import LIFETIME
from listkeeper.audience.handover import NoticeKind
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.proof import checkpoint
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason
from tests.unit.audience.gate_reply_cases import REPLIES
from tests.unit.audience.gate_scene import (
    CITED,
    HER,
    INVITED,
    MOMENT,
    NEW,
    OWNER,
    UNCITED,
    Arrange,
    Case,
    Scene,
    ago,
    anothers,
    both,
    change,
    defended,
    invited,
    link,
    no_ledger,
    nothing,
    now,
    of_another_person,
    off_the_list,
    on_another_list,
    put,
    question,
    receipt,
    receipt_of_another,
    said,
    suppressed,
    under_law,
)
from tests.unit.audience.gate_status_cases import STATUS

Row = tuple[str, str, Arrange]
NO_GUEST = 10**6

_WHY = {
    SubscriptionState.PENDING: "pending",
    SubscriptionState.EXPIRED: "expired",
    SubscriptionState.LAPSED: "lapsed",
    SubscriptionState.UNSUBSCRIBED: "withdrawn",
    SubscriptionState.REFUSED: "withdrawn",
    SubscriptionState.COMPLAINED: "withdrawn",
    SubscriptionState.BOUNCED: "suppressed",
    SubscriptionState.IMPORTED_UNVERIFIED: "no_basis",
}
STATES: tuple[Row, ...] = tuple((f"{state}", code, put("current", state=state)) for state, code in _WHY.items())

_ASKED: tuple[Row, ...] = (
    ("no question named", "no_basis", said(confirmation_id=None)),
    ("no such question", "no_basis", said(confirmation_id=NO_GUEST)),
    ("nobody named", "no_basis", said(subscriber_id=None)),
    ("somebody else's question", "no_basis", of_another_person),
    ("a question put to somebody else", "no_basis", anothers(Scene.ask)),
    ("about another list", "no_basis", on_another_list),
    ("no list named", "no_basis", said(list_id=None)),
)


def _turned(state: SubscriptionState) -> Arrange:
    return put("current", state=state, turned_seq=5)


_DOI: tuple[Row, ...] = (
    ("a live question", UNCITED, question()),
    ("nearly too old", UNCITED, question(created_at=ago(LIFETIME - MOMENT))),
    ("too old", "expired", question(created_at=ago(LIFETIME))),
    ("answered with yes", "no_basis", question(used_at=now)),
    ("answered with no", "withdrawn", question(refused_at=now)),
    ("no question but a note", "no_basis", nothing),
    ("an old note", "no_basis", put("note", created_at=ago(LIFETIME * 2))),
    ("erased", "erased", both(question(), put("person", erased_at=now))),
    ("restricted", "restricted", both(question(), put("person", restricted_at=now))),
    ("who said not me", "suppressed", both(question(), suppressed(suppression.CONFIRMATIONS))),
    ("who left", UNCITED, both(question(), suppressed(suppression.ALL), suppressed("list:+0"))),
    *(
        (f"{state} since", "withdrawn", both(question(asked_seq=5), _turned(state)))
        for state in (SubscriptionState.UNSUBSCRIBED, SubscriptionState.REFUSED, SubscriptionState.COMPLAINED)
    ),
    ("left before", UNCITED, both(question(asked_seq=6), _turned(SubscriptionState.UNSUBSCRIBED))),
    ("bounced since", UNCITED, both(question(asked_seq=5), _turned(SubscriptionState.BOUNCED))),
    ("pending still", UNCITED, both(question(asked_seq=5), _turned(SubscriptionState.PENDING))),
    (
        "left long ago, and asked too late",
        "expired",
        both(question(asked_seq=5, created_at=ago(LIFETIME)), _turned(SubscriptionState.UNSUBSCRIBED)),
    ),
    ("on no list yet", UNCITED, both(question(), off_the_list)),
    ("list archived", "list_inactive", both(question(), put("house.mailing_list", state=ListState.ARCHIVED))),
    ("invented", "invented", both(question(), put("person", demo=True))),
    ("forked", "ledger_forked", both(question(), put("head", forked_at=now))),
    ("before the ledger's first row", UNCITED, both(question(), no_ledger)),
    ("no rules known", UNCITED, both(question(), under_law("atlantis"))),
    *((name, code, both(question(), arrange)) for name, code, arrange in _ASKED[2:]),
    *_ASKED[:2],
)


def _new_address_left(scene: Scene) -> None:
    key = suppression.key_of(1, NEW)
    suppression.add(scene.session, 1, key, scope="list:77", reason=Reason.UNSUBSCRIBED)


_NEW_ADDRESS: tuple[Row, ...] = (
    ("a new address", f"{NEW} uncited", change()),
    ("a new address, no longer confirmed", f"{NEW} uncited", both(change(), said(confirmation_id=None))),
    ("a wish nearly too old", f"{NEW} uncited", change(created_at=ago(CHANGE_LIFETIME - MOMENT))),
    ("a wish too old", "expired", change(created_at=ago(CHANGE_LIFETIME))),
    ("a wish fulfilled", "expired", change(confirmed_at=now)),
    ("a wish taken back", "expired", change(cancelled_at=now)),
    ("no wish named", "no_basis", both(change(id=1), said(notice_id=None))),
    ("no such wish", "no_basis", both(change(), said(notice_id=NO_GUEST))),
    ("somebody else's wish", "no_basis", both(change(), of_another_person)),
    ("a wish of somebody else", "no_basis", anothers(Scene.change)),
    ("nobody's wish", "no_basis", both(change(), said(subscriber_id=None))),
    ("a wish of somebody erased", "erased", both(change(), put("person", erased_at=now))),
    ("a wish of somebody restricted", "restricted", both(change(), put("person", restricted_at=now))),
    ("a new address that said no", "suppressed", both(change(), _new_address_left)),
    ("an old address that said no", f"{NEW} uncited", both(change(), suppressed(suppression.ALL))),
    ("a wish, told as a note", "no_basis", both(change(), said(message_class="service"))),
)


def _of_a_newer_event(scene: Scene) -> None:
    scene.handover["notice_id"] += 1


def _moved(scene: Scene) -> None:
    scene.change().confirmed_at = now()


_SERVICE: tuple[Row, ...] = (
    ("you are on the list already", CITED, nothing),
    ("no note but a question", "no_basis", question()),
    ("never on this list", "no_basis", lambda scene: scene.session.delete(scene.current)),
    ("erased", "erased", put("person", erased_at=now)),
    ("restricted", "restricted", put("person", restricted_at=now)),
    ("suppressed altogether", "suppressed", suppressed(suppression.ALL)),
    ("who said not me", "suppressed", suppressed(suppression.CONFIRMATIONS)),
    ("suppressed for marketing", CITED, suppressed(suppression.MARKETING)),
    ("forked", "ledger_forked", put("head", forked_at=now)),
    *STATES,
    *_ASKED,
    ("a checkpoint as a note", "no_basis", said(notice=NoticeKind.WITNESS)),
    ("an invitation as a note", "no_basis", said(notice=NoticeKind.INVITATION)),
    ("a receipt", CITED, receipt),
    ("a receipt of an older event", "no_basis", receipt_of_another),
    ("a receipt of a newer event", "no_basis", both(receipt, _of_a_newer_event)),
    ("a receipt of nothing", "no_basis", both(receipt, said(notice_id=None))),
    ("a receipt of what no event gave", "no_basis",
     both(put("current", consent_event_id=None), said(notice=NoticeKind.RECEIPT, notice_id=None))),
    ("a receipt for nobody", "no_basis", both(receipt, said(subscriber_id=None))),
    ("a receipt for somebody else", "no_basis", both(receipt, of_another_person)),
    ("a receipt of another list", "no_basis", both(receipt, on_another_list)),
    ("a receipt after leaving", "withdrawn", both(receipt, put("current", state=SubscriptionState.UNSUBSCRIBED))),
    ("a receipt, restricted", "restricted", both(receipt, put("person", restricted_at=now))),
    ("a fresh link", UNCITED, link()),
    ("a link nearly too old", UNCITED, link(created_at=ago(LINK_LIFETIME - MOMENT))),
    ("a link too old", "expired", link(created_at=ago(LINK_LIFETIME))),
    ("a link used", "expired", link(used_at=now)),
    ("no link named", "expired", both(link(id=1), said(notice_id=None))),
    ("no such link", "expired", both(link(), said(notice_id=NO_GUEST))),
    ("somebody else's link", "expired", both(link(), of_another_person)),
    ("a link of somebody else", "expired", anothers(Scene.link)),
    ("nobody's link", "erased", both(link(), said(subscriber_id=None))),
    ("a link of somebody erased", "erased", both(link(), put("person", erased_at=now))),
    ("a link of somebody restricted", UNCITED, both(link(), put("person", restricted_at=now))),
    ("a link of somebody who left", UNCITED, both(link(), suppressed(suppression.ALL))),
    ("a link of somebody who said not me", "suppressed", both(link(), suppressed(suppression.CONFIRMATIONS))),
)  # fmt: skip

_TOLD = said(notice=NoticeKind.OLD_ADDRESS)
_OLD_ADDRESS: tuple[Row, ...] = (
    ("the old address", UNCITED, both(change(confirmed_at=now), _TOLD)),
    ("the old address, whatever else", UNCITED,
     both(change(confirmed_at=now), _TOLD, suppressed(suppression.ALL), put("person", restricted_at=now))),
    ("the old address of nobody", "no_basis", both(change(confirmed_at=now), _TOLD, said(subscriber_id=None))),
    ("an old address of somebody else", "no_basis", both(anothers(_moved), _TOLD)),
    ("the old address of somebody else", "no_basis", both(change(confirmed_at=now), _TOLD, of_another_person)),
    ("no change named", "no_basis", both(change(id=1, confirmed_at=now), _TOLD, said(notice_id=None))),
    ("no such change", "no_basis", both(change(confirmed_at=now), _TOLD, said(notice_id=NO_GUEST))),
    ("no old address kept", "no_basis", both(change(confirmed_at=now, old_address=None), _TOLD)),
    ("a change never made", "no_basis", both(change(), _TOLD)),
    ("a change taken back", "no_basis", both(change(confirmed_at=now, cancelled_at=now), _TOLD)),
)  # fmt: skip

_NEVER_TESTED_ON = {Reason.COMPLAINT, Reason.OBJECTION, Reason.ERASURE, Reason.LEGAL}
_TYPED = said(typed_address=HER, subscriber_id=None, confirmation_id=None)

_TEST: tuple[Row, ...] = (
    ("a typed address", UNCITED, _TYPED),
    ("as it was typed", "Freja@guest.example uncited", both(_TYPED, said(typed_address="Freja@Guest.example"))),
    ("nothing typed", "no_basis", both(_TYPED, said(typed_address=None))),
    ("no address typed", "gate_error", both(_TYPED, said(typed_address="freja"))),
    ("beyond ASCII", "transport_no_smtputf8", both(_TYPED, said(typed_address="frøja@guest.example"))),
    ("in other letters", "suppressed",
     both(_TYPED, said(typed_address="FREJA@GUEST.EXAMPLE"), suppressed("all", Reason.COMPLAINT))),
    ("complaint lifted", UNCITED, both(_TYPED, suppressed("all", Reason.COMPLAINT, lifted_at=now))),
    ("forked", "ledger_forked", both(_TYPED, put("head", forked_at=now))),
    *(
        (f"suppressed: {reason}", "suppressed" if reason in _NEVER_TESTED_ON else UNCITED,
         both(_TYPED, suppressed("list:1", reason)))
        for reason in Reason
    ),
)  # fmt: skip


def _witness(named: str | None = HER, **values: object) -> Arrange:
    """Mail a checkpoint to the mailbox that the owner names, but for these words of the hand-over."""

    def arrange(scene: Scene) -> None:
        scene.house.organisation.witness_address = named
        made = checkpoint.make(scene.session, scene.house.organisation)
        if values.get("notice_id", made.id) is None:
            made.id = 1
        about = {"notice": NoticeKind.WITNESS, "notice_id": made.id, "typed_address": named}
        nobody = {"subscriber_id": None, "list_id": None, "purpose": None, "confirmation_id": None}
        scene.handover |= about | nobody | values

    return arrange


def _for_the_list(scene: Scene) -> None:
    scene.handover["list_id"] = scene.house.mailing_list.id


def _for_herself(scene: Scene) -> None:
    scene.handover["subscriber_id"] = scene.person.id


_CHECKPOINTS: tuple[Row, ...] = (
    ("a checkpoint to the mailbox named", UNCITED, _witness()),
    ("no notice", "no_basis", _witness(notice=None)),
    ("another notice", "no_basis", _witness(notice=NoticeKind.RECEIPT)),
    ("a checkpoint to a subscriber", "no_basis", both(_witness(), _for_herself)),
    ("a checkpoint about a list", "no_basis", both(_witness(), _for_the_list)),
    ("no checkpoint named", "no_basis", _witness(notice_id=None)),
    ("no such checkpoint", "no_basis", _witness(notice_id=NO_GUEST)),
    ("a checkpoint of another organisation", "no_basis", _witness(organisation_id=2)),
    ("no mailbox named", "no_basis", _witness(named=None)),
    ("no mailbox named any more", "no_basis", _witness(named=None, typed_address=HER)),
    ("another mailbox by now", "no_basis", _witness(typed_address=NEW)),
    ("no mailbox in the row", "no_basis", _witness(typed_address=None)),
    ("a mailbox that is none", "gate_error", _witness(named="freja")),
    ("a mailbox beyond ASCII", "transport_no_smtputf8", _witness(named="frøja@guest.example")),
    ("forked", "ledger_forked", both(_witness(), put("head", forked_at=now))),
    *(
        (f"a mailbox suppressed: {reason}", "suppressed" if reason in _NEVER_TESTED_ON else UNCITED,
         both(_witness(), suppressed("list:1", reason)))
        for reason in Reason
    ),
)  # fmt: skip

_INVITATIONS: tuple[Row, ...] = (
    ("an invitation", f"{INVITED} uncited", invited()),
    ("an invitation nearly too old", f"{INVITED} uncited", invited(created_at=ago(INVITATION_LIFETIME - MOMENT))),
    ("an invitation too old", "expired", invited(created_at=ago(INVITATION_LIFETIME))),
    ("an invitation used", "expired", invited(used_at=now)),
    ("an invitation withdrawn", "expired", invited(withdrawn_at=now)),
    ("an invitation to nobody any more", "expired", invited(address=None)),
    ("an invitation of another business", "no_basis", both(invited(), said(organisation_id=2))),
    ("no invitation named", "no_basis", both(invited(id=1), said(notice_id=None))),
    ("no such invitation", "no_basis", both(invited(), said(notice_id=NO_GUEST))),
    ("a system mail about something else", "no_basis", both(invited(), said(notice=NoticeKind.ACCESS))),
    ("a system mail about nothing", "no_basis", both(invited(), said(notice=None))),
    ("a system mail to a reader of letters", "no_basis", both(_TYPED, said(list_id=None))),
    ("an invitation while the ledger has forked", "ledger_forked", both(invited(), put("head", forked_at=now))),
    ("an invitation to somebody who complained", "suppressed",
     both(invited(address=HER), suppressed("list:1", Reason.COMPLAINT))),
    ("an invitation to somebody who unsubscribed", UNCITED,
     both(invited(address=HER), suppressed("list:1", Reason.UNSUBSCRIBED))),
)  # fmt: skip
_DEFENCES: tuple[Row, ...] = (
    ("a defence", f"{OWNER} uncited", defended()),
    ("a defence of another business", "no_basis", both(defended(), said(organisation_id=2))),
    ("no defence named", "no_basis", both(defended(id=1), said(notice_id=None))),
    ("no such defence", "no_basis", both(defended(), said(notice_id=NO_GUEST))),
    ("a defence told to nobody", "no_basis", both(defended(), said(typed_address=None))),
    ("a defence told to a subscriber", "no_basis", both(defended(), said(typed_address=HER))),
    ("a defence told to an editor", "no_basis", both(defended(), put("house.owner", role=Role.EDITOR))),
    ("a defence told to who works here no more", "no_basis", both(defended(), put("house.owner", active=False))),
    ("a defence while the ledger has forked", "ledger_forked", both(defended(), put("head", forked_at=now))),
    ("a defence told to an owner who complained", "suppressed",
     both(both(defended(), put("house.owner", address=HER)),
          both(said(typed_address=HER), suppressed("list:1", Reason.COMPLAINT)))),
)  # fmt: skip
_STANDSTILL = said(
    notice=NoticeKind.INCIDENT, notice_id=7, typed_address=OWNER, subscriber_id=None, list_id=None, confirmation_id=None
)
_INCIDENTS: tuple[Row, ...] = (
    ("an incident", f"{OWNER} uncited", _STANDSTILL),
    ("an incident of another business", "no_basis", both(_STANDSTILL, said(organisation_id=2))),
    ("no incident named", "no_basis", both(_STANDSTILL, said(notice_id=None))),
    ("an incident told to nobody", "no_basis", both(_STANDSTILL, said(typed_address=None))),
    ("an incident told to a subscriber", "no_basis", both(_STANDSTILL, said(typed_address=HER))),
    ("an incident told to an editor", "no_basis", both(_STANDSTILL, put("house.owner", role=Role.EDITOR))),
    ("an incident told to who works here no more", "no_basis", both(_STANDSTILL, put("house.owner", active=False))),
    ("an incident while the ledger has forked", "ledger_forked", both(_STANDSTILL, put("head", forked_at=now))),
    ("an incident told to an owner who complained", "suppressed",
     both(both(_STANDSTILL, put("house.owner", address=HER)),
          both(said(typed_address=HER), suppressed("list:1", Reason.COMPLAINT)))),
)  # fmt: skip
_NOBODY = {name: both(_TYPED, said(list_id=None)) for name in ("transactional",)}


NOTICES: tuple[Case, ...] = (
    *(Case(name, "doi", code, arrange) for name, code, arrange in (*_DOI, *_NEW_ADDRESS)),
    *(Case(name, "service", code, arrange) for name, code, arrange in (*_SERVICE, *_OLD_ADDRESS)),
    *(Case(name, "test", code, arrange) for name, code, arrange in _TEST),
    *(
        Case(name, "system", code, arrange)
        for name, code, arrange in (*_CHECKPOINTS, *_INVITATIONS, *_DEFENCES, *_INCIDENTS)
    ),
    *REPLIES,
    *STATUS,
    *(Case("nobody wrote its clause", kind, "gate_error", arrange) for kind, arrange in _NOBODY.items()),
)
