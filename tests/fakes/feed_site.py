"""A site with a feed, without a network: what stands in it is what the test last put there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from listkeeper.foundation.fetch_address import Refused, Unreachable
from listkeeper.foundation.fetch_document import Document
from listkeeper.standards import atom
from listkeeper.standards.atom import Entry

URL = "https://site.example/feed.xml"
SITE = "https://site.example"


class FeedSite:
    """Answers for one address; ``away`` is a sentence that says why it does not."""

    def __init__(self, *titles: str, at: datetime, name: str = "The baker's notes") -> None:
        self.name, self.away, self.asked = name, "", 0
        self._at = at
        # Files of the site, by their addresses.
        self.pictures: dict[str, bytes] = {}
        self._entries: list[Entry] = []
        self.write(*titles)

    def write(self, *titles: str, at: datetime | None = None, picture: str = "") -> None:
        """Put items on top of the feed, the newest last; each with a picture, if an address of one is given."""
        for title in titles:
            slug = title.lower().replace(" ", "-")
            said = f"About {title}."
            html = f'<p>{said}</p><img src="{picture}" alt="">' if picture else ""
            summary = "" if picture else said
            made = Entry(f"{SITE}/id/{slug}", title, at or self._at, f"{SITE}/{slug}", summary, html)
            self._entries.insert(0, made)

    def rename(self, named: str) -> None:
        """Give every item another id and another address, as a move to other software does."""
        self._entries = [
            Entry(f"{each.id}{named}", each.title, each.updated, f"{each.link}{named}", each.summary)
            for each in self._entries
        ]

    def read(
        self, url: str, /, *, most: int, headers: Mapping[str, str] | None = None
    ) -> Document | Refused | Unreachable:
        """Return the feed as it is now."""
        del headers
        self.asked += 1
        if not self.away and url in self.pictures:
            return Document(200, {}, self.pictures[url][: most + 1], url)
        if self.away or url != URL:
            return Unreachable(self.away or "there is no such host")
        body = atom.written(
            atom.Feed(f"{SITE}/id", self.name, self._at, SITE, URL, "The baker", "en", tuple(self._entries))
        )
        return Document(200, {"content-type": "application/atom+xml"}, body[: most + 1], url)
