"""The preview: the very letter that would go, filled for somebody about whom nothing is known.

Test and send use the same compiled form, so a preview cannot lie about it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import profile_question, profile_version
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns import trial
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.foundation import clock, language
from listkeeper.rendering import compiled, filling, footer
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Filled, Letter, Reader

# Links of a preview lead here; the page says that it is only a preview.
SAMPLE_TOKEN = "preview"  # noqa: S105 - no secret: the word stands where a token will stand
_NOTHING: Mapping[str, str] = {}


def letter(draft: Draft, organisation: Organisation, site: str, spoken: str | None = None) -> Letter:
    """Return unsaved words as the renderer wants them, tidied as a revision would be.

    ``spoken`` is the language of the frame, if it is not that of the business.
    """
    return revisions.as_letter(draft, organisation, site, spoken)


@lru_cache(maxsize=4096)
def reason_for(list_name: str, day: date, spoken: str) -> str:
    """Return the footer's sentence that says why somebody gets a letter, in the language of the organisation."""
    with language.using(spoken):
        place = language.text("the sign-up form for %(list)s", list=list_name)
    return footer.reason(datetime.combine(day, time(12), UTC), place, spoken)


def nothing_told(session: Session, mailing_list: MailingList) -> dict[str, str]:
    """Return what letters to a list may call answers, each without one."""
    return dict.fromkeys(profile_question.keys_on(session, mailing_list.id), "")


def sample_answers(session: Session, organisation: Organisation, mailing_list: MailingList) -> dict[str, str]:
    """Return an answer to each question of a list: the first that can be chosen, or a few words."""
    found = {}
    for question in profile_question.every(session, mailing_list):
        names = profile_version.newest(session, question).names(organisation.language)
        found[question.key] = next(iter(names.values()), language.text("what she wrote"))
    return found


def sample_reader(  # noqa: PLR0913 - whose letter, from where, in which language, for whom
    organisation: Organisation,
    mailing_list: MailingList,
    site: str,
    spoken: str | None = None,
    *,
    guidance: str = "",
    told: Mapping[str, str] = _NOTHING,
) -> Reader:
    """Return a reader; in the worst case she has told nothing but an address."""
    return Reader(
        address="reader@example.com",
        language=spoken or organisation.language,
        profile=told,
        unsubscribe_url=f"{site}/u/{SAMPLE_TOKEN}",
        unsubscribe_mailto=None,
        preferences_url=f"{site}/p/{SAMPLE_TOKEN}",
        web_view_url=f"{site}/w/{SAMPLE_TOKEN}",
        why_url=f"{site}/y/{SAMPLE_TOKEN}",
        reason=reason_for(mailing_list.name, clock.now().date(), spoken or organisation.language),
        guidance=guidance,
    )


def fill(made: CompiledLetter, organisation: Organisation, mailing_list: MailingList, site: str) -> Filled:
    """Fill a compiled letter for the sample reader."""
    return filling.fill(made, sample_reader(organisation, mailing_list, site, made.language))


def made_of(
    session: Session, campaign: Campaign, organisation: Organisation, site: str, told: Mapping[str, str] = _NOTHING
) -> CompiledLetter:
    """Return a letter's newest words compiled. Raises Invalid naming what cannot be rendered."""
    words = campaigns.newest(session, campaign).draft
    wanted = letter(words, organisation, site, campaign.language)
    return compile_once(wanted, told or nothing_told(session, campaign.mailing_list))


def compile_once(wanted: Letter, names: Collection[str]) -> CompiledLetter:
    """Return a letter compiled; kept in this process for a while, because every part of a preview asks for it."""
    name = compiled.name_of(wanted, names)
    made = _kept.pop(name, None) or compiled.compile_letter(wanted, names)
    _kept[name] = made
    while len(_kept) > _KEPT_LIMIT:
        _kept.pop(next(iter(_kept)), None)
    return made


# By what they were made from, the one asked for last at the end.
_kept: dict[str, CompiledLetter] = {}
_KEPT_LIMIT = 64


def of_draft(  # noqa: PLR0913 - which words, whose, from where, in which language, for whom
    draft: Draft,
    organisation: Organisation,
    mailing_list: MailingList,
    site: str,
    spoken: str | None = None,
    *,
    guidance: str = "",
    told: Mapping[str, str] = _NOTHING,
) -> Filled:
    """Return words that need not be saved yet, as they would look. Raises Invalid naming what cannot be rendered.

    ``told`` is what the reader answered, by the names of the list's questions (``nothing_told``, ``sample_answers``).
    """
    made = compile_once(letter(draft, organisation, site, spoken), told)
    reader = sample_reader(organisation, mailing_list, site, spoken, guidance=guidance, told=told)
    return filling.fill(made, reader)


def of_campaign(session: Session, campaign: Campaign, organisation: Organisation, site: str, chosen: int) -> Filled:
    """Return a saved revision, as it would look or, once it was sent, as it went."""
    row = revisions.numbered(session, campaign.id, chosen)
    made = ready(session, campaign, row, organisation, site)
    return fill(made, organisation, campaign.mailing_list, site)


def ready(session: Session, campaign: Campaign, row: Revision, organisation: Organisation, site: str) -> CompiledLetter:
    """Return a revision compiled. What was sent stays as it went, whatever the sender looks like by now."""
    if row.id in trial.bound_revisions(campaign):
        return revisions.frozen(row)
    return revisions.compile_now(session, row, organisation, campaign.mailing_list, site, campaign.language)
