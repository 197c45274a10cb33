"""What a form looks like and says beside its consent text; published with the version, and part of its name.

Only what an owner has chosen is written down, so that a version from before a
choice existed keeps the hash it always had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import contrast, web_address


class Look(StrEnum):
    """The ready looks, by the names that versions keep; what each is like is a row of ``rendering/looks``."""

    BAND = "band"
    CARD = "card"
    QUIET = "quiet"
    WARM = "warm"
    BOLD = "bold"


class ButtonInk(StrEnum):
    """The colour of the writing on the button; automatic takes whichever of the two can be read."""

    AUTOMATIC = ""
    WHITE = "white"
    BLACK = "black"


class Onward(StrEnum):
    """How people get on to the owner's own page once they have confirmed."""

    BUTTON = "button"
    AT_ONCE = "at_once"


class Fact(StrEnum):
    """What of the business stands beside the field; the facts themselves are the business's, and those of today."""

    CALL = "call"
    HOURS = "hours"
    WAY = "way"
    LINKS = "links"
    LANGUAGES = "languages"


INKS = {ButtonInk.WHITE: "#ffffff", ButtonInk.BLACK: "#000000"}
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LINES = 6
_LINK = re.compile(r"https?:|www\.|\b[\w-]+\.[a-z]{2,}/", re.IGNORECASE)
_LIMITS = {"intro": 300, "frequency": 120, "answers": 120, "already": 500, "onward_label": 60}
_LINE_LIMIT = 120


@dataclass(frozen=True)
class Design:
    """All that an owner may choose of a form besides its words of consent. Empty: nothing was chosen."""

    look: Look = Look.BAND
    # ``#rrggbb``; empty for the colour of the business.
    accent: str = ""
    button_ink: ButtonInk = ButtonInk.AUTOMATIC
    intro: str = ""
    # What people get, a line each; how often; and how soon they hear back when they write.
    gets: tuple[str, ...] = ()
    frequency: str = ""
    answers: str = ""
    # What somebody is told who is on the list already: in the mail to her, and after a second press of the button.
    already: str = ""
    onward_url: str = ""
    onward_label: str = ""
    onward: Onward = Onward.BUTTON
    shows: frozenset[Fact] = frozenset()

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read what ``as_json`` made; nothing stored is the design of versions from before there was one."""
        said = dict(stored or {})
        return cls(
            look=Look(said.pop("look", Look.BAND)),
            button_ink=ButtonInk(said.pop("button_ink", ButtonInk.AUTOMATIC)),
            onward=Onward(said.pop("onward", Onward.BUTTON)),
            gets=tuple(said.pop("gets", ())),
            shows=frozenset(Fact(name) for name in said.pop("shows", ())),
            **said,
        )

    def as_json(self) -> dict[str, Any]:
        """Return what was chosen, in the words that are hashed and stored."""
        chosen = {each.name: getattr(self, each.name) for each in fields(self) if self._chose(each.name)}
        for name in ("gets", "shows"):
            if name in chosen:
                chosen[name] = sorted(chosen[name]) if name == "shows" else list(chosen[name])
        return {name: value.value if isinstance(value, StrEnum) else value for name, value in chosen.items()}

    def _chose(self, name: str) -> bool:
        return bool(getattr(self, name) != getattr(NONE, name))


NONE = Design()
"""Nothing chosen."""


def wordless(design: Design) -> Design:
    """Return the look of a design and where it leads, for a form in another language."""
    return replace(design, intro="", gets=(), frequency="", answers="", already="", onward_label="")


def checked(design: Design) -> Design:
    """Return a design as it is published: tidy, its address the one browsers ask for.

    Raises Invalid for a colour that is none or cannot be written on, for words that
    no phone has room for, and for an address that is not whole, encrypted and plain.
    """
    said = {name: " ".join(str(getattr(design, name)).split()) for name in _LIMITS if name != "already"}
    said["already"] = "\n".join(line for part in design.already.splitlines() if (line := " ".join(part.split())))
    gets = tuple(line for part in design.gets if (line := " ".join(part.split())))
    for name, words in said.items():
        _refuse_long(words, _LIMITS[name])
    for line in gets:
        _refuse_long(line, _LINE_LIMIT)
    if _LINK.search(said["already"]):
        # It goes to whoever's address is typed into the form: nobody gets links that way.
        sentence = language.text("The word for people who are on the list already is no place for links.")
        raise Invalid("already_link", sentence)
    if len(gets) > _LINES:
        sentence = language.text("People get too much at once: please name %(number)s things at most.", number=_LINES)
        raise Invalid("too_many_lines", sentence)
    made = Design(
        look=design.look,
        accent=design.accent.strip().lower(),
        button_ink=design.button_ink,
        gets=gets,
        onward_url=_onward(design.onward_url.strip()),
        onward=design.onward if design.onward_url.strip() else Onward.BUTTON,
        shows=design.shows,
        **(said if design.onward_url.strip() else said | {"onward_label": ""}),
    )
    _refuse_colour(made)
    return made


def _refuse_long(words: str, limit: int) -> None:
    if len(words) > limit:
        sentence = language.text(
            "“%(words)s…” is too long for a phone: %(limit)s characters at most.", words=words[:30], limit=limit
        )
        raise Invalid("too_long", sentence)
    if any(not char.isprintable() and char != "\n" for char in words):
        raise Invalid(
            "unreadable", language.text("This holds characters that cannot be shown. Paste it as plain text.")
        )


def _onward(typed: str) -> str:
    if not typed:
        return ""
    address = web_address.https(typed)
    if address is None:
        sentence = language.text("The page people go on to needs a whole web address that starts with https://.")
        raise Invalid("onward_unsafe", sentence)
    return address


def _refuse_colour(design: Design) -> None:
    if design.accent and not _COLOUR.fullmatch(design.accent):
        raise Invalid("colour", language.text("The colour must look like #7a4b2a."))
    if not design.accent and design.button_ink is not ButtonInk.AUTOMATIC:
        raise Invalid("colour", language.text("Choose a colour for this form before you choose the writing on it."))
    if design.button_ink is ButtonInk.AUTOMATIC:
        return
    seen = contrast.ratio(INKS[design.button_ink], design.accent)
    if seen < contrast.AA_TEXT:
        sentence = language.text(
            "Nobody could read that button: its writing has a contrast of %(seen)s to 1 on %(colour)s, and people need "
            "4.5. Take the other writing, or a colour that is further from it.",
            seen=language.decimal(seen),
            colour=design.accent,
        )
        raise Invalid("contrast_poor", sentence)
