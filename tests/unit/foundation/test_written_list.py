"""Things that are written one after another in a setting: every mistake is told, in the order in which it is met."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from listkeeper.foundation import written_list


@dataclass(frozen=True)
class _Cup:
    name: str


def _cup(written: str) -> _Cup:
    if not written.isalpha():
        raise ValueError("is no cup")
    return _Cup(written)


def _read(text: str) -> tuple[_Cup, ...]:
    return written_list.read(text.split(), _cup, one="cup", several="cups", most=3)


def test_what_is_right_is_read_in_its_order() -> None:
    assert [cup.name for cup in _read("red blue green")] == ["red", "blue", "green"]
    assert _read("") == ()


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="cup 2") as said:
        _read("red 2 blue blue red 6")
    assert str(said.value) == (
        "cup 2 is no cup; cup 6 is no cup; "
        "two cups are called blue: give one another name, ?name=…; "
        "two cups are called red: give one another name, ?name=…; "
        "are more than 3 cups"
    )
