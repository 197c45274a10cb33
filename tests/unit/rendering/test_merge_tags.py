"""What the check panel says about merge tags."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from listkeeper.rendering import merge_tags
from listkeeper.rendering.content import Letter
from listkeeper.rendering.merge_tags import Fault, Part

Making = Callable[..., Letter]
F = Fault


@pytest.mark.parametrize(
    ("markdown", "faults"),
    [
        ("Nothing", []),
        ("{{ subscriber.first_name }}", [(F.NO_FALLBACK, "subscriber.first_name")]),
        ("{{ subscriber['first_name'] }}", [(F.NO_FALLBACK, "subscriber.first_name")]),
        ("{{ subscriber.first_name | default: 'du' }}", []),
        ("{{ sender.name }} {{ links.web_view }} {{ letter.subject }}", []),
        ("{% if subscriber.city %}{{ subscriber.city }}{% endif %}", []),
        ("{% if subscriber.city %}x{% else %}{{ subscriber.city }}{% endif %}", [(F.NO_FALLBACK, "subscriber.city")]),
        ("{% if subscriber.city %}{{ subscriber.name }}{% endif %}", [(F.NO_FALLBACK, "subscriber.name")]),
        ("{% unless subscriber.city %}{{ subscriber.city }}{% endunless %}", [(F.NO_FALLBACK, "subscriber.city")]),
        ("{% case subscriber.city %}{% when 'A' %}{{ subscriber.city }}{% endcase %}", []),
        ("{% assign n = subscriber.name %}{{ n }}", [(F.NO_FALLBACK, "subscriber.name")]),
        ("{% assign n = subscriber.name | default: 'x' %}{{ n }}", []),
        ("{{ subscriber.nme }}", [(F.UNKNOWN_NAME, "subscriber.nme"), (F.NO_FALLBACK, "subscriber.nme")]),
        ("{{ subscriber }} {{ now }}", [(F.UNKNOWN_NAME, "subscriber"), (F.UNKNOWN_NAME, "now")]),
        ("{{ sender[letter.subject] }}", [(F.UNKNOWN_NAME, "sender[letter.subject]")]),
        ("{% for i in (1..3) %}{{ i }}{{ forloop.index }}{% endfor %}", []),
        ("{% for links in (1..3) %}{{ links }}{% endfor %}", [(F.TAKEN_NAME, "links")]),
        ("{% assign subscriber = 'x' %}", [(F.TAKEN_NAME, "subscriber")]),
        ("{{ sender.name | safe }}", [(F.UNKNOWN_FILTER, "safe")]),
        ("{{ sender.name | date: '%Y' }}", [(F.UNKNOWN_FILTER, "date")]),
        ("{% if sender.name %}", [(F.NOT_CLOSED, "if")]),
        ("x {% endif %}", [(F.NOT_CLOSED, "endif")]),
        ("{% if sender.name %}{% endfor %}{% endif %}", [(F.NOT_CLOSED, "endfor")]),
        ("{% else %}", [(F.NOT_CLOSED, "else")]),
        ("{% case sender.name %}{% elsif x %}{% endcase %}", [(F.NOT_CLOSED, "elsif")]),
    ],
)
def test_each_fault_is_found_and_named(letter_of: Making, markdown: str, faults: list[tuple[Fault, str]]) -> None:
    remarks = merge_tags.examine(letter_of(markdown, subject="x", preheader=""))
    assert [(remark.fault, remark.subject) for remark in remarks] == faults


@pytest.mark.parametrize(
    "markdown",
    [
        "{{ x",
        "{{ }}",
        "{{ a b }}",
        "{% raw %}{{ x }}{% endraw %}",
        "{% doc %}x{% enddoc %}",
        "{% comment %}x{% endcomment %}",
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{% capture x %}y{% endcapture %}",
        "{% liquid echo x %}",
        "{% # note %}",
        "{%  %}",
    ],
)
def test_what_liquid_or_we_do_not_read_is_broken(letter_of: Making, markdown: str) -> None:
    remarks = merge_tags.examine(letter_of(f"fine\n\n{markdown}", subject="x"))
    assert [(remark.fault, remark.line, remark.part) for remark in remarks] == [(F.BROKEN, 3, Part.MARKDOWN)]


def test_a_remark_says_where(letter_of: Making) -> None:
    letter = letter_of(
        "a\n\nb {{ subscriber.nme | default: 'x' }}", subject="{{ nobody }}", preheader="{{ subscriber.city }}"
    )
    sentences = [remark.sentence for remark in merge_tags.examine(letter)]
    assert sentences == [
        "The subject: {{ nobody }} asks for nobody, which nobody knows.",
        (
            "The preheader: {{ subscriber.city }} leaves a hole when subscriber.city is not known. "
            "Give it a word to fall back on."
        ),
        "Line 3: {{ subscriber.nme | default: 'x' }} asks for subscriber.nme, which nobody knows.",
    ]


def test_every_fault_has_a_sentence(letter_of: Making) -> None:
    for fault in Fault:
        remark = merge_tags.Remark(fault, Part.MARKDOWN, 3, "{{ x }}", "x")
        assert remark.sentence.startswith("Line 3: ")
        assert "{{ x }}" in remark.sentence


def test_keys_of_the_list_are_known(letter_of: Making) -> None:
    letter = letter_of("{{ subscriber.cake | default: 'x' }}", subject="x")
    assert merge_tags.examine(letter, ["cake"]) == []
    assert [remark.fault for remark in merge_tags.examine(letter)] == [F.UNKNOWN_NAME]


def test_many_tags_are_read_in_reasonable_time(letter_of: Making) -> None:
    letter = letter_of("{{ subscriber.name }} {% if subscriber.city %}x{% endif %}\n" * 2_000, subject="x")
    remarks = merge_tags.examine(letter)
    assert len(remarks) == 2_000
    assert remarks[-1].line == 2_000
