"""The phrases of a segment in the words of the builder, and what may be chosen in their places."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import profile_question, topic
from listkeeper.audience import source as sources
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segments import segment
from listkeeper.audience.segments.segment_phrases import PHRASES
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.source import Channel, Source
from listkeeper.audience.subscription import Basis
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.revision import Revision
from listkeeper.deliverability import mail_provider
from listkeeper.foundation import language

_LETTERS = 100
Choice = tuple[str, str]


def phrases() -> list[tuple[str, list[Choice]]]:
    """Return the groups of phrases with what each is called, in order."""
    says, groups = _says(), _groups()
    return [(groups[name], [(one.id, says[one.id]) for one in PHRASES if one.group == name]) for name in groups]


def _groups() -> dict[str, str]:
    return {
        "activity": language.text("What they did with letters"),
        "person": language.text("The person"),
        "arrival": language.text("How they came"),
        "consent": language.text("What they agreed to"),
        "answers": language.text("What they answered"),
        "choices": language.text("What they chose"),
        "events": language.text("What happened in your shop"),
        "letters": language.text("Letters and segments"),
    }


def _says() -> dict[str, str]:
    return {
        **_of_the_person(),
        "source_is": language.text("Came from the source"),
        "source_is_not": language.text("Did not come from the source"),
        "source_unknown": language.text("Source is not known"),
        "channel_is": language.text("Came by the channel"),
        "channel_is_not": language.text("Did not come by the channel"),
        "joined_within": language.text("Joined within the last … days"),
        "joined_more_than": language.text("Joined more than … days ago"),
        "joined_before": language.text("Joined before the day"),
        "joined_after": language.text("Joined after the day"),
        "basis_is": language.text("Legal basis is"),
        "basis_is_not": language.text("Legal basis is not"),
        "double_opt_in": language.text("Confirmed by e-mail (double opt-in)"),
        "consent_ends_within": language.text("Consent ends within … days"),
        "consent_has_no_end": language.text("Consent has no end"),
        "consent_text_is": language.text("Agreed to version … of the consent text"),
        "lets_us_count": language.text("Lets us see which links they follow"),
        **_of_clicks(),
        **_of_replies(),
        **_of_answers(),
        "did_within": language.text("Did … within the last … days"),
        "did_ever": language.text("Ever did"),
        "did_times": language.text("Did … at least … times within the last … days"),
        "did_never": language.text("Never did"),
        "answer_is": language.text("Answer to the question is"),
        "answer_is_not": language.text("Answer to the question is not"),
        "answer_known": language.text("Answered the question"),
        "answer_unknown": language.text("Did not answer the question"),
        "topic_is": language.text("Wants letters on the topic"),
        "frequency_is": language.text("Wants letters so often"),
        "frequency_is_not": language.text("Does not want letters so often"),
        "pauses": language.text("Has paused"),
        "got_letter": language.text("Got the letter"),
        "heard_within": language.text("Heard from us within the last … days"),
        "in_segment": language.text("Is in the segment"),
    }


def _of_the_person() -> dict[str, str]:
    return {
        "language_is": language.text("Language is"),
        "language_is_not": language.text("Language is not"),
        "time_zone_is": language.text("Time zone is"),
        "time_zone_is_not": language.text("Time zone is not"),
        "time_zone_unknown": language.text("Time zone is not known"),
        "provider_is": language.text("Mail provider is"),
        "provider_is_not": language.text("Mail provider is not"),
        "domain_is": language.text("Address ends in"),
        "domain_is_not": language.text("Address does not end in"),
    }


def _of_clicks() -> dict[str, str]:
    return {
        "clicked_within": language.text("Clicked within the last … days"),
        "clicked_ever": language.text("Ever clicked"),
        "clicked_times": language.text("Clicked at least … times within the last … days"),
        "clicked_letter": language.text("Clicked in the letter"),
        "not_clicked_within": language.text("Did not click within the last … days, as far as we may see"),
        "not_clicked_ever": language.text("Never clicked, as far as we may see"),
    }


def _of_replies() -> dict[str, str]:
    return {
        "replied_within": language.text("Replied within the last … days"),
        "replied_ever": language.text("Ever replied"),
        "replied_times": language.text("Replied at least … times within the last … days"),
        "replied_letter": language.text("Replied to the letter"),
        "not_replied_within": language.text("Did not reply within the last … days"),
        "not_replied_ever": language.text("Never replied"),
    }


def _of_answers() -> dict[str, str]:
    return {
        "answered_within": language.text("Answered a poll or question within the last … days"),
        "answered_ever": language.text("Ever answered a poll or question"),
        "answered_times": language.text("Answered at least … times within the last … days"),
        "answered_letter": language.text("Answered in the letter"),
        "not_answered_within": language.text("Answered nothing within the last … days"),
        "not_answered_ever": language.text("Never answered anything"),
    }


@dataclass(frozen=True)
class Choices:
    """What may be chosen in the place of a phrase; a phrase that is not named here is typed."""

    by_stem: dict[str, list[Choice]] = field(default_factory=dict)
    keys: list[Choice] = field(default_factory=list)

    def of(self, phrase: str, present: str) -> list[Choice]:
        """Return the choices for a phrase, with what stands there now even when it exists no more."""
        stem = phrase.removesuffix("_not").removesuffix("_is")
        found = self.by_stem.get(stem, [])
        if stem == "topic":
            # It can be typed by its name too, and is kept by its id.
            found = [(present if said.casefold() == present.casefold() else value, said) for value, said in found]
        return _with(found, present)

    def of_key(self, present: str) -> list[Choice]:
        """Return the questions of the list."""
        return _with(self.keys, present)


def _with(found: list[Choice], present: str) -> list[Choice]:
    if not found or not present or any(value == present for value, _ in found):
        return found
    return [*found, (present, language.text("%(what)s (does not exist)", what=present))]


def choices(session: Session, mailing_list: MailingList) -> Choices:
    """Return what this list has: sources, topics, questions, letters, segments."""
    here = select(Source).join(SignupForm, SignupForm.id == Source.form_id)
    places = session.scalars(here.where(SignupForm.list_id == mailing_list.id).order_by(Source.name)).all()
    letters = _letters(session, mailing_list)
    return Choices(
        by_stem={
            "language": [(code, code) for code in language.LANGUAGES],
            "provider": sorted(((key, one.name) for key, one in mail_provider.TABLE.items()), key=lambda one: one[1]),
            "source": [(each.slug, each.name) for each in places],
            "channel": [(each.value, sources.called(each)) for each in Channel],
            "basis": [(each.value, each.value) for each in Basis if each is not Basis.NONE],
            "frequency": [
                ("all", language.text("Every letter")),
                ("weekly", language.text("At most weekly")),
                ("monthly", language.text("At most monthly")),
                ("important", language.text("Important ones only")),
            ],
            "topic": [(each.public_id, each.name) for each in topic.offered(session, mailing_list.id)],
            "got_letter": letters,
            "clicked_letter": letters,
            "replied_letter": letters,
            "answered_letter": letters,
            "in_segment": [(each.public_id, each.name) for each in segment.all_of(session, mailing_list)],
        },
        keys=[(each.key, each.key) for each in profile_question.every(session, mailing_list)],
    )


def _letters(session: Session, mailing_list: MailingList) -> list[Choice]:
    query = (
        select(Campaign.public_id, Revision.subject)
        .join(Revision, Revision.id == Campaign.sent_revision_id)
        .where(
            Campaign.list_id == mailing_list.id, Campaign.kind == CampaignKind.LETTER, Campaign.started_at.is_not(None)
        )
        .order_by(Campaign.id.desc())
        .limit(_LETTERS)
    )
    return [(public_id, subject) for public_id, subject in session.execute(query)]
