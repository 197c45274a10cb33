"""What may stand in a message of which class: purposes are never mixed, and whoever gets a notice is sold nothing.

A status notice, and whatever a program sends because of what somebody did, goes
to people who did not ask for advertising. A letter that asks how somebody is
doing is a letter, and an offer in it would make the question a pretext.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from listkeeper.audience.handover import MessageClass
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import CampaignKind
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.rendering import document
from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import Blocks, Mode, OfferBlock, PollBlock, SponsoredBlock, TapsBlock
from listkeeper.rendering.links import Link

_WORDS_FILE = Path(__file__).with_name("class_words.toml")
_NO_ADVERTISING = frozenset({MessageClass.SERVICE, MessageClass.TRANSACTIONAL})
_TAP = re.compile(r"\{\{-?\s*links\.(fine|question|problem)\b")
_TAG = re.compile(r"<[^>]*>|\{[{%].*?[%}]\}", re.DOTALL)
_CLASSES = {CampaignKind.NOTICE: MessageClass.SERVICE}
_RULES = "ePrivacy 2002/58/EC Art. 13"


def class_of(kind: CampaignKind) -> MessageClass:
    """Return the class of a kind of letter."""
    return _CLASSES.get(kind, MessageClass.MARKETING)


def mismatch(kind: CampaignKind, mailing_list: MailingList) -> list[Finding]:
    """Say that a letter is for another list: the gate would refuse every copy of it."""
    sentence = campaigns.purpose_fault(kind, mailing_list)
    return [Finding("N1", Severity.BLOCK, mailing_list.name, sentence, reference=_RULES)] if sentence else []


def examine(
    message_class: MessageClass, letter: Letter, written: Iterable[Link] = (), *, promised: bool = True
) -> list[Finding]:
    """Return what has no place in a message of this class.

    ``written`` are its links (``links.of_letter``); ``promised`` is whether a status notice says when more is told.
    """
    if message_class in _NO_ADVERTISING:
        found = [*_paid_parts(letter), *_advertising(letter), *_shops(written)]
        return found if promised else [*found, _no_promise()]
    return list(_offer_beside_question(letter)) if message_class is MessageClass.MARKETING else []


def _no_promise() -> Finding:
    sentence = language.text("Nobody is told when to expect more. Promise a next update, even without news.")
    return Finding("N4", Severity.WARN, "promise", sentence)


def _paid_parts(letter: Letter) -> Iterator[Finding]:
    for block in _blocks(letter):
        if isinstance(block, OfferBlock | SponsoredBlock):
            sentence = language.text("An offer or something paid for has no place in a notice. Take that block out.")
            yield Finding("N2", Severity.BLOCK, block.id, sentence, reference=_RULES, place=block.id)
        if isinstance(block, PollBlock):
            sentence = language.text("A notice tells people something and asks them nothing. Take the poll out.")
            yield Finding("N2a", Severity.BLOCK, block.id, sentence, place=block.id)


def _advertising(letter: Letter) -> Iterator[Finding]:
    said = _said(letter)
    for code, kind, sentence in (
        ("N3", "price", language.text("A notice names a price: is that advertising?")),
        ("N3a", "offer", language.text("These words sell something, and nobody who gets a notice asked for that.")),
        ("N3c", "news", language.text("A notice that advertises your letters is itself an advertisement.")),
    ):
        if hit := _words()[kind].search(said):
            named = hit[0].strip()
            yield Finding(code, Severity.ERROR, named, sentence, evidence=named, reference=_RULES, place="letter")


def _shops(written: Iterable[Link]) -> Iterator[Finding]:
    for link in written:
        parts = urlsplit(link.url)
        named = set(re.split(r"[^a-z]+", f"{parts.netloc} {parts.path}".lower()))
        if not link.is_picture and named & _shop_names():
            sentence = language.text("A notice leads to a shop: %(url)s", url=link.url)
            yield Finding("N3b", Severity.ERROR, link.url, sentence, reference=_RULES, place=link.block or "letter")


def _offer_beside_question(letter: Letter) -> Iterator[Finding]:
    said = _said(letter, with_tags=True)
    asks = any(isinstance(block, TapsBlock) for block in _blocks(letter)) or _TAP.search(said) is not None
    if not asks:
        return
    sells = next((block.id for block in _blocks(letter) if isinstance(block, OfferBlock | SponsoredBlock)), "")
    plain = _said(letter)
    hit = _words()["offer"].search(plain) or _words()["price"].search(plain)
    if sells or hit:
        sentence = language.text(
            "This letter asks how somebody is doing, and sells something as well. Keep the offer for another letter."
        )
        evidence = hit[0].strip() if hit else ""
        place = sells or "letter"
        yield Finding("N5", Severity.ERROR, sells or evidence, sentence, evidence=evidence, place=place)


def _blocks(letter: Letter) -> Blocks:
    return letter.blocks if letter.mode is Mode.BLOCKS else ()


def _said(letter: Letter, *, with_tags: bool = False) -> str:
    """Return all the words of a letter, whichever way it is written."""
    body = {Mode.MARKDOWN: letter.markdown, Mode.HTML: letter.html, Mode.BLOCKS: ""}[letter.mode]
    found = [letter.subject, letter.preheader, body]
    found += [text for block in _blocks(letter) for _name, text in document.texts(block)]
    said = "\n".join(found)
    return said if with_tags else " ".join(_TAG.sub(" ", said).split())


@cache
def _stored() -> dict[str, list[str]]:
    return tomllib.loads(_WORDS_FILE.read_text(encoding="utf-8"))


@cache
def _words() -> dict[str, re.Pattern[str]]:
    kinds = ("offer", "price", "news")
    return {kind: re.compile("|".join(f"(?:{one})" for one in _stored()[kind]), re.IGNORECASE) for kind in kinds}


@cache
def _shop_names() -> frozenset[str]:
    return frozenset(_stored()["shop"])
