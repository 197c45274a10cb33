"""What keeps a form from being published: its snapshot is read as a browser would show it.

A box ticked in advance is no yes (GDPR Recital 32), nor is one that somebody
must tick to get something else (Art. 7(4)), nor one that stands for terms as
well (Art. 7(2)). Where a form has no box, its button is the act, and the same
holds for the text around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from listkeeper.audience import consent_words
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language

Element = Any
"""An element of lxml, which ships no types."""

_BOXES = "//input[@type='checkbox' or @type='radio'] | //*[@role='checkbox' or @role='radio' or @role='switch']"
# What a sign-up may ask for without being about something else.
_OF_A_SIGNUP = re.compile(
    r"e-?mail|((first|last|given|family|full|your)[-_ ]?)?name|lang(uage)?|homepage|topics?|frequency", re.IGNORECASE
)
_SHOWN_TO_NOBODY = "ancestor-or-self::*[@aria-hidden='true' or @hidden]"
_FIELDS = (
    "//textarea | //select | //input[not(@type) or not(@type='hidden' or @type='submit' or @type='button'"
    " or @type='checkbox' or @type='radio' or @type='image' or @type='reset' or @type='email')]"
)


def check(snapshot: str) -> list[Finding]:
    """Return what is wrong with the controls of a form, given its HTML."""
    try:
        page = lxml_html.document_fromstring(snapshot.encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))
    except etree.ParserError:
        return [_block("form_empty", language.text("The form is empty."), "")]
    boxes = [(box, _label(page, box)) for box in page.xpath(_BOXES)]
    return [*_ticked(boxes), *_required(page, boxes), *_bundled(page, boxes)]


def _ticked(boxes: list[tuple[Element, str]]) -> Iterator[Finding]:
    for box, label in boxes:
        if box.get("checked") is not None or box.get("aria-checked", "").lower() == "true":
            sentence = language.text("No box may be ticked before the person ticks it.")
            yield _block("box_ticked", sentence, label)


def _required(page: Element, boxes: list[tuple[Element, str]]) -> Iterator[Finding]:
    """Find a newsletter that is the price of something else: of an order, an account, a download."""
    for box, label in boxes:
        must = box.get("required") is not None or box.get("aria-required", "").lower() == "true"
        if must and consent_words.in_any_language("content", label) and (other := _something_else(page, box, boxes)):
            sentence = language.text("Nobody has to take the letters to get something else: do not require this box.")
            yield _block("box_required", sentence, other)


def _something_else(page: Element, box: Element, boxes: list[tuple[Element, str]]) -> str:
    """Return what else the form is about, empty for nothing."""
    form = _form_of(box)
    for field in page.xpath(_FIELDS):
        about = field.get("name") or field.get("id") or str(field.tag)
        if _form_of(field) is form and not field.xpath(_SHOWN_TO_NOBODY) and not _OF_A_SIGNUP.fullmatch(about):
            return str(about)
    for other, label in boxes:
        if other is not box and _form_of(other) is form and consent_words.in_any_language("terms", label):
            return label
    return ""


def _bundled(page: Element, boxes: list[tuple[Element, str]]) -> Iterator[Finding]:
    sentence = language.text("One yes, for one thing: terms and contracts need a box of their own.")
    for _box, label in boxes:
        found = consent_words.in_any_language("terms", label)
        if found and consent_words.in_any_language("content", label):
            yield _block("box_bundled", sentence, found[0])
    for form in page.xpath("//form"):
        # Without a box the button is the act, and what stands beside it is agreed to with it.
        if not [box for box, _label_of_it in boxes if _form_of(box) is form]:
            text = _text(form)
            if (found := consent_words.in_any_language("terms", text)) and form.xpath(".//button | .//input"):
                yield _block("box_bundled", sentence, found[0])


def _label(page: Element, box: Element) -> str:
    """Return what stands beside a box, however it is tied to it."""
    names = [box.get("aria-label", ""), *box.get("aria-labelledby", "").split()]
    tied = [element for name in names[1:] for element in page.xpath("//*[@id=$name]", name=name)]
    if box.get("id"):
        tied += page.xpath("//label[@for=$name]", name=box.get("id"))
    tied += box.xpath("ancestor::label")
    if not tied and not names[0]:
        tied = [box.getparent()]
    return " ".join(filter(None, (names[0], *map(_text, tied)))).strip()


def _form_of(element: Element) -> Element | None:
    return next(iter(element.xpath("ancestor::form[1]")), None)


def _text(element: Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def _block(code: str, sentence: str, evidence: str) -> Finding:
    return Finding(code, Severity.BLOCK, "form", sentence, evidence)
