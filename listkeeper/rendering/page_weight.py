"""What a page weighs with all that it loads, and how long a visitor waits for it on a bad line.

The assumptions stand in the sentences: slow 3G and 2G as the field's test
benches set them, and a new connection of five round trips (name, connection,
encryption, page, stylesheets).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import html as lxml_html

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.rendering.css.cascade import Element

SENT_LIMIT, RAW_LIMIT = 15 * 1024, 30 * 1024
_ROUND_TRIPS = 5
# Bits a second and seconds a round trip.
_SLOW_3G, _2G = (400_000, 0.4), (240_000, 0.84)


@dataclass(frozen=True)
class Part:
    """One answer of the server: where it came from, what it is, and how many bytes travelled, headers and all."""

    address: str
    kind: str
    body: bytes
    sent: int

    @property
    def packed(self) -> int:
        """What the body weighs when it is packed for the way."""
        return len(gzip.compress(self.body, 6)) if self.kind != "picture" else len(self.body)


@dataclass(frozen=True)
class Weight:
    """What the page weighs with all it loads, and how long that takes."""

    raw: int
    packed: int
    sent: int
    requests: int
    slow_3g: float
    second_g: float


@dataclass(frozen=True)
class Seen:
    """The page of a form with all that it loads."""

    page: Part
    parts: tuple[Part, ...]
    cookies: bool
    spoken: str

    @property
    def root(self) -> Element:
        """The page as a tree."""
        return lxml_html.document_fromstring(self.page.body, parser=lxml_html.HTMLParser(encoding="utf-8"))


def weight(seen: Seen) -> Weight:
    """Return what travels."""
    every = (seen.page, *seen.parts)
    sent = sum(part.sent for part in every)
    slow, second = (_ROUND_TRIPS * trip + sent * 8 / bits for bits, trip in (_SLOW_3G, _2G))
    raw, packed = sum(len(part.body) for part in every), sum(part.packed for part in every)
    return Weight(raw, packed, sent, len(every), slow, second)


def findings(seen: Seen) -> Iterator[Finding]:
    """Yield what the weight comes to for somebody who waits."""
    found = weight(seen)
    fits = found.sent <= SENT_LIMIT and found.raw <= RAW_LIMIT
    yield Finding(
        "phone_weight",
        Severity.INFO if fits else Severity.WARN,
        language.text("Weight"),
        language.counted(
            "%(sent)s KB travel to a new visitor in %(number)s request; unpacked they are %(raw)s KB, and packed by a "
            "server in front of this one they would be %(packed)s KB.",
            "%(sent)s KB travel to a new visitor in %(number)s requests; unpacked they are %(raw)s KB, and packed by a "
            "server in front of this one they would be %(packed)s KB.",
            found.requests,
            sent=_kb(found.sent),
            raw=_kb(found.raw),
            packed=_kb(found.packed),
        ),
        mend="" if fits else language.text("A lighter logo, shorter words, and fewer facts beside the field."),
    )
    quick = found.slow_3g <= 3  # noqa: PLR2004 - seconds after which many have left
    yield Finding(
        "phone_seconds",
        Severity.INFO if quick else Severity.WARN,
        language.text("Waiting"),
        language.text(
            "About %(slow)s seconds on slow 3G (400 kbit/s, 0.4 s a round trip) and %(second)s on 2G (240 kbit/s, "
            "0.84 s), computed for a new connection of five round trips.",
            slow=language.decimal(found.slow_3g),
            second=language.decimal(found.second_g),
        ),
        mend="" if quick else language.text("What weighs less comes sooner: see the weight above."),
    )


def _kb(number: int) -> str:
    return language.decimal(number / 1024)
