"""What keeps a consent text from being published: pure functions, values in, findings out.

GDPR Art. 7 wants the person to know who writes, what, how often and how to
stop, in plain words and apart from all else. A ``BLOCK`` keeps the text from
being published; a ``WARN`` asks the owner to look again, because word lists
can be wrong about style and languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from listkeeper.audience import consent_words
from listkeeper.audience.consent_words import ConsentWords
from listkeeper.audience.jurisdiction import Profile
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language

LONGEST = 600
HARDEST_LIX = 55
PERSONAL_DATA = "personal_data"
_LONG_WORD = 6
# So many more words of another language than of its own, and a text is probably in the other one.
_SUSPICIOUS = 3
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")
_LINK = re.compile(r"https?://|www\.|<a\b|\]\(", re.IGNORECASE)


class Words(Protocol):
    """The sentences of a text; ``consent_text.Wording`` and a published text both have them."""

    @property
    def body(self) -> str:
        """The sentence that is agreed to."""

    @property
    def button_label(self) -> str:
        """What the button says."""

    @property
    def withdrawal(self) -> str:
        """The sentence on how to stop."""

    @property
    def age_statement(self) -> str:
        """The sentence on age, empty for none."""

    @property
    def kind(self) -> str:
        """``newsletter``, or ``personal_data`` for the second consent that some places want."""


@dataclass(frozen=True)
class _Text:
    """What one check looks at; ``said`` is the body without the names of companies, ``besides`` without any name."""

    wording: Words
    body: str
    said: str
    besides: str
    withdrawal: str
    controller: str
    spoken: str
    words: ConsentWords
    profile: Profile
    purposes: Sequence[str]
    partners: Sequence[str]
    least_age: int

    @property
    def whole(self) -> str:
        return " ".join(filter(None, (self.body, self.withdrawal, _plain(self.wording.age_statement))))


def check(  # noqa: PLR0913 - what a text is judged by, each by name
    wording: Words,
    *,
    controller: str,
    spoken: str,
    profile: Profile,
    purposes: Sequence[str] = ("newsletter",),
    partners: Sequence[str] = (),
    least_age: int = 0,
    list_name: str = "",
) -> list[Finding]:
    """Return what is wrong with a text before it is published.

    ``purposes`` are those its one control stands for, ``partners`` the names of
    the companies that may write under it, ``least_age`` the age that people
    must have stated (0: nobody is asked). What a list is called ("Partner news")
    is nothing that is hidden in its text.
    """
    body, withdrawal = _plain(wording.body), _plain(wording.withdrawal)
    if not (body and withdrawal and _plain(wording.button_label)):
        sentence = language.text("A consent text needs its sentence, its button and the sentence on how to stop.")
        return [_block("text_incomplete", sentence)]
    if spoken not in consent_words.languages():
        sentence = language.text("listkeeper cannot read this language, so it cannot check the text.")
        return [_block("language_not_known", sentence, spoken)]
    text = _Text(
        wording=wording,
        body=body,
        said=_without(body, (controller, *partners)),
        besides=_without(body, (controller, list_name, *partners)),
        withdrawal=withdrawal,
        controller=_plain(controller),
        spoken=spoken,
        words=consent_words.of(spoken),
        profile=profile,
        purposes=purposes,
        partners=partners,
        least_age=least_age,
    )
    return [finding for look in _CHECKS for finding in look(text)]


def lix(text: str) -> float:
    """Return Björnsson's readability index: words a sentence, plus the share of words longer than six letters."""
    words = _WORD.findall(text)
    if not words:
        return 0.0
    sentences = max(1, len([part for part in re.split(r"[.!?:;]+(?:\s|$)", text) if _WORD.search(part)]))
    long = sum(len(word) > _LONG_WORD for word in words)
    return len(words) / sentences + 100 * long / len(words)


def _controller(text: _Text) -> Iterator[Finding]:
    if not text.controller or text.controller.casefold() not in text.body.casefold():
        sentence = language.text(
            "The consent sentence must name %(name)s, so that people know who writes.", name=text.controller
        )
        yield _block("text_without_controller", sentence)


def _what_it_is_about(text: _Text) -> Iterator[Finding]:
    """Demand content and frequency of a newsletter's text, and the name of the thing of one on personal data."""
    if text.wording.kind == PERSONAL_DATA:
        if not text.words.personal_data.search(text.said):
            sentence = language.text("This text is about personal data, and must say so.")
            yield _block("text_without_personal_data", sentence)
        return
    if not text.words.content.search(text.said):
        sentence = language.text("The consent sentence must say what you send, such as news, offers or invitations.")
        yield _block("text_without_content", sentence)
    if not text.words.frequency.search(text.said):
        sentence = language.text("The consent sentence must say how often you write, such as “at most once a week”.")
        yield _block("text_without_frequency", sentence)


def _the_way_out(text: _Text) -> Iterator[Finding]:
    words, sentence_on_it = text.words, text.withdrawal
    if not words.withdrawal.search(sentence_on_it):
        sentence = language.text("The sentence on how to stop must say how people stop.")
        yield _block("text_without_withdrawal", sentence)
    login = words.login.search(sentence_on_it) if text.profile.login_forbidden else None
    hard = None if words.easy_ways.search(sentence_on_it) else words.hard_ways.search(sentence_on_it)
    if login:
        sentence = language.text("Leaving must be as easy as joining: nobody has to log in for it.")
        yield _block("withdrawal_not_easy", sentence, login[0])
    elif hard:
        sentence = language.text("Leaving must be as easy as joining: name the link, not a call or a letter.")
        yield _warn("withdrawal_not_easy", sentence, hard[0])


def _nothing_else_in_it(text: _Text) -> Iterator[Finding]:
    at_the_control = " ".join((text.besides, _plain(text.wording.button_label), _plain(text.wording.age_statement)))
    if found := text.words.terms.search(at_the_control):
        sentence = language.text("One yes, for one thing: terms and contracts need a box of their own.")
        yield _block("text_bundled", sentence, found[0])
    if len(set(text.purposes)) > 1:
        sentence = language.text("One yes, for one purpose: make a text for each purpose.")
        yield _block("two_purposes", sentence, ", ".join(sorted(set(text.purposes))))
    apart = PERSONAL_DATA in text.profile.separate_consents and text.wording.kind != PERSONAL_DATA
    if apart and (found := text.words.personal_data.search(text.besides)):
        sentence = language.text("Here the consent to use personal data must be a text of its own.")
        yield _block("needs_own_text", sentence, found[0])


def _partners(text: _Text) -> Iterator[Finding]:
    unnamed = [name for name in text.partners if _plain(name).casefold() not in text.body.casefold()]
    hinted = text.words.partners.search(text.besides)
    if unnamed or (hinted and not text.partners):
        sentence = language.text("Every company that may write must be named in the text itself.")
        yield _block("partners_not_named", sentence, ", ".join(unnamed) or (hinted[0] if hinted else ""))
    if (hinted or text.partners) and (link := _LINK.search(text.body)):
        sentence = language.text("Partners must not stand behind a link: name them in the text.")
        yield _block("partners_behind_link", sentence, link[0])


def _age(text: _Text) -> Iterator[Finding]:
    if not text.least_age:
        return
    if not re.search(rf"(?<!\d){text.least_age}(?!\d)", text.wording.age_statement):
        sentence = language.text(
            "This list asks for an age of %(age)s, so the text needs a sentence that says it.", age=text.least_age
        )
        yield _block("text_without_age", sentence)
    if text.least_age < text.profile.digital_age:
        sentence = language.text(
            "Under the rules of this list a yes counts from the age of %(age)s.", age=text.profile.digital_age
        )
        yield _warn("age_below_law", sentence, str(text.least_age))


def _plain_language(text: _Text) -> Iterator[Finding]:
    if len(text.whole) > LONGEST:
        sentence = language.text("The text is too long to be read before a click. Keep it below 600 characters.")
        yield _block("text_too_long", sentence, str(len(text.whole)))
    difficulty = round(lix(f"{text.said} {text.withdrawal}"))
    if difficulty > HARDEST_LIX:
        sentence = language.text("The text is hard to read. Use shorter sentences and shorter words.")
        yield _warn("text_hard_to_read", sentence, f"LIX {difficulty}")


def _language(text: _Text) -> Iterator[Finding]:
    used = [word.lower() for word in _WORD.findall(f"{text.said} {text.withdrawal}")]
    scores = {
        code: sum(word in consent_words.of(code).stopwords for word in used) for code in consent_words.languages()
    }
    likely = max(scores, key=lambda code: (scores[code], code == text.spoken))
    if scores[likely] >= scores[text.spoken] + _SUSPICIOUS:
        sentence = language.text("The text does not look like the language it is meant for. Please look again.")
        yield _warn("language_suspected", sentence, likely)


_CHECKS: tuple[Callable[[_Text], Iterator[Finding]], ...] = (
    _controller, _what_it_is_about, _the_way_out, _nothing_else_in_it, _partners, _age, _plain_language, _language,
)  # fmt: skip


def _plain(text: str) -> str:
    """Return a text on one line, in the letters that word lists are written in."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _without(body: str, names: Sequence[str]) -> str:
    """Return a text without the names of companies: “Weekly Offers Ltd” names neither content nor frequency."""
    for name in sorted(filter(None, map(_plain, names)), key=len, reverse=True):
        body = re.sub(re.escape(name), " ", body, flags=re.IGNORECASE)
    return body


def _block(code: str, sentence: str, evidence: str = "") -> Finding:
    return Finding(code, Severity.BLOCK, "consent text", sentence, evidence)


def _warn(code: str, sentence: str, evidence: str = "") -> Finding:
    return Finding(code, Severity.WARN, "consent text", sentence, evidence)
