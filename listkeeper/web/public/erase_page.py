"""To be forgotten: what goes, what stays and why, a second question, and then it is done (GDPR Art. 17)."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from listkeeper import parts, store
from listkeeper.audience import erasure
from listkeeper.feedback import traces
from listkeeper.web.public import guest, page

blueprint = Blueprint("erase_page", __name__)
blueprint.before_request(page.limit_body)

# Not even the keyed hash stays; whoever types the address again can then be written to again.
_EVEN_THE_HASH = "everything"
_KEEP_THE_HASH = "but_the_hash"


@blueprint.get("/mine/<visit>/erase")
def show(visit: str) -> Response:
    """Explain what goes and what stays."""
    with store.reading() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        return found.answer("erase", action=url_for("erase_page.ask_again", visit=visit), sure=None, how="")


@blueprint.post("/mine/<visit>/erase")
def ask_again(visit: str) -> Response:
    """Ask a second time; nothing is erased yet."""
    with store.reading() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        return found.answer("erase", sure=url_for("erase_page.erase", visit=visit), how=_how(), action=None)


def _how() -> str:
    return _EVEN_THE_HASH if request.form.get("how") == _EVEN_THE_HASH else _KEEP_THE_HASH


@blueprint.post("/mine/<visit>/erase/now")
def erase(visit: str) -> Response:
    """Erase, in one transaction."""
    even_the_hash = _how() == _EVEN_THE_HASH
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        spoken, business = found.spoken, found.business
        erasure.erase(
            session,
            found.person.id,
            actor="subscriber",
            forget_copies=traces.forgetter(parts.practice_folder()),
            even_the_hash=even_the_hash,
        )
    return page.secret_answer("erased", spoken, business, even_the_hash=even_the_hash)
