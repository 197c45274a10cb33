"""A change to a letter: one intention, one request, one revision.

Each is a value that can be repeated: on a bad line it comes twice, or late.
``apply`` makes new words of old ones and says when the block it is about is
gone; ``make`` stores what came of it under the name its maker gave it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import letter_fix, letter_switch
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import ChangeName, Draft, Revision
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.rendering import document
from listkeeper.rendering.document import Block, BlockId, Blocks, Document, Mode, RssBlock, Theme


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(_Change):
    """The subject and the preview line."""

    op: Literal["head"]
    subject: str = Field(max_length=1_000)
    preheader: str = Field(max_length=1_000)


class Look(_Change):
    """Colour and font of this letter alone."""

    op: Literal["theme"]
    theme: Theme


class Body(_Change):
    """The whole text of a letter in Markdown or in HTML of one's own."""

    op: Literal["body"]
    markdown: str | None = Field(default=None, max_length=document.LONGEST)
    html: str | None = Field(default=None, max_length=document.LONGEST)


class SetBlock(_Change):
    """The content of one block."""

    op: Literal["set"]
    block: Block


class Insert(_Change):
    """A new block after another; None puts it first."""

    op: Literal["insert"]
    block: Block
    after: BlockId | None = None


class Move(_Change):
    """A block to another place."""

    op: Literal["move"]
    id: BlockId
    after: BlockId | None = None


class Remove(_Change):
    """A block away."""

    op: Literal["remove"]
    id: BlockId


class Switch(_Change):
    """Another way to write."""

    op: Literal["switch"]
    mode: Mode


class Restore(_Change):
    """The words of an earlier revision."""

    op: Literal["restore"]
    number: int = Field(ge=1)


class Fix(_Change):
    """What a check can mend by itself."""

    op: Literal["fix"]
    code: str = Field(max_length=16)
    place: str = Field(default="", max_length=40)


class Whole(_Change):
    """All of it anew."""

    op: Literal["document"]
    document: Document


Change: TypeAlias = Annotated[
    Head | Look | Body | SetBlock | Insert | Move | Remove | Switch | Restore | Fix | Whole, Field(discriminator="op")
]
_CHANGE: TypeAdapter[Change] = TypeAdapter(Change)
# After these the maker does not know what the letter looks like, and is told.
FAR_REACHING = (Switch, Restore, Fix, Whole)


@dataclass(frozen=True)
class Made:
    """What came of a change: the revision it made or had made, and whether that was before."""

    revision: Revision
    before: bool


def read(value: object) -> Change:
    """Return a change from JSON values. Raises Invalid, naming the field."""
    try:
        return _CHANGE.validate_python(value)
    except ValidationError as error:
        block = value.get("block") if isinstance(value, Mapping) else None
        raise document.refused(error, block if isinstance(block, Mapping) else {}) from error


def make(session: Session, campaign: Campaign, change: Change, *, base: int, name: str) -> Made:
    """Do one change made on version ``base``; asked for again under its name, return what it made the first time.

    Raises Conflict when somebody else changed the letter since, Invalid when it does not fit.
    """
    called = ChangeName.of(name, json.dumps(change.model_dump(mode="json"), sort_keys=True))
    campaigns.lock(session, campaign)
    before = revisions.made_by(session, campaign.id, called)
    if before is not None:
        return Made(before, before=True)
    campaigns.demand_writable(session, campaign, base=base)
    newest = campaigns.newest(session, campaign).draft
    changed = _restored(session, campaign, change) if isinstance(change, Restore) else apply(newest, change)
    return Made(campaigns.store_words(session, campaign, changed, called), before=False)


def _restored(session: Session, campaign: Campaign, change: Restore) -> Draft:
    for kept in revisions.newest_first(session, campaign.id):
        if kept.number == change.number:
            return kept.draft
    raise NotFound("no_revision", language.text("That version is not kept any more. Nothing was changed."))


def apply(draft: Draft, change: Change) -> Draft:  # noqa: PLR0911 - one for each kind of change
    """Return the words after a change. Raises Conflict when its block is gone, Invalid when it does not fit."""
    match change:
        case Head(subject=subject, preheader=preheader):
            return replace(draft, subject=subject, preheader=preheader)
        case Look(theme=theme):
            return replace(draft, theme=theme)
        case Body():
            return _with_body(draft, change)
        case SetBlock() | Insert() | Move() | Remove():
            return _rearranged(draft, change)
        case Switch(mode=mode):
            return letter_switch.switched(draft, mode)
        case Fix(code=code, place=where):
            return letter_fix.mended(draft, code, where)
        case Whole(document=given):
            document.blocks_of([block.model_dump() for block in given.blocks])
            return Draft.of_document(given)
        case Restore():
            raise Invalid("restore", "Only a stored letter has versions.")
        case other:
            assert_never(other)


def _rearranged(draft: Draft, change: SetBlock | Insert | Move | Remove) -> Draft:
    match change:
        case SetBlock(block=block):
            place = _demand_place(draft, block.id)
            kept = _with_entries(block, draft.blocks[place])
            return _with_blocks(draft, (*draft.blocks[:place], kept, *draft.blocks[place + 1 :]))
        case Insert(block=block, after=after):
            return _inserted(draft, block, after)
        case Move(id=name, after=after):
            return _moved(draft, name, after)
        case Remove(id=name):
            return _with_blocks(draft, tuple(block for block in draft.blocks if block.id != name))
        case other:
            assert_never(other)


def _with_entries(block: Block, before: Block) -> Block:
    """Return a block that keeps what its feed said: who writes on it does not send that along."""
    if isinstance(block, RssBlock) and isinstance(before, RssBlock) and block.url == before.url and not block.items:
        return block.model_copy(update={"items": before.items})
    return block


def _with_body(draft: Draft, change: Body) -> Draft:
    given = {Mode.MARKDOWN: change.markdown, Mode.HTML: change.html, Mode.BLOCKS: None}[draft.mode]
    if given is None:
        sentence = language.text("This letter is written in another way by now. Nothing was changed; load it again.")
        raise Conflict("other_mode", sentence)
    return replace(draft, markdown=given) if draft.mode is Mode.MARKDOWN else replace(draft, html=given)


def _with_blocks(draft: Draft, blocks: Blocks) -> Draft:
    if draft.mode is not Mode.BLOCKS:
        sentence = language.text("This letter is written in another way by now. Nothing was changed; load it again.")
        raise Conflict("other_mode", sentence)
    if len(blocks) > document.MOST_BLOCKS:
        sentence = language.text("A letter can hold %(most)s blocks. Nothing was saved.", most=document.MOST_BLOCKS)
        raise Invalid("most_blocks", sentence)
    document.demand_once(blocks)
    return replace(draft, blocks=blocks)


def _place(draft: Draft, name: str) -> int | None:
    return next((place for place, block in enumerate(draft.blocks) if block.id == name), None)


def _demand_place(draft: Draft, name: str) -> int:
    place = _place(draft, name)
    if place is None:
        sentence = language.text("This block was removed elsewhere meanwhile. Your words are kept on this device.")
        raise Conflict("block_gone", sentence, place=name)
    return place


def _inserted(draft: Draft, block: Block, after: str | None) -> Draft:
    there = _place(draft, block.id)
    if there is not None:
        if draft.blocks[there] == block:
            return draft
        raise Conflict("block_there", language.text("A block of this name is there already."), place=block.id)
    at = _after(draft, after)
    return _with_blocks(draft, (*draft.blocks[:at], block, *draft.blocks[at:]))


def _moved(draft: Draft, name: str, after: str | None) -> Draft:
    block = draft.blocks[_demand_place(draft, name)]
    if after == name:
        return draft
    without = replace(draft, blocks=tuple(each for each in draft.blocks if each.id != name))
    at = _after(without, after)
    return _with_blocks(draft, (*without.blocks[:at], block, *without.blocks[at:]))


def _after(draft: Draft, name: str | None) -> int:
    """Return the place after a block; one that is gone meanwhile leaves the end."""
    if name is None:
        return 0
    place = _place(draft, name)
    return len(draft.blocks) if place is None else place + 1


def as_json(revision: Revision) -> dict[str, Any]:
    """Return the words of a revision as programs read them."""
    return revision.draft.document.model_dump(mode="json")
