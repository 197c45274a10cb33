"""The document of a letter: one JSON value that web, API and commands write alike, and what may stand in it.

The server owns it. Three ways lead in: blocks, Markdown, or HTML of one's own;
only the field of the mode in use counts. The models are closed, so a key nobody
knows is refused, and their JSON Schema is published. What is typed is kept as
it is, a half-written address too: what is wrong with it is for the checks to
say, and rendering leaves out what must not travel.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import rich_text

VERSION: Final = 1
LONGEST = 300_000
MOST_BLOCKS = 150
_RICH_LIMIT = 40_000
_LINE_LIMIT = 1_000
_URL_LIMIT = 2_000


class Mode(StrEnum):
    """The three ways to write a letter."""

    BLOCKS = "blocks"
    MARKDOWN = "markdown"
    HTML = "html"


def _one_line(value: str) -> str:
    return " ".join(value.split())


Line = Annotated[str, Field(max_length=_LINE_LIMIT), AfterValidator(_one_line)]
Url = Annotated[str, Field(max_length=_URL_LIMIT), AfterValidator(str.strip)]
Rich = Annotated[str, Field(max_length=_RICH_LIMIT), AfterValidator(rich_text.clean)]
BlockId = Annotated[str, Field(pattern=r"^b[0-9a-f]{10}$")]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Font = Literal["", "system", "arial", "verdana", "tahoma", "trebuchet", "georgia", "times", "courier"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Theme(_Part):
    """What one letter looks like when it does not look like its business."""

    colour: Colour | None = None
    font: Font = ""


# A letter that looks like its business.
PLAIN = Theme()


class Picture(_Part):
    """A picture: where it lies, what it shows in words, and how big it is (0: not known)."""

    src: Url = ""
    alt: Line = ""
    decorative: bool = False
    width: Annotated[int, Field(ge=0, le=4000)] = 0
    height: Annotated[int, Field(ge=0, le=20_000)] = 0


class Column(_Part):
    """One of two columns; on a telephone they stand below each other."""

    picture: Picture | None = None
    title: Line = ""
    html: Rich = ""
    label: Line = ""
    href: Url = ""


class NamedLink(_Part):
    """A place where the business can be found."""

    name: Line = ""
    href: Url = ""


class FeedItem(_Part):
    """One entry of a feed, as it was when it was read."""

    title: Line = ""
    href: Url = ""
    summary: Line = ""
    picture: Picture | None = None


class _Block(_Part):
    id: BlockId


class HeaderBlock(_Block):
    """The top of a letter: a title, a line, a picture."""

    type: Literal["header"] = "header"
    title: Line = ""
    text: Line = ""
    picture: Picture | None = None
    tone: Literal["plain", "brand"] = "plain"


class TextBlock(_Block):
    """Paragraphs and lists."""

    type: Literal["text"] = "text"
    html: Rich = ""


class HeadingBlock(_Block):
    """A headline."""

    type: Literal["heading"] = "heading"
    text: Line = ""
    level: Literal[1, 2, 3] = 2


class ImageBlock(_Block):
    """A picture, which may be a link."""

    type: Literal["image"] = "image"
    picture: Picture = Picture()
    href: Url = ""


class ButtonBlock(_Block):
    """Something to press."""

    type: Literal["button"] = "button"
    label: Line = ""
    href: Url = ""
    align: Literal["left", "center"] = "left"
    full: bool = False


class ColumnsBlock(_Block):
    """Two columns."""

    type: Literal["columns"] = "columns"
    left: Column = Column()
    right: Column = Column()


class DividerBlock(_Block):
    """A line across."""

    type: Literal["divider"] = "divider"


class SpacerBlock(_Block):
    """Room; its height is in pixels."""

    type: Literal["spacer"] = "spacer"
    height: Annotated[int, Field(ge=8, le=96)] = 24


class QuoteBlock(_Block):
    """What somebody said."""

    type: Literal["quote"] = "quote"
    html: Rich = ""
    source: Line = ""


class OfferBlock(_Block):
    """A product or an offer: what it is, what it costs, until when."""

    type: Literal["offer"] = "offer"
    title: Line = ""
    picture: Picture | None = None
    html: Rich = ""
    price: Line = ""
    before: Line = ""
    until: Line = ""
    label: Line = ""
    href: Url = ""


class SocialBlock(_Block):
    """Where else the business can be found."""

    type: Literal["social"] = "social"
    links: Annotated[tuple[NamedLink, ...], Field(max_length=8)] = ()


class SponsoredBlock(_Block):
    """What somebody paid for: it begins with the word that says so. ``country`` empty is that of the language."""

    type: Literal["sponsored"] = "sponsored"
    sponsor: Line = ""
    html: Rich = ""
    picture: Picture | None = None
    label: Line = ""
    href: Url = ""
    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    tax_id: Line = ""
    erid: Line = ""


class TapsBlock(_Block):
    """A question and three answers to tap; each leads to a page with a button."""

    type: Literal["taps"] = "taps"
    question: Line = ""
    fine: Line = ""
    ask: Line = ""
    problem: Line = ""


class PollAnswer(_Part):
    """One answer of a poll; its place among the others is its number."""

    text: Annotated[Line, Field(max_length=80)] = ""


class PollBlock(_Block):
    """A question of the owner's own and up to six answers; each leads to a page with a button."""

    type: Literal["poll"] = "poll"
    question: Line = ""
    answers: Annotated[tuple[PollAnswer, ...], Field(max_length=6)] = ()


class GuidanceBlock(_Block):
    """The place of the help for the reader's mail program; its words are ours."""

    type: Literal["guidance"] = "guidance"
    tone: Literal["plain", "tinted"] = "plain"


class QuestionBlock(_Block):
    """The place of the question that the list asks, if it asks one; its words stand with the question."""

    type: Literal["question"] = "question"


class RssBlock(_Block):
    """The newest entries of a feed, as they were when it was last read."""

    type: Literal["rss"] = "rss"
    url: Url = ""
    count: Annotated[int, Field(ge=1, le=10)] = 3
    pictures: bool = True
    summaries: bool = True
    items: Annotated[tuple[FeedItem, ...], Field(max_length=10)] = ()


Block: TypeAlias = Annotated[
    HeaderBlock
    | TextBlock
    | HeadingBlock
    | ImageBlock
    | ButtonBlock
    | ColumnsBlock
    | DividerBlock
    | SpacerBlock
    | QuoteBlock
    | OfferBlock
    | SocialBlock
    | SponsoredBlock
    | TapsBlock
    | PollBlock
    | GuidanceBlock
    | QuestionBlock
    | RssBlock,
    Field(discriminator="type"),
]
TYPES: tuple[type[_Block], ...] = (
    HeaderBlock, TextBlock, HeadingBlock, ImageBlock, ButtonBlock, ColumnsBlock, OfferBlock, QuoteBlock, DividerBlock,
    SpacerBlock, SocialBlock, TapsBlock, PollBlock, SponsoredBlock, RssBlock, GuidanceBlock, QuestionBlock,
)  # fmt: skip
_BLOCK: TypeAdapter[Block] = TypeAdapter(Block)
Blocks = tuple[Block, ...]


class Document(_Part):
    """A letter as it is written, stored, sent to programs and taken back."""

    version: Literal[1] = VERSION
    lang: str | None = Field(default=None, max_length=8)
    subject: str = Field(default="", max_length=_LINE_LIMIT)
    preheader: str = Field(default="", max_length=_LINE_LIMIT)
    mode: Mode = Mode.BLOCKS
    theme: Theme = Theme()
    blocks: Annotated[Blocks, Field(max_length=MOST_BLOCKS)] = ()
    markdown: str = Field(default="", max_length=LONGEST)
    html: str = Field(default="", max_length=LONGEST)


def new_id() -> str:
    """Return a name for a new block."""
    return f"b{secrets.token_hex(5)}"


def block_of(value: object) -> Block:
    """Return a block from JSON values. Raises Invalid, naming the field."""
    try:
        return _BLOCK.validate_python(value)
    except ValidationError as error:
        raise refused(error, value if isinstance(value, Mapping) else {}) from error


def blocks_of(values: object) -> Blocks:
    """Return blocks from JSON values; two may not share a name. Raises Invalid."""
    if not isinstance(values, (list, tuple)) or len(values) > MOST_BLOCKS:
        sentence = language.text("A letter can hold %(most)s blocks. Nothing was saved.", most=MOST_BLOCKS)
        raise Invalid("most_blocks", sentence)
    found = tuple(map(block_of, values))
    if len({block.id for block in found}) < len(found):
        raise Invalid("block_twice", language.text("Two blocks have the same id. Nothing was saved."))
    demand_once(found)
    return found


def demand_once(blocks: Blocks) -> None:
    """Demand that what the frame prints has one place at most. Raises Invalid, naming the second."""
    seen: set[str] = set()
    for block in blocks:
        if block.type in seen:
            sentence = language.text("The letter has this block already. Move it to where you want it.")
            raise Invalid("block_once", sentence, place=block.id)
        if isinstance(block, GuidanceBlock | QuestionBlock):
            seen.add(block.type)


def document_of(value: object) -> Document:
    """Return a document from JSON values. Raises Invalid, naming the place."""
    try:
        made = Document.model_validate(value)
    except ValidationError as error:
        raise refused(error, {}) from error
    blocks_of([block.model_dump() for block in made.blocks])
    return made


def refused(error: ValidationError, value: Mapping[str, Any]) -> Invalid:
    """Return the sentence for what does not fit, with the block and the field it is about."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "document"
    sentence = language.text(
        "Not saved: %(field)s does not fit (%(why)s). What was saved before is still there.",
        field=field, why=first["msg"],
    ) if first["type"] != "string_too_long" else language.text(
        "Not saved: %(field)s is too long, the most is %(most)s. What was saved before is still there.",
        field=field, most=f"{first['ctx']['max_length']:,}",
    )  # fmt: skip
    place = value.get("id", "")
    return Invalid("document_refused", sentence, place=str(place) if isinstance(place, str) else "")


def pictures(block: Block) -> Iterator[Picture]:
    """Return the pictures of a block."""
    match block:
        case HeaderBlock() | OfferBlock() | SponsoredBlock() | ImageBlock():
            if block.picture is not None:
                yield block.picture
        case ColumnsBlock(left=left, right=right):
            yield from (each.picture for each in (left, right) if each.picture is not None)
        case RssBlock(items=items):
            yield from (item.picture for item in items if item.picture is not None)
        case _:
            return


def texts(block: Block) -> Iterator[tuple[str, str]]:
    """Return the words of a block that may hold merge tags, each with the name of its field, in the order shown."""
    yield from _texts(block.model_dump(exclude={"id", "type", "tone", "align", "country", "url", "items"}), "")


def _texts(values: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        match value:
            case str() if value:
                yield f"{before}{name}", value
            case dict():
                yield from _texts(value, f"{before}{name}.")
            case tuple() | list():
                for place, each in enumerate(value):
                    yield from _texts(each, f"{before}{name}.{place}.")
            case _:
                pass
