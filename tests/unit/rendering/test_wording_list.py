"""The lists of distrusted phrases are in order: each line can be found, and stands once."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from listkeeper.foundation import language
from listkeeper.rendering.words import wording_list, wording_text
from listkeeper.rendering.words.wording_list import Kind, Strength

_CHOICE = re.compile(r"\(([^()]*)\)")
CODES = pytest.mark.parametrize("code", language.LANGUAGES)


def _phrases(code: str) -> list[str]:
    stored = wording_list.stored_list(code)
    of_kinds = [said for kind in Kind for phrases in stored.get(kind.value, {}).values() for said in phrases]
    return [*stored["honest"], *of_kinds]


def _spoken(said: str) -> list[str]:
    """Say a phrase with each of its alternatives once, without endings."""
    choices = [found.split("|") for found in _CHOICE.findall(said)]
    made = []
    for number in range(max(map(len, choices), default=1)):
        one = said
        for options in choices:
            one = _CHOICE.sub(options[number % len(options)], one, count=1)
        one = one.replace("[789]\\d", "85")
        one = re.sub(r"(?<!\S)\*", "word", one.replace("#", "500").replace("¤", "kr").replace("…", ""))
        made.append(" ".join(one.replace("*", "").split()))
    return made


@CODES
def test_every_phrase_is_found_where_it_is_said(code: str) -> None:
    known = wording_list.of(code)
    lost = []
    for said in _phrases(code):
        for spoken in _spoken(said):
            reading = wording_text.read(spoken, known.spelling)
            found = list(known.found(reading))
            if not found or found[0][0] != 0:
                lost.append((said, spoken))
    assert lost == []


@CODES
def test_no_phrase_stands_twice(code: str) -> None:
    assert {said: times for said, times in Counter(_phrases(code)).items() if times > 1} == {}


@CODES
def test_a_list_knows_every_kind_that_has_words(code: str) -> None:
    stored = wording_list.stored_list(code)
    in_words = {kind.value for kind in Kind} - {Kind.SHOUTING, Kind.DISGUISE}
    assert {name for name in stored if name in set(Kind)} == in_words
    for kind in in_words:
        assert {Strength.STRONG, Strength.CLEAR, Strength.MILD} <= set(stored[kind]) <= set(Strength)
    assert len(_phrases(code)) > 200


@CODES
def test_phrases_are_written_as_people_write(code: str) -> None:
    """A space too much, or a sign that the notation does not know, would be a line that finds nothing."""
    strange = re.compile(r"[?+^{}.]|^ | $|  |\([^)]*\(")
    wrong = [said for said in _phrases(code) if strange.search(said)]
    assert wrong == []


def test_a_phrase_too_short_to_be_looked_up_is_refused() -> None:
    with pytest.raises(ValueError, match="Too short"):
        wording_list._start_of("be*", {})  # noqa: SLF001 - what the loading of a list refuses


def test_a_strange_language_is_looked_at_with_english_words() -> None:
    assert wording_list.of("fr").by_start.keys() == wording_list.of("en").by_start.keys()
    assert wording_list.of("no").spelling == wording_list.of("nb").spelling


def test_the_number_six_is_no_sex_in_swedish() -> None:
    reading = wording_text.read("Kursen börjar klockan sex, med sex deltagare och sex kakor.", {})
    assert [phrase.said for _, _, phrase in wording_list.of("sv").found(reading)] == []
