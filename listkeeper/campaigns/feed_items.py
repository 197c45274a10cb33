"""What a feed says, as part of a letter: the entries of a block, and a letter made of nothing else.

A block is filled when its letter is written or looked through again, never for
each reader. A feed that gives no answer leaves a letter as it is, and says so.
Pictures are named by the address they have there, until ``feed_pictures``
brings them home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from listkeeper.foundation.errors import Invalid, TryAgain
from listkeeper.foundation.fetch_document import DocumentReader
from listkeeper.rendering import document
from listkeeper.rendering.document import Block, Document, FeedItem, HeaderBlock, Picture, RssBlock
from listkeeper.rendering.feeds import feed
from listkeeper.rendering.feeds.feed import Feed
from listkeeper.rendering.feeds.feed_item import Item

# More is no letter; what came before is on the site.
MOST = 10
_TITLE = 100
_PREVIEW = 140


@dataclass(frozen=True)
class Refreshed:
    """A document with what its feeds say now, and a sentence for each feed that could not be read."""

    document: Document
    troubles: tuple[str, ...]


def refreshed(written: Document, reader: DocumentReader) -> Refreshed:
    """Return a document whose feeds were read again; where one gives no answer, its old entries stay."""
    troubles: list[str] = []
    known: dict[str, Feed | None] = {}
    blocks = tuple(_filled(block, reader, known, troubles) for block in written.blocks)
    return Refreshed(written.model_copy(update={"blocks": blocks}), tuple(troubles))


def _filled(block: Block, reader: DocumentReader, known: dict[str, Feed | None], troubles: list[str]) -> Block:
    if not isinstance(block, RssBlock) or not block.url:
        return block
    if block.url not in known:
        try:
            known[block.url] = feed.fetch(reader, block.url)
        except (Invalid, TryAgain) as problem:
            known[block.url] = None
            troubles.append(problem.message)
    read = known[block.url]
    return block if read is None else block.model_copy(update={"items": entries(read.items)})


def entries(items: Sequence[Item]) -> tuple[FeedItem, ...]:
    """Return the newest items as entries of a block."""
    return tuple(_entry(item) for item in items[:MOST])


def _entry(item: Item) -> FeedItem:
    # The title beside it says what it shows: read aloud, it would come twice.
    picture = Picture(src=item.picture_url, decorative=True) if item.picture_url else None
    return FeedItem(title=item.title or item.summary, href=item.link or "", summary=item.summary, picture=picture)


def letter_of(name: str, url: str, items: Sequence[Item]) -> Document:
    """Return a letter with the newest items of a feed; ``name`` is what the feed is called."""
    found = entries(items)
    titles = [entry.title for entry in found]
    others = " · ".join(titles[1:4]) or found[0].summary
    return Document(
        subject=f"{name}: {_cut(titles[0], _TITLE)}" if name else _cut(titles[0], _TITLE),
        preheader=_cut(others, _PREVIEW),
        blocks=(
            *((HeaderBlock(id=document.new_id(), title=name),) if name else ()),
            RssBlock(id=document.new_id(), url=url, count=len(found), items=found),
        ),
    )


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1].rsplit(' ', 1)[0]}…"
