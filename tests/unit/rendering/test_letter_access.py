"""What keeps people from using a letter is found; a letter of ours keeps nobody."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability.finding import Severity
from listkeeper.rendering import compiled, filling
from listkeeper.rendering.content import AnswerLink, AskedQuestion, Letter, Reader
from listkeeper.rendering.reading import letter_access
from listkeeper.rendering.reading.letter_access import Kind

ASKED = AskedQuestion("da", "Hvor?", "Fordi.", "Færre breve.", (AnswerLink("Oslo", "https://n.example/q/1"),))
SIZE = 'src="a.png" width="120" height="44"'
BUTTON = (
    '<a href="https://x.example/buy" style="display:inline-block;padding:12px 24px;line-height:24px;'
    'background:#1f6f54;color:#fff">Buy the bread</a>'
)
GOOD = f"""<!DOCTYPE html><html lang="en"><head><title>News</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head><body>
<table role="presentation"><tr><td><h1>Bread</h1><p>We bake at seven, and you may watch.</p><h2>Prices</h2>
<img src="https://x.example/bread.png" alt="A loaf on a board" width="200" height="60">
<table><tr><th scope="col">Loaf</th></tr><tr><td>40</td></tr></table>
<p>There is a <a href="https://x.example/menu">menu for the week</a>.</p>
{BUTTON}</td></tr></table></body></html>"""


def _kinds(html: str, spoken: str = "en") -> list[Kind]:
    return [remark.kind for remark in letter_access.examine(html, spoken)]


def _changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_good_letter_gets_no_remark() -> None:
    assert letter_access.examine(GOOD, "en") == []


def test_our_own_letter_gets_no_remark(letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]) -> None:
    markdown = "# Et\n\nOrd.\n\n## To\n\n![Et brød](https://x.example/b.png)\n\n| a | b |\n|---|---|\n| c | d |\n"
    letter = letter_of(f"{markdown}{'Mange flere ord om brød. ' * 20}", logo_url="https://x.example/logo.png")
    html = filling.fill(compiled.compile_letter(letter), reader_of(asked=ASKED)).html
    assert letter_access.examine(html, "da") == []
    assert _kinds(html, "de") == [Kind.LANGUAGE_WRONG]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (' lang="en"', "", Kind.LANGUAGE_MISSING),
        ('lang="en"', 'lang="und"', Kind.LANGUAGE_MISSING),
        ("<body>", '<body><div lang="und">', Kind.LANGUAGE_MISSING),
        ('lang="en"', 'lang="da"', Kind.LANGUAGE_WRONG),
        ("<title>News</title>", "<title> </title>", Kind.TITLE_MISSING),
        ("initial-scale=1", "initial-scale=1, user-scalable=no", Kind.ZOOM_OFF),
        ("initial-scale=1", "initial-scale=1, maximum-scale=1", Kind.ZOOM_OFF),
        ("h2>", "h4>", Kind.HEADING_SKIPS),
        ("<h1>Bread</h1>", "", Kind.HEADING_FIRST),
        ("<h1>Bread</h1>", "<h1>Bread</h1><h2>&nbsp;</h2>", Kind.HEADING_EMPTY),
        (' alt="A loaf on a board"', "", Kind.ALT_MISSING),
        ("A loaf on a board", "IMG_2031.jpeg", Kind.ALT_POOR),
        ("A loaf on a board", "Billede", Kind.ALT_POOR),
        ("menu for the week", "", Kind.LINK_EMPTY),
        ("menu for the week", f'<img alt="" {SIZE}>', Kind.LINK_EMPTY),
        ("padding:12px", "padding:6px", Kind.TARGET_SMALL),
        ("display:inline-block;", "", Kind.TARGET_SMALL),
        ('<table role="presentation">', "<table>", Kind.TABLE_READ_ALOUD),
        ('width="200" height="60"', 'width="600" height="2400"', Kind.MOSTLY_PICTURES),
    ],
)
def test_what_is_wrong_is_found_alone_and_in_words(old: str, new: str, kind: Kind) -> None:
    [remark] = letter_access.examine(_changed(old, new), "en")
    assert remark.kind is kind
    assert remark.sentence
    assert remark.severity in {Severity.INFO, Severity.WARN, Severity.ERROR}


@pytest.mark.parametrize(
    ("spoken", "words"),
    [
        ("en", "Click here"), ("en", "here"), ("en", "Read more »"), ("da", "her"), ("da", "Klik her!"),
        ("nb", "Les mer"), ("sv", "Klicka här"), ("pl", "Kliknij tutaj"), ("ru", "здесь"), ("ru", "Подробнее…"),
        ("de", "hier"), ("de", "Klicken Sie hier"), ("en", " <b>click</b>\n here "),
    ],
)  # fmt: skip
def test_a_link_that_does_not_say_where_it_leads_is_a_mild_hint(spoken: str, words: str) -> None:
    page = _changed("menu for the week", words).replace('lang="en"', f'lang="{spoken}"')
    [remark] = letter_access.examine(page, spoken)
    assert (remark.kind, remark.severity) == (Kind.LINK_VAGUE, Severity.INFO)


@pytest.mark.parametrize("words", ["more about bread", "here we are", "mehr Brot", "læs mere om brød", "link to Oslo"])
def test_a_link_that_says_more_is_fine(words: str) -> None:
    assert _kinds(_changed("menu for the week", words)) == []


def test_a_label_says_where_a_link_leads() -> None:
    assert _kinds(_changed('/menu">menu for the week', '/menu" aria-label="The menu">here')) == []
    assert _kinds(_changed("menu for the week", f'<img alt="The menu" {SIZE}>')) == []


@pytest.mark.parametrize(("said", "spoken"), [("no", "nb"), ("nb-NO", "nb"), ("en-GB", "en"), ("EN", "en")])
def test_one_language_may_be_called_by_several_names(said: str, spoken: str) -> None:
    assert _kinds(_changed('lang="en"', f'lang="{said}"'), spoken) == []


def test_a_part_in_another_language_is_fine_when_it_says_so() -> None:
    assert _kinds(_changed("<p>We", '<p lang="da">Vi bager.</p><p>We')) == []


def test_a_long_letter_wants_headings() -> None:
    page = _changed("<h1>Bread</h1>", "").replace("<h2>Prices</h2>", "")
    assert _kinds(page) == []
    assert _kinds(page.replace("and you may watch", "and you may watch " * 60)) == [Kind.HEADINGS_NONE]


def test_what_is_hidden_is_not_asked_about() -> None:
    hidden = (
        '<div style="display:none"><h5>x</h5><img src="a.png"><a href="/x"></a><table><tr><td>x</td></tr></table></div>'
    )
    assert _kinds(_changed("<h1>Bread</h1>", f"<h1>Bread</h1>{hidden}")) == []


def test_a_phone_may_have_larger_buttons() -> None:
    small = BUTTON.replace("padding:12px 24px", "padding:4px").replace("<a ", '<a class="b" ')
    css = "<style>@media (max-width: 520px) { .b { padding: 12px !important } }</style></head>"
    page = _changed(BUTTON, small)
    assert _kinds(page) == [Kind.TARGET_SMALL]
    assert _kinds(page.replace("</head>", css)) == []


def test_the_room_around_a_button_must_be_part_of_it() -> None:
    cell = '<table role="presentation"><tr><td bgcolor="#1f6f54" style="padding:{}">{}</td></tr></table>'
    link = (
        '<a href="https://x.example/buy" style="display:block;padding:{};line-height:20px;color:#fff">Buy the bread</a>'
    )
    assert _kinds(_changed(BUTTON, cell.format("12px", link.format("0")))) == [Kind.TARGET_SMALL]
    assert _kinds(_changed(BUTTON, cell.format("0", link.format("12px")))) == []


def test_an_icon_is_a_target_and_a_wide_picture_is_none() -> None:
    icon = '<a href="https://x.example/f"><img src="f.png" alt="Follow us" width="{}" height="{}"></a>'
    assert _kinds(_changed(BUTTON, icon.format(24, 24))) == [Kind.TARGET_SMALL]
    assert _kinds(_changed(BUTTON, icon.format(44, 44))) == []
    assert _kinds(_changed(BUTTON, icon.format(120, 30))) == []


def test_a_remark_names_its_block() -> None:
    page = _changed(BUTTON, f'<div data-block="b7">{BUTTON.replace("12px", "2px")}</div>')
    [remark] = letter_access.examine(page, "en")
    assert (remark.block, remark.where) == ("b7", "Buy the bread")
    assert remark.sentence == "“Buy the bread” is 28 px high; a thumb needs 44."


def test_tables_of_the_layout_are_counted_once_a_block() -> None:
    table = "<table><tr><td>x</td></tr></table>"
    page = _changed(BUTTON, f'<div id="block-a">{table * 3}</div><div id="block-b">{table}</div>')
    found = letter_access.examine(page, "en")
    assert [(remark.block, remark.sentence.split(" ")[0]) for remark in found] == [("a", "3"), ("b", "1")]


@pytest.mark.parametrize("html", ["", " ", "\x00", "words", "<p", "<a href=x>", "<h1>", "<img>", "<table><th>"])
def test_a_fragment_is_read_as_well(html: str) -> None:
    letter_access.examine(html, "en")


@pytest.mark.parametrize(
    "html",
    [
        "<a href=x>y" * 9_000,
        "<table><tr><td>" * 6_000,
        "<h1>" * 25_000,
        "<h1></h1><h4>x</h4>" * 5_000,
        "<img>" * 20_000,
    ],
    ids=["links", "tables", "headings", "skips", "pictures"],
)
def test_a_hostile_letter_takes_no_time(html: str) -> None:
    start = time.process_time()
    letter_access.examine(html, "en")
    assert time.process_time() - start < 2


def test_a_letter_too_large_to_be_read_is_unknown() -> None:
    [remark] = letter_access.examine("<p>" * 20_001, "en")
    assert (remark.kind, remark.severity) == (Kind.UNREAD, Severity.UNKNOWN)


@given(st.text(alphabet=st.sampled_from("<>/=\"' ahrefimgltd1{}:;#\x00\ud800é"), max_size=200))
def test_nothing_raises(text: str) -> None:
    letter_access.examine(text, "en")
    letter_access.examine(GOOD.replace("Bread", text), "en")
