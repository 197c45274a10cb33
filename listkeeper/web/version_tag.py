"""The version of a letter as an entity tag (RFC 9110 section 8.8.3): a number in quotes."""

from __future__ import annotations

import re

_TAG = re.compile(r'(?:W/)?"(\d{1,9})"')


def of(header: str) -> int | None:
    """Return the version that ``If-Match`` names; None for a header that is missing or names no version."""
    found = _TAG.fullmatch(header.strip())
    return int(found[1]) if found else None
