"""How long the composer's server takes for a letter of 30 blocks: a change stored and seen, compiled, checked; a list.

The issue asks for less than 150 ms for 95 of 100 previews after a change, less than 200 ms for a campaign to compile,
and for assets of at most 200 KB on the composer and 60 KB on every other page of the studio, packed. Requests go
through Flask's test client, so it is the server's time alone; each is taken in turns with one that needs no compiling.
What a request needs of the processor stands in the profile: on a machine that others use, that is what is ours.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flask import Flask

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.revision import Draft
from listkeeper.cli import context
from listkeeper.foundation import clock
from listkeeper.rendering import compiled, document
from listkeeper.rendering.content import Letter, Sender
from listkeeper.rendering.document import Mode
from tests.benchmarks import figure, instance, page_weight
from tests.benchmarks.figure import Figure
from tests.makers import cafe, studio

_SITE = "https://mail.cafe.example"
_PREVIEW_BAR, _COMPILE_BAR = 150, 200
_PICTURE = {"src": "/media/bun.jpg", "alt": "A bun on a plate", "width": 1200, "height": 600}
_TEN: list[dict[str, Any]] = [
    {"type": "header", "title": "Autumn at the café", "text": "What is new", "tone": "brand", "picture": _PICTURE},
    {"type": "text", "html": '<p>Dear {{ subscriber.first_name | default: "friend" }}, <strong>this week</strong> we '
     'bake <a href="https://cafe.example/buns?a=1&amp;b=2">cardamom buns</a> from seven, and rye bread the day after.'
     "</p><ul><li>warm from the oven</li><li>coffee on the house</li></ul>"},
    {"type": "heading", "text": "Two things", "level": 2},
    {"type": "image", "picture": _PICTURE, "href": "https://cafe.example/picture"},
    {"type": "button", "label": "See what we bake", "href": "https://cafe.example/bread"},
    {"type": "columns", "left": {"title": "Monday", "html": "<p>Rye</p>", "label": "Order", "href": "https://cafe.example/rye"},
     "right": {"picture": _PICTURE, "title": "Tuesday", "html": "<p>Spelt</p>"}},
    {"type": "divider"},
    {"type": "quote", "html": "<p>The best in town</p>", "source": "A guest"},
    {"type": "offer", "title": "Six buns", "price": "49 kr.", "before": "65 kr.", "until": "Until Sunday",
     "html": "<p>In a box</p>", "label": "Order now", "href": "https://cafe.example/six", "picture": _PICTURE},
    {"type": "social", "links": [{"name": "Instagram", "href": "https://instagram.example/cafe"}]},
]  # fmt: skip
_MARKDOWN = "".join(
    f"## Number {number}\n\nDear {{{{ subscriber.first_name | default: 'friend' }}}}, *this week* we bake "
    f"[cardamom buns](https://cafe.example/buns/{number}) from seven, and rye bread after.\n\n- warm\n- sweet\n\n"
    for number in range(10)
)
_SENDER = Sender(
    name="Café Kardemomme", address="hello@cafe.example", reply_to=None, legal_name="Café Kardemomme ApS",
    postal_address="Havnegade 1\n1058 Copenhagen", brand_colour="#8a4b2a", logo_url=None, language="en", site=_SITE,
)  # fmt: skip


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Change and look at a letter on each database; compile letters; weigh the pages of the studio."""
    count = 200 if full else 40
    found = []
    for kind in instance.kinds():
        with _composing(kind) as composing:
            found += _seen(name, kind, composing, count, repeats)
            if kind == "sqlite":
                found += page_weight.figures(name, composing.browser, composing.address)
    return [*found, *_compiled(name, count, repeats)]


@dataclass
class _Took:
    """What requests of one kind took, in milliseconds: by the clock on the wall, and of the processor."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self, work: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        self.wall.append((time.perf_counter() - wall) * 1000)
        self.processor.append((time.process_time() - processor) * 1000)

    @property
    def profile(self) -> dict[str, float]:
        """The least, the median and the 95th of a hundred; the least is what it takes when nobody else is there."""
        return {
            "median": round(statistics.median(self.wall), 1),
            "least": round(min(self.wall), 1),
            "processor, least": round(min(self.processor), 1),
            "processor, median": round(statistics.median(self.processor), 1),
            "processor, 95 %": round(_ninety_fifth(self.processor), 1),
        }


def _ninety_fifth(took: list[float]) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * 0.95))]


class _Composing:
    """Somebody at work on a letter of 30 blocks."""

    def __init__(self, app: Flask) -> None:
        with app.app_context(), store.transaction() as session:
            made = cafe.found(session)
            for number in range(20):
                cafe.subscribe(session, made, f"person-{number}@crowd.example")
            words = Draft("Autumn at the café", "Warm from seven", mode=Mode.BLOCKS, blocks=_blocks())
            letter = campaigns.create(session, made.organisation, made.mailing_list, words)
            self.address = f"/studio/letters/{letter.public_id}"
        self.browser = studio.signed_in(app)
        self._version, self._changes = 1, 0

    def change(self) -> None:
        """Write on a block, as the composer does after a pause."""
        self._changes += 1
        words = {
            **_TEN[1],
            "id": _name(1),
            "html": f"<p>Change number {self._changes}, at {clock.now():%H:%M:%S.%f}.</p>",
        }
        headers = {
            "If-Match": f'"{self._version}"', "Idempotency-Key": str(uuid.uuid4()), "X-CSRFToken": self.browser.token(),
        }  # fmt: skip
        sent = {"op": "set", "block": words}
        answer = self.browser.client.patch(f"{self.address}/document", json=sent, headers=headers)
        if answer.status_code != 200 or answer.json is None:
            raise SystemExit(f"a change was answered with {answer.status_code}: {answer.text}")
        self._version = answer.json["version"]

    def look(self) -> None:
        """Load the preview's frame."""
        self._demand(f"preview?v={self._version}&part=html&as=worst", f"Change number {self._changes},")

    def check(self) -> None:
        """Load the check panel, as it follows a change."""
        self._demand("check", "")

    def _demand(self, path: str, words: str) -> None:
        answer = self.browser.get(f"{self.address}/{path}", headers={"HX-Request": "true"})
        if answer.status_code != 200 or words not in answer.text:
            raise SystemExit(f"{path} was answered with {answer.status_code}, or with other words")


@contextmanager
def _composing(kind: str) -> Iterator[_Composing]:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, instance.database(kind) as url:
        told = {"database_url": url} if url else {}
        made = settings_file.read(
            data=Path(folder), public_url="http://localhost:8025", check_links=False, log_level="ERROR", **told
        )
        with context.opened(made, create=True, pages=True) as app:
            yield _Composing(app)


def _blocks() -> document.Blocks:
    return document.blocks_of([{**block, "id": _name(place)} for place, block in enumerate(3 * _TEN)])


def _name(place: int) -> str:
    return f"b{place:010x}"


def _seen(name: str, kind: str, composing: _Composing, count: int, repeats: int) -> list[Figure]:
    """Change and look, each time; and look again, when nothing is to be made any more."""
    stored, seen, both, again, checked = (_Took() for _ in range(5))
    for _ in range(3):
        composing.change()
        composing.look()
        composing.check()

    def change_and_look() -> float:
        for _ in range(count):
            stored.time(composing.change)
            seen.time(composing.look)
            both.wall.append(stored.wall[-1] + seen.wall[-1])
            both.processor.append(stored.processor[-1] + seen.processor[-1])
        return _ninety_fifth(both.wall[-count:])

    def look_again() -> float:
        for _ in range(count):
            again.time(composing.look)
        return _ninety_fifth(again.wall[-count:])

    found = figure.compare(
        f"{name}: a change stored and seen, {kind}", "ms, 95 %", change_and_look, look_again, repeats=repeats,
        limit_is=f"the same preview when nothing has changed, same run; the bar is {_PREVIEW_BAR} ms",
        note=f"30 blocks, {count} changes each",
    )  # fmt: skip
    for _ in range(count // 2):
        composing.change()
        checked.time(composing.check)
    return [
        replace(found, profile=both.profile),
        _alone(f"{name}: seen after a change, {kind}", seen, f"the bar is {_PREVIEW_BAR} ms"),
        _alone(f"{name}: a change stored, {kind}", stored, "no bar"),
        _alone(f"{name}: the check panel after a change, {kind}", checked, "no bar"),
    ]


def _alone(name: str, took: _Took, bar: str) -> Figure:
    return Figure(
        name=name, figure=round(_ninety_fifth(took.wall), 1), unit="ms, 95 %", limit=None, ratio=None,
        repeats=len(took.wall), spread=0.0, limit_is=bar, profile=took.profile,
    )  # fmt: skip


def _compiled(name: str, count: int, repeats: int) -> list[Figure]:
    """Compile a letter whose words are new each time, of blocks and of Markdown."""
    return [
        _compiling(f"{name}: a campaign compiled, 30 blocks", _of_blocks, count, repeats),
        _compiling(f"{name}: a campaign compiled, Markdown", _of_markdown, count, repeats),
    ]


def _compiling(name: str, letter: Callable[[int], Letter], count: int, repeats: int) -> Figure:
    took, numbers = _Took(), iter(range(10**9))
    compiled.compile_letter(letter(next(numbers)))

    def compile_all() -> float:
        for _ in range(count):
            written = letter(next(numbers))
            took.time(lambda written=written: compiled.compile_letter(written))  # type: ignore[misc]
        return _ninety_fifth(took.wall[-count:])

    found = figure.compare(
        name, "ms, 95 %", compile_all, None, repeats=repeats, limit_is=f"the bar is {_COMPILE_BAR} ms"
    )
    return replace(found, profile=took.profile)


def _of_blocks(number: int) -> Letter:
    return Letter(f"News {number}", "Warm from seven", "", "en", _SENDER, mode=Mode.BLOCKS, blocks=_blocks())


def _of_markdown(number: int) -> Letter:
    return Letter(f"News {number}", "Warm from seven", f"{_MARKDOWN}{number}", "en", _SENDER)
