"""Why a phrase is distrusted, and what to write instead: one sentence for each kind."""

from __future__ import annotations

from collections.abc import Callable

from listkeeper.foundation import language
from listkeeper.rendering.words.wording_list import Kind


def sentence(kind: Kind, phrase: str) -> str:
    """Return what the owner reads about a phrase, in her language."""
    return _SENTENCES[kind](phrase)


def _sex(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” sounds like a promise of sex, which receivers sort out and readers did not ask you for: "
        "name the thing itself, in sober words.",
        phrase=phrase,
    )


def _money(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” promises money, as fraud does, and is filtered with it: say what one does for it, what it costs "
        "and what it brings most people.",
        phrase=phrase,
    )


def _free(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” presses the word that fraud lures with most: once is fine, so say it once, and say beside it "
        "what the reader pays or does.",
        phrase=phrase,
    )


def _bargain(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” praises a price louder than anybody can check: name the old price, the new one and the last day.",
        phrase=phrase,
    )


def _urgency(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” hurries the reader without a reason she can check, as fraud does: name the day and the hour when "
        "it really ends, or leave it out.",
        phrase=phrase,
    )


def _miracle(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” promises more than anybody can keep, so neither filters nor readers believe it: say what it does "
        "for most people, and how you know.",
        phrase=phrase,
    )


def _prize(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” tells readers that they have won or were chosen, which is the oldest bait there is: say who "
        "draws, among whom, and when.",
        phrase=phrase,
    )


def _deception(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” looks like an answer, a notice or the word of a friend: readers who feel tricked report the "
        "letter as spam, so say who writes, and why.",
        phrase=phrase,
    )


def _shouting(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” shouts: filters count capitals, signs and pictures in a row, and readers look away, so write it "
        "as you would say it across the counter.",
        phrase=phrase,
    )


def _disguise(phrase: str) -> str:
    return language.text(
        "“%(phrase)s” is spelt so that a filter shall not read it, and filters search for just that: write the word as "
        "it is, or another one.",
        phrase=phrase,
    )


_SENTENCES: dict[Kind, Callable[[str], str]] = {
    Kind.SEX: _sex,
    Kind.MONEY: _money,
    Kind.FREE: _free,
    Kind.BARGAIN: _bargain,
    Kind.URGENCY: _urgency,
    Kind.MIRACLE: _miracle,
    Kind.PRIZE: _prize,
    Kind.DECEPTION: _deception,
    Kind.SHOUTING: _shouting,
    Kind.DISGUISE: _disguise,
}
