"""A poll where nobody can answer it: the question and its answers as words, without the links that are a reader's own.

A letter shown in a browser may be passed on with its address, and who looks at
it there is not asked. So each answer is filled with an address that leads
nowhere, and taken out again.
"""

from __future__ import annotations

import re

# No name under this can ever lead anywhere (RFC 6761 section 6.4).
NOWHERE = "https://one-answer.invalid/"
_ANSWER = re.compile(rf"""<a\b[^>]*\shref="{re.escape(NOWHERE)}"[^>]*>(.*?)</a>""", re.DOTALL)


def without_links(page: str) -> str:
    """Return a page of a letter whose answers lead to ``NOWHERE`` with those answers as words."""
    return _ANSWER.sub(r"\1", page)
