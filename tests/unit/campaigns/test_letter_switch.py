"""Another way to write: what the target cannot hold is named, and nothing is lost."""

from __future__ import annotations

import pytest

from listkeeper.campaigns import letter_fix, letter_switch
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import document
from listkeeper.rendering.document import Mode

MARKDOWN = """# Hej {{ subscriber.first_name | default: "du" }}

A **b**, *c*, ~~d~~ and [a link](https://x.example/a?b=1).

- one
- two

![words](https://x.example/y.png)

> quoted

---

{% if subscriber.city %}

For {{ subscriber.city }}.

{% endif %}
"""


def test_markdown_becomes_blocks_and_comes_back() -> None:
    there = letter_switch.switched(Draft("s", "p", MARKDOWN), Mode.BLOCKS)
    kinds = [block.type for block in there.blocks]
    assert kinds == ["heading", "text", "image", "quote", "divider", "text"]
    back = letter_switch.switched(there, Mode.MARKDOWN)
    again = letter_switch.switched(back, Mode.BLOCKS)
    assert [each.model_dump(exclude={"id"}) for each in again.blocks] == [
        each.model_dump(exclude={"id"}) for each in there.blocks
    ]
    assert (back.subject, back.preheader) == ("s", "p")


@pytest.mark.parametrize(
    ("markdown", "named"),
    [
        ("| a |\n|---|\n| b |", "a table"),
        ("```\ncode\n```", "code in the text"),
        ("some `code`", "code in the text"),
        ("<div>x</div>", "HTML in the text"),
        ("a <b>x</b>", "HTML in the text"),
        ("words ![a](https://x.example/a.png) words", "a picture inside a paragraph"),
        ("- # head", "a headline inside a list"),
    ],
)
def test_what_blocks_cannot_hold_is_named(markdown: str, named: str) -> None:
    with pytest.raises(Invalid) as loses:
        letter_switch.switched(Draft("s", "p", markdown), Mode.BLOCKS)
    assert loses.value.code == "switch_loses"
    assert named in loses.value.message
    assert "Nothing was changed" in loses.value.message


@pytest.mark.parametrize(
    "kind",
    [
        "button",
        "columns",
        "offer",
        "social",
        "sponsored",
        "taps",
        "rss",
        "header",
        "spacer",
        "poll",
        "guidance",
        "question",
    ],
)
def test_what_markdown_cannot_hold_is_named(kind: str) -> None:
    draft = Draft("s", "p", mode=Mode.BLOCKS, blocks=document.blocks_of([{"id": "b0000000001", "type": kind}]))
    for mode in (Mode.MARKDOWN, Mode.HTML):
        with pytest.raises(Invalid) as loses:
            letter_switch.switched(draft, mode)
        assert loses.value.code == "switch_loses"


def test_own_html_does_not_go_back() -> None:
    for mode in (Mode.MARKDOWN, Mode.BLOCKS):
        with pytest.raises(Invalid, match="style rules, tables"):
            letter_switch.switched(Draft("s", "p", mode=Mode.HTML, html="<style>x</style><table></table>"), mode)


def test_to_the_same_mode_nothing_changes() -> None:
    draft = Draft("s", "p", MARKDOWN)
    assert letter_switch.switched(draft, Mode.MARKDOWN) is draft


def test_markdown_becomes_html_with_its_tags() -> None:
    html = letter_switch.switched(Draft("s", "p", MARKDOWN), Mode.HTML).html
    assert '{{ subscriber.first_name | default: "du" }}' in html
    assert "{% if subscriber.city %}" in html
    with pytest.raises(Invalid) as torn:
        letter_switch.switched(Draft("s", "p", "{% if subscriber.city %}\n\nx"), Mode.HTML)
    assert torn.value.code == "merge_tag_not_closed"


def test_a_fix_mends_what_leaves_no_doubt_and_only_there() -> None:
    blocks = document.blocks_of(
        [
            {"id": "b0000000001", "type": "heading", "text": "Hej {{ subscriber.name }}"},
            {"id": "b0000000002", "type": "button", "label": "{{ subscriber.name }}", "href": "http://x.example/"},
        ]
    )
    draft = Draft("{{ subscriber.city }}", "", mode=Mode.BLOCKS, blocks=blocks)
    mended = letter_fix.mended(draft, "P1", "b0000000001")
    assert mended.blocks[0].text == 'Hej {{ subscriber.name | default: "" }}'  # type: ignore[union-attr]
    assert mended.blocks[1] == draft.blocks[1]
    assert letter_fix.mended(draft, "P1", "subject").subject == '{{ subscriber.city | default: "" }}'
    assert letter_fix.mended(draft, "L1a", "b0000000002").blocks[1].href == "https://x.example/"  # type: ignore[union-attr]
    assert letter_fix.mended(draft, "C4", "preheader").preheader == "Hej"
    with pytest.raises(Invalid):
        letter_fix.mended(draft, "G7", "")
