"""A person's dossier: everything the database holds of her permission, gathered into one certificate.

The ledger says what happened, the vault what proves it, the published texts
and forms what she saw. The messages come from above, because this chapter
knows of none. Nothing is changed here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import subscriber, subscription, suppression
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.forms import form_offer
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import checkpoint, evidence, ledger
from listkeeper.audience.proof.certificate import (
    Certificate,
    Controller,
    Fact,
    Happening,
    ImportedClaim,
    Kept,
    Permission,
    Position,
    Retention,
    SentMessage,
    ShownForm,
    ShownText,
    Standing,
)
from listkeeper.audience.proof.evidence import Evidence, Opened
from listkeeper.audience.proof.ledger import EventType
from listkeeper.audience.signup_form import SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, language

# The order in which a reader looks for what proves an event; what is not named here follows in that of the alphabet.
_ORDER = ("address", "typed", "received_at", "network", "browser", "origin", "page", "referrer", "source", "message_id")
_MAIL = "mail"
_LIST_SCOPE = "list:"


@dataclass(frozen=True)
class _Shelf:
    """What many events of one person point at, read once."""

    lists: Mapping[int, MailingList]
    texts: Mapping[str, list[ShownText]]
    text_lists: Mapping[tuple[str, str], ShownText]
    forms: Mapping[str, ShownForm]
    opened: Mapping[str, Opened]


def certificate(  # noqa: PLR0913 - whose, and what other chapters know of her
    session: Session,
    organisation: Organisation,
    subject_ref: str,
    *,
    spoken: str,
    at: checkpoint.Checkpoint,
    messages: Sequence[SentMessage] = (),
    claims: Mapping[int, ImportedClaim] | None = None,
) -> Certificate:
    """Return the certificate of a subject, also of one who was erased: then with what is left.

    ``at`` is the checkpoint it is checked against; ``claims`` are imported
    claims by list number.
    """
    person = subscriber.with_reference(session, organisation.id, subject_ref)
    happenings, shelf = _history(session, organisation, subject_ref)
    held = subscription.all_of(session, person) if person else []
    permissions = tuple(
        _permission(row, on, _about(row, on, held, happenings), messages, claims or {}) for row, on in held
    )
    listed = {permission.list_id for permission in permissions}
    shown = {each.id for permission in permissions for each in permission.happenings}
    return Certificate(
        made_at=clock.in_milliseconds(clock.now()),
        language=language.known(spoken),
        controller=controller(organisation),
        subject=subject_ref,
        address_typed=_typed(happenings, person),
        erased_at=next((each.at for each in happenings if each.type == EventType.ERASED.value), 0),
        permissions=permissions,
        elsewhere=tuple(each for each in happenings if each.id not in shown),
        other_messages=tuple(message for message in messages if message.list_id not in listed),
        suppressions=_standing(session, organisation, person, shelf) if person else (),
        retention=_retention(session, organisation, subject_ref),
        position=Position(at.size, at.root, at.public_key, checkpoint.key_name(organisation)),
        jurisdictions=tuple((mailing_list.public_id, mailing_list.jurisdiction) for _, mailing_list in held),
        **(_of_person(person) if person else {}),
    )


def _of_person(person: Subscriber) -> dict[str, Any]:
    return {
        "public_id": person.public_id,
        "address_normalised": person.email_key,
        "restricted_at": _milliseconds(person.restricted_at),
        "demo": person.demo,
    }


def _history(session: Session, organisation: Organisation, subject_ref: str) -> tuple[list[Happening], _Shelf]:
    found = ledger.of_subject(session, organisation.id, subject_ref)
    rows = [ledger.fields_of(row) | {"hash": row.hash} for row in found]
    shelf = _shelf(session, organisation, subject_ref, rows)
    return [_happening(fields, shelf) for fields in rows], shelf


def _milliseconds(moment: datetime | None) -> int:
    return clock.in_milliseconds(moment) if moment else 0


def controller(organisation: Organisation) -> Controller:
    """Return what a proof says of whose list it is."""
    return Controller(
        organisation.public_id,
        organisation.legal_name,
        organisation.postal_address,
        organisation.from_address,
        organisation.website or "",
        organisation.language,
    )


# What was shown


def _shelf(session: Session, organisation: Organisation, subject_ref: str, rows: Iterable[Mapping[str, Any]]) -> _Shelf:
    cited = {fields["text_sha256"] for fields in rows} | {
        fields["details"].get("second_text_sha256") for fields in rows
    }
    every_list = select(MailingList).where(MailingList.organisation_id == organisation.id)
    lists = {found.id: found for found in session.scalars(every_list)}
    forms = _forms(session, lists, {fields["form_sha256"] for fields in rows} - {""})
    texts: dict[str, list[ShownText]] = {}
    text_lists = {}
    query = select(ConsentText).where(ConsentText.sha256.in_(cited - {"", None}), ConsentText.list_id.in_(lists))
    for text in session.scalars(query.order_by(ConsentText.id)):
        texts.setdefault(text.sha256, []).append(shown_text(text))
        text_lists[lists[text.list_id].public_id, text.sha256] = shown_text(text)
    return _Shelf(lists, texts, text_lists, forms, evidence.opened(session, organisation.id, subject_ref))


def _forms(session: Session, lists: Iterable[int], cited: set[str]) -> dict[str, ShownForm]:
    query = select(SignupFormVersion).where(SignupFormVersion.sha256.in_(cited)).order_by(SignupFormVersion.id.desc())
    known = set(lists)
    # The oldest version of these words is the one that first said them.
    return {row.sha256: shown_form(session, row) for row in session.scalars(query) if row.form.list_id in known}


def shown_text(text: ConsentText) -> ShownText:
    """Return a published text as a value."""
    return ShownText(
        sha256=text.sha256,
        language=text.language,
        version=text.version,
        kind=text.kind.value,
        body=text.body,
        withdrawal=text.withdrawal,
        age_statement=text.age_statement,
        button_label=text.button_label,
        controller=text.controller,
        published_at=clock.in_milliseconds(text.published_at),
    )


def shown_form(session: Session, version: SignupFormVersion) -> ShownForm:
    """Return a published version of a form as a value."""
    return ShownForm(
        sha256=version.sha256,
        public_id=version.form.public_id,
        slug=version.form.slug,
        language=version.form.language,
        version=version.version,
        title=version.title,
        thank_you=version.thank_you,
        least_age=version.least_age or 0,
        published_at=clock.in_milliseconds(version.published_at),
        text=shown_text(version.consent_text),
        second_text=shown_text(version.second_text) if version.second_text else None,
        notice_sha256=version.notice_sha256 or "",
        design=version.design or {},
        further=tuple(shown_text(offer.text) for offer in form_offer.of(session, version.further)),
    )


# What happened


def _happening(fields: Mapping[str, Any], shelf: _Shelf) -> Happening:
    opened = shelf.opened.get(fields["id"])
    commitment = fields["evidence_commit"]
    missing = Kept.WITHHELD if commitment else Kept.NONE
    content = dict(opened.content) if opened else {}
    details = fields["details"]
    return Happening(
        id=fields["id"],
        seq=fields["seq"],
        at=fields["ts"],
        happened_at=details.get("happened_at", 0),
        type=fields["type"],
        list_id=fields["list"],
        purpose=fields["purpose"],
        basis=fields["basis"],
        method=fields["method"],
        actor=fields["actor"],
        expires_at=fields["expires_at"],
        text=_text(fields, shelf),
        form=shelf.forms.get(fields["form_sha256"]),
        evidence=Kept.HELD if opened else missing,
        facts=tuple(_facts(content)),
        details=tuple(sorted(_flat(details))),
        mail=_mail(content),
        hash=fields["hash"],
        commitment=commitment,
    )


def _text(fields: Mapping[str, Any], shelf: _Shelf) -> ShownText | None:
    # Two lists may have published the same words; the list of the event is the one that showed them.
    named = shelf.text_lists.get((fields["list"], fields["text_sha256"]))
    return named or next(iter(shelf.texts.get(fields["text_sha256"], [])), None)


def _facts(content: Mapping[str, object]) -> list[tuple[str, Fact]]:
    flat = [(name, value) for name, value in _flat(content) if name != _MAIL and value != ""]
    return sorted(flat, key=lambda fact: (_ORDER.index(fact[0]) if fact[0] in _ORDER else len(_ORDER), fact[0]))


def _flat(content: Mapping[str, object]) -> Iterable[tuple[str, Fact]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value)
        elif isinstance(value, str | int):
            yield name, value
        else:
            yield name, str(value)


def _mail(content: Mapping[str, object]) -> bytes:
    stored = content.get(_MAIL)
    if not isinstance(stored, str):
        return b""
    try:
        return base64.b64decode(stored, validate=True)
    except binascii.Error:
        return stored.encode()


def _typed(happenings: Sequence[Happening], person: Subscriber | None) -> str:
    asked = [dict(each.facts).get("address") for each in happenings if each.type == EventType.REQUESTED.value]
    return next((str(typed) for typed in asked if typed), person.email_send if person else "")


# How it stands


def _about(
    current: Subscription,
    mailing_list: MailingList,
    held: Iterable[tuple[Subscription, MailingList]],
    happenings: Iterable[Happening],
) -> list[Happening]:
    """Return what happened on a list, and on the one where a permission was given that came here by a merge."""
    found = list(happenings)
    others = {each.public_id for _, each in held} - {mailing_list.public_id}
    given = {each.list_id for each in found if each.seq == current.ledger_seq} - others
    return [each for each in found if each.list_id in {mailing_list.public_id, *given}]


def _permission(
    current: Subscription,
    mailing_list: MailingList,
    happenings: Sequence[Happening],
    messages: Sequence[SentMessage],
    claims: Mapping[int, ImportedClaim],
) -> Permission:
    valid = current.valid_until is None or current.valid_until > clock.now()
    return Permission(
        list_id=mailing_list.public_id,
        list_name=mailing_list.name,
        purpose=current.purpose or mailing_list.purpose,
        state=current.state.value,
        basis=current.basis.value,
        since=clock.in_milliseconds(current.since),
        valid_until=_milliseconds(current.valid_until),
        permits=current.state is SubscriptionState.CONFIRMED and valid,
        happenings=tuple(happenings),
        messages=tuple(message for message in messages if message.list_id == mailing_list.public_id),
        claim=claims.get(mailing_list.id),
    )


def _standing(session: Session, organisation: Organisation, person: Subscriber, shelf: _Shelf) -> tuple[Standing, ...]:
    rows = suppression.reasons(session, organisation.id, person.suppression_key)
    return tuple(
        Standing(
            scope=row.scope,
            list_name=_list_named(row.scope, shelf.lists),
            reason=row.reason.value,
            since=clock.in_milliseconds(row.created_at),
            until=_milliseconds(row.until),
        )
        for row in sorted(rows, key=lambda row: row.id)
    )


def _list_named(scope: str, lists: Mapping[int, MailingList]) -> str:
    number = scope.removeprefix(_LIST_SCOPE)
    return lists[int(number)].name if number != scope and number.isdecimal() and int(number) in lists else ""


def _retention(session: Session, organisation: Organisation, subject_ref: str) -> Retention:
    until = session.scalar(select(func.min(Evidence.delete_after)).where(Evidence.subject_ref == subject_ref))
    return Retention(organisation.retention_preset, organisation.retention_reason, _milliseconds(until))
