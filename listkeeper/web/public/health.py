"""For machines that watch: does this process answer, and does its database. No secrets, no numbers."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from listkeeper import store
from listkeeper.foundation.errors import TryAgain

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def show() -> Response:
    """Answer 200 when the database does, else 503."""
    try:
        with store.reading() as session:
            session.execute(text("SELECT 1"))
    except TryAgain:
        answer = jsonify({"status": "unavailable", "database": "not answering"})
        answer.status_code = 503
    else:
        answer = jsonify({"status": "ok", "database": "answering"})
    answer.headers["Cache-Control"] = "no-store"
    return answer
