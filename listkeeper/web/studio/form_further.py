"""What a form offers beside its own list, as it is chosen in the builder: a list, and which of its published texts.

The field of a draft holds a line for each: the public id of the list, a colon,
and the SHA-256 of the text, or nothing for the starter words, which are
published when the form is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import consent_text, mailing_list
from listkeeper.audience.consent_text import ConsentText, TextKind, Wording
from listkeeper.audience.forms import form_offer
from listkeeper.audience.forms.form_offer import Named, Offer
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_Words = ConsentText | Wording


@dataclass(frozen=True)
class Choice:
    """A list that may stand on the form, and the texts to choose from: the value of the field, its name, its words."""

    name: str
    texts: tuple[tuple[str, str, str], ...]


def typed_of(further: Named | None) -> str:
    """Return the field of a version's further purposes."""
    return "\n".join(f"{list_id}:{sha256}" for list_id, sha256 in further or [])


def choices(session: Session, form: SignupForm) -> list[Choice]:
    """Return the other lists that may stand on a form, each with its texts in the form's language, the newest first."""
    return [
        Choice(other.name, tuple(_options(session, form, other)))
        for other in _others(session)
        if other.id != form.list_id and other.state is ListState.ACTIVE and form_offer.fits(form.mailing_list, other)
    ]


def _others(session: Session) -> list[MailingList]:
    return mailing_list.all_of(session, organisation.only_one(session))


def _options(session: Session, form: SignupForm, other: MailingList) -> Iterator[tuple[str, str, str]]:
    texts = consent_text.all_of(session, other, form.language, TextKind.NEWSLETTER)
    for text in texts:
        named = language.text("version %(number)s", number=text.version)
        yield f"{other.public_id}:{text.sha256}", named, text.body
    if not texts:
        starter = consent_text.starter(organisation.only_one(session), other, form.language)
        yield f"{other.public_id}:", language.text("starter words"), starter.body


def _chosen(session: Session, form: SignupForm, field: str) -> Iterator[tuple[MailingList, _Words]]:
    """Read the field. Raises Invalid for a list or a text that is not there any more."""
    lists = {other.public_id: other for other in _others(session) if other.state is ListState.ACTIVE}
    for line in field.splitlines():
        list_id, _, sha256 = line.partition(":")
        found = lists.get(list_id)
        if found is None:
            raise Invalid("purpose_gone", language.text("One of the lists on this form is closed. Choose again."))
        if not sha256:
            yield found, consent_text.starter(organisation.only_one(session), found, form.language)
            continue
        texts = consent_text.all_of(session, found, form.language, TextKind.NEWSLETTER)
        text = next((each for each in texts if each.sha256 == sha256), None)
        if text is None:
            raise Invalid("purpose_gone", language.text("One of the lists on this form is closed. Choose again."))
        yield found, text


def problem(session: Session, form: SignupForm, field: str) -> Invalid | None:
    """Return what keeps the chosen lists from standing on the form, if anything does."""
    try:
        for other, _words in _chosen(session, form, field):
            form_offer.refuse_beside(form.mailing_list, other)
    except Invalid as found:
        return found
    return None


def words(session: Session, form: SignupForm, field: str) -> list[_Words]:
    """Return the texts of the boxes as they stand, for a preview; what cannot be read is left out."""
    try:
        return [said for _, said in _chosen(session, form, field)]
    except Invalid:
        return []


def offers(session: Session, form: SignupForm, field: str) -> tuple[Offer, ...]:
    """Return what the form is to offer; starter words that were chosen are published with it. Raises Invalid."""
    owner = organisation.only_one(session)
    return tuple(
        Offer(other, said)
        if isinstance(said, ConsentText)
        else Offer(other, consent_text.publish(session, owner, other, form.language, said))
        for other, said in _chosen(session, form, field)
    )


def spoken(session: Session, form: SignupForm, field: str) -> str:
    """Return the field as people say it: a line for each list, with the words of its box."""
    try:
        return "\n".join(f"{other.name}: {said.body}" for other, said in _chosen(session, form, field))
    except Invalid as found:
        return found.message
