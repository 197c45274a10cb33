"""A letter, its sender and a reader of a café that does not exist, and a watch on what rendering touches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.content import Letter, Reader, Sender

Made = TypeVar("Made")

SENDER = Sender(
    name="Kaffe Fuglsang",
    address="hej@fuglsang.example",
    reply_to=None,
    legal_name="Kaffe Fuglsang ApS",
    postal_address="Mejlgade 12\n8000 Aarhus C",
    brand_colour="#1f6f54",
    logo_url=None,
    language="da",
)

MARKDOWN = """\
# Brød & kaffe på lørdag

Hej {{ subscriber.first_name | default: "du" }},

lørdag åbner vi **klokken syv**. [Se menuen](https://fuglsang.example/menu).

{% if subscriber.city == "Aarhus" %}
Kom forbi i *Aarhus*!
{% else %}
Vi sender også.
{% endif %}

- Ny kværn
- Højtlæsning

Kærlig hilsen
{{ sender.name }}
"""

LETTER = Letter(
    subject="{{ subscriber.first_name | default: 'Hej' }}: brød & kaffe",
    preheader="Kardemommesnurrer til de første tyve",
    markdown=MARKDOWN,
    language="da",
    sender=SENDER,
)

READER = Reader(
    address="aase@post.example",
    language="da",
    profile={"first_name": "Åse", "city": "Aarhus"},
    unsubscribe_url="https://n.fuglsang.example/u/abc?a=1&b=2",
    unsubscribe_mailto=None,
    preferences_url="https://n.fuglsang.example/p/abc",
    web_view_url="https://n.fuglsang.example/w/abc",
    why_url="https://n.fuglsang.example/y/abc",
    reason="Du får dette brev, fordi du sagde ja den 12. maj 2026 på fuglsang.example.",
)


def attempt(call: Callable[[], Made]) -> tuple[Made | None, str | None]:
    """Return what a call made, or None and the code of its refusal."""
    try:
        return call(), None
    except Invalid as refusal:
        return None, refusal.code


@pytest.fixture
def sender() -> Sender:
    return SENDER


@pytest.fixture
def letter_of() -> Callable[..., Letter]:
    """Make a letter, given what differs from the usual one: ``letter_of("markdown", brand_colour="#ff0000")``."""

    def make(markdown: str = MARKDOWN, **changes: Any) -> Letter:  # noqa: ANN401 - the fields of two classes
        of_sender = {name: changes.pop(name) for name in list(changes) if name in Sender.__dataclass_fields__}
        language = {"language": changes.pop("language", of_sender.pop("language", "da"))}
        return replace(LETTER, markdown=markdown, sender=replace(SENDER, **of_sender), **language, **changes)

    return make


@pytest.fixture
def reader_of() -> Callable[..., Reader]:
    """Make a reader, given what differs from the usual one."""

    def make(**changes: Any) -> Reader:  # noqa: ANN401 - the fields of a class
        return READER._replace(**changes)

    return make


class _Watch:
    """What the process touched outside its memory while someone looked."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if self.on and (event == "open" or event.startswith(("socket.", "urllib.", "subprocess.", "os.system"))):
            self.seen.append(f"{event} {args[0]!r}")


_WATCH = _Watch()
# An audit hook cannot be taken off again, so there is one for the whole process, and it listens only when told to.
sys.addaudithook(_WATCH)


@pytest.fixture
def touched() -> Callable[[], AbstractContextManager[list[str]]]:
    """Watch a block and return the files, sockets and programs it opened."""

    @contextmanager
    def watching() -> Iterator[list[str]]:
        _WATCH.seen, _WATCH.on = [], True
        try:
            yield _WATCH.seen
        finally:
            _WATCH.on = False

    return watching
