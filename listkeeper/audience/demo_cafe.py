"""The demo's café in the owner's language: its name, its letters, and the invented people who read them.

The words lie in ``cafes/``, one file per language. Every address is under
``.example``, a name that can never be registered (RFC 2606), so that no mail
to these people could ever reach anybody.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from listkeeper.audience.mailing_list import slug_of
from listkeeper.foundation import language

_FOLDER = Path(__file__).resolve().parent / "cafes"
_INITIALS = ("", *"abcdefghijklmnoprstuvw")
# A prime larger than any list of names: one step this long after the other visits every combination once.
_STRIDE = 7919


@dataclass(frozen=True)
class DemoLetter:
    """The words of one letter."""

    subject: str
    preheader: str
    markdown: str


@dataclass(frozen=True)
class Cafe:
    """The café of one language; its letters are in the order of their writing, the last one is a draft."""

    legal_name: str
    postal_address: str
    from_address: str
    website: str
    brand_colour: str
    list_name: str
    domains: tuple[str, ...]
    first_names: tuple[str, ...]
    letters: tuple[DemoLetter, ...]

    def person(self, number: int) -> tuple[str, str]:
        """Return first name and address of the person with a number from 0 on; no two have the same address."""
        ways = len(self.first_names) * len(self.domains) * len(_INITIALS)
        lap, place = divmod(number, ways)
        place = place * _STRIDE % ways
        place, name = divmod(place, len(self.first_names))
        initial, domain = divmod(place, len(self.domains))
        local = ".".join(filter(None, [slug_of(self.first_names[name]), _INITIALS[initial]]))
        return self.first_names[name], f"{local}{lap + 1 if lap else ''}@{self.domains[domain]}"


@cache
def read(spoken: str) -> Cafe:
    """Return the café of a language."""
    words = tomllib.loads((_FOLDER / f"{language.known(spoken)}.toml").read_text(encoding="utf-8"))
    return Cafe(
        legal_name=words["legal_name"],
        postal_address=words["postal_address"],
        from_address=words["from_address"],
        website=words["website"],
        brand_colour=words["brand_colour"],
        list_name=words["list_name"],
        domains=tuple(words["domains"]),
        first_names=tuple(words["first_names"].split()),
        letters=tuple(DemoLetter(**letter) for letter in words["letters"]),
    )
