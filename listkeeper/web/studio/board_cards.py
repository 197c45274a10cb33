"""The numbers of the board as pages show them, each with its button where its page opens to whoever looks."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation.errors import Forbidden
from listkeeper.insight import board
from listkeeper.web.studio import member, roles


def shown(session: Session, organisation: Organisation) -> dict[str, Any]:
    """Return what ``board_cards.html`` needs."""
    cards = board.show(session, organisation)
    return {"cards": [(card, opens(card.action.path)) for card in cards]}


def opens(path: str) -> bool:
    """Tell whether a page of the studio exists and opens to this user: a button that leads nowhere is none."""
    try:
        endpoint, _ = current_app.url_map.bind("studio.invalid").match(path.partition("?")[0], method="GET")
        roles.demand(endpoint, owns=member.present().owns)
    except (HTTPException, RequestRedirect, Forbidden):
        return False
    return True
