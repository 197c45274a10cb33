"""Kantara consent receipts, version KI-CR-v1.1.0 (Consent Receipt Specification, 2018-02-20).

One receipt is one transaction: the moment somebody said yes to one service.
Field names and their order are those of the specification, sections 4.3 to 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

VERSION = "KI-CR-v1.1.0"
# Appendix of the specification: the category numbers are part of its words.
MARKETING = "6 - Marketing"
SERVICE = "2 - Contracted Service"
CONTACT = "2 - Contact"
EXPLICIT = "EXPLICIT"
IMPLICIT = "IMPLICIT"
NOT_STATED = "not stated"

MANDATORY = (
    "version", "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID", "piiPrincipalId",
    "piiControllers", "policyUrl", "services", "sensitive", "spiCat",
)  # fmt: skip
MANDATORY_OF_CONTROLLER = ("piiController", "contact", "address", "email", "phone")
MANDATORY_OF_PURPOSE = (
    "purpose", "purposeCategory", "consentType", "piiCategory", "termination", "thirdPartyDisclosure",
)  # fmt: skip


@dataclass(frozen=True)
class Controller:
    """The controller as a receipt names it; a part that is not known is said to be so, never left empty."""

    name: str
    contact: str
    street: str
    country: str
    email: str
    phone: str = NOT_STATED
    website: str = ""


@dataclass(frozen=True)
class Transaction:
    """What one receipt says. ``given_at`` is whole seconds since 1970 UTC, ``policy_url`` that of the version in force.

    ``third_parties`` are the names of those the data is given to; ``public_key`` may be empty.
    """

    receipt_id: str
    subject: str
    given_at: int
    language: str
    jurisdiction: str
    collection_method: str
    controller: Controller
    policy_url: str
    service: str
    purpose: str
    explicit: bool
    termination: str
    third_parties: Sequence[str] = ()
    public_key: str = ""
    category: str = MARKETING


def receipt(transaction: Transaction) -> dict[str, Any]:
    """Return one receipt. Raises ValueError when a mandatory field would be empty."""
    named: dict[str, Any] = {
        "version": VERSION,
        "jurisdiction": transaction.jurisdiction,
        "consentTimestamp": transaction.given_at,
        "collectionMethod": transaction.collection_method,
        "consentReceiptID": transaction.receipt_id,
        **({"publicKey": transaction.public_key} if transaction.public_key else {}),
        "language": transaction.language,
        "piiPrincipalId": transaction.subject,
        "piiControllers": [_controller(transaction.controller)],
        "policyUrl": transaction.policy_url,
        "services": [{"service": transaction.service, "purposes": [_purpose(transaction)]}],
        "sensitive": False,
        "spiCat": [],
    }
    may_be_empty = {"sensitive", "spiCat"}
    empty = [name for name in MANDATORY if name not in may_be_empty and not named[name]]
    empty += [name for name in MANDATORY_OF_CONTROLLER if not named["piiControllers"][0][name]]
    empty += [name for name in ("purpose", "termination") if not getattr(transaction, name)]
    if empty or not transaction.service:
        raise ValueError(f"a consent receipt needs {', '.join(empty) or 'service'}")
    return named


def _controller(controller: Controller) -> dict[str, Any]:
    return {
        "piiController": controller.name,
        "onBehalf": False,
        "contact": controller.contact,
        "address": {"streetAddress": controller.street, "addressCountry": controller.country},
        "email": controller.email,
        "phone": controller.phone,
        **({"piiControllerUrl": controller.website} if controller.website else {}),
    }


def _purpose(transaction: Transaction) -> dict[str, Any]:
    return {
        "purpose": transaction.purpose,
        "purposeCategory": [transaction.category],
        "consentType": EXPLICIT if transaction.explicit else IMPLICIT,
        "piiCategory": [CONTACT],
        "primaryPurpose": True,
        "termination": transaction.termination,
        "thirdPartyDisclosure": bool(transaction.third_parties),
        **({"thirdPartyName": ", ".join(transaction.third_parties)} if transaction.third_parties else {}),
    }
