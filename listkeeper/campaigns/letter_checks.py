"""What is wrong with a letter as it is seen, heard and read: contrast, order, pictures, wording, paid content.

Each check looks at the finished letter of the worst-case reader. A check here
warns; it never decides whether a letter may go, but for paid content without
its label, which the law decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.rendering import body, document, plain_text, poll_faults
from listkeeper.rendering.content import Filled, Letter
from listkeeper.rendering.css import client_support
from listkeeper.rendering.document import (
    Block,
    ButtonBlock,
    ColumnsBlock,
    ImageBlock,
    Mode,
    OfferBlock,
    PollBlock,
    RssBlock,
    SocialBlock,
    SponsoredBlock,
)
from listkeeper.rendering.pictures import picture_weight
from listkeeper.rendering.reading import contrast_check, letter_access
from listkeeper.rendering.sponsoring import sponsored_check
from listkeeper.rendering.sponsoring.sponsored import Advertiser
from listkeeper.rendering.sponsoring.sponsored_check import SponsoredSpan
from listkeeper.rendering.words import wording

_LETTER = "letter"
_MOST_OF_A_KIND = 5
_ACCESS_CODES = {
    letter_access.Kind.HEADINGS_NONE: "V2a",
    letter_access.Kind.HEADING_FIRST: "V2b",
    letter_access.Kind.HEADING_SKIPS: "V2",
    letter_access.Kind.HEADING_EMPTY: "V2c",
    letter_access.Kind.LANGUAGE_MISSING: "V3",
    letter_access.Kind.LANGUAGE_WRONG: "V3a",
    letter_access.Kind.TITLE_MISSING: "V3b",
    letter_access.Kind.ZOOM_OFF: "V3c",
    letter_access.Kind.ALT_MISSING: "V4",
    letter_access.Kind.ALT_POOR: "V4a",
    letter_access.Kind.TARGET_SMALL: "V5",
    letter_access.Kind.LINK_VAGUE: "V6",
    letter_access.Kind.LINK_EMPTY: "V6a",
    letter_access.Kind.MOSTLY_PICTURES: "V7",
    letter_access.Kind.TABLE_READ_ALOUD: "V8",
    letter_access.Kind.UNREAD: "V9",
}
_PAID_CODES = {
    sponsored_check.Kind.UNLABELLED: "O1",
    sponsored_check.Kind.NOT_FIRST: "O1a",
    sponsored_check.Kind.WRONG_LABEL: "O1b",
    sponsored_check.Kind.LEFT_OUT: "O1c",
    sponsored_check.Kind.GLUED: "O2",
    sponsored_check.Kind.MISSING_ADVERTISER: "O3",
}
_MILD = frozenset({"V2a", "V2b", "V3b", "V6", "V8"})


def examine(letter: Letter, filled: Filled, country: str = "") -> list[Finding]:
    """Return everything to be said about a finished letter to readers of a country; none of it stops one."""
    checks: tuple[Callable[[Letter, Filled], Iterable[Finding]], ...] = (
        _unfinished, _contrast, _access, _programs, _pictures, _wording,
    )  # fmt: skip
    found = [finding for check in checks for finding in check(letter, filled)]
    return [*found, *_paid(letter, country)]


def _unfinished(letter: Letter, filled: Filled) -> Iterator[Finding]:
    """Name what a reader will not see because half of it is missing."""
    del filled
    for block in letter.blocks:
        for label, href in _pressed(block):
            if label and not href:
                sentence = language.text("“%(label)s” leads nowhere yet, so it is left out.", label=label)
                yield _found("C8", Severity.WARN, label, sentence, block.id)
            elif href and not label:
                sentence = language.text("A link to %(url)s has no words, so it is left out.", url=href)
                yield _found("C8", Severity.WARN, href, sentence, block.id)
        if isinstance(block, RssBlock) and not block.items:
            sentence = language.text("The feed has no entries yet. Read it, or take the block away.")
            yield _found("C8a", Severity.WARN, block.url, sentence, block.id)
        if isinstance(block, ImageBlock) and not block.picture.src:
            yield _found("C8b", Severity.WARN, "", language.text("A picture is not chosen yet."), block.id)
        if isinstance(block, PollBlock) and (sentence := poll_faults.sentence(block)):
            yield _found("C8c", Severity.ERROR, block.question, sentence, block.id)


def _pressed(block: Block) -> Iterator[tuple[str, str]]:
    match block:
        case ButtonBlock() | OfferBlock() | SponsoredBlock():
            yield block.label, block.href
        case ColumnsBlock(left=left, right=right):
            yield left.label, left.href
            yield right.label, right.href
        case SocialBlock(links=links):
            yield from ((each.name, each.href) for each in links)
        case _:
            return


def _contrast(letter: Letter, filled: Filled) -> Iterator[Finding]:
    del letter
    measured = contrast_check.measure(filled.html)
    for faint in measured.faint[:_MOST_OF_A_KIND]:
        severity = Severity.ERROR if faint.scheme == "light" else Severity.WARN
        yield _found("V1", severity, faint.text, faint.sentence, faint.block, reference="WCAG 2.2, 1.4.3")
    for unknown in measured.unmeasured[:1]:
        yield _found("V1a", Severity.UNKNOWN, unknown.text, unknown.sentence, unknown.block)


def _access(letter: Letter, filled: Filled) -> Iterator[Finding]:
    counted: dict[str, int] = {}
    for remark in letter_access.examine(filled.html, letter.language):
        code = _ACCESS_CODES[remark.kind]
        counted[code] = counted.get(code, 0) + 1
        if counted[code] <= _MOST_OF_A_KIND:
            severity = Severity.INFO if code in _MILD else Severity.WARN
            severity = Severity.UNKNOWN if code == "V9" else severity
            yield _found(code, severity, remark.where or _LETTER, remark.sentence, remark.block)


def _programs(letter: Letter, filled: Filled) -> Iterator[Finding]:
    """Look at HTML of the owner's own; the layout of blocks and Markdown is ours, and tested."""
    del filled
    if letter.mode is Mode.HTML:
        for each in client_support.examine(letter.html)[:_MOST_OF_A_KIND]:
            yield _found("E1", each.severity, each.slug, each.sentence, mend=each.note, reference="caniemail.com")


def _pictures(letter: Letter, filled: Filled) -> Iterator[Finding]:
    for remark in picture_weight.examine(letter, filled.html):
        yield _found(remark.code, Severity.WARN, remark.src, remark.sentence, remark.block)


def _wording(letter: Letter, filled: Filled) -> Iterator[Finding]:
    words = filled.text.split("\n-- \n")[0]
    for remark in wording.examine(letter.subject, letter.preheader, words, letter.language)[:_MOST_OF_A_KIND]:
        where = str(remark.where)
        place = where if where in {"subject", "preheader"} else _place_of(letter, remark.phrase)
        yield _found("W1", Severity.INFO, remark.phrase, remark.sentence, place, evidence=remark.excerpt)


def _place_of(letter: Letter, phrase: str) -> str:
    for block in letter.blocks:
        if any(phrase.casefold() in text.casefold() for _name, text in document.texts(block)):
            return block.id
    return _LETTER


def _paid(letter: Letter, country: str) -> Iterator[Finding]:
    """Ask for the word that says that something was paid for: first, in both parts, parted from its neighbours."""
    fragment = body.words(letter)
    spans = [
        SponsoredSpan(block.id, body.words_of_block(fragment, block.id), _advertiser(block))
        for block in letter.blocks
        if isinstance(block, SponsoredBlock)
    ]
    country = next((block.country for block in letter.blocks if isinstance(block, SponsoredBlock)), "") or country
    text = plain_text.from_html(fragment)
    remarks = sponsored_check.examine(fragment, text, spans, country=country, spoken=letter.language)
    # The text part knows no blocks: what is wrong in both stands in the block that the page names.
    blocks = {remark.kind: remark.block for remark in remarks if remark.block}
    for remark in remarks:
        place = remark.block or blocks.get(remark.kind)
        yield _found(_PAID_CODES[remark.kind], Severity.ERROR, remark.excerpt, remark.sentence, place)


def _advertiser(block: SponsoredBlock) -> Advertiser:
    return Advertiser(block.sponsor, block.tax_id, block.erid)


def _found(  # noqa: PLR0913, PLR0917 - a finding has this many sides
    code: str,
    severity: Severity,
    subject: str,
    message: str,
    block: str | None = None,
    evidence: str = "",
    mend: str = "",
    reference: str = "",
) -> Finding:
    return Finding(code, severity, subject, message, evidence, mend, reference, place=block or _LETTER)
