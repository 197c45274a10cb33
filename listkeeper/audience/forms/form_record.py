"""What names a version of a form, and the ledger's row about it: proof of what was shown rests on these bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from listkeeper.audience import consent_text
from listkeeper.audience.forms import form_offer
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.standards import canonical_json

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from listkeeper.audience.consent_text import ConsentText
    from listkeeper.audience.signup_form import SignupFormVersion


def content(version: SignupFormVersion) -> bytes:
    """Return the bytes whose SHA-256 names a form version: canonical JSON of all that it said."""
    return content_with(version, version.second_text)


def content_with(version: SignupFormVersion, second: ConsentText | None) -> bytes:
    """Return the same for a version that is about to be stored, whose second text it cannot find by itself yet."""
    said: dict[str, object] = {
        "slug": version.form.slug,
        "language": version.form.language,
        "title": version.title,
        "thank_you": version.thank_you,
        "text_sha256": version.consent_text.sha256,
        "second_text_sha256": second.sha256 if second else "",
        "least_age": version.least_age or 0,
    }
    # What follows stands there only where it is: versions from before it existed keep their name.
    if version.notice_sha256:
        said["notice_sha256"] = version.notice_sha256
    if version.design:
        said["design"] = version.design
    if version.further:
        said["further"] = [{"list": one[0], "text_sha256": one[1]} for one in version.further]
    return canonical_json.dumps(said)


def ensure_in_ledger(session: Session, version: SignupFormVersion) -> None:
    """Write down that a version was published, before the first event cites it."""
    if version.ledger_seq is not None:
        return
    further = [offer.text for offer in form_offer.of(session, version.further)]
    for text in (version.consent_text, version.second_text, *further):
        if text is not None:
            consent_text.ensure_in_ledger(session, text)
    version.ledger_seq = write_down(session, version)
    session.flush()


def write_down(session: Session, version: SignupFormVersion) -> int:
    """Tell the ledger that a version was published, and return the row's number."""
    form = version.form
    mailing_list = form.mailing_list
    published = Event(
        EventType.FORM_PUBLISHED,
        list=mailing_list.public_id,
        purpose=mailing_list.purpose,
        text_sha256=version.consent_text.sha256,
        form_sha256=version.sha256,
        details={"form": form.public_id, "version": version.version},
    )
    return ledger.append(session, mailing_list.organisation_id, [published])[-1].seq
