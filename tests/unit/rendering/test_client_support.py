"""What mail programs show of a letter: the table is whole, what is used is found, our page asks too much of none."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability.finding import Severity
from listkeeper.rendering import compiled, filling
from listkeeper.rendering.content import Letter, Reader
from listkeeper.rendering.css import client_features, client_support
from listkeeper.rendering.css.client_support import MAIN, OUR_LAYOUT, PROGRESSIVE, Verdict

OURS = {*PROGRESSIVE, *OUR_LAYOUT}
TABLES = (
    client_features.ELEMENTS, client_features.ATTRIBUTES, client_features.INPUTS, client_features.PICTURES,
    client_features.PROPERTIES, client_features.DISPLAYS, client_features.UNITS, client_features.FUNCTIONS,
    client_features.WORDS, client_features.AT_RULES, client_features.MEDIA, client_features.STATES,
    client_features.SELECTORS, client_features.WAYS,
)  # fmt: skip
# Pages about what is no HTML and CSS of a letter.
NO_PART_OF_A_LETTER = {"amp", "bimi"}


def _slugs(body: str, css: str = "", ignore: frozenset[str] = frozenset()) -> set[str]:
    return {found.slug for found in client_support.examine(f"<html><body>{body}</body></html>", css, ignore)}


def _used(body: str, css: str = "") -> set[str]:
    page = f"<html><head><style>{css}</style></head><body>{body}</body></html>"
    return {use.feature for use in client_support.verdicts(page) if use.feature}


def test_the_table_is_small_names_its_source_and_carries_its_licence() -> None:
    file = Path(client_support.__file__).with_suffix(".json")
    text = file.read_text(encoding="utf-8")
    assert len(text.encode()) < 150_000
    assert "caniemail.com" in text
    assert "Permission is hereby granted" in text
    read = client_support.table()
    assert len(read.features) >= 302
    assert set(MAIN) <= set(read.names)


def test_each_page_of_the_source_is_reached_and_none_is_made_up() -> None:
    reached = {slug for table in TABLES for slug in table.values()}
    assert reached == set(client_support.table().features) - NO_PART_OF_A_LETTER


def test_what_is_accepted_exists_and_has_a_reason() -> None:
    assert {slug for slug in OURS if slug not in client_support.table().features} == set()
    assert all(reason.endswith(".") for reason in (*PROGRESSIVE.values(), *OUR_LAYOUT.values()))


def test_our_own_letter_asks_too_much_of_no_program(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]
) -> None:
    markdown = (
        "# One\n\n> quote\n\n`code` [link](https://x.example)\n\n![loaf](https://x.example/b.png)\n\n|a|\n|-|\n|b|\n"
    )
    letter = letter_of(markdown, logo_url="https://x.example/logo.png")
    html = filling.fill(compiled.compile_letter(letter), reader_of()).html
    assert client_support.examine(html, ignore=OURS) == []
    assert {found.slug for found in client_support.examine(html, ignore=PROGRESSIVE)} <= set(OUR_LAYOUT)
    assert len(client_support.verdicts(html)) > 60


@pytest.mark.parametrize(
    ("body", "css", "slug"),
    [
        ("<video src='a.mp4'></video>", "", "html-video"),
        ("<form></form>", "", "html-form"),
        ("<input type='Checkbox'>", "", "html-input-checkbox"),
        ("<button type='submit'>x</button>", "", "html-button-submit"),
        ("<img src='https://x.example/a.WEBP?x=1'>", "", "image-webp"),
        ("<img srcset='a.avif 2x'>", "", "image-avif"),
        ("<img src='data:image/png;base64,AAAA'>", "", "image-base64"),
        ("<p style='background:url(x.svg)'>x</p>", "", "image-svg"),
        ("<a href='mailto:a@x.example'>x</a>", "", "html-mailto-links"),
        ("<a href='#down'>x</a>", "", "html-anchor-links"),
        ("<p style='display:flex'>x</p>", "", "css-display-flex"),
        ("<p style='DISPLAY:inline-grid !important'>x</p>", "", "css-display-grid"),
        ("<p style='display:grid!important'>x</p>", "", "css-important"),
        ("<p style='margin-inline:1px'>x</p>", "", "css-margin-inline-block"),
        ("<p style='border-top-left-radius:1px'>x</p>", "", "css-border-radius"),
        ("<p style='width:calc(100% - 1rem)'>x</p>", "", "css-unit-calc"),
        ("<p style='width:calc(100% - 1rem)'>x</p>", "", "css-unit-rem"),
        ("<p style='width:50.5vw'>x</p>", "", "css-unit-vw"),
        ("<p style='color:rgba(0,0,0,.5)'>x</p>", "", "css-rgba"),
        ("<p style='background:linear-gradient(red,blue)'>x</p>", "", "css-linear-gradient"),
        ("<p style='font-family:system-ui'>x</p>", "", "css-sytem-ui"),
        ("x", "p { color: var(--x) }", "css-variables"),
        ("x", ":root { --x: red }", "css-variables"),
        ("x", "@import 'x.css';", "css-at-import"),
        ("x", "@font-face { font-family: x }", "css-at-font-face"),
        ("x", "@media (hover: hover) { p { color: red } }", "css-at-media-hover"),
        ("x", "p:has(a) { color: red }", "css-pseudo-class-has"),
        ("x", "p::before { content: 'x' }", "css-pseudo-element-before"),
        ("x", "a > b { color: red }", "css-selector-child"),
        ("x", "a b { color: red }", "css-selector-descendant"),
        ("x", "a.b { color: red }", "css-selector-chaining"),
        ("x", "[a] { color: red }", "css-selector-attribute"),
        ("x", "a { b { color: red } }", "css-nesting"),
        ("x", "/* x */ p { color: red }", "css-comments"),
    ],
)
def test_what_a_letter_uses_is_found(body: str, css: str, slug: str) -> None:
    assert slug in _used(body, css)


def test_what_only_looks_like_a_use_is_none() -> None:
    used = _used(
        "<p style=\"font-family:'12px system-ui';background:url(10vw.png);color:#12em34\">x</p>",
        "a.b-1px { color: red }",
    )
    assert used & {"css-unit-px", "css-unit-vw", "css-unit-em", "css-sytem-ui", "css-selector-descendant"} == set()


def test_what_no_program_was_tried_with_is_unknown_and_in_the_list() -> None:
    found = client_support.verdicts("<p style='font-style:italic;mso-hide:all'>x</p>")
    by_name = {(use.kind, use.name): set(verdicts.values()) for use, verdicts in found.items()}
    assert by_name["property", "font-style"] == by_name["property", "mso-hide"] == {Verdict.UNKNOWN}
    assert Verdict.YES in by_name["element", "p"]


def test_a_video_is_told_with_place_programs_and_note() -> None:
    [found] = client_support.examine("<video></video>")
    assert (found.slug, found.where) == ("html-video", "<video>")
    assert "Gmail (web)" in found.clients_without
    assert "Apple Mail (iOS)" not in found.clients_without
    assert found.severity is Severity.WARN
    assert found.sentence.startswith("“<video> element” is ignored by Gmail, Outlook")
    assert 0.5 < found.share < 1


def test_the_place_is_named_by_selector_or_element() -> None:
    found = client_support.examine("<p style='mix-blend-mode:screen'>x</p>", ".a { position: sticky }")
    assert {(one.slug, one.where) for one in found} >= {
        ("css-mix-blend-mode", "<p> mix-blend-mode: screen"),
        ("css-position", ".a { position: sticky }"),
    }


def test_the_most_missed_comes_first_and_what_is_accepted_not_at_all() -> None:
    body = "<p style='box-sizing:border-box;mix-blend-mode:screen;border-radius:2px'>x</p>"
    shares = [found.share for found in client_support.examine(body)]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) > 1
    assert "css-border-radius" not in _slugs(body, ignore=frozenset(PROGRESSIVE))
    assert "css-border-radius" in _slugs(body)


def test_a_property_set_to_what_it_is_anyway_is_not_missed_by_anybody() -> None:
    assert "css-float" in _slugs("<p style='float:left'>x</p>")
    assert "css-float" not in _slugs("<p style='float:none'>x</p>")
    assert "css-float" in _used("<p style='float:none'>x</p>")


def test_what_only_outlook_reads_is_left_out() -> None:
    assert "css-position" not in _used("<!--[if mso]><p style='position:absolute'>x</p><![endif]-->")


@pytest.mark.parametrize(
    "html",
    [
        f"<p style='{'color:red;' * 50_000}'>x",
        f"<p style='width:{'1' * 100_000}px'>x",
        "<div>" * 10_000,
        f"<style>{'a,' * 50_000}b{{color:red}}</style>",
        f"<style>{'@;' * 20_000}</style>",
        f"<img srcset='{'a 1x,' * 20_000}'>",
        f"<p style='background:{'url(' * 25_000}'>x",
    ],
    ids=["declarations", "digits", "deep", "commas", "at", "srcset", "urls"],
)
def test_a_hostile_letter_takes_no_time(html: str) -> None:
    start = time.process_time()
    client_support.examine(html)
    assert time.process_time() - start < 2


@given(st.text(alphabet=st.sampled_from("<>/=\"' pstyle{}:;#.()[]-!*@,\\0a9\x00\ud800é"), max_size=200))
def test_nothing_raises(text: str) -> None:
    client_support.examine(text, text)
    client_support.verdicts(f'<style>{text}</style><p style="{text}">x</p>')
