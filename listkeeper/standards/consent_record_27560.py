"""ISO/IEC TS 27560 consent records as JSON-LD, in the Data Privacy Vocabulary's profile ``record-eu-gdpr``.

Written from the W3C community group's guide "Consent Records and Receipts as
per ISO/IEC TS 27560:2023 using DPV" (2024-08-01), not from the paid text of
the standard. One record is one consent: one person, one list, and every state
it went through. A receipt carries any number of records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#"
RECORD = f"{SCHEMA}record-eu-gdpr"
RECEIPT = f"{SCHEMA}receipt-eu-gdpr"
MARKETING = "dpv:DirectMarketing"
SERVICE = "dpv:ServiceProvision"
CONTEXT = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "pd": "https://w3id.org/dpv/pd#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
}

# What our own words for the states of a consent are called in the vocabulary. Nothing else permits processing than
# the states of PERMITTING; the guide lists the others as invalid for processing.
STATES: dict[str, str] = {
    "requested": "dpv:ConsentRequested",
    "given": "dpv:ConsentGiven",
    "renewed": "dpv:RenewedConsentGiven",
    "narrowed": "dpv:RenewedConsentGiven",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
    "objected": "dpv:ConsentWithdrawn",
    "complained": "dpv:ConsentWithdrawn",
    "expired": "dpv:ConsentExpired",
    "lapsed": "dpv:ConsentExpired",
    "erased": "dpv:ConsentTerminated",
    "invalidated": "dpv:ConsentInvalidated",
    "imported_unverified": "dpv:ConsentUnknown",
}
PERMITTING = frozenset({"dpv:ConsentGiven", "dpv:RenewedConsentGiven"})

_RIGHTS = (
    ("eu-gdpr:A7-3", "Right to withdraw consent"),
    ("eu-gdpr:A15", "Right of access"),
    ("eu-gdpr:A16", "Right to rectification"),
    ("eu-gdpr:A17", "Right to erasure"),
    ("eu-gdpr:A18", "Right to restriction of processing"),
    ("eu-gdpr:A20", "Right to data portability"),
    ("eu-gdpr:A21", "Right to object"),
    ("eu-gdpr:A77", "Right to lodge a complaint with a supervisory authority"),
)
_PROCESSING = ("dpv:Collect", "dpv:Store", "dpv:Use", "dpv:Erase")


@dataclass(frozen=True)
class Party:
    """Somebody named in a record: 27560's party id, name, address, contact and type."""

    id: str
    name: str
    address: str
    contact: str
    website: str = ""


@dataclass(frozen=True)
class Notice:
    """A text that was shown: its identifier (here the SHA-256 of its bytes), language, day of publication, words."""

    id: str
    language: str
    published: str
    words: str


@dataclass(frozen=True)
class StateChange:
    """One event of a consent: a key of ``STATES``, an RFC 3339 time in UTC, who did it, by which act.

    ``valid_until`` is an RFC 3339 time, or empty: valid until the person withdraws.
    """

    state: str
    at: str
    by_subject: bool
    method: str
    valid_until: str = ""


@dataclass(frozen=True)
class Consent:
    """What one record says; every field is mandatory in 27560 or in the GDPR profile of it."""

    record_id: str
    subject: str
    language: str
    controller: Party
    notice: Notice
    privacy_notice: str
    service: str
    purpose: str
    basis: str
    collection: str
    storage_location: str
    retention: str
    jurisdiction: str
    third_parties: Sequence[Party]
    withdrawal: str
    authority: str
    events: Sequence[StateChange]
    # The purpose of DPV that this one is a kind of.
    broader: str = MARKETING


def permits(state: str) -> bool:
    """Return whether a state of ours (a key of ``STATES``) permits processing. Raises KeyError for an unknown one."""
    return STATES[state] in PERMITTING


def record(consent: Consent) -> dict[str, Any]:
    """Return one consent record (guide section "DPV-27560 Consent Records"), without ``@context``.

    Raises ValueError when a mandatory field is empty and KeyError for a state that is not in ``STATES``.
    """
    _refuse_gaps(consent)
    return {
        "@id": f"urn:uuid:{consent.record_id}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": RECORD,
        "dct:identifier": consent.record_id,
        "dct:language": consent.language,
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dct:identifier": consent.subject},
        "dpv:hasDataController": consent.controller.id,
        "dpv:hasEntity": [
            _entity(consent.controller, "dpv:DataController"),
            *(_entity(party, "dpv:ThirdParty") for party in consent.third_parties),
        ],
        "dpv:hasJurisdiction": consent.jurisdiction,
        "dpv:hasApplicableLaw": "eu-gdpr:GDPR",
        "dpv:hasAuthority": {"@type": "dpv:DataProtectionAuthority", "dpv:hasName": consent.authority},
        "dpv:hasNotice": _notices(consent),
        "dpv:hasProcess": [_process(consent)],
        "dpv:hasConsentControl": {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": consent.withdrawal},
        "dpv:hasRight": [
            {"@type": ["dpv:DataSubjectRight", clause], "dct:title": title, "dpv:isExercisedAt": consent.withdrawal}
            for clause, title in _RIGHTS
        ],
        "dpv:hasConsentStatus": [_status(event, consent) for event in consent.events],
    }


def _refuse_gaps(consent: Consent) -> None:
    empty = [name for name, value in vars(consent).items() if name != "third_parties" and not value]
    party, notice = consent.controller, consent.notice
    empty += [f"controller.{name}" for name in ("id", "name", "address", "contact") if not getattr(party, name)]
    empty += [f"notice.{name}" for name, value in vars(notice).items() if not value]
    if empty:
        raise ValueError(f"a consent record needs {', '.join(empty)}")


def _entity(party: Party, kind: str) -> dict[str, Any]:
    entity: dict[str, Any] = {
        "@id": party.id,
        "@type": ["dpv:LegalEntity", kind],
        "dct:identifier": party.id,
        "dpv:hasName": party.name,
        "dpv:hasAddress": party.address,
        "dpv:hasContact": party.contact,
    }
    return entity | ({"schema:url": party.website} if party.website else {})


def _notices(consent: Consent) -> list[dict[str, Any]]:
    shown = consent.notice
    return [
        {
            "@type": "dpv:ConsentNotice",
            "dct:identifier": f"sha256:{shown.id}",
            "dct:language": shown.language,
            "dct:date": shown.published,
            "dct:description": shown.words,
        },
        {"@type": "dpv:PrivacyNotice", "dct:language": shown.language, "schema:url": consent.privacy_notice},
    ]


def _process(consent: Consent) -> dict[str, Any]:
    return {
        "@type": "dpv:Process",
        "dpv:hasService": consent.service,
        "dpv:hasPurpose": {"@type": "dpv:Purpose", "skos:broader": consent.broader, "dct:title": consent.purpose},
        "dpv:hasLegalBasis": consent.basis,
        "dpv:hasDataController": consent.controller.id,
        "dpv:hasPersonalData": [
            {
                "@type": "dpv:PersonalData",
                "skos:broader": "pd:EmailAddress",
                "dpv:hasNecessity": "dpv:Required",
                "dpv:hasDataSource": "dpv:DataSubjectDataSource",
            }
        ],
        "dpv:hasProcessing": list(_PROCESSING),
        "dpv:hasDataSource": {"@type": "dpv:DataSubjectDataSource", "dct:description": consent.collection},
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": consent.storage_location},
            {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": {"@type": "dpv:UntilEventDuration", "rdf:value": consent.retention},
            },
        ],
        "dpv:hasLocation": consent.storage_location,
        "dpv:hasRecipient": [consent.controller.id, *(party.id for party in consent.third_parties)],
        "dpv:hasThirdParty": [party.id for party in consent.third_parties],
    }


def _status(event: StateChange, consent: Consent) -> dict[str, Any]:
    duration = (
        {"@type": "dpv:UntilTimeDuration", "rdf:value": event.valid_until}
        if event.valid_until
        else {"@type": "dpv:UntilEventDuration", "rdf:value": "Withdrawal of consent by the data subject"}
    )
    return {
        "@type": [STATES[event.state], "dpv:ExpressedConsent"],
        "dpv:isIndicatedAtTime": event.at,
        "dpv:isIndicatedBy": "dpv:DataSubject" if event.by_subject else consent.controller.id,
        "dpv:hasIndicationMethod": event.method,
        "dpv:hasDuration": duration,
    }


def receipt(receipt_id: str, created: str, publisher: str, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a receipt over records (guide section "DPV-27560 Consent Receipts"), with its ``@context``.

    ``receipt_id`` is a UUID, ``created`` an RFC 3339 time, ``publisher`` the id of the controller.
    """
    return {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{receipt_id}",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": RECEIPT,
        "dpv:hasIdentifier": receipt_id,
        "dct:created": created,
        "dct:publisher": publisher,
        "dct:audience": "dpv:DataSubject",
        "dpv:hasRecordOfActivity": list(records),
    }
