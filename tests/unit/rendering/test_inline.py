"""Inlining: the author's styles arrive in the elements, nothing is fetched, and what cannot be read is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import inline, merge_tags, protect
from tests.fakes.corpora import Corpora
from tests.unit.rendering.conftest import attempt

SOURCES = ["leemunroe/email.html", "mailgun/action.html", "mailgun/alert.html", "mailgun/billing.html"]
INLINED = [
    "leemunroe/email-inlined.html",
    "mailgun/inlined/action.html",
    "mailgun/inlined/alert.html",
    "mailgun/inlined/billing.html",
]


@pytest.fixture
def templates(corpora: Corpora) -> Path:
    return corpora.folder("templates", at_least=10)


def _elements(html: str) -> list[lxml_html.HtmlElement]:
    return [element for element in lxml_html.document_fromstring(html).body.iter() if isinstance(element.tag, str)]


def _style(element: lxml_html.HtmlElement) -> dict[str, str]:
    """Return the declarations of an element in one spelling: 0pt is 0, #abc is #aabbcc."""
    style: dict[str, str] = {}
    for declaration in (element.get("style") or "").split(";"):
        name, colon, value = declaration.partition(":")
        value = re.sub(
            r"\b0(?:pt|px)\b", "0", " ".join(value.lower().replace("!important", "").replace('"', "'").split())
        )
        value = re.sub(r"#([0-9a-f])([0-9a-f])([0-9a-f])\b(?![0-9a-f])", r"#\1\1\2\2\3\3", value).replace(", ", ",")
        if colon:
            style[name.strip().lower()] = value
    return style


def _media(html: str) -> list[str]:
    return ["".join(rule.split()) for rule in re.findall(r"@media[^{]+\{(?:[^{}]*\{[^{}]*\})*\s*\}", html)]


def test_every_element_has_the_style_its_author_inlined(templates: Path) -> None:
    """Of mailgun's templates only the older forms are there inlined (other elements, other colours): see below."""
    ours = _elements(inline.inline_css((templates / SOURCES[0]).read_text()))
    theirs = _elements((templates / INLINED[0]).read_text())
    assert [element.tag for element in ours] == [element.tag for element in theirs]
    assert len(ours) == 34
    for mine, author in zip(ours, theirs, strict=True):
        assert _style(mine) == _style(author)


@pytest.mark.parametrize("name", SOURCES + INLINED)
def test_what_the_author_wrote_into_an_element_stays(templates: Path, name: str) -> None:
    source = (templates / name).read_text()
    for before, after in zip(_elements(source), _elements(inline.inline_css(source)), strict=True):
        assert before.tag == after.tag
        assert _style(before).items() <= _style(after).items()


@pytest.mark.parametrize("name", SOURCES + INLINED)
def test_media_rules_and_conditional_comments_stay(templates: Path, name: str) -> None:
    source = (templates / name).read_text()
    inlined = inline.inline_css(source)
    assert _media(inlined) == _media(source)
    assert inlined.count("<!--[if") == source.count("<!--[if")
    assert inlined.lower().startswith("<!doctype html")


@pytest.mark.parametrize("name", SOURCES + INLINED)
def test_a_second_run_changes_nothing(templates: Path, name: str) -> None:
    once = inline.inline_css((templates / name).read_text())
    assert inline.inline_css(once) == once


@pytest.mark.parametrize("name", SOURCES)
def test_merge_tags_pass_byte_for_byte(templates: Path, name: str) -> None:
    tag = "{{ subscriber.first_name | default: \"a > b & 'c'\" }}"
    opening, closing = '{% if subscriber.city == "a>b" %}', "{% endif %}"
    source = (templates / name).read_text()
    source = re.sub(r"(<td[^>]*>)(\s*)", rf"\1\n{opening}\n\2{tag}\n{closing}\n", source)
    source = source.replace("<a href=", "<a title='{{ links.web_view }}' href=")
    hidden, tokens = protect.hide(source)
    restored = tokens.restore(inline.inline_css(hidden))
    tags = [found.source for found in merge_tags.scan(source)]
    assert [found.source for found in merge_tags.scan(restored)] == tags
    assert len(tags) > 10


_TIMING = """
import sys, time
from listkeeper.rendering import inline
for name in sys.argv[1:]:
    source, times = open(name).read(), []
    for _ in range(6):
        start = time.process_time()
        inline.inline_css(source)
        times.append(time.process_time() - start)
    print(min(times))
"""


def test_a_template_takes_few_milliseconds(templates: Path) -> None:
    """Timed in a process of its own: the caches of this one are full of other tests."""
    names = [str(templates / name) for name in SOURCES]
    run = subprocess.run([sys.executable, "-c", _TIMING, *names], capture_output=True, check=True, text=True)
    times = [float(line) for line in run.stdout.split()]
    assert len(times) == len(SOURCES)
    assert max(times) < 0.02


def _fetching() -> Iterator[str]:
    for url in ("file:///etc/hostname", "http://127.0.0.1:9/x.css", "//127.0.0.1:9/x.css", "x.css"):
        yield f'<link rel="stylesheet" href="{url}">'
        yield f"<LINK\nhref='{url}' data-x='a>b' rel=stylesheet>"
        yield f'<style>@import "{url}"; p {{ color: red }}</style>'
        yield f"<style>@import url({url}) screen; p {{ color: red }}</style>"
        yield f"<style>@\\69mport '{url}'; p {{ color: red }}</style>"
        yield f"<style>@charset 'utf-8'; @import '{url}'; @font-face {{ src: url({url}) }}</style>"


@pytest.mark.parametrize("head", list(_fetching()))
def test_nothing_is_fetched(touched: Callable[[], AbstractContextManager[list[str]]], head: str) -> None:
    inline.inline_css("<html><head></head><body><p>x</p></body></html>")
    with touched() as seen:
        inlined = inline.inline_css(f"<!DOCTYPE html><html><head>{head}</head><body><p>x</p></body></html>")
    assert seen == []
    assert "<link" not in inlined.lower()
    assert "@import" not in inlined


@pytest.mark.parametrize(
    ("source", "inlined"),
    [
        (
            "<!doctype html><html><body><p>å</p></body></html>",
            "<!DOCTYPE html><html><head></head><body><p>å</p></body></html>",
        ),
        (
            '<?xml version="1.0"?>\n<!doctype HTML\n PUBLIC "x" "y"><html><body><p>å</p></body></html>',
            '<!DOCTYPE html\n PUBLIC "x" "y"><html><head></head><body><p>å</p></body></html>',
        ),
        ("<!-- first --><html><body>x</body></html>", "<!-- first --><html><head></head><body>x</body></html>"),
        (
            "<p>the words @import 'x'; stay</p>",
            "<html><head></head><body><p>the words @import 'x'; stay</p></body></html>",
        ),
    ],
)
def test_documents_in_many_shapes(source: str, inlined: str) -> None:
    assert inline.inline_css(source) == inlined


def test_what_is_important_stays_important_in_both_places() -> None:
    css = "p{color:red!important}@media print{p{color:blue!important}}"
    inlined = inline.inline_css(f"<style>{css}</style><p>x</p>")
    assert f"<style>{css}</style>" in inlined
    assert '<p style="color:red !important">x</p>' in inlined


def test_outlook_gets_attributes_and_a_picture_keeps_its_height() -> None:
    css = "img{height:auto;width:50px}td{background-color:#abc;text-align:right}"
    inlined = inline.inline_css(f'<style>{css}</style><img height="40"><table><tr><td>x</table>')
    assert '<img height="40" style="height:auto; width:50px" width="50">' in inlined
    assert 'style="background-color:#abc; text-align:right" bgcolor="#aabbcc" align="right">x</td>' in inlined


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("", "the letter as a whole"),
        ("<!-- nothing -->", "the letter as a whole"),
        ("<p>\ud800</p>", "the letter as a whole"),
        ("<style>h9 { color: red } <!--@charset 'x';~</style><p>x</p>", "h9 { color: red }"),
    ],
)
def test_what_the_engine_chokes_on_is_refused_with_its_place(source: str, place: str) -> None:
    with pytest.raises(Invalid) as refusal:
        inline.inline_css(source)
    assert refusal.value.code == "letter_style_unreadable"
    assert place in refusal.value.message


_PIECES = st.sampled_from(
    [
        "p",
        "a:hover",
        ".x",
        "#id",
        ">",
        "+",
        "*",
        "[a='",
        ":not(",
        ":nth-child(2n+",
        "::before",
        "{",
        "}",
        "color:red",
        ";",
        "!important",
        "url(",
        '"',
        "'",
        "\\",
        "@media",
        "@page",
        "@charset 'x';",
        "@namespace a 'b';",
        "/*",
        "*/",
        "<!--",
        "-->",
        "1e999px",
        "#zzz",
        "rgb(",
        ",",
        "&",
    ]
)


@given(
    st.lists(_PIECES, max_size=14).map("".join),
    st.sampled_from(["", "color", "width:1px;;", "a:b:c", "{x", "float:left"]),
)
def test_any_style_is_inlined_or_refused_and_says_nothing_on_the_way(css: str, style: str) -> None:
    source = f'<html><head><style>{css}</style></head><body><p class="x" id="id" style="{style}">word</p></body></html>'
    inlined, refusal = attempt(lambda: inline.inline_css(source))
    assert "word" in inlined if inlined is not None else refusal == "letter_style_unreadable"


def test_threads_do_not_disturb_one_another() -> None:
    sources = [f"<style>p{{color:#{number:06x};margin:{number}px}}</style><p>x</p>" for number in range(60)]
    alone = [inline.inline_css(source) for source in sources]
    inline._rules.cache_clear()  # noqa: SLF001 - or the threads would only look up what is known
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(inline.inline_css, sources)) == alone


def test_the_parser_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    inline.inline_css("<style>p { colour: red; mso-x: y } !!! { } @bogus;</style><p>x</p>")
    assert capfd.readouterr() == ("", "")
