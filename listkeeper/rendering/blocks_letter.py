"""A letter made of blocks: laid out by MJML, and the same blocks as plain HTML for the text part and the checks.

Both come from the same values in the same order, so that what is counted,
checked and read aloud is what is seen. MJML is no sanitiser: every line is
escaped by the template, rich text is cleaned, and an address of a kind that
mails must not hold is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from markupsafe import Markup
from mjml import mjml2html

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import document, merge_tags, own_links, rich_text, sanitise, system_blocks
from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import (
    Block,
    Blocks,
    GuidanceBlock,
    HeaderBlock,
    Picture,
    PollBlock,
    QuestionBlock,
    RssBlock,
    SponsoredBlock,
    TapsBlock,
)
from listkeeper.rendering.paper import printing
from listkeeper.rendering.protect import TOKEN, Hiding, Tokens
from listkeeper.rendering.sponsoring import sponsored

_BODY = re.compile(r"<body[^>]*>\s*<div[^>]*>(.*)</div>\s*</body>", re.DOTALL)
_LINK = re.compile(r"<a (?=href)")
_LIQUID = re.compile(r"\{(?=[{%])")
_TAPS = (("fine", "links.fine"), ("ask", "links.question"), ("problem", "links.problem"))
# Names, what is laid down by the law, and what a stranger's feed said: each is put together elsewhere.
_SAID_OTHERWISE = frozenset({
    "id", "type", "items", "fine", "ask", "problem", "sponsor", "country", "tax_id", "erid", "url",
})  # fmt: skip
_NEW_WINDOW = ' target="_blank"'
_ROOTED = "/media/"


@dataclass(frozen=True)
class BlocksDrawn:
    """The blocks as plain HTML with hidden tags, the same values for the layout, and what the tokens mean."""

    fragment: str
    shown: tuple[SimpleNamespace, ...]
    tokens: Tokens


def draw(letter: Letter) -> BlocksDrawn:
    """Return the blocks of a letter as plain HTML. Raises Invalid, naming the block, for tags without a partner."""
    hiding, shown = Hiding(), []
    for number, block in enumerate(letter.blocks, 1):
        shown.append(_Shown(letter, block, number, hiding).value())
    with language.using(letter.language):
        fragment = printing.environment().get_template("words.html").render(blocks=shown)
    return BlocksDrawn(fragment, tuple(shown), hiding.tokens)


def lay_out(drawn: BlocksDrawn, letter: Letter, look: Mapping[str, Any]) -> str:
    """Return the same blocks as tables with inline styles, for the place in the page where a letter stands."""
    with language.using(letter.language):
        source = printing.environment().get_template("letter.mjml").render(look, blocks=drawn.shown)
    try:
        page = mjml2html(source, fonts={}, disable_comments=False)
    except ValueError as error:
        raise _unreadable(drawn, look) from error
    found = _BODY.search(page)
    if found is None:
        raise ValueError("MJML made a page without a body")
    # A letter in the browser is shown under a policy that opens no second window: such a link would be dead.
    return found[1].replace(_NEW_WINDOW, "")


def begins_with_colour(blocks: Blocks) -> bool:
    """Return whether a letter begins with a coloured ground, which then reaches the edge."""
    return bool(blocks) and isinstance(blocks[0], HeaderBlock) and blocks[0].tone == "brand"


def _unreadable(drawn: BlocksDrawn, look: Mapping[str, Any]) -> Invalid:
    """Return the error that names the one block which cannot be laid out."""
    found = 0
    for number, block in enumerate(drawn.shown, 1):
        source = printing.environment().get_template("letter.mjml").render(look, blocks=(block,))
        try:
            mjml2html(source, fonts={}, disable_comments=False)
        except ValueError:
            found = number
            break
    sentence = language.text("Block %(number)s cannot be laid out. Write its text anew.", number=found)
    return Invalid("block_unreadable", sentence, place=drawn.shown[found - 1].id if found else "")


class _Shown:
    """The values of one block as templates print them: its words with hidden tags, its pictures with their size."""

    def __init__(self, letter: Letter, block: Block, number: int, hiding: Hiding) -> None:
        self._letter, self._block, self._number, self._hiding = letter, block, number, hiding

    def value(self) -> SimpleNamespace:
        made = self._of(self._block)
        made.type, made.id = self._block.type, self._block.id
        match self._block:
            case SponsoredBlock() as block:
                made.paid = self._hide(_label(block, self._letter.language))
                made.html = Markup(_LINK.sub('<a rel="sponsored" ', made.html))  # noqa: S704 - cleaned
            case TapsBlock() as block:
                made.answers = [
                    SimpleNamespace(name=self._line(name), href=self._hide(f"{{{{ {link} }}}}"))
                    for field, link in _TAPS
                    if (name := getattr(block, field))
                ]
            case PollBlock() as block:
                # An answer that is still empty keeps its number and is not shown.
                numbered = [(number, answer) for number, answer in enumerate(made.answers) if answer.text]
                for number, answer in numbered:
                    answer.href = self._hide(f"{{{{ links.{own_links.of_answer(block.id, number)} }}}}")
                made.answers = [answer for _number, answer in numbered]
            case GuidanceBlock() | QuestionBlock() as block:
                made.place = self._hide(f"{{{{ links.{system_blocks.name(block.type)} }}}}")
            case RssBlock() as block:
                made.items = [self._item(item, block) for item in block.items[: block.count] if item.href]
            case _:
                pass
        if hasattr(made, "picture") and made.picture is not None:
            made.picture.href = made.href if self._block.type == "image" else ""
        return made

    def _of(self, part: document._Part) -> SimpleNamespace:
        made = SimpleNamespace()
        for name, field in type(part).model_fields.items():
            if name in _SAID_OTHERWISE:
                continue
            setattr(made, name, self._field(getattr(part, name), name, field.metadata))
        return made

    def _field(self, value: object, name: str, rules: list[Any]) -> object:  # noqa: PLR0911 - one for each kind
        match value:
            case str() if name == "html":
                return self._rich(value)
            case str() if name == "href":
                return self._address(value)
            case str():
                return self._line(value) if rules else value
            case Picture():
                return self._picture(value)
            case document._Part():  # noqa: SLF001 - a column or a link, of the same document
                return self._of(value)
            case tuple():
                return [self._of(each) for each in value]
            case _:
                return value

    def _hide(self, text: str) -> str:
        self._demand_pairs(text)
        return self._hiding.hide(text, self._block.id, self._number)

    def _demand_pairs(self, text: str) -> None:
        """Demand that what a tag opens is closed in the same field: the next one is another cell of a table."""
        tags = merge_tags.scan(text)
        try:
            merge_tags.pairs(tags)
        except ValueError as error:
            tag = tags[error.args[0]].source
            sentence = language.text(
                "Block %(number)s: what %(tag)s opens or closes has its partner in another block, or none. "
                "Put both into the same text.",
                number=self._number,
                tag=tag,
            )
            raise Invalid("merge_tag_crosses", sentence, place=self._block.id) from None

    def _line(self, text: str) -> str:
        return self._hide(text)

    def _rich(self, html: str) -> Markup:
        return Markup(sanitise.clean(self._hide(rich_text.clean(html))))  # noqa: S704 - nh3 has been over it

    def _address(self, url: str) -> str:
        hidden = self._hide(url)
        if TOKEN.fullmatch(hidden):
            return hidden
        scheme = url.partition(":")[0].lower()
        return hidden if scheme in sanitise.SCHEMES else ""

    def _picture(self, it: Picture) -> SimpleNamespace:
        src = it.src
        if src.startswith(_ROOTED):
            src = f"{self._letter.sender.site}{src}"
        elif not src.lower().startswith(("https://", "http://")):
            src = ""
        alt = "" if it.decorative else self._line(it.alt)
        return _picture(self._hide(src), alt, it.width)

    def _item(self, item: document.FeedItem, block: RssBlock) -> SimpleNamespace:
        picture = item.picture if block.pictures else None
        return SimpleNamespace(
            title=_without_tags(item.title) or _without_tags(item.href),
            href=self._address(item.href),
            summary=_without_tags(item.summary) if block.summaries else "",
            picture=self._picture(picture.model_copy(update={"alt": _without_tags(picture.alt)})) if picture else None,
        )


def _label(block: SponsoredBlock, spoken: str) -> str:
    """Return the line that says who paid; while its numbers are still being typed, the word and the name alone."""
    try:
        return sponsored.full_label(
            block.country, spoken, sponsored.Advertiser(block.sponsor, block.tax_id, block.erid)
        )  # fmt: skip
    except Invalid:
        return f"{sponsored.label(block.country, spoken)}. {block.sponsor}"


def _without_tags(words: str) -> str:
    """Return the words of a stranger's feed so that nothing in them can be taken for a merge tag."""
    return _LIQUID.sub("{ ", words)


def _picture(src: str, alt: str, width: int) -> SimpleNamespace:
    def shown(most: int) -> int:
        return min(most, width) if width else most

    return SimpleNamespace(src=src, alt=alt, href="", shown=shown, fills=lambda most: shown(most) >= most)
