"""Proof that the mail which asks for the yes is no advertisement, and holds no word of whoever filled in the form.

LG Stendal (22 S 87/20) took a logo, "Welcome to …" and "Questions? Contact us"
for advertising sent without consent; KG: one promotional line is enough. Lists
of words find an offer, but no slogan. So the mail is also read the other way
round: what the organisation has published, the sentences below, the two links
and the code are taken out of it, and then nothing may be left.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unicodedata import category
from urllib.parse import unquote_plus, urlsplit

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.rendering import footer
from listkeeper.rendering.taken_apart import Apart, flat, take_apart

SENTENCES = (
    (
        "This address was typed into the sign-up form of “%(list_name)s” by %(legal_name)s. Was it you? "
        "This is what you say yes to:"
    ),
    "Yes, it was me",
    "Or type this code into the page that is still open:",
    "If you do nothing, nothing is sent to you.",
    "Not you?",
    "Tell us, and we stop asking this address.",
)
"""All that the mail may say of its own, as message ids. Who adds one has read it as a court would."""
SUBJECT = "%(code)s is your code to confirm “%(list_name)s”"

_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
_TOKEN = r"[A-Za-z0-9_-]{16,128}"  # noqa: S105 - a pattern
_URL = re.compile(r"https?://\S+")
_WORDS_FILE = Path(__file__).resolve().with_name("promotion_words.toml")
# What the page's own attributes say, the same in every mail.
_OUR_ATTRIBUTES = frozenset({
    "article", "email", "ltr", "rtl", "utf-8", "viewport", "width=device-width, initial-scale=1", "color-scheme",
    "supported-color-schemes", "light dark", "presentation", *language.LANGUAGES,
})  # fmt: skip
# Headers of machines, where a short word can stand by chance.
_BY_CHANCE = frozenset(
    {"message-id", "in-reply-to", "references", "dkim-signature", "content-type", "date", "received"}
)
_NO_CHANCE = 8
_LONGEST_QUOTE = 200
_OUT, _END = "\x01", "\x02"


@dataclass(frozen=True)
class Published:
    """What the organisation itself has published, and the mail must or may repeat."""

    consent: str
    list_name: str
    legal_name: str
    postal_address: str
    sender_name: str = ""
    sender_address: str = ""

    @property
    def imprint(self) -> list[str]:
        """The lines at the end of the mail."""
        return [flat(line) for line in footer.imprint_lines(self.legal_name, self.postal_address)]


@dataclass(frozen=True)
class _Case:
    """One mail before its judge."""

    mail: Apart
    typed: tuple[str, ...]
    site: str
    published: Published
    # What is left of text, page and subject when all that may stand there is taken out.
    left: tuple[tuple[str, str], ...]
    # In Germany what is only suspect elsewhere keeps the mail back.
    doubtful: Severity


def check(raw: bytes, *, typed: Sequence[str], site: str, published: Published, strict: bool = True) -> list[Finding]:
    """Return all that is wrong with a built confirmation mail; nothing found is the proof.

    ``typed`` are the values that came with the sign-up (address, name, source,
    campaign words): they may stand in the To header and nowhere else. ``site``
    is where our links lead, without a slash at its end. ``strict`` is the level
    of a profile whose ``doi_lint`` says so; otherwise a greeting, an offer of
    help and a foreign sentence only warn.
    """
    mail = take_apart(raw)
    case = _Case(
        mail=mail,
        typed=tuple(filter(None, map(flat, typed))),
        site=site.rstrip("/"),
        published=published,
        left=_left(mail, site.rstrip("/"), published),
        doubtful=Severity.BLOCK if strict else Severity.WARN,
    )
    return [finding for look in _CHECKS for finding in look(case)]


def _pictures_and_files(case: _Case) -> Iterator[Finding]:
    for what in dict.fromkeys(case.mail.loads):
        sentence = language.text("The question mail loads or shows something: no picture, logo, form or script.")
        yield Finding("picture", Severity.BLOCK, "page", sentence, what)
    for kind in case.mail.other_parts:
        sentence = language.text("The question mail carries a file.")
        yield Finding("attachment", Severity.BLOCK, "mail", sentence, kind)


def _links(case: _Case) -> Iterator[Finding]:
    ours = re.compile(rf"{re.escape(case.site)}/([cn])/{_TOKEN}")
    counted = {"page": case.mail.page_links, "text": case.mail.text_links}
    for where, found in counted.items():
        known = [link for link in found if ours.fullmatch(link)]
        for link in found:
            if link not in known:
                yield _about_link(case, where, link)
        roads = sorted(match[1] for link in known if (match := ours.fullmatch(link)))
        if roads != ["c", "n"]:
            sentence = language.text("The question mail needs one link to say yes and one to say no, once each.")
            yield Finding("links_not_two", Severity.BLOCK, where, sentence, ", ".join(roads))
    if sorted(counted["page"]) != sorted(counted["text"]):
        sentence = language.text("Text and page of the question mail lead to different places.")
        yield Finding("links_differ", Severity.BLOCK, "mail", sentence)


def _about_link(case: _Case, where: str, link: str) -> Finding:
    if link.startswith(f"{case.site}/") and re.search(r"[?#]", link):
        sentence = language.text("A link of the question mail carries more than its secret: that is tracking.")
        return Finding("tracking", Severity.BLOCK, where, sentence, link)
    if _words()["social"].search(re.sub(r"[/.:@_-]", " ", link)):
        sentence = language.text("The question mail leads to a social network.")
        return Finding("social_link", Severity.BLOCK, where, sentence, link)
    sentence = language.text("The question mail holds a link beside yes and no.")
    return Finding("foreign_link", Severity.BLOCK, where, sentence, link)


def _code(case: _Case) -> Iterator[Finding]:
    # A link's secret may hold six digits in a row by chance, and in some countries every postal code does.
    codes = [_CODE.findall(_unpublished(case, _URL.sub(" ", part))) for part in _parts(case.mail)]
    times = [len(found) for found in codes]
    if times != [1, 1, 1] or len({found[0] for found in codes}) != 1:
        sentence = language.text("The question mail needs one code of six digits, once in subject, text and page.")
        yield Finding("code_not_one", Severity.BLOCK, "mail", sentence, ", ".join(map(str, times)))


def _promotion(case: _Case) -> Iterator[Finding]:
    said = " ".join((*_parts(case.mail), *case.mail.hidden))
    said = _unpublished(case, _URL.sub(" ", said))
    for kind, (severity, sentence) in _judged(case).items():
        if found := _words()[kind].search(said):
            yield Finding(f"{kind}_words", severity, "mail", sentence, found[0])
    names = f"{case.published.list_name} {case.published.sender_name}"
    for kind in ("welcome", "offer"):
        if found := _words()[kind].search(names):
            sentence = language.text("The name of the list or of the sender sounds like advertising.")
            yield Finding("promotional_name", Severity.WARN, "name", sentence, found[0])
    if found := _words()["price"].search(case.published.consent):
        sentence = language.text("The consent text names a price or a discount, and the question mail repeats it.")
        yield Finding("price_in_consent", Severity.WARN, "consent text", sentence, found[0])


def _judged(case: _Case) -> dict[str, tuple[Severity, str]]:
    return {
        "welcome": (case.doubtful, language.text("The question mail greets or thanks: nobody has come in yet.")),
        "offer": (Severity.BLOCK, language.text("The question mail offers something.")),
        "price": (Severity.BLOCK, language.text("The question mail names a price or a discount.")),
        "support": (case.doubtful, language.text("The question mail offers help: a court took that for advertising.")),
        "social": (Severity.BLOCK, language.text("The question mail names a social network.")),
    }


def _nothing_left(case: _Case) -> Iterator[Finding]:
    for where, left in case.left:
        before, _mark, after = left.rpartition(_END)
        if foreign := _letters(before):
            sentence = language.text("The question mail says something that nobody has cleared of advertising.")
            yield Finding("foreign_text", case.doubtful, where, sentence, foreign)
        if foreign := _letters(after):
            sentence = language.text("Below the sender's name and address nothing more may stand.")
            code = "promotional_footer" if _mark else "foreign_text"
            yield Finding(code, case.doubtful, where, sentence, foreign)


def _complete(case: _Case) -> Iterator[Finding]:
    must = {"consent text": flat(case.published.consent), "list": flat(case.published.list_name)}
    must["sender"] = flat(case.published.legal_name)
    for where, said in (("text", case.mail.text), ("page", case.mail.page)):
        for what, words in must.items():
            if words not in said:
                sentence = language.text("The question mail must repeat the consent text, the list and the sender.")
                yield Finding("incomplete", Severity.BLOCK, where, sentence, what)
    if dict(_lowered(case.mail)).get("auto-submitted") != "auto-generated":
        sentence = language.text("The question mail must say that a machine sent it (Auto-Submitted).")
        yield Finding("not_marked_automatic", Severity.BLOCK, "header", sentence)


def _typed(case: _Case) -> Iterator[Finding]:
    """Look for the visitor's words everywhere but in the To header; also in links, comments and attributes."""
    places = [(where, left, 1) for where, left in case.left]
    places += [("hidden", _unpublished(case, said), 1) for said in case.mail.hidden if not _is_ours(case, said)]
    places += [("name in To", name, 1) for name in case.mail.recipient_names]
    places += [
        ("link", unquote_plus(link.removeprefix(case.site)), _NO_CHANCE)
        for link in (*case.mail.page_links, *case.mail.text_links)
    ]
    for name, value in _lowered(case.mail):
        if name not in {"to", "subject"}:
            shortest = _NO_CHANCE if name in _BY_CHANCE else 1
            places.append((f"header {name}", _unpublished(case, unquote_plus(value)), shortest))
    if case.mail.recipient_names:
        sentence = language.text("The question mail calls its reader by a name.")
        yield Finding("name_in_to", Severity.BLOCK, "header to", sentence, case.mail.recipient_names[0])
    for word in dict.fromkeys(case.typed):
        # In small words only whole ones count: "a" stands in everything.
        whole = re.compile(
            rf"(?<!\w){re.escape(word)}(?!\w)" if len(word) < _NO_CHANCE else re.escape(word), re.IGNORECASE
        )
        for where, said, shortest in places:
            if len(word) >= shortest and whole.search(said):
                sentence = language.text("The question mail repeats what a stranger typed.")
                yield Finding("typed_text", Severity.BLOCK, where, sentence, word)


_CHECKS: tuple[Callable[[_Case], Iterator[Finding]], ...] = (
    _pictures_and_files, _links, _code, _promotion, _nothing_left, _complete, _typed,
)  # fmt: skip


def _is_ours(case: _Case, hidden: str) -> bool:
    return hidden in _OUR_ATTRIBUTES or hidden == case.mail.subject


def _lowered(mail: Apart) -> list[tuple[str, str]]:
    return [(name.lower(), flat(value)) for name, value in mail.headers]


def _parts(mail: Apart) -> tuple[str, str, str]:
    return mail.subject, mail.text, mail.page


def _letters(left: str) -> str:
    """Return what is left that says something: letters, digits and signs such as hearts, not dots and dashes."""
    said = flat(left.replace(_OUT, " ").replace(_END, " "))
    speaking = [place for place, sign in enumerate(said) if sign.isalnum() or category(sign) == "So"]
    return said[speaking[0] : speaking[-1] + 1][:_LONGEST_QUOTE] if speaking else ""


def _unpublished(case: _Case, said: str) -> str:
    """Return a text without what the organisation has published and where it lives, wherever it stands."""
    ours = case.published
    known = [ours.consent, ours.list_name, *ours.imprint, ours.sender_name, ours.sender_address]
    known += [case.site, urlsplit(case.site).hostname or "", ours.sender_address.rpartition("@")[2]]
    return _without(said, [flat(words) for words in known], times=0)


def _left(mail: Apart, site: str, published: Published) -> tuple[tuple[str, str], ...]:
    """Return what remains of each part when everything that belongs there is taken out once."""
    left = [("subject", _without_subject(mail.subject, mail, published))]
    for where, said in (("text", mail.text), ("page", mail.page)):
        rest = _without_imprint(said, published)
        rest = re.sub(rf"{re.escape(site)}/[cn]/{_TOKEN}", _OUT, rest)
        rest = _without(rest, [flat(published.consent)], times=1)
        rest = _without(rest, _own_sentences(mail, published), times=1)
        left.append((where, _CODE.sub(_OUT, rest, count=1)))
    return tuple(left)


def _without_imprint(said: str, published: Published) -> str:
    """Put a mark where the sender's name and address stand last."""
    for between in (" ", ", "):
        head, found, after = said.rpartition(between.join(published.imprint))
        if found:
            return f"{head}{_END}{after}"
    return said


def _without_subject(said: str, mail: Apart, published: Published) -> str:
    with language.using(mail.language):
        for code in _CODE.findall(said):
            said = said.replace(flat(language.text(SUBJECT, code=code, list_name=published.list_name)), _OUT)
    return said


def _own_sentences(mail: Apart, published: Published) -> list[str]:
    places = {"list_name": published.list_name, "legal_name": published.legal_name}
    with language.using(mail.language):
        return [flat(language.text(one, **places)) for one in SENTENCES]


def _without(said: str, known: Sequence[str], *, times: int) -> str:
    for phrase in sorted(filter(None, known), key=len, reverse=True):
        said = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", _OUT, said, count=times, flags=re.IGNORECASE)
    return said


@cache
def _words() -> dict[str, re.Pattern[str]]:
    stored = tomllib.loads(_WORDS_FILE.read_text(encoding="utf-8"))["words"]
    return {kind: re.compile("|".join(f"(?:{one})" for one in words), re.IGNORECASE) for kind, words in stored.items()}
