"""What people can read: each text against what it stands on, in light and dark, and what nobody can compute is said."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation import language
from listkeeper.rendering import compiled, filling
from listkeeper.rendering.content import AnswerLink, AskedQuestion, Letter, Reader
from listkeeper.rendering.reading import contrast_check
from listkeeper.rendering.reading.letter_colours import Why

ASKED = AskedQuestion("en", "Where?", "Because.", "Less mail.", (AnswerLink("Oslo", "https://n.example/q/1"),))
MARKDOWN = """# One

Words, `code`, [a link](https://shop.example/) and more.

> quoted [link](https://shop.example/)

| a | b |
|---|---|
| c | d |

```
code
```
"""
DARK = "@media (prefers-color-scheme: dark)"


def _page(body: str, css: str = "", head: str = "") -> str:
    return f"<!DOCTYPE html><html><head>{head}<style>{css}</style></head><body>{body}</body></html>"


def _found(html: str) -> set[tuple[str, str, str]]:
    return {(faint.scheme, faint.foreground, faint.background) for faint in contrast_check.examine(html)}


def _light(html: str) -> list[tuple[str, str]]:
    return [(one.foreground, one.background) for one in contrast_check.examine(html) if one.scheme == "light"]


def _unknown(html: str) -> set[Why]:
    return {one.why for one in contrast_check.measure(html).unmeasured}


@pytest.mark.parametrize("brand", ["#1f6f54", "#ffee00", "#000000"])
def test_our_own_letter_can_be_read_in_every_brand_colour(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader], brand: str
) -> None:
    letter = letter_of(MARKDOWN, brand_colour=brand)
    html = filling.fill(compiled.compile_letter(letter), reader_of(asked=ASKED)).html
    seen = contrast_check.measure(html)
    assert (seen.faint, seen.unmeasured) == ((), ())
    assert seen.measured > 60


def test_a_dark_rule_for_links_that_hides_a_button_is_found() -> None:
    button = '<a class="button" href="https://x.example" style="color:#ffffff;background-color:#1f6f54">Go</a>'
    page = _page(f'<div class="letter">{button}</div>', f"{DARK} {{ .letter a {{ color: #7fd6b5 !important; }} }}")
    assert _found(page) == {("dark", "#7fd6b5", "#1f6f54")}
    [faint] = contrast_check.examine(page)
    assert (faint.text, faint.wanted, round(faint.ratio, 2)) == ("Go", 4.5, 3.52)
    assert faint.sentence == ("In dark mode “Go” is hard to read: #7fd6b5 on #1f6f54 has 3.5 to 1, and 4.5 are needed.")
    mended = page.replace("#7fd6b5 !important", "#7fd6b5")
    assert _found(mended) == set(), "without !important the rule is weaker than the style attribute"


@pytest.mark.parametrize(
    ("body", "css", "pair"),
    [
        ('<p style="color:#aaa">x</p>', "", ("#aaaaaa", "#ffffff")),
        ('<p style="color:SILVER">x</p>', "", ("#c0c0c0", "#ffffff")),
        ('<p style="color:rebeccapurple;background:#639">x</p>', "", ("#663399", "#663399")),
        ('<p style="color:rgb(170, 170, 170)">x</p>', "", ("#aaaaaa", "#ffffff")),
        ('<p style="color:rgb(66.7% 66.7% 66.7% / 1)">x</p>', "", ("#aaaaaa", "#ffffff")),
        ('<p style="color:rgba(0,0,0,.25)">x</p>', "", ("#bfbfbf", "#ffffff")),
        ('<p style="color:#00000040">x</p>', "", ("#bfbfbf", "#ffffff")),
        ('<p style="color:hsl(0, 100%, 80%)">x</p>', "", ("#ff9999", "#ffffff")),
        ('<p style="color:hsla(.5turn 100% 80% / 50%)">x</p>', "", ("#ccffff", "#ffffff")),
        ('<table bgcolor="cccccc"><tr><td style="color:#ddd">x</td></tr></table>', "", ("#dddddd", "#cccccc")),
        ('<p><font color="yellow">x</font></p>', "", ("#ffff00", "#ffffff")),
        ('<div style="background:url(a.png) #eee no-repeat;color:#fff">x</div>', "", ("#ffffff", "#eeeeee")),
        ('<b style="background:#000"><i style="background:rgba(255,255,255,.9);color:#ccc">x</i></b>', "",
         ("#cccccc", "#e6e6e6")),
        ('<div style="background:#eee;color:#ddd"><p>x</p></div>', "", ("#dddddd", "#eeeeee")),
        ('<div style="opacity:.2">x</div>', "", ("#cccccc", "#ffffff")),
        ('<p style="background:currentColor;color:#123">x</p>', "", ("#112233", "#112233")),
        ('<p class="a b">x</p>', ".a { color: #000 } p.a { color: #ccc } .b { color: #111 }", ("#cccccc", "#ffffff")),
        ('<p id="i" class="a">x</p>', "#i { color: #ccc } p.a.a { color: #000 }", ("#cccccc", "#ffffff")),
        ('<p class="a" style="color:#000">x</p>', ".a { color: #ccc !important }", ("#cccccc", "#ffffff")),
        ('<p style="color:#ccc !important">x</p>', "p { color: #000 !important }", ("#cccccc", "#ffffff")),
        ('<div class="a"><p><b>x</b></p></div>', ".a b { color: #ccc }", ("#cccccc", "#ffffff")),
        ('<div class="a"><p>x</p><p>y</p></div>', ".a > p:first-child + p { color: #ccc }", ("#cccccc", "#ffffff")),
        ("<ul><li>x</li><li>y</li></ul>", "li:nth-child(even) { color: #ccc }", ("#cccccc", "#ffffff")),
        ('<p title="abc">x</p>', "p[title^='ab']:not(.x) { color: #ccc }", ("#cccccc", "#ffffff")),
        ("<p>x</p>", ":root { --ink: #ccc } p { color: var(--ink) }", ("#cccccc", "#ffffff")),
        ("<p>x</p>", "p { color: var(--none, #ccc) }", ("#cccccc", "#ffffff")),
        ("<p>x</p>", "p { color: #ccc /* ; color: #000 */ } /* p { color: #000 } */", ("#cccccc", "#ffffff")),
        ("<p>x</p>", "p { color: #ccc } @media print { p { color: #000 } }", ("#cccccc", "#ffffff")),
        ("<p>x</p>", "p { color: #ccc } p:hover, p::before { color: #000 }", ("#cccccc", "#ffffff")),
    ],
)  # fmt: skip
def test_the_colours_are_those_a_browser_shows(body: str, css: str, pair: tuple[str, str]) -> None:
    assert _light(_page(body, css)) == [pair]


def test_a_link_that_says_nothing_is_blue_and_inherits_the_ground() -> None:
    page = _page('<div style="background:#222;color:#fff">x <a href="https://x.example">y</a> <a>z</a></div>')
    assert _light(page) == [("#0000ee", "#222222")]


def test_large_text_needs_three_to_one() -> None:
    def wanted(style: str) -> list[float]:
        faint = contrast_check.examine(_page(f'<p style="color:#bbb;{style}">x</p>'))
        return [one.wanted for one in faint if one.scheme == "light"]

    assert wanted("font-size:23.9px") == [4.5]
    assert wanted("font-size:24px") == [3.0]
    assert wanted("font-size:18.66px;font-weight:700") == [3.0]
    assert wanted("font-size:18.6px;font-weight:700") == [4.5]
    assert wanted("font-size:1.5em") == wanted("font:bold 14pt Arial") == [3.0]
    assert _light(_page('<h1 style="color:#949494">x</h1>')) == []


def test_what_is_just_too_little_is_not_rounded_up() -> None:
    [faint] = contrast_check.examine(
        _page('<p style="color:#777777">x</p>', f"{DARK} {{ p {{ color: #000 !important }} }}")
    )
    assert 4.47 < faint.ratio < 4.48
    assert "4.4 to 1" in faint.sentence
    assert _found(_page('<p style="color:#767676">x</p>')) == set()


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none;color:#fff">x</div>',
        '<div style="opacity:0">x</div>',
        '<div style="max-height:0;overflow:hidden;color:#fff">x</div>',
        '<div style="font-size:1px;color:#fff">x</div>',
        '<div style="visibility:hidden;color:#fff">x</div>',
        '<div hidden style="color:#fff">x</div>',
        '<div style="color:#fff">&nbsp;\u200c\u00b7 | </div>',
        '<!--[if mso]><p style="color:#fff">x</p><![endif]-->',
    ],
)
def test_what_nobody_sees_or_is_no_word_is_left_out(hidden: str) -> None:
    assert _found(_page(hidden)) == set()


@pytest.mark.parametrize(
    ("body", "css", "why"),
    [
        ('<p style="background:linear-gradient(#fff, #000)">x</p>', "", Why.GRADIENT),
        ('<p style="background-image:url(a.png)">x</p>', "", Why.PICTURE),
        ('<table background="a.png"><tr><td>x</td></tr></table>', "", Why.PICTURE),
        ('<p style="color:oklch(50% 0.1 20)">x</p>', "", Why.COLOUR),
        ('<p style="background:color-mix(in srgb, red, blue)">x</p>', "", Why.COLOUR),
        ('<p style="color:var(--nowhere)">x</p>', "", Why.COLOUR),
        ('<p style="position:absolute">x</p>', "", Why.PLACED),
        ("<p>x</p>", "p:has(a) { color: #ccc }", Why.RULE),
        ("<p>x</p>", "@supports (display: grid) { p { color: #ccc } }", Why.RULE),
        ("<p>x</p>", "div { p { color: #ccc } }", Why.RULE),
    ],
)
def test_what_cannot_be_computed_is_unknown_and_never_fine(body: str, css: str, why: Why) -> None:
    found = contrast_check.measure(_page(body, css))
    assert {one.why for one in found.unmeasured} == {why}
    assert found.faint == ()
    assert all(one.sentence for one in found.unmeasured)


def test_what_lies_on_a_colour_over_a_picture_is_known_again() -> None:
    page = _page('<div style="background:url(a.png)"><p style="background:#fff;color:#ddd">x</p></div>')
    assert _unknown(page) == set()
    assert ("light", "#dddddd", "#ffffff") in _found(page)


def test_a_rule_that_says_nothing_of_colours_may_be_unread() -> None:
    assert _unknown(_page("<p>x</p>", "p:has(a) { padding: 0 } @supports (gap: 1px) { p { padding: 0 } }")) == set()


def test_a_letter_with_a_dark_side_begins_on_a_dark_page() -> None:
    meta = '<meta name="color-scheme" content="light dark">'
    words = '<p style="color:#333333">x</p>'
    assert _found(_page(words)) == set()
    assert _found(_page(words, head=meta)) == {("dark", "#333333", "#1e1e1e")}
    assert _found(_page(words, ":root { color-scheme: light dark }")) == {("dark", "#333333", "#1e1e1e")}
    assert _found(_page("<p>x</p>", head=meta)) == set(), "what says nothing is turned round by the program"


def test_a_colour_that_only_a_narrow_screen_has_is_found() -> None:
    css = "@media (max-width: 520px) { p { color: #ccc !important } }"
    assert ("light", "#cccccc", "#ffffff") in _found(_page("<p>x</p>", css))
    assert _found(_page("<p>x</p>", css.replace("color", "padding"))) == set()


def test_each_pair_is_told_once_a_block() -> None:
    words = '<p style="color:#ccc">one</p><p style="color:#ccc">two</p>'
    page = _page(
        f'<div data-block="a">{words}</div><div id="block-b">{words}</div><div class="x block-c">{words}</div>{words}'
    )
    found = [(one.block, one.text) for one in contrast_check.examine(page) if one.scheme == "light"]
    assert found == [("a", "one"), ("b", "one"), ("c", "one"), (None, "one")]


def test_long_words_are_shortened() -> None:
    [faint, _] = contrast_check.examine(_page(f'<p style="color:#ccc">{"word " * 40}</p>'))
    assert len(faint.text) <= 60
    assert faint.text.endswith("…")


def test_the_sentences_are_said_in_the_language_in_use() -> None:
    [faint, _] = contrast_check.examine(_page('<p style="color:#aaa">x</p>'))
    with language.using("de"):
        assert "2,3" in faint.sentence


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 10_000 + "x",
        f"<p style='{'color:red;' * 50_000}'>x",
        f"<style>{'*{color:red}' * 2_000}</style>{'<p>x' * 4_000}",
        f"<style>{'i i i i i i i i p{color:red}' * 100}</style>{'<i>' * 2_000}{'<p>x' * 2_000}",
        f"<style>{':not(a):not(b):not(c){color:red}' * 1_000}</style>{'<p><i>x' * 1_000}",
        f"<p style='color:{'1' * 100_000}'>x",
        "<style>" + "a{" * 20_000,
        "".join(f"<div style='--v{number}:red;opacity:.9'>x" for number in range(1_500)),
    ],
    ids=["deep", "declarations", "universal", "descendants", "nots", "digits", "braces", "variables"],
)
def test_a_hostile_letter_takes_no_time_and_is_not_called_readable(html: str) -> None:
    start = time.process_time()
    found = contrast_check.measure(html)
    assert time.process_time() - start < 2
    assert found.unmeasured or found.measured


@given(st.text(alphabet=st.sampled_from("<>/=\"' pstyle{}:;#.()[]-!*@,\\0a9\x00\ud800é"), max_size=200))
def test_nothing_raises(text: str) -> None:
    for html in (text, _page(text), _page("<p>x</p>", text), _page(f'<p style="{text}">x</p>')):
        contrast_check.measure(html)
