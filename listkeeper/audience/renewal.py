"""Renewal: a person says on a page of ours that her yes still holds, while it still does.

She is shown the words that are in force today and presses a button; that is a
consent of its own, with its event, its text and its proof, and the permission
rests on it from then on. So a permission that only a sale or a file carried
becomes her own word, never silently. Who has left, complained or lapsed is
never brought back by it: that takes a form (consent.md section 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import answering, consent, consent_text, list_rules, subscriber, subscription, suppression
from listkeeper.audience.answering import NOTHING_SEEN, Seen
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.consent_text import ConsentText, TextKind, Wording
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.proof import evidence
from listkeeper.audience.starter_text import RENEWAL
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import clock, language, moments
from listkeeper.foundation.errors import Invalid

# This long before a permission ends, her own page asks whether it shall go on.
ASKED_BEFORE = timedelta(days=60)
_ONCE_IN = timedelta(days=1)


class Standing(StrEnum):
    """What a page of renewal has to say to somebody."""

    ASKS = "asks"
    # Renewed a moment ago: once more changes nothing.
    DONE = "done"
    # Nothing that lives is there to be renewed, or the list asks for more than one button: a form alone helps.
    FORM = "form"


@dataclass(frozen=True)
class Offer:
    """How it stands; the words to agree to where there are any, and when the permission ends by itself, if it does."""

    standing: Standing
    list_name: str
    text: ConsentText | None = None
    ends_at: datetime | None = None

    @property
    def is_due(self) -> bool:
        """Whether it ends soon enough to ask of our own accord."""
        return self.standing is Standing.ASKS and self.ends_at is not None and self.ends_at - clock.now() < ASKED_BEFORE


def offer(session: Session, person: Subscriber, current: Subscription | None, mailing_list: MailingList) -> Offer:
    """Return what to show somebody about one list; reading it changes nothing."""
    if current is None or not _lives(session, person, current, mailing_list):
        return Offer(Standing.FORM, mailing_list.name)
    if current.renewed_at is not None and clock.now() - current.renewed_at < _ONCE_IN:
        return Offer(Standing.DONE, mailing_list.name, ends_at=ends_at(current, mailing_list))
    words = text(session, person, mailing_list)
    if words is None or not _is_enough(current, mailing_list):
        return Offer(Standing.FORM, mailing_list.name)
    return Offer(Standing.ASKS, mailing_list.name, words, ends_at(current, mailing_list))


def ends_at(current: Subscription, mailing_list: MailingList) -> datetime | None:
    """Return when a permission ends if nothing happens: by its own day, unused, or because nobody was written to."""
    months = list_rules.of(mailing_list).dormancy_block
    last = max(filter(None, (current.since, current.last_contact_at, current.renewed_at)))
    unused = current.first_use_deadline if current.last_contact_at is None else None
    ends = (current.valid_until, unused, clock.months_later(last, months) if months else None)
    return min(filter(None, ends), default=None)


def ends(mailing_list: MailingList) -> ColumnElement[datetime]:
    """Return the same as SQL, of the subscriptions of one list: whoever looks for many at once asks the database."""
    months = list_rules.of(mailing_list).dormancy_block
    last = moments.latest(Subscription.since, Subscription.last_contact_at, Subscription.renewed_at)
    unused = case((Subscription.last_contact_at.is_(None), Subscription.first_use_deadline))
    silent = [moments.months_after(last, months)] if months else []
    return moments.earliest(Subscription.valid_until, unused, *silent)


def _lives(session: Session, person: Subscriber, current: Subscription, mailing_list: MailingList) -> bool:
    """Whether there is a permission that the gate would still know, whatever the nightly job has done."""
    if person.erased_at is not None or person.restricted_at is not None:
        return False
    if current.state is not SubscriptionState.CONFIRMED or current.basis is Basis.NONE:
        return False
    if mailing_list.state is not ListState.ACTIVE:
        return False
    ends = ends_at(current, mailing_list)
    if ends is not None and ends <= clock.now():
        return False
    closed = suppression.marketing_scopes(mailing_list.id, mailing_list.purpose)
    return all(
        row.scope not in closed for row in suppression.reasons(session, person.organisation_id, person.suppression_key)
    )


def _is_enough(current: Subscription, mailing_list: MailingList) -> bool:
    """Whether one yes is all that this list asks for; what it asks beside, only its form can ask."""
    if mailing_list.least_age > 0 and current.age_ok is not True:
        return False
    return not consent_text.needs_second(mailing_list) or current.second_consent_event_id is not None


def text(session: Session, person: Subscriber, mailing_list: MailingList) -> ConsentText | None:
    """Return the words in force, in her language where they are published in it, under a button of their own.

    None while nothing was published for what the list is for now.
    """
    owner = session.get_one(Organisation, mailing_list.organisation_id)
    for spoken in dict.fromkeys((language.known(person.language), owner.language)):
        published = consent_text.all_of(session, mailing_list, spoken, TextKind.NEWSLETTER)
        newest = next((each for each in published if each.purpose == mailing_list.purpose), None)
        if newest is not None:
            return _made_of(owner, mailing_list, newest)
    query = select(ConsentText).where(
        ConsentText.list_id == mailing_list.id,
        ConsentText.kind == TextKind.NEWSLETTER,
        ConsentText.purpose == mailing_list.purpose,
    )
    newest = session.scalars(query.order_by(ConsentText.id.desc()).limit(1)).first()
    return _made_of(owner, mailing_list, newest) if newest is not None else None


def _made_of(owner: Organisation, mailing_list: MailingList, newest: ConsentText) -> ConsentText:
    words = Wording(
        newest.body,
        RENEWAL[language.known(newest.language)],
        newest.withdrawal,
        newest.age_statement,
        kind=TextKind.RENEWAL,
    )
    return consent_text.made_of(owner, mailing_list, newest.language, words, newest.purpose)


def renew(session: Session, subscriber_id: int, list_id: int, *, seen: str, by: Seen = NOTHING_SEEN) -> Standing:
    """Take her yes once more: ASKS when it was renewed now, DONE when it was already, FORM when there was none.

    ``seen`` names the words that the page showed (SHA-256), ``by`` who pressed, for the vault. Raises Invalid when
    the words are not those of today.
    """
    person = subscriber.hold(session, subscriber_id)
    current = subscription.followed(session, subscriber_id, list_id)
    if person is None or current is None:
        return Standing.FORM
    session.refresh(current)
    mailing_list = session.get_one(MailingList, current.list_id)
    offered = offer(session, person, current, mailing_list)
    if offered.text is None:
        return offered.standing
    if offered.text.sha256 != seen:
        raise Invalid("words_changed", language.text("The words have changed meanwhile. Please read them once more."))
    _take(session, person, current, consent_text.keep(session, offered.text, mailing_list), by)
    return Standing.ASKS


def _take(session: Session, person: Subscriber, current: Subscription, said_to: ConsentText, by: Seen) -> None:
    under = Circumstances(
        consent_text_id=said_to.id,
        basis=Basis.CONSENT.value,
        purpose=said_to.purpose,
        details={"basis_before": current.basis.value},
        evidence=by.as_evidence(),
    )
    event = consent.record(session, person, current.list_id, EventKind.RENEWED, Method.BUTTON, under)
    answering.grant_basis(current, event)
    # The link was mailed to her, so the address has answered; and what a file claimed carries nothing any more.
    current.double_opt_in = True
    current.valid_until = current.import_id = None
    months = list_rules.of(session.get_one(MailingList, current.list_id)).first_use_months
    current.first_use_deadline = clock.months_later(event.at, months) if months else None
    current.renewed_at = event.at
    evidence.limit(session, person.subject_ref, None)
