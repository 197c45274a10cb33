"""Property: merge tags in any legal places come out of compiling byte for byte, in their order, in both parts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.rendering import compiled, filling, inline, merge_tags, protect
from tests.unit.rendering.conftest import LETTER, READER

_WORDS = st.sampled_from(
    [
        "friend",
        "a > b",
        "<b>",
        "Tom & Åse's",
        "100 %",
        "é–…",
        "*star* _under_",
        "[x](y)",
        "|",
        "`code`",
        "http://x.example",
        "\\",
    ]
)
_NAMES = st.sampled_from(
    ["subscriber.first_name", "subscriber['city']", "sender.name", "letter.subject", "subscriber.name"]
)
_PLACES = [
    "# Head {0}\n",
    "Text {0} and {1}.\n",
    "**bold {0}** and _{1}_ *x*{0}\n",
    "[link {0}](https://a.example/{{x}}?a=1&b=2)\n".replace("{{x}}", "x"),
    "- item {0}\n- {1}\n  - inner {0}\n",
    "1. {0}\n\n2. {1}\n",
    "> quote {0}\n>\n> > {1}\n",
    "| a {0} | b |\n|---|--:|\n| {1} | c |\n",
    "```\ncode {0}\n```\n",
    "    indented {0}\n",
    "`inline {0}` {1}\n",
    "![picture {0}](https://a.example/p.png)\n",
    "{0}\n",
    "{0}{1}{0}\n",
    "Hard  \nbreak {0}\\\n{1}\n",
    "<div>raw {0} <b>{1}</b></div>\n",
    "~~{0}~~ x{1}y\n",
]
_AROUND = [
    "{0}\n{1}\n{2}\n",
    "{0}\n\n{1}\n\n{2}\n",
    "before {0}in{2} after\n",
    "- a {0}b{2} c\n",
    "# {0}Head{2}\n",
    "[{0}text{2}](https://a.example)\n",
    "> {0}\n> x\n> {2}\n",
    "**{0}bold{2}**\n",
    "<table><tbody>{0}<tr><td>x</td></tr>{2}</tbody></table>\n",
]


@st.composite
def _outputs(draw: st.DrawFn) -> str:
    name = draw(_NAMES)
    quote = draw(st.sampled_from(['"', "'"]))
    word = draw(_WORDS).replace(quote, "").replace("\\", "")
    filters = draw(
        st.sampled_from(["", f" | default: {quote}{word}{quote}", f" | append: {quote}{word}{quote} | upcase"])
    )
    space = draw(st.sampled_from(["", " ", "  ", "\n"]))
    dash = draw(st.sampled_from(["", "-"]))
    return f"{{{{{dash}{space}{name}{filters}{space}{dash}}}}}"


@st.composite
def _conditions(draw: st.DrawFn) -> tuple[str, str]:
    name, word = draw(_NAMES), draw(_WORDS).replace('"', "").replace("\\", "")
    return draw(
        st.sampled_from(
            [
                (f'{{% if {name} == "{word}" %}}', "{% endif %}"),
                (f'{{%- unless {name} contains "{word}" -%}}', "{%- endunless -%}"),
                ("{% for i in (1..2) %}", "{% endfor %}"),
                (f"{{% if {name} != blank and 2 > 1 %}}", "{% endif %}"),
            ]
        )
    )


@st.composite
def _markdown(draw: st.DrawFn) -> str:
    blocks = []
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            place = draw(st.sampled_from(_PLACES))
            blocks.append(place.format(draw(_outputs()), draw(_outputs())))
        else:
            opens, closes = draw(_conditions())
            place = draw(st.sampled_from(_AROUND))
            middle = draw(_outputs()) if "{1}" in place else ""
            blocks.append(place.format(opens, middle, closes))
    link = draw(st.sampled_from(["", "[out]({{ links.unsubscribe }})\n", "[a]({{links.web_view}} 'title')\n"]))
    return "\n".join([*blocks, link])


@given(markdown=_markdown())
def test_tags_come_out_byte_for_byte(markdown: str) -> None:
    written = [tag.source for tag in merge_tags.scan(markdown)]
    made = compiled.compile_letter(replace(LETTER, markdown=markdown))
    assert [tag.source for tag in merge_tags.scan(made.html_body)] == written
    assert [tag.source for tag in merge_tags.scan(made.text_body)] == written
    assert filling.fill(made, READER).html.count("</html>") == 1


@given(markdown=_markdown())
def test_nothing_of_a_token_is_left_behind(markdown: str) -> None:
    made = compiled.compile_letter(replace(LETTER, markdown=markdown))
    everything = "".join([made.html_body, made.text_body, *made.html_frame.pieces, *made.text_frame.pieces])
    assert not protect.TOKEN.search(everything)


def test_what_looks_like_a_token_is_a_word_like_any_other() -> None:
    forged = "LK" + "0" * 20
    made = compiled.compile_letter(replace(LETTER, markdown=f"{forged} {{{{ sender.name }}}} [x]({forged})"))
    filled = filling.fill(made, READER)
    assert f"{forged} Kaffe Fuglsang" in filled.text
    assert forged in filled.html


@pytest.mark.parametrize("where", ["&lt;!--{0}--&gt;", "<!--{0}-->", "{0}"])
def test_a_token_is_restored_in_every_dress(where: str) -> None:
    hidden, tokens = protect.hide("a {{ sender.name }} b")
    word = hidden.split()[1]
    assert tokens.restore(where.format(word)) == "{{ sender.name }}"


def test_a_control_tag_alone_on_its_line_becomes_a_comment_and_others_do_not() -> None:
    hidden, tokens = protect.hide(
        "{% if sender.name %}\n x {% if sender.name %}y{% endif %}\n {% endif %}  \n{{ sender.name }}"
    )
    lines = hidden.split("\n")
    assert lines[0] == f"<!--{tokens.words[0]}-->"
    assert lines[1] == f" x {tokens.words[1]}y{tokens.words[2]}"
    assert lines[2] == f" <!--{tokens.words[3]}-->  "
    assert lines[3] == tokens.words[4]


def test_tags_pass_the_inliner_in_a_whole_document() -> None:
    source = (
        '<!doctype html><html><head><style>p{color:red}</style></head><body><p>{{ sender.name | append: "<&>" }}</p>'
        '<table>\n{% if subscriber.city == "a > b" %}\n<tr><td>x</td></tr>\n{% endif %}\n</table>'
        '<a href="{{ links.unsubscribe }}" title="{{ sender.name }}">x</a></body></html>'
    )
    hidden, tokens = protect.hide(source)
    inlined = inline.inline_css(hidden)
    tokens.demand_all(inlined)
    restored = tokens.restore(inlined)
    assert [tag.source for tag in merge_tags.scan(restored)] == [tag.source for tag in merge_tags.scan(source)]
    assert '<p style="color:red">{{ sender.name | append: "<&>" }}</p>' in restored
    assert '<a href="{{ links.unsubscribe }}" title="{{ sender.name }}">' in restored
