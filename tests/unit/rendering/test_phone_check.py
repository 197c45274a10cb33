"""The check for cheap telephones: what is wrong is found, what is right is counted, what is unknown is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html as lxml_html

from listkeeper import web
from listkeeper.audience.forms.form_design import Look
from listkeeper.deliverability.finding import Severity, Verdict
from listkeeper.rendering import look, page_weight, phone_check
from listkeeper.rendering.css.cascade import Cascade, as_hex
from listkeeper.rendering.page_weight import Part, Seen

PUBLIC = (Path(web.__file__).parent / "static" / "public.css").read_bytes()
FIELD = (
    '<input type="email" id="email" name="email" inputmode="email" autocomplete="email" autocapitalize="off" '
    'autocorrect="off" spellcheck="false" enterkeyhint="send" required>'
)
PAGE = f"""<!doctype html><html lang="en" dir="ltr"><head>
<meta name="viewport" content="width=device-width, initial-scale=1"><title>News</title></head><body><div class="sheet">
<header>Café</header><main><h1>Get News</h1><form method="post" action="/f/news"><label for="email">Your address</label>
{FIELD}<p class="elsewhere" aria-hidden="true"><input name="homepage"></p><div class="agree"><p>Yes please.</p></div>
<button>Sign me up</button></form><p class="small"><a class="way" href="/privacy/en">Your data</a></p></main></div>
</body></html>"""


def _seen(page: str = PAGE, *, sheet: bytes = PUBLIC, extra: tuple[Part, ...] = (), **changes: object) -> Seen:
    style = look.css(Look.BAND, "#7a4b2a").encode()
    parts = (Part("/public.css", "stylesheet", sheet, len(sheet)), Part("/look.css", "stylesheet", style, len(style)))
    body = page.encode()
    seen = Seen(Part("/f/news", "page", body, len(body)), (*parts, *extra), cookies=False, spoken="en")
    return replace(seen, **changes)  # type: ignore[arg-type]


def _found(seen: Seen) -> dict[str, list[Severity]]:
    found: dict[str, list[Severity]] = {}
    for each in phone_check.check(seen):
        found.setdefault(each.code, []).append(each.severity)
    return found


def test_our_own_page_is_right_in_all_that_was_measured_and_the_rest_is_unknown() -> None:
    found = phone_check.check(_seen())
    assert {each.code: each.message for each in found if each.verdict is Verdict.WRONG} == {}
    assert [each.code for each in found if each.severity is Severity.UNKNOWN] == ["phone_unmeasured"]
    assert len(found) > 10
    assert all(each.subject and each.message for each in found)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('inputmode="email" ', "", "phone_field"),
        ('<label for="email">', "<label>", "phone_field"),
        (FIELD, "", "phone_field"),
        ('lang="en"', "", "phone_language"),
        ('lang="en"', 'lang="da"', "phone_language"),
        ("initial-scale=1", "initial-scale=1, user-scalable=no", "phone_zoom"),
        ("<header>", '<header><script src="/x.js"></script>', "phone_script"),
        ("<header>", '<header><img src="https://cdn.example/logo.png">', "phone_elsewhere"),
        ("<header>", '<header><img src="/media/wide.png">', "phone_sideways"),
        ("Get News", "Donaudampfschifffahrtsgesellschaftsneuigkeiten", "phone_long_word"),
        ("<main>", '<main><p><a href="/x">a small link</a></p>', "phone_targets"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_page_is_found(old: str, new: str, code: str) -> None:
    assert old in PAGE
    degrees = _found(_seen(PAGE.replace(old, new, 1)))[code]
    assert any(each in {Severity.WARN, Severity.ERROR} for each in degrees)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (b"p { color: #cccccc; }", "phone_contrast"),
        (b"input { border: 1px solid #eeeeee; }", "phone_contrast"),
        (b"button { min-height: 1rem; padding: 0; line-height: 1; }", "phone_targets"),
        (b"input { font-size: 14px; }", "phone_letters"),
        (b".agree p { font-size: .75em; }", "phone_letters"),
        (b"@supports (display: grid) { p { color: red; } }", "phone_unread"),
    ],
)
def test_what_is_wrong_with_a_stylesheet_is_found(rule: bytes, code: str) -> None:
    degrees = _found(_seen(extra=(Part("/x.css", "stylesheet", rule, len(rule)),)))[code]
    assert any(each is not Severity.INFO for each in degrees)


def test_a_dark_page_is_looked_at_for_itself() -> None:
    rule = b"@media (prefers-color-scheme: dark) { p { color: #333333; } }"
    bad = [each for each in phone_check.check(_seen(extra=(Part("/x.css", "stylesheet", rule, 1),))) if each.mend]
    assert {each.subject for each in bad if each.code == "phone_contrast"} == {"Contrast, dark"}


def test_weight_is_what_travels_and_its_seconds_are_those_of_the_line() -> None:
    heavy = Part("/media/logo.png", "picture", 20_000 * b"x", 20_300)
    light, laden = page_weight.weight(_seen()), page_weight.weight(_seen(extra=(heavy,)))
    assert (laden.sent - light.sent, laden.raw - light.raw, laden.packed - light.packed) == (20_300, 20_000, 20_000)
    assert (light.requests, laden.requests) == (3, 4)
    assert light.packed < light.raw
    assert laden.slow_3g - light.slow_3g == pytest.approx(20_300 * 8 / 400_000)
    assert light.second_g == pytest.approx(5 * 0.84 + light.sent * 8 / 240_000)
    assert _found(_seen(extra=(heavy,)))["phone_weight"] == [Severity.WARN]
    assert _found(_seen(cookies=True))["phone_cookies"] == [Severity.WARN]


def test_a_page_without_colours_is_unknown_and_not_right() -> None:
    bare = _seen(parts=())
    assert _found(bare)["phone_contrast"] == [Severity.UNKNOWN, Severity.UNKNOWN]


# The cascade


def _cascade(sheet: str, *, dark: bool = False, width: int = 320) -> Cascade:
    page = lxml_html.document_fromstring("<body><div class=a><p id=x class=b>words <b>bold</b></p></div></body>")
    return Cascade(page, [sheet], width, dark=dark)


@pytest.mark.parametrize(
    ("sheet", "colour"),
    [
        ("p { color: #111111 } .b { color: #222222 } p { color: #333333 }", "#222222"),
        ("#x { color: #111111 } .a .b { color: #222222 }", "#111111"),
        ("body { color: #111111 }", "#111111"),
        (":root { --k: #123 } body { color: var(--k) }", "#112233"),
        ("p { color: #111111 } p:hover { color: #222222 } p::before { color: #333333 }", "#111111"),
        ("/* p { color: #000000 } */ p, b { color: #111111; }", "#111111"),
        ("p { color: #111111 } @media (min-width: 36rem) { p { color: #222222 } }", "#111111"),
        ("p { color: #111111 } @media (max-width: 36rem) { p { color: #222222 } }", "#222222"),
    ],
)
def test_the_strongest_rule_wins(sheet: str, colour: str) -> None:
    seen = _cascade(sheet)
    assert seen.colour(seen.page.xpath("//p")[0]) == colour


def test_lengths_are_counted_in_their_units() -> None:
    seen = _cascade(
        "body { font: 1.25rem/1.5 serif } p { padding: .5em 2px 10px; border: 2px solid #000 } b { font-size: 2em }"
    )
    (words,), (bold,) = seen.page.xpath("//p"), seen.page.xpath("//b")
    assert (seen.font_px(words), seen.font_px(bold)) == (20, 40)
    assert [seen.px(words, f"padding-{side}") for side in ("top", "right", "bottom", "left")] == [10, 2, 10, 2]
    assert seen.px(words, "border-top") == 2
    assert seen.value(words, "line-height") == "1.5"


@pytest.mark.parametrize(
    ("said", "colour"),
    [
        ("#fff", "#ffffff"),
        ("1px solid #ABCDEF", "#abcdef"),
        ("#0002", ""),
        ("none", ""),
        ("white", "#ffffff"),
        ("", ""),
    ],
)
def test_a_colour_is_read_or_left_unsaid(said: str, colour: str) -> None:
    assert as_hex(said) == colour
