"""What the owner believes of a letter, taken down on the page where it is sent."""

from __future__ import annotations

from flask import request

from listkeeper.campaigns import assumption
from listkeeper.campaigns.campaign import Campaign


def take_typed(letter: Campaign) -> None:
    """Write down what the form says is believed; a form without the fields changes nothing. Raises Invalid."""
    if "believed" not in request.form:
        return
    typed = request.form
    found = assumption.typed(typed.get("believed_of", ""), typed["believed"], typed.get("believed_why", ""))
    letter.assumption = found.as_json() if found is not None else None
