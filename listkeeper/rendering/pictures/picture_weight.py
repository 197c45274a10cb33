"""The pictures of a letter by what they weigh and where they lie: pages of readers on the road are paid by weight.

A picture of ours is known by its size; one on another host is loaded from there
whenever a letter is opened, and tells that host so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from listkeeper.foundation import language
from listkeeper.rendering import document, nesting
from listkeeper.rendering.content import Letter

_MOST = 12


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about the pictures of a letter."""

    code: str
    src: str
    sentence: str
    block: str | None = None


def examine(letter: Letter, html: str) -> list[Remark]:
    """Return what is to be said about the pictures of a finished letter."""
    return [*_elsewhere(letter, html), *_many(html), *_unknown_size(letter)]


def _elsewhere(letter: Letter, html: str) -> Iterator[Remark]:
    own = urlsplit(letter.sender.site).hostname
    hosts: dict[str, str] = {}
    for src in _sources(html):
        host = urlsplit(src).hostname
        if host and host != own:
            hosts.setdefault(host, src)
    for host, src in list(hosts.items())[:3]:
        sentence = language.text(
            "A picture lies on %(host)s, which learns of every opening. Upload it, and it comes from your own address.",
            host=host,
        )
        yield Remark("I1", src, sentence, _block_of(letter, src))


def _many(html: str) -> Iterator[Remark]:
    number = len(_sources(html))
    if number > _MOST:
        sentence = language.text(
            "The letter has %(number)s pictures. On a telephone on the road that is slow: keep the best ones.",
            number=number,
        )
        yield Remark("I2", "", sentence)


def _unknown_size(letter: Letter) -> Iterator[Remark]:
    for block in letter.blocks:
        for picture in document.pictures(block):
            if picture.src and not picture.width and not picture.src.startswith("/media/"):
                sentence = language.text("How wide a picture is, is not known: it may jump while the letter loads.")
                yield Remark("I3", picture.src, sentence, block.id)
                return


def _sources(html: str) -> list[str]:
    found = [picture.get("src") or "" for picture in nesting.tree(html).iter("img")]
    return [src for src in found if src.lower().startswith(("http://", "https://"))]


def _block_of(letter: Letter, src: str) -> str | None:
    for block in letter.blocks:
        if any(picture.src == src for picture in document.pictures(block)):
            return block.id
    return None
