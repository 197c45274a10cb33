"""Pages that stay still while people join: each begins after the last one seen, never at a number of rows."""

from __future__ import annotations

from typing import Annotated, Any

from flask import current_app, request, url_for
from pydantic import Field

from listkeeper.foundation import language, signing
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings
from listkeeper.web.api.shape import Shape

_PURPOSE = "api-cursor"
MOST = 200
USUAL = 50


class Page(Shape):
    """Which page."""

    limit: Annotated[int, Field(ge=1, le=MOST, description="How many at most.", examples=[USUAL])] = USUAL
    cursor: Annotated[
        str | None,
        Field(max_length=64, description="Where the page begins: `next` of the page before.", examples=[None]),
    ] = None


def after(page: Page) -> int:
    """Return the row number behind which a page begins; raises Invalid for a cursor that is not ours."""
    if page.cursor is None:
        return 0
    number = signing.read(_PURPOSE, page.cursor)
    if number is None:
        raise Invalid("bad_cursor", language.text("This cursor is not one of ours. Begin again without one."))
    return number


def cursor(number: int) -> str:
    """Return the cursor of the page that begins behind a row."""
    return signing.token(_PURPOSE, number)


def link(following: str) -> dict[str, str]:
    """Return the ``Link`` header (RFC 8288) that leads to the next page of this very question."""
    settings: Settings = current_app.config["LISTKEEPER"]
    asked: dict[str, Any] = request.args.to_dict() | {"cursor": following}
    here = url_for(request.endpoint or "", **(request.view_args or {}), **asked)
    return {"Link": f'<{settings.site}{here}>; rel="next"'}
