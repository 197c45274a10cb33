"""The catalogues of six languages are whole, in order, and built from their sources."""

from __future__ import annotations

import gettext
import re
from io import BytesIO

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from listkeeper.foundation import language
from tests.architecture import sentences

SAID = sentences.all_of_them()


def _read(code: str) -> Catalog:
    with sentences.catalogue(code, "po").open("rb") as file:
        return read_po(file, locale=code, domain=language.DOMAIN, abort_invalid=True)


@pytest.fixture(scope="module", params=sentences.FOREIGN)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return _read(request.param)


def _forms(catalogue: Catalog, one: str) -> tuple[str, ...]:
    message = catalogue.get(one)
    if message is None or message.fuzzy:
        return ()
    forms = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return tuple(form or "" for form in forms)


def test_there_are_sentences_to_translate() -> None:
    assert len([sentence for sentence in SAID if sentence.for_subscribers]) > 30


def test_every_sentence_for_subscribers_is_translated(catalogue: Catalog) -> None:
    missing = {
        f"{sentence.where} {sentence.one!r}"
        for sentence in SAID
        if sentence.for_subscribers and not any(_forms(catalogue, sentence.one))
    }
    assert missing == set()


def test_every_plural_has_all_its_forms(catalogue: Catalog) -> None:
    short = {
        f"{sentence.where} {sentence.one!r}: {forms}"
        for sentence in SAID
        if sentence.many and any(forms := _forms(catalogue, sentence.one))
        if len(forms) != catalogue.num_plurals or not all(forms)
    }
    assert short == set()


_COUNTED = re.compile(
    r"%\(\w+\)s (?:\w+ )?(?:addresses|buttons|characters|days|e-mails|entries|fields|files|hosts|hours|letters|links|"
    r"lists|look-ups|mails|minutes|months|pairs|people|persons|records|requests|rows|rules|seconds|sign-ups|sites|terms|"
    r"things|times|visits|weeks|words|years)\b"
)
# A limit of the program or of a standard that is the same number for everybody; seconds with a decimal, which no
# language counts; and a mail to the owner that counts after a colon where a language needs it: its frame is laid out
# once, before the number is known.
_NOT_COUNTED = {
    "A password needs at least %(length)s characters.",
    "Please name %(number)s links at most.",
    "People get too much at once: please name %(number)s things at most.",
    "Please name at most %(most)s sites. Nothing was changed.",
    "Each version goes to at least %(number)s people. Nothing was sent.",
    "Please choose 1 to %(mails)s letters in 1 to %(days)s days. Nothing was changed.",
    "Please choose 1 to %(months)s months and 1 to %(letters)s letters. Nothing was changed.",
    "Please choose a wait between 0 and %(most)s days.",
    "Please choose between 1 and %(most)s days before the end.",
    "Please choose between 1 and %(most)s days until it may begin again.",
    "Please give it a name of at most %(limit)s characters.",
    "These are more than %(most)s hosts. Nothing was changed.",
    "%(domain)s has more than %(most)s MX hosts",
    "it takes more than %(most)s DNS look-ups",
    "it is passed on more than %(most)s times",
    "The SPF record needs %(cost)s of the %(most)s DNS look-ups that receivers allow.",
    (
        "About %(slow)s seconds on slow 3G (400 kbit/s, 0.4 s a round trip) and %(second)s on 2G (240 kbit/s, "
        "0.84 s), computed for a new connection of five round trips."
    ),
    "Please shorten it to %(limit)s characters.",
    "“%(words)s…” is too long for a phone: %(limit)s characters at most.",
    "Please be brief: %(question)s characters for the question, %(reason)s for each reason, %(choice)s for an answer.",
    (
        "The file with this mail says, signed, how the record of permissions of %(legal_name)s stood when it had "
        "%(size)s entries; it names nobody."
    ),
}


def test_what_is_counted_has_its_plurals() -> None:
    """Polish and Russian have three forms, and a sentence with one form is wrong for most numbers."""
    bare = {
        f"{sentence.where} {sentence.one!r}"
        for sentence in SAID
        if not sentence.many and _COUNTED.search(sentence.one)
        if sentence.one not in _NOT_COUNTED
    }
    assert bare == set()
    assert {sentence.one for sentence in SAID} >= _NOT_COUNTED


def test_every_plural_of_a_catalogue_has_all_forms_of_its_language(catalogue: Catalog) -> None:
    """Walk the file itself, so that nothing hides in an entry that the search for sentences does not find."""
    short = [
        message.id[0]
        for message in catalogue
        if isinstance(message.id, list | tuple) and isinstance(message.string, list | tuple) and any(message.string)
        if len(message.string) != catalogue.num_plurals or not all(message.string)
    ]
    assert short == []
    assert any(isinstance(message.id, list | tuple) for message in catalogue)


def test_the_rule_that_picks_a_form_is_that_of_the_language(catalogue: Catalog) -> None:
    """Numbers that the language tells apart (Unicode CLDR) must get forms that the catalogue tells apart."""
    code = str(catalogue.locale)
    compiled = gettext.c2py(catalogue.plural_expr)
    rule = Locale.parse(code).plural_form
    picked = {(rule(number), compiled(number)) for number in range(250)}
    assert len(picked) == len({category for category, _ in picked}) == catalogue.num_plurals
    assert catalogue.num_plurals == {"pl": 3, "ru": 3}.get(code, 2)


def test_places_in_a_translation_are_those_of_the_sentence(catalogue: Catalog) -> None:
    wrong = []
    for message in catalogue:
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
        expected = {place for form in ids for place in sentences.PLACES.findall(form)}
        for form in _forms(catalogue, ids[0]):
            found = set(sentences.PLACES.findall(form))
            # A plural form may leave the number out ("one letter"), but never name what is not given.
            if form and (found - expected or (len(ids) == 1 and found != expected)):
                wrong.append(f"{ids[0]!r} -> {form!r}")
            if form and re.findall(r"%(?![(%])", form) != re.findall(r"%(?![(%])", ids[0]):
                wrong.append(f"{ids[0]!r} -> {form!r}: a bare %")
    assert wrong == []


def test_nothing_is_translated_that_nobody_says(catalogue: Catalog) -> None:
    said = {sentence.one for sentence in SAID}
    ids = [message.id[0] if isinstance(message.id, list | tuple) else message.id for message in catalogue if message.id]
    assert [text for text in ids if text not in said] == []


def _messages(translations: gettext.GNUTranslations) -> dict[object, str]:
    """Return all but the header, whose dates and tools differ without a word being different."""
    return {key: text for key, text in vars(translations)["_catalog"].items() if key}


@pytest.mark.parametrize("code", sentences.FOREIGN)
def test_the_built_catalogue_is_that_of_its_source(code: str) -> None:
    fresh = BytesIO()
    write_mo(fresh, _read(code))
    fresh.seek(0)
    with sentences.catalogue(code, "mo").open("rb") as file:
        built, expected = gettext.GNUTranslations(file), gettext.GNUTranslations(fresh)
    assert _messages(built) == _messages(expected)
    assert sentences.catalogue(code, "mo").stat().st_size > 100
