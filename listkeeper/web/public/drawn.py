"""Pages that say the same to everybody but for a few words: drawn once, with a place where each of them belongs.

What stands in the place of a word until then is a mark that nobody can type:
it is made anew with each process.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from functools import cache

from markupsafe import escape

_SECRET = secrets.token_hex(16)


@cache
def place(name: str) -> str:
    """Return the mark of a place."""
    return f"{_SECRET}-{name}-{_SECRET}"


_PLACES = re.compile(f"{_SECRET}-([a-z]+)-{_SECRET}")


def filled(page: str, words: Mapping[str, str]) -> str:
    """Return a drawn page with the words in their places, escaped unless they are ``Markup``."""
    return _PLACES.sub(lambda found: str(escape(words[found[1]])), page)
