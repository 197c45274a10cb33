"""What the gate must say to status notices: no less is asked than of a letter, and the two never mix."""

from __future__ import annotations

from datetime import timedelta

from listkeeper.audience import suppression
from listkeeper.audience.handover import NoticeKind
from listkeeper.audience.mailing_list import PURPOSE, SERVICE, ListState
from listkeeper.audience.subscription import Basis, Frequency, SubscriptionState
from listkeeper.audience.suppression import Reason
from tests.unit.audience.gate_scene import (
    CITED,
    Arrange,
    Case,
    Scene,
    ago,
    before,
    both,
    later,
    ledger_row,
    now,
    on_another_list,
    put,
    said,
    suppressed,
    under_law,
    with_text,
)

# The café's list is for status notices: she said yes to those, and a letter about one is handed over.
_ON_IT = both(put("house.mailing_list", purpose=SERVICE), put("current", purpose=SERVICE))
_TOLD = both(_ON_IT, said(purpose=SERVICE, notice=NoticeKind.STATUS, notice_id=7, important=True))
_SOFT = (Basis.SOFT_OPT_IN, Basis.SOFT_OPT_IN_CHARITY)


def _told(*steps: Arrange) -> Arrange:
    def arrange(scene: Scene) -> None:
        for step in (_TOLD, *steps):
            step(scene)

    return arrange


_STATES = {
    SubscriptionState.PENDING: "pending",
    SubscriptionState.UNSUBSCRIBED: "withdrawn",
    SubscriptionState.COMPLAINED: "withdrawn",
    SubscriptionState.BOUNCED: "suppressed",
    SubscriptionState.IMPORTED_UNVERIFIED: "no_basis",
}
_NOTICES: tuple[tuple[str, str, Arrange], ...] = (
    ("a status notice", CITED, _TOLD),
    ("a status notice to people who said yes to letters", "purpose_mismatch",
     _told(put("house.mailing_list", purpose=PURPOSE), put("current", purpose=PURPOSE), said(purpose=PURPOSE))),
    ("a status notice to who said yes to letters before", "purpose_mismatch", _told(put("current", purpose=PURPOSE))),
    ("a status notice that calls itself news", "purpose_mismatch", _told(said(purpose=PURPOSE))),
    ("a status notice of a third purpose", "purpose_mismatch",
     _told(put("house.mailing_list", purpose="bread"), put("current", purpose="bread"), said(purpose="bread"))),
    ("a status notice about another list", "no_basis", _told(on_another_list)),
    ("a status notice to somebody erased", "erased", _told(put("person", erased_at=now))),
    ("a status notice to somebody restricted", "restricted", _told(put("person", restricted_at=now))),
    ("a status notice, no basis", "no_basis", _told(put("current", basis=Basis.NONE))),
    ("a status notice, the ledger cut off", "no_basis", _told(ledger_row(1))),
    ("a status notice under a text of tomorrow", "text_unpublished", _told(with_text(published_at=later))),
    ("a status notice, no longer valid", "expired", _told(put("current", valid_until=before))),
    ("a status notice on a closed list", "list_inactive", _told(put("house.mailing_list", state=ListState.ARCHIVED))),
    ("a status notice under rules nobody knows", "gate_error", _told(under_law("atlantis"))),
    ("a status notice while the ledger has forked", "ledger_forked", _told(put("head", forked_at=now))),
    *((f"a status notice, {state}", code, _told(put("current", state=state))) for state, code in _STATES.items()),
    ("a status notice to who left its list", "suppressed", _told(suppressed("list:+0"))),
    ("a status notice to who left another list", CITED, _told(suppressed("list:+1"))),
    ("a status notice to who wants none", "suppressed", _told(suppressed("purpose:service"))),
    ("a status notice to who left the letters", CITED, _told(suppressed("purpose:newsletter"))),
    ("a status notice to who complained", "suppressed", _told(suppressed(suppression.MARKETING, Reason.COMPLAINT))),
    ("a status notice to who objected", "suppressed", _told(suppressed(suppression.MARKETING, Reason.OBJECTION))),
    ("a status notice to who was forgotten", "suppressed", _told(suppressed(suppression.ALL, Reason.ERASURE))),
    ("a status notice to who paused", "snoozed", _told(put("current", snooze_until=later))),
    ("a status notice to who wants fewer letters", CITED,
     _told(put("current", frequency=Frequency.MONTHLY, last_contact_at=ago(timedelta(hours=1))))),
    ("a status notice to who wants important ones only", CITED, _told(put("current", frequency=Frequency.IMPORTANT))),
    *((f"a status notice is about no product, {basis}", CITED,
       _told(under_law("uk"), put("current", basis=basis, categories=["buns"]))) for basis in _SOFT),
)  # fmt: skip
_LETTERS: tuple[tuple[str, str, Arrange], ...] = (
    ("a letter to people who hear of trouble only", "purpose_mismatch", both(_ON_IT, said(purpose=SERVICE))),
    ("a letter to them that calls itself a notice", "purpose_mismatch", _TOLD),
    ("a letter of a third purpose", CITED,
     both(both(put("house.mailing_list", purpose="bread"), put("current", purpose="bread")), said(purpose="bread"))),
)  # fmt: skip

STATUS: tuple[Case, ...] = (
    *(Case(name, "service", code, arrange) for name, code, arrange in _NOTICES),
    *(Case(name, "marketing", code, arrange) for name, code, arrange in _LETTERS),
)
