"""Archives that somebody has been at: taken apart, changed, put together again, with a manifest that agrees or not."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
Files = dict[str, bytes]
Manifest = dict[str, Any]


def unpacked(path: Path) -> Files:
    """Return the files of an archive."""
    with zipfile.ZipFile(path) as parcel:
        return {name: parcel.read(name) for name in parcel.namelist()}


def packed(path: Path, files: Files) -> Path:
    """Write files as an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parcel:
        for name, content in files.items():
            parcel.writestr(name, content)
    return path


def changed(
    path: Path,
    to: Path,
    files: Callable[[Files], object] = lambda _files: None,
    manifest: Callable[[Manifest], object] = lambda _manifest: None,
    *,
    honest: bool = True,
) -> Path:
    """Write a changed copy; an ``honest`` one has a manifest that agrees with the changed files."""
    content = unpacked(path)
    said = json.loads(content.pop(MANIFEST))
    files(content)
    if honest:
        said["files"] = {name: _described(name, body) for name, body in content.items()}
    manifest(said)
    return packed(to, content | {MANIFEST: json.dumps(said).encode()})


def _described(name: str, body: bytes) -> dict[str, Any]:
    described: dict[str, Any] = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    return described | ({"rows": body.count(b"\n")} if name.startswith("tables/") else {})


def row(files: Files, table: str, number: int = 0, **values: object) -> None:
    """Change values of one row of a table; None as a name's value is null."""
    lines = files[f"tables/{table}.jsonl"].splitlines()
    lines[number] = json.dumps(json.loads(lines[number]) | values).encode()
    files[f"tables/{table}.jsonl"] = b"".join(line + b"\n" for line in lines)
