"""HTML of the owner's own: its rules and tables stay; what runs, loads, submits or redirects does not."""

from __future__ import annotations

import pytest

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import compiled, filling
from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import Mode
from tests.unit.rendering.conftest import READER, SENDER

PAGE = (
    "<!DOCTYPE html><html lang='da'><head><title>x</title><meta http-equiv=refresh content='0;url=https://evil.example'>"
    "<style>.a { color: #aa0000 } @media (max-width: 500px) { .a { color: #00aa00 !important } }</style></head>"
    "<body bgcolor='#ffffff' class='own'>{body}</body></html>"
)


def letter(body: str) -> Letter:
    """Return a letter in HTML of one's own."""
    return Letter("Hej", "", "", "da", SENDER, mode=Mode.HTML, html=PAGE.replace("{body}", body))


def html_of(body: str) -> str:
    """Return what a reader gets of it."""
    return filling.fill(compiled.compile_letter(letter(body)), READER).html


def test_rules_are_inlined_and_media_rules_kept() -> None:
    made = html_of('<p class="a">Hej {{ subscriber.first_name | default: "du" }}</p>')
    assert 'style="color:#a00"' in made
    assert "@media (max-width: 500px)" in made
    assert "Hej Åse" in made
    assert READER.unsubscribe_url.replace("&", "&amp;") in made
    assert "Kaffe Fuglsang ApS" in made


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror='alert(1)'>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<a href=' java\nscript:alert(1)'>x</a>",
        "<img src='data:image/png;base64,AAAA'>",
        "<form action='https://evil.example'><input name=card><button>go</button></form>",
        "<iframe src='https://evil.example'></iframe>",
        "<object data='https://evil.example'></object>",
        "<base href='https://evil.example/'>",
        "<link rel=stylesheet href='https://evil.example/x.css'>",
        "<meta http-equiv=refresh content='0;url=https://evil.example'>",
        "<svg onload=alert(1)><a xlink:href='javascript:1'>x</a></svg>",
        "<p style='background:url(javascript:alert(1))'>x</p>",
        "<p style='width:expression(alert(1))'>x</p>",
        "<style>@import url('https://evil.example/x.css'); p { behavior: url(#x) }</style>",
        "<!--[if mso]><script>alert(1)</script><![endif]-->",
        "<video src='https://evil.example/v' autoplay></video>",
        "<math><mtext><script>1</script></mtext></math>",
        "<div contenteditable onfocus=alert(1) autofocus>x</div>",
        "<td background='javascript:1'>x</td>",
    ],
)
def test_what_runs_loads_submits_or_redirects_goes(bad: str) -> None:
    made = html_of(f"<p>before</p>{bad}<p>after</p>").lower()
    assert "before" in made
    assert "after" in made
    for gone in (
        "<script", "javascript", "evil.example", "onerror", "onload", "onfocus", "data:", "<form", "<input", "<iframe",
        "expression(", "behavior", "refresh", "<svg", "<video", "<object", "@import",
    ):  # fmt: skip
        assert gone not in made


def test_comments_that_outlook_reads_stay_and_others_go() -> None:
    made = html_of(
        "<!--[if mso]><table><tr><td><![endif]--><p>x</p><!--[if mso]></td></tr></table><![endif]--><!-- secret -->"
    )
    assert "<!--[if mso]><table><tr><td><![endif]-->" in made
    assert "secret" not in made


def test_a_link_is_counted_once_and_one_for_outlook_alone_is_left_in_peace() -> None:
    made = compiled.compile_letter(
        letter(
            "<!--[if mso]><a href='https://a.example/mso'>x</a><![endif]--><p><a href='https://a.example/1'>one</a></p>"
        )
    )
    assert made.links == ("https://a.example/1",)
    assert len(made.html_links) == len(made.text_links) == 1


def test_a_layout_table_is_read_in_order() -> None:
    body = (
        "<table role='presentation'><tr><td><p>First</p></td><td><p>Second</p></td></tr></table>"
        "<table><tr><th>Day</th><th>Hour</th></tr><tr><td>Mon</td><td>7</td></tr></table>"
    )
    text = compiled.compile_letter(letter(body)).text_body
    assert text.index("First") < text.index("Second")
    assert "First  Second" not in text
    assert "Day  Hour" in text or "Day Hour" in text


def test_a_tag_across_a_row_keeps_its_place() -> None:
    body = "<table>\n{% if subscriber.city %}\n<tr><td>{{ subscriber.city }}</td></tr>\n{% endif %}\n</table>"
    assert "<td>Aarhus</td>" in html_of(body).replace('<td style="">', "<td>")


def test_a_tag_in_the_head_is_named() -> None:
    html = "<html><head><style>p { color: {{ subscriber.name }} }</style></head><body><p>x</p></body></html>"
    with pytest.raises(Invalid) as refused:
        compiled.compile_letter(Letter("Hej", "", "", "da", SENDER, mode=Mode.HTML, html=html))
    assert refused.value.code == "merge_tag_lost"


@pytest.mark.parametrize("broken", ["", "<", "<p", "<!--", "</", "<p><table><p></table>", "&#0;", "\x01"])
def test_broken_html_is_a_letter_or_a_sentence(broken: str) -> None:
    try:
        made = filling.fill(
            compiled.compile_letter(Letter("Hej", "", "", "da", SENDER, mode=Mode.HTML, html=broken)), READER
        )
    except Invalid:
        return
    assert READER.reason in made.text.replace("\n", " ")
