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
from markupsafe import escape

from listkeeper.foundation import language
from listkeeper.rendering import counted_links, guidance, personalise, plain_text, question_block, told
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
    html["body"] = _rendered(templates.html, values)
    html["tab"] = compiled.html_tabs.get(tab, "").replace(guidance.OWN_PAGE, html["preferences"])
    html["question"] = question(compiled, reader.asked)
    slots["body"] = _rendered(templates.text, values)
    slots["tab"] = compiled.text_tabs.get(tab, "").replace(guidance.OWN_PAGE, slots["preferences"])
    slots["question"] = question_block.text(reader.asked) if reader.asked else ""
    slots["reason"] = plain_text.wrapped(reader.reason)
    text = plain_text.tidy(compiled.text_frame.fill(slots))
    return Filled(subject, preheader, compiled.html_frame.fill(html), text)


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
