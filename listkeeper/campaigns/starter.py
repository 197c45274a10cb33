"""What a new letter says to begin with: eight letters that are right as they stand, to be made one's own.

The words are in the language in use. A button leads to the website of the
business; without one it is left out, so that no letter begins with a link to
nowhere. A status notice begins elsewhere (``notice_starter``): it is no letter
to readers of news.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Any

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import starter_text
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import language
from listkeeper.rendering import document
from listkeeper.rendering.document import Mode


class Starter(StrEnum):
    """Which letter to begin with."""

    BLANK = "blank"
    WELCOME = "welcome"
    NEWS = "news"
    OFFER = "offer"
    EVENT = "event"
    HOW = "how"
    RENEW = "renew"
    NOTE = "note"


@dataclass(frozen=True)
class Card:
    """How a starter is offered."""

    starter: Starter
    name: str
    about: str


def cards() -> list[Card]:
    """Return the letters to begin with, in the language in use."""
    words = {
        Starter.NEWS: (language.text("News"), language.text("Two things that are new, and one to press.")),
        Starter.OFFER: (language.text("Offer"), language.text("One product, its price, until when.")),
        Starter.EVENT: (language.text("An event"), language.text("What, when, where, and how to come.")),
        Starter.NOTE: (language.text("Plain note"), language.text("A few lines, as you would write to one person.")),
        Starter.WELCOME: (language.text("Welcome"), language.text("A first letter, ready to be changed.")),
        Starter.HOW: (
            language.text("How is it going?"),
            language.text("Three taps to choose from; who has a question or a problem waits in Replies."),
        ),
        Starter.RENEW: (
            language.text("Still glad to hear from us?"),
            language.text("For people whose yes lapses soon: they look it over, write back, or leave in peace."),
        ),
        Starter.BLANK: (language.text("Blank page"), language.text("You know what you want to say.")),
    }
    return [Card(starter, *said) for starter, said in words.items()]


def of(owner: Organisation, chosen: Starter) -> Draft:
    """Return the words of a letter to begin with, in the language in use."""
    subject, preheader, blocks = _LETTERS[chosen](owner)
    made = [block | {"id": document.new_id()} for block in blocks]
    return Draft(subject, preheader, mode=Mode.BLOCKS, blocks=document.blocks_of(made))


_Begun = tuple[str, str, list[dict[str, Any]]]


def _text(owner: Organisation, *sentences: str) -> dict[str, Any]:
    return {"type": "text", "html": "".join(_paragraph(owner, sentence) for sentence in sentences)}


def _paragraph(owner: Organisation, sentence: str) -> str:
    """Return a sentence as HTML, with the name of the business in it."""
    return f"<p>{escape(sentence.replace('%(name)s', owner.from_name), quote=False)}</p>"


def _greeting() -> str:
    """Greet by name, or as a reader: nobody is greeted with a hole."""
    stand_in = language.text("reader")
    return language.text("Dear %(name)s,", name=f'{{{{ subscriber.first_name | default: "{stand_in}" }}}}')


def _button(owner: Organisation, label: str) -> Iterator[dict[str, Any]]:
    if owner.website and owner.website.startswith("https://"):
        yield {"type": "button", "label": label, "href": owner.website}


def _goodbye() -> str:
    return language.text("Best wishes from all of us at %(name)s")


def _blank(owner: Organisation) -> _Begun:
    del owner
    return "", "", [{"type": "text", "html": ""}]


def _welcome(owner: Organisation) -> _Begun:
    title = language.text("Nice that you are here")
    return (
        language.text("Welcome to %(name)s", name=owner.from_name),
        language.text("What you can look forward to, and how to reach us."),
        [
            {"type": "header", "title": title, "tone": "brand"},
            _text(
                owner,
                _greeting(),
                language.text(
                    "This is the first letter from %(name)s. From now on you hear from us now and then: what is "
                    "new, what is good, and what is only for readers of this letter."
                ),
                language.text("Is there something you would like to read about? Just answer this mail."),
            ),
            *_button(owner, language.text("See what we do")),
            _text(owner, _goodbye()),
        ],
    )


def _news(owner: Organisation) -> _Begun:
    return (
        language.text("News from %(name)s", name=owner.from_name),
        language.text("Two things that are new, in a minute's reading."),
        [
            {"type": "header", "title": language.text("What is new this month"), "tone": "brand"},
            _text(owner, _greeting(), language.text("Here is what has happened since last time, and what comes next.")),
            {"type": "heading", "text": language.text("The first thing"), "level": 2},
            _text(owner, language.text("Say in two or three sentences what is new, and why it is good.")),
            {"type": "heading", "text": language.text("The second thing"), "level": 2},
            _text(owner, language.text("The same again, with a picture if you have a good one.")),
            *_button(owner, language.text("Read more on our website")),
            {"type": "divider"},
            _text(owner, _goodbye()),
        ],
    )


def _offer(owner: Organisation) -> _Begun:
    site = owner.website if owner.website and owner.website.startswith("https://") else ""
    return (
        language.text("Something we think you will like"),
        language.text("For readers of this letter, while there is enough."),
        [
            {"type": "heading", "text": language.text("Put aside for you"), "level": 1},
            _text(owner, _greeting(), language.text("We have put something aside for readers of this letter.")),
            {
                "type": "offer",
                "title": language.text("The name of what you offer"),
                "html": _paragraph(owner, language.text("What it is, and what makes it good, in two sentences.")),
                "price": language.text("The price"),
                "until": language.text("Until the last day of the month"),
                "label": language.text("See it in the shop") if site else "",
                "href": site,
            },
            _text(owner, language.text("Questions? Answer this mail, and a person writes back."), _goodbye()),
        ],
    )


def _event(owner: Organisation) -> _Begun:
    return (
        language.text("Will you come?"),
        language.text("When, where, and how to tell us that you are coming."),
        [
            {"type": "header", "title": language.text("You are invited"), "tone": "brand"},
            _text(owner, _greeting(), language.text("We have something planned, and would like you to be there.")),
            {
                "type": "columns",
                "left": {
                    "title": language.text("When"),
                    "html": _paragraph(owner, language.text("The day and the hour, and how long it lasts.")),
                },
                "right": {
                    "title": language.text("Where"),
                    "html": _paragraph(owner, language.text("The street and the door, and where to leave a bicycle.")),
                },
            },
            _text(owner, language.text("Answer this mail with a yes, and there is a chair for you.")),
            *_button(owner, language.text("More about the day")),
            _text(owner, _goodbye()),
        ],
    )


def _how(owner: Organisation) -> _Begun:
    asked = language.text("How is it going?")
    return (
        asked,
        language.text("One tap is enough."),
        [
            {"type": "heading", "text": asked, "level": 1},
            _text(
                owner,
                _greeting(),
                language.text("You have known us for a while now, and we would like to hear how it is going."),
                language.text("One tap is enough. Or answer this mail: a person reads it, and writes back."),
            ),
            {
                "type": "taps",
                "question": "",
                "fine": language.text("All is fine"),
                "ask": language.text("I have a question"),
                "problem": language.text("Something is wrong"),
            },
            _text(owner, _goodbye()),
        ],
    )


def _renew(owner: Organisation) -> _Begun:
    return (
        language.text("Are you still glad to hear from us?"),
        language.text("Your yes was given a good while ago. Here you can look it over."),
        [
            {"type": "heading", "text": language.text("Are you still glad to hear from us?"), "level": 1},
            _text(
                owner,
                _greeting(),
                language.text(
                    "A good while ago you said yes to these letters. A yes does not last for ever, and we only want "
                    "to write to people who are glad of it."
                ),
                language.text(
                    "On your own page you see what you said yes to. There you choose what you get, or leave."
                ),
            ),
            {
                "type": "button",
                "label": starter_text.RENEWAL[language.known(language.current())],
                "href": "{{ links.renew }}",
            },
            {"type": "button", "label": language.text("To my own page"), "href": "{{ links.preferences }}"},
            _text(
                owner,
                language.text("Are you glad of these letters? A word in answer to this mail is enough to tell us."),
                language.text("Do nothing, and we stop by ourselves when your yes lapses."),
                _goodbye(),
            ),
        ],
    )


def _note(owner: Organisation) -> _Begun:
    return (
        language.text("A short note from %(name)s", name=owner.from_name),
        language.text("A few lines, from one person to another."),
        [
            _text(
                owner,
                _greeting(),
                language.text("Write here what you would say across the counter. Three sentences are enough."),
                language.text("You can simply answer this mail."),
                _goodbye(),
            )
        ],
    )


_LETTERS: dict[Starter, Callable[[Organisation], _Begun]] = {
    Starter.BLANK: _blank,
    Starter.WELCOME: _welcome,
    Starter.NEWS: _news,
    Starter.OFFER: _offer,
    Starter.EVENT: _event,
    Starter.HOW: _how,
    Starter.RENEW: _renew,
    Starter.NOTE: _note,
}
