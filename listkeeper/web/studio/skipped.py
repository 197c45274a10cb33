"""The letters to everybody that some people did not get because of the cap: planned for them when they may get one."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.foundation import language
from listkeeper.sending import frequency_cap
from listkeeper.web.studio import member, page

blueprint = Blueprint("skipped", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>/left-out")


@blueprint.post("")
def send_later(public_id: str) -> AnyResponse:
    """Plan the letter for everybody who was left out, each for when she may get it."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        letter = campaigns.identified(session, owner, public_id)
        planned = frequency_cap.send_later(session, letter)
        audit_log.record(session, owner.id, member.present().actor, "campaign.sent_later", letter.public_id)
    said = language.counted(
        "Planned. %(number)s person gets it as soon as the cap allows.",
        "Planned. %(number)s people get it as soon as the cap allows.",
        planned,
    )
    return page.back_to("departure.progress", said, public_id=public_id)
