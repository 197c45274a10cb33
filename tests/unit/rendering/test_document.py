"""The document is closed: what nobody knows is refused by name, and what is half-written is kept."""

from __future__ import annotations

from typing import Any

import pytest

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import document
from listkeeper.rendering.document import ButtonBlock, Mode, TextBlock

ONE = "b0000000001"


def test_a_document_comes_back_as_it_went() -> None:
    blocks = [
        {"id": f"b{place:010x}", "type": kind.model_fields["type"].default} for place, kind in enumerate(document.TYPES)
    ]
    made = document.document_of({"subject": "Hej", "blocks": blocks})
    assert made.mode is Mode.BLOCKS
    assert [block.type for block in made.blocks] == [each["type"] for each in blocks]
    assert document.document_of(made.model_dump(mode="json")) == made


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ONE, "type": "text", "htm": "x"},
        {"id": ONE, "type": "marquee"},
        {"id": "1", "type": "text"},
        {"id": ONE, "type": "spacer", "height": 4000},
        {"id": ONE, "type": "heading", "level": 7},
        {"id": ONE, "type": "button", "label": "x" * 5000},
        {"id": ONE, "type": "sponsored", "country": "denmark"},
        {"type": "text"},
        [],
        None,
        "text",
    ],
)
def test_a_block_that_nobody_knows_is_refused(wrong: Any) -> None:  # noqa: ANN401
    with pytest.raises(Invalid) as refused:
        document.block_of(wrong)
    assert refused.value.code == "document_refused"
    assert "What was saved before is still there" in refused.value.message


def test_the_refusal_names_the_block_and_the_field() -> None:
    with pytest.raises(Invalid) as refused:
        document.block_of({"id": ONE, "type": "button", "align": "upwards"})
    assert refused.value.place == ONE
    assert "align" in refused.value.message


def test_half_an_address_is_kept_for_its_writer() -> None:
    made = document.block_of({"id": ONE, "type": "button", "label": "Se", "href": " https://kor "})
    assert isinstance(made, ButtonBlock)
    assert made.href == "https://kor"


def test_no_two_blocks_have_one_name() -> None:
    twice = [{"id": ONE, "type": "divider"}, {"id": ONE, "type": "divider"}]
    with pytest.raises(Invalid, match="same id"):
        document.blocks_of(twice)
    with pytest.raises(Invalid, match="same id"):
        document.document_of({"blocks": twice})


def test_a_letter_has_a_most_of_blocks() -> None:
    many = [{"id": f"b{place:010x}", "type": "divider"} for place in range(document.MOST_BLOCKS + 1)]
    with pytest.raises(Invalid):
        document.blocks_of(many)


def test_rich_text_is_cleaned_on_its_way_in() -> None:
    made = document.block_of({"id": ONE, "type": "text", "html": "<p onclick=x>Hi <script>alert(1)</script></p>"})
    assert isinstance(made, TextBlock)
    assert made.html == "<p>Hi </p>"


def test_every_text_of_a_block_is_named() -> None:
    made = document.block_of(
        {"id": ONE, "type": "columns", "left": {"title": "L", "html": "<p>l</p>"}, "right": {"label": "R", "href": "x"}}
    )
    assert list(document.texts(made)) == [
        ("left.title", "L"),
        ("left.html", "<p>l</p>"),
        ("right.label", "R"),
        ("right.href", "x"),
    ]


def test_the_schema_can_be_published() -> None:
    schema = document.Document.model_json_schema()
    assert schema["additionalProperties"] is False
    assert {"subject", "preheader", "mode", "theme", "blocks", "markdown", "html"} <= set(schema["properties"])
