"""The words of a campaign as programs read and write them, and what is wrong with them.

It is the very document that the studio writes: a letter begun by a program is
gone on with by hand, and the other way round.
"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import document
from listkeeper.rendering.document import Document
from listkeeper.web import version_tag
from listkeeper.web.api import campaigns as shown
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import CampaignId, Digest, ListId, Moment, Shape

blueprint = APIBlueprint("api_campaign_document", __name__, url_prefix=lock.NOW, tag="Campaigns")


class Begin(Shape):
    """A new campaign."""

    list: ListId
    document: Document


class Words(Shape):
    """The newest words of a campaign."""

    id: CampaignId
    version: int = Field(description="Sent back as `If-Match`, in quotes, with the next change.", examples=[7])
    saved_at: Moment
    sha256: Digest
    document: Document


class Remark(Shape):
    """One thing about a letter."""

    code: str = Field(description="Never changes its meaning.", examples=["C1a"])
    severity: Severity
    message: str = Field(examples=["The subject has 71 characters; phones show about 50."])
    place: str = Field(description="A field or the id of a block; empty: about no one place.", examples=["subject"])
    evidence: str = Field(examples=[""])
    mend: str = Field(description="What puts it right, where that can be said.", examples=[""])


class Checked(Shape):
    """Whether a campaign could leave now, and everything that was found."""

    is_ready: bool
    items: list[Remark]


@blueprint.post("/campaigns")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Begin, arg_name="wanted")
@blueprint.output(Words, status_code=201)
def begin(wanted: Begin) -> Response:
    """Store a new draft."""

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        about = mailing_list.named(session, owner, wanted.list)
        made = campaigns.create(session, owner, about, _draft(wanted.document))
        return Done(_words(made, campaigns.newest(session, made)), "campaign.created", made.public_id, 201)

    return change.made(act)


@blueprint.get("/campaigns/<campaign_id>/document")
@lock.needs(Scope.READ)
@blueprint.output(Words)
def show(campaign_id: str) -> tuple[Words, int, dict[str, str]]:
    """Show the newest words of a campaign, and which version they are."""
    with store.reading() as session:
        found = _found(session, campaign_id)
        newest = campaigns.newest(session, found)
        return _words(found, newest), 200, {"ETag": f'"{newest.number}"'}


@blueprint.put("/campaigns/<campaign_id>/document")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Document, arg_name="given")
@blueprint.output(Words)
def write(campaign_id: str, given: Document) -> Response:
    """Store the whole words anew, made on the version that `If-Match` names; another one is refused with 412."""
    base = version_tag.of(request.headers.get("If-Match", ""))
    if base is None:
        sentence = language.text("A change needs If-Match with a version. Nothing was changed.")
        raise Invalid("name_missing", sentence)

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        found = campaigns.identified(session, owner, campaign_id)
        kept = campaigns.write(session, found, _draft(given), base=base)
        return Done(_words(found, kept), "campaign.written", found.public_id)

    return change.made(act)


@blueprint.get("/campaigns/<campaign_id>/checks")
@lock.needs(Scope.READ)
@blueprint.output(Checked)
def check(campaign_id: str) -> Checked:
    """Say what is wrong with a campaign, the worst first; its links are not followed."""
    settings = shown.settings()
    with store.reading() as session:
        found = preflight.inspect(
            session, _found(session, campaign_id), site=settings.site, practice=settings.rehearsing, gate=settings.gate
        ).findings
    worst_first = sorted(found, key=lambda each: -each.severity.rank)
    return Checked(is_ready=preflight.ready(found), items=list(map(_remark, worst_first)))


def _found(session: Session, campaign_id: str) -> Campaign:
    owner = session.get_one(Organisation, lock.caller().organisation_id)
    return campaigns.identified(session, owner, campaign_id)


def _draft(given: Document) -> Draft:
    document.blocks_of([block.model_dump() for block in given.blocks])
    return Draft.of_document(given)


def _words(campaign: Campaign, newest: Revision) -> Words:
    return Words(
        id=campaign.public_id,
        version=newest.number,
        saved_at=clock.as_text(newest.created_at),
        sha256=newest.sha256,
        document=newest.draft.document,
    )


def _remark(found: Finding) -> Remark:
    return Remark(
        code=found.code,
        severity=found.severity,
        message=found.message,
        place=found.place,
        evidence=found.evidence,
        mend=found.mend,
    )
