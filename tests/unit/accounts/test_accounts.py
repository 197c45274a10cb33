"""Whose list it is: the business, its users, their one-time links, and what is written down about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import audit_log, organisation, sign_in_link, user
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import DEFAULT_COLOUR, Organisation
from listkeeper.accounts.sign_in_link import SignInLink
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, NotFound

CAFE: dict[str, Any] = {
    "legal_name": "Café Kardemomme",
    "postal_address": "Havnegade 1\n1058 Copenhagen",
    "from_address": "hello@cafe.example",
    "spoken": "da",
}


def _describe(made: Organisation, **change: str) -> None:
    said: dict[str, Any] = {
        "legal_name": made.legal_name,
        "postal_address": made.postal_address,
        "from_address": made.from_address,
        "from_name": made.from_name,
        "brand_colour": made.brand_colour,
        "website": made.website,
    }
    organisation.describe(made, **said | change)


# The business


def test_a_business_is_founded_once(session: Session) -> None:
    with pytest.raises(NotFound):
        organisation.only_one(session)
    assert organisation.maybe_one(session) is None
    made = organisation.found(session, **CAFE)
    assert (made.from_name, made.language, made.brand_colour) == ("Café Kardemomme", "da", DEFAULT_COLOUR)
    assert (made.from_domain, made.website, made.logo) == ("cafe.example", None, None)
    assert organisation.only_one(session) is organisation.maybe_one(session) is made
    with pytest.raises(Conflict):
        organisation.found(session, **CAFE)
    assert len(session.scalars(select(Organisation)).all()) == 1


def test_what_it_says_about_itself_is_tidied(session: Session) -> None:
    made = organisation.found(session, **CAFE)
    _describe(
        made,
        legal_name="  Café\u00a0 Kardemomme  ApS ",
        postal_address="\r\n Havnegade 1 \r\n\r\n 1058   Copenhagen\r\n",
        from_address=" Hello@CAFÉ.example ",
        brand_colour=" #AABBCC ",
        website=" https://cafe.example/ ",
    )
    assert (made.legal_name, made.brand_colour) == ("Café Kardemomme ApS", "#aabbcc")
    assert made.postal_address == "Havnegade 1\n1058 Copenhagen"
    assert (made.from_address, made.from_domain) == ("Hello@xn--caf-dma.example", "xn--caf-dma.example")
    assert made.website == "https://cafe.example/"


@pytest.mark.parametrize(
    ("part", "value", "code"),
    [
        ("legal_name", "", "missing"), ("legal_name", " \n ", "missing"), ("legal_name", "x" * 201, "too_long"),
        ("legal_name", "Café\r\nBcc: x@y.example", "too_long"), ("legal_name", "Ca\x00fé", "too_long"),
        ("from_name", "", "missing"), ("from_name", "Café\nBcc: x@y.example", "too_long"),
        ("postal_address", " \r\n\t", "missing"), ("postal_address", "\x00", "missing"),
        ("from_address", "hello", "address_no_at"), ("from_address", "a@b.example, c@d.example", "address_several"),
        ("from_address", "x@y.example\r\nBcc: z@y.example", "address_control"),
        ("from_address", "håkon@cafe.example", "from_not_ascii"),
        ("brand_colour", "red", "colour"), ("brand_colour", "#12345", "colour"), ("brand_colour", "#12345g", "colour"),
        ("brand_colour", "#123456;x", "colour"), ("website", "cafe.example", "website"),
        ("website", "javascript:alert(1)", "website"), ("website", "https://" + "x" * 500, "website"),
        ("website", "https://x.example/\x00", "website"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_whole(session: Session, part: str, value: str, code: str) -> None:
    made = organisation.found(session, **CAFE)
    with pytest.raises(Invalid) as refused:
        _describe(made, **{"legal_name": "Other", "website": "https://other.example", part: value})
    assert refused.value.code == code
    assert refused.value.message
    assert (made.legal_name, made.website) == ("Café Kardemomme", None), "it was changed by half"


# Users


def test_the_printed_link_is_for_the_oldest_active_user(session: Session) -> None:
    made = user.first(session)
    assert (made.address, made.password, made.organisation_id, made.active) == (None, None, None, True)
    assert user.first(session) is made
    later = user.create(session, written="Karl@cafe.example")
    assert user.first(session) is made
    made.active = False
    assert user.first(session) is later
    assert later.address == "Karl@cafe.example"
    assert made.fs_uniquifier != later.fs_uniquifier
    assert made.fs_webauthn_user_handle != later.fs_webauthn_user_handle
    assert later.actor == f"user:{later.id}"


def test_a_user_speaks_the_language_of_the_moment(session: Session) -> None:
    with language.using("pl"):
        assert user.create(session).language == "pl"


def test_joining_a_business_keeps_an_address_that_is_there(session: Session) -> None:
    made, business = user.create(session), organisation.found(session, **CAFE)
    user.joins(made, business.id, "owner@cafe.example")
    assert (made.organisation_id, made.address) == (business.id, "owner@cafe.example")
    user.joins(made, business.id, "other@cafe.example")
    assert made.address == "owner@cafe.example"


# The one-time link


def test_a_link_signs_in_once_and_looking_does_not_use_it(session: Session) -> None:
    made = user.first(session)
    token = sign_in_link.make(session, made)
    session.flush()
    for _ in range(50):
        assert sign_in_link.find(session, token) is not None
    assert sign_in_link.use(session, token) is made
    session.expire_all()
    assert sign_in_link.find(session, token) is None
    with pytest.raises(Forbidden) as refused:
        sign_in_link.use(session, token)
    assert refused.value.code == "link_spent"


def test_a_link_lives_an_hour(session: Session, frozen_clock: time_machine.Traveller) -> None:
    token = sign_in_link.make(session, user.first(session))
    session.flush()
    frozen_clock.shift(timedelta(hours=1))
    assert sign_in_link.find(session, token) is None
    with pytest.raises(Forbidden):
        sign_in_link.use(session, token)
    frozen_clock.shift(timedelta(milliseconds=-1))
    assert sign_in_link.use(session, token).active


def test_a_link_of_somebody_who_may_no_longer_enter(session: Session) -> None:
    made = user.first(session)
    token = sign_in_link.make(session, made)
    made.active = False
    session.flush()
    with pytest.raises(Forbidden):
        sign_in_link.use(session, token)


@pytest.mark.parametrize("forged", ["", "x", "\x00", "A" * 32, "ø"])
def test_forged_links_sign_nobody_in(session: Session, forged: str) -> None:
    token = sign_in_link.make(session, user.first(session))
    session.flush()
    for text in (forged, token + forged + "x", token[:-1]):
        assert sign_in_link.find(session, text) is None
        with pytest.raises(Forbidden):
            sign_in_link.use(session, text)
    stored = session.scalars(select(SignInLink.digest)).all()
    assert token not in stored
    assert sign_in_link.use(session, token).active


def test_every_link_is_its_own(session: Session) -> None:
    made = user.first(session)
    tokens = [sign_in_link.make(session, made) for _ in range(5)]
    session.flush()
    assert len(set(tokens)) == 5
    assert [sign_in_link.use(session, token) for token in tokens] == [made] * 5


# The audit log


def test_an_act_is_written_down(session: Session, frozen_clock: time_machine.Traveller) -> None:
    made = organisation.found(session, **CAFE)
    audit_log.record(session, made.id, "user:3", "letter.sent", "cmp_1")
    audit_log.record(session, None, "command", "list.created", "lst_1")
    session.flush()
    rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(row.organisation_id, row.actor, row.action, row.subject) for row in rows] == [
        (made.id, "user:3", "letter.sent", "cmp_1"),
        (None, "command", "list.created", "lst_1"),
    ]
    assert {row.at for row in rows} == {rows[0].at}
