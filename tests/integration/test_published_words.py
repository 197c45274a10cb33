"""Invariant 8: what was published stays as it was and is found by its hash, whatever its owner does afterwards."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import (
    consent_text,
    erasure,
    mail_template,
    mailing_list,
    privacy_notice,
    signup,
    signup_form,
    unsubscribe,
)
from listkeeper.audience.consent import Method
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.forms import form_family, form_record
from listkeeper.audience.mail_template import MailTemplate
from listkeeper.audience.privacy_notice import PrivacyNotice
from listkeeper.audience.signup import Visit
from listkeeper.audience.signup_form import SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.table import Table
from listkeeper.rendering.mails import confirmation_mail
from tests.makers import cafe, signups
from tests.makers.cafe import Cafe

Act = Callable[[Session, Cafe, int], object]
Seen = dict[tuple[str, str], bytes]
_CONTENTS: dict[type[Table], Callable[..., bytes]] = {
    ConsentText: consent_text.content,
    SignupFormVersion: form_record.content,
    PrivacyNotice: privacy_notice.content,
    MailTemplate: lambda row: row.content.encode() if isinstance(row.content, str) else row.content,
}


def _edit_form(session: Session, house: Cafe, number: int) -> None:
    words = signup_form.starter(house.organisation, house.mailing_list, house.form.language)
    wording = replace(words.wording, button_label=f"Yes, letter {number}")
    signup_form.publish_words(
        session, house.organisation, house.form, replace(words, title=f"T{number}", wording=wording)
    )


def _edit_notice(session: Session, house: Cafe, number: int) -> None:
    body = f"{privacy_notice.starter(house.organisation, 'en')}\n\nVersion {number}."
    made = privacy_notice.publish(session, house.organisation, "en", body)
    form_family.follow_notice(session, made)


def _edit_mail(session: Session, house: Cafe, number: int) -> None:
    words = confirmation_mail.wording("en") | {"language": "en", "subject": f"{{code}} {number}"}
    mail_template.ensure(session, house.organisation.id, "confirmation", words, "clean")


def _move_house(_session: Session, house: Cafe, number: int) -> None:
    organisation.describe(
        house.organisation, legal_name=f"Café {number}", postal_address=f"Havnegade {number}\n1058 Copenhagen",
        from_address="hello@cafe.example", from_name="Café", brand_colour="#7a4b2a", website=None,
    )  # fmt: skip


def _rename(session: Session, house: Cafe, number: int) -> None:
    mailing_list.rename(session, house.mailing_list, f"News {number}")


def _other_rules(session: Session, house: Cafe, number: int) -> None:
    house.mailing_list.least_age = number % 20


def _comes_and_goes(session: Session, house: Cafe, number: int) -> None:
    visit = Visit(network="192.0.2.1", age_stated=True)
    row, _receipt = signups.post(session, house, f"guest-{number}@guest.example", visit)
    signup.decide(session, row.id, cafe.NO_BRAKES)
    asked = signups.question(session, row)
    assert asked is not None
    signups.press(session, asked)
    her = session.get_one(Subscriber, asked.subscriber_id)
    unsubscribe.leave(session, her.id, house.mailing_list.id, Method.ONE_CLICK)
    if number % 2:
        erasure.erase(session, her.id, actor="cli", forget_copies=lambda _session, _person: None)


ACTS: tuple[Act, ...] = (_edit_form, _edit_notice, _edit_mail, _move_house, _rename, _other_rules, _comes_and_goes)


def _published(session: Session) -> Seen:
    """Return the words of everything that was ever published, by what it is and its hash."""
    session.expire_all()
    return {
        (kind.__tablename__, row.sha256): content(row)  # type: ignore[attr-defined]
        for kind, content in _CONTENTS.items()
        for row in session.scalars(select(kind))
    }


def test_what_was_published_is_what_its_hash_says_for_ever(
    session: Session, chance: random.Random, share: Callable[[str, int, int], int]
) -> None:
    house, seen, rewritten = cafe.found(session), Seen(), []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(("UPDATE", "DELETE")):
            rewritten.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", hear)
    for number in range(share("edits of published words", 200, 24)):
        chance.choice(ACTS)(session, house, number)
        session.flush()
        now = _published(session)
        assert {key: now.get(key) for key in seen} == seen
        assert [key for key, words in now.items() if hashlib.sha256(words).hexdigest() != key[1]] == []
        seen = now
    mailing_list.tombstone(session, house.mailing_list, actor="user:1")
    assert _published(session) == seen
    assert len({kind for kind, _ in seen}) == len(_CONTENTS)
    for kind, sha256 in seen:
        if kind == "consent_text":
            found = consent_text.published(session, house.organisation.id, sha256)
            assert found is not None
            assert consent_text.content(found) == seen[kind, sha256]
        if kind == "privacy_notice":
            assert privacy_notice.named(session, house.organisation.id, sha256) is not None
    # Not one statement of all these touched a published row.
    assert len(rewritten) > 10
    tables = [kind.__tablename__ for kind in _CONTENTS]
    assert [said for said in rewritten if any(f" {table} " in f"{said} ".replace('"', "") for table in tables)] == []
