"""Whether people can read what stands in a finished letter, light and dark: each text against what it stands on.

The letter is read as a mail program that follows its dark rules shows it
("dark as written"); programs that turn colours round by themselves are shown by
the preview. Text that nobody sees (a preheader) and signs without a letter
or digit are left out. What only a picture, a gradient or a place decides is
never called readable: it is ``Unmeasured``, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from listkeeper.foundation import language
from listkeeper.rendering.css import css_media
from listkeeper.rendering.css.css_media import Screen
from listkeeper.rendering.reading import letter_cascade, letter_colours, letter_sizes, letter_tree
from listkeeper.rendering.reading.letter_cascade import Matched, Styles
from listkeeper.rendering.reading.letter_colours import Shown, Why
from listkeeper.rendering.reading.letter_tree import Page
from listkeeper.standards import contrast as wcag

Scheme = Literal["light", "dark"]
LARGE_TEXT = 3.0
WIDE, NARROW = 800, 390
_LARGE_PX, _LARGE_BOLD_PX = 24.0, 18.66
# Smaller than this nobody reads in any colour: it is there for the list of mails.
_UNREADABLE_PX = 2.0


@dataclass(frozen=True, slots=True)
class Faint:
    """A text that is too faint on its ground (WCAG 2.2, 1.4.3)."""

    scheme: Scheme
    text: str
    foreground: str
    background: str
    ratio: float
    wanted: float
    block: str | None

    @property
    def sentence(self) -> str:
        """What is wrong, in words."""
        values = {
            "words": self.text,
            "foreground": self.foreground,
            "background": self.background,
            # Never rounded up to what is wanted.
            "ratio": language.decimal(math.floor(self.ratio * 10) / 10),
            "wanted": f"{self.wanted:g}",
        }
        if self.scheme == "dark":
            return language.text(
                "In dark mode “%(words)s” is hard to read: %(foreground)s on %(background)s has %(ratio)s to 1, "
                "and %(wanted)s are needed.",
                **values,
            )
        return language.text(
            "“%(words)s” is hard to read: %(foreground)s on %(background)s has %(ratio)s to 1, "
            "and %(wanted)s are needed.",
            **values,
        )


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A text whose contrast cannot be computed, or all of them (``text`` is empty)."""

    scheme: Scheme
    text: str
    why: Why
    block: str | None = None
    # The rule or colour that could not be read.
    what: str = ""

    @property
    def sentence(self) -> str:
        """What is not known, and what to do about it."""
        match self.why:
            case Why.PICTURE:
                return language.text(
                    "“%(words)s” stands on a picture. Look at it yourself, also with pictures off.", words=self.text
                )
            case Why.GRADIENT:
                return language.text("“%(words)s” stands on a gradient. Look at it yourself.", words=self.text)
            case Why.COLOUR:
                return language.text(
                    "The colours of “%(words)s” cannot be computed here (%(what)s). Look at it yourself.",
                    words=self.text,
                    what=self.what,
                )
            case Why.PLACED:
                return language.text(
                    "“%(words)s” is placed over something else. Look at it yourself, in light and dark.",
                    words=self.text,
                )
            case Why.RULE:
                return language.text(
                    "A style rule could not be read here (%(what)s), so colours may differ from what was measured.",
                    what=self.what,
                )
            case Why.TOO_MUCH:
                return language.text("The letter is too large or too tangled for its contrast to be measured.")


@dataclass(frozen=True, slots=True)
class Contrast:
    """What was measured: texts too faint, texts nobody can compute, and how many were looked at on all screens."""

    faint: tuple[Faint, ...]
    unmeasured: tuple[Unmeasured, ...]
    measured: int


def examine(html: str) -> list[Faint]:
    """Return the texts that are too faint to read, in light and in dark, each pair of colours once a block."""
    return list(measure(html).faint)


@lru_cache(maxsize=4)
def measure(html: str) -> Contrast:
    """Return what of a finished letter can be read, what cannot, and what could not be measured."""
    matched = letter_cascade.of(html)
    if matched.busy:
        return Contrast((), (Unmeasured("light", "", Why.TOO_MUCH),), 0)
    faint: dict[tuple[object, ...], Faint] = {}
    unmeasured: dict[tuple[object, ...], Unmeasured] = {}
    count = 0
    for screen in _screens(matched):
        styles = matched.on(screen)
        scheme: Scheme = "dark" if screen.dark else "light"
        for rule, names in styles.unread:
            if _COLOURS & names:
                what = letter_tree.shortened(rule)
                unmeasured.setdefault((what,), Unmeasured(scheme, "", Why.RULE, what=what))
        for found in _texts(matched.page, styles, scheme):
            count += 1
            if isinstance(found, Unmeasured):
                unmeasured.setdefault((scheme, found.why, found.what, found.block), found)
            elif found is not None:
                key = (scheme, found.block, found.foreground, found.background, found.wanted)
                faint.setdefault(key, found)
    return Contrast(tuple(faint.values()), tuple(unmeasured.values()), count)


_COLOURS = frozenset(
    {"color", "background-color", "background-image", "font-size", "font-weight", "display", "opacity"}
)


def _screens(matched: Matched) -> list[Screen]:
    """Return the screens to look at: a narrow one only where a rule changes more there than spacing."""
    depends = any(css_media.depends_on_width(rule.heads) and _COLOURS & rule.names for rule in matched.rules)
    widths = (WIDE, NARROW) if depends else (WIDE,)
    return [Screen(dark, width) for width in widths for dark in (False, True)]


def _texts(page: Page, styles: Styles, scheme: Scheme) -> Iterator[Faint | Unmeasured | None]:
    """Yield for every visible text what is wrong with its colours, why they are not known, or that it can be read."""
    sizes = letter_sizes.of(page, styles)
    shown = letter_colours.of(page, styles, dark=scheme == "dark")
    words: dict[int, list[str]] = {}
    for number, text in page.pieces:
        if shown[number].seen and shown[number].visible and sizes.font[number] > _UNREADABLE_PX:
            words.setdefault(number, []).append(text)
    for number, parts in words.items():
        text = " ".join(parts)
        if any(char.isalnum() for char in text):
            is_large = sizes.font[number] >= (_LARGE_BOLD_PX if sizes.bold[number] else _LARGE_PX)
            wanted = LARGE_TEXT if is_large else wcag.AA_TEXT
            yield _told(shown[number], scheme, text, wanted, page.blocks[number])


def _told(shown: Shown, scheme: Scheme, text: str, wanted: float, block: str | None) -> Faint | Unmeasured | None:
    pair = shown.pair
    if pair is not None:
        ink, ground = pair
        ratio = _ratio(ink, ground)
        return (
            None if ratio >= wanted else Faint(scheme, letter_tree.shortened(text), ink, ground, ratio, wanted, block)
        )
    if shown.ground.unknown is not None:
        return Unmeasured(scheme, letter_tree.shortened(text), shown.ground.unknown, block, shown.ground.what)
    return Unmeasured(scheme, letter_tree.shortened(text), Why.COLOUR, block, shown.odd)


@lru_cache(maxsize=2048)
def _ratio(ink: str, ground: str) -> float:
    return wcag.ratio(ink, ground)
