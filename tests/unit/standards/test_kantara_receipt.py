"""Kantara consent receipts: the fields that KI-CR-v1.1.0 demands, of the kinds it demands."""

from __future__ import annotations

import dataclasses
import json

import pytest

from listkeeper.standards import kantara_receipt
from listkeeper.standards.kantara_receipt import Controller, Transaction

OWNER = Controller("Café Kardemomme ApS", "hello@cafe.example", "Havnegade 1", "DK", "hello@cafe.example")
GIVEN = Transaction(
    receipt_id="01a20726-f077-7585-ae1b-da53f2460b97", subject="5f" * 16, given_at=1_795_416_322, language="da",
    jurisdiction="DK", collection_method="Sign-up form, confirmed by button", controller=OWNER,
    policy_url="https://mail.cafe.example/t/ab", service="Nyheder", purpose="newsletter", explicit=True,
    termination="While the consent lives",
)  # fmt: skip


@pytest.mark.parametrize("field", kantara_receipt.MANDATORY)
def test_a_mandatory_field_is_there(field: str) -> None:
    assert field in kantara_receipt.receipt(GIVEN)


def test_the_values_are_of_the_kinds_the_specification_asks_for() -> None:
    receipt = kantara_receipt.receipt(GIVEN)
    assert receipt["version"] == "KI-CR-v1.1.0"
    assert receipt["consentTimestamp"] == 1_795_416_322
    assert isinstance(receipt["consentTimestamp"], int)
    assert receipt["sensitive"] is False
    assert receipt["spiCat"] == []
    assert json.loads(json.dumps(receipt)) == receipt


def test_controller_and_purpose_have_their_mandatory_fields() -> None:
    receipt = kantara_receipt.receipt(GIVEN)
    (controller,) = receipt["piiControllers"]
    assert all(controller[name] for name in kantara_receipt.MANDATORY_OF_CONTROLLER)
    assert set(controller["address"]) == {"streetAddress", "addressCountry"}
    (purpose,) = receipt["services"][0]["purposes"]
    assert set(kantara_receipt.MANDATORY_OF_PURPOSE) <= set(purpose)
    assert purpose["consentType"] == "EXPLICIT"
    assert purpose["thirdPartyDisclosure"] is False
    assert "thirdPartyName" not in purpose


def test_what_is_not_known_says_so_and_what_may_be_left_out_is() -> None:
    receipt = kantara_receipt.receipt(GIVEN)
    assert receipt["piiControllers"][0]["phone"] == kantara_receipt.NOT_STATED
    assert "publicKey" not in receipt
    assert "piiControllerUrl" not in receipt["piiControllers"][0]


def test_third_parties_are_named() -> None:
    given = dataclasses.replace(GIVEN, third_parties=("Trykkeriet", "Posten"), public_key="cGs=", explicit=False)
    receipt = kantara_receipt.receipt(given)
    purpose = receipt["services"][0]["purposes"][0]
    assert (purpose["thirdPartyDisclosure"], purpose["thirdPartyName"]) == (True, "Trykkeriet, Posten")
    assert (purpose["consentType"], receipt["publicKey"]) == ("IMPLICIT", "cGs=")


@pytest.mark.parametrize(
    "change",
    [
        {"receipt_id": ""}, {"subject": ""}, {"given_at": 0}, {"jurisdiction": ""}, {"collection_method": ""},
        {"policy_url": ""}, {"service": ""}, {"purpose": ""}, {"termination": ""},
        {"controller": dataclasses.replace(OWNER, email="")}, {"controller": dataclasses.replace(OWNER, phone="")},
    ],
)  # fmt: skip
def test_nothing_mandatory_may_be_empty(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needs"):
        kantara_receipt.receipt(dataclasses.replace(GIVEN, **change))  # type: ignore[arg-type]


def test_a_service_is_no_marketing() -> None:
    def category(given: Transaction) -> object:
        return kantara_receipt.receipt(given)["services"][0]["purposes"][0]["purposeCategory"]

    assert category(GIVEN) == ["6 - Marketing"]
    assert category(dataclasses.replace(GIVEN, category=kantara_receipt.SERVICE)) == ["2 - Contracted Service"]
