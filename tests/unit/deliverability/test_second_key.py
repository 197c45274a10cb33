"""The Ed25519 key beside a domain's first key: signs only once it is published, and never alone."""

from __future__ import annotations

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.deliverability import dkim_key, second_key, sending_domain
from listkeeper.deliverability.dkim_key import DkimKey, KeyState
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation.errors import Conflict, ListkeeperError, NotFound, TryAgain
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dns import Answer, NoData, NxDomain, Outcome, TempFail

_NAME = "lk1e._domainkey.shop.example"
_MESSAGE = b"From: hello@shop.example\r\nSubject: News\r\n\r\nHello\r\n"


@pytest.fixture
def owner(session: Session) -> int:
    made = organisation.found(
        session, legal_name="Shop", postal_address="Street 1\n1000 Town", from_address="hello@shop.example", spoken="en"
    )
    return made.id


@pytest.fixture
def domain(session: Session, owner: int) -> SendingDomain:
    """A domain whose first key signs."""
    made = sending_domain.add(session, owner, "shop.example")
    first = dkim_key.of(session, made.id, "lk1")
    assert first is not None
    dkim_key.move(first, KeyState.SIGNING)
    made.signing = True
    session.flush()
    return made


def _shown(key: DkimKey) -> Outcome:
    return Answer(_NAME, "TXT", "", (key.record,), 300)


def test_it_is_made_sealed_with_the_record_to_publish(session: Session, domain: SendingDomain) -> None:
    key = second_key.add(session, domain)
    read = dkim_key_record.parse(key.record)
    assert isinstance(read, dkim_key_record.KeyRecord)
    assert (key.selector, key.algorithm, read.algorithm) == ("lk1e", "ed25519-sha256", "ed25519")
    assert key.state is KeyState.MADE
    private = dkim_key.private(key)
    assert isinstance(private, Ed25519PrivateKey)
    assert dkim_key_record.record_for(private) == key.record
    assert private.private_bytes_raw() not in key.sealed
    with pytest.raises(Conflict) as refused:
        second_key.add(session, domain)
    assert refused.value.code == "second_key_exists"
    assert second_key.of(session, domain) is key


@pytest.mark.parametrize(
    ("published", "code"),
    [
        (NxDomain(_NAME, "TXT", ""), "key_not_published"),
        (NoData(_NAME, "TXT", ""), "key_not_published"),
        (Answer(_NAME, "TXT", "", ("v=DKIM1; k=ed25519; p=", "nonsense"), 300), "key_not_published"),
        (
            Answer(_NAME, "TXT", "", (dkim_key_record.record_for(Ed25519PrivateKey.generate()),), 300),
            "key_not_published",
        ),
        (TempFail(_NAME, "TXT", "", "nobody answered"), "dns_silent"),
    ],
)
def test_it_does_not_sign_before_the_dns_shows_it(
    session: Session, owner: int, domain: SendingDomain, published: Outcome, code: str
) -> None:
    key = second_key.add(session, domain)
    with pytest.raises(ListkeeperError) as refused:
        second_key.start(session, domain, published)
    assert (refused.value.code, isinstance(refused.value, TryAgain)) == (code, code == "dns_silent")
    assert key.state is KeyState.MADE
    assert _kinds(session, owner) == [RSAPrivateKey]


def _kinds(session: Session, owner: int) -> list[type]:
    signer = sending_domain.signer(session, owner, "shop.example")
    kinds = (RSAPrivateKey, Ed25519PrivateKey)
    return [kind for key in signer.keys for kind in kinds if isinstance(key.private, kind)] if signer else []


def test_a_record_with_another_beside_it_is_not_enough(session: Session, domain: SendingDomain) -> None:
    key = second_key.add(session, domain)
    with pytest.raises(Conflict):
        second_key.start(session, domain, Answer(_NAME, "TXT", "", (key.record, "v=spf1 -all"), 300))


def test_it_signs_beside_the_first_key_and_never_alone(session: Session, owner: int, domain: SendingDomain) -> None:
    key = second_key.add(session, domain)
    second_key.start(session, domain, _shown(key))
    second_key.start(session, domain, _shown(key))
    assert _kinds(session, owner) == [RSAPrivateKey, Ed25519PrivateKey]
    signer = sending_domain.signer(session, owner, "shop.example")
    first = dkim_key.of(session, domain.id, "lk1")
    assert signer is not None
    assert first is not None
    signed = signer.header(_MESSAGE, "b@shop.example", "reader@example.net") + _MESSAGE
    published = {b"lk1._domainkey.shop.example.": first.record.encode(), f"{_NAME}.".encode(): key.record.encode()}
    assert signed.count(b"DKIM-Signature:") == 2
    for number in range(2):
        assert dkimpy.DKIM(signed).verify(number, dnsfunc=lambda name, **_: published[name])
    sending_domain.stop_signing(session, domain)
    assert sending_domain.signer(session, owner, "shop.example") is None


def test_it_is_stopped_kept_and_started_again(session: Session, owner: int, domain: SendingDomain) -> None:
    key = second_key.add(session, domain)
    second_key.start(session, domain, _shown(key))
    second_key.stop(session, domain)
    second_key.stop(session, domain)
    assert (key.state, _kinds(session, owner)) == (KeyState.RETIRED, [RSAPrivateKey])
    second_key.start(session, domain, _shown(key))
    assert _kinds(session, owner) == [RSAPrivateKey, Ed25519PrivateKey]


def test_what_is_not_there_is_neither_started_nor_stopped(session: Session, domain: SendingDomain) -> None:
    with pytest.raises(NotFound):
        second_key.start(session, domain, NxDomain(_NAME, "TXT", ""))
    with pytest.raises(NotFound):
        second_key.stop(session, domain)
