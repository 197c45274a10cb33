"""The pictures of a feed's entries, brought home: no reader's mail program asks a stranger's server for them.

They are asked for and made ready while no transaction is open (``bring``), and
then kept like any picture of a letter (``at_home``). What cannot be had in a
few seconds is left out; a letter with one picture less is a letter.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import picture
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.fetch_document import Document as Answer
from listkeeper.foundation.fetch_document import DocumentReader
from listkeeper.rendering.document import Document, FeedItem, Picture, RssBlock
from listkeeper.rendering.pictures import picture_file
from listkeeper.rendering.pictures.picture_file import PictureFile

Files = Mapping[str, PictureFile]
"""Pictures that are ready, by the addresses they came from."""
_MOST_BYTES = 5_000_000
_SECONDS = 20.0
_GOOD = 200


def foreign(written: Document) -> list[str]:
    """Return the addresses of the pictures that a letter's feeds show from elsewhere, each once."""
    items = (item for block in written.blocks if isinstance(block, RssBlock) for item in block.items)
    return list(dict.fromkeys(item.picture.src for item in items if item.picture and _is_foreign(item.picture)))


def _is_foreign(shown: Picture) -> bool:
    return not shown.src.startswith("/media/")


def bring(reader: DocumentReader, urls: Iterable[str], *, seconds: float = _SECONDS) -> Files:
    """Return the pictures that could be had in time, ready for letters."""
    found: dict[str, PictureFile] = {}
    until = time.monotonic() + seconds
    for url in urls:
        answer = reader.read(url, most=_MOST_BYTES) if time.monotonic() < until else None
        if isinstance(answer, Answer) and answer.status == _GOOD and len(answer.body) <= _MOST_BYTES:
            try:
                found[url] = picture_file.ready(answer.body)
            except Invalid:
                continue
    return found


def at_home(session: Session, organisation: Organisation, folder: Path, written: Document, files: Files) -> Document:
    """Return a letter whose feeds show pictures of this instance alone; those it needs are kept in ``folder``."""
    kept: dict[str, Picture] = {}
    for url in foreign(written):
        if url in files:
            row = picture.keep(session, organisation, folder, files[url], url.partition("?")[0])
            kept[url] = Picture(src=f"/media/{row.name}", decorative=True, width=row.width, height=row.height)
    blocks = tuple(
        block.model_copy(update={"items": tuple(_shown(item, kept) for item in block.items)})
        if isinstance(block, RssBlock)
        else block
        for block in written.blocks
    )
    return written.model_copy(update={"blocks": blocks})


def _shown(item: FeedItem, kept: Mapping[str, Picture]) -> FeedItem:
    if item.picture is None or not _is_foreign(item.picture):
        return item
    return item.model_copy(update={"picture": kept.get(item.picture.src)})
