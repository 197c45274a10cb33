"""Whether an answer asks to be taken off the list: then its owner is shown the button, and nothing happens by itself.

Who quotes such a word in a longer sentence may mean something else, so only a
short first line counts.
"""

from __future__ import annotations

import re

_SHORT = 60
_WISH = re.compile(
    r"\b(?:unsubscribe|stop(?:p|pp)?\b|take me off|remove me|opt[ -]?out|no more (?:mails|emails|e-mails)|"
    # Danish, Norwegian, Swedish
    r"afmeld\w*|frameld\w*|slet mig|meld mig (?:af|ud)|"
    r"avmeld\w*|meld meg (?:av|ut)|avslutt\w*|avsluta\w*|avregistrer\w*|"
    r"ta bort mig|sluta skicka|"
    # German
    r"abmelden|abbestell\w*|austragen|"
    # Polish
    r"wypisz\w*|wypisać|rezygnuj\w*|proszę o usunięcie|usuńcie|"
    # Russian
    r"отпи(?:шите|сать|ска|саться)\w*|отмен\w* подписк\w*|удалите меня|не присылайте)",
    re.IGNORECASE,
)


def is_in(text: str) -> bool:
    """Return whether the first line that says anything asks to leave."""
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    return len(first) <= _SHORT and _WISH.search(first) is not None
