"""The words of a sign-up form as they are typed: read, checked field by field, and compared with those of today."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import request

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent_text
from listkeeper.audience.consent_text import TextKind, Wording
from listkeeper.audience.forms import form_design
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupFormVersion, Words
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.web.studio import form_further, form_look

Typed = dict[str, str]
_FIELDS = (
    "title", "body", "withdrawal", "button_label", "age_statement", "thank_you",
    "second_body", "second_withdrawal", "least_age", "further",
)  # fmt: skip
_LONG = form_look.LONG | frozenset(
    {"body", "withdrawal", "age_statement", "thank_you", "second_body", "second_withdrawal", "further"}
)
# Beside which field a finding about the consent text stands; the sentence itself for all that is not here.
_BESIDE = {
    "text_without_withdrawal": "withdrawal",
    "withdrawal_not_easy": "withdrawal",
    "text_without_age": "age_statement",
    "age_below_law": "least_age",
    "age": "least_age",
    "onward_unsafe": "onward_url",
    "contrast_poor": "button_ink",
    "colour": "accent",
    "too_many_lines": "gets",
    "already_link": "already",
}


@dataclass(frozen=True)
class Change:
    """What becomes of one field: pieces of text with the sign of what happens to them, as a diff has it."""

    label: str
    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Beside:
    """A finding where it is about, and whether it keeps the form from being published."""

    sentence: str
    blocks: bool


def of_version(version: SignupFormVersion, mailing_list: MailingList) -> Typed:
    """Return the fields as they stand today."""
    texts = version.consent_text, version.second_text
    said = _fields(version.title, version.thank_you, *texts, mailing_list.least_age)
    return said | form_look.typed_of(version.designed) | {"further": form_further.typed_of(version.further)}


def of_words(words: Words, mailing_list: MailingList) -> Typed:
    """Return the fields of starter words."""
    said = _fields(words.title, words.thank_you, words.wording, words.second, mailing_list.least_age)
    return said | form_look.typed_of(words.design)


def _fields(
    title: str,
    thank_you: str,
    text: Wording | consent_text.ConsentText,
    second: Wording | consent_text.ConsentText | None,
    least_age: int,
) -> Typed:
    return {
        "title": title,
        "thank_you": thank_you,
        "body": text.body,
        "withdrawal": text.withdrawal,
        "button_label": text.button_label,
        "age_statement": text.age_statement,
        "second_body": second.body if second else "",
        "second_withdrawal": second.withdrawal if second else "",
        "least_age": str(least_age or ""),
        "further": "",
    }


def typed() -> Typed:
    """Return what was typed, one line where the field has one line."""
    return {
        name: value if name in _LONG else " ".join(value.split())
        for name in (*_FIELDS, *form_look.FIELDS)
        for value in ["\n".join(filter(None, request.form.getlist(name))).replace("\r\n", "\n").strip()]
    }


def least_age(fields: Mapping[str, str]) -> int:
    """Return the age people have to state, 0 for none. Raises Invalid."""
    wanted = fields["least_age"] or "0"
    if not re.fullmatch(r"[0-9]{1,2}", wanted):
        raise Invalid("age", language.text("Please give an age in years, or leave it empty."))
    return int(wanted)


def words(fields: Mapping[str, str], spoken: str) -> Words:
    """Return what the fields say. Raises Invalid when a field that every form needs is empty."""
    if not (fields["title"] and fields["thank_you"]):
        raise Invalid(
            "text_incomplete", language.text("A form needs a headline and a word of thanks. Nothing was changed.")
        )
    age = least_age(fields)
    wording = Wording(
        fields["body"],
        fields["button_label"],
        fields["withdrawal"],
        fields["age_statement"] or consent_text.age_statement(spoken, age),
    )
    second = None
    if fields["second_body"]:
        second = Wording(
            fields["second_body"],
            fields["button_label"],
            fields["second_withdrawal"] or fields["withdrawal"],
            kind=TextKind.PERSONAL_DATA,
        )
    return Words(fields["title"], fields["thank_you"], wording, second, form_look.design(fields))


def findings(
    owner: Organisation, mailing_list: MailingList, spoken: str, fields: Mapping[str, str]
) -> dict[str, list[Beside]]:
    """Return what is to be said beside each field; empty fields are the browser's to ask for."""
    try:
        said, age = words(fields, spoken), least_age(fields)
        form_design.checked(said.design)
    except Invalid as problem:
        return {_BESIDE.get(problem.code, "title"): [Beside(problem.message, blocks=True)]}
    found: dict[str, list[Beside]] = {}
    for finding in consent_text.findings(owner, mailing_list, spoken, said.wording, least_age=age):
        found.setdefault(_BESIDE.get(finding.code, "body"), []).append(_beside(finding))
    if said.second is not None:
        for finding in consent_text.findings(owner, mailing_list, spoken, said.second):
            place = "second_withdrawal" if _BESIDE.get(finding.code) == "withdrawal" else "second_body"
            found.setdefault(place, []).append(_beside(finding))
    elif consent_text.needs_second(mailing_list):
        sentence = language.text("The rules of this list ask for a second text, about personal data.")
        found["second_body"] = [Beside(sentence, blocks=True)]
    return found


def _beside(finding: Finding) -> Beside:
    return Beside(finding.message, finding.severity is Severity.BLOCK)


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """Return what differs, word by word, field by field in the order of the page."""
    named = labels() | form_look.labels()
    read = {name: tuple(form_look.spoken(name, fields[name]) for fields in (old, new)) for name in named}
    return [Change(named[name], _pieces(*values)) for name, values in read.items() if values[0] != values[1]]


def labels() -> dict[str, str]:
    """Return what each field is called."""
    return {
        "title": language.text("Headline"),
        "body": language.text("What people agree to"),
        "withdrawal": language.text("How they can stop"),
        "age_statement": language.text("Sentence on age"),
        "second_body": language.text("Consent to use personal data"),
        "second_withdrawal": language.text("How they take that back"),
        "button_label": language.text("Button"),
        "thank_you": language.text("Word of thanks"),
        "least_age": language.text("Youngest age"),
        "further": language.text("Other lists on this form"),
    }


def _pieces(old: str, new: str) -> tuple[tuple[str, str], ...]:
    before, after = re.findall(r"\S+\s*", old), re.findall(r"\S+\s*", new)
    found: list[tuple[str, str]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append((" ", "".join(before[a:b])))
            continue
        found += [("-", "".join(before[a:b]))] if a < b else []
        found += [("+", "".join(after[c:d]))] if c < d else []
    return tuple(found)
