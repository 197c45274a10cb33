"""Ordering a trial: the words of version B are bound as those of A are, so that what was seen is what leaves.

B is kept beside the letter as a revision of its own: another draft that it was
copied from may be changed or sent later, and B stays as it was.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight, preview
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.campaigns.trial import Order, Words
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound

_LONGEST_LINE = 500


def bind(  # noqa: PLR0913 - whose letter, and which trial
    session: Session, organisation: Organisation, campaign: Campaign, test: object, *, site: str, again: bool
) -> None:
    """Bind version B when a trial is ordered (``test`` is an ``Order``); ordered again for another moment it stays.

    Raises Invalid for words that cannot be version B, Conflict when they are not those that were seen.
    """
    if not isinstance(test, Order):
        if test is not None or not again:
            campaign.trial = None
        return
    words = words_of(session, organisation, campaign, test.words)
    if test.seen is not None and test.seen != words.sha256:
        raise Conflict(
            "changed_since_preview",
            language.text("Version B has changed since you looked at it. Nothing was sent; look again, then send."),
        )
    demand_sound(session, organisation, campaign, words, site)
    made = revisions.beside(session, campaign.id, words)
    _compile(session, organisation, campaign, made, site)
    bound = replace(test.trial, revision_a=campaign.sent_revision_id or 0, revision_b=made.id)
    campaign.trial = bound.as_json()


def words_of(session: Session, organisation: Organisation, campaign: Campaign, words: Words) -> Draft:
    """Return what version B says. Raises Invalid when that is nothing, the same as A, or of another list."""
    here = campaigns.newest(session, campaign).draft
    if words.letter and (words.subject.strip() or words.preheader.strip()):
        sentence = language.text("Version B is another subject or another letter: please choose one. Nothing was sent.")
        raise Invalid("trial_words", sentence)
    found = _of_letter(session, organisation, campaign, words.letter) if words.letter else _renamed(here, words)
    if found.sha256 == here.tidied().sha256:
        raise Invalid("trial_same", language.text("Both versions are the same. Nothing was sent."))
    return found


def _renamed(here: Draft, words: Words) -> Draft:
    subject, preheader = (" ".join(each.split()) for each in (words.subject, words.preheader))
    if not subject:
        raise Invalid("trial_no_subject", language.text("Please write the subject of version B. Nothing was sent."))
    if max(len(subject), len(preheader)) > _LONGEST_LINE:
        raise Invalid("trial_too_long", language.text("Please shorten the subject of version B. Nothing was sent."))
    return replace(here, subject=subject, preheader=preheader or here.preheader).tidied()


def _of_letter(session: Session, organisation: Organisation, campaign: Campaign, public_id: str) -> Draft:
    try:
        other = campaigns.identified(session, organisation, public_id)
    except NotFound as problem:
        raise Invalid("trial_letter", f"{problem.message} {language.text('Nothing was sent.')}") from problem
    if other.id == campaign.id or other not in offered(session, organisation, campaign):
        sentence = language.text("Version B must be another draft to the same list. Nothing was sent.")
        raise Invalid("trial_letter", sentence)
    return campaigns.newest(session, other).draft.tidied()


def offered(session: Session, organisation: Organisation, campaign: Campaign) -> list[Campaign]:
    """Return the drafts that may be version B of a letter, newest first."""
    drafts = (each for each in campaigns.all_of(session, organisation) if each.state is CampaignState.DRAFT)
    return [each for each in drafts if each.list_id == campaign.list_id and each.id != campaign.id]


def demand_sound(session: Session, organisation: Organisation, campaign: Campaign, words: Draft, site: str) -> None:
    """Raise Invalid when something in version B blocks sending, as it would in any letter."""
    if campaign.kind is not CampaignKind.LETTER:
        sentence = language.text("Only a letter to everybody on a list can have two versions. Nothing was sent.")
        raise Invalid("trial_kind", sentence)
    about = campaign.mailing_list
    told = preview.nothing_told(session, about)
    found = preflight.inspect_draft(words, organisation, about, site=site, spoken=campaign.language, told=told)
    blocking = next((each for each in found.findings if each.severity is Severity.BLOCK), None)
    if blocking is not None:
        sentence = language.text("Version B cannot be sent: %(why)s Nothing was sent.", why=blocking.message)
        raise Invalid("trial_blocked", sentence)


def ready_again(session: Session, organisation: Organisation, campaign: Campaign, site: str) -> None:
    """Look at version B once more when the time of a letter has come. Raises Invalid when it cannot leave now."""
    trial = trials.of(campaign)
    if trial is not None:
        made = session.get_one(Revision, trial.revision_b)
        demand_sound(session, organisation, campaign, made.draft, site)
        _compile(session, organisation, campaign, made, site)


def _compile(session: Session, organisation: Organisation, campaign: Campaign, made: Revision, site: str) -> None:
    # As the planning of the letter itself does.
    revisions.compile_now(session, made, organisation, campaign.mailing_list, site)
