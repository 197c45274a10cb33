"""What the pages of the studio load beside themselves, packed as a web server packs it, beside what they may."""

from __future__ import annotations

import gzip
import re
from urllib.parse import urlsplit

from tests.benchmarks.figure import Figure
from tests.makers.studio import StudioBrowser

_COMPOSER_BAR, _PAGE_BAR = 200_000, 60_000
_ASSET = re.compile(r'<(?:link rel="stylesheet" href|script src)="([^"]+)"')


def figures(name: str, browser: StudioBrowser, composer: str) -> list[Figure]:
    """Weigh the page of a letter, and the heaviest of all pages that can be asked for without naming a thing."""
    paths = sorted(
        rule.rule
        for rule in browser.app.url_map.iter_rules()
        if rule.rule.startswith("/studio") and "GET" in (rule.methods or ()) and not rule.arguments
    )
    pages = {path: sizes for path in dict.fromkeys(paths) if (sizes := _assets(browser, path))}
    heaviest = max(pages, key=lambda path: sum(pages[path].values()))
    return [
        _weight(f"{name}: assets of the composer", _assets(browser, composer), _COMPOSER_BAR, "a letter"),
        _weight(
            f"{name}: assets of the heaviest other page", pages[heaviest], _PAGE_BAR, f"{heaviest}, of {len(pages)}"
        ),
    ]


def _assets(browser: StudioBrowser, path: str) -> dict[str, int]:
    answer = browser.get(path)
    if answer.status_code != 200 or answer.mimetype != "text/html":
        return {}
    links = [urlsplit(link) for link in _ASSET.findall(answer.text)]
    if foreign := [link.geturl() for link in links if link.netloc]:
        raise SystemExit(f"{path} loads from another host: {foreign}")
    return {link.path: len(gzip.compress(browser.get(link.geturl()).data, 9)) for link in links}


def _weight(name: str, sizes: dict[str, int], bar: int, note: str) -> Figure:
    total = sum(sizes.values())
    return Figure(
        name=name, figure=total, unit="bytes, packed", limit=bar, ratio=round(total / bar, 3), repeats=1, spread=0.0,
        limit_is="the bar", note=note, profile={path.rpartition("/")[2]: float(size) for path, size in sizes.items()},
    )  # fmt: skip
