"""What block lists said, kept in a file beside the database, so that none is asked again too soon."""

from __future__ import annotations

import json
import secrets
from collections import UserDict
from pathlib import Path
from typing import Any

_FILE = "blocklists.json"
_MOST_REMEMBERED = 1_000


class Book(UserDict[str, dict[str, Any]]):
    """The memory that ``blocklist.check`` reads and writes; each entry is on the disk when it is in the book.

    ``folder`` is the data folder; where it is missing there is no instance, and nothing is kept. A file that
    somebody wrote into is read as far as it can be.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.data, self._folder = _read(folder / _FILE), folder

    def __setitem__(self, name: str, entry: dict[str, Any]) -> None:
        """Write down what a list said."""
        super().__setitem__(name, entry)
        if self._folder.is_dir():
            self._save()

    def _save(self) -> None:
        newest = dict(sorted(self.data.items(), key=lambda entry: str(entry[1].get("at")))[-_MOST_REMEMBERED:])
        # A name of its own: of two who write at the same time, one would take the other's away.
        fresh = self._folder / f".{_FILE}.{secrets.token_hex(8)}"
        try:
            fresh.write_text(json.dumps(newest, ensure_ascii=False), encoding="utf-8")
            fresh.replace(self._folder / _FILE)
        finally:
            fresh.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: entry for name, entry in kept.items() if isinstance(entry, dict)} if isinstance(kept, dict) else {}
