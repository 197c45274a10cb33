"""Sending domains and their keys, on both databases."""

from __future__ import annotations

import itertools

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.deliverability import dkim_key, sending_domain
from listkeeper.deliverability.dkim_key import TRANSITIONS, DkimKey, KeyState
from listkeeper.deliverability.finding import Finding, Verdict
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dns import StaticResolver


@pytest.fixture
def owner(session: Session) -> int:
    made = organisation.found(
        session, legal_name="Shop", postal_address="Street 1\n1000 Town", from_address="hello@shop.example", spoken="en"
    )
    return made.id


def _check(session: Session, domain: SendingDomain, *, published: bool) -> list[Finding]:
    question = sending_domain.question(session, domain)
    assert question.ours is not None
    key = {dkim_key_record.name_of("lk1", domain.name): {"TXT": [question.ours.record]}}
    zone = {domain.name: {"TXT": ["v=spf1 ip4:192.0.2.1 -all"], "MX": ["10 mx.example"]}} | (key if published else {})
    return sending_domain.check(question, StaticResolver(zone), egress=["192.0.2.1"])


def test_a_domain_is_added_with_a_key_and_the_record_to_publish(session: Session, owner: int) -> None:
    domain = sending_domain.add(session, owner, " https://www.Shop.example/ ")
    session.commit()
    assert domain.public_id.startswith("dom_")
    assert (domain.name, domain.signing, domain.last_checked_at, domain.last_findings) == (
        "shop.example",
        False,
        None,
        [],
    )
    key = dkim_key.of(session, domain.id, domain.selector)
    assert key is not None
    ours = dkim_key.ours(key)
    read = dkim_key_record.parse(ours.record)
    assert isinstance(read, dkim_key_record.KeyRecord)
    assert read.bits == 2048
    assert dkim_key_record.fingerprint(read.public) == ours.fingerprint
    assert ours.quoted.replace('" "', "") == f'"{ours.record}"'
    assert max(map(len, ours.quoted.split('" "'))) <= 256


def test_the_private_half_is_sealed_and_opened_once(session: Session, owner: int) -> None:
    domain = sending_domain.add(session, owner, "shop.example")
    key = dkim_key.of(session, domain.id, domain.selector)
    assert key is not None
    opened = dkim_key.private(key)
    assert isinstance(opened, RSAPrivateKey)
    assert dkim_key_record.record_for(opened) == key.record
    assert dkim_key.private(key) is opened
    modulus = opened.private_numbers().p
    assert modulus.to_bytes(128, "big") not in key.sealed
    key.sealed = key.sealed[:-1] + bytes([key.sealed[-1] ^ 1])
    with pytest.raises(Invalid) as refused:
        dkim_key.private(key)
    assert refused.value.code == "cannot_unseal"


def test_a_domain_is_in_the_list_once_whatever_way_it_is_typed(session: Session, owner: int) -> None:
    sending_domain.add(session, owner, "økologi.dk")
    with pytest.raises(Conflict) as refused:
        sending_domain.add(session, owner, "XN--KOLOGI-9XA.dk")
    assert refused.value.code == "domain_exists"
    session.add(SendingDomain(organisation_id=owner, name="xn--kologi-9xa.dk", selector="lk1", findings=[]))
    with pytest.raises(IntegrityError):
        session.flush()


def test_what_is_no_domain_is_not_added(session: Session, owner: int) -> None:
    with pytest.raises(Invalid):
        sending_domain.add(session, owner, "not a domain")
    assert sending_domain.every(session, owner) == []


def test_domains_are_found_by_id_and_name_within_their_organisation(session: Session, owner: int) -> None:
    second = sending_domain.add(session, owner, "shop.example")
    first = sending_domain.add(session, owner, "cafe.example")
    assert sending_domain.find(session, owner, second.public_id) is second
    assert sending_domain.by_name(session, owner, "cafe.example") is first
    assert sending_domain.every(session, owner) == [first, second]
    with pytest.raises(NotFound):
        sending_domain.find(session, owner + 1, second.public_id)
    with pytest.raises(NotFound):
        sending_domain.find(session, owner, "dom_unknown")


def test_what_a_check_found_is_kept_with_its_moment(session: Session, owner: int) -> None:
    domain = sending_domain.add(session, owner, "shop.example")
    found = _check(session, domain, published=True)
    sending_domain.keep(domain, found)
    session.commit()
    session.expire_all()
    kept = sending_domain.find(session, owner, domain.public_id)
    assert kept.last_findings == found
    assert kept.last_checked_at is not None
    assert kept.last_checked_at.tzinfo is not None
    assert [one.verdict for one in found if one.code == "K3"] == [Verdict.RIGHT]


def test_nothing_is_signed_before_our_key_was_seen_published(session: Session, owner: int) -> None:
    domain = sending_domain.add(session, owner, "shop.example")
    for published in (None, False):
        if published is not None:
            sending_domain.keep(domain, _check(session, domain, published=published))
        with pytest.raises(Conflict) as refused:
            sending_domain.start_signing(session, domain)
        assert refused.value.code == "key_not_published"
        assert sending_domain.signer(session, owner, "shop.example") is None


def test_mail_is_signed_from_when_it_is_started_until_it_is_stopped(session: Session, owner: int) -> None:
    domain = sending_domain.add(session, owner, "shop.example")
    sending_domain.keep(domain, _check(session, domain, published=True))
    sending_domain.start_signing(session, domain)
    session.commit()
    signer = sending_domain.signer(session, owner, "shop.example")
    assert signer is not None
    key = dkim_key.of(session, domain.id, "lk1")
    assert key is not None
    record = key.record.encode()
    message = b"From: hello@shop.example\r\nSubject: News\r\n\r\nHello\r\n"
    signed = signer.header(message, "b@shop.example", "reader@example.net") + message
    assert dkimpy.verify(signed, dnsfunc=lambda name, **_: {b"lk1._domainkey.shop.example.": record}[name])
    assert sending_domain.signer(session, owner, "other.example") is None
    sending_domain.stop_signing(session, domain)
    assert sending_domain.signer(session, owner, "shop.example") is None
    assert key.state is KeyState.RETIRED
    sending_domain.start_signing(session, domain)
    sending_domain.start_signing(session, domain)
    assert sending_domain.signer(session, owner, "shop.example") is not None


@pytest.mark.parametrize(("before", "after"), list(itertools.product(KeyState, KeyState)))
def test_every_way_of_a_key_from_state_to_state(before: KeyState, after: KeyState) -> None:
    key = DkimKey(selector="lk1", state=before)
    if after in TRANSITIONS[before]:
        dkim_key.move(key, after)
        assert key.state is after
    else:
        with pytest.raises(Conflict):
            dkim_key.move(key, after)
        assert key.state is before


@pytest.mark.parametrize("selector", ["", "a b", "-a", "a" * 64])
def test_a_selector_that_cannot_be_one_is_refused(session: Session, owner: int, selector: str) -> None:
    domain = sending_domain.add(session, owner, "shop.example")
    with pytest.raises(Invalid):
        dkim_key.make(session, domain.id, selector)
