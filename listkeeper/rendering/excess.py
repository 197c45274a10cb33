"""Which merge tags of a letter do more than a letter may: a limit knows that it was passed, not where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liquid.exceptions import LiquidError

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import merge_tags, personalise
from listkeeper.rendering.content import Letter
from listkeeper.rendering.merge_tags import Part, Tag

TOO_MUCH = "merge_tags_too_much"


def named(letter: Letter, values: Mapping[str, Any], problem: Invalid) -> Invalid:
    """Return the error with the line or block that passes the limit, if one does by itself."""
    for part, text, block, number in merge_tags.texts(letter):
        found = _first_too_much(text, values)
        if found is not None:
            tag, what = found
            place = {Part.SUBJECT: language.text("The subject"), Part.PREHEADER: language.text("The preheader")}.get(
                part
            )
            where = place or (
                language.text("Block %(number)s", number=number)
                if block
                else language.text("Line %(line)s", line=tag.line)
            )
            sentence = language.text(
                "%(place)s: %(tag)s does more than a letter may (%(what)s).", place=where, tag=tag.source, what=what
            )
            return Invalid(problem.code, sentence, place=block or ("letter" if place is None else part.value))
    return problem


def _first_too_much(text: str, values: Mapping[str, Any]) -> tuple[Tag, str] | None:
    """Return the first tag that passes a limit together with its partner, and which limit that is."""
    tags = merge_tags.scan(text)
    try:
        groups = sorted(merge_tags.pairs(tags), key=lambda group: group[0])
    except ValueError:
        return None
    for group in groups:
        first, last = tags[group[0]], tags[group[-1]]
        try:
            personalise.render(personalise.parse(text[first.start : last.end], html=False), values)
        except LiquidError:
            continue
        except Invalid as problem:
            if problem.code == TOO_MUCH:
                return first, str(getattr(problem.__cause__, "message", ""))
    return None
