"""The feeds inside a letter, read again because its writer asks: what they say now becomes part of the letter."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import feed_items, feed_pictures, letter_change
from listkeeper.foundation import language
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.web.studio import block_form, composer, page

blueprint = Blueprint("letter_feed", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>")

_PICTURES_SECONDS = 5


@blueprint.post("/feeds")
def read_again(public_id: str) -> AnyResponse:
    """Read every feed of the saved letter, outside any transaction, and store what they say as one change."""
    with store.reading() as session:
        newest = campaigns.newest(session, composer.opened(session, public_id))
        base, written = newest.number, newest.draft.document
    read = feed_items.refreshed(written, parts.documents())
    files = feed_pictures.bring(parts.documents(), feed_pictures.foreign(read.document), seconds=_PICTURES_SECONDS)
    try:
        with store.transaction() as session:
            letter, owner = composer.opened(session, public_id), organisation.only_one(session)
            filled = feed_pictures.at_home(session, owner, parts.media_folder(), read.document, files)
            change = letter_change.read({"op": "document", "document": filled.model_dump(mode="json")})
            name = request.form.get("key") or block_form.new_key()
            letter_change.make(session, letter, change, base=base, name=f"feed:{name}")
    except ListkeeperError as problem:
        return page.back_to("composer.show", problem.message, "bad", public_id=public_id)
    if read.troubles:
        return page.back_to("composer.show", " ".join(read.troubles), "bad", public_id=public_id)
    return page.back_to("composer.show", language.text("The feed was read."), public_id=public_id)
