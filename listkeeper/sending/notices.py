"""Writing the mails that are no letters: question, receipt, fresh link, change of address, checkpoint, and ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import invitation
from listkeeper.accounts.invitation import Invitation
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import Role
from listkeeper.audience import access_link, address_change, confirmation, mail_template, question_mail
from listkeeper.audience.access_link import AccessLink
from listkeeper.audience.address_change import AddressChange
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.guard.defence import SignupDefence
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import checkpoint
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.signup_form import ShownForm, SignupForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import language, signing
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering.content import Filled
from listkeeper.rendering.mails import (
    access_mail,
    address_mail,
    already_subscribed_mail,
    board_mail,
    confirmation_mail,
    defence_mail,
    incident_mail,
    invitation_mail,
    notice_due_mail,
    receipt_mail,
    records_mail,
    reply_due_mail,
    way_mail,
    witness_mail,
)
from listkeeper.rendering.message import Attachment
from listkeeper.sending import house, incident, question_lint, watch_words
from listkeeper.sending.board_mail import BoardMail
from listkeeper.sending.delivery import AnyDelivery, Delivery
from listkeeper.sending.house import Headers, House
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.prepared import Prepared
from listkeeper.standards import list_headers

# The question that a mail is about, and the form it was asked by.
Question = tuple[Confirmation, ShownForm]


def questions(session: Session, rows: Sequence[AnyDelivery]) -> dict[int, Question]:
    """Return what the mails among these ask, by the question's number: a form that many answer to is read once."""
    numbers = [row.confirmation_id for row in rows if row.confirmation_id is not None]
    if not numbers:
        return {}
    asked = session.scalars(select(Confirmation).where(Confirmation.id.in_(numbers))).all()
    shown = confirmation.shown_by_each(session, asked)
    return {one.id: (one, shown[one.id]) for one in asked}


def prepare(session: Session, row: AnyDelivery, ours: House, known: Mapping[int, Question] | None = None) -> Prepared:
    """Return the message of a delivery of class doi, service or system. Raises NotFound when its matter is gone.

    ``known`` are the questions of its window, where they were read together.
    """
    if row.notice is not None and row.notice is not NoticeKind.ALREADY:
        return _NOTICES[row.notice](session, row, ours)
    about = (questions(session, [row]) if known is None else known).get(row.confirmation_id or 0)
    if about is None:
        raise NotFound("no_confirmation", "The question of this delivery does not exist any more.")
    if row.notice is None and row.message_class is MessageClass.DOI:
        return _question(session, row, ours, *about)
    return _already(row, ours, about[1])


def _question(session: Session, row: AnyDelivery, ours: House, asked: Confirmation, shown: ShownForm) -> Prepared:
    filled = confirmation_mail.compose(
        language_code=shown.form.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        list_name=_named(shown),
        consent_text=shown.agreed_to,
        confirm_url=f"{ours.site}/c/{confirmation.token_of(asked)}",
        code=confirmation.code_of(asked),
        refuse_url=f"{ours.site}/n/{confirmation.token_of(asked)}",
    )
    headers = [list_headers.auto_submitted()]
    if row.occasion != question_mail.occasion(asked, 1):
        # The reminder stands in the thread of the first mail (RFC 5322 section 3.6.4).
        first = session.scalar(select(Delivery.message_id).where(Delivery.occasion == question_mail.occasion(asked, 1)))
        headers += [("In-Reply-To", first), ("References", first)] if first else []
    words, name = _worded(shown.form.language)
    lint = question_lint.result(filled, ours, shown, name)
    purpose = shown.mailing_list.purpose
    return house.prepared(row, ours, shown.version.sha256, purpose, _same(filled, headers), template=words, lint=lint)


@lru_cache(maxsize=64)
def _worded(spoken: str) -> tuple[dict[str, str], str]:
    """Return the fixed words of a question in a language, and what they are named by; the same for every mail."""
    words = confirmation_mail.wording(spoken)
    return words, mail_template.name_of(words)


def _named(shown: ShownForm) -> str:
    with language.using(shown.form.language):
        return shown.list_names


def _same(filled: Filled, headers: Headers) -> Callable[[str], tuple[Filled, Headers]]:
    return lambda _recipient: (filled, headers)


def _already(row: AnyDelivery, ours: House, shown: ShownForm) -> Prepared:
    filled = already_subscribed_mail.compose(
        language_code=shown.form.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        list_name=_named(shown),
        preferences_url=f"{ours.site}/p/{signing.token('preferences', row.id)}",
        said=shown.version.designed.already,
    )
    purpose = shown.mailing_list.purpose
    return house.prepared(row, ours, shown.version.sha256, purpose, _same(filled, [list_headers.auto_submitted()]))


def _receipt(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    event, text = consent_of(session, row)
    mailing_list = session.get_one(MailingList, event.list_id)
    with language.using(text.language):
        moment = f"{language.moment(event.at)} UTC"
    filled = receipt_mail.compose(
        language_code=text.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        list_name=mailing_list.name,
        consent_text=text.whole,
        moment=moment,
        preferences_url=f"{ours.site}/p/{signing.token('preferences', row.id)}",
    )
    headers = [list_headers.auto_submitted()]
    attachment = signed_receipt(session, row, event)
    return house.prepared(row, ours, text.sha256, mailing_list.purpose, _same(filled, headers), attachment=attachment)


def consent_of(session: Session, row: AnyDelivery) -> tuple[ConsentEvent, ConsentText]:
    """Return the yes that a mail is about, and its words. Raises NotFound when it does not exist any more."""
    event = session.get(ConsentEvent, row.notice_id or 0)
    if event is None or event.text is None:
        raise NotFound("no_consent", "The consent of this receipt does not exist any more.")
    return event, event.text


def signed_receipt(session: Session, row: AnyDelivery, event: ConsentEvent) -> Attachment:
    """Return the signed receipt of a yes as a file. Raises NotFound when the ledger has no such row."""
    organisation = session.get_one(Organisation, row.organisation_id)
    signed = checkpoint.receipt(session, organisation, event.ledger_id) if event.ledger_id else None
    if signed is None:
        raise NotFound("no_consent", "The consent of this receipt does not exist any more.")
    note, covered = signed
    return Attachment(receipt_mail.FILE_NAME, f"{note}\n{covered.note}")


def _access(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    link = session.get(AccessLink, row.notice_id or 0)
    if link is None:
        raise NotFound("no_link", "The link of this delivery does not exist any more.")
    filled = access_mail.compose(
        language_code=_spoken(session, row, ours),
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        access_url=f"{ours.site}/me/{access_link.token_of(link)}",
    )
    return house.prepared(row, ours, link.token_digest, None, _same(filled, [list_headers.auto_submitted()]))


def _spoken(session: Session, row: AnyDelivery, ours: House) -> str:
    person = session.get(Subscriber, row.subscriber_id) if row.subscriber_id else None
    return person.language if person is not None else ours.language


def _new_address(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    change = _change(session, row)
    filled = address_mail.to_the_new(
        language_code=_spoken(session, row, ours),
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        confirm_url=f"{ours.site}/a/{address_change.token_of(change)}",
    )
    return house.prepared(row, ours, change.token_digest, None, _same(filled, [list_headers.auto_submitted()]))


def _old_address(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    change = _change(session, row)
    filled = address_mail.to_the_old(
        language_code=_spoken(session, row, ours),
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        cancel_url=f"{ours.site}/a/{address_change.cancel_token_of(change)}/cancel",
    )
    return house.prepared(row, ours, change.cancel_digest, None, _same(filled, [list_headers.auto_submitted()]))


def _change(session: Session, row: AnyDelivery) -> AddressChange:
    change = session.get(AddressChange, row.notice_id or 0)
    if change is None:
        raise NotFound("no_change", "The change of address of this delivery does not exist any more.")
    return change


def _witness(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    signed = session.get(Checkpoint, row.notice_id or 0)
    if signed is None:
        raise NotFound("no_checkpoint", "The checkpoint of this delivery does not exist any more.")
    filled = witness_mail.compose(
        language_code=ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        size=signed.size,
    )
    attachment = Attachment(witness_mail.file_name(signed.size), signed.note)
    headers = [list_headers.auto_submitted()]
    return house.prepared(row, ours, signed.root, None, _same(filled, headers), attachment=attachment)


def _invitation(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    asked = session.get(Invitation, row.notice_id or 0)
    if asked is None:
        raise NotFound("no_invitation", "The invitation of this delivery does not exist any more.")
    filled = invitation_mail.compose(
        language_code=ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        join_url=f"{ours.site}/studio/join/{invitation.token_of(asked)}",
        owns=asked.role is Role.OWNER,
    )
    return house.prepared(row, ours, asked.digest, None, _same(filled, [list_headers.auto_submitted()]))


def _defence(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    raised = session.get(SignupDefence, row.notice_id or 0)
    form = session.get(SignupForm, raised.form_id) if raised is not None and raised.form_id is not None else None
    if raised is None or form is None:
        raise NotFound("no_defence", "The defence of this delivery does not exist any more.")
    filled = defence_mail.compose(
        language_code=ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        form_name=form.slug,
        stage=raised.stage,
        reason=raised.reason,
        guard_url=f"{ours.site}/studio/forms/{form.public_id}/protection",
    )
    return house.prepared(row, ours, signing.digest(row.occasion), None, _same(filled, [list_headers.auto_submitted()]))


def _incident(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    stands = incident.numbered(session, row.notice_id or 0)
    if stands is None:
        raise NotFound("no_incident", "The incident of this delivery does not exist any more.")
    with language.using(ours.language):
        said, since = watch_words.of(stands), f"{language.moment(stands.opened_at)} UTC"
    if stands.kind is IncidentKind.REPLY_DUE:
        return _reply_due(row, ours, said)
    if stands.kind is IncidentKind.NOTICE_OVERDUE:
        return _notice_due(row, ours, said)
    filled = incident_mail.compose(
        language_code=ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        said=said,
        since=since,
        over=stands.closed_at is not None,
        queue_url=f"{ours.site}/studio/queue",
    )
    return house.prepared(row, ours, signing.digest(row.occasion), None, _same(filled, [list_headers.auto_submitted()]))


def _reply_due(row: AnyDelivery, ours: House, said: str) -> Prepared:
    filled = reply_due_mail.compose(
        language_code=ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        said=said,
        replies_url=f"{ours.site}/studio/replies",
    )
    return house.prepared(row, ours, signing.digest(row.occasion), None, _same(filled, [list_headers.auto_submitted()]))


def _notice_due(row: AnyDelivery, ours: House, said: str) -> Prepared:
    filled = notice_due_mail.compose(
        language_code=ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        said=said,
        notices_url=f"{ours.site}/studio/notices",
    )
    return house.prepared(row, ours, signing.digest(row.occasion), None, _same(filled, [list_headers.auto_submitted()]))


def _board(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    week = session.get(BoardMail, row.notice_id or 0)
    if week is None:
        raise NotFound("no_board_mail", "The weekly mail of this delivery does not exist any more.")
    filled = board_mail.compose(
        language_code=ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        written=board_mail.stored(week.content),
        site=ours.site,
    )
    return house.prepared(row, ours, signing.digest(row.occasion), None, _same(filled, [list_headers.auto_submitted()]))


def _way_test(_session: Session, row: AnyDelivery, ours: House) -> Prepared:
    filled = way_mail.compose(
        language_code=ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        way=row.occasion.partition("@")[2],
    )
    return house.prepared(row, ours, signing.digest(row.occasion), None, _same(filled, [list_headers.auto_submitted()]))


def _records(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    domain = session.get(SendingDomain, row.notice_id or 0)
    if domain is None or domain.request is None:
        raise NotFound("no_request", "The request of this delivery does not exist any more.")
    asked = domain.request
    filled = records_mail.compose(
        language_code=asked["language"],
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        subject=asked["subject"],
        text=asked["text"],
    )
    return house.prepared(row, ours, signing.digest(row.occasion), None, _same(filled, [list_headers.auto_submitted()]))


_NOTICES: dict[NoticeKind, Callable[[Session, AnyDelivery, House], Prepared]] = {
    NoticeKind.RECEIPT: _receipt,
    NoticeKind.ACCESS: _access,
    NoticeKind.NEW_ADDRESS: _new_address,
    NoticeKind.OLD_ADDRESS: _old_address,
    NoticeKind.WITNESS: _witness,
    NoticeKind.INVITATION: _invitation,
    NoticeKind.DEFENCE: _defence,
    NoticeKind.INCIDENT: _incident,
    NoticeKind.WAY_TEST: _way_test,
    NoticeKind.RECORDS: _records,
    NoticeKind.BOARD: _board,
}
