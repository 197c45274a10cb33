"""The logo on pages for strangers: only one that loads on a bad line; otherwise the name stands there."""

from __future__ import annotations

import re

from flask import url_for

from listkeeper import parts

# With a page of about 4 KB and stylesheets of 5, a heavier logo would pass the 15 KB of a public page.
LIMIT = 6_000
PICTURE = re.compile(r"[0-9a-zA-Z_-]{1,100}\.(png|jpg|jpeg|gif|webp)")


def address_of(name: str | None) -> str | None:
    """Return a logo's address when it is light enough for a phone, else None (the name is shown)."""
    if not name or not PICTURE.fullmatch(name):
        return None
    path = parts.media_folder() / name
    if not path.is_file() or path.stat().st_size > LIMIT:
        return None
    return url_for("brand.picture", name=name)
