"""Several named things that are written one after another in a setting: all that is wrong with them is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar


class Named(Protocol):
    """A thing with a name, of which there may be one only."""

    @property
    def name(self) -> str:
        """What it is called."""


_Thing = TypeVar("_Thing", bound=Named)


def read(
    written: Iterable[str], read_one: Callable[[str], _Thing], *, one: str, several: str, most: int
) -> tuple[_Thing, ...]:
    """Return the things; ``one`` and ``several`` are the words for them.

    ``read_one`` raises ValueError that begins after the thing's number. Raises ValueError that names every mistake,
    every name that is given twice, and that there are more than ``most``.
    """
    found: list[_Thing] = []
    wrong: list[str] = []
    for number, part in enumerate(written, 1):
        try:
            found.append(read_one(part))
        except ValueError as problem:
            wrong.append(f"{one} {number} {problem}")
    names = [thing.name for thing in found]
    doubled = sorted({name for name in names if names.count(name) > 1})
    wrong += [f"two {several} are called {name}: give one another name, ?name=…" for name in doubled]
    if len(found) > most:
        wrong.append(f"are more than {most} {several}")
    if wrong:
        raise ValueError("; ".join(wrong))
    return tuple(found)
