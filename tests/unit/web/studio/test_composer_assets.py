"""What the composer weighs, with the studio's own script and stylesheet, and that it asks for nothing forbidden."""

from __future__ import annotations

from tests.unit.web.studio.test_assets import ASSETS, BUILD, packed

COMPOSER_LIMIT = 200_000
SOURCE_LIMIT = 400


def test_the_composer_fits_its_page() -> None:
    names = ("studio.js", "studio.css", "composer.js", "composer.css")
    assert sum(map(packed, names)) <= COMPOSER_LIMIT


def test_the_composer_makes_no_code_of_text_and_no_style_element() -> None:
    script = (BUILD / "composer.js").read_text()
    assert "eval(" not in script
    assert "new Function" not in script
    assert "injectCSS:!1" in script


def test_its_sources_are_small() -> None:
    sources = [*(ASSETS / "elements").glob("*.js"), *(ASSETS / "tests").glob("*.mjs")]
    assert {path.name: lines for path in sources if (lines := len(path.read_text().splitlines())) > SOURCE_LIMIT} == {}
