"""A letter compiled: everything that is the same for all readers, made once per revision.

Markdown, sanitiser, layout, inliner and text part have done their work. What
is left are Liquid templates and frames with slots (``filling.fill``). The form
can be stored as JSON and is named by a fingerprint of its content: the same
letter always compiles to the same fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from liquid.exceptions import LiquidError
from pydantic import BaseModel

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import (
    body,
    counted_links,
    excess,
    layout,
    links,
    merge_tags,
    own_links,
    personalise,
    system_blocks,
)
from listkeeper.rendering.content import Letter
from listkeeper.rendering.counted_links import Spans
from listkeeper.rendering.frame import Frame

# Raised when the meaning of the stored form changes; older forms are then compiled again.
VERSION = 1
# Raised when a letter compiled anew would have what an older form lacks.
_EDITION = 2
_FRAMES = frozenset({"html_frame", "text_frame", "html_question", "html_answer"})
_SPANS = frozenset({"html_links", "text_links"})


@dataclass(frozen=True, eq=False)
class CompiledLetter:
    """One revision, ready to be filled. Subject, preheader and bodies are Liquid; the frames are not.

    Two compiled letters are equal when their fingerprints are.
    """

    version: int
    language: str
    sender_name: str
    subject: str
    preheader: str
    html_body: str
    html_frame: Frame
    text_body: str
    text_frame: Frame
    html_tabs: Mapping[str, str]
    text_tabs: Mapping[str, str]
    names: tuple[str, ...]
    # The shapes of a question and of one answer in it; a form from before there were questions has none.
    html_question: Frame | None = None
    html_answer: Frame | None = None
    # The owner's own links to the web, and where their addresses stand in the bodies; none in a form from before.
    links: tuple[str, ...] = ()
    html_links: Spans = ()
    text_links: Spans = ()

    @cached_property
    def sha256(self) -> str:
        """The name of exactly this content (64 hex digits)."""
        canonical = json.dumps(self._content(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @cached_property
    def own_links(self) -> tuple[str, ...]:
        """The pages of a reader's own that this letter leads to, beside those that every letter leads to."""
        return own_links.asked_for(self.names)

    @cached_property
    def placed(self) -> frozenset[str]:
        """The system blocks that stand in the body, in place of the page's own slots for them."""
        return system_blocks.asked_for(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompiledLetter) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form: plain JSON values, with the fingerprint."""
        return {**self._content(), "sha256": self.sha256}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> CompiledLetter:
        """Return the letter of a stored form; raises Invalid when it is damaged or of another version."""
        content = {key: value for key, value in stored.items() if key != "sha256"}
        try:
            for name in _FRAMES & content.keys():
                content[name] = Frame(tuple(content[name]))
            for name in _SPANS & content.keys():
                content[name] = tuple(tuple(span) for span in content[name])
            content["names"] = tuple(content["names"])
            content["links"] = tuple(content.get("links", ()))
            letter = cls(**content)
        except (KeyError, TypeError) as error:
            raise _damaged() from error
        if letter.version != VERSION or letter.sha256 != stored.get("sha256"):
            raise _damaged()
        return letter

    def _content(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain = {name: value for name, value in fields.items() if value is not None and value != ()}
        frames = {name: list(plain[name].pieces) for name in _FRAMES & plain.keys()}
        tabs = {name: dict(plain[name]) for name in ("html_tabs", "text_tabs")}
        lists = {name: [list(span) for span in plain[name]] for name in _SPANS & plain.keys()}
        return {**plain, **frames, **tabs, **lists, "names": list(self.names)}


def _damaged() -> Invalid:
    sentence = language.text("The stored form of this letter is damaged or old. Save the letter again.")
    return Invalid("compiled_letter_damaged", sentence)


def name_of(letter: Letter, profile_names: Collection[str] = ()) -> str:
    """Return a name for what a letter compiles to, without compiling it: its words, its sender, this layout."""
    inputs = [VERSION, _EDITION, layout.fingerprint(), asdict(letter), sorted(profile_names)]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=_as_values).encode()).hexdigest()


def _as_values(part: BaseModel) -> dict[str, Any]:
    return part.model_dump(mode="json")


def compile_letter(letter: Letter, profile_names: Collection[str] = ()) -> CompiledLetter:
    """Compile a letter once for all its readers; raises Invalid, naming the place, when it cannot be rendered.

    ``profile_names`` are the keys this list keeps about its subscribers, beside
    ``merge_tags.BASIC_PROFILE_NAMES``.
    """
    drafted = body.draft(letter)
    merge_tags.demand_sound(letter, profile_names)
    links.demand_system_tags(drafted.html, drafted.tokens)
    finished = body.finished(letter, drafted)
    page = layout.html_page(letter, finished)
    finished.tokens.demand_all(page.body)
    located = counted_links.locate(finished.fragment, page.body, finished.tokens)
    text_frame, text_tabs = layout.text_page(letter)
    # What a body asks for stands in its tags alone.
    asking = (letter.subject, letter.preheader, "".join(tag.source for tag in finished.tokens.tags))
    compiled = CompiledLetter(
        version=VERSION,
        language=language.known(letter.language),
        sender_name=letter.sender.name,
        subject=letter.subject.strip(),
        preheader=letter.preheader.strip(),
        html_body=located.html_body,
        html_frame=page.frame,
        text_body=located.text_body,
        text_frame=text_frame,
        html_tabs=page.tabs,
        text_tabs=text_tabs,
        names=tuple(sorted(frozenset().union(*map(merge_tags.names_in, asking)))),
        html_question=page.question,
        html_answer=page.answer,
        links=located.links,
        html_links=located.html_links,
        text_links=located.text_links,
    )
    _demand_fillable(compiled, letter)
    return compiled


def _demand_fillable(compiled: CompiledLetter, letter: Letter) -> None:
    """Fill every template once with nothing known: what cannot be filled is found before anyone waits for it."""
    values = personalise.nested(dict.fromkeys(compiled.names, ""))
    for source in (compiled.subject, compiled.preheader, compiled.text_body, compiled.html_body):
        try:
            template = personalise.parse(source, html=source is compiled.html_body)
        except LiquidError as error:
            what = str(error.message)
            sentence = language.text("The merge tags of this letter cannot be read (%(what)s).", what=what)
            raise Invalid("merge_tag_broken", sentence) from error
        try:
            personalise.render(template, values)
        except Invalid as problem:
            raise (excess.named(letter, values, problem) if problem.code == excess.TOO_MUCH else problem) from problem
