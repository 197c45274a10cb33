"""What a screen weighs: one script and one stylesheet, within the limits of the interface."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

from listkeeper.web import asset

ASSETS = Path(asset.__file__).resolve().parent / "assets"
BUILD = ASSETS.parent / "static" / "build"
PAGE_LIMIT = 60_000
TOKENS_LIMIT = 8_192


def packed(name: str) -> int:
    return len(gzip.compress((BUILD / name).read_bytes(), 9))


def test_script_and_stylesheet_fit_a_page() -> None:
    assert packed("studio.js") + packed("studio.css") <= PAGE_LIMIT


def test_own_tokens_are_few() -> None:
    assert (ASSETS / "tokens.css").stat().st_size <= TOKENS_LIMIT


def test_nothing_asks_for_eval_or_another_host() -> None:
    script = (BUILD / "studio.js").read_text()
    assert "eval(" not in script
    # htmx can run code from attributes; no template of ours asks it to.
    templates = Path(__file__).resolve().parents[4] / "templates" / "studio"
    for template in templates.glob("*.html"):
        assert not re.search(r"hx-on|js:|javascript:|hx-vals", template.read_text()), template.name


def test_every_package_is_pinned_and_the_lock_names_no_registry() -> None:
    asked = json.loads((ASSETS / "package.json").read_text())
    for version in (asked["dependencies"] | asked["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    locked = (ASSETS / "package-lock.json").read_text()
    assert "resolved" not in locked
    assert "http" not in re.sub(r'"(?:url": ")?https://[^"]+"', "", locked)
