"""The table of what mail programs show, against the data of caniemail.com as it was on 2025-09-09.

The table that ships is made of a newer package; where somebody has tested again
since, the two differ, and each such place stands below.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cssutils
import pytest

from listkeeper.rendering.css import client_support
from listkeeper.rendering.css.client_support import Verdict
from tests.architecture import source
from tests.fakes.corpora import Corpora

ASSETS = source.PACKAGE / "web" / "assets"
FEATURES, PER_CATEGORY = 302, {"css": 210, "html": 76, "image": 14, "others": 2}
# Tested again between September 2025 and May 2026, with another outcome.
TESTED_AGAIN: Mapping[str, set[str]] = {
    "css-animation": {"thunderbird.macos"},
    "css-display-grid": {
        "gmail.desktop-webmail", "gmail.ios", "gmail.android", "outlook.ios", "outlook.android",
        "yahoo.desktop-webmail", "yahoo.ios", "yahoo.android", "aol.desktop-webmail", "aol.ios", "aol.android",
    },
    "css-function-clamp": {"samsung-email.android"},
    "css-function-max": {"samsung-email.android"},
    "css-function-min": {"samsung-email.android"},
    "css-max-width": {"aol.ios", "yahoo.ios", "protonmail.ios"},
    "css-text-align": {
        "gmail.ios", "gmail.mobile-webmail", "outlook.android", "samsung-email.android", "gmx.desktop-webmail",
        "web-de.desktop-webmail",
    },
    "css-text-indent": {"protonmail.desktop-webmail"},
    "html-anchor-links": {"outlook.ios", "outlook.android"},
}  # fmt: skip


@pytest.fixture(scope="module")
def told(corpora: Corpora) -> dict[str, dict[str, str]]:
    """What the corpus says of each feature and program in the version it has last."""
    read: dict[str, Any] = json.loads((corpora / "caniemail" / "caniemail.json").read_bytes())
    counted: dict[str, int] = {}
    for feature in read["data"]:
        counted[feature["category"]] = counted.get(feature["category"], 0) + 1
    assert (len(read["data"]), counted) == (FEATURES, PER_CATEGORY)
    return {
        feature["slug"]: {
            f"{family}.{platform}": list(versions.values())[-1][0]
            for family, platforms in feature["stats"].items()
            for platform, versions in platforms.items()
        }
        for feature in read["data"]
    }


def _differs(told: str, ours: Verdict) -> bool:
    # What nobody had tried may have been tried since.
    return told not in {ours.value, Verdict.UNKNOWN.value}


def test_each_cell_of_the_table_is_that_of_the_source(
    told: dict[str, dict[str, str]], summarise: Callable[[str], None]
) -> None:
    ours = client_support.table().features
    cells = [(slug, client, said) for slug, clients in told.items() for client, said in clients.items()]
    agreed = sum(ours[slug].by_client[client].value == said for slug, client, said in cells)
    found: dict[str, set[str]] = {}
    for slug, client, said in cells:
        if _differs(said, ours[slug].by_client[client]):
            found.setdefault(slug, set()).add(client)
    summarise(f"caniemail: {agreed} of {len(cells)} cells agree, {sum(map(len, found.values()))} were tested again")
    assert found == TESTED_AGAIN
    assert agreed / len(cells) > 0.99


TEMPLATES = [
    *(f"mailgun/{name}.html" for name in ("action", "alert", "billing")),
    *(f"mailgun/inlined/{name}.html" for name in ("action", "alert", "billing")),
    *(f"leemunroe/{name}.html" for name in ("email", "email-inlined")),
]


class _Elements(HTMLParser):
    """Elements and style attributes as another parser sees them; what is in comments is not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.styles += [value for name, value in attrs if name == "style" and value]


def _properties(html: str, styles: list[str]) -> Iterator[str]:
    """Yield every property as another parser of CSS reads it."""
    sheets = re.findall(r"<style[^>]*>(.*?)</style>", re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL), re.DOTALL)
    parser = cssutils.CSSParser(validate=False, fetcher=lambda _url: (None, b""))
    for css in sheets:
        rules = list(parser.parseString(css, validate=False))
        for rule in rules:
            rules += getattr(rule, "cssRules", None) or []
            yield from (one.name for one in getattr(rule, "style", None) or ())
    for style in styles:
        yield from (one.name for one in parser.parseStyle(style, validate=False))


@pytest.mark.parametrize("name", TEMPLATES)
def test_everything_a_template_uses_gets_a_verdict_of_every_program(
    corpora: Corpora, told: dict[str, dict[str, str]], summarise: Callable[[str], None], name: str
) -> None:
    html = (corpora / "templates" / name).read_text(encoding="utf-8")
    verdicts = client_support.verdicts(html)
    seen = _Elements()
    seen.feed(html)
    properties = set(_properties(html, seen.styles))
    assert len(properties) > 15
    judged = {kind: {use.name for use in verdicts if use.kind in kinds} for kind, kinds in _KINDS.items()}
    assert seen.names - judged["element"] == set()
    assert properties - judged["property"] == set()
    programs = set(client_support.table().names)
    assert all(set(by_client) == programs for by_client in verdicts.values())
    wrong = {
        (use.feature, client)
        for use, by_client in verdicts.items()
        for client, said in told.get(use.feature, {}).items()
        if _differs(said, by_client[client]) and client not in TESTED_AGAIN.get(use.feature, ())
    }
    assert wrong == set()
    known = sum(use.feature in told for use in verdicts)
    summarise(
        f"caniemail {name}: {len(verdicts)} things used, {known} known to the source, {len(verdicts) - known} not"
    )


_KINDS = {"element": {"element"}, "property": {"property", "reset"}}


def test_the_table_is_made_of_its_package(tmp_path: Path) -> None:
    if shutil.which("node") is None or not (ASSETS / "node_modules" / "caniemail").is_dir():
        pytest.skip("node or the package caniemail is absent: bin/test installs both")
    made = subprocess.run(
        ["node", "client_support.mjs", "--check"], cwd=ASSETS, capture_output=True, check=False, timeout=60
    )
    assert (made.returncode, made.stderr.decode()) == (0, "")
