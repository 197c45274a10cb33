"""The proof of one person's permission, whole: what the ledger knows, what was sent under it, and pages to print.

``bundle`` is what the studio, the command line and the person's own page hand
out. It stands here because it needs the chapters below: what she agreed to,
how that looks on paper, and which messages left.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import audit_log
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.importing import proving
from listkeeper.audience.importing.proving import ProvedRow
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import consent_exports, dossier, ledger, proof_bundle
from listkeeper.audience.proof.certificate import Certificate, SentMessage
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.proof.proof_bundle import CERTIFICATE, Cover, Files, Rows
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering import form_snapshot
from listkeeper.rendering.paper import certificate_html, certificate_pdf
from listkeeper.sending.delivery import SENT, Delivery, DeliveryState

_LEFT = (*SENT, DeliveryState.IN_DOUBT)


@dataclass(frozen=True)
class Bundle:
    """A bundle ready to be saved; its name holds no address."""

    name: str
    content: bytes
    certificate: Certificate


def hand_out(  # noqa: PLR0913 - whose proof, for whom, from where
    session: Session, organisation: Organisation, subject_ref: str, *, actor: str, site: str, spoken: str | None = None
) -> Bundle:
    """Return a person's bundle and write into ledger and audit log that it is handed out, and to whom.

    ``actor`` as in the ledger (``user:3``, ``cli``, ``subscriber``). Needs a writing transaction.
    Raises NotFound when there is nothing to prove.
    """
    _refuse_nothing(session, organisation, subject_ref)
    told = Event(EventType.EVIDENCE_EXPORTED, subject=subject_ref, actor=actor)
    ledger.append(session, organisation.id, [told])
    made = bundle(session, organisation, subject_ref, site=site, spoken=spoken)
    # The audit log calls a command a command, whoever typed it.
    audit_log.record(
        session,
        organisation.id,
        "command" if actor == "cli" else actor,
        EventType.EVIDENCE_EXPORTED.value,
        _seen(made.certificate),
    )
    return made


def _refuse_nothing(session: Session, organisation: Organisation, subject_ref: str) -> None:
    if not ledger.of_subject(session, organisation.id, subject_ref) and not proving.of_subject(
        session, organisation, subject_ref
    ):
        raise NotFound(
            "no_proof", language.text("There is nothing to prove: no consent of this person was ever recorded here.")
        )


def _seen(certificate: Certificate) -> str:
    return certificate.public_id or certificate.subject


def bundle(
    session: Session, organisation: Organisation, subject_ref: str, *, site: str, spoken: str | None = None
) -> Bundle:
    """Return the ZIP that ``listkeeper-verify`` checks, in a language (else that of the organisation).

    It signs a checkpoint when the newest does not cover the person's rows, so
    it needs a writing transaction. ``site`` is this instance's address.
    Raises NotFound when the ledger holds nothing of the subject.
    """
    _refuse_nothing(session, organisation, subject_ref)
    imported = proving.of_subject(session, organisation, subject_ref)
    rows = proof_bundle.rows_of(session, organisation, subject_ref, [row.seq for row in imported])
    certificate = _certificate(session, organisation, rows, imported, spoken)
    files = proof_bundle.files_of(session, organisation, rows, imported)
    files |= papers(certificate, organisation.brand_colour, site)
    cover = Cover(CERTIFICATE, organisation.public_id, subject_ref, certificate.made_at, rows.covered.size)
    return Bundle(f"proof-{_seen(certificate)}.zip", proof_bundle.pack(files, cover), certificate)


def gather(session: Session, organisation: Organisation, subject_ref: str, *, spoken: str | None = None) -> Certificate:
    """Return what ``bundle`` would print of a subject, without making the bundle."""
    imported = proving.of_subject(session, organisation, subject_ref)
    rows = proof_bundle.rows_of(session, organisation, subject_ref, [row.seq for row in imported])
    return _certificate(session, organisation, rows, imported, spoken)


def _certificate(
    session: Session, organisation: Organisation, rows: Rows, imported: list[ProvedRow], spoken: str | None
) -> Certificate:
    return dossier.certificate(
        session,
        organisation,
        rows.subject,
        spoken=spoken or organisation.language,
        at=rows.covered,
        messages=_messages(session, organisation, rows.subject),
        claims=proving.claims_by_list(imported),
    )


def _messages(session: Session, organisation: Organisation, subject_ref: str) -> list[SentMessage]:
    query = (
        select(Delivery, Revision.subject, MailingList.public_id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .outerjoin(Revision, Revision.id == Delivery.revision_id)
        .outerjoin(MailingList, MailingList.id == Delivery.list_id)
        .where(
            Subscriber.organisation_id == organisation.id,
            Subscriber.subject_ref == subject_ref,
            Delivery.state.in_(_LEFT),
        )
        .order_by(Delivery.handed_at, Delivery.id)
    )
    return [_message(row, subject, list_id) for row, subject, list_id in session.execute(query)]


def _message(row: Delivery, subject: str | None, list_id: str | None) -> SentMessage:
    return SentMessage(
        at=clock.in_milliseconds(row.handed_at or row.created_at),
        list_id=list_id or "",
        subject=subject or _class_name(row.message_class),
        message_class=row.message_class.value,
        state=row.state.value,
        message_id=row.message_id or "",
        reply=" ".join(part for part in (str(row.reply_code or ""), row.reply_text or "") if part),
        grant_seq=row.grant_seq or 0,
    )


def _class_name(kind: MessageClass) -> str:
    return {
        MessageClass.DOI: language.text("Confirmation mail"),
        MessageClass.SERVICE: language.text("Note about the subscription"),
    }.get(kind, kind.value)


def papers(certificate: Certificate, brand_colour: str, site: str) -> Files:
    """Return the files of a bundle that people read, and the exports for other programs."""
    with language.using(certificate.language):
        files = {
            "README.txt": _read_me().encode(),
            "certificate.pdf": certificate_pdf.render(certificate),
            "certificate.html": certificate_html.render(certificate),
            "certificate.json": _json(as_plain(certificate)),
            "iso27560.jsonld": _json(consent_exports.as_27560(certificate, site)),
            "kantara.json": _json(consent_exports.as_kantara(certificate, site)),
        }
        for form in certificate.forms:
            files[f"form/{form.sha256}.html"] = form_snapshot.render(certificate.controller, form, brand_colour)
    return files


def as_plain(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as JSON has it; a mail is named by its file, times are milliseconds since 1970 UTC."""
    plain = dataclasses.asdict(certificate)
    for happening in [*plain["elsewhere"], *(each for one in plain["permissions"] for each in one["happenings"])]:
        happening["mail"] = f"mails/{happening['id']}.eml" if happening["mail"] else ""
        happening["facts"] = dict(happening["facts"])
        happening["details"] = dict(happening["details"])
    for permission in plain["permissions"]:
        if permission["claim"]:
            permission["claim"]["claims"] = dict(permission["claim"]["claims"])
    plain["jurisdictions"] = dict(plain["jurisdictions"])
    return {"statement": "server-side record, not proof of identity", **plain}


def _json(value: Mapping[str, Any] | list[dict[str, Any]]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def _read_me() -> str:
    lines = (
        ("certificate.pdf", language.text("the record of consent, to read and to print")),
        ("certificate.html", language.text("the same as a page for a browser")),
        ("certificate.json", language.text("the same for programs; times are milliseconds since 1970, UTC")),
        ("form/", language.text("each sign-up form as the person saw it, made again from its stored words")),
        ("mails/", language.text("copies of the confirmation mails")),
        ("texts/, forms/", language.text("the published texts, named by their SHA-256")),
        ("ledger.jsonl", language.text("the rows of the ledger, one a line")),
        ("evidence.jsonl", language.text("what proves each row, with the salt of its commitment")),
        (
            "checkpoint.txt, inclusion.jsonl",
            language.text("the signed root of the ledger, and the way from each row to it"),
        ),
        ("iso27560.jsonld, kantara.json", language.text("the same record in the form of two standards")),
        (
            proof_bundle.VERIFIER,
            language.text("the program that checks all this: python listkeeper_verify.py proof.zip"),
        ),
    )
    last = language.text("A server-side record, not proof of identity.")
    return "\n".join([*(f"{name}\n    {what}" for name, what in lines), "", last, ""])
