"""The clauses of the permission gate, one function per class of message, each a list of demands.

Every demand answers with a refusal or with nothing. What no clause grants is refused, nor what cannot be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from listkeeper.accounts import user
from listkeeper.accounts.invitation import Invitation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import access_link, address_change, confirmation, suppression
from listkeeper.audience.confirmation import AskKind, Confirmation
from listkeeper.audience.gate_facts import Held, ListRules, Person
from listkeeper.audience.gate_view import View
from listkeeper.audience.guard.defence import SignupDefence
from listkeeper.audience.handover import MessageClass, NoticeKind, RefusalCode
from listkeeper.audience.jurisdiction import Profile
from listkeeper.audience.mailing_list import SERVICE, ListState
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.subscription import Basis, Frequency, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.foundation import clock
from listkeeper.standards import address


class Granted(NamedTuple):
    """The clause's yes: where to, and what authorises it (a consent event's row, a row of the ledger)."""

    recipient: str
    event_id: int | None = None
    ledger_seq: int | None = None


Verdict = RefusalCode | Granted
_SOFT = frozenset({Basis.SOFT_OPT_IN, Basis.SOFT_OPT_IN_CHARITY})
# A little less than a week and a month, so that a letter sent every Friday at ten is not taken for too early.
_PAUSES = {Frequency.WEEKLY: timedelta(days=6, hours=12), Frequency.MONTHLY: timedelta(days=27)}


def marketing(_session: Session, view: View) -> Verdict:
    """Demand: a live basis for this purpose, under a published text, on a living list, not suppressed."""
    person, current, mailing_list = view.subscriber, view.subscription, view.mailing_list
    if mailing_list is None:
        return RefusalCode.LIST_INACTIVE
    if view.profile is None:
        return RefusalCode.GATE_ERROR
    if person is None:
        return RefusalCode.ERASED
    if current is None:
        return _not_a_living_person(person) or RefusalCode.NO_BASIS
    refused = (
        _not_a_living_person(person)
        or _no_live_subscription(current)
        or _basis_does_not_carry(view, current, person)
        or _run_out(view, current, view.profile)
        or _not_as_the_country_demands(view.profile, current, mailing_list)
        or _not_by_this_list(view, current, mailing_list)
        or _not_wanted_now(view, current)
    )
    return refused or Granted(person.email_send, current.consent_event_id, current.ledger_seq)


def _not_a_living_person(person: Person) -> RefusalCode | None:
    if person.erased_at is not None:
        return RefusalCode.ERASED
    return RefusalCode.RESTRICTED if person.restricted_at is not None else None


_WHY_NOT_CONFIRMED = {
    SubscriptionState.PENDING: RefusalCode.PENDING,
    SubscriptionState.EXPIRED: RefusalCode.EXPIRED,
    SubscriptionState.LAPSED: RefusalCode.LAPSED,
    SubscriptionState.UNSUBSCRIBED: RefusalCode.WITHDRAWN,
    SubscriptionState.REFUSED: RefusalCode.WITHDRAWN,
    SubscriptionState.COMPLAINED: RefusalCode.WITHDRAWN,
    SubscriptionState.BOUNCED: RefusalCode.SUPPRESSED,
    SubscriptionState.IMPORTED_UNVERIFIED: RefusalCode.NO_BASIS,
}


def _no_live_subscription(current: Held) -> RefusalCode | None:
    if current.state is not SubscriptionState.CONFIRMED:
        return _WHY_NOT_CONFIRMED.get(current.state, RefusalCode.GATE_ERROR)
    return RefusalCode.NO_BASIS if current.basis is Basis.NONE else None


def _basis_does_not_carry(view: View, current: Held, person: Person) -> RefusalCode | None:
    """Demand the ledger row that carries the basis, and for a consent given here the text that was published then."""
    if not _in_ledger(view, current, person):
        return RefusalCode.NO_BASIS
    if current.import_id is not None:
        return None if view.claim_stands else RefusalCode.NO_BASIS
    if current.consent_event_id is None:
        return RefusalCode.NO_BASIS
    return _text_not_published(view, current)


def _in_ledger(view: View, current: Held, person: Person) -> bool:
    # Behind its end: the ledger was cut behind our back, and what carried this permission is gone.
    return person.demo if current.ledger_seq is None else current.ledger_seq <= view.head_seq


def _text_not_published(view: View, current: Held) -> RefusalCode | None:
    if current.text_published_at is None or current.text_published_at > view.latest:
        return RefusalCode.TEXT_UNPUBLISHED
    published = current.text_ledger_seq
    if current.ledger_seq is not None and (published is None or published > current.ledger_seq):
        # What was published after the yes is not what was agreed to; the rows' order knows, whatever the clocks said.
        return RefusalCode.TEXT_UNPUBLISHED
    return None


def _run_out(view: View, current: Held, profile: Profile) -> RefusalCode | None:
    """Demand that no clock has run out at this very instant, whatever the nightly job has done."""
    if current.valid_until is not None and current.valid_until <= view.latest:
        return RefusalCode.EXPIRED
    deadline = current.first_use_deadline
    if current.last_contact_at is None and deadline is not None and deadline <= view.latest:
        return RefusalCode.LAPSED
    last = max(filter(None, (current.since, current.last_contact_at, current.renewed_at)))
    if profile.dormancy_block and clock.months_later(last, profile.dormancy_block) <= view.latest:
        return RefusalCode.DORMANT
    return None


def _not_as_the_country_demands(profile: Profile, current: Held, mailing_list: ListRules) -> RefusalCode | None:
    if not profile.permits(current.basis.value):
        return RefusalCode.PROFILE_FORBIDS_BASIS
    if profile.doi_required and not current.double_opt_in:
        return RefusalCode.PROFILE_FORBIDS_BASIS
    if profile.separate_consents and current.second_consent_event_id is None:
        return RefusalCode.MISSING_SECOND_CONSENT
    if mailing_list.least_age > 0 and current.age_ok is not True:
        return RefusalCode.AGE_NOT_STATED
    return None


def _not_by_this_list(view: View, current: Held, mailing_list: ListRules) -> RefusalCode | None:
    if view.suppressed_scopes & suppression.marketing_scopes(mailing_list.id, mailing_list.purpose):
        return RefusalCode.SUPPRESSED
    if mailing_list.state is not ListState.ACTIVE:
        return RefusalCode.LIST_INACTIVE
    serves = view.handover.message_class is MessageClass.SERVICE
    if serves is not (mailing_list.purpose == SERVICE):
        return RefusalCode.PURPOSE_MISMATCH
    if view.handover.purpose != mailing_list.purpose or current.purpose != mailing_list.purpose:
        # Who said yes to news has not said yes to what the list is for today.
        return RefusalCode.PURPOSE_MISMATCH
    if current.basis in _SOFT and not serves and view.handover.category not in current.categories:
        return RefusalCode.CATEGORY_DISSIMILAR
    return None


def _not_wanted_now(view: View, current: Held) -> RefusalCode | None:
    if view.handover.topic is not None and current.topics and view.handover.topic not in current.topics:
        return RefusalCode.OTHER_TOPIC
    if current.snooze_until is not None and current.snooze_until > view.moment:
        return RefusalCode.SNOOZED
    if view.handover.important:
        return None
    if current.frequency is Frequency.IMPORTANT:
        return RefusalCode.FREQUENCY
    pause, last = _PAUSES.get(current.frequency), current.last_contact_at
    return RefusalCode.FREQUENCY if pause and last is not None and last + pause > view.moment else None


def confirmation_mail(session: Session, view: View) -> Verdict:
    """Demand: a question that can still be answered, to somebody who did not say "not me"."""
    if view.handover.notice is NoticeKind.NEW_ADDRESS:
        return _to_new_address(session, view)
    theirs = _asked_of(view)
    if theirs is None:
        return RefusalCode.NO_BASIS
    asked, person, mailing_list = theirs
    if (refused := _not_a_living_person(person)) is not None:
        return refused
    if suppression.CONFIRMATIONS in view.suppressed_scopes:
        return RefusalCode.SUPPRESSED
    if mailing_list.state is not ListState.ACTIVE:
        return RefusalCode.LIST_INACTIVE
    return _asks_no_more(asked, view.subscription) or Granted(person.email_send)


_SAID_NO = frozenset({SubscriptionState.UNSUBSCRIBED, SubscriptionState.REFUSED, SubscriptionState.COMPLAINED})


def _said_no_since(asked: Confirmation, current: Held | None) -> bool:
    """Whether she left while the question waited: it could be answered no more, so it is not put either."""
    return current is not None and current.state in _SAID_NO and not confirmation.may_answer(asked, current)


def _asked_of(view: View) -> tuple[Confirmation, Person, ListRules] | None:
    """Return the question, its person and its list; None when it was put to somebody else or about another list."""
    asked, person, mailing_list = view.confirmation, view.subscriber, view.mailing_list
    if asked is None or person is None or mailing_list is None:
        return None
    theirs = (asked.subscriber_id, asked.list_id) == (person.id, mailing_list.id)
    return (asked, person, mailing_list) if theirs else None


def _asks_no_more(asked: Confirmation, current: Held | None) -> RefusalCode | None:
    if asked.live:
        return RefusalCode.WITHDRAWN if _said_no_since(asked, current) else None
    if asked.refused_at is not None:
        return RefusalCode.WITHDRAWN
    answered = asked.kind is not AskKind.CONFIRM or asked.used_at is not None
    return RefusalCode.NO_BASIS if answered else RefusalCode.EXPIRED


def service(session: Session, view: View) -> Verdict:
    """Demand: a note to a subscriber about her own subscription, of a kind that she or the law asked for."""
    clause = _NOTICES.get(view.handover.notice or NoticeKind.ALREADY)
    return clause(session, view) if clause is not None else RefusalCode.NO_BASIS


def _already_subscribed(_session: Session, view: View) -> Verdict:
    theirs, current = _asked_of(view), view.subscription
    if theirs is None or current is None or theirs[0].kind is not AskKind.ALREADY:
        return RefusalCode.NO_BASIS
    return _to_subscriber(view, theirs[1], current)


def _receipt(_session: Session, view: View) -> Verdict:
    """Demand: the very consent that the receipt is for still stands."""
    person, current, event_id = view.subscriber, view.subscription, view.handover.notice_id
    if person is None or current is None or event_id is None or current.consent_event_id != event_id:
        return RefusalCode.NO_BASIS
    return _to_subscriber(view, person, current)


def _to_subscriber(view: View, person: Person, current: Held) -> Verdict:
    if (refused := _not_a_living_person(person)) is not None:
        return refused
    if current.state is not SubscriptionState.CONFIRMED:
        return _WHY_NOT_CONFIRMED.get(current.state, RefusalCode.GATE_ERROR)
    if view.suppressed_scopes & {suppression.ALL, suppression.CONFIRMATIONS}:
        return RefusalCode.SUPPRESSED
    return Granted(person.email_send, current.consent_event_id, current.ledger_seq)


def _access(session: Session, view: View) -> Verdict:
    """Demand: a link this person asked for a moment ago, unused. Who has left may still see what we hold."""
    person = view.subscriber
    if person is None or person.erased_at is not None:
        return RefusalCode.ERASED
    link = session.get(access_link.AccessLink, view.handover.notice_id or 0, populate_existing=True)
    if link is None or link.subscriber_id != person.id or not link.live:
        return RefusalCode.EXPIRED
    return RefusalCode.SUPPRESSED if suppression.CONFIRMATIONS in view.suppressed_scopes else Granted(person.email_send)


def _to_new_address(session: Session, view: View) -> Verdict:
    """Demand: a change of address that this person began, to an address that may be asked."""
    person = view.subscriber
    change = session.get(address_change.AddressChange, view.handover.notice_id or 0, populate_existing=True)
    if person is None or change is None or change.subscriber_id != person.id:
        return RefusalCode.NO_BASIS
    if (refused := _not_a_living_person(person)) is not None:
        return refused
    if not change.live:
        return RefusalCode.EXPIRED
    wanted = address.parse(change.new_address)
    key = suppression.key_of(view.handover.organisation_id, wanted.key)
    known = suppression.reasons(session, view.handover.organisation_id, key)
    return RefusalCode.SUPPRESSED if known else Granted(wanted.send)


def _old_address(session: Session, view: View) -> Verdict:
    """Demand: a change that was made and not taken back; the old address learns of it, whatever else holds."""
    change = session.get(address_change.AddressChange, view.handover.notice_id or 0, populate_existing=True)
    if change is None or change.subscriber_id != view.handover.subscriber_id or change.old_address is None:
        return RefusalCode.NO_BASIS
    if change.confirmed_at is None or change.cancelled_at is not None:
        return RefusalCode.NO_BASIS
    return Granted(address.parse(change.old_address).send)


def test(session: Session, view: View) -> Verdict:
    """Demand: an address typed by a signed-in user, unless its owner complained, objected or was erased."""
    typed = view.handover.typed_address
    return RefusalCode.NO_BASIS if typed is None else _unless_unwanted(session, view, typed)


_NEVER = frozenset({Reason.ERASURE, Reason.LEGAL})
_UNWANTED = _NEVER | {Reason.COMPLAINT, Reason.OBJECTION}


def _unless_unwanted(session: Session, view: View, typed: str) -> Verdict:
    parsed = address.parse(typed)
    key = suppression.key_of(view.handover.organisation_id, parsed.key)
    known = suppression.reasons(session, view.handover.organisation_id, key)
    return RefusalCode.SUPPRESSED if any(row.reason in _UNWANTED for row in known) else Granted(parsed.send)


def reply(session: Session, view: View) -> Verdict:
    """Demand: a conversation that this very person began, which no machine wrote; nothing else lets us answer."""
    asked = view.handover
    begun = session.get(Conversation, asked.notice_id or 0, populate_existing=True)
    if begun is None or begun.organisation_id != asked.organisation_id or begun.subscriber_id != asked.subscriber_id:
        return RefusalCode.NO_BASIS
    if begun.state is ConversationState.SET_ASIDE:
        return RefusalCode.NO_BASIS
    if view.subscriber is not None and (refused := _not_a_living_person(view.subscriber)) is not None:
        return refused
    if asked.typed_address is not None:
        parsed = address.parse(asked.typed_address)
        key = suppression.key_of(begun.organisation_id, parsed.key)
        return _unless_forgotten(session, begun, key, parsed.send) if key == begun.sender_key else RefusalCode.NO_BASIS
    if view.subscriber is None:
        return RefusalCode.ERASED
    return _unless_forgotten(session, begun, view.subscriber.suppression_key, view.subscriber.email_send)


def _unless_forgotten(session: Session, begun: Conversation, key: str, to: str) -> Verdict:
    """Refuse who was forgotten, and who has called our mail spam since she wrote; who has left may ask and be told."""
    for row in suppression.reasons(session, begun.organisation_id, key):
        if row.reason in _NEVER or (row.reason is Reason.COMPLAINT and row.created_at >= begun.last_in_at):
            return RefusalCode.SUPPRESSED
    return Granted(to)


def system(session: Session, view: View) -> Verdict:
    """Demand: one of the mails that are nobody's subscription, to whom the owner named."""
    clause = _SYSTEM.get(view.handover.notice)
    return clause(session, view) if clause is not None else RefusalCode.NO_BASIS


def _checkpoint(session: Session, view: View) -> Verdict:
    """Demand: a checkpoint of this ledger, to the mailbox that its owner names now."""
    asked = view.handover
    if asked.subscriber_id is not None or asked.list_id is not None:
        return RefusalCode.NO_BASIS
    signed = session.get(Checkpoint, asked.notice_id or 0, populate_existing=True)
    if signed is None or signed.organisation_id != asked.organisation_id:
        return RefusalCode.NO_BASIS
    named = session.get_one(Organisation, asked.organisation_id, populate_existing=True).witness_address
    if named is None or asked.typed_address != named:
        return RefusalCode.NO_BASIS
    return _unless_unwanted(session, view, named)


def _invitation(session: Session, view: View) -> Verdict:
    """Demand: an invitation of this business that still lets somebody in, to the address it was made for."""
    asked = session.get(Invitation, view.handover.notice_id or 0, populate_existing=True)
    if asked is None or asked.organisation_id != view.handover.organisation_id:
        return RefusalCode.NO_BASIS
    if not asked.live or asked.address is None:
        return RefusalCode.EXPIRED
    return _unless_unwanted(session, view, asked.address)


def _defence(session: Session, view: View) -> Verdict:
    """Demand: a form of this business that is defended now, to somebody who owns the business today."""
    raised = session.get(SignupDefence, view.handover.notice_id or 0, populate_existing=True)
    if raised is None or raised.organisation_id != view.handover.organisation_id:
        return RefusalCode.NO_BASIS
    return _to_an_owner(session, view)


def _incident(session: Session, view: View) -> Verdict:
    """Demand: somebody who owns the business today; what it is about is the sending's own, and concerns no reader."""
    return RefusalCode.NO_BASIS if view.handover.notice_id is None else _to_an_owner(session, view)


def _to_an_owner(session: Session, view: View, to: Callable[[Session, int], Iterable[str]] = user.owners) -> Verdict:
    asked = view.handover
    typed = next((one for one in to(session, asked.organisation_id) if one == asked.typed_address), None)
    return RefusalCode.NO_BASIS if typed is None else _unless_unwanted(session, view, typed)


_NOTICES: dict[NoticeKind, Callable[[Session, View], Verdict]] = {
    NoticeKind.ALREADY: _already_subscribed,
    NoticeKind.RECEIPT: _receipt,
    NoticeKind.ACCESS: _access,
    NoticeKind.OLD_ADDRESS: _old_address,
    # No less is asked of a letter about what is out of order, and a list that is for nothing else.
    NoticeKind.STATUS: marketing,
}
_SYSTEM: dict[NoticeKind | None, Callable[[Session, View], Verdict]] = {
    NoticeKind.WITNESS: _checkpoint,
    NoticeKind.INVITATION: _invitation,
    NoticeKind.DEFENCE: _defence,
    NoticeKind.INCIDENT: _incident,
    NoticeKind.BOARD: lambda session, view: _to_an_owner(session, view, user.board_readers),
}
CLAUSES: dict[MessageClass, Callable[[Session, View], Verdict]] = {
    MessageClass.MARKETING: marketing,
    MessageClass.DOI: confirmation_mail,
    MessageClass.SERVICE: service,
    MessageClass.TEST: test,
    MessageClass.REPLY: reply,
    MessageClass.SYSTEM: system,
}
