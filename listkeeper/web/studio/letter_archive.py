"""Whether anybody may read one letter, or those alone who got it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper.campaigns import archive
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.foundation import language
from listkeeper.web.studio import page, steering

blueprint = Blueprint("letter_archive", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>")


@blueprint.post("/archive")
def choose(public_id: str) -> AnyResponse:
    """Show a letter to anybody, or to nobody but its readers."""
    wanted = request.form.get("shown") == "yes"

    def act(session: Session, letter: Campaign) -> str:
        if not wanted:
            archive.take_out(letter)
            return language.text("Taken out of the archive. Its address leads nowhere now; its readers keep theirs.")
        archive.put(letter)
        session.flush()
        if archive.is_shown(session, letter):
            return language.text("Anybody can read it now.")
        return language.text("Anybody can read it as soon as it has left.")

    return steering.steered(public_id, f"campaign.{'put_in' if wanted else 'taken_out_of'}_archive", act)


def take_typed(letter: Campaign) -> None:
    """Take what was ticked beside the button that sends, where it was asked."""
    if "archive_asked" in request.form:
        (archive.put if request.form.get("in_archive") else archive.take_out)(letter)


def shown(session: Session, letter: Campaign) -> dict[str, Any]:
    """Return what the page of a letter says of it; None where the question does not arise."""
    if letter.kind is not CampaignKind.LETTER or letter.state is CampaignState.CANCELLED:
        return {"public": None}
    here = archive.is_shown(session, letter)
    address = archive.address_of(letter, page.settings().site)
    return {"public": {"here": here, "wanted": archive.is_wanted(letter), "address": address}}
