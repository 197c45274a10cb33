"""Consent records of ISO/IEC TS 27560: every mandatory field is there, and every state of ours has its word."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from listkeeper.audience.consent import EventKind
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.standards import consent_record_27560 as iso27560
from listkeeper.standards.consent_record_27560 import Consent, Notice, Party, StateChange

OWNER = Party("urn:owner:1", "Café Kardemomme ApS", "Havnegade 1, 1058 København", "mailto:hello@cafe.example")
NOTICE = Notice("sha256:ab", "da", "2026-11-22T08:00:00.000Z", "Ja tak")
CONSENT = Consent(
    record_id="01a20726-f069-7eb5-a5d3-8c8c3ad8ead5", subject="5f" * 16, language="da", controller=OWNER, notice=NOTICE,
    privacy_notice="https://cafe.example", service="Nyheder", purpose="newsletter", basis="eu-gdpr:A6-1-a",
    collection="Sign-up form news, version 1", storage_location="Denmark", retention="24 months", jurisdiction="loc:DK",
    third_parties=(Party("urn:printer", "Trykkeriet", "Odense", "mailto:tryk@print.example"),),
    withdrawal="mailto:hello@cafe.example", authority="Datatilsynet",
    events=(
        StateChange("requested", "2026-11-23T08:14:14.162Z", by_subject=True, method="form"),
        StateChange("given", "2026-11-23T08:19:19.177Z", by_subject=True, method="button", valid_until="2027-11-23"),
        StateChange("expired", "2027-11-23T00:00:00.000Z", by_subject=False, method="clock"),
    ),
)  # fmt: skip

# The mandatory fields of the standard (DPV guide, section 7.2), each with the way to it in the record.
MANDATORY = {
    "schema version": ("dct:conformsTo",),
    "record id": ("dct:identifier",),
    "pii principal id": ("dpv:hasDataSubject", "dct:identifier"),
    "privacy notice": ("dpv:hasNotice", 1, "schema:url"),
    "consent notice": ("dpv:hasNotice", 0, "dct:description"),
    "language": ("dct:language",),
    "purpose": ("dpv:hasProcess", 0, "dpv:hasPurpose", "dct:title"),
    "lawful basis": ("dpv:hasProcess", 0, "dpv:hasLegalBasis"),
    "pii information": ("dpv:hasProcess", 0, "dpv:hasPersonalData", 0),
    "pii type": ("dpv:hasProcess", 0, "dpv:hasPersonalData", 0, "skos:broader"),
    "pii controllers": ("dpv:hasDataController",),
    "collection method": ("dpv:hasProcess", 0, "dpv:hasDataSource", "dct:description"),
    "processing method": ("dpv:hasProcess", 0, "dpv:hasProcessing", 0),
    "storage locations": ("dpv:hasProcess", 0, "dpv:hasStorageCondition", 0, "dpv:hasLocation"),
    "retention period": ("dpv:hasProcess", 0, "dpv:hasStorageCondition", 1, "dpv:hasDuration", "rdf:value"),
    "processing location": ("dpv:hasProcess", 0, "dpv:hasLocation"),
    "jurisdiction": ("dpv:hasJurisdiction",),
    "recipient third parties": ("dpv:hasProcess", 0, "dpv:hasThirdParty", 0),
    "withdrawal method": ("dpv:hasConsentControl", "dpv:isExercisedAt"),
    "privacy rights": ("dpv:hasRight", 0, "dct:title"),
    "authority party": ("dpv:hasAuthority", "dpv:hasName"),
    "party id": ("dpv:hasEntity", 0, "dct:identifier"),
    "party address": ("dpv:hasEntity", 0, "dpv:hasAddress"),
    "party name": ("dpv:hasEntity", 0, "dpv:hasName"),
    "party contact": ("dpv:hasEntity", 0, "dpv:hasContact"),
    "party type": ("dpv:hasEntity", 0, "@type", 1),
    "event time": ("dpv:hasConsentStatus", 0, "dpv:isIndicatedAtTime"),
    "validity duration": ("dpv:hasConsentStatus", 0, "dpv:hasDuration", "rdf:value"),
    "entity id": ("dpv:hasConsentStatus", 0, "dpv:isIndicatedBy"),
    "event type": ("dpv:hasConsentStatus", 0, "@type", 1),
    "event state": ("dpv:hasConsentStatus", 0, "@type", 0),
}


def _at(record: Any, way: tuple[str | int, ...]) -> object:  # noqa: ANN401 - any JSON
    for step in way:
        record = record[step]
    return record


@pytest.mark.parametrize("field", MANDATORY)
def test_a_mandatory_field_is_there_and_says_something(field: str) -> None:
    assert _at(iso27560.record(CONSENT), MANDATORY[field])


def test_the_record_names_the_profile_and_the_values_it_was_given() -> None:
    record = iso27560.record(CONSENT)
    assert record["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
    assert record["dpv:hasConsentStatus"][1] == {
        "@type": ["dpv:ConsentGiven", "dpv:ExpressedConsent"],
        "dpv:isIndicatedAtTime": "2026-11-23T08:19:19.177Z",
        "dpv:isIndicatedBy": "dpv:DataSubject",
        "dpv:hasIndicationMethod": "button",
        "dpv:hasDuration": {"@type": "dpv:UntilTimeDuration", "rdf:value": "2027-11-23"},
    }
    assert record["dpv:hasConsentStatus"][2]["dpv:isIndicatedBy"] == OWNER.id
    assert record["dpv:hasProcess"][0]["dpv:hasThirdParty"] == ["urn:printer"]


def test_a_receipt_has_an_id_of_its_own_and_is_json() -> None:
    receipt = iso27560.receipt("0b7e", "2026-11-23T08:20:00.000Z", OWNER.id, [iso27560.record(CONSENT)])
    assert receipt["dpv:hasIdentifier"] == "0b7e" != receipt["dpv:hasRecordOfActivity"][0]["dct:identifier"]
    prefixes = {part.partition(":")[0] for part in _names(receipt) if ":" in part}
    assert prefixes <= set(receipt["@context"])
    assert json.loads(json.dumps(receipt)) == receipt


def _names(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for part in value.values() for name in _names(part)}
    return {name for part in value for name in _names(part)} if isinstance(value, list) else set()


@pytest.mark.parametrize(
    "field", [field.name for field in dataclasses.fields(Consent) if field.name != "third_parties"]
)
def test_no_mandatory_field_may_be_empty(field: str) -> None:
    empty: Any = {
        "controller": dataclasses.replace(OWNER, address=""),
        "notice": dataclasses.replace(NOTICE, words=""),
        "events": (),
    }.get(field, "")
    with pytest.raises(ValueError, match=field):
        iso27560.record(dataclasses.replace(CONSENT, **{field: empty}))


def test_every_state_of_ours_has_a_word_and_only_two_words_permit() -> None:
    said = {kind.value.removeprefix("consent.") for kind in EventKind if kind.value.startswith("consent.")}
    ours = said | {"erased", "imported_unverified"}
    assert set(iso27560.STATES) == ours
    assert {iso27560.STATES[state] for state in ours if iso27560.permits(state)} == {
        "dpv:ConsentGiven", "dpv:RenewedConsentGiven",
    }  # fmt: skip
    assert {state for state in ours if iso27560.permits(state)} == {"given", "renewed", "narrowed"}


def test_the_map_is_that_of_the_specification() -> None:
    expected = {
        "requested": "ConsentRequested", "given": "ConsentGiven", "renewed": "RenewedConsentGiven",
        "refused": "ConsentRefused", "withdrawn": "ConsentWithdrawn", "objected": "ConsentWithdrawn",
        "complained": "ConsentWithdrawn", "expired": "ConsentExpired", "lapsed": "ConsentExpired",
        "erased": "ConsentTerminated", "invalidated": "ConsentInvalidated", "imported_unverified": "ConsentUnknown",
    }  # fmt: skip
    assert {state: word for state, word in iso27560.STATES.items() if state != "narrowed"} == {
        state: f"dpv:{word}" for state, word in expected.items()
    }


def test_a_state_that_nobody_knows_is_refused() -> None:
    events = (StateChange("hoped_for", "2026-11-23T08:00:00.000Z", by_subject=True, method="form"),)
    with pytest.raises(KeyError):
        iso27560.record(dataclasses.replace(CONSENT, events=events))


def test_no_state_of_a_subscription_but_confirmed_reads_as_permission() -> None:
    named = {state.value for state in SubscriptionState} & set(iso27560.STATES)
    assert not any(iso27560.permits(state) for state in named)


def test_a_service_is_no_marketing() -> None:
    way = ("dpv:hasProcess", 0, "dpv:hasPurpose", "skos:broader")
    assert _at(iso27560.record(CONSENT), way) == "dpv:DirectMarketing"
    served = dataclasses.replace(CONSENT, broader=iso27560.SERVICE)
    assert _at(iso27560.record(served), way) == "dpv:ServiceProvision"
