"""Less permission on somebody's behalf: what an operator or a program may do, and it is only this.

Nothing here raises anything. Each verb locks the person's row, as the gate
does, so that a mail is either handed over before the commit or not at all.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import complaint, subscriber, suppression, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address

# What others may say about an address; the remaining reasons are facts that only the program itself can know.
SAID_BY_OTHERS = frozenset({Reason.MANUAL, Reason.COMPLAINT, Reason.OBJECTION, Reason.LEGAL, Reason.UNSUBSCRIBED})
# Somebody who complains or objects means every letter (GDPR Art. 21(2)); these are never narrowed to one list.
_ALWAYS_ALL = frozenset({Reason.COMPLAINT, Reason.OBJECTION, Reason.LEGAL})


def take_off(session: Session, person: Subscriber, mailing_list: MailingList, *, actor: str) -> None:
    """Take a person off one list; who has left already has left."""
    unsubscribe.leave(session, person.id, mailing_list.id, Method.API, actor=actor)


def hold_back(session: Session, person: Subscriber, *, actor: str) -> None:
    """Keep a person's data and write to her no more while a dispute lasts; only the studio ends it."""
    held = subscriber.hold(session, person.id)
    if held is not None:
        subscriber.restrict(session, held, actor=actor)


def suppress(  # noqa: PLR0913 - whom, where, why, who says so
    session: Session,
    organisation: Organisation,
    typed: str,
    *,
    reason: Reason,
    actor: str,
    on: MailingList | None = None,
) -> str:
    """Keep an address from being written to, known or not, and return the scope: ``on`` one list or all marketing.

    Raises Invalid for what is no address, and for a reason that cannot be
    said by others or not about one list alone.
    """
    if reason not in SAID_BY_OTHERS:
        raise Invalid("reason", language.text("This reason cannot be given from outside."))
    if on is not None and reason in _ALWAYS_ALL:
        raise Invalid(
            "scope_too_narrow",
            language.text("This reason always means every letter. Leave the list out. Nothing was changed."),
        )
    parsed = address.parse(typed)
    known = subscriber.with_address(session, organisation.id, parsed.key)
    person = subscriber.hold(session, known.id) if known is not None else None
    if person is not None:
        _stop(session, person, reason, on, actor)
    scope = suppression.list_scope(on.id) if on is not None else suppression.MARKETING
    suppression.add(
        session,
        organisation.id,
        suppression.key_of(organisation.id, parsed.key),
        scope=scope,
        reason=reason,
        subject=person.subject_ref if person is not None else "",
        actor=actor,
    )
    return scope


def _stop(session: Session, person: Subscriber, reason: Reason, on: MailingList | None, actor: str) -> None:
    """Let the subscriptions say what the suppression means, so that nobody stands there as confirmed by mistake."""
    match reason:
        case Reason.COMPLAINT:
            complaint.complain(session, person.id, method=Method.API, actor=actor)
        case Reason.OBJECTION:
            complaint.object_to_marketing(session, person.id, method=Method.API, actor=actor)
        case Reason.UNSUBSCRIBED if on is not None:
            unsubscribe.leave(session, person.id, on.id, Method.API, actor=actor)
        case Reason.UNSUBSCRIBED:
            complaint.stop_everything(session, person.id, method=Method.API, actor=actor)
        case _:
            # A manual or legal hold says nothing about what the person wants; her subscriptions stay as they are.
            return
