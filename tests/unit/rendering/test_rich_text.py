"""Pasted text becomes plain rich text, and merge tags come out byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.rendering import foreign_tags, markdown_words, rich_text

WORD = (
    '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal{margin:0}</style></head><body>'
    "<!--StartFragment--><p class=MsoNormal style='mso-margin-top-alt:auto'><b style='mso-bidi'>"
    "<span lang=DA style='font-family:\"Calibri\"'>Nyt brød<o:p></o:p></span></b></p>"
    '<p class=MsoNormal>fra <i>ovnen</i> og <a href="https://korn.example/x" style="color:red">mere</a>'
    "<![if !supportEmptyParas]>&nbsp;<![endif]><o:p></o:p></p><!--EndFragment--></body></html>"
)
DOCS = (
    '<meta charset="utf-8"><b style="font-weight:normal;" id="docs-internal-guid-1">'
    '<p dir="ltr" style="line-height:1.38">'
    '<span style="font-size:11pt;font-weight:700">Hej</span></p><ul style="margin-top:0"><li dir="ltr" aria-level="1">'
    '<p dir="ltr" role="presentation"><span>En</span></p></li></ul></b><br class="Apple-interchange-newline">'
)


def test_word_is_cleaned() -> None:
    made = rich_text.clean(WORD)
    assert "Nyt brød" in made
    assert "<em>ovnen</em>" in made
    assert '<a href="https://korn.example/x">mere</a>' in made
    for gone in ("Mso", "style", "class", "<o:", "<span", "<!--", "calibri", "StartFragment"):
        assert gone.lower() not in made.lower()


def test_google_docs_is_cleaned() -> None:
    made = rich_text.clean(DOCS)
    assert "Hej" in made
    assert "<li>" in made
    assert "En" in made
    for gone in ("docs-internal", "style", "dir=", "<span", "<meta", "role"):
        assert gone not in made


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<a href="JaVa\tscript:alert(1)">x</a>',
        "<img src=x onerror=alert(1)>",
        "<form action='https://evil.example'><input name=a></form>",
        "<svg><script>1</script></svg>",
        "<iframe src='https://evil.example'></iframe>",
        "<style>p{position:fixed}</style>",
        "<p style='background:url(javascript:1)'>x</p>",
    ],
)
def test_what_runs_loads_or_submits_goes(bad: str) -> None:
    made = rich_text.clean(f"<p>a {bad} b</p>").lower()
    for gone in ("script", "data:", "onerror", "<img", "<form", "<input", "<svg", "<iframe", "style"):
        assert gone not in made


def test_plain_words_become_paragraphs() -> None:
    assert rich_text.clean("Tom & Åse\n\nsay hi &amp; bye") == "<p>Tom &amp; Åse</p><p>say hi &amp; bye</p>"


_TAGS = st.sampled_from(
    [
        '{{ subscriber.first_name | default: "a > b & c" }}',
        "{{ subscriber.name }}",
        "{% if subscriber.city %}",
        "{% endif %}",
        "{{ links.web_view }}",
        "{{  subscriber.city|upcase  }}",
    ]
)
_PIECES = st.sampled_from(
    ["<p>a</p>", "<strong>", "</strong>", "x & y", " <br>", "<ul><li>", "</li></ul>", "<", "&lt;", "\n"]
)


@given(st.lists(st.one_of(_TAGS, _PIECES), max_size=20))
def test_tags_come_out_byte_for_byte_and_cleaning_twice_changes_nothing(pieces: list[str]) -> None:
    source = "".join(pieces)
    made = rich_text.clean(source)
    wanted = [piece for piece in pieces if piece.startswith(("{{", "{%"))]
    place = 0
    for tag in wanted:
        place = made.index(tag, place) + len(tag)
    assert rich_text.clean(made) == made


def test_tags_of_other_products_are_translated_and_told() -> None:
    told: list[tuple[str, str]] = []
    made = foreign_tags.translated(
        "*|FNAME|* %FIRSTNAME% {{ contact.FIRSTNAME }} {$name} {{ .Subscriber.FirstName }} *|MC:SUBJECT|* *|WHAT|*",
        lambda theirs, ours: told.append((theirs, ours)),
    )
    assert made.count("subscriber.first_name") == 4
    assert "{{ subscriber.name" in made
    assert "{{ letter.subject }}" in made
    assert made.endswith("*|WHAT|*")
    assert ("*|WHAT|*", "") in told


def test_rich_text_as_markdown_and_back_says_the_same() -> None:
    html = '<p>A <strong>b</strong>, <em>c</em> a_b*c [d]</p><ul><li>one</li><li>two</li></ul><p><a href="https://x.example/">l</a></p>'
    assert markdown_words.of(html) == ("A **b**, *c* a\\_b\\*c \\[d\\]\n\n- one\n- two\n\n[l](<https://x.example/>)")
