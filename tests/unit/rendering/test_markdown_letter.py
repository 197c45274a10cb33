"""Markdown becomes safe HTML: what is wanted comes through, nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import markdown_letter, protect


def _html(markdown: str) -> str:
    hidden, tokens = protect.hide(markdown)
    return tokens.restore(markdown_letter.finished(markdown_letter.draft(hidden, tokens), tokens)).strip()


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# A *b*", "<h1>A <em>b</em></h1>"),
        ("a\nb  \nc", "<p>a\nb<br>\nc</p>"),
        ("~~x~~", "<p><s>x</s></p>"),
        ("[x](https://a.example 'T')", '<p><a href="https://a.example" title="T">x</a></p>'),
        ("![x](https://a.example/p.png)", '<p><img src="https://a.example/p.png" alt="x"></p>'),
        ("a <b>b</b> <u>c</u>", "<p>a <b>b</b> <u>c</u></p>"),
        ("`<b>` & é", "<p><code>&lt;b&gt;</code> &amp; é</p>"),
        ("---", "<hr>"),
        ("<!-- a note -->\n\nb", "<p>b</p>"),
        ("a <!-- note --> b", "<p>a  b</p>"),
        ("<!--[if mso]><b>x</b><![endif]-->y", "y"),
        ("<p onclick=x class=y style='color:red' title=t>z</p>", '<p title="t">z</p>'),
        ("<div align=right lang=da>z</div>", '<div lang="da">z</div>'),
    ],
)
def test_what_is_written_comes_out(markdown: str, html: str) -> None:
    assert _html(markdown) == html


def test_a_table_keeps_its_alignment_and_nothing_more() -> None:
    html = _html("| a | b |\n|---|--:|\n| c | d |")
    assert '<td style="text-align:right">d</td>' in html
    assert (
        _html('<table><tbody><tr><td style="text-align:right;position:fixed">x</td></tr></tbody></table>').count(
            "style"
        )
        == 1
    )


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<iframe src=https://a.example>",
        "<form action=https://a.example><input></form>",
        "<object data=x>",
        "<embed src=x>",
        "<base href=https://a.example>",
        "<meta http-equiv=refresh content='0;url=https://a.example'>",
        "<link rel=stylesheet href=https://a.example>",
        "<style>body{display:none}</style>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='  java\nscript:alert(1)'>x</a>",
        "[x](JaVaScRiPt:alert(1))",
        "[x](vbscript:x)",
        "<a href=data:text/html,x>x</a>",
        "<math><mi xlink:href='javascript:x'>",
        "<!--><script>alert(1)</script>",
        "<!--!> <img src=x onerror=alert(1)>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?php echo 1 ?><script>alert(1)</script>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<textarea><script>alert(1)</script></textarea>",
        "<img src='https://a.example/x.png' srcset='x'>",
        "<p style='x:expression(1)'>",
        "<a title='<!--'>x</a><a title='--> onclick=alert(1) x'>y</a>",
        "</ script><script>alert(1)</script>",
    ],
)
def test_an_attack_becomes_harmless(attack: str) -> None:
    html = _html(f"before\n\n{attack}\n\nafter {attack} end")
    root = lxml_html.fragment_fromstring(html, create_parent="div")
    allowed = {"div", "p", "a", "img", "br"}
    assert {element.tag for element in root.iter()} <= allowed
    for element in root.iter():
        assert set(element.attrib) <= {"href", "src", "alt", "title"}
        assert (element.get("href") or "https:").startswith(("https:", "http:", "mailto:", "tel:"))
    assert "<!--" not in html


@given(st.text(alphabet=st.sampled_from("<>!-/[]if mso scrptonae=\"'x&;#()\n`*_?{}%"), max_size=80))
def test_no_text_makes_a_comment_a_script_or_a_handler(markdown: str) -> None:
    try:
        html = _html(markdown)
    except Invalid:
        return
    root = lxml_html.fragment_fromstring(html, create_parent="div")
    for element in root.iter():
        assert isinstance(element.tag, str), "a comment came through"
        assert element.tag not in {"script", "style", "iframe", "form"}
        assert not any(name.startswith("on") for name in element.attrib)
