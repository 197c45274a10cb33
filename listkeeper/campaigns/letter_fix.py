"""What a check can mend by itself: only what leaves no doubt about what the owner meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import document, merge_tags
from listkeeper.rendering.document import Mode

_PLAIN = re.compile(r"\{\{-?\s*(subscriber\.\w+)\s*-?\}\}")
_OPEN = re.compile(r"http://(?=[\w.-]+\.[a-z]{2,})", re.IGNORECASE)


def can_mend(code: str) -> bool:
    """Return whether a finding of this code has a fix."""
    return code in _MENDS


def mended(draft: Draft, code: str, place: str) -> Draft:
    """Return the words with one finding mended; ``place`` is a field or a block. Raises Invalid for any other."""
    mend = _MENDS.get(code)
    if mend is None:
        raise Invalid("no_fix", language.text("This has to be mended by hand. Nothing was changed."))
    return mend(draft, place)


def _fallbacks(draft: Draft, place: str) -> Draft:
    """Give each tag that would leave a hole an empty word to fall back on."""
    return _in_texts(draft, place, lambda text: _PLAIN.sub(r'{{ \1 | default: "" }}', text))


def _secure(draft: Draft, place: str) -> Draft:
    return _in_texts(draft, place, lambda text: _OPEN.sub("https://", text))


def _first_words(draft: Draft, place: str) -> Draft:
    """Put the letter's own first words on the preview line."""
    del place
    text = draft.markdown or draft.html
    for block in draft.blocks:
        text = text or next((words for name, words in document.texts(block) if name in {"html", "text", "title"}), "")
    plain = re.sub(r"<[^>]*>|[#*_>`]|\[|\]\([^)]*\)", " ", text)
    if merge_tags.scan(plain):
        plain = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", plain)
    words = " ".join(plain.split())
    return replace(draft, preheader=words[:90].rsplit(" ", 1)[0] if len(words) > 90 else words)  # noqa: PLR2004


def _in_texts(draft: Draft, place: str, change: Callable[[str], str]) -> Draft:
    if place == "subject":
        return replace(draft, subject=change(draft.subject))
    if place == "preheader":
        return replace(draft, preheader=change(draft.preheader))
    if draft.mode is not Mode.BLOCKS:
        return replace(draft, markdown=change(draft.markdown), html=change(draft.html))
    blocks = tuple(
        document.block_of(_changed(block.model_dump(), change)) if place in {"", block.id} else block
        for block in draft.blocks
    )
    return replace(draft, blocks=blocks)


def _changed(value: Any, change: Callable[[str], str], name: str = "") -> Any:  # noqa: ANN401 - JSON values
    match value:
        case str() if name not in {"id", "type"}:
            return change(value)
        case dict():
            return {key: _changed(each, change, key) for key, each in value.items()}
        case list() | tuple():
            return [_changed(each, change) for each in value]
        case _:
            return value


_MENDS: dict[str, Callable[[Draft, str], Draft]] = {"P1": _fallbacks, "L1a": _secure, "C4": _first_words}
