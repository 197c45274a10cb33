"""Which language the studio speaks: the user's own, or until then the visitor's."""

from __future__ import annotations

from flask import Blueprint, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from listkeeper import store
from listkeeper.accounts.user import User
from listkeeper.foundation import language
from listkeeper.web.studio import page

blueprint = Blueprint("speech", __name__, url_prefix=page.ROOT)


@blueprint.post("/language")
def choose() -> Response:
    """Keep the chosen language: with the user when signed in, else in the session."""
    chosen = language.known(request.form.get("language"))
    session["language"] = chosen
    if current_user.is_authenticated:
        number = current_user.id
        with store.transaction() as opened:
            opened.get_one(User, number).language = chosen
    return redirect(_where_from(), 303)


def _where_from() -> str:
    """Return to the page the switch stood on, and never to another site."""
    back = request.form.get("back", "")
    inside = back == page.ROOT or back.startswith(f"{page.ROOT}/")
    return back if inside and "\\" not in back else url_for("home.show")
