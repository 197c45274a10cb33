"""Sixty honest newsletters and sixty pushy ones, in seven languages: who gets a hint, and who does not.

Every fourth letter was held out: nobody looked at what is said of it while the lists were written.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

import pytest

from listkeeper.campaigns import welcome
from listkeeper.foundation import language
from listkeeper.rendering.words import wording
from listkeeper.rendering.words.wording import Remark
from listkeeper.rendering.words.wording_list import Kind

FOLDER = Path(__file__).resolve().parents[2] / "makers" / "letters_wording"
HONEST, PUSHY = "honest", "pushy"


@dataclass(frozen=True)
class _Letter:
    spoken: str
    number: int
    subject: str
    preheader: str
    text: str

    @property
    def is_held_out(self) -> bool:
        return self.number % 4 == 3

    @property
    def words(self) -> int:
        return len(f"{self.subject} {self.preheader} {self.text}".split())


@cache
def _letters(kind: str) -> list[_Letter]:
    return [
        _Letter(code, number, **stored)
        for code in language.LANGUAGES
        for number, stored in enumerate(tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))[kind])
    ]


def _hints(letter: _Letter) -> list[Remark]:
    return wording.examine(letter.subject, letter.preheader, letter.text, letter.spoken)


def _hinted(letters: list[_Letter]) -> dict[str, list[str]]:
    found = {f"{letter.spoken}: {letter.subject}": _hints(letter) for letter in letters}
    return {subject: [remark.phrase for remark in remarks] for subject, remarks in found.items() if remarks}


def test_there_are_sixty_of_each_in_seven_languages() -> None:
    for kind in (HONEST, PUSHY):
        letters = _letters(kind)
        assert len(letters) == len({letter.text for letter in letters}) == 60
        assert {sum(letter.spoken == code for letter in letters) for code in language.LANGUAGES} == {8, 9}
        assert {letter.subject: letter.words for letter in letters if not 50 < letter.words < 220} == {}


def test_at_most_six_of_sixty_honest_letters_get_a_hint() -> None:
    hinted = _hinted(_letters(HONEST))
    print(f"honest letters with a hint: {len(hinted)} of 60", hinted)
    assert len(hinted) <= 6


def test_at_least_fifty_of_sixty_pushy_letters_get_one() -> None:
    hinted = _hinted(_letters(PUSHY))
    print(f"pushy letters with a hint: {len(hinted)} of 60")
    print("hints in each:", mean(map(len, hinted.values())))
    assert len(hinted) >= 50


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_no_language_is_much_worse_than_the_others(code: str) -> None:
    assert len(_hinted([letter for letter in _letters(HONEST) if letter.spoken == code])) <= 2
    assert len(_hinted([letter for letter in _letters(PUSHY) if letter.spoken == code])) >= 6


def test_letters_that_nobody_looked_at_do_as_well() -> None:
    held_out = {kind: [letter for letter in _letters(kind) if letter.is_held_out] for kind in (HONEST, PUSHY)}
    assert {len(letters) for letters in held_out.values()} == {14}
    assert len(_hinted(held_out[HONEST])) <= 1
    assert len(_hinted(held_out[PUSHY])) >= 12


def test_the_honest_letters_are_full_of_words_that_a_list_alone_would_take_amiss() -> None:
    said = " ".join(f"{letter.subject} {letter.text}" for letter in _letters(HONEST)).lower()
    for word in (
        "gratis fragt",
        "last chance",
        "sexual health",
        "free-range",
        "free parking",
        "winner of our",
        "cash only",
    ):
        assert word in " ".join(said.split())


def test_every_kind_but_disguise_is_met_in_the_pushy_letters() -> None:
    met = {remark.kind for letter in _letters(PUSHY) for remark in _hints(letter)}
    assert met >= set(Kind) - {Kind.DISGUISE}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_our_own_first_letter_gets_no_hint(code: str) -> None:
    stored = tomllib.loads(Path(welcome.__file__).with_name("starter_welcomes.toml").read_text(encoding="utf-8"))[code]
    assert wording.examine(stored["subject"], stored["preheader"], stored["markdown"], code) == []
