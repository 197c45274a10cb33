"""What the composer calls its blocks, fonts and merge tags, and what a new block says until it is changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from listkeeper.audience import profile_question
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import tap
from listkeeper.feedback.tap import Tap
from listkeeper.foundation import language
from listkeeper.rendering import document
from listkeeper.rendering.document import Block

_NEW = "b0000000000"


def for_page(session: Session, letter: Campaign) -> dict[str, Any]:
    """Return what the composer's page needs to know about blocks."""
    return {
        "kinds": kinds(),
        "fonts": fonts(),
        "tags": tags(profile_question.keys_on(session, letter.list_id)),
        "new_blocks": [_new(kind.model_fields["type"].default) for kind in document.TYPES],
    }


def kinds() -> list[tuple[str, str, str]]:
    """Return each kind of block, its word, and what it is for."""
    words = {
        "header": (language.text("Header"), language.text("Title and picture at the top")),
        "text": (language.text("Text"), language.text("Paragraphs, lists, links")),
        "heading": (language.text("Heading"), language.text("A line above a part")),
        "image": (language.text("Picture"), language.text("A picture, with or without a link")),
        "button": (language.text("Button"), language.text("One thing to press")),
        "columns": (language.text("Two columns"), language.text("Side by side; below each other on a phone")),
        "offer": (language.text("Offer"), language.text("A product, its price, until when")),
        "quote": (language.text("Quote"), language.text("What somebody said")),
        "divider": (language.text("Line"), language.text("Parts two parts")),
        "spacer": (language.text("Space"), language.text("Room to breathe")),
        "social": (language.text("Where to find us"), language.text("Links to your other channels")),
        "taps": (language.text("Tap an answer"), language.text("A question with three answers; they land in Replies")),
        "poll": (language.text("Poll"), language.text("Your question, up to six answers, and a count")),
        "guidance": (
            language.text("Help for the mail program"),
            language.text("Puts it here instead of at the end; once in a letter"),
        ),
        "question": (
            language.text("One question"),
            language.text("Puts the question of your list here instead of at the end; once in a letter"),
        ),
        "sponsored": (language.text("Sponsored"), language.text("Paid content, with the word the law asks for")),
        "rss": (language.text("From your feed"), language.text("The newest entries of a blog or shop")),
    }
    return [(kind, *words[kind]) for kind in (each.model_fields["type"].default for each in document.TYPES)]


def fonts() -> list[tuple[str, str]]:
    """Return the fonts a letter can have; the first is that of the business."""
    return [
        ("", language.text("As your business")),
        ("system", language.text("The reader's own")),
        ("arial", "Arial"),
        ("verdana", "Verdana"),
        ("tahoma", "Tahoma"),
        ("trebuchet", "Trebuchet"),
        ("georgia", "Georgia"),
        ("times", "Times"),
        ("courier", "Courier"),
    ]


def tags(answers: list[str]) -> list[dict[str, str]]:
    """Return what can be filled in for each reader, as it is written and as people call it."""
    known = [
        ('{{ subscriber.first_name | default: "" }}', language.text("First name")),
        ('{{ subscriber.name | default: "" }}', language.text("Name")),
        ('{{ subscriber.city | default: "" }}', language.text("City")),
        ("{{ sender.name }}", language.text("Your business")),
        ("{{ links.web_view }}", language.text("Address of the letter in a browser")),
        ("{{ links.preferences }}", language.text("Address of the reader's choices")),
        ("{{ links.unsubscribe }}", language.text("Address to leave")),
        ("{{ links.renew }}", language.text("Address to renew a permission")),
    ]
    told = [(f'{{{{ subscriber.{key} | default: "" }}}}', key) for key in answers]
    return [{"tag": tag, "name": name} for tag, name in (*known, *told)]


def _new(kind: str) -> Block:
    """Return a new block, with the words that are nearly always right."""
    values: dict[str, Any] = {"id": _NEW, "type": kind}
    if kind == "taps":
        values |= {
            "question": language.text("How is it going?"),
            "fine": tap.label(Tap.FINE),
            "ask": tap.label(Tap.QUESTION),
            "problem": tap.label(Tap.PROBLEM),
        }
    return document.block_of(values)
