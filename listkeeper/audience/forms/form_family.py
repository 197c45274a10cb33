"""The forms of a list beside one another: in other languages, and left behind by its rules or by a newer notice."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import consent_text, signup_form
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.privacy_notice import PrivacyNotice
from listkeeper.audience.signup_form import FormState, Show, SignupForm, SignupFormVersion


def sisters(session: Session, form: SignupForm) -> list[SignupForm]:
    """Return the open forms of the same list in other languages, one for each, the oldest first."""
    query = select(SignupForm).where(
        SignupForm.list_id == form.list_id, SignupForm.language != form.language, SignupForm.state == FormState.OPEN
    )
    found: dict[str, SignupForm] = {}
    for each in session.scalars(query.order_by(SignupForm.id)):
        found.setdefault(each.language, each)
    return list(found.values())


def behind(version: SignupFormVersion) -> list[str]:
    """Return in which ways a form lacks what the rules of its list ask today; whom it signs up would get no letters."""
    mailing_list = version.form.mailing_list
    missing = []
    if consent_text.needs_second(mailing_list) and version.second_text_id is None:
        missing.append("second_text_missing")
    if (version.least_age or 0) < mailing_list.least_age:
        missing.append("age_not_asked")
    return missing


def follow_notice(session: Session, notice: PrivacyNotice, *, show: Show | None = None) -> int:
    """Let the forms of a notice's language point at it, each by a new version with the same words; return how many."""
    query = (
        select(SignupForm)
        .join(MailingList)
        .where(
            MailingList.organisation_id == notice.organisation_id,
            MailingList.state != ListState.TOMBSTONED,
            SignupForm.language == notice.language,
        )
    )
    followed = 0
    for form in session.scalars(query.order_by(SignupForm.id)).all():
        old = signup_form.newest(session, form)
        if old.notice_sha256 == notice.sha256 or "second_text_missing" in behind(old):
            continue
        signup_form.publish(
            session,
            form,
            old.consent_text,
            title=old.title,
            thank_you=old.thank_you,
            second_text=old.second_text,
            least_age=old.least_age,
            design=old.designed,
            show=show,
        )
        followed += 1
    return followed
