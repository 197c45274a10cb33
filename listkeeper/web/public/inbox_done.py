"""The page behind "done?" in a letter that asks to be kept in the first place: how it is done, and the word that it is.

The link travels with the letter, as that to a reader's choices does, and can do
no more than have our letters ask her for less.
"""

from __future__ import annotations

from flask import Blueprint, Response

from listkeeper import store
from listkeeper.rendering import guidance, inbox_help
from listkeeper.sending import guided
from listkeeper.web.public import page, reader
from listkeeper.web.public.reader import Reader

blueprint = Blueprint("inbox_done", __name__)
blueprint.before_request(page.limit_body)

_PURPOSE = "preferences"


@blueprint.get("/p/<token>/inbox")
def show(token: str) -> Response:
    """Show how our letters are kept in the first place, and ask whether it is done."""
    with store.reading() as session:
        return _page(reader.of_token(session, _PURPOSE, token))


@blueprint.post("/p/<token>/inbox")
def done(token: str) -> Response:
    """Note that it is done, or not wished for: the next letters ask no more."""
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if not found.test and found.person is not None:
            guided.done(found.person)
        return _page(found)


def _page(found: Reader) -> Response:
    if found.test or found.delivery is None:
        return reader.only_a_test(found)
    program = guidance.read_in(found.person.email_send) if found.person else None
    return page.secret_answer(
        "inbox_done",
        found.spoken,
        found.business,
        one=inbox_help.of(program, found.spoken) if program else None,
        every=inbox_help.every(found.spoken),
        known=found.person is not None,
        done=found.person is not None and found.person.inbox_done_at is not None,
    )
