"""The letters one can begin with, and the requests about a mailbox, as they travel: what is kept of them to compare.

``python -m tests.makers.golden_letters`` writes what is kept anew; the difference is then read before it is stored.
Kept are the fields of the head, the text part whole, and of the HTML part each thing that is seen with what makes it
look as it does; the fingerprint says that nothing else of it has changed.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import product
from pathlib import Path

from lxml import html as lxml_html

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import notice_letter, notice_starter, preview, revision, starter
from listkeeper.campaigns.notice_letter import Place
from listkeeper.campaigns.notice_starter import StarterName
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.starter import Starter
from listkeeper.foundation import language
from listkeeper.rendering import compiled, mime_slots
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Reader, Sender
from listkeeper.rendering.inbox_help import Program
from listkeeper.standards import list_headers
from listkeeper.standards.list_headers import Header

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "campaigns" / "golden"
SITE = "https://mail.cafe.example"
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
# A letter begins as one of these, a status notice as one of the others.
LETTERS = tuple(name for name in Starter if name is not Starter.BLANK)
NOTICES = tuple(StarterName)
NAMES = (*LETTERS, *NOTICES)
# One notice stands for all of them: they differ in a few words.
KEPT = (*LETTERS, StarterName.TROUBLE)
GUIDED = tuple(product(language.LANGUAGES, Program))
LIST = MailingList(id=1, name="Brød & tilbud", slug="news", jurisdiction="DK")
_SHOWN = ("color", "background-color", "background", "font-size", "padding", "margin", "border", "border-radius")
# What is seen of an element that holds no words.
_SEEN_ALONE = {"background-color", "background", "border"}
# What keeps the next words of a letter out of the preview line.
_UNSEEN = dict.fromkeys(map(ord, "\u034f\u200c"))

Name = Starter | StarterName


def owner(spoken: str = "en", *, colour: str = "#7a4b2a", website: str | None = "https://cafe.example") -> Organisation:
    """Return the café, which stands in no database."""
    return Organisation(
        id=1,
        legal_name="Café Kardemomme ApS",
        postal_address="Havnegade 1\n1058 Copenhagen",
        from_name="Café Kardemomme",
        from_address="hello@cafe.example",
        website=website,
        language=spoken,
        brand_colour=colour,
        letter_font="system",
    )


def draft(name: Name, business: Organisation) -> Draft:
    """Return what a letter says to begin with; its blocks have the same names each time."""
    if isinstance(name, StarterName):
        begins = notice_starter.of(business, name)
        news = replace(begins.news, next_update_at=NOW)
        return notice_letter.draft(business, begins.about, news, Place("Europe/Copenhagen", f"{SITE}/status/sts_1"))
    with language.using(business.language):
        made = starter.of(business, name)
    named = tuple(block.model_copy(update={"id": f"b{place:010x}"}) for place, block in enumerate(made.blocks))
    return replace(made, blocks=named)


def made(name: Name, business: Organisation) -> CompiledLetter:
    """Return the same compiled."""
    return compiled.compile_letter(preview.letter(draft(name, business), business, SITE))


def reader(spoken: str = "en", guidance: str = "", **profile: str) -> Reader:
    """Return whom the letter is for."""
    token = "k7p2"
    return Reader(
        address="aase@people.example",
        language=spoken,
        profile=profile,
        unsubscribe_url=f"{SITE}/u/{token}",
        unsubscribe_mailto=f"mailto:leave+{token}@mail.cafe.example?subject=unsubscribe",
        preferences_url=f"{SITE}/p/{token}",
        web_view_url=f"{SITE}/w/{token}",
        why_url=f"{SITE}/y/{token}",
        reason="You get this because you said yes on 3 May 2026 on cafe.example.",
        guidance=guidance,
    )


def own_headers(who: Reader) -> tuple[Header, ...]:
    """Return the fields that are one reader's own."""
    return (list_headers.list_unsubscribe(who.unsubscribe_url, who.unsubscribe_mailto),)


def shared_headers(name: Name) -> tuple[Header, ...]:
    """Return the fields that all copies of a letter share."""
    about = (
        list_headers.list_unsubscribe_post(),
        list_headers.list_id(LIST.name, LIST.slug, "cafe.example"),
        list_headers.feedback_id("c7", "l1", "o1", sender_id="listkeeper"),
    )
    return (*about, list_headers.auto_submitted()) if isinstance(name, StarterName) else about


def sender(business: Organisation) -> Sender:
    """Return who writes."""
    return revision.sender_of(business, SITE)


def message(name: Name, letter: CompiledLetter, business: Organisation, who: Reader) -> bytes:
    """Return a letter as it travels, written the quick way."""
    return mime_slots.cut(letter, sender(business), shared_headers(name)).write(
        who, own_headers=own_headers(who), recipient=who.address, message_id="<7.k7p2@cafe.example>", date=NOW
    )


def read(raw: bytes) -> EmailMessage:
    """Return a message as the standard library reads it, which knows nothing of how ours are written."""
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part(parsed: EmailMessage, kind: str) -> str:
    """Return one reading of a message, "plain" or "html"."""
    found = parsed.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def seen(html: str) -> Iterator[str]:
    """Return what is seen of a page from top to bottom, a line each."""
    for element in lxml_html.document_fromstring(html).iter("*"):
        if element.tag in {"html", "head", "meta", "title", "style"}:
            continue
        words = " ".join(" ".join(element.xpath("text()")).translate(_UNSEEN).split())
        styles = dict(each.split(":", 1) for each in (element.get("style") or "").split(";") if ":" in each)
        look = {name.strip(): value.strip() for name, value in styles.items() if name.strip() in _SHOWN}
        if words or element.tag in {"img", "hr"} or not look.keys().isdisjoint(_SEEN_ALONE):
            yield " ".join(filter(None, (_tag(element.tag, element.attrib), words, _said(look))))


def _tag(tag: str, attributes: Mapping[str, str]) -> str:
    classes = [f".{each}" for each in attributes.get("class", "").split() if not each.startswith("block-")]
    told = [f'{name}="{attributes[name]}"' for name in ("href", "src", "alt", "lang") if name in attributes]
    return f"<{' '.join([''.join([tag, *classes]), *told])}>"


def _said(look: Mapping[str, str]) -> str:
    return "{" + "; ".join(f"{name}: {look[name]}" for name in _SHOWN if name in look) + "}" if look else ""


def kept_form(raw: bytes) -> str:
    """Return what is kept of a message."""
    parsed = read(raw)
    html = part(parsed, "html")
    head = [f"{name}: {value}" for name, value in parsed.items()]
    kinds = [f"{each.get_content_type()}, {each['content-transfer-encoding']}" for each in parsed.iter_parts()]
    told = [*head, "", *kinds, "", part(parsed, "plain").rstrip("\n"), "", "", *seen(html)]
    fingerprint = hashlib.sha256(html.encode()).hexdigest()
    return "\n".join([*told, "", f"sha256 of the HTML: {fingerprint}", ""])


def letter_kept(name: Name) -> str:
    """Return what is kept of a letter: as one reader gets it whose name is known."""
    business = owner()
    return kept_form(message(name, made(name, business), business, reader(first_name="Åse")))


def guidance_kept() -> str:
    """Return what is kept of the requests: each in the text part, and as it is seen."""
    business = owner()
    letter, told = made(Starter.NOTE, business), []
    for spoken, program in GUIDED:
        parsed = read(message(Starter.NOTE, letter, business, reader(spoken, program)))
        [cell] = lxml_html.document_fromstring(part(parsed, "html")).xpath("//td[@class='tab']")
        told += [f"== {program}, {spoken}", "", request_in(part(parsed, "plain")), ""]
        told += [*seen(lxml_html.tostring(cell, encoding="unicode")), ""]
    return "\n".join(told)


def request_in(text: str) -> str:
    """Return what the text part asks a reader for, between the letter and its end."""
    letter, _, _end = text.partition("\n----------------------------------------\n")
    return letter.rpartition("Best wishes from all of us at Café Kardemomme\n")[2].strip()


def main() -> None:
    """Write all that is kept anew."""
    for name in KEPT:
        (FOLDER / f"{name}.txt").write_text(letter_kept(name), encoding="utf-8")
    (FOLDER / "guidance.txt").write_text(guidance_kept(), encoding="utf-8")


if __name__ == "__main__":
    main()
