"""Filling: one compiled letter for one reader, with Liquid and string joins and nothing else.

This is what "the letter of a reader" means. ``mime_slots`` makes the same of
whole audiences, faster. The templates of a letter are parsed once per process
and found again by its fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate
from markupsafe import Markup, escape

from listkeeper.foundation import language
from listkeeper.rendering import (
    counted_links,
    guidance,
    personalise,
    plain_text,
    question_block,
    system_blocks,
    told,
    unseen,
)
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AskedQuestion, Filled, Reader

_LETTERS_KEPT = 64


@dataclass(frozen=True)
class Templates:
    """The parsed templates of one letter (bare text where there is no tag), and the keys of a profile they ask for."""

    subject: BoundTemplate | str
    preheader: BoundTemplate | str
    html: BoundTemplate | str
    text: BoundTemplate | str
    profile_keys: tuple[str, ...]


def fill(compiled: CompiledLetter, reader: Reader) -> Filled:
    """Return the letter as this reader gets it; raises Invalid when her data cannot be printed."""
    templates = templates_of(compiled, counted=reader.counted is not None)
    values = told.values(compiled, templates.profile_keys, reader)
    subject = told.line(_rendered(templates.subject, values), "subject")
    values["letter"] = {"subject": subject}
    preheader = told.line(_rendered(templates.preheader, values), "preheader")
    slots = told.slots(subject, preheader, reader)
    tab = tab_of(reader)
    html: dict[str, str] = {name: escape(value) for name, value in slots.items()}
    html["tab"] = compiled.html_tabs.get(tab, "").replace(guidance.OWN_PAGE, html["preferences"])
    html["question"] = question(compiled, reader.asked)
    html["body"] = _rendered(templates.html, with_html(compiled, values, tab, reader.asked, slots["preferences"]))
    slots["body"] = _rendered(templates.text, with_text(compiled, values, tab, reader.asked, slots["preferences"]))
    slots["tab"] = compiled.text_tabs.get(tab, "").replace(guidance.OWN_PAGE, slots["preferences"])
    slots["question"] = question_block.text(reader.asked) if reader.asked else ""
    slots["reason"] = plain_text.wrapped(reader.reason)
    text = plain_text.tidy(compiled.text_frame.fill(slots))
    return Filled(subject, preheader, unseen.put_into(compiled.html_frame.fill(html), reader.unseen), text)


def tab_of(reader: Reader) -> str:
    """Return the name of the block a reader sees; nothing when she sees none.

    A letter that was compiled before there were others than Gmail's has none for her.
    """
    return guidance.key(reader.guidance, language.known(reader.language)) if reader.guidance else ""


def question(compiled: CompiledLetter, asked: AskedQuestion | None) -> str:
    """Return the block with the question; a letter that was compiled before there were any has no place for it."""
    if asked is None or compiled.html_question is None or compiled.html_answer is None:
        return ""
    return question_block.html(compiled.html_question, compiled.html_answer, asked)


def with_html(
    compiled: CompiledLetter, values: Mapping[str, Any], tab: str, asked: AskedQuestion | None, own_page: str
) -> Mapping[str, Any]:
    """Return the values with the system blocks that stand in the body itself, as HTML that is not escaped again."""
    if not compiled.placed:
        return values
    help_, ask = compiled.html_tabs.get(tab, ""), question(compiled, asked)
    return _with(values, Markup(help_.replace(guidance.OWN_PAGE, escape(own_page))), Markup(ask))  # noqa: S704 - ours


def with_text(
    compiled: CompiledLetter, values: Mapping[str, Any], tab: str, asked: AskedQuestion | None, own_page: str
) -> Mapping[str, Any]:
    """Return the values with the same blocks as text."""
    if not compiled.placed:
        return values
    ask = question_block.text(asked) if asked else ""
    return _with(values, compiled.text_tabs.get(tab, "").replace(guidance.OWN_PAGE, own_page), ask)


def _with(values: Mapping[str, Any], help_: str, ask: str) -> Mapping[str, Any]:
    named = {system_blocks.name(system_blocks.GUIDANCE): help_, system_blocks.name(system_blocks.QUESTION): ask}
    return {**values, "links": {**values["links"], **named}}


@lru_cache(maxsize=_LETTERS_KEPT)
def templates_of(compiled: CompiledLetter, *, counted: bool = False) -> Templates:
    """Return the parsed templates of a letter; ``counted``: its links are asked of the reader."""
    prefix = "subscriber."
    html, text = compiled.html_body, compiled.text_body
    if counted:
        html = counted_links.source_for_counting(html, compiled.html_links)
        text = counted_links.source_for_counting(text, compiled.text_links)
    return Templates(
        subject=_parsed(compiled.subject),
        preheader=_parsed(compiled.preheader),
        html=_parsed(html, html=True),
        text=_parsed(text),
        profile_keys=tuple(name.removeprefix(prefix) for name in compiled.names if name.startswith(prefix)),
    )


def _parsed(source: str, *, html: bool = False) -> BoundTemplate | str:
    return personalise.parse(source, html=html) if "{{" in source or "{%" in source else source


def _rendered(template: BoundTemplate | str, values: Mapping[str, Any]) -> str:
    return template if isinstance(template, str) else personalise.render(template, values)
