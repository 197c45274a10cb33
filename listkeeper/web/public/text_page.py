"""A consent text at the address of its own content: what a receipt points at keeps saying what it said that day.

It was published, so it is no secret; a newer version takes nothing away from
an older one. Privacy notices have a page of their own.
"""

from __future__ import annotations

import re

from flask import Blueprint, Response

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import consent_text
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.web.public import brand, page

blueprint = Blueprint("text_page", __name__)

_NAME = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/t/<sha256>")
def show(sha256: str) -> Response:
    """Show a published text word for word, in its own language, also after a newer one has taken its place."""
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is not None and _NAME.fullmatch(sha256):
            text = consent_text.published(session, owner.id, sha256)
            if text is not None:
                return page.answer("text", text.language, brand.business_of(owner), text=text)
    raise NotFound("no_text", language.text("There is no page here"))
