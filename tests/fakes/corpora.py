"""Where the test data of other projects lies, and whether it is all there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Corpora:
    """The folder of corpora; absent ones are skipped by name, short ones fail."""

    root: Path | None

    def folder(self, name: str, *, at_least: int = 1, pattern: str = "*") -> Path:
        """Return a corpus with at least so many files that fit the pattern."""
        if self.root is None or not (self.root / name).is_dir():
            pytest.skip(f"corpus {name} is absent (LISTKEEPER_CORPORA, or shared/corpora beside or above the checkout)")
        found = sum(1 for path in (self.root / name).rglob(pattern) if path.is_file())
        if found < at_least:
            pytest.fail(f"corpus {name} is short: {found} files of at least {at_least}")
        return self.root / name

    def __truediv__(self, name: str) -> Path:
        return self.folder(name)


def find() -> Corpora:
    """Return the corpora named by LISTKEEPER_CORPORA, else those beside or above the checkout."""
    named = os.environ.get("LISTKEEPER_CORPORA")
    places = [Path(named)] if named else [folder / "shared" / "corpora" for folder in (CHECKOUT, *CHECKOUT.parents)]
    return Corpora(next((place for place in places if place.is_dir()), None))
