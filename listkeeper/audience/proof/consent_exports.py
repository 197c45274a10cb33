"""A certificate in the words of two standards: ISO/IEC TS 27560 (as JSON-LD) and Kantara consent receipts.

Both know less than the ledger does. Where a field is mandatory and we keep
nothing for it, it says so in words; nothing is made up.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from listkeeper.audience.mailing_list import SERVICE
from listkeeper.audience.proof.certificate import Certificate, Happening, Permission
from listkeeper.audience.proof.ledger import EventType
from listkeeper.standards import consent_record_27560 as iso27560
from listkeeper.standards import kantara_receipt
from listkeeper.standards.consent_record_27560 import Consent, Notice, Party, StateChange
from listkeeper.standards.kantara_receipt import Controller, Transaction

_CLAIMED = "imported_unverified"
_ERASED = EventType.ERASED.value
_ARTICLE_6 = "eu-gdpr:A6-1-a"
_LEGITIMATE = "eu-gdpr:A6-1-f"
_EUROPE = "loc:EU"
_NO_TEXT = "No text was handed over with the import."
_STORAGE = "On the server of the controller"
_AUTHORITY = "The supervisory authority of the person or of the controller (GDPR Art. 77)"


def as_27560(certificate: Certificate, site: str) -> dict[str, Any]:
    """Return one receipt with a consent record for each list the person ever agreed to, or was imported to.

    ``site`` is this instance's address: the notice and the text that somebody saw stay readable there.
    """
    records = [iso27560.record(consent) for consent in _consents(certificate, site)]
    name = f"{certificate.subject}:{certificate.position.root}:{certificate.made_at}"
    number = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
    return iso27560.receipt(number, _moment(certificate.made_at), _controller_id(certificate), records)


def _consents(certificate: Certificate, site: str) -> Iterator[Consent]:
    for permission in map(_to_send_letters, certificate.permissions):
        events = tuple(_changes(certificate, permission))
        if not events:
            continue
        yield Consent(
            record_id=_record_id(permission),
            subject=certificate.subject,
            language=_notice(certificate, permission).language,
            controller=_party(certificate),
            notice=_notice(certificate, permission),
            privacy_notice=_policy(permission.happenings, site) or f"mailto:{certificate.controller.contact}",
            service=permission.list_name,
            purpose=permission.purpose,
            basis=_ARTICLE_6 if permission.basis in {"", "none", "consent"} else _LEGITIMATE,
            collection=_collection(permission),
            storage_location=_STORAGE,
            retention=_retention(certificate),
            jurisdiction=_jurisdiction(certificate, permission),
            third_parties=(),
            withdrawal=f"mailto:{certificate.controller.contact}",
            authority=_AUTHORITY,
            events=events,
            broader=iso27560.SERVICE if permission.purpose == SERVICE else iso27560.MARKETING,
        )


def _to_send_letters(permission: Permission) -> Permission:
    """Return a permission without what was said of being seen: other words, and another consent than this one."""
    happened = (each for each in permission.happenings if not each.type.startswith("tracking."))
    return replace(permission, happenings=tuple(happened))


def _record_id(permission: Permission) -> str:
    if permission.happenings:
        return str(uuid.UUID(hex=permission.happenings[0].id))
    claim = permission.claim
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{claim.batch}:{claim.row}" if claim else permission.list_id))


def _changes(certificate: Certificate, permission: Permission) -> Iterator[StateChange]:
    if permission.claim is not None:
        yield StateChange(_CLAIMED, _moment(permission.claim.at), by_subject=False, method="import")
    erased = [each for each in certificate.elsewhere if each.type == _ERASED]
    for each in (*permission.happenings, *erased):
        state = each.type.partition(".")[2]
        if each.type != _ERASED and (not each.type.startswith("consent.") or state not in iso27560.STATES):
            continue
        yield StateChange(
            state=state,
            at=_moment(each.happened_at or each.at),
            by_subject=each.actor == "subscriber",
            method=each.method or each.actor,
            valid_until=_moment(each.expires_at) if each.expires_at else "",
        )


def _moment(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def _controller_id(certificate: Certificate) -> str:
    return f"urn:listkeeper:{certificate.controller.public_id}"


def _party(certificate: Certificate) -> Party:
    known = certificate.controller
    address = ", ".join(known.postal_address.splitlines())
    return Party(_controller_id(certificate), known.name, address, f"mailto:{known.contact}", known.website)


def _notice(certificate: Certificate, permission: Permission) -> Notice:
    shown = next((each.text for each in reversed(permission.happenings) if each.text), None)
    if shown is not None:
        words = "\n".join((*shown.sentences, f"[{shown.button_label}]"))
        return Notice(f"sha256:{shown.sha256}", shown.language, _moment(shown.published_at), words)
    claim = permission.claim
    told = dict(claim.claims).get("text", _NO_TEXT) if claim else _NO_TEXT
    named = f"import:{claim.batch}" if claim else "none"
    return Notice(named, certificate.controller.language, _moment(permission.since), str(told))


def _policy(happenings: Iterable[Happening], site: str) -> str:
    """Return where the newest notice these events point at can be read, else the text itself; empty for neither."""
    for each in reversed(list(happenings)):
        if each.form and each.form.notice_sha256:
            return f"{site}/privacy/{each.form.notice_sha256}"
        if each.text:
            return f"{site}/t/{each.text.sha256}"
    return ""


def _collection(permission: Permission) -> str:
    form = next((each.form for each in permission.happenings if each.form), None)
    if form is not None:
        return f"Sign-up form {form.slug}, version {form.version}"
    return "Imported claim: somebody else recorded this" if permission.claim else "Not recorded"


def _retention(certificate: Certificate) -> str:
    kept = certificate.retention
    if kept.delete_after:
        return f"Until {_moment(kept.delete_after)} ({kept.preset or 'no preset chosen'})"
    return "While the consent lives, and afterwards as chosen by the controller"


def _jurisdiction(certificate: Certificate, permission: Permission) -> str:
    code = dict(certificate.jurisdictions).get(permission.list_id, "")
    return f"loc:{code.upper()}" if code and code.isalpha() and len(code) == len("DK") else _EUROPE


def as_kantara(certificate: Certificate, site: str) -> list[dict[str, Any]]:
    """Return one receipt for each time the person said yes.

    ``site`` as for ``as_27560``.
    """
    return [
        kantara_receipt.receipt(_transaction(certificate, permission, each, site))
        for permission in certificate.permissions
        for each in permission.happenings
        if each.type in {EventType.GIVEN.value, EventType.RENEWED.value}
    ]


def _transaction(certificate: Certificate, permission: Permission, given: Happening, site: str) -> Transaction:
    known = certificate.controller
    return Transaction(
        receipt_id=str(uuid.UUID(hex=given.id)),
        subject=certificate.subject,
        given_at=given.at // 1000,
        language=given.text.language if given.text else known.language,
        jurisdiction=_jurisdiction(certificate, permission).removeprefix("loc:"),
        collection_method=f"{_collection(permission)}; confirmed by {given.method}",
        controller=Controller(
            known.name, known.contact, ", ".join(known.postal_address.splitlines()), kantara_receipt.NOT_STATED,
            known.contact, website=known.website,
        ),
        policy_url=_policy([given], site) or f"mailto:{known.contact}",
        service=permission.list_name,
        purpose=permission.purpose,
        explicit=True,
        termination=_retention(certificate),
        public_key=certificate.position.public_key,
        category=kantara_receipt.SERVICE if permission.purpose == SERVICE else kantara_receipt.MARKETING,
    )  # fmt: skip
