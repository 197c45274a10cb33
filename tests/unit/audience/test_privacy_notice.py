"""Privacy notices: seven starters that say what they must, versions that never change, forms that name theirs."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import privacy_notice, signup_form
from listkeeper.audience.forms import form_family, form_record
from listkeeper.audience.privacy_notice import PrivacyNotice
from listkeeper.audience.proof import ledger, ledger_audit
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import form_snapshot
from tests.makers.cafe import Cafe


def _starter(house: Cafe, spoken: str = "en") -> str:
    return privacy_notice.starter(house.organisation, spoken)


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_the_starter_of_every_language_says_what_it_must(house: Cafe, spoken: str) -> None:
    body = _starter(house, spoken)
    assert privacy_notice.check(house.organisation, spoken, body) == []
    for said in (house.organisation.legal_name, house.organisation.postal_address, house.organisation.from_address):
        assert said in body
    assert "{" not in body


# Which finding each part of the starters keeps away; who else gets the data is the owner's to say.
PARTS = (
    "notice_without_controller", "notice_without_purpose", "", "notice_without_retention",
    "notice_without_withdrawal", "notice_without_rights", "notice_without_authority",
)  # fmt: skip


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_what_is_left_out_is_missed(house: Cafe, spoken: str) -> None:
    parts = privacy_notice.parts_of(_starter(house, spoken))
    assert len(parts) == len(PARTS)
    for number, expected in enumerate(PARTS):
        left = [part for place, part in enumerate(parts) if place != number]
        body = "\n\n".join(f"## {part.heading}\n" + "\n\n".join(part.paragraphs) for part in left)
        found = [finding.code for finding in privacy_notice.check(house.organisation, spoken, body)]
        assert found == ([expected] if expected else [])


def test_a_notice_without_an_address_to_ask_is_refused(session: Session, house: Cafe) -> None:
    body = _starter(house).replace(house.organisation.from_address, "our shop")
    with pytest.raises(Invalid) as refused:
        privacy_notice.publish(session, house.organisation, "en", body)
    assert refused.value.code == "notice_without_contact"


@pytest.mark.parametrize(
    ("body", "code"), [("", "notice_empty"), (" \n ", "notice_empty"), ("x" * 20_001, "notice_too_long")]
)
def test_what_is_no_notice_is_refused(session: Session, house: Cafe, body: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        privacy_notice.publish(session, house.organisation, "en", body)
    assert refused.value.code == code
    assert session.scalars(select(PrivacyNotice)).all() == []


def test_a_language_nobody_here_reads_is_refused(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid) as refused:
        privacy_notice.publish(session, house.organisation, "fr", _starter(house))
    assert refused.value.code == "language_not_known"


def test_versions_are_named_by_their_words_and_written_down(session: Session, house: Cafe) -> None:
    first = privacy_notice.publish(session, house.organisation, "en", _starter(house))
    assert first.sha256 == hashlib.sha256(privacy_notice.content(first)).hexdigest()
    assert privacy_notice.publish(session, house.organisation, "en", _starter(house) + "\n\n") is first
    second = privacy_notice.publish(session, house.organisation, "en", _starter(house) + "\n\nMore.")
    assert (second.version, privacy_notice.newest(session, house.organisation.id, "en")) == (2, second)
    assert privacy_notice.named(session, house.organisation.id, first.sha256) is first
    rows = session.scalars(select(LedgerRow).where(LedgerRow.type == EventType.NOTICE_PUBLISHED.value)).all()
    assert [ledger.fields_of(row)["text_sha256"] for row in rows] == [first.sha256, second.sha256]
    assert [row.seq for row in rows] == [first.ledger_seq, second.ledger_seq]
    assert ledger_audit.check(session, house.organisation).faults == []


def test_going_back_to_older_words_is_a_version_of_its_own(session: Session, house: Cafe) -> None:
    """The newest is what the forms link; it must be the one that was published last."""
    first = privacy_notice.publish(session, house.organisation, "en", _starter(house))
    privacy_notice.publish(session, house.organisation, "en", _starter(house) + "\n\nMore.")
    third = privacy_notice.publish(session, house.organisation, "en", _starter(house))
    assert (third.version, third.sha256) == (3, first.sha256)
    assert privacy_notice.newest(session, house.organisation.id, "en") is third


def test_a_form_names_the_notice_it_pointed_at_and_old_versions_keep_their_name(session: Session, house: Cafe) -> None:
    old = signup_form.newest(session, house.form)
    assert "notice_sha256" not in json.loads(form_record.content(old))
    notice = privacy_notice.publish(session, house.organisation, "en", _starter(house))
    assert form_family.follow_notice(session, notice, show=form_snapshot.page_of) == 1
    new = signup_form.newest(session, house.form)
    assert (new.version, new.notice_sha256, new.consent_text_id) == (2, notice.sha256, old.consent_text_id)
    assert json.loads(form_record.content(new))["notice_sha256"] == notice.sha256
    for version in (old, new):
        session.refresh(version)
        assert version.sha256 == hashlib.sha256(form_record.content(version)).hexdigest()
    assert old.notice_sha256 is None
    assert form_family.follow_notice(session, notice) == 0


def test_forms_of_other_languages_do_not_follow(session: Session, house: Cafe) -> None:
    danish = signup_form.create(session, house.organisation, house.mailing_list, spoken="da")
    notice = privacy_notice.publish(session, house.organisation, "en", _starter(house))
    assert form_family.follow_notice(session, notice) == 1
    assert signup_form.newest(session, danish).notice_sha256 is None


def test_a_name_with_braces_in_it_is_a_name(house: Cafe) -> None:
    house.organisation.legal_name = "Bo {contact} & {x}"
    assert "Bo {contact} & {x} is responsible" in _starter(house)


def test_parts_are_headings_with_their_paragraphs() -> None:
    parts = privacy_notice.parts_of("Before.\n\n## Who\nWe.\nHere.\n\nMore.\n\n##   \n\n## Last")
    assert [(part.heading, part.paragraphs) for part in parts] == [
        ("", ("Before.",)), ("Who", ("We.\nHere.", "More.", "##")), ("Last", ()),
    ]  # fmt: skip
