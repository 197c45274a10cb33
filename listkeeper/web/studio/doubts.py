"""What is in doubt of a letter: shown with what is known of each, and settled one by one or all together."""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import settling
from listkeeper.sending.settling import Settlement
from listkeeper.web.studio import composer, member, page

blueprint = Blueprint("doubts", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>/doubts")

# As many as somebody looks through at once; the next ones come when these are settled.
_SHOWN = 100


@blueprint.get("")
def show(public_id: str) -> Response:
    """Show what is in doubt, the oldest first."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        found = settling.doubts(session, letter, limit=_SHOWN)
        return page.answer(
            session,
            "doubts",
            letter=letter,
            revision=campaigns.newest(session, letter),
            doubts=found,
            more=settling.left(session, letter) - len(found),
            again=letter.state is not CampaignState.CANCELLED,
        )


@blueprint.post("")
def settle(public_id: str) -> AnyResponse:
    """Settle one, or all."""
    try:
        with store.transaction() as session:
            said = _settled(session, composer.opened(session, public_id))
    except (Conflict, Invalid) as problem:
        return page.back_to("doubts.show", problem.message, "bad", public_id=public_id)
    return page.back_to("doubts.show", said, public_id=public_id)


def _settled(session: Session, letter: Campaign) -> str:
    try:
        how = Settlement(request.form.get("how", ""))
        numbers = None if request.form.get("all") else [int(request.form.get("number", ""))]
    except ValueError:
        raise Invalid("settle_how", language.text("Please choose what became of it. Nothing was changed.")) from None
    # The press itself writes its lines into the audit log, one for each mail.
    settled = settling.settle(session, letter, how, numbers, actor=member.present().actor)
    if how is Settlement.AGAIN:
        return language.counted(
            "%(number)s mail is sent once more.", "%(number)s mails are sent once more.", settled
        )  # fmt: skip
    return language.counted("%(number)s mail is settled.", "%(number)s mails are settled.", settled)
