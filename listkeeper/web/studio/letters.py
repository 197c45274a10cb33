"""The letters: drafts, on their way, sent; and the beginning of a new one."""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import feed_letter, schedule, starter
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.starter import Starter
from listkeeper.foundation import clock, language
from listkeeper.web.studio import member, notices, page, words

blueprint = Blueprint("letters", __name__, url_prefix=page.ROOT)

_ON_THEIR_WAY = frozenset({CampaignState.SCHEDULED, CampaignState.HELD, CampaignState.SENDING, CampaignState.PAUSED})


@blueprint.get("/letters")
def show() -> Response:
    """Show every letter under what has become of it."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        rows = [(each, campaigns.newest(session, each)) for each in campaigns.all_of(session, owner)]
        groups = [
            (language.text("On their way"), [row for row in rows if row[0].state in _ON_THEIR_WAY]),
            (language.text("Drafts"), [row for row in rows if row[0].state is CampaignState.DRAFT]),
            (language.text("Sent"), [row for row in rows if row[0].state is CampaignState.FINISHED]),
            (language.text("Stopped"), [row for row in rows if row[0].state is CampaignState.CANCELLED]),
        ]
        late, now = page.settings().late, clock.now()
        return page.answer(
            session,
            "letters",
            groups=groups,
            fed=feed_letter.waiting(session, owner),
            say=words.letter,
            State=CampaignState,
            leaves_at=schedule.leaves_at,
            notices=notices.open_rows(session, owner),
            is_late=lambda letter: schedule.is_late(letter, now, late),
        )


@blueprint.get("/letters/new")
def choose() -> Response:
    """Offer ways to begin; the list is chosen already and can be changed here."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        return page.answer(
            session,
            "letter_new",
            lists=[each for each in mailing_list.all_of(session, owner) if not each.is_service],
            chosen=request.args.get("list", ""),
            last=_last(session, owner),
            cards=starter.cards(),
        )


@blueprint.post("/letters")
def begin() -> AnyResponse:
    """Make a draft and open it."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        wanted = mailing_list.named(session, owner, request.form.get("list", ""))
        with language.using(owner.language):
            draft = _first_words(session, owner, request.form.get("start", ""))
        made = campaigns.create(session, owner, wanted, draft)
        audit_log.record(session, owner.id, member.present().actor, "campaign.created", made.public_id)
        public_id = made.public_id
    return page.back_to("composer.show", public_id=public_id)


def _last(session: Session, owner: Organisation) -> Campaign | None:
    return next((each for each in campaigns.all_of(session, owner) if each.state is not CampaignState.DRAFT), None)


def _first_words(session: Session, owner: Organisation, start: str) -> Draft:
    last = _last(session, owner)
    if start == "last" and last is not None:
        return campaigns.newest(session, last).draft
    if start == "markdown":
        return Draft("", "")
    chosen = Starter(start) if start in set(Starter) else Starter.BLANK
    return starter.of(owner, chosen)
