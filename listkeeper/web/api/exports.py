"""Everything goes out again: the owner's export as one ZIP of open formats, streamed while it is read.

A POST, because it is written down: the ledger and the audit log say that
everything went out and which key had it, before the first byte does.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from itertools import chain

from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response, current_app, stream_with_context
from sqlalchemy import func, select

from listkeeper import parts, store
from listkeeper.accounts import api_key
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import archive, clock, language, throttle
from listkeeper.foundation.errors import Forbidden, TryAgain
from listkeeper.sending import exporting
from listkeeper.web.api import lock
from listkeeper.web.api.shape import Nothing

blueprint = APIBlueprint("api_exports", __name__, url_prefix=lock.NOW, tag="Export")

AN_HOUR = 12
_ZIP = "application/zip"


@blueprint.post("/exports")
@lock.needs(Scope.EXPORT)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(FileSchema(type="string", format="binary"), content_type=_ZIP)
def take(nothing: Nothing) -> Response:
    """Take everything out.

    One ZIP: subscribers, subscriptions, consent with its texts, suppressions,
    campaigns and settings, as CSV and as JSON Lines; `listkeeper restore`
    reads it. A ZIP without its `manifest.json` was cut off. The body is an
    empty object.
    """
    del nothing
    _write_down()
    pieces = _pieces()
    # The first piece is made here: what goes wrong with it is still a problem document, and not half a file.
    whole = chain([next(pieces)], pieces)
    name = f"listkeeper-export-{clock.now():%Y%m%d-%H%M%S}.zip"
    answer = current_app.response_class(stream_with_context(whole), mimetype=_ZIP)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    answer.call_on_close(pieces.close)
    return answer


def _write_down() -> None:
    with store.transaction() as session:
        key = api_key.acting(session, lock.caller().key_id)
        if (session.scalar(select(func.count()).select_from(Organisation)) or 0) != 1:
            # The archive holds the whole instance, and a key opens one business.
            raise Forbidden(
                "not_alone", language.text("More than one business lives here; export on the command line.")
            )
        if not throttle.allow(session, "api-export", key.public_id, AN_HOUR, timedelta(hours=1)):
            raise TryAgain("too_many_exports", language.text("That is enough for this hour. Please try again later."))
        exporting.write_down(session, key.actor)


def _pieces() -> Generator[bytes]:
    with store.snapshot() as session:
        what = exporting.contents(
            session, exporting.EXPORT, revision=store.newest_revision(), media=parts.media_folder()
        )
        yield from archive.pieces(session.connection(), what)
