"""What machines that watch may know, as text for Prometheus, behind a key of its own scope."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, current_app

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.settings import Settings
from listkeeper.standards import exposition
from listkeeper.web.api import figures, lock

blueprint = APIBlueprint("metrics", __name__)


@blueprint.get(lock.METRICS)
@lock.needs(Scope.METRICS)
@blueprint.doc(hide=True)
def show() -> Response:
    """Read every figure now; it takes some milliseconds, however many mails there are."""
    settings: Settings = current_app.config["LISTKEEPER"]
    with store.reading() as session:
        said = [*figures.of_build(settings), *figures.of_database(session)]
    said += [*figures.of_queue_server(), *figures.of_hooks(), *figures.of_disk(settings)]
    return Response(exposition.text(said), content_type=exposition.CONTENT_TYPE, headers={"Cache-Control": "no-store"})
