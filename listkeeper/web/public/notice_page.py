"""The privacy notice: what holds today by its language, what held once by the hash of its words."""

from __future__ import annotations

import re

from flask import Blueprint, Response, url_for

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import privacy_notice
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.web.public import brand, page

blueprint = Blueprint("notice_page", __name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/privacy/<name>")
def show(name: str) -> Response:
    """Show the notice word for word, in its own language."""
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        found = None
        if owner is not None:
            finder = privacy_notice.named if _SHA256.fullmatch(name) else privacy_notice.newest
            found = finder(session, owner.id, name)
        if owner is None or found is None:
            raise NotFound("no_notice", language.text("There is no page here"))
        today = privacy_notice.newest(session, owner.id, found.language)
        replaced = url_for("notice_page.show", name=found.language) if today and today.id != found.id else ""
        return page.answer("notice", found.language, brand.business_of(owner), notice=found, replaced=replaced)
