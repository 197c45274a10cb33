"""A proof bundle taken apart and put together again, as somebody would who wants to tell another story with it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from listkeeper.standards import canonical_json

COVER = "proof.json"


class BundleFiles:
    """The files of a bundle by name; ``packed`` makes the table of files fit whatever was changed."""

    def __init__(self, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return a file of JSON lines."""
        return [json.loads(line) for line in self.files[name].splitlines()]

    def write_lines(self, name: str, lines: list[dict[str, Any]]) -> None:
        """Write a file of JSON lines, each canonical."""
        self.files[name] = b"".join(canonical_json.dumps(line) + b"\n" for line in lines)

    def below(self, folder: str) -> list[str]:
        """Return the names of a folder's files."""
        return sorted(name for name in self.files if name.startswith(folder))

    def change(self, name: str, how: Callable[[Any], Any]) -> None:
        """Change a JSON file and write it in its canonical form."""
        self.files[name] = canonical_json.dumps(how(json.loads(self.files[name])))

    def packed(self, path: Path) -> Path:
        """Write the bundle with a table of files that fits, and return where it lies."""
        cover = json.loads(self.files[COVER])
        others = {name: content for name, content in self.files.items() if name != COVER}
        cover["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in others.items()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in {**others, COVER: canonical_json.dumps(cover)}.items():
                archive.writestr(name, content)
        return path
