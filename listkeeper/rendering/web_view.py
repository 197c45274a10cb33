"""The letter in a browser: the very HTML that was mailed.

Whoever serves it puts it under the sandbox policy of letters; it must never
share an origin's powers with the page around it.
"""

from __future__ import annotations

from listkeeper.rendering.content import Filled

CONTENT_TYPE = "text/html; charset=utf-8"


def page(filled: Filled) -> bytes:
    """Return the bytes of the HTML part."""
    return filled.html.encode()
